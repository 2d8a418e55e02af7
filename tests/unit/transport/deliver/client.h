#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What tests of the SMTP client share: a remote, its route to a scripted peer, a mail.
 */
#include "peer.h"

#include "transport/deliver/remote.h"
#include "transport/route/tls_report.h"

static struct arena arena;
static struct remote_settings settings;
static struct route_host host;
static struct route route;
static struct remote_options options = {.settings = &settings, .hostname = {"client.example", 14}};
static struct remote *remote;
static struct remote_answer answer;
static struct peer peer;

static inline void begin(const char *const scripts[], struct tls_server *tls)
{
    arena_init(&arena, 1 << 20);
    assert_ok(settings_default(&remote_setting_table, &arena, &settings));
    peer_start(&peer, scripts, tls);
    host = (struct route_host){.address = {.family = ADDRESS_IPV4, .ip = {127, 0, 0, 1}},
                               .port = peer.port};
    route =
        (struct route){.kind = ROUTE_SMTP, .hosts = &host, .host_count = 1, .tls = ROUTE_TLS_MAY};
    remote = NULL;
    answer = (struct remote_answer){0};
}
#define BEGIN(...) begin((const char *const[]){__VA_ARGS__, NULL}, NULL)

static inline error open_it(void)
{
    return remote_open(&route, &options, &arena, &remote, &answer);
}

static inline void end(void)
{
    remote_close(&remote);
    peer_end(&peer);
    arena_close(&arena);
}

/* ---- A mail with up to four recipients ---- */

static struct remote_recipient recipients[4];
static struct remote_mail mail;

static inline void write_mail(unsigned count, slice body)
{
    static const char *const names[] = {"one@b.example", "two@b.example", "three@b.example",
                                        "four@b.example"};
    mail = (struct remote_mail){.sender = SLICE("a@a.example"),
                                .prefix = SLICE("Received: by us\r\n"),
                                .body = body,
                                .recipients = recipients,
                                .count = count};
    for (unsigned i = 0; i < count; i++)
        recipients[i] = (struct remote_recipient){.address = slice_from_string(names[i])};
}

static inline void assert_answer(const struct remote_answer *given, int code, int class,
                                 int subject, int detail)
{
    assert_int_equal(given->code, code);
    assert_int_equal(given->enhanced[0], class);
    assert_int_equal(given->enhanced[1], subject);
    assert_int_equal(given->enhanced[2], detail);
}
#define ASSERT_BODY(expected)                                                                      \
    do {                                                                                           \
        assert_slice(body_slice(&peer.body), expected);                                            \
    } while (0)

#define HELLO(offers) "> 220 mx ESMTP\n< EHLO client.example\n> 250-mx greets you\n" offers
#define GOODBYE "< QUIT\n> 221 bye\nclose\n"
