/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The SMTP and LMTP client against scripted servers: what it says, and what it makes of what it is
 * told.
 */
#include "peer.h"

#include <string.h>

static struct arena arena;
static struct remote_settings settings;
static struct route_host host;
static struct route route;
static struct remote_options options = {.settings = &settings, .hostname = {"client.example", 14}};
static struct remote *remote;
static struct remote_answer answer;
static struct peer peer;

static void begin(const char *const scripts[])
{
    arena_init(&arena, 1 << 20);
    assert_ok(settings_default(&remote_setting_table, &arena, &settings));
    peer_start(&peer, scripts, NULL);
    host = (struct route_host){.address = {.family = ADDRESS_IPV4, .ip = {127, 0, 0, 1}},
                               .port = peer.port};
    route =
        (struct route){.kind = ROUTE_SMTP, .hosts = &host, .host_count = 1, .tls = ROUTE_TLS_MAY};
    remote = NULL;
    answer = (struct remote_answer){0};
}
#define BEGIN(...) begin((const char *const[]){__VA_ARGS__, NULL})

static error open_it(void)
{
    return remote_open(&route, &options, &arena, &remote, &answer);
}

static void end(void)
{
    remote_close(&remote);
    peer_end(&peer);
    arena_close(&arena);
}

/* ---- A mail with up to four recipients ---- */

static struct remote_recipient recipients[4];
static struct remote_mail mail;

static void write_mail(unsigned count, slice body)
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

static void assert_answer(const struct remote_answer *given, int code, int class, int subject,
                          int detail)
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

/* ---- Dialogues that go well ---- */

CORE_TEST(test_plain)
{
    BEGIN(HELLO("> 250 HELP\n") "< MAIL FROM:<a@a.example>\n> 250 ok\n< RCPT TO:<one@b.example>\n"
                                "> 250 2.1.5 ok\n< RCPT TO:<two@b.example>\n> 550 who?\n"
                                "< DATA\n> 354 go\ndata\n> 250 2.6.0 queued as 42\n" GOODBYE);
    assert_ok(open_it());
    write_mail(2, SLICE("Subject: x\r\n\r\n.dot\r\n..\r\nend"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 6, 0);
    assert_slice(recipients[0].answer.text, "queued as 42");
    assert_answer(&recipients[1].answer, 550, 5, 1, 0);
    assert_int_equal(remote_mails(remote), 1);
    assert_true(remote_is_alive(remote));
    assert_slice(remote_tls(remote), "");
    end();
}

CORE_TEST(test_pipelining)
{
    BEGIN(HELLO("> 250-PIPELINING\n> 250 SIZE 1000\n") "< MAIL FROM:<a@a.example> SIZE=35\n< RCPT "
                                                       "TO:<one@b.example>\n"
                                                       "< RCPT TO:<two@b.example>\n< DATA\n> 250 "
                                                       "ok\n> 250 ok\n> 451 later\n> 354 go\ndata\n"
                                                       "> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(2, SLICE("Subject: x\r\n\r\nhi\r\n"));
    mail.prefix = SLICE("Received: by us\r\n");
    assert_ok(remote_send(remote, &mail, &arena));
    ASSERT_BODY("Received: by us\r\nSubject: x\r\n\r\nhi\r\n");
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_answer(&recipients[1].answer, 451, 4, 0, 0);
    end();
}

CORE_TEST(test_chunking)
{
    BEGIN(HELLO(
        "> 250-PIPELINING\n> 250 CHUNKING\n") "< MAIL FROM:<a@a.example>\n< RCPT "
                                              "TO:<one@b.example>\nbdat\n> 250 ok\n> 250 ok\n"
                                              "> 250 2.0.0 took it\n< MAIL FROM:<a@a.example>\n< "
                                              "RCPT TO:<one@b.example>\n> 250 ok\n"
                                              "> 250 ok\nbdat\n> 250 2.0.0 took it\n" GOODBYE);
    assert_ok(open_it());
    write_mail(1, SLICE("Subject: x\r\n\r\n.hi"));
    assert_ok(remote_send(remote, &mail, &arena));
    ASSERT_BODY("Received: by us\r\nSubject: x\r\n\r\n.hi\r\n");
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    settings.eager_size = 10; /* now the message waits for the recipients' replies */
    assert_ok(remote_send(remote, &mail, &arena));
    assert_int_equal(remote_mails(remote), 2);
    end();
}

CORE_TEST(test_lmtp)
{
    BEGIN("> 220 lmtp\n< LHLO client.example\n> 250-lmtp\n> 250 PIPELINING\n"
          "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< RCPT TO:<two@b.example>\n"
          "< RCPT TO:<three@b.example>\n< DATA\n> 250 ok\n> 250 ok\n> 550 5.1.1 no\n> 250 ok\n"
          "> 354 go\ndata\n> 250 2.0.0 one\n> 452 4.2.2 full\n" GOODBYE);
    struct route lmtp = route;
    lmtp.kind = ROUTE_LMTP;
    assert_ok(remote_open(&lmtp, &options, &arena, &remote, &answer));
    write_mail(3, SLICE("Subject: x\r\n\r\nhi\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_answer(&recipients[1].answer, 550, 5, 1, 1);
    assert_answer(&recipients[2].answer, 452, 4, 2, 2);
    end();
}

CORE_TEST(test_helo)
{
    BEGIN("> 220 old\n< EHLO client.example\n> 502 what?\n< HELO client.example\n> 250 "
          "hello\n" GOODBYE);
    assert_ok(open_it());
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),    cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_chunking), cmocka_unit_test(test_lmtp),
        cmocka_unit_test(test_helo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
