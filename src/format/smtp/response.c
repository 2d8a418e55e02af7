/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/response.h"

#include "base/cursor.h"

void smtp_response_init(struct smtp_response *response)
{
    *response = (struct smtp_response){0};
    buffer_init(&response->text, SMTP_RESPONSE_SIZE_MAX);
}

void smtp_response_close(struct smtp_response *response)
{
    buffer_close(&response->text);
}

void smtp_response_reset(struct smtp_response *response)
{
    buffer_reset(&response->text);
    response->code = 0;
    memset(response->enhanced, 0, sizeof response->enhanced);
    response->line_count = 0;
    response->finished = false;
}

/* RFC 2034 4: "5.1.1 " behind the code; its class must be the code's. */
static slice take_enhanced(slice text, int code, int out_enhanced[3])
{
    struct cursor c = cursor_over(text);
    uint64_t numbers[3];
    for (int i = 0; i < 3; i++) {
        if (i && !cursor_take_byte(&c, '.'))
            return text;
        if (!cursor_take_u64(&c, 999, &numbers[i]))
            return text;
    }
    if (!cursor_done(&c) && !cursor_take_byte(&c, ' '))
        return text;
    if (numbers[0] != (uint64_t)code / 100)
        return text;
    for (int i = 0; i < 3; i++)
        out_enhanced[i] = (int)numbers[i];
    return cursor_rest(&c);
}

error smtp_response_add_line(struct smtp_response *response, slice line)
{
    if (response->line_count >= SMTP_RESPONSE_LINE_COUNT_MAX)
        return error_make(ERROR_LIMIT, "reply has too many lines");
    if (line.size < 3 || line.data[0] < '2' || line.data[0] > '5' ||
        !ascii_is_digit(line.data[1]) || !ascii_is_digit(line.data[2]))
        return error_make(ERROR_MALFORMED, "not a reply");
    int code = (line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + (line.data[2] - '0');
    char separator = line.size > 3 ? line.data[3] : ' ';
    if (separator != ' ' && separator != '-')
        return error_make(ERROR_MALFORMED, "not a reply");
    if (response->code && code != response->code) /* RFC 5321 4.2.1: the same on every line */
        return error_make(ERROR_MALFORMED, "the code changed within a reply");
    response->code = code;
    int enhanced[3] = {0};
    slice text = take_enhanced(slice_from(line, 4), code, enhanced);
    if (enhanced[0])
        memcpy(response->enhanced, enhanced, sizeof enhanced);
    if (response->line_count++)
        buffer_add_byte(&response->text, '\n');
    buffer_add(&response->text, text);
    TRY(buffer_check(&response->text));
    response->finished = separator == ' ';
    return OK;
}

bool smtp_response_keyword(const struct smtp_response *response, slice keyword, slice *out_rest)
{
    slice lines = buffer_slice(&response->text), line, word, rest;
    for (bool more = true; more;) {
        more = slice_cut(lines, '\n', &line, &lines);
        slice_cut(line, ' ', &word, &rest);
        if (!slice_equal_nocase(word, keyword))
            continue;
        if (out_rest)
            *out_rest = rest;
        return true;
    }
    return false;
}
