/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reports about whatever was sent, to whomever, with whatever a remote server said: the report is a
 * sound message, ASCII where it says so, and reads back as what was meant. The first byte chooses;
 * 0xff separates the texts.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/mail/dsn.h"
#include "format/mail/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNIQUE_SIZE = 24 };

static void check_lines(slice text)
{
    size_t line = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n') {
            ASSERT(i > 0 && text.data[i - 1] == '\r');
            ASSERT(line <= 998 + 1); /* RFC 5322 2.1.1, and the CR */
            line = 0;
        } else {
            ASSERT(text.data[i] != '\0');
            ASSERT(text.data[i] != '\r' || (i + 1 < text.size && text.data[i + 1] == '\n'));
            line++;
        }
    }
}

static void check_read_back(const struct dsn *dsn, struct arena *arena, slice message)
{
    struct mail_report report;
    ASSERT(mail_report_is_likely(message));
    error problem = mail_report_parse(arena, message, &report);
    if (problem.kind == ERROR_LIMIT)
        return;
    ASSERT(!failed(problem) && report.kind == MAIL_REPORT_DELIVERY);
    for (const struct mail_report_recipient *r = report.recipients; r; r = r->next)
        ASSERT(r->action == dsn->action);
    ASSERT(report.count <= dsn->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    slice rest = slice_of(data + 1, size - 1), part[7];
    for (unsigned i = 0; i < 7; i++)
        slice_cut(rest, '\xff', &part[i], &rest);
    const struct dsn_recipient recipients[] = {
        {.original_type = part[0],
         .original_address = part[1],
         .final_address = part[2],
         .remote_host = part[3],
         .status = {data[0] % 7, data[0], -1},
         .code = data[0] * 4,
         .text = part[4],
         .last_attempt = 1},
        {.final_address = part[1], .text = part[3], .will_retry_until = 1},
    };
    const struct dsn dsn = {
        .action = (enum dsn_action)(data[0] % DSN_ACTIONS),
        .language = (enum dsn_language)(data[0] % DSN_LANGUAGES),
        .reporting_mta = SLICE("mx.example.org"),
        .from = SLICE("MAILER-DAEMON@mx.example.org"),
        .to = part[5],
        .unique = {"0123456789abcdefghijklmn", UNIQUE_SIZE},
        .envid = part[6],
        .utf8 = data[0] & 0x40,
        .full = data[0] & 0x80,
        .prefix = data[0] & 0x20 ? SLICE("Received: x\r\n") : SLICE_EMPTY,
        .body = rest,
        .recipients = recipients,
        .count = 2,
    };
    struct arena arena;
    struct buffer out;
    struct dsn_needs needs;
    arena_init(&arena, 64 << 20);
    buffer_init(&out, DSN_FRAME_SIZE_MAX + 2 * DSN_RECIPIENT_SIZE_MAX + 3 * DSN_HEADER_SIZE_MAX +
                          rest.size);
    ASSERT(!failed(dsn_write(&dsn, &arena, &out, &needs)));
    ASSERT(!failed(buffer_check(&out)));
    slice message = buffer_slice(&out);
    ASSERT(needs.eight_bit || utf8_is_ascii(message));
    ASSERT(!needs.utf8 || dsn.utf8);
    check_lines(message);
    check_read_back(&dsn, &arena, message);
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
