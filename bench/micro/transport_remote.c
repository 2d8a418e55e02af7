/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the SMTP client itself costs per mail, the stream left out: commands made, replies read, the
 * message looked through, by size and by the way it goes (BDAT, DATA). Figures of the stream are
 * bench/micro/stream's.
 *
 *     transport_remote              nanoseconds per mail
 *     transport_remote bdat|data BYTES ROUNDS      one way only, for callgrind
 */
#include "micro/measure.h"
#include "transport/deliver/fakes.h"

#include <string.h>

enum { MAILS = 2000 };

static const char hello[] = "220 mx\r\n\xfe"
                            "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250-SIZE\r\n"
                            "250 %s\r\n\xfe";
static const char bdat_replies[] = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 queued as 42\r\n\xfe";
static const char bdat_replies_large[] = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n\xfe"
                                         "250 2.0.0 queued as 42\r\n\xfe";
static const char data_replies[] = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n\xfe"
                                   "250 2.0.0 queued as 42\r\n\xfe";

struct load {
    bool chunking;
    size_t size;
    unsigned rounds;
};

/* A message that is not sent along with its envelope waits for the replies to it. */
static const char *replies_of(const struct load *load)
{
    if (!load->chunking)
        return data_replies;
    return load->size < 64 << 10 ? bdat_replies : bdat_replies_large;
}

static struct buffer script;
static char *text;

static void make_script(const struct load *load)
{
    buffer_close(&script);
    buffer_init(&script, 64 << 20);
    buffer_format(&script, hello, load->chunking ? "CHUNKING" : "HELP");
    for (unsigned i = 0; i < load->rounds; i++)
        buffer_add_string(&script, replies_of(load));
    text = realloc(text, load->size);
    for (size_t i = 0; i < load->size; i++)
        text[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
    memcpy(text, "A: b\r\n\r\n", 8);
    world = (struct fake_world){.input = buffer_slice(&script)};
}

static double send_all(void *argument)
{
    struct load *load = argument;
    struct remote_settings settings;
    struct remote_options options = {.settings = &settings, .hostname = SLICE("client.example")};
    struct route_host host = {.name = SLICE("mx.b.example"), .port = 25};
    struct route route = {.kind = ROUTE_SMTP, .hosts = &host, .host_count = 1};
    struct remote_recipient recipient = {.address = SLICE("somebody@b.example")};
    struct remote_mail mail = {.sender = SLICE("somebody@a.example"),
                               .prefix = SLICE("Received: by us\r\n"),
                               .body_type = SMTP_BODY_8BITMIME,
                               .recipients = &recipient,
                               .count = 1};
    struct remote *remote;
    struct remote_answer answer;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    make_script(load);
    mail.body = slice_of(text, load->size);
    error_ignore(settings_default(&remote_setting_table, &arena, &settings)); /* there is room */
    error problem = remote_open(&route, &options, &arena, &remote, &answer);
    if (failed(problem))
        give_up(problem);
    int64_t began = cpu_now();
    for (unsigned i = 0; i < load->rounds; i++) {
        arena_reset(&arena);
        problem = remote_send(remote, &mail, &arena);
        if (failed(problem) || recipient.answer.code != 250)
            give_up(problem);
    }
    double took = (double)(cpu_now() - began) / load->rounds;
    remote_close(&remote);
    arena_close(&arena);
    return took;
}

static void measure_all(void)
{
    static const size_t sizes[] = {4 << 10, 100 << 10};
    char name[64];
    for (unsigned i = 0; i < 2; i++) {
        struct load bdat = {true, sizes[i], MAILS};
        snprintf(name, sizeof name, "remote_bdat_%zu_bytes", sizes[i]);
        report_best(name, send_all, &bdat);
        struct load data = {false, sizes[i], MAILS};
        snprintf(name, sizeof name, "remote_data_%zu_bytes", sizes[i]);
        report_best(name, send_all, &data);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        struct load load = {strcmp(argv[1], "bdat") == 0, strtoul(argv[2], NULL, 10),
                            (unsigned)strtoul(argv[3], NULL, 10)};
        send_all(&load);
    } else {
        measure_all();
    }
    buffer_close(&script);
    free(text);
    return 0;
}
