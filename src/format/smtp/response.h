#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A server's reply as a client of ours reads it (RFC 5321 4.2.1, RFC 2034 4), fed line by line.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    SMTP_RESPONSE_LINE_COUNT_MAX = 128, /* EHLO of the most talkative servers has 30 */
    SMTP_RESPONSE_SIZE_MAX = 16 * 1024, /* text of all lines */
};

struct smtp_response {
    int code;           /* 200..599; 0 before the first line */
    int enhanced[3];    /* 5, 1, 1; all 0 where there is none */
    struct buffer text; /* the lines without codes, joined by '\n' */
    unsigned line_count;
    bool finished;
};

void smtp_response_init(struct smtp_response *response);
void smtp_response_close(struct smtp_response *response);
/* For the next reply. */
void smtp_response_reset(struct smtp_response *response);
/* `line` without its line end. ERROR_MALFORMED: no reply line, or the code changed between lines;
 * ERROR_LIMIT: too long. */
error smtp_response_add_line(struct smtp_response *response, slice line);

/* True where a line of the (EHLO) text begins with that keyword; what follows it goes to out (may
 * be NULL). */
bool smtp_response_keyword(const struct smtp_response *response, slice keyword, slice *out_rest);
