/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/append.h"

#include "format/imap/date.h"
#include "format/imap/token.h"

error imap_append_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                        struct imap_append *out_append)
{
    struct cursor ahead = *c;
    struct imap_append append = {0};
    TRY(imap_take_space(&ahead));
    TRY(imap_mailbox_parse(&ahead, arena, form, &append.mailbox));
    TRY(imap_take_space(&ahead));
    if (cursor_peek(&ahead) == '(') {
        TRY(imap_flag_list_parse(&ahead, arena, &append.flags));
        TRY(imap_take_space(&ahead));
    }
    if (cursor_peek(&ahead) == '"') {
        TRY(imap_date_time_parse(&ahead, &append.date));
        append.dated = true;
        TRY(imap_take_space(&ahead));
    }
    int next = cursor_peek(&ahead);
    if ((next != '{' && next != '~') ||
        !imap_literal_announced(cursor_rest(&ahead), &append.literal))
        return error_make(ERROR_MALFORMED, "expected the message as a literal");
    ahead.at = ahead.end;
    *c = ahead;
    *out_append = append;
    return OK;
}
