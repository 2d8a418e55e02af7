/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole session over any bytes, in every state it can reach. The first byte chooses settings; the
 * rest is what a client sends (0xfe: it waits here). Whatever comes: the session ends, every line
 * said is a reply, and a mail is stored exactly where "250 Ok: stored" was said.
 */
#include "base/assert.h"
#include "format/smtp/reply.h"
#include "service/smtp/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned check_replies(slice said)
{
    unsigned stored = 0;
    slice line;
    bool more_lines = false;
    while (slice_cut(said, '\n', &line, &said)) {
        ASSERT(line.size >= 5 && line.size <= SMTP_REPLY_LINE_SIZE_MAX &&
               slice_ends(line, SLICE("\r")));
        ASSERT(line.data[0] >= '2' && line.data[0] <= '5' && ascii_is_digit(line.data[1]));
        ASSERT(line.data[3] == ' ' || line.data[3] == '-');
        more_lines = line.data[3] == '-';
        stored += slice_find(line, SLICE("Ok: stored as ")) > 0;
    }
    ASSERT(!more_lines && line.size == 0);
    return stored;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct smtp_settings settings;
    struct stream stream;
    struct arena arena;
    if (size == 0)
        return 0;
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    arena_init(&arena, 1 << 20);
    ASSERT(!failed(settings_default(&smtp_setting_table, &arena, &settings)));
    settings.size_max = data[0] & 1 ? 100 : 100000;
    settings.tls_required = data[0] & 2;
    settings.errors_max = data[0] & 4 ? 3 : 1000;
    world = (struct fake_world){0};
    if (data[0] & 8)
        world.store_result = error_make(ERROR_TEMPORARY, "trouble");
    buffer_init(&world.last, 1 << 20);
    fake_session(&settings, data[0] & 16, slice_of(data + 1, size - 1), &stream);
    ASSERT(check_replies(buffer_slice(&stream.output)) == world.deliveries);
    buffer_close(&stream.output);
    buffer_close(&world.last);
    arena_close(&arena);
    return 0;
}
