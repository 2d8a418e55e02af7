/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole dialogue with a server that says any bytes, on any number of connections. The first bytes
 * choose route, settings and mail; the rest is what the server says (0xfe: the client waits here).
 * Whatever comes: the client ends, every recipient has an answer with a status, and nobody counts
 * as delivered unless a whole message was said and a 2xx read after it.
 */
#include "transport/deliver/fakes.h"

#include "base/assert.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const slice bodies[] = {
    {"Subject: x\r\n\r\n.hello\r\n..\r\n", 27},
    {"Subject: x\r\n\r\nbare\nline\r", 24},
    {"Subject: x\r\n\r\n\xc3\xa4 text\r\n", 23},
    {"Subject: \xc3\xa4\r\n\r\ntext\r\n", 21},
};

static void check_answer(const struct remote_answer *answer)
{
    int class = answer->enhanced[0];
    ASSERT(class == 2 || class == 4 || class == 5);
    ASSERT(answer->code == 0 || answer->code / 100 == class);
    ASSERT(answer->code || failed(answer->problem));
    ASSERT(class != 2 || answer->code);
    ASSERT(answer->text.size <= REMOTE_TEXT_SIZE_MAX);
    for (size_t i = 0; i < answer->text.size; i++)
        ASSERT((unsigned char)answer->text.data[i] >= ' ');
}

static void send_mail(struct remote *remote, struct arena *arena, uint8_t choice)
{
    static const char *const addresses[] = {"one@b.example", "two@b.example",
                                            "thr\xc3\xa9@b.example", "four@b.example"};
    struct remote_recipient recipients[4] = {0};
    struct remote_mail mail = {
        .sender = choice & 1 ? SLICE("a@a.example") : SLICE_EMPTY,
        .prefix = choice & 2 ? SLICE("Received: x\r\n") : SLICE_EMPTY,
        .body = bodies[choice >> 2 & 3],
        .body_type = choice & 16 ? SMTP_BODY_BINARYMIME : SMTP_BODY_8BITMIME,
        .utf8 = choice & 32,
        .require_tls = choice & 64,
        .deliver_by = choice & 128 ? 1000 : 0,
        .deliver_by_mode = choice & 1 ? 'R' : 'N',
        .priority = choice & 4,
        .envid = SLICE("id"),
        .ret = SMTP_RETURN_FULL,
        .recipients = recipients,
        .count = 1 + (choice >> 1 & 3),
    };
    for (unsigned i = 0; i < mail.count; i++)
        recipients[i] = (struct remote_recipient){.address = slice_from_string(addresses[i]),
                                                  .notify = SMTP_NOTIFY_FAILURE,
                                                  .orcpt_type = SLICE("rfc822"),
                                                  .orcpt_address = slice_from_string(addresses[i])};
    unsigned before = world.positive, taken = 0;
    error problem = remote_send(remote, &mail, arena);
    for (unsigned i = 0; i < mail.count; i++) {
        check_answer(&recipients[i].answer);
        taken += recipients[i].answer.enhanced[0] == 2;
    }
    ASSERT(taken == 0 || world.positive > before);
    ASSERT(!failed(problem) || !remote_is_alive(remote));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remote_settings settings;
    struct arena arena;
    if (size < 4)
        return 0;
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    arena_init(&arena, 4 << 20);
    ASSERT(!failed(settings_default(&remote_setting_table, &arena, &settings)));
    settings.pipelining = !(data[0] & 1);
    settings.chunking = !(data[0] & 2);
    settings.eager_size = data[0] & 4 ? 0 : 1000;
    settings.auth_clear = data[0] & 8;
    struct route_host hosts[2] = {{.name = SLICE("mx.b.example"), .port = 25, .authentic = true},
                                  {.name = SLICE("mx2.b.example"), .port = 25}};
    struct route route = {
        .kind = data[0] & 16 ? ROUTE_LMTP : ROUTE_SMTP,
        .domain = SLICE("b.example"),
        .hosts = hosts,
        .host_count = 1 + (data[0] >> 5 & 1),
        .tls = data[1] & 3,
        .dane = data[1] & 4,
        .sts_testing = data[1] & 8,
        .implicit_tls = data[1] & 16,
        .user = data[1] & 32 ? SLICE("user") : SLICE_EMPTY,
        .password = SLICE("secret"),
    };
    world = (struct fake_world){.input = slice_of(data + 3, size - 3),
                                .keep = true,
                                .tls_fails = data[1] & 64,
                                .dane = data[1] & 128};
    buffer_init(&world.said, 1 << 20);
    struct remote_options options = {
        .settings = &settings, .hostname = SLICE("client.example"), .require_tls = data[2] & 64};
    struct remote *remote = NULL;
    struct remote_answer answer;
    error problem = remote_open(&route, &options, &arena, &remote, &answer);
    if (failed(problem)) {
        answer.problem = problem;
        answer.code = 0; /* a refusal may be taken for less than it says: a wrong password */
        check_answer(&answer);
        ASSERT(answer.enhanced[0] == (problem.kind == ERROR_PERMANENT ? 5 : 4));
    } else {
        ASSERT(!options.require_tls || remote_tls(remote).size);
        ASSERT(route.tls < ROUTE_TLS_ENCRYPT || remote_tls(remote).size);
        for (unsigned i = 0; i < 3 && remote_is_alive(remote); i++)
            send_mail(remote, &arena, data[2] + (uint8_t)i * 37);
    }
    remote_close(&remote);
    remote_forget_authority();
    buffer_close(&world.said);
    arena_close(&arena);
    return 0;
}
