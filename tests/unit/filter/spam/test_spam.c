/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/web.h"

#include "base/metric.h"
#include "filter/spam/engine_settings.h"
#include "filter/spam/rspamd.h"
#include "filter/spam/settings.h"

#include <math.h>

static struct arena arena;
static struct spam_settings settings;
static struct spam_scores scores;
static struct spam_caps caps;
static struct spam_rules_settings rules;
static struct spam_lists_settings lists;
static char url[64];

static void start(void)
{
    const struct spam_engine_settings engine = {&scores, &caps, &rules, &lists};
    assert_ok(spam_start(&(struct spam_options){.settings = &settings, .engine = &engine}));
}

static void defaults(void)
{
    arena_init(&arena, 64 << 20);
    assert_ok(settings_default(&spam_setting_table, &arena, &settings));
    assert_ok(settings_default(&spam_scores_setting_table, &arena, &scores));
    assert_ok(settings_default(&spam_caps_setting_table, &arena, &caps));
    assert_ok(settings_default(&spam_rules_setting_table, &arena, &rules));
    assert_ok(settings_default(&spam_lists_setting_table, &arena, &lists));
    lists.enabled = false;
}

/* ---- What a score means ---- */

static void test_decides(void **state)
{
    (void)state;
    struct spam_settings s = {.junk_score = 6, .refuse_score = 15};
    assert_int_equal(spam_decide(&s, -100), SPAM_ACCEPT);
    assert_int_equal(spam_decide(&s, 5.99), SPAM_ACCEPT);
    assert_int_equal(spam_decide(&s, 6), SPAM_JUNK);
    assert_int_equal(spam_decide(&s, 14.99), SPAM_JUNK);
    assert_int_equal(spam_decide(&s, 15), SPAM_REFUSE);
    s.delay_score = 4; /* below junk */
    assert_int_equal(spam_decide(&s, 5), SPAM_DELAY);
    assert_int_equal(spam_decide(&s, 7), SPAM_JUNK);
    s.delay_score = 10; /* above it */
    assert_int_equal(spam_decide(&s, 7), SPAM_JUNK);
    assert_int_equal(spam_decide(&s, 12), SPAM_DELAY);
    s = (struct spam_settings){.junk_score = 6, .refuse_score = 6}; /* the severer */
    assert_int_equal(spam_decide(&s, 6), SPAM_REFUSE);
    s = (struct spam_settings){0};
    assert_int_equal(spam_decide(&s, 1e9), SPAM_ACCEPT);
    assert_string_equal(spam_action_name(SPAM_DELAY), "delay");
}

/* ---- Who is asked, and who is not ---- */

static void wanted(void *argument)
{
    (void)argument;
    struct address inside, outside;
    assert_ok(address_parse_ip(SLICE("192.0.2.7"), &inside));
    assert_ok(address_parse_ip(SLICE("198.51.100.7"), &outside));
    defaults();
    assert_false(spam_is_wanted(&outside, false)); /* nothing was started */
    settings.trusted = SLICE("192.0.2.0/24");
    start();
    assert_true(spam_is_wanted(&outside, false));
    assert_false(spam_is_wanted(&inside, false));
    assert_false(spam_is_wanted(&outside, true));
    settings.submission = true;
    assert_true(spam_is_wanted(&outside, true));
    settings.engine = SPAM_ENGINE_NONE;
    start(); /* as a reload does */
    assert_false(spam_is_wanted(&outside, false));
    struct spam_verdict verdict;
    const struct spam_mail mail = {.message = SLICE("Subject: x\r\n\r\n")};
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_false(verdict.judged);
    assert_int_equal(verdict.action, SPAM_ACCEPT);
    assert_int_equal(verdict.fields.size, 0);
    spam_stop();
    assert_null(spam_settings_here());
    arena_close(&arena);
}

static void own_engine(void *argument)
{
    (void)argument;
    struct spam_verdict verdict;
    const struct spam_mail mail = {
        .message =
            SLICE("Subject: x\r\n\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-"
                  "EMAIL*C.34X\r\n")};
    defaults();
    start();
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_true(verdict.judged);
    assert_int_equal(verdict.action, SPAM_REFUSE);
    assert_true(slice_starts(verdict.fields, SLICE("X-Spam-Status: Yes, score=")));
    assert_true(slice_find(verdict.fields, SLICE("GTUBE=")) > 0);
    settings.header = false;
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_int_equal(verdict.fields.size, 0);
    spam_stop();
    arena_close(&arena);
}

/* ---- rspamd ---- */

static void begin_rspamd(void)
{
    char address[ADDRESS_TEXT_SIZE];
    defaults();
    web_start(NULL, 0);
    slice where = address_format(&web.address, address);
    settings.engine = SPAM_ENGINE_RSPAMD;
    snprintf(url, sizeof url, "http://%.*s", SLICE_ARG(where));
    settings.rspamd_url = slice_from_string(url);
    web.answer = SLICE("HTTP/1.1 200 OK\r\n\r\n{\"score\":7,\"action\":\"add header\"}");
    start();
}

static void end_rspamd(void)
{
    spam_stop();
    web_stop();
    arena_close(&arena);
}

static unsigned occurrences(const char *text, const char *what)
{
    unsigned count = 0;
    while ((text = strstr(text, what))) {
        text++;
        count++;
    }
    return count;
}

/* SPAM_RSPAMD_RECIPIENTS_MAX and SPAM_RSPAMD_FIELD_SIZE_MAX: it is told no more. */
static void question(void *argument)
{
    static slice recipients[SPAM_RSPAMD_RECIPIENTS_MAX + 1];
    static char helo[SPAM_RSPAMD_FIELD_SIZE_MAX + 10];
    (void)argument;
    struct spam_verdict verdict;
    struct spam_mail mail = {.id = SLICE("7-1"),
                             .helo = SLICE("x\r\nInjected: 1"),
                             .sender = SLICE_EMPTY,
                             .recipients = recipients,
                             .recipient_count = 1,
                             .tls_version = SLICE("TLSv1.3"),
                             .message = SLICE("Subject: x\r\n\r\nhello\r\n")};
    begin_rspamd();
    settings.rspamd_password = SLICE("secret");
    recipients[0] = SLICE("you@example.org");
    assert_ok(address_parse_ip(SLICE("2001:db8::1"), &mail.peer));
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_true(verdict.judged);
    assert_int_equal(verdict.action, SPAM_JUNK);
    assert_non_null(strstr(web.request, "POST /checkv2 HTTP/1.1\n"));
    assert_non_null(strstr(web.request, "\nIP: 2001:db8::1\n"));
    assert_non_null(strstr(web.request, "\nHelo: x??Injected: 1\n"));
    assert_non_null(strstr(web.request, "\nFrom: <>\n"));
    assert_non_null(strstr(web.request, "\nRcpt: you@example.org\n"));
    assert_non_null(strstr(web.request, "\nDeliver-To: you@example.org\n"));
    assert_non_null(strstr(web.request, "\nQueue-Id: 7-1\n"));
    assert_non_null(strstr(web.request, "\nTLS-Version: TLSv1.3\n"));
    assert_non_null(strstr(web.request, "\nPassword: secret\n"));
    assert_non_null(strstr(web.request, "\n\nSubject: x\r\n\r\nhello\r\n"));
    for (unsigned i = 0; i <= SPAM_RSPAMD_RECIPIENTS_MAX; i++)
        recipients[i] = SLICE("you@example.org");
    mail.recipient_count = SPAM_RSPAMD_RECIPIENTS_MAX + 1;
    memset(helo, 'h', sizeof helo);
    mail.helo = slice_of(helo, sizeof helo);
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_int_equal(occurrences(web.request, "\nRcpt: "), SPAM_RSPAMD_RECIPIENTS_MAX);
    const char *said = strstr(web.request, "\nHelo: ");
    assert_non_null(said);
    assert_int_equal(strcspn(said + 7, "\n"), SPAM_RSPAMD_FIELD_SIZE_MAX);
    end_rspamd();
}

/* SPAM_RSPAMD_ANSWER_SIZE_MAX and rspamd_size_max */
static void sizes(void *argument)
{
    static char answer[SPAM_RSPAMD_ANSWER_SIZE_MAX + 256];
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n{\"score\":7,\"action\":\"no action\"}";
    (void)argument;
    struct spam_verdict verdict;
    struct spam_mail mail = {.message = SLICE("Subject: x\r\n\r\n")};
    begin_rspamd();
    memset(answer, ' ', sizeof answer);
    memcpy(answer, head, sizeof head - 1);
    web.answer = slice_of(answer, 19 + SPAM_RSPAMD_ANSWER_SIZE_MAX);
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_true(verdict.judged);
    web.answer.size++;
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_false(verdict.judged);
    assert_int_equal(verdict.action, SPAM_ACCEPT);
    assert_int_equal(verdict.problem.kind, ERROR_LIMIT);
    settings.on_failure = SPAM_FAILURE_DELAY;
    settings.rspamd_size_max = mail.message.size - 1;
    unsigned asked = web.requests;
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_int_equal(verdict.action, SPAM_DELAY);
    assert_int_equal(web.requests, asked);
    settings.rspamd_size_max++;
    web.answer = slice_of(answer, 1000);
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_true(verdict.judged);
    end_rspamd();
}

/* SPAM_RSPAMD_FAILURES_MAX failures in a row, then it is left alone; what cannot be read is one
 * mail's, and makes it begin anew. */
static void breaks(void *argument)
{
    (void)argument;
    struct spam_verdict verdict;
    const struct spam_mail mail = {.message = SLICE("Subject: x\r\n\r\n")};
    begin_rspamd();
    slice good = web.answer;
    web.answer = SLICE("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < SPAM_RSPAMD_FAILURES_MAX - 1; i++)
        assert_ok(spam_judge(&mail, &arena, &verdict));
    web.answer = good; /* one that is answered makes it begin anew */
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_true(verdict.judged);
    const slice of_one_mail[] = {SLICE("nonsense\r\n\r\n"),
                                 SLICE("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"),
                                 SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")};
    unsigned before = web.requests;
    for (int i = 0; i < 3 * SPAM_RSPAMD_FAILURES_MAX; i++) {
        web.answer = of_one_mail[i % 3];
        assert_ok(spam_judge(&mail, &arena, &verdict));
        assert_false(verdict.judged);
    }
    assert_int_equal(web.requests,
                     before + 3 * SPAM_RSPAMD_FAILURES_MAX); /* each was asked about */
    web.answer = SLICE("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < SPAM_RSPAMD_FAILURES_MAX; i++) {
        assert_ok(spam_judge(&mail, &arena, &verdict));
        assert_false(verdict.judged);
    }
    unsigned asked = web.requests;
    web.answer = good;
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_false(verdict.judged);
    assert_int_equal(verdict.problem.kind, ERROR_TEMPORARY);
    assert_int_equal(web.requests, asked);
    start(); /* a reload asks it again at once */
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_true(verdict.judged);
    web.silent = true;
    settings.timeout = 50 * TIME_MS;
    assert_ok(spam_judge(&mail, &arena, &verdict));
    assert_int_equal(verdict.problem.kind, ERROR_TIMEOUT);
    end_rspamd();
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(wanted)
ON_CORE(own_engine)
ON_CORE(question)
ON_CORE(sizes)
ON_CORE(breaks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decides),    cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_own_engine), cmocka_unit_test(test_question),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
