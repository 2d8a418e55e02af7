#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole dialogue with a session, judged by the codes of its replies. Include after fakes.h.
 */
#include "check.h"

#include "service/smtp/fakes.h"

/* The codes of the replies, in order; one for each reply, however many lines it has. */
static void check_codes(const struct smtp_settings *settings, slice input, bool tls,
                        const char *expected)
{
    struct stream stream;
    struct buffer codes;
    buffer_init(&codes, 10000);
    fake_session(settings, tls, input, &stream);
    slice rest = buffer_slice(&stream.output), line;
    while (slice_cut(rest, '\n', &line, &rest)) {
        assert_true(slice_ends(line, SLICE("\r")));
        if (line.data[3] == ' ') {
            buffer_add(&codes, slice_sub(line, 0, 3));
            buffer_add_byte(&codes, ' ');
        }
    }
    if (!slice_equal(slice_trim(buffer_slice(&codes)), slice_from_string(expected)))
        fail_msg("expected %s\ngot %.*s\n%.*s", expected, SLICE_ARG(buffer_slice(&codes)),
                 SLICE_ARG(buffer_slice(&stream.output)));
    buffer_close(&codes);
    buffer_close(&stream.output);
}
