/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/status.h"

#include "format/imap/token.h"

static const slice NAMES[] = {
#define X(name) {#name, sizeof #name - 1},
    IMAP_STATUS_ITEMS(X)
#undef X
};

static error take_item(struct cursor *c, uint32_t *items)
{
    for (unsigned i = 0; i < IMAP_STATUS_ITEM_COUNT; i++) {
        if (imap_try_word(c, NAMES[i])) {
            *items |= 1u << i;
            return OK;
        }
    }
    return error_make(ERROR_MALFORMED, "unknown STATUS item");
}

error imap_status_items_parse(struct cursor *c, uint32_t *out_items)
{
    struct cursor ahead = *c;
    uint32_t items = 0;
    bool more = true;
    TRY(imap_take_open(&ahead));
    while (more) {
        TRY(take_item(&ahead, &items));
        TRY(imap_take_next_in_list(&ahead, &more));
    }
    *c = ahead;
    *out_items = items;
    return OK;
}

error imap_status_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                        struct imap_status *out_status)
{
    struct cursor ahead = *c;
    struct imap_status status;
    TRY(imap_take_space(&ahead));
    TRY(imap_mailbox_parse(&ahead, arena, form, &status.mailbox));
    TRY(imap_take_space(&ahead));
    TRY(imap_status_items_parse(&ahead, &status.items));
    TRY(imap_take_end(&ahead));
    *c = ahead;
    *out_status = status;
    return OK;
}

void imap_status_write(slice mailbox, enum imap_name_form form, uint32_t items,
                       const uint64_t values[IMAP_STATUS_ITEM_COUNT], struct buffer *out)
{
    const char *before = " (";
    buffer_add(out, SLICE("* STATUS "));
    imap_mailbox_write(mailbox, form, out);
    for (unsigned i = 0; i < IMAP_STATUS_ITEM_COUNT; i++) {
        if (!(items & 1u << i))
            continue;
        buffer_add_string(out, before);
        buffer_add(out, NAMES[i]);
        buffer_add_byte(out, ' ');
        buffer_add_u64(out, values[i]);
        before = " ";
    }
    buffer_add(out, SLICE(")\r\n"));
}
