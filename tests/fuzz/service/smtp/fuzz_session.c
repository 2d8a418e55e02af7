/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole session over any bytes, in every state it can reach, in both roles. The first byte
 * chooses settings and role; the rest is what a client sends (0xfe: it waits here). Whatever comes:
 * the session ends, every line said is a reply, and a mail is stored or queued exactly where "250
 * Ok: stored" or "queued" was said; nobody sends who did not log in.
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
        stored += slice_find(line, SLICE("Ok: stored as ")) > 0 ||
                  slice_find(line, SLICE("Ok: queued as ")) > 0;
    }
    ASSERT(!more_lines && line.size == 0);
    return stored;
}

static void choose(struct smtp_settings *settings, uint8_t bits)
{
    settings->size_max = bits & 1 ? 100 : 100000;
    settings->tls_required = bits & 2;
    settings->errors_max = bits & 4 ? 3 : 1000;
    world = (struct fake_world){0};
    if (bits & 8) {
        world.store_result = error_make(ERROR_TEMPORARY, "trouble");
        world.queue_result = error_make(ERROR_TEMPORARY, "trouble");
    }
    world.forward.srs_secret = SLICE("0123456789abcdef");
    if (!(bits & 32))
        return;
    world.role = SMTP_ROLE_SUBMISSION;
    world.tls_implicit = bits & 16;
    if (bits & 4) {
        settings->messages_per_hour = 2;
        settings->recipients_per_day = 3;
    }
}

/* Bit 6: the client begins by logging in, where it may, so that what comes then is seen. */
static slice client(const uint8_t *data, size_t size)
{
    static char input[1 << 20];
    static const char login[] = "EHLO c\r\n\xfe"
                                "AUTH PLAIN AHVzZXIAc2VjcmV0\r\n\xfe";
    size_t at = data[0] & 64 ? sizeof login - 1 : 0;
    size_t rest = size - 1 < sizeof input - at ? size - 1 : sizeof input - at;
    memcpy(input, login, at);
    memcpy(input + at, data + 1, rest);
    return slice_of(input, at + rest);
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
    const struct setting_table *table =
        data[0] & 32 ? &submission_setting_table : &smtp_setting_table;
    ASSERT(!failed(settings_default(table, &arena, &settings)));
    choose(&settings, data[0]);
    buffer_init(&world.last, 1 << 20);
    buffer_init(&world.queue, 1 << 20);
    fake_session(&settings, data[0] & 16, client(data, size), &stream);
    ASSERT(check_replies(buffer_slice(&stream.output)) == world.deliveries + world.queued);
    if (world.role == SMTP_ROLE_SUBMISSION && world.logins == 0)
        ASSERT(world.deliveries + world.queued == 0);
    if (world.role == SMTP_ROLE_SUBMISSION && settings.messages_per_hour)
        ASSERT(world.deliveries + world.queued <= settings.messages_per_hour);
    buffer_close(&stream.output);
    buffer_close(&world.last);
    buffer_close(&world.queue);
    arena_close(&arena);
    return 0;
}
