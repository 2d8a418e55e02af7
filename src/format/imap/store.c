/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/store.h"

#include "format/imap/token.h"

error imap_store_parse(struct cursor *c, struct arena *arena, struct imap_store *out_store)
{
    struct cursor ahead = *c;
    struct imap_store store = {0};
    TRY(imap_take_space(&ahead));
    TRY(imap_set_parse(&ahead, arena, &store.set));
    TRY(imap_take_space(&ahead));
    if (cursor_take_byte(&ahead, '+'))
        store.mode = IMAP_STORE_ADD;
    else if (cursor_take_byte(&ahead, '-'))
        store.mode = IMAP_STORE_REMOVE;
    if (imap_try_word(&ahead, SLICE("FLAGS.SILENT")))
        store.silent = true;
    else if (!imap_try_word(&ahead, SLICE("FLAGS")))
        return error_make(ERROR_MALFORMED, "unknown STORE item");
    TRY(imap_take_space(&ahead));
    TRY(imap_flags_parse(&ahead, arena, &store.flags));
    TRY(imap_take_end(&ahead));
    *c = ahead;
    *out_store = store;
    return OK;
}
