/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/response.h"

static const char *const KINDS[] = {
    [IMAP_OK] = " OK ",   [IMAP_NO] = " NO ",           [IMAP_BAD] = " BAD ",
    [IMAP_BYE] = " BYE ", [IMAP_PREAUTH] = " PREAUTH ",
};

static const char *const CODES[] = {[IMAP_CODE_NONE] = "",
#define X(name, text) [IMAP_CODE_##name] = text,
                                    IMAP_CODES(X)
#undef X
};

void imap_response_write(slice tag, const struct imap_response *response, struct buffer *out)
{
    buffer_add(out, tag.size ? tag : SLICE("*"));
    buffer_add_string(out, KINDS[response->kind]);
    if (response->code != IMAP_CODE_NONE) {
        buffer_add_byte(out, '[');
        buffer_add_string(out, CODES[response->code]);
        if (response->argument.size) {
            buffer_add_byte(out, ' ');
            buffer_add(out, response->argument);
        }
        buffer_add(out, SLICE("] "));
    }
    buffer_add(out, response->text);
    buffer_add(out, SLICE("\r\n"));
}
