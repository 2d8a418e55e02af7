/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/authenticate.h"

#include "format/imap/token.h"

error imap_authenticate_parse(struct cursor *c, struct imap_authenticate *out_authenticate)
{
    struct cursor ahead = *c;
    struct imap_authenticate authenticate = {0};
    TRY(imap_take_space(&ahead));
    TRY(imap_take_atom(&ahead, &authenticate.mechanism));
    if (cursor_take_byte(&ahead, ' ')) {
        authenticate.initial_given = true;
        if (!cursor_take_byte(&ahead, '='))
            TRY(imap_take_atom(&ahead, &authenticate.initial));
    }
    TRY(imap_take_end(&ahead));
    *c = ahead;
    *out_authenticate = authenticate;
    return OK;
}
