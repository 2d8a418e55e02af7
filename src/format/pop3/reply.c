/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/pop3/reply.h"

static const slice CODES[POP3_CODE_COUNT] = {
    [POP3_CODE_NONE] = {"", 0},
    [POP3_CODE_IN_USE] = {"[IN-USE] ", 9},
    [POP3_CODE_LOGIN_DELAY] = {"[LOGIN-DELAY] ", 14},
    [POP3_CODE_SYS_TEMP] = {"[SYS/TEMP] ", 11},
    [POP3_CODE_SYS_PERM] = {"[SYS/PERM] ", 11},
    [POP3_CODE_AUTH] = {"[AUTH] ", 7},
};

static size_t printable(slice text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] != '\0' && text.data[size] != '\r' &&
           text.data[size] != '\n')
        size++;
    return size;
}

void pop3_reply_write(const struct pop3_reply *reply, struct buffer *out)
{
    slice status = reply->failed ? SLICE("-ERR") : SLICE("+OK");
    slice code = CODES[reply->code];
    slice text = slice_sub(reply->text, 0, printable(reply->text));
    text = slice_sub(text, 0, POP3_REPLY_SIZE_MAX - status.size - code.size - sizeof " \r\n" + 1);
    buffer_add(out, status);
    if (code.size + text.size > 0)
        buffer_add_byte(out, ' ');
    /* without a text the blank behind the code goes, too */
    buffer_add(out, text.size || !code.size ? code : slice_sub(code, 0, code.size - 1));
    buffer_add(out, text);
    buffer_add(out, SLICE("\r\n"));
}
