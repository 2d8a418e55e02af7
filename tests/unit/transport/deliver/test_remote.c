/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The SMTP and LMTP client against scripted servers: what it says, and what it makes of what it is
 * told.
 */
#include "client.h"

#include <string.h>

/* ---- Dialogues that go well ---- */

CORE_TEST(test_plain)
{
    BEGIN(HELLO("> 250 HELP\n") "< MAIL FROM:<a@a.example>\n> 250 ok\n< RCPT TO:<one@b.example>\n"
                                "> 250 2.1.5 ok\n< RCPT TO:<two@b.example>\n> 550 who?\n"
                                "< DATA\n> 354 go\ndata\n> 250 2.6.0 queued as 42\n" GOODBYE);
    assert_ok(open_it());
    write_mail(2, SLICE("Subject: x\r\n\r\n.dot\r\n..\r\nend"));
    assert_ok(remote_send(remote, &mail, &arena));
    ASSERT_BODY("Received: by us\r\nSubject: x\r\n\r\n.dot\r\n..\r\nend\r\n");
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

#define MAIL_AND_CHUNK                                                                             \
    "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\nbdat\n> 250 ok\n> 250 ok\n"
#define CHUNKS HELLO("> 250-PIPELINING\n> 250 CHUNKING\n")

/* RFC 3030 offered by somebody who does not know it: nothing is taken, and it goes by DATA. */
CORE_TEST(test_chunking_refused)
{
    BEGIN(CHUNKS "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< BDAT 35 LAST\n"
                 "> 250 ok\n> 250 ok\n> 502 5.5.1 what?\n> 500 what?\nsilent\n",
          CHUNKS "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n"
                 "> 250 ok\n> 250 ok\n> 354 go\ndata\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(1, SLICE("Subject: x\r\n\r\nhi\r\n"));
    assert_error(remote_send(remote, &mail, &arena), ERROR_MALFORMED);
    assert_int_equal(mail.chunking, REMOTE_CHUNKING_REFUSED);
    assert_int_equal(recipients[0].answer.enhanced[0], 4);
    assert_false(remote_is_alive(remote));
    remote_close(&remote);
    options.no_chunking = true;
    assert_ok(open_it());
    assert_ok(remote_send(remote, &mail, &arena));
    options.no_chunking = false;
    assert_int_equal(mail.chunking, REMOTE_CHUNKING_UNUSED);
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    ASSERT_BODY("Received: by us\r\nSubject: x\r\n\r\nhi\r\n");
    end();
}

/* A refusal of the message itself is one; 503 after the chunk counts as not knowing it. */
CORE_TEST(test_chunking_judged)
{
    BEGIN(CHUNKS MAIL_AND_CHUNK "> 554 5.7.1 spam\n< RSET\n< MAIL FROM:<a@a.example>\n"
                                "< RCPT TO:<one@b.example>\nbdat\n> 250 ok\n> 250 ok\n> 250 ok\n"
                                "> 250 ok\n" GOODBYE,
          CHUNKS MAIL_AND_CHUNK "> 503 5.5.1 bad sequence\nsilent\n",
          CHUNKS MAIL_AND_CHUNK "reset\n");
    assert_ok(open_it());
    write_mail(1, SLICE("Subject: x\r\n\r\nhi\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_int_equal(mail.chunking, REMOTE_CHUNKING_GOOD);
    assert_answer(&recipients[0].answer, 554, 5, 7, 1);
    assert_ok(remote_send(remote, &mail, &arena));
    assert_int_equal(mail.chunking, REMOTE_CHUNKING_GOOD);
    remote_close(&remote);
    assert_ok(open_it());
    assert_error(remote_send(remote, &mail, &arena), ERROR_MALFORMED);
    assert_int_equal(mail.chunking, REMOTE_CHUNKING_REFUSED);
    remote_close(&remote);
    assert_ok(open_it());
    assert_error(remote_send(remote, &mail, &arena), ERROR_CLOSED);
    assert_int_equal(mail.chunking, REMOTE_CHUNKING_BROKE);
    end();
}

/* Binary mail cannot go by DATA: it is converted, as for a server that does not offer BINARYMIME.
 */
CORE_TEST(test_chunking_binary)
{
    BEGIN(HELLO("> 250-8BITMIME\n> 250-BINARYMIME\n> 250 CHUNKING\n") "< MAIL FROM:<a@a.example>*\n"
                                                                      "> 250 ok\n"
                                                                      "< RCPT TO:<one@b.example>\n"
                                                                      "> 250 ok\n< DATA\n> 354 go\n"
                                                                      "data\n> 250 ok\n" GOODBYE);
    options.no_chunking = true;
    assert_ok(open_it());
    options.no_chunking = false;
    static const char binary[] = "MIME-Version: 1.0\r\nContent-Type: application/x\r\n"
                                 "Content-Transfer-Encoding: binary\r\n\r\na\0b\n";
    write_mail(1, slice_of(binary, sizeof binary - 1));
    mail.body_type = SMTP_BODY_BINARYMIME;
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_true(slice_find(body_slice(&peer.body), SLICE("base64")) > 0);
    end();
}

/* RFC 8689: a socket of this machine is no network; what is known there is passed on. */
CORE_TEST(test_lmtp_requiretls)
{
    static const char *const offers[] = {"> 250 PIPELINING\n",
                                         "> 250-PIPELINING\n> 250 REQUIRETLS\n"};
    for (unsigned i = 0; i < 2; i++) {
        char script[512];
        snprintf(script, sizeof script,
                 "> 220 lmtp\n< LHLO client.example\n> 250-lmtp\n%s"
                 "< MAIL FROM:<a@a.example>%s\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n"
                 "> 250 ok\n> 354 go\ndata\n> 250 2.0.0 one\n" GOODBYE,
                 offers[i], i ? " REQUIRETLS" : "");
        BEGIN(script);
        route.kind = ROUTE_LMTP;
        route.tls = ROUTE_TLS_NONE;
        options.require_tls = true;
        assert_ok(open_it());
        options.require_tls = false;
        write_mail(1, SLICE("Subject: x\r\n\r\nhi\r\n"));
        mail.require_tls = true;
        assert_ok(remote_send(remote, &mail, &arena));
        assert_answer(&recipients[0].answer, 250, 2, 0, 0);
        end();
    }
    /* SMTP to the same address might be relayed from there. */
    BEGIN(HELLO("> 250 REQUIRETLS\n") GOODBYE);
    options.require_tls = true;
    assert_error(open_it(), ERROR_PERMANENT);
    options.require_tls = false;
    assert_answer(&answer, 0, 5, 7, 10);
    end();
}

/* RFC 2852: whether the time was told is known afterwards. */
CORE_TEST(test_deliver_by_passed)
{
    BEGIN(HELLO("> 250 DELIVERBY 60\n") "< MAIL FROM:<a@a.example> BY=100;N\n> 250 ok\n"
                                        "< RCPT TO:<one@b.example>\n> 250 ok\n< DATA\n> 354 go\n"
                                        "data\n> 250 ok\n< MAIL FROM:<a@a.example>\n> 250 ok\n"
                                        "< RCPT TO:<one@b.example>\n> 250 ok\n< DATA\n> 354 go\n"
                                        "data\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\r\n\r\n"));
    mail.deliver_by = 100;
    mail.deliver_by_mode = 'N';
    assert_ok(remote_send(remote, &mail, &arena));
    assert_true(mail.by_passed);
    mail.deliver_by = 50; /* below what it takes */
    assert_ok(remote_send(remote, &mail, &arena));
    assert_false(mail.by_passed);
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
    BEGIN("> 220 old\n< EHLO client.example\n> 502 what?\n< HELO client.example\n> 250 hello\n"
          "< MAIL FROM:<a@a.example>\n> 250 ok\n< RCPT TO:<one@b.example>\n> 250 ok\n< DATA\n"
          "> 354 go\ndata\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    /* neither 8-bit text nor bare line ends for it */
    write_mail(1, SLICE("MIME-Version: 1.0\r\n\r\none \xe4 of many letters\nand another line\r\n"));
    mail.body_type = SMTP_BODY_8BITMIME;
    assert_ok(remote_send(remote, &mail, &arena));
    ASSERT_BODY("Received: by us\r\nMIME-Version: 1.0\r\n"
                "Content-Type: text/plain; charset=unknown-8bit\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                "one =E4 of many letters=0Aand another line\r\n");
    end();
}

CORE_TEST(test_mends_line_ends)
{
    BEGIN(HELLO("> 250-8BITMIME\n> 250 CHUNKING\n") "< MAIL FROM:<a@a.example> BODY=8BITMIME\n> "
                                                    "250 ok\n< RCPT TO:<one@b.example>\n> 250 ok\n"
                                                    "bdat\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\n\n.\n\xe4\r.\r\r\n"));
    mail.body_type = SMTP_BODY_8BITMIME;
    assert_ok(remote_send(remote, &mail, &arena));
    ASSERT_BODY("Received: by us\r\nA: b\r\n\r\n.\r\n\xe4\r\n.\r\n\r\n");
    end();
}

CORE_TEST(test_parameters)
{
    BEGIN(HELLO(
        "> 250-PIPELINING\n> 250-SIZE\n> 250-DSN\n> 250-8BITMIME\n> 250-SMTPUTF8\n"
        "> 250-MT-PRIORITY\n> 250 DELIVERBY 60\n") "< MAIL FROM:<a@a.example> SIZE=25 "
                                                   "BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb "
                                                   "MT-PRIORITY=3 BY=100;RT\n"
                                                   "< RCPT TO:<one@b.example> NOTIFY=SUCCESS,DELAY "
                                                   "ORCPT=rfc822;one+2Btag@b.example\n"
                                                   "< RCPT TO:<two@b.example> NOTIFY=NEVER "
                                                   "ORCPT=utf-8;\\x{E4}@b.example\n"
                                                   "< RCPT TO:<thr\xc3\xa9@b.example>\n< DATA\n"
                                                   "> 250 ok\n> 250 ok\n> 250 ok\n> 250 ok\n> 354 "
                                                   "go\ndata\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(3, SLICE("A: b\r\n\r\n"));
    mail.body_type = SMTP_BODY_8BITMIME;
    mail.utf8 = true;
    mail.ret = SMTP_RETURN_HEADERS;
    mail.envid = SLICE("a+b");
    mail.priority = 3;
    mail.deliver_by = 100;
    mail.deliver_by_mode = 'R';
    mail.deliver_by_trace = true;
    recipients[0].notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY;
    recipients[0].orcpt_type = SLICE("rfc822");
    recipients[0].orcpt_address = SLICE("one+tag@b.example");
    recipients[1].notify = SMTP_NOTIFY_NEVER;
    recipients[1].orcpt_type = SLICE("utf-8");
    recipients[1].orcpt_address = SLICE("\xc3\xa4@b.example");
    recipients[2].address = SLICE("thr\xc3\xa9@b.example");
    assert_ok(remote_send(remote, &mail, &arena));
    assert_true(mail.dsn_passed);
    end();
}

/* What this server cannot do is refused here, recipient by recipient, and the connection stays. */
CORE_TEST(test_refuses_itself)
{
    BEGIN(
        HELLO("> 250-DELIVERBY 240\n> 250 SIZE 30\n") "< MAIL FROM:<a@a.example> SIZE=27\n> 250 "
                                                      "ok\n< RCPT TO:<two@b.example>\n> 250 ok\n"
                                                      "< DATA\n> 354 go\ndata\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(2, SLICE("A: b\r\n\r\nlong enough\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 3, 4);
    assert_answer(&recipients[1].answer, 0, 5, 3, 4);
    write_mail(1, SLICE("A: b\r\n\r\n"));
    mail.utf8 = true;
    mail.sender = SLICE("\xc3\xa4@a.example");
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 6, 7);
    write_mail(1, SLICE("A: \xc3\xa4\r\n\r\n"));
    mail.utf8 = true;
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 6, 9);
    write_mail(1, SLICE("A: b\r\n\r\n"));
    mail.require_tls = true;
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 7, 30);
    write_mail(1, SLICE("A: b\r\n\r\n"));
    mail.deliver_by = 200;
    mail.deliver_by_mode = 'R';
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 4, 7);
    write_mail(1, SLICE("Content-Type: message/partial\r\n\r\n\xe4\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 6, 3);
    assert_int_equal(remote_mails(remote), 0);
    /* SMTPUTF8 was asked for, but only one recipient needs it; the other has a line break in it */
    write_mail(3, SLICE("A: b\r\n\r\n\r\n"));
    mail.utf8 = true;
    recipients[0].address = SLICE("\xc3\xa4@b.example");
    recipients[2].address = SLICE("a@b.example>\r\nRCPT TO:<x@y.example");
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 6, 7);
    assert_answer(&recipients[1].answer, 250, 2, 0, 0);
    assert_answer(&recipients[2].answer, 0, 5, 1, 3);
    end();
}

#define MAIL_OK "< MAIL FROM:<a@a.example>\n> 250 ok\n"
#define RCPT_OK(name) "< RCPT TO:<" name "@b.example>\n> 250 ok\n"
#define DATA_OK "< DATA\n> 354 go\ndata\n> 250 ok\n"

/* RFC 9422: two recipients are two transactions, and after two transactions it is over. */
CORE_TEST(test_limits)
{
    BEGIN(HELLO("> 250 LIMITS RCPTMAX=1 MAILMAX=2\n") MAIL_OK RCPT_OK("one")
              DATA_OK MAIL_OK RCPT_OK("two") DATA_OK GOODBYE);
    assert_ok(open_it());
    write_mail(3, SLICE("A: b\r\n\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_answer(&recipients[1].answer, 250, 2, 0, 0);
    assert_answer(&recipients[2].answer, 0, 4, 5, 3);
    assert_int_equal(remote_mails(remote), 2);
    assert_true(remote_is_used_up(remote));
    assert_false(remote_is_alive(remote));
    end();
}

/* RFC 5321 4.5.3.1.10 */
CORE_TEST(test_crowded)
{
    BEGIN(HELLO("> 250 PIPELINING\n") "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< "
                                      "RCPT TO:<two@b.example>\n"
                                      "< DATA\n> 250 ok\n> 250 ok\n> 452 4.5.3 one at a time\n> "
                                      "354 go\ndata\n> 250 ok\n"
                                      "< MAIL FROM:<a@a.example>\n< RCPT TO:<two@b.example>\n< "
                                      "DATA\n> 250 ok\n"
                                      "> 452 4.5.3 not you\n> 503 nobody\n" GOODBYE);
    assert_ok(open_it());
    write_mail(2, SLICE("A: b\r\n\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_answer(&recipients[1].answer, 452, 4, 5, 3);
    end();
}

/* More recipients than are sent ahead of their replies. */
CORE_TEST(test_many_recipients)
{
    enum { COUNT = 2 * REMOTE_RECIPIENTS_AT_ONCE + 1 };
    static char script[64 * 1024];
    static struct remote_recipient many[COUNT];
    struct buffer text;
    buffer_init(&text, sizeof script);
    buffer_add_string(&text, HELLO("> 250 PIPELINING\n") "< MAIL FROM:<a@a.example>\n");
    for (unsigned i = 0; i < COUNT; i++) {
        buffer_add_string(&text, "< RCPT TO:<one@b.example>\n");
        if (i + 1 == REMOTE_RECIPIENTS_AT_ONCE)
            buffer_add_string(&text, "> 250 ok\n");
        if ((i + 1) % REMOTE_RECIPIENTS_AT_ONCE == 0)
            for (unsigned k = 0; k < REMOTE_RECIPIENTS_AT_ONCE; k++)
                buffer_add_string(&text, k % 2 ? "> 250 ok\n" : "> 550 no\n");
    }
    buffer_add_string(&text, "< DATA\n> 250 ok\n> 354 go\ndata\n> 250 ok\n" GOODBYE);
    memcpy(script, text.data, text.size);
    buffer_close(&text);
    BEGIN(script);
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\r\n\r\n"));
    for (unsigned i = 0; i < COUNT; i++)
        many[i] = (struct remote_recipient){.address = SLICE("one@b.example")};
    mail.recipients = many;
    mail.count = COUNT;
    assert_ok(remote_send(remote, &mail, &arena));
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(many[i].answer.code, i % 2 || i + 1 == COUNT ? 250 : 550);
    end();
}

/* One more than a transaction may have: two transactions. */
CORE_TEST(test_recipients_max)
{
    enum { COUNT = REMOTE_RECIPIENTS_MAX + 1 };
    static char script[128 * 1024];
    static struct remote_recipient many[COUNT];
    struct buffer text;
    buffer_init(&text, sizeof script);
    buffer_add_string(&text, HELLO("> 250 HELP\n") "< MAIL FROM:<a@a.example>\n> 250 ok\n");
    for (unsigned i = 0; i < REMOTE_RECIPIENTS_MAX; i++)
        buffer_add_string(&text, "< RCPT TO:<one@b.example>\n> 250 ok\n");
    buffer_add_string(&text, "< DATA\n> 354 go\ndata\n> 250 ok\n< MAIL FROM:<a@a.example>\n"
                             "> 250 ok\n< RCPT TO:<one@b.example>\n> 250 ok\n< DATA\n> 354 go\n"
                             "data\n> 250 ok\n" GOODBYE);
    memcpy(script, text.data, text.size);
    buffer_close(&text);
    BEGIN(script);
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\r\n\r\n"));
    for (unsigned i = 0; i < COUNT; i++)
        many[i] = (struct remote_recipient){.address = SLICE("one@b.example")};
    mail.recipients = many;
    mail.count = COUNT;
    assert_ok(remote_send(remote, &mail, &arena));
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(many[i].answer.code, 250);
    assert_int_equal(remote_mails(remote), 2);
    end();
}

/* What does not fit into a command is refused at once, and the others are not held up by it.
 * WORDS_SIZE_MAX (transport/deliver/remote_command.c) is kept for all that is no address. */
CORE_TEST(test_command_size_max)
{
    enum { WORDS_SIZE_MAX = 200 };
    static char address[REMOTE_COMMAND_SIZE_MAX - WORDS_SIZE_MAX + 2],
        fits[REMOTE_COMMAND_SIZE_MAX - WORDS_SIZE_MAX + 1];
    memset(address, 'x', sizeof address - 1);
    memset(fits, 'y', sizeof fits - 1);
    memcpy(fits + sizeof fits - 1 - sizeof "@b.example" + 1, "@b.example", sizeof "@b.example" - 1);
    BEGIN(HELLO("> 250 DSN\n") "< MAIL FROM:<a@a.example>\n> 250 ok\n< RCPT TO:<two@b.example>\n"
                               "> 250 ok\n< RCPT TO:<yyy*\n> 250 ok\n< DATA\n> 354 go\ndata\n"
                               "> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(4, SLICE("A: b\r\n\r\n"));
    recipients[0].address = slice_from_string(address);
    recipients[2].address = slice_from_string(fits);
    recipients[3].orcpt_type = SLICE("rfc822");
    recipients[3].orcpt_address = slice_of(address, REMOTE_COMMAND_SIZE_MAX / 3);
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 1, 3);
    assert_answer(&recipients[1].answer, 250, 2, 0, 0);
    assert_answer(&recipients[2].answer, 250, 2, 0, 0);
    assert_answer(&recipients[3].answer, 0, 5, 1, 3);
    write_mail(1, SLICE("A: b\r\n\r\n"));
    mail.envid = slice_of(address, REMOTE_COMMAND_SIZE_MAX / 3);
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 0, 5, 1, 7);
    end();
}

/* ---- Refusals ---- */

CORE_TEST(test_nobody)
{
    BEGIN(HELLO("> 250 PIPELINING\n")
          /* the server waits for a message all the same (RFC 2920 3.1) */
          "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n> 550 no\n"
          "> 354 go\nempty\n> 554 nobody\n"
          /* or it does not; then the transaction must be given up */
          "< RSET\n< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n"
          "> 250 ok\n> 450 later\n> 503 nobody\n"
          "< RSET\n< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n"
          "> 553 5.1.8 not you\n> 503 no\n> 503 no\n"
          "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n> 250 ok\n"
          "> 451 4.3.0 no disk\n"
          "< RSET\n< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n"
          "> 250 ok\n> 250 ok\n> 354 go\ndata\n> 550 5.7.1 spam\n" GOODBYE);
    assert_ok(open_it());
    static const int expected[5][4] = {
        {550, 5, 1, 0}, {450, 4, 2, 0}, {553, 5, 1, 8}, {451, 4, 3, 0}, {550, 5, 7, 1}};
    for (unsigned i = 0; i < 5; i++) {
        write_mail(1, SLICE("A: b\r\n\r\n"));
        assert_ok(remote_send(remote, &mail, &arena));
        assert_answer(&recipients[0].answer, expected[i][0], expected[i][1], expected[i][2],
                      expected[i][3]);
        assert_true(remote_is_alive(remote));
    }
    end();
}

/* With CHUNKING the message is there before anybody is refused. */
CORE_TEST(test_nobody_chunked)
{
    BEGIN(
        HELLO("> 250-PIPELINING\n> 250 CHUNKING\n") "< MAIL FROM:<a@a.example>\n< RCPT "
                                                    "TO:<one@b.example>\nbdat\n> 250 ok\n> 550 no\n"
                                                    "> 503 nobody\n"
                                                    "< RSET\n< MAIL FROM:<a@a.example>\n< RCPT "
                                                    "TO:<one@b.example>\nbdat\n> 250 ok\n> 250 ok\n"
                                                    "> 250 ok\n> 552 5.2.2 full\n"
                                                    "< RSET\n< MAIL FROM:<a@a.example>\n< RCPT "
                                                    "TO:<one@b.example>\nbdat\n> 250 ok\n> 250 ok\n"
                                                    "> 250 ok\n> 250 ok\n" GOODBYE);
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\r\n\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 550, 5, 1, 0);
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 552, 5, 2, 2);
    /* RFC 3030 2: RSET first */
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    end();
}

/* ---- Hosts ---- */

static struct route_host hosts[3];

/* The peer, behind hosts that nobody listens at. */
static void add_dead_hosts(void)
{
    for (unsigned i = 0; i < 3; i++)
        hosts[i] = (struct route_host){.address = {.family = ADDRESS_IPV4, .ip = {127, 9, 9, 9}},
                                       .port = 1};
    hosts[2] = host;
    route.hosts = hosts;
    route.host_count = 3;
}

CORE_TEST(test_next_host)
{
    BEGIN(HELLO("> 250 HELP\n") GOODBYE);
    add_dead_hosts();
    assert_ok(open_it());
    char text[ADDRESS_TEXT_SIZE];
    snprintf(text, sizeof text, "127.0.0.1:%u", peer.port);
    assert_true(slice_equal(remote_host(remote), slice_from_string(text)));
    end();
}

/* Never is only said where all say never. */
CORE_TEST(test_refused_hosts)
{
    BEGIN("> 554 5.7.1 go away\n" GOODBYE, "> 554 no service\n" GOODBYE,
          "> 220 mx\n< EHLO client.example\n> 550 5.7.1 who?\n< HELO client.example\n"
          "> 550 5.7.1 who?\n" GOODBYE,
          "> 421 4.3.2 later\n", "> 554 no\n" GOODBYE);
    assert_error(open_it(), ERROR_PERMANENT);
    assert_answer(&answer, 554, 5, 7, 1);
    assert_slice(answer.text, "go away");
    assert_error(open_it(), ERROR_PERMANENT);
    assert_answer(&answer, 554, 5, 3, 2);
    assert_error(open_it(), ERROR_PERMANENT);
    assert_answer(&answer, 550, 5, 7, 1);
    assert_error(open_it(), ERROR_TEMPORARY);
    assert_answer(&answer, 421, 4, 3, 2);
    add_dead_hosts();
    assert_error(open_it(), ERROR_TEMPORARY);
    assert_answer(&answer, 0, 4, 4, 1);
    end();
}

CORE_TEST(test_nobody_listens)
{
    BEGIN(NULL);
    add_dead_hosts();
    route.host_count = 2;
    assert_error(open_it(), ERROR_TEMPORARY);
    assert_answer(&answer, 0, 4, 4, 1);
    settings.source_ipv4 = SLICE("not an address");
    assert_error(open_it(), ERROR_TEMPORARY);
    settings.source_ipv4 = SLICE("127.0.0.5");
    assert_error(open_it(), ERROR_TEMPORARY);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_chunking),
        cmocka_unit_test(test_chunking_refused),
        cmocka_unit_test(test_chunking_judged),
        cmocka_unit_test(test_chunking_binary),
        cmocka_unit_test(test_lmtp),
        cmocka_unit_test(test_lmtp_requiretls),
        cmocka_unit_test(test_deliver_by_passed),
        cmocka_unit_test(test_helo),
        cmocka_unit_test(test_mends_line_ends),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_refuses_itself),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_recipients_max),
        cmocka_unit_test(test_command_size_max),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_nobody_chunked),
        cmocka_unit_test(test_next_host),
        cmocka_unit_test(test_refused_hosts),
        cmocka_unit_test(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
