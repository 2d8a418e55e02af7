#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A mail for tests of rules: a header that nobody could object to, of which a test changes what it
 * is about; judged without a core, so nothing asks DNS (the peer is of a documentation network,
 * which is not public).
 */
#include "check.h"

#include "filter/spam/engine.h"
#include "filter/spam/rules.h"
#include "format/mail/date.h"

#include <stdio.h>

struct spam_test {
    struct arena arena;
    struct buffer message;
    struct spam_scores scores;
    struct spam_caps caps;
    struct spam_rules_settings rules;
    struct spam_lists_settings lists;
    struct spam_engine_settings settings;
    struct spam_mail mail;
    slice recipient;
    struct authentic authentic;
    struct spam_verdict verdict;
};

static inline void spam_test_open(struct spam_test *test)
{
    memset(test, 0, sizeof *test);
    arena_init(&test->arena, 64 << 20);
    buffer_init(&test->message, 64 << 20);
    assert_ok(settings_default(&spam_scores_setting_table, &test->arena, &test->scores));
    assert_ok(settings_default(&spam_caps_setting_table, &test->arena, &test->caps));
    assert_ok(settings_default(&spam_rules_setting_table, &test->arena, &test->rules));
    assert_ok(settings_default(&spam_lists_setting_table, &test->arena, &test->lists));
    test->settings =
        (struct spam_engine_settings){&test->scores, &test->caps, &test->rules, &test->lists};
    test->recipient = SLICE("anna@example.org");
    test->mail = (struct spam_mail){
        .id = SLICE("test"),
        .helo = SLICE("mail.sender.example"),
        .host = SLICE("mx.example.org"),
        .sender = SLICE("bert@sender.example"),
        .recipients = &test->recipient,
        .recipient_count = 1,
        .deadline = TIME_NEVER,
    };
    assert_ok(address_parse_ip(SLICE("192.0.2.7"), &test->mail.peer));
}

static inline void spam_test_close(struct spam_test *test)
{
    spam_engine_stop();
    buffer_close(&test->message);
    arena_close(&test->arena);
}

/* From a public address, with proofs that all failed to be there. */
static inline void spam_test_stranger(struct spam_test *test)
{
    assert_ok(address_parse_ip(SLICE("8.9.10.11"), &test->mail.peer));
    test->mail.authentic = &test->authentic;
}

/* Fields that make a mail complete, but for those that `without` names ("Date Subject"). */
static inline void spam_test_header(struct spam_test *test, const char *without)
{
    static const char *const fields[] = {
        "From: Bert Sender <bert@sender.example>\r\n",
        "To: Anna <anna@example.org>\r\n",
        "Subject: The plan for Thursday\r\n",
        "Message-ID: <20260101.4711@sender.example>\r\n",
        "MIME-Version: 1.0\r\n",
    };
    buffer_reset(&test->message);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        slice name, rest;
        slice_cut(slice_from_string(fields[i]), ':', &name, &rest);
        if (slice_find(slice_from_string(without), name) < 0)
            buffer_add_string(&test->message, fields[i]);
    }
    if (slice_find(slice_from_string(without), SLICE("Date")) < 0) {
        buffer_add_string(&test->message, "Date: ");
        mail_date_write(&test->message, time_wall_seconds(), 0);
        buffer_add_string(&test->message, "\r\n");
    }
}

static inline void spam_test_judge(struct spam_test *test)
{
    test->mail.message = buffer_slice(&test->message);
    test->verdict = (struct spam_verdict){.score = 0};
    assert_ok(spam_engine_start(&test->settings, SLICE_EMPTY));
    assert_ok(spam_engine_judge(&test->mail, &test->arena, &test->verdict));
}

/* Judges a whole message; a mail of ours with `fields` in place of those named in `without`. */
static inline void spam_test_mail(struct spam_test *test, const char *without, const char *fields,
                                  const char *body)
{
    spam_test_header(test, without);
    buffer_add_string(&test->message, fields);
    buffer_add_string(&test->message, "\r\n");
    buffer_add_string(&test->message, body);
    spam_test_judge(test);
}

static inline const struct spam_symbol *spam_test_find(const struct spam_test *test,
                                                       const char *name)
{
    for (unsigned i = 0; i < test->verdict.symbol_count; i++)
        if (slice_equal(test->verdict.symbols[i].name, slice_from_string(name)))
            return &test->verdict.symbols[i];
    return NULL;
}

static inline void spam_test_print(const struct spam_test *test)
{
    for (unsigned i = 0; i < test->verdict.symbol_count; i++)
        print_message("  %.*s %.2f (%.*s)\n", SLICE_ARG(test->verdict.symbols[i].name),
                      test->verdict.symbols[i].score, SLICE_ARG(test->verdict.symbols[i].reason));
}

/* "-NAME": must not be there. Names separated by blanks. */
static inline void spam_test_expect(const struct spam_test *test, const char *names)
{
    slice rest = slice_from_string(names), name;
    while (rest.size > 0) {
        char text[64];
        slice_cut(rest, ' ', &name, &rest);
        bool absent = slice_starts(name, SLICE("-"));
        name = slice_from(name, absent);
        assert_int_not_equal(spam_symbol_find(name), SPAM_SYMBOL_COUNT);
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(name));
        if ((spam_test_find(test, text) == NULL) != absent) {
            print_message("%s is %s\n", text, absent ? "there" : "missing");
            spam_test_print(test);
            fail();
        }
    }
}
