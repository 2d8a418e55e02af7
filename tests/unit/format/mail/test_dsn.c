/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every kind of report, compared to a file in golden/ (RINGMAIL_GOLDEN_WRITE=1 writes them anew; a
 * system test reads the same files with Python's email package) and read again with our own parser.
 */
#include "check.h"

#include "base/utf8.h"
#include "format/mail/dsn.h"
#include "format/mail/header.h"
#include "format/mail/mime.h"

#include <stdio.h>
#include <stdlib.h>

#define ORIGINAL                                                                                   \
    "From: Alice <alice@example.org>\r\nTo: bob@example.net\r\n"                                   \
    "Subject: =?UTF-8?Q?Lunch_at_the_caf=C3=A9?=\r\n"                                              \
    "Date: Sun, 22 Nov 2026 10:00:00 +0100\r\n"                                                    \
    "Message-ID: <1234@client.example.org>\r\n\r\nAt noon?\r\n"
#define PREFIX "Received: from client by mx.example.org; Sun, 22 Nov 2026 09:00:01 +0000\r\n"

static struct arena arena;
static struct buffer out;
static struct dsn_needs needs;
static struct mime_message parsed;

static const struct dsn_recipient bob = {
    .original_type = SLICE("rfc822"),
    .original_address = SLICE("bob@example.com"),
    .final_address = SLICE("bob@example.net"),
    .status = {5, 1, 1},
    .remote_host = SLICE("mx.example.net"),
    .code = 550,
    .text = SLICE("<bob@example.net>: no such user here"),
    .last_attempt = 1795341602,
};

static struct dsn dsn_of(enum dsn_action action, enum dsn_language language)
{
    return (struct dsn){
        .action = action,
        .language = language,
        .reporting_mta = SLICE("mx.example.org"),
        .from = SLICE("MAILER-DAEMON@mx.example.org"),
        .to = SLICE("alice@example.org"),
        .unique = SLICE("0123456789abcdefghijklmn"),
        .now = 1795341605,
        .envid = SLICE("QQ314159"),
        .arrived = 1795341601,
        .prefix = SLICE(PREFIX),
        .body = SLICE(ORIGINAL),
        .recipients = &bob,
        .count = 1,
    };
}

static slice write_dsn(const struct dsn *dsn)
{
    buffer_reset(&out);
    assert_ok(dsn_write(dsn, &arena, &out, &needs));
    assert_ok(buffer_check(&out));
    slice message = buffer_slice(&out);
    assert_ok(mime_parse(&arena, message, &parsed));
    assert_int_equal(parsed.root->child_count, 3);
    slice rest = message, line;
    while (slice_cut(rest, '\n', &line, &rest))
        assert_true(line.size <= 999 && line.data[line.size - 1] == '\r');
    assert_true(needs.eight_bit || utf8_is_ascii(message));
    return message;
}

static slice part(slice message, unsigned number)
{
    slice bytes;
    assert_ok(mime_part_decode(&arena, message, mime_part_child(parsed.root, number), &bytes));
    return bytes;
}

static bool part_is(unsigned number, const char *type, const char *subtype)
{
    return mime_part_is(mime_part_child(parsed.root, number), slice_from_string(type),
                        slice_from_string(subtype));
}

/* The whole part is this. */
static void expect(slice actual, const char *wanted)
{
    if (!slice_equal(actual, slice_from_string(wanted)))
        fail_msg("got:\n%.*s\nwanted:\n%s", SLICE_ARG(actual), wanted);
}

static void expect_in(slice text, const char *wanted)
{
    if (slice_find(text, slice_from_string(wanted)) < 0)
        fail_msg("\"%s\" is not in:\n%.*s", wanted, SLICE_ARG(text));
}

static slice header_value(slice message, const char *name)
{
    slice value;
    assert_true(mail_header_find(message, slice_from_string(name), &value));
    return slice_trim(value);
}

static void golden(const char *name, slice message)
{
    static char want[256 << 10];
    char path[200];
    snprintf(path, sizeof path, "tests/unit/format/mail/golden/%s.eml", name);
    if (getenv("RINGMAIL_GOLDEN_WRITE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(message.data, 1, message.size, file), message.size);
        fclose(file);
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(want, 1, sizeof want, file);
    fclose(file);
    if (!slice_equal(message, slice_of(want, size)))
        fail_msg("%s differs; got:\n%.*s", path, SLICE_ARG(message));
}

static void test_failed(void **state)
{
    (void)state;
    struct dsn dsn = dsn_of(DSN_FAILED, DSN_ENGLISH);
    slice message = write_dsn(&dsn);
    golden("failed-en", message);
    assert_false(needs.utf8 || needs.eight_bit);
    expect(header_value(message, "Auto-Submitted"), "auto-replied");
    expect(header_value(message, "In-Reply-To"), "<1234@client.example.org>");
    expect(header_value(message, "References"), "<1234@client.example.org>");
    expect(header_value(message, "To"), "<alice@example.org>");
    assert_true(mime_part_is(parsed.root, SLICE("multipart"), SLICE("report")));
    expect(mime_parameter_find(parsed.root->parameters, SLICE("report-type")), "delivery-status");
    assert_true(part_is(1, "text", "plain"));
    slice words = part(message, 1);
    expect_in(words, "    Subject: Lunch at the caf\xc3\xa9\r\n");
    expect_in(words, "There is no such address.");
    expect_in(words, "The server mx.example.net said:\r\n"
                     "        550 5.1.1 <bob@example.net>: no such user here\r\n");
    assert_true(part_is(2, "message", "delivery-status"));
    expect(part(message, 2), "Original-Envelope-Id: QQ314159\r\n"
                             "Reporting-MTA: dns; mx.example.org\r\n"
                             "Arrival-Date: Sun, 22 Nov 2026 10:00:01 +0000\r\n"
                             "\r\n"
                             "Original-Recipient: rfc822; bob@example.com\r\n"
                             "Final-Recipient: rfc822; bob@example.net\r\n"
                             "Action: failed\r\n"
                             "Status: 5.1.1\r\n"
                             "Remote-MTA: dns; mx.example.net\r\n"
                             "Diagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: no such user "
                             "here\r\n"
                             "Last-Attempt-Date: Sun, 22 Nov 2026 10:00:02 +0000\r\n");
    assert_true(part_is(3, "text", "rfc822-headers"));
    slice header = part(message, 3);
    assert_true(slice_starts(header, SLICE(PREFIX "From: Alice")));
    assert_true(slice_ends(header, SLICE("<1234@client.example.org>\r\n")));
}

/* Every kind in every language: the words are where they belong. */
static void test_kinds_and_languages(void **state)
{
    (void)state;
    for (unsigned action = 0; action < DSN_ACTIONS; action++) {
        for (unsigned language = 0; language < DSN_LANGUAGES; language++) {
            char name[64];
            struct dsn dsn = dsn_of((enum dsn_action)action, (enum dsn_language)language);
            struct dsn_recipient recipient = bob;
            recipient.will_retry_until = 1795773601;
            if (action != DSN_FAILED)
                memset(recipient.status, 0, sizeof recipient.status);
            dsn.recipients = &recipient;
            slice message = write_dsn(&dsn), words = part(message, 1);
            const struct dsn_text *text = &dsn_texts[language];
            snprintf(name, sizeof name, "%s-%s", dsn_action_name(dsn.action), text->code);
            golden(name, message);
            assert_true(slice_starts(words, slice_from_string(text->hello)));
            assert_true(utf8_is_valid(words));
            assert_true(slice_find(words, SLICE("{}")) < 0);
            assert_int_equal(slice_find(words, SLICE("Hello,")) >= 0, true); /* English as well */
            assert_int_equal(slice_find(words, SLICE("2026-11-27 10:00 UTC")) >= 0,
                             action == DSN_DELAYED);
            slice fields = part(message, 2);
            assert_int_equal(slice_find(fields, SLICE("\r\nWill-Retry-Until: ")) >= 0,
                             action == DSN_DELAYED);
            snprintf(name, sizeof name, "\r\nStatus: %s\r\n",
                     action == DSN_FAILED    ? "5.1.1"
                     : action == DSN_DELAYED ? "4.0.0"
                                             : "2.0.0");
            expect_in(fields, name);
        }
    }
}

/* No text is missing, and none has more than one hole. */
static void test_texts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DSN_LANGUAGES; i++) {
        const struct dsn_text *text = &dsn_texts[i];
        for (unsigned advice = 0; advice < DSN_ADVICES; advice++) {
            assert_non_null(text->advice[advice]);
            assert_true(utf8_is_valid(slice_from_string(text->advice[advice])));
        }
        for (unsigned action = 0; action < DSN_ACTIONS; action++)
            assert_true(text->actions[action].subject && text->actions[action].verdict &&
                        text->actions[action].closing);
        const char *const holes[] = {text->intro, text->until, text->said, text->more};
        for (unsigned hole = 0; hole < sizeof holes / sizeof *holes; hole++) {
            slice whole = slice_from_string(holes[hole]);
            ptrdiff_t at = slice_find(whole, SLICE("{}"));
            assert_true(at >= 0 && slice_find(slice_from(whole, (size_t)at + 2), SLICE("{}")) < 0);
        }
    }
}

static void test_full(void **state)
{
    (void)state;
    struct dsn dsn = dsn_of(DSN_FAILED, DSN_GERMAN);
    dsn.full = true;
    slice message = write_dsn(&dsn);
    golden("failed-full-de", message);
    assert_true(part_is(3, "message", "rfc822"));
    assert_true(slice_equal(mime_part_body(message, mime_part_child(parsed.root, 3)),
                            SLICE(PREFIX ORIGINAL)));
    /* A body of 8 bits travels as it is; one that is no text is not returned. */
    dsn.body = SLICE(ORIGINAL "Gr\xc3\xbc\xc3\x9f\x65\r\n");
    message = write_dsn(&dsn);
    assert_true(needs.eight_bit && !needs.utf8 && part_is(3, "message", "rfc822"));
    expect(header_value(message, "Content-Transfer-Encoding"), "8bit");
    const slice bad[] = {SLICE(ORIGINAL "a\nb\r\n"), SLICE(ORIGINAL "a\rb\r\n"),
                         SLICE(ORIGINAL "a\0b\r\n")};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        dsn.body = bad[i];
        (void)write_dsn(&dsn);
        assert_true(part_is(3, "text", "rfc822-headers"));
    }
    char endless[2000];
    snprintf(endless, sizeof endless, "Subject: x\r\n\r\n%0999d\r\n", 1);
    dsn.body = slice_from_string(endless);
    (void)write_dsn(&dsn);
    assert_true(part_is(3, "text", "rfc822-headers"));
    snprintf(endless, sizeof endless, "Subject: x\r\n\r\n%0998d\r\n", 1);
    (void)write_dsn(&dsn);
    dsn.body = slice_from_string(endless);
    (void)write_dsn(&dsn);
    assert_true(part_is(3, "message", "rfc822"));
}

/* RFC 6533 */
static void test_utf8(void **state)
{
    (void)state;
    struct dsn_recipient recipient = bob;
    struct dsn dsn = dsn_of(DSN_FAILED, DSN_FRENCH);
    recipient.original_type = SLICE("utf-8");
    recipient.original_address = SLICE("r\xc3\xa9n\xc3\xa9+x=y@example.net");
    recipient.final_address = SLICE("ren\xc3\xa9@example.net");
    dsn.recipients = &recipient;
    dsn.utf8 = true;
    dsn.body = SLICE("Subject: \xc3\xa9t\xc3\xa9\r\n\r\nx\r\n");
    slice message = write_dsn(&dsn);
    golden("failed-utf8-fr", message);
    assert_true(needs.utf8 && needs.eight_bit);
    expect(mime_parameter_find(parsed.root->parameters, SLICE("report-type")),
           "global-delivery-status");
    assert_true(part_is(2, "message", "global-delivery-status"));
    expect_in(part(message, 2), "Final-Recipient: utf-8; ren\xc3\xa9@example.net\r\n");
    assert_true(part_is(3, "message", "global-headers"));
    dsn.full = true;
    message = write_dsn(&dsn);
    assert_true(part_is(3, "message", "global"));
    /* Who cannot read that gets ASCII. */
    dsn.utf8 = false;
    dsn.full = false;
    message = write_dsn(&dsn);
    assert_false(needs.utf8 || needs.eight_bit);
    expect_in(part(message, 2),
              "Original-Recipient: utf-8; r\\x{E9}n\\x{E9}\\x{2B}x\\x{3D}y@example.net\r\n"
              "Final-Recipient: utf-8; ren\\x{E9}@example.net\r\n");
    assert_true(part_is(3, "text", "rfc822-headers"));
    expect_in(part(message, 3), "Subject: \xc3\xa9t\xc3\xa9\r\n");
    /* All ASCII needs no SMTPUTF8, whoever may read it. */
    dsn = dsn_of(DSN_FAILED, DSN_FRENCH);
    dsn.utf8 = true;
    (void)write_dsn(&dsn);
    assert_false(needs.utf8 || needs.eight_bit);
}

/* Texts of strangers begin no field of their own, whatever is in them. */
static void test_hostile(void **state)
{
    (void)state;
    static char evil[3000];
    memset(evil, 'e', sizeof evil);
    memcpy(evil, "x\r\nAction: delivered\r\n\r\n--=_0123456789abcdefghijklmn\r\n\0\x01\xff", 57);
    slice value = slice_of(evil, sizeof evil);
    struct dsn_recipient recipient = {
        .original_type = value,
        .original_address = value,
        .final_address = value,
        .status = {7, 9999, -3},
        .remote_host = value,
        .code = 550,
        .text = value,
    };
    struct dsn dsn = dsn_of(DSN_FAILED, DSN_ENGLISH);
    dsn.recipients = &recipient;
    dsn.envid = value;
    dsn.to = value;
    dsn.body = SLICE("Subject: a\r\nMessage-ID: <a b>\r\nDate: \x01\r\n\r\n");
    slice message = write_dsn(&dsn), found;
    assert_false(mail_header_find(message, SLICE("Action"), &found));
    assert_false(mail_header_find(message, SLICE("In-Reply-To"), &found));
    slice fields = part(message, 2);
    expect_in(fields, "\r\nAction: failed\r\nStatus: 5.0.0\r\n");
    assert_true(slice_find(fields, SLICE("\nAction: delivered")) < 0);
    assert_true(fields.size < DSN_RECIPIENT_SIZE_MAX + 1000);
    /* An address that must be written in ASCII grows by eight times. */
    for (size_t i = 0; i + 1 < sizeof evil; i += 2)
        memcpy(evil + i, "\xc3\xa9", 2);
    (void)write_dsn(&dsn);
}

static void test_many_recipients(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct dsn_recipient *all = calloc(COUNT, sizeof *all);
    char text[DSN_VALUE_SIZE_MAX + 1];
    memset(text, '=', sizeof text);
    for (unsigned i = 0; i < COUNT; i++) {
        all[i] = bob;
        all[i].original_address = all[i].final_address = slice_of(text, DSN_VALUE_SIZE_MAX);
        all[i].text = all[i].remote_host = slice_of(text, DSN_VALUE_SIZE_MAX);
    }
    struct dsn dsn = dsn_of(DSN_FAILED, DSN_SPANISH);
    dsn.recipients = all;
    dsn.count = COUNT;
    struct buffer large; /* the bound that dsn.h promises is enough */
    buffer_init(&large, DSN_FRAME_SIZE_MAX + (size_t)COUNT * DSN_RECIPIENT_SIZE_MAX);
    assert_ok(dsn_write(&dsn, &arena, &large, &needs));
    assert_ok(buffer_check(&large));
    assert_ok(mime_parse(&arena, buffer_slice(&large), &parsed));
    expect_in(part(buffer_slice(&large), 1), "y 4950 m\xc3\xa1s, todos nombrados");
    slice fields = part(buffer_slice(&large), 2);
    unsigned count = 0;
    for (ptrdiff_t at; (at = slice_find(fields, SLICE("\r\nAction: failed"))) >= 0; count++)
        fields = slice_from(fields, (size_t)at + 1);
    assert_int_equal(count, COUNT);
    buffer_close(&large);
    free(all);
}

/* A header past the bound is cut at a line. */
static void test_large_header(void **state)
{
    (void)state;
    static char mail[2 * DSN_HEADER_SIZE_MAX];
    size_t size = 0;
    while (size < sizeof mail - 100)
        size += (size_t)snprintf(mail + size, sizeof mail - size, "X-Field: value\r\n");
    struct dsn dsn = dsn_of(DSN_FAILED, DSN_ENGLISH);
    dsn.body = slice_of(mail, size);
    slice message = write_dsn(&dsn), header = part(message, 3);
    assert_in_range(header.size, DSN_HEADER_SIZE_MAX - 20, DSN_HEADER_SIZE_MAX);
    assert_true(slice_ends(header, SLICE("X-Field: value\r\n")));
    dsn.body = SLICE_EMPTY;
    dsn.prefix = SLICE_EMPTY;
    message = write_dsn(&dsn); /* the original is lost */
    assert_int_equal(part(message, 3).size, 0);
}

static void test_language(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int language; /* -1: none */
    } cases[] = {
        {"de", DSN_GERMAN},
        {"de-AT", DSN_GERMAN},
        {"FR-ca, en", DSN_FRENCH},
        {"en;q=0.5, es;q=0.8", DSN_SPANISH},
        {"en; q=0.5, de; q=0.25", DSN_ENGLISH},
        {"pl, it;q=0.9, de;q=0.1", DSN_GERMAN},
        {"de;q=0", -1},
        {"de;q=0.000, fr;q=0.001", DSN_FRENCH},
        {"pl", -1},
        {"", -1},
        {",;,=", -1},
        {"dex, deutsch", -1},
        {"*", -1},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum dsn_language language = DSN_LANGUAGES;
        bool found = dsn_language_find(slice_from_string(cases[i].value), &language);
        assert_int_equal(found ? (int)language : -1, cases[i].language);
    }
    enum dsn_language language;
    assert_true(dsn_language_of_mail(
        SLICE("Content-Language: fr\r\nAccept-Language: xx\r\n\r\nContent-Language: de\r\n"),
        &language));
    assert_int_equal(language, DSN_FRENCH);
    assert_true(dsn_language_of_mail(
        SLICE("Content-Language: fr\r\nAccept-Language: pl,\r\n de;q=0.3\r\n"), &language));
    assert_int_equal(language, DSN_GERMAN);
    assert_false(dsn_language_of_mail(SLICE("Subject: x\r\n\r\n"), &language));
}

static void test_advice(void **state)
{
    (void)state;
    static const struct {
        int status[3];
        enum dsn_advice advice;
    } cases[] = {
        {{5, 1, 1}, DSN_ADVICE_ADDRESS},     {{5, 1, 2}, DSN_ADVICE_DOMAIN},
        {{5, 1, 10}, DSN_ADVICE_DOMAIN},     {{5, 1, 8}, DSN_ADVICE_SENDER},
        {{5, 2, 1}, DSN_ADVICE_DISABLED},    {{5, 2, 2}, DSN_ADVICE_FULL},
        {{5, 3, 4}, DSN_ADVICE_LARGE},       {{4, 4, 7}, DSN_ADVICE_UNREACHABLE},
        {{5, 4, 6}, DSN_ADVICE_LOOP},        {{5, 6, 7}, DSN_ADVICE_CONTENT},
        {{5, 7, 1}, DSN_ADVICE_POLICY},      {{5, 7, 30}, DSN_ADVICE_SECURITY},
        {{0, 0, 0}, DSN_ADVICE_OTHER},       {{5, 5, 0}, DSN_ADVICE_OTHER},
        {{4, 4, 1}, DSN_ADVICE_UNREACHABLE},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(dsn_advice_for(cases[i].status), cases[i].advice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_kinds_and_languages),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_large_header),
        cmocka_unit_test(test_language),
        cmocka_unit_test(test_advice),
    };
    arena_init(&arena, 512 << 20);
    buffer_init(&out, 64 << 20);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    arena_close(&arena);
    return result;
}
