/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/mailbox.h"

#include "base/utf8.h"
#include "format/imap/limits.h"
#include "format/imap/token.h"
#include "format/imap/write.h"
#include "format/text/utf7.h"

bool imap_mailbox_is_inbox(slice name)
{
    return slice_equal_nocase(name, SLICE("INBOX"));
}

static bool has_control(slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
            return true;
    return false;
}

/* From the wire's form to UTF-8. */
static error decode_name(slice raw, struct arena *arena, enum imap_name_form form, slice *out_name)
{
    slice name = raw;
    if (form == IMAP_NAME_UTF7 && slice_find_byte(raw, '&') >= 0) {
        struct buffer decoded;
        buffer_init(&decoded, raw.size * 2 + 1);
        error problem = utf7_decode(raw, &decoded);
        if (!failed(problem))
            problem = arena_copy(arena, buffer_slice(&decoded), &name);
        buffer_close(&decoded);
        TRY(problem);
    }
    if (name.size > IMAP_MAILBOX_NAME_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the mailbox name is too long");
    if (!utf8_is_valid(name) || has_control(name))
        return error_make(ERROR_MALFORMED, "invalid mailbox name");
    *out_name = name;
    return OK;
}

error imap_mailbox_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                         slice *out_name)
{
    struct cursor ahead = *c;
    slice name;
    TRY(imap_mailbox_reference_parse(&ahead, arena, form, &name));
    if (name.size == 0)
        return error_make(ERROR_MALFORMED, "empty mailbox name");
    *c = ahead;
    *out_name = imap_mailbox_is_inbox(name) ? SLICE("INBOX") : name;
    return OK;
}

error imap_mailbox_reference_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                                   slice *out_reference)
{
    struct cursor ahead = *c;
    slice raw;
    TRY(imap_take_astring(&ahead, arena, &raw));
    TRY(decode_name(raw, arena, form, out_reference));
    *c = ahead;
    return OK;
}

error imap_mailbox_pattern_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                                 slice *out_pattern)
{
    struct cursor ahead = *c;
    slice raw;
    TRY(imap_take_list_mailbox(&ahead, arena, &raw));
    TRY(decode_name(raw, arena, form, out_pattern));
    *c = ahead;
    return OK;
}

void imap_mailbox_write(slice name, enum imap_name_form form, struct buffer *out)
{
    if (form == IMAP_NAME_UTF8 || (utf8_is_ascii(name) && slice_find_byte(name, '&') < 0)) {
        imap_write_astring(name, form == IMAP_NAME_UTF8, out);
        return;
    }
    struct buffer encoded;
    buffer_init(&encoded, name.size * 4 + 2);
    /* A name inside is UTF-8 by contract; one that is not (found on disk) goes as it is. */
    if (failed(utf7_encode(name, &encoded)))
        imap_write_astring(name, false, out);
    else
        imap_write_astring(buffer_slice(&encoded), false, out);
    buffer_close(&encoded);
}
