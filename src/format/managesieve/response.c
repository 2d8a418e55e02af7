/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/managesieve/response.h"

#include "base/utf8.h"
#include "format/managesieve/command.h"

static const char *const STATUSES[] = {
    [MANAGESIEVE_OK] = "OK", [MANAGESIEVE_NO] = "NO", [MANAGESIEVE_BYE] = "BYE"};

static const char *const CODES[] = {
    [MANAGESIEVE_CODE_ACTIVE] = "ACTIVE",
    [MANAGESIEVE_CODE_ALREADYEXISTS] = "ALREADYEXISTS",
    [MANAGESIEVE_CODE_AUTH_TOO_WEAK] = "AUTH-TOO-WEAK",
    [MANAGESIEVE_CODE_ENCRYPT_NEEDED] = "ENCRYPT-NEEDED",
    [MANAGESIEVE_CODE_NONEXISTENT] = "NONEXISTENT",
    [MANAGESIEVE_CODE_QUOTA] = "QUOTA",
    [MANAGESIEVE_CODE_QUOTA_MAXSCRIPTS] = "QUOTA/MAXSCRIPTS",
    [MANAGESIEVE_CODE_QUOTA_MAXSIZE] = "QUOTA/MAXSIZE",
    [MANAGESIEVE_CODE_TAG] = "TAG",
    [MANAGESIEVE_CODE_TRYLATER] = "TRYLATER",
    [MANAGESIEVE_CODE_WARNINGS] = "WARNINGS",
};

static bool may_be_quoted(slice s)
{
    if (s.size > MANAGESIEVE_QUOTED_SIZE_MAX || !utf8_is_valid(s))
        return false;
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] == '\0' || s.data[i] == '\r' || s.data[i] == '\n')
            return false;
    return true;
}

void managesieve_write_string(slice s, struct buffer *out)
{
    if (!may_be_quoted(s)) {
        buffer_format(out, "{%zu}\r\n", s.size);
        buffer_add(out, s);
        return;
    }
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            buffer_add_byte(out, '\\');
        buffer_add_byte(out, s.data[i]);
    }
    buffer_add_byte(out, '"');
}

void managesieve_response_write(const struct managesieve_response *response, struct buffer *out)
{
    buffer_add_string(out, STATUSES[response->status]);
    if (response->code != MANAGESIEVE_CODE_NONE) {
        buffer_format(out, " (%s", CODES[response->code]);
        if (response->argument.data) {
            buffer_add_byte(out, ' ');
            managesieve_write_string(response->argument, out);
        }
        buffer_add_byte(out, ')');
    }
    if (response->text.size) {
        buffer_add_byte(out, ' ');
        managesieve_write_string(response->text, out);
    }
    buffer_add(out, SLICE("\r\n"));
}
