/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which mailbox names there can be, and where they lie. */
#include "data/store/mailbox_name.h"

#include "base/utf8.h"
#include "format/text/utf7.h"

bool mailbox_name_is_inbox(slice name)
{
    return slice_equal_nocase(name, SLICE("INBOX"));
}

error mailbox_name_check(slice name)
{
    if (name.size == 0 || !utf8_is_valid(name))
        return error_make(ERROR_MALFORMED, "not a mailbox name");
    if (name.size > STORE_MAILBOX_NAME_SIZE_MAX)
        return error_make(ERROR_LIMIT, "mailbox name too long");
    size_t depth = 1, level = 0;
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 0x20 || c == 0x7f || c == '/')
            return error_make(ERROR_MALFORMED, "character not allowed in a mailbox name");
        if (c != STORE_SEPARATOR) {
            level++;
            continue;
        }
        if (level == 0)
            return error_make(ERROR_MALFORMED, "empty level in a mailbox name");
        level = 0;
        depth++;
    }
    if (level == 0)
        return error_make(ERROR_MALFORMED, "empty level in a mailbox name");
    if (depth > STORE_MAILBOX_DEPTH_MAX)
        return error_make(ERROR_LIMIT, "mailbox name too deep");
    return OK;
}

error mailbox_name_to_directory(slice name, char out_directory[MAILBOX_DIRECTORY_SIZE_MAX + 1])
{
    if (mailbox_name_is_inbox(name)) {
        memcpy(out_directory, ".", 2);
        return OK;
    }
    struct buffer text;
    buffer_init(&text, MAILBOX_DIRECTORY_SIZE_MAX);
    buffer_add_byte(&text, '.');
    error problem = utf7_encode(name, &text);
    if (!failed(problem))
        problem = buffer_check(&text);
    if (!failed(problem)) {
        memcpy(out_directory, text.data, text.size);
        out_directory[text.size] = '\0';
    }
    buffer_close(&text);
    return problem;
}

error mailbox_name_from_directory(slice directory, struct buffer *out)
{
    if (directory.size < 2 || directory.data[0] != '.')
        return error_make(ERROR_MALFORMED, "not a mailbox directory");
    size_t before = out->size;
    TRY(utf7_decode(slice_from(directory, 1), out));
    error problem = buffer_check(out);
    if (!failed(problem))
        problem = mailbox_name_check(slice_from(buffer_slice(out), before));
    if (failed(problem))
        buffer_truncate(out, before);
    return problem;
}
