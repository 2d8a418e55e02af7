/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions in the submission role, and the way into the queue of both roles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/smtp/dialogue.h"

#include "filter/authentic/srs.h"

#include <errno.h>

static struct smtp_settings settings;
static struct arena arena;

static void start(enum smtp_role role)
{
    arena_init(&arena, 1 << 20);
    world = (struct fake_world){.role = role, .tls_implicit = role == SMTP_ROLE_SUBMISSION};
    assert_false(failed(
        settings_default(role == SMTP_ROLE_MX ? &smtp_setting_table : &submission_setting_table,
                         &arena, &settings)));
    buffer_init(&world.last, 16 << 20);
    buffer_init(&world.queue, 1 << 20);
}

static int setup(void **state)
{
    (void)state;
    start(SMTP_ROLE_SUBMISSION);
    return 0;
}

static int setup_mx(void **state)
{
    (void)state;
    start(SMTP_ROLE_MX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_close(&world.last);
    buffer_close(&world.queue);
    arena_close(&arena);
    return 0;
}

static void check(slice input, bool tls, const char *expected)
{
    check_codes(&settings, input, tls, expected);
}
#define CHECK(input, expected) check(SLICE(input), false, expected)

static void check_queue(const char *expected)
{
    if (!slice_equal(buffer_slice(&world.queue), slice_from_string(expected)))
        fail_msg("expected\n%s\ngot\n%.*s", expected, SLICE_ARG(buffer_slice(&world.queue)));
}

static void check_has(const char *part, bool expected)
{
    if ((slice_find(buffer_slice(&world.last), slice_from_string(part)) >= 0) != expected)
        fail_msg("%s %s\n%.*s", expected ? "no" : "there is", part,
                 SLICE_ARG(buffer_slice(&world.last)));
}

#define E "EHLO c\r\n\xfe"
/* "\0user\0secret" */
#define A "AUTH PLAIN AHVzZXIAc2VjcmV0\r\n\xfe"
#define M "MAIL FROM:<user@example.org>\r\n"
#define R "RCPT TO:<user@example.org>\r\n"
#define O "RCPT TO:<x@elsewhere.example>\r\n"
#define D "DATA\r\n\xfe"
#define F "From: <user@example.org>\r\n"
#define END "\r\ntext\r\n.\r\n"

static void test_login(void **state)
{
    (void)state;
    CHECK(E A A, "220 250 235 503");
    CHECK(A, "220 503");
    CHECK(E M R D R "VRFY x\r\nBDAT 1\r\nxNOOP\r\n", "220 250 530 530 530 530 530 503 250");
    CHECK(E "AUTH LOGIN\r\n\xfe"
            "dXNlcg==\r\nc2VjcmV0\r\n" M,
          "220 250 334 334 235 250");
    CHECK(E "AUTH LOGIN dXNlcg==\r\n\xfe"
            "c2VjcmV0\r\n" M,
          "220 250 334 235 250");
    CHECK(E "AUTH LOGIN =\r\n\xfe"
            "c2VjcmV0\r\n" M,
          "220 250 334 535 530");
    CHECK(E "AUTH PLAIN\r\n\xfe"
            "AHVzZXIAc2VjcmV0\r\n" M,
          "220 250 334 235 250");
    CHECK(E "AUTH PLAIN\r\n\xfe*\r\n" M, "220 250 334 501 530");
    CHECK(E "AUTH PLAIN\r\n\xfe"
            "A\nB\r\n" M,
          "220 250 334 500");
    CHECK(E "AUTH PLAIN AHVzZXIAc2VjcmV0\r\n" M, "220 250 503"); /* pipelined */
    CHECK("HELO c\r\n\xfe" A, "220 250 235");
    assert_int_equal(world.logins, 5);
    world.login_result = error_make(ERROR_BUSY, "too many");
    CHECK(E A M, "220 250 454 530");
    world.login_result = error_make(ERROR_TEMPORARY, "away");
    CHECK(E A M, "220 250 454 530");
}

static void test_guessing_ends_the_session(void **state)
{
    (void)state;
#define BAD "AUTH PLAIN AHVzZXIAeA==\r\n\xfe"
    CHECK(E BAD BAD BAD BAD BAD BAD, "220 250 535 535 535 535 421");
    assert_int_equal(world.logins_failed, 5);
}

static void test_login_needs_tls(void **state)
{
    (void)state;
    world.tls_implicit = false;
    CHECK(E A M, "220 250 538 530");
    check(SLICE(E "STARTTLS\r\n\xfe" E A M), true, "220 250 220 250 235 250");
    settings.tls_required = false;
    /* RFC 3207 4.2: what was said in clear text is forgotten, the login too */
    check(SLICE(E A "STARTTLS\r\n\xfe" E M A M), true, "220 250 235 220 250 530 235 250");
}

static void test_sender(void **state)
{
    (void)state;
    CHECK(E A "MAIL FROM:<user2@example.org>\r\n", "220 250 235 250");
    CHECK(E A "MAIL FROM:<other@example.org>\r\n" R, "220 250 235 553 503");
    CHECK(E A "MAIL FROM:<user@elsewhere.example>\r\n", "220 250 235 553");
    world.sender_result = error_make(ERROR_TEMPORARY, "away");
    CHECK(E A M, "220 250 235 451");
    /* At the end only what MAIL did not say is asked for. */
    world.sender_result = OK;
    CHECK(E A M R D "From: user2@example.org\r\n" END, "220 250 235 250 250 354 250");
    CHECK(E A M R D "From: other@example.org\r\n" END, "220 250 235 250 250 354 550");
    CHECK(E A M R D "Subject: x\r\n" END, "220 250 235 250 250 354 550");
    CHECK(E A M R D F F END, "220 250 235 250 250 354 550");
    settings.sender_check = SMTP_SENDER_ENVELOPE;
    CHECK(E A M R D "From: other@example.org\r\n" END, "220 250 235 250 250 354 250");
    assert_int_equal(world.deliveries, 2);
    assert_int_equal(world.queued, 0);
}

static void test_null_sender(void **state)
{
    (void)state;
#define REPORT F "Content-Type: multipart/report\r\n"
    CHECK(E A "MAIL FROM:<>\r\n" R D F END, "220 250 235 250 250 354 550");
    CHECK(E A "MAIL FROM:<>\r\n" R D REPORT END, "220 250 235 250 250 354 250");
    settings.null_sender = SMTP_NULL_SENDER_ANY;
    CHECK(E A "MAIL FROM:<>\r\n" R D F END, "220 250 235 250 250 354 250");
    settings.null_sender = SMTP_NULL_SENDER_REFUSE;
    CHECK(E A "MAIL FROM:<>\r\n" R, "220 250 235 550 503");
}

static void test_header(void **state)
{
    (void)state;
    CHECK(E A M R D "Bcc: secret\r\n" F "Subject: s\r\n" END, "220 250 235 250 250 354 250");
    check_has("secret", false);
    check_has("\r\nDate: ", true);
    check_has("\r\nMessage-ID: <", true);
    check_has("@example.org>\r\nFrom: <user@example.org>\r\nSubject: s\r\n\r\ntext\r\n", true);
    check_has("DKIM-Signature: example.org ", true);
    check_has("Authenticated", false);
    check_has("ESMTPSA", true);
    settings.trace_user = true;
    settings.trace_client = false;
    CHECK(E A M R D F "Date: d\r\nMessage-ID: <m>\r\n" END, "220 250 235 250 250 354 250");
    check_has("192.0.2.1", false);
    check_has("Received: (Authenticated sender: user@example.org)\r\n\tby mx.example.org", true);
    check_has("\r\nDate: d\r\nMessage-ID: <m>\r\n\r\ntext", true);
    check_has(" +0000\r\nFrom", true); /* of Received: */
    world.signer_result = error_make(ERROR_TEMPORARY, "no keys");
    CHECK(E A M R D F END, "220 250 235 250 250 354 451");
    assert_int_equal(world.deliveries, 2);
}

static void test_queued(void **state)
{
    (void)state;
    CHECK(E A M O R D F END, "220 250 235 250 250 250 354 250");
    check_queue(
        "from <user@example.org> ret 0 envid '' account 'user@example.org' priority 0 by -\n"
        "to <x@elsewhere.example> notify 0 orcpt ;\n"
        "final <user@example.org> notify 0 orcpt ;\n");
    check_has("DKIM-Signature: example.org ", true);
    check_has("ARC-Seal", false);
    CHECK(E A "MAIL FROM:<user@example.org> RET=HDRS ENVID=e+2B MT-PRIORITY=-3 BY=60;RT SMTPUTF8 "
              "REQUIRETLS\r\n"
              "RCPT TO:<away@example.org> NOTIFY=SUCCESS,DELAY\r\n"
              "RCPT TO:<x@b\xc3\xbc"
              "cher.example> ORCPT=rfc822;o+40o NOTIFY=NEVER\r\n" D F "TLS-Required: No\r\n" END,
          "220 250 235 250 250 250 354 250");
    check_queue("from <user@example.org> ret 2 envid 'e+' account 'user@example.org' utf8 "
                "require_tls priority -3 by R\n"
                "to <Far@away.example> notify 10 orcpt rfc822;away@example.org\n"
                "to <x@xn--bcher-kva.example> notify 1 orcpt rfc822;o@o\n");
    CHECK(E A M O D F "TLS-Required: No\r\n" END, "220 250 235 250 250 354 250");
    check_queue("from <user@example.org> ret 0 envid '' account 'user@example.org' tls_optional "
                "priority 0 by -\n"
                "to <x@elsewhere.example> notify 0 orcpt ;\n");
    assert_int_equal(world.queued, 3);
    assert_int_equal(world.deliveries, 0);
}

/* What a transport refuses is refused at RCPT; the others get their mail. */
static void test_refusing_transport(void **state)
{
    (void)state;
    CHECK(E A M "RCPT TO:<x@refused.example>\r\nRCPT TO:<x@elsewhere.example>\r\n" D F END,
          "220 250 235 250 550 250 354 250");
    check_queue("from <user@example.org> ret 0 envid '' account 'user@example.org' "
                "priority 0 by -\n"
                "to <x@elsewhere.example> notify 0 orcpt ;\n");
}

/* Mail for mailboxes alone waits for nobody, unless that was asked for. */
static void test_what_is_queued(void **state)
{
    (void)state;
    CHECK(E A M R D F END, "220 250 235 250 250 354 250");
    assert_int_equal(world.deliveries, 1);
    CHECK(E A M "RCPT TO:<user@example.org> NOTIFY=FAILURE\r\n" D F END,
          "220 250 235 250 250 354 250");
    assert_int_equal(world.deliveries, 2);
    CHECK(E A M "RCPT TO:<user@example.org> NOTIFY=SUCCESS\r\n" D F END,
          "220 250 235 250 250 354 250");
    assert_int_equal(world.queued, 1);
    CHECK(E A "MAIL FROM:<user@example.org> HOLDFOR=100\r\n" R D F END,
          "220 250 235 250 250 354 250");
    assert_int_equal(world.queued, 2);
    assert_true(slice_find(buffer_slice(&world.queue), SLICE("held 100\n")) > 0 ||
                slice_find(buffer_slice(&world.queue), SLICE("held 99\n")) > 0);
    CHECK(E A "MAIL FROM:<user@example.org> HOLDUNTIL=2020-01-01T00:00:00Z\r\n" R D F END,
          "220 250 235 250 250 354 250");
    assert_int_equal(world.deliveries, 3);
}

static void test_queue_trouble_is_never_final(void **state)
{
    (void)state;
    static const struct {
        error problem;
        const char *codes;
    } cases[] = {
        {{ERROR_TEMPORARY, 0, "x"}, "220 250 235 250 250 354 451"},
        {{ERROR_TEMPORARY, ENOSPC, "x"}, "220 250 235 250 250 354 452"},
        {{ERROR_BUSY, 0, "x"}, "220 250 235 250 250 354 452"},
        {{ERROR_LIMIT, 0, "x"}, "220 250 235 250 250 354 452"},
        {{ERROR_BUG, 0, "x"}, "220 250 235 250 250 354 451"},
    };
    settings.messages_per_hour = 1; /* what was not sent is given back */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world.queue_result = cases[i].problem;
        check(SLICE(E A M O D F END), false, cases[i].codes);
    }
    world.queue_result = OK;
    CHECK(E A M O D F END, "220 250 235 250 250 354 250");
    assert_int_equal(world.queued, 1);
    assert_int_equal(world.events, 0);
    CHECK(E A M, "220 250 235 450");
    assert_int_equal(world.events, 1);
}

static void test_recipients(void **state)
{
    (void)state;
    CHECK(E A M "RCPT TO:<nobody@example.org>\r\n", "220 250 235 250 550");
    CHECK(E A M "RCPT TO:<broken@example.org>\r\n", "220 250 235 250 451");
    CHECK(E A M "RCPT TO:<x@a..b>\r\n", "220 250 235 250 501");
    CHECK(E A M "RCPT TO:<x@[192.0.2.1]>\r\n", "220 250 235 250 250");
    settings.recipients_max = 1;
    CHECK(E A M O R, "220 250 235 250 250 452");
}

static void test_limits(void **state)
{
    (void)state;
    settings.recipients_per_day = 2;
    CHECK(E A M O R "RCPT TO:<both@example.org>\r\n", "220 250 235 250 250 250 550");
    assert_int_equal(world.events, 1);
    CHECK(E A M O D F END M O R, "220 250 235 250 250 354 250 250 250 450");
    /* Two sessions at once: what both were promised only one gets. */
    CHECK(E A M O D F END M, "220 250 235 250 250 354 250 450");
    settings.recipients_per_day = 0;
    settings.messages_per_hour = 3;
    CHECK(E A M O D F END M, "220 250 235 250 250 354 250 450");
    settings.priority_max = 2;
    settings.messages_per_hour = 0;
    CHECK(E A "MAIL FROM:<user@example.org> MT-PRIORITY=9\r\n" O D F END,
          "220 250 235 250 250 354 250");
    assert_true(slice_find(buffer_slice(&world.queue), SLICE("priority 2 ")) > 0);
}

/* ---- Port 25 ---- */

#define N "MAIL FROM:<a@b.example>\r\n"
static const char SECRET[] = "0123456789abcdef";

static void test_forwarding(void **state)
{
    (void)state;
    CHECK(E N "RCPT TO:<away@example.org>\r\n" D END, "220 250 250 250 354 250");
    check_queue("from <a@b.example> ret 0 envid '' account '' priority 0 by -\n"
                "to <Far@away.example> notify 0 orcpt rfc822;away@example.org\n");
    check_has("ARC-Seal: example.org ", true);
    check_has("DKIM", false);
    world.forward.srs_secret = slice_from_string(SECRET);
    CHECK(E N "RCPT TO:<mixed@example.org> NOTIFY=FAILURE\r\n" D END, "220 250 250 250 354 250");
    slice queue = buffer_slice(&world.queue);
    assert_true(
        slice_starts(queue, SLICE("from <a@b.example> ret 0 envid '' account '' priority 0 by -\n"
                                  "final <user@example.org> notify 4 orcpt "
                                  "rfc822;mixed@example.org\n"
                                  "from <SRS0=")));
    assert_true(slice_ends(queue, SLICE("=b.example=a@mx.example.org> ret 0 envid '' account '' "
                                        "priority 0 by -\n"
                                        "to <Far@away.example> notify 4 orcpt "
                                        "rfc822;mixed@example.org\n")));
    CHECK(E "MAIL FROM:<>\r\nRCPT TO:<away@example.org>\r\n" D END, "220 250 250 250 354 250");
    assert_true(slice_starts(buffer_slice(&world.queue), SLICE("from <> ")));
    CHECK(E "MAIL FROM:<user@example.org>\r\nRCPT TO:<away@example.org>\r\n" D END,
          "220 250 250 250 354 250");
    assert_true(slice_starts(buffer_slice(&world.queue), SLICE("from <user@example.org> ")));
    CHECK(E N "RCPT TO:<x@elsewhere.example>\r\n", "220 250 250 550");
    CHECK(E N "RCPT TO:<broken@example.org>\r\n", "220 250 250 451");
    CHECK(E N "RCPT TO:<moved@example.org>\r\n", "220 250 250 550");
    assert_int_equal(world.deliveries, 0);
    world.signer_result = error_make(ERROR_TEMPORARY, "no keys");
    CHECK(E N "RCPT TO:<away@example.org>\r\n" D END, "220 250 250 250 354 451");
}

/* A bounce to the address we made for a@b.example, with another last letter. */
static void bounce(char letter, const char *rest, const char *expected)
{
    slice address;
    struct buffer input;
    buffer_init(&input, 10000);
    assert_false(failed(srs_forward(slice_from_string(SECRET), SLICE("a@b.example"),
                                    SLICE("srs.example"), time_wall_seconds(), &arena, &address)));
    buffer_format(&input, E "MAIL FROM:<>\r\nRCPT TO:<%.*s%c@srs.example>\r\n%s",
                  SLICE_ARG(slice_sub(address, 0, address.size - strlen("a@srs.example"))), letter,
                  rest);
    check(buffer_slice(&input), false, expected);
    buffer_close(&input);
}

static void test_bounces_find_back(void **state)
{
    (void)state;
    bounce('a', "", "220 250 250 550"); /* no secret, no way back */
    world.forward = (struct forward_settings){.srs_secret = slice_from_string(SECRET),
                                              .srs_domain = SLICE("SRS.example")};
    bounce('b', "", "220 250 250 550");
    bounce('a', D END, "220 250 250 250 354 250");
    slice queue = buffer_slice(&world.queue);
    assert_true(slice_starts(queue, SLICE("from <> ret 0 envid '' account '' priority 0 by -\n"
                                          "to <a@b.example> notify 0 orcpt rfc822;SRS0=")));
    world.forward.srs_domain = SLICE("other.example"); /* that one is not ours */
    bounce('a', "", "220 250 250 550");
    world.forward.srs_domain = SLICE("srs.example");
    CHECK(E N "RCPT TO:<x@srs.example>\r\n", "220 250 250 550");
}

static void test_success_reports(void **state)
{
    (void)state;
    CHECK(E N "RCPT TO:<user@example.org> NOTIFY=SUCCESS\r\n" D END, "220 250 250 250 354 250");
    check_queue("from <a@b.example> ret 0 envid '' account '' priority 0 by -\n"
                "final <user@example.org> notify 2 orcpt ;\n");
    assert_int_equal(world.deliveries, 0);
}

int main(void)
{
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
#define SUBMISSION(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define MX(test) cmocka_unit_test_setup_teardown(test, setup_mx, teardown)
    const struct CMUnitTest tests[] = {
        SUBMISSION(test_login),
        SUBMISSION(test_guessing_ends_the_session),
        SUBMISSION(test_login_needs_tls),
        SUBMISSION(test_sender),
        SUBMISSION(test_null_sender),
        SUBMISSION(test_header),
        SUBMISSION(test_queued),
        SUBMISSION(test_what_is_queued),
        SUBMISSION(test_refusing_transport),
        SUBMISSION(test_queue_trouble_is_never_final),
        SUBMISSION(test_recipients),
        SUBMISSION(test_limits),
        MX(test_forwarding),
        MX(test_bounces_find_back),
        MX(test_success_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
