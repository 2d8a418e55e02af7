/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports with a queue of this test's own: what was submitted is looked at.
 */
#include "check.h"

#include "base/log.h"
#include "base/time.h"
#include "filter/authentic/signer.h"
#include "format/mail/dsn_text.h"
#include "format/mail/mime.h"
#include "transport/queue/keep.h"
#include "transport/queue/life.h"
#include "transport/queue/report.h"

#include <fcntl.h>
#include <stdio.h>

#define ORIGINAL                                                                                   \
    "Subject: Lunch\r\nContent-Language: de\r\nMessage-ID: <1@example.org>\r\n\r\nAt noon?\r\n"

/* ---- The queue ---- */

static struct {
    unsigned submissions;
    struct buffer text; /* of the last report */
    char to[200];
    struct queue_envelope envelope;
    struct queue_recipient recipient;
    error result;      /* of queue_submit */
    error open_result; /* of queue_content_open */
    error sign_result; /* of signer_sign */
    slice body;
    unsigned open;
    struct queue_settings settings;
} queue;

error queue_submit(struct queue_submission *submission)
{
    assert_int_equal(submission->count, 1);
    assert_int_equal(queue.open, 0); /* nothing is pinned while the journal is waited for */
    if (failed(queue.result))
        return queue.result;
    queue.submissions++;
    queue.envelope = submission->envelopes[0];
    assert_slice(queue.envelope.prefix, "DKIM-Signature: d=example.org\r\n");
    queue.recipient = *queue.envelope.recipients;
    assert_int_equal(queue.envelope.recipient_count, 1);
    snprintf(queue.to, sizeof queue.to, "%.*s", SLICE_ARG(queue.recipient.address));
    buffer_reset(&queue.text);
    buffer_add(&queue.text, body_slice(submission->body));
    body_close(submission->body);
    submission->envelopes[0].id = 77;
    return OK;
}

error queue_content_open(struct queue_content *content, struct body *scratch, slice *out_body)
{
    assert_true(content->out > 0);
    assert_true(scratch->size_max >= content->size + content->prefix_size);
    if (failed(queue.open_result))
        return queue.open_result;
    queue.open++;
    *out_body = queue.body;
    return OK;
}

void queue_content_release(struct queue_content *content, struct body *scratch)
{
    (void)content, (void)scratch;
    queue.open--;
}

slice queue_mail_prefix(const struct queue_mail *mail, const struct body *scratch)
{
    (void)mail, (void)scratch;
    assert_int_equal(queue.open, 1);
    return SLICE("Received: from here\r\n");
}

void queue_id_format(queue_id id, char out_text[QUEUE_ID_TEXT_SIZE])
{
    snprintf(out_text, QUEUE_ID_TEXT_SIZE, "%016llx", (unsigned long long)id);
}

/* Only the domain has a key. */
error signer_sign(slice domain, slice prefix, slice body, struct arena *scratch,
                  struct buffer *fields)
{
    (void)scratch;
    assert_int_equal(prefix.size, 0);
    assert_true(slice_starts(body, SLICE("Date: ")));
    if (slice_equal(domain, SLICE("example.org")))
        buffer_add_string(fields, "DKIM-Signature: d=example.org\r\n");
    return queue.sign_result;
}

const struct queue_settings *queue_settings_now(void)
{
    return &queue.settings;
}

slice queue_hostname(void)
{
    return SLICE("mx.example.org");
}

/* ---- A mail ---- */

enum { RECIPIENTS = 4 };

static struct {
    struct queue_mail mail;
    struct queue_content content;
    struct queue_mail_recipient recipients[RECIPIENTS];
    char texts[2000];
    size_t size;
} made;

static struct arena arena;
static struct mime_message parsed;

static struct queue_text text_of(const char *text)
{
    struct queue_text result = {(uint32_t)made.size, (uint32_t)strlen(text)};
    memcpy(made.texts + made.size, text, result.size);
    made.size += result.size;
    return result;
}

/* r0@example.net and so on, all with this NOTIFY. */
static struct queue_mail *mail_from(const char *sender, unsigned notify)
{
    memset(&made, 0, sizeof made);
    arena_reset(&arena);
    queue.submissions = 0;
    queue.result = queue.open_result = queue.sign_result = OK;
    queue.body = SLICE(ORIGINAL);
    queue.settings = (struct queue_settings){.report_size_max = 1000, .postmaster = SLICE("")};
    made.content = (struct queue_content){.size = queue.body.size, .prefix_size = 21};
    for (unsigned i = 0; i < RECIPIENTS; i++) {
        char address[50];
        snprintf(address, sizeof address, "r%u@example.net", i);
        made.recipients[i] =
            (struct queue_mail_recipient){.address = text_of(address), .notify = (uint8_t)notify};
    }
    made.mail = (struct queue_mail){
        .id = 0x4d2,
        .content = &made.content,
        .recipient_count = RECIPIENTS,
        .arrived = 1795341601,
        .expires = 1795773601,
        .sender = text_of(sender),
        .envid = text_of("env"),
        .recipients = made.recipients,
        .texts = made.texts,
    };
    return &made.mail;
}

static const struct report_recipient refused[] = {
    {0, 550, {5, 1, 1}, "550 5.1.1 no such user", "mx.example.net[192.0.2.1]", 1795341602},
    {1, 0, {4, 4, 7}, "time is over", "", 0},
    {2, 552, {5, 2, 2}, "5.2.2 full", "[192.0.2.2]", 1795341603},
};

static error send_all(enum report_kind kind)
{
    error problem = report_send(&made.mail, kind, refused, 3);
    assert_int_equal(made.content.out, 0);
    if (!failed(problem) && queue.submissions > 0) {
        arena_reset(&arena);
        assert_ok(mime_parse(&arena, buffer_slice(&queue.text), &parsed));
        assert_int_equal(parsed.root->child_count, 3);
        assert_int_equal(queue.envelope.sender.size, 0);
        assert_int_equal(queue.recipient.notify, SMTP_NOTIFY_NEVER);
    }
    return problem;
}

static slice part(unsigned number)
{
    slice bytes;
    assert_ok(mime_part_decode(&arena, buffer_slice(&queue.text),
                               mime_part_child(parsed.root, number), &bytes));
    return bytes;
}

static bool fields_have(const char *text)
{
    return slice_find(part(2), slice_from_string(text)) >= 0;
}

/* ---- Tests ---- */

static void test_failed(void **state)
{
    (void)state;
    mail_from("alice@example.org", SMTP_NOTIFY_UNSAID);
    assert_ok(send_all(REPORT_FAILED));
    assert_int_equal(queue.submissions, 1); /* one report for all of them */
    assert_string_equal(queue.to, "alice@example.org");
    assert_int_equal(queue.envelope.body, SMTP_BODY_7BIT);
    assert_false(queue.envelope.utf8);
    assert_true(fields_have("Original-Envelope-Id: env\r\n"));
    assert_true(fields_have("Final-Recipient: rfc822; r0@example.net\r\n"
                            "Action: failed\r\nStatus: 5.1.1\r\n"
                            "Remote-MTA: dns; mx.example.net\r\n"
                            "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
                            "Last-Attempt-Date: Sun, 22 Nov 2026 10:00:02 +0000\r\n"));
    assert_true(fields_have("r1@example.net\r\nAction: failed\r\nStatus: 4.4.7\r\n"
                            "Diagnostic-Code: x-ringmail; time is over\r\n"));
    assert_true(fields_have("Remote-MTA: dns; [192.0.2.2]\r\n"
                            "Diagnostic-Code: smtp; 552 5.2.2 full\r\n"));
    assert_false(fields_have("r3@example.net"));
    assert_true(slice_starts(part(1), SLICE("Guten Tag,"))); /* as the mail tells */
    assert_true(slice_starts(part(3), SLICE("Received: from here\r\nSubject: Lunch\r\n")));
    assert_true(slice_find(part(3), SLICE("noon")) < 0);
}

/* RFC 3461 4.1 */
static void test_notify(void **state)
{
    (void)state;
    static const struct {
        unsigned notify;
        bool told[4]; /* by enum report_kind */
    } cases[] = {
        {SMTP_NOTIFY_UNSAID, {true, true, false, false}},
        {SMTP_NOTIFY_NEVER, {false, false, false, false}},
        {SMTP_NOTIFY_FAILURE, {true, false, false, false}},
        {SMTP_NOTIFY_DELAY, {false, true, false, false}},
        {SMTP_NOTIFY_SUCCESS, {false, false, true, true}},
        {SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY, {true, true, true, true}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned kind = REPORT_FAILED; kind <= REPORT_RELAYED; kind++) {
            mail_from("alice@example.org", cases[i].notify);
            assert_ok(send_all((enum report_kind)kind));
            assert_int_equal(queue.submissions, cases[i].told[kind]);
        }
    }
    /* One of several recipients: only he is named. */
    mail_from("alice@example.org", SMTP_NOTIFY_NEVER);
    made.recipients[1].notify = SMTP_NOTIFY_FAILURE;
    assert_ok(send_all(REPORT_FAILED));
    assert_true(fields_have("r1@example.net"));
    assert_false(fields_have("r0@example.net"));
}

static void test_kinds(void **state)
{
    (void)state;
    mail_from("alice@example.org", SMTP_NOTIFY_UNSAID);
    assert_ok(send_all(REPORT_DELAYED));
    assert_true(fields_have("Action: delayed\r\n"));
    assert_true(fields_have("Will-Retry-Until: Fri, 27 Nov 2026 10:00:01 +0000\r\n"));
    /* The last answer of a waiting item lies in one piece. */
    const struct report_recipient last[] = {
        {0, 0, {4, 4, 7}, "mx.example.net[192.0.2.1]: 450 4.2.0 not: now", NULL, 0},
        {1, 0, {4, 4, 7}, "192.0.2.2:2525: 421 too many", NULL, 0},
        {2, 0, {4, 4, 1}, "mx.example.net: no answer", NULL, 0},
        {3, 0, {4, 4, 7}, "[2001:db8::1]:25: 450 4.2.1 no", NULL, 0},
    };
    assert_ok(report_send(&made.mail, REPORT_DELAYED, last, 4));
    assert_ok(mime_parse(&arena, buffer_slice(&queue.text), &parsed));
    assert_true(fields_have("r0@example.net\r\nAction: delayed\r\nStatus: 4.2.0\r\n"
                            "Remote-MTA: dns; mx.example.net\r\n"
                            "Diagnostic-Code: smtp; 450 4.2.0 not: now\r\n"));
    assert_true(fields_have("Status: 4.0.0\r\nRemote-MTA: dns; [192.0.2.2]\r\n"
                            "Diagnostic-Code: smtp; 421 4.0.0 too many\r\n"));
    assert_true(fields_have("Remote-MTA: dns; [IPv6:2001:db8::1]\r\n"));
    assert_true(fields_have("Diagnostic-Code: x-ringmail; mx.example.net: no answer\r\n"));
    mail_from("alice@example.org", SMTP_NOTIFY_SUCCESS);
    assert_ok(send_all(REPORT_RELAYED));
    assert_true(fields_have("Action: relayed\r\n"));
    mail_from("alice@example.org", SMTP_NOTIFY_SUCCESS);
    assert_ok(send_all(REPORT_DELIVERED));
    assert_true(fields_have("Action: delivered\r\n"));
    mail_from("alice@example.org", SMTP_NOTIFY_SUCCESS);
    assert_ok(send_all(REPORT_EXPANDED));
    assert_true(fields_have("Action: expanded\r\n"));
    assert_false(fields_have("Deliver-By-Date"));
}

/* RFC 2852: relaying is reported to who did not ask for success, not to who wants to hear nothing.
 */
static void test_deliver_by(void **state)
{
    (void)state;
    mail_from("alice@example.org", SMTP_NOTIFY_FAILURE);
    made.mail.deliver_by = 1795342000;
    made.recipients[1].notify = SMTP_NOTIFY_NEVER;
    assert_ok(send_all(REPORT_RELAYED));
    assert_int_equal(queue.submissions, 1);
    assert_true(fields_have("Action: relayed\r\n"));
    assert_true(fields_have("Deliver-By-Date: Sun, 22 Nov 2026 10:06:40 +0000\r\n"));
    assert_true(fields_have("r0@example.net"));
    assert_false(fields_have("r1@example.net"));
    mail_from("", SMTP_NOTIFY_UNSAID);
    made.mail.deliver_by = 1795342000;
    assert_ok(send_all(REPORT_RELAYED));
    assert_int_equal(queue.submissions, 0);
}

/* RFC 3461 4.3, RFC 8689 5 */
static void test_return(void **state)
{
    (void)state;
    static const struct {
        enum smtp_return ret;
        enum report_kind kind;
        size_t size_max;
        bool require_tls, full;
    } cases[] = {
        {SMTP_RETURN_FULL, REPORT_FAILED, 1000, false, true},
        {SMTP_RETURN_FULL, REPORT_FAILED, sizeof ORIGINAL + 20, false, true},
        {SMTP_RETURN_FULL, REPORT_FAILED, sizeof ORIGINAL + 19, false, false},
        {SMTP_RETURN_FULL, REPORT_FAILED, 1000, true, false},
        {SMTP_RETURN_HEADERS, REPORT_FAILED, 1000, false, false},
        {SMTP_RETURN_UNSAID, REPORT_FAILED, 1000, false, false},
        {SMTP_RETURN_FULL, REPORT_DELAYED, 1000, false, false},
        {SMTP_RETURN_FULL, REPORT_DELIVERED, 1000, false, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct queue_mail *mail = mail_from(
            "alice@example.org", SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
        mail->ret = cases[i].ret;
        mail->require_tls = cases[i].require_tls;
        queue.settings.report_size_max = cases[i].size_max;
        assert_ok(send_all(cases[i].kind));
        bool full =
            mime_part_is(mime_part_child(parsed.root, 3), SLICE("message"), SLICE("rfc822"));
        assert_int_equal(full, cases[i].full);
        assert_int_equal(slice_find(buffer_slice(&queue.text), SLICE("At noon?")) >= 0, full);
    }
}

/* No report about a report, except to the postmaster, and none about his. */
static void test_null_sender(void **state)
{
    (void)state;
    mail_from("", SMTP_NOTIFY_NEVER);
    assert_ok(send_all(REPORT_FAILED));
    assert_int_equal(queue.submissions, 0);

    mail_from("", SMTP_NOTIFY_NEVER);
    queue.settings.postmaster = SLICE("pm@example.org");
    queue.settings.report_language = DSN_SPANISH;
    assert_ok(send_all(REPORT_FAILED));
    assert_int_equal(queue.submissions, 1);
    assert_string_equal(queue.to, "pm@example.org");
    assert_true(slice_starts(part(1), SLICE("Hola:"))); /* not what the mail tells */
    assert_true(slice_find(part(1), SLICE("(A report that could not be delivered)")) >= 0);
    assert_ok(send_all(REPORT_DELAYED));
    assert_ok(send_all(REPORT_DELIVERED));
    assert_int_equal(queue.submissions, 1);

    mail_from("", SMTP_NOTIFY_NEVER);
    queue.settings.postmaster = SLICE("R0@example.net");
    assert_ok(report_send(&made.mail, REPORT_FAILED, refused, 1));
    assert_int_equal(queue.submissions, 0);
    assert_ok(send_all(REPORT_FAILED)); /* of three he is not told of himself */
    assert_int_equal(queue.submissions, 1);
    assert_false(fields_have("r0@example.net"));
    assert_true(fields_have("r1@example.net"));

    mail_from("", SMTP_NOTIFY_NEVER);
    queue.settings.postmaster = SLICE("postmaster");
    assert_ok(send_all(REPORT_FAILED));
    assert_string_equal(queue.to, "postmaster@mx.example.org");
}

/* The caller hears of trouble, and keeps the recipients. */
static void test_trouble(void **state)
{
    (void)state;
    mail_from("alice@example.org", SMTP_NOTIFY_UNSAID);
    queue.result = error_make(ERROR_TEMPORARY, "no room");
    assert_error(send_all(REPORT_FAILED), ERROR_TEMPORARY);
    mail_from("alice@example.org", SMTP_NOTIFY_UNSAID);
    queue.open_result = error_make(ERROR_TEMPORARY, "the disk is slow");
    assert_error(send_all(REPORT_FAILED), ERROR_TEMPORARY);
    assert_int_equal(queue.submissions, 0);
    queue.open_result = OK;
    queue.sign_result = error_make(ERROR_TEMPORARY, "no keys now");
    assert_error(send_all(REPORT_FAILED), ERROR_TEMPORARY); /* it waits rather than go unsigned */
    queue.sign_result = OK;
    /* A body that is lost for good does not keep the sender from hearing of it. */
    queue.open_result = error_make(ERROR_PERMANENT, "damaged");
    assert_ok(send_all(REPORT_FAILED));
    assert_int_equal(queue.submissions, 1);
    assert_int_equal(part(3).size, 0);
    assert_true(fields_have("r0@example.net"));
}

static void test_utf8(void **state)
{
    (void)state;
    struct queue_mail *mail = mail_from("\xc3\xa4@b\xc3\xbc.example", SMTP_NOTIFY_UNSAID);
    mail->utf8 = true;
    mail->priority = 4;
    assert_ok(send_all(REPORT_FAILED));
    assert_string_equal(queue.to, "\xc3\xa4@xn--b-eha.example");
    assert_true(queue.envelope.utf8);
    assert_int_equal(queue.envelope.body, SMTP_BODY_8BITMIME);
    assert_int_equal(queue.envelope.priority, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed),  cmocka_unit_test(test_notify),
        cmocka_unit_test(test_kinds),   cmocka_unit_test(test_deliver_by),
        cmocka_unit_test(test_return),  cmocka_unit_test(test_null_sender),
        cmocka_unit_test(test_trouble), cmocka_unit_test(test_utf8),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_WARNING, LOG_LOGFMT);
    arena_init(&arena, 16 << 20);
    buffer_init(&queue.text, 16 << 20);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&queue.text);
    arena_close(&arena);
    body_pool_drain();
    return result;
}
