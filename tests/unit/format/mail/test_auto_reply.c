/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/mail/auto_reply.h"

#include <stdio.h>

static struct arena arena;
static struct buffer out;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    buffer_init(&out, 2 * MAIL_AUTO_REPLY_SIZE_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    buffer_close(&out);
    return 0;
}

static void test_who_is_not_answered(void **state)
{
    (void)state;
    const slice plain =
        SLICE("Subject: x\r\nAuto-Submitted: no\r\nPrecedence: first-class\r\n\r\n");
    const char *const senders[] = {"",          "MAILER-DAEMON@x", "owner-list@x", "list-request@x",
                                   "noreply@x", "listserv@x"};
    const char *const headers[] = {"List-Id: <l.example>\r\n\r\n",
                                   "List-Unsubscribe: <mailto:x@y>\r\n\r\n",
                                   "Auto-Submitted: auto-generated\r\n\r\n",
                                   "auto-submitted: Auto-Replied (vacation); x=y\r\n\r\n",
                                   "Precedence: bulk\r\n\r\n",
                                   "Precedence: LIST\r\n\r\n",
                                   "X-Auto-Response-Suppress: DR, OOF, AutoReply\r\n\r\n"};
    assert_null(mail_auto_reply_refusal(SLICE("friend@x"), plain));
    assert_null(mail_auto_reply_refusal(SLICE("request@x"), plain));
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++)
        assert_non_null(mail_auto_reply_refusal(slice_from_string(senders[i]), plain));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_non_null(mail_auto_reply_refusal(SLICE("friend@x"), slice_from_string(headers[i])));
}

static bool addressed(const char *header)
{
    const slice mine[] = {SLICE("me@example.org"), SLICE("info@Example.ORG")};
    bool found;
    assert_ok(mail_auto_reply_is_addressed(slice_from_string(header), mine, 2, &arena, &found));
    return found;
}

static void test_addressed(void **state)
{
    (void)state;
    assert_true(addressed("To: a@b, \"Me\" <ME@example.org>\r\n\r\n"));
    assert_true(addressed("Cc: g: info@example.org;\r\n\r\n"));
    assert_true(addressed("Resent-To: me@example.org\r\nTo: x@y\r\n\r\n"));
    assert_false(addressed("To: me@example.com\r\nFrom: me@example.org\r\n\r\n"));
    assert_false(addressed("Subject: me@example.org\r\n\r\nTo: me@example.org\r\n"));
}

static void assert_has(const char *text)
{
    if (slice_find(buffer_slice(&out), slice_from_string(text)) < 0)
        fail_msg("\"%s\" is not in\n%.*s", text, SLICE_ARG(buffer_slice(&out)));
}

static void test_text(void **state)
{
    (void)state;
    struct mail_auto_reply reply = {
        .header = SLICE("Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\n"
                        "References: <a@x>\r\n <b@x>\r\n\r\n"),
        .from = SLICE("me@example.org"),
        .to = SLICE("friend@x"),
        .text = SLICE("Bin weg.\nBis sp\xc3\xa4ter\n"),
        .submitted = "auto-replied (vacation)",
        .message_id = SLICE("<new@example.org>"),
        .now = 1000000000,
    };
    assert_ok(mail_auto_reply_write(&reply, &arena, &out));
    assert_has("From: me@example.org\r\nTo: friend@x\r\nSubject: =?");
    assert_has("Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n");
    assert_has("In-Reply-To: <1@x>\r\nReferences: <a@x>\r\n <b@x>\r\n <1@x>\r\n");
    assert_has("Auto-Submitted: auto-replied (vacation)\r\n");
    assert_has("\r\n\r\nBin weg.\r\nBis sp=C3=A4ter\r\n");
    /* a script's values begin no fields of their own */
    buffer_reset(&out);
    reply.subject = SLICE("a\r\nBcc: all@x");
    reply.mime = true;
    reply.text = SLICE("Content-Type: text/html\n\n<p>away</p>");
    assert_ok(mail_auto_reply_write(&reply, &arena, &out));
    assert_has("Subject: a  Bcc: all@x\r\n");
    assert_has("MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>away</p>\r\n");
}

static void test_limits(void **state)
{
    (void)state;
    char *large = arena_alloc(&arena, MAIL_AUTO_REPLY_SIZE_MAX + 1);
    char header[2 * MAIL_AUTO_REPLY_REFERENCES_SIZE_MAX];
    assert_non_null(large);
    memset(large, 'x', MAIL_AUTO_REPLY_SIZE_MAX + 1);
    struct mail_auto_reply reply = {.text = slice_of(large, MAIL_AUTO_REPLY_SIZE_MAX + 1)};
    assert_error(mail_auto_reply_write(&reply, &arena, &out), ERROR_LIMIT);
    buffer_reset(&out);
    snprintf(header, sizeof header, "Message-ID: <1@x>\r\nReferences: <%.*s>\r\n\r\n",
             MAIL_AUTO_REPLY_REFERENCES_SIZE_MAX, large);
    reply = (struct mail_auto_reply){.header = slice_from_string(header)};
    assert_ok(mail_auto_reply_write(&reply, &arena, &out));
    assert_has("References: <1@x>\r\n");
    buffer_reset(&out);
    memcpy(header, "Subject: ", 9);
    memset(header + 9, 'y', 2 * MAIL_AUTO_REPLY_SUBJECT_SIZE_MAX);
    reply.header = slice_of(header, 9 + 2 * MAIL_AUTO_REPLY_SUBJECT_SIZE_MAX);
    assert_ok(mail_auto_reply_write(&reply, &arena, &out));
    unsigned taken = 0;
    for (size_t i = 0; i < out.size; i++)
        taken += out.data[i] == 'y';
    assert_int_equal(taken, MAIL_AUTO_REPLY_SUBJECT_SIZE_MAX + 1); /* and that of "reply" */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_is_not_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
