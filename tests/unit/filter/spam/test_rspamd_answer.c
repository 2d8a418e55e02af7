/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/rspamd.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;
static struct spam_verdict verdict;
static enum spam_action action;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static error parse(const char *text)
{
    verdict = (struct spam_verdict){0};
    action = SPAM_ACCEPT;
    return spam_rspamd_answer_parse(slice_from_string(text), &arena, &verdict, &action);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* As rspamd 3.4 says it. */
static void whole(void **state)
{
    (void)state;
    assert_ok(parse(
        "{\"is_skipped\":false,\"score\":7.1,\"required_score\":15.0,\"action\":\"add header\","
        "\"thresholds\":{\"reject\":15.0,\"add header\":6.0,\"greylist\":4.0},\"symbols\":{"
        "\"R_SPF_FAIL\":{\"name\":\"R_SPF_FAIL\",\"score\":1.0,\"metric_score\":1.0,"
        "\"description\":\"SPF verification failed\",\"options\":[\"-all\",\"\\u00e9\"]},"
        "\"MISSING_DATE\":{\"name\":\"MISSING_DATE\",\"score\":1.0,\"metric_score\":1.0,"
        "\"description\":\"Message date is missing\"},\"CAPPED\":{\"score\":9.5}},"
        "\"messages\":{},\"message-id\":\"undef\",\"time_real\":0.01,\"milter\":{"
        "\"add_headers\":{\"X-Spam\":{\"value\":\"Yes\",\"order\":0}}}}"));
    assert_true(near(verdict.score, 7.1)); /* rspamd's own: CAPPED counted less */
    assert_int_equal(action, SPAM_ACCEPT); /* our thresholds decide */
    assert_int_equal(verdict.symbol_count, 3);
    assert_slice(verdict.symbols[0].name, "R_SPF_FAIL");
    assert_slice(verdict.symbols[0].reason, "-all, \xc3\xa9");
    assert_true(near(verdict.symbols[0].score, 1));
    assert_slice(verdict.symbols[1].reason, "Message date is missing");
    assert_int_equal(verdict.reply.size, 0);
}

static void actions(void **state)
{
    static const struct {
        const char *text;
        enum spam_action action;
    } rows[] = {
        {"{\"score\":1,\"action\":\"no action\"}", SPAM_ACCEPT},
        {"{\"score\":5,\"required_score\":15,\"action\":\"greylist\"}", SPAM_DELAY},
        {"{\"score\":-5,\"required_score\":15,\"action\":\"soft reject\"}", SPAM_DELAY},
        {"{\"score\":16,\"required_score\":15,\"action\":\"reject\"}", SPAM_ACCEPT},
        {"{\"score\":1,\"required_score\":15,\"action\":\"reject\"}", SPAM_REFUSE},
        {"{\"score\":1,\"required_score\":15,\"action\":\"discard\"}", SPAM_REFUSE},
        {"{\"score\":15,\"required_score\":15,\"action\":\"reject\",\"messages\":"
         "{\"smtp_message\":\"Gtube pattern\"}}",
         SPAM_REFUSE},
        {"{\"score\":2,\"thresholds\":{\"add header\":6,\"rewrite subject\":5},\"action\":\"add "
         "header\"}",
         SPAM_JUNK},
        {"{\"score\":5,\"thresholds\":{\"add header\":6,\"rewrite subject\":5},\"action\":"
         "\"rewrite subject\"}",
         SPAM_ACCEPT},
        {"{\"score\":2,\"thresholds\":{\"quarantine\":4},\"action\":\"quarantine\"}", SPAM_JUNK},
        {"{\"score\":2,\"action\":\"something new\"}", SPAM_ACCEPT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(parse(rows[i].text));
        if (action != rows[i].action)
            fail_msg("%s: %d", rows[i].text, action);
    }
    assert_ok(parse(rows[6].text));
    assert_slice(verdict.reply, "Gtube pattern");
}

/* Of another shape than expected, and not rspamd at all. */
static void odd(void **state)
{
    static const char *const malformed[] = {
        "",
        "hello",
        "[]",
        "{}",
        "{\"score\":1}",
        "{\"action\":\"reject\"}",
        "{\"score\":\"1\",\"action\":\"reject\"}",
        "{\"score\":1e999,\"action\":\"reject\"}",
        "{\"score\":1,\"action\":\"reject\"",
        "{\"score\":1,\"action\":\"reject\"} x",
        "{\"score\":1,\"action\":7}",
        "{\"error\":\"invalid password\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        if (parse(malformed[i]).kind != ERROR_MALFORMED)
            fail_msg("not refused: %s", malformed[i]);
    assert_ok(parse("{\"score\":1,\"action\":\"no action\",\"symbols\":[1,2],\"thresholds\":null,"
                    "\"messages\":\"x\"}"));
    assert_int_equal(verdict.symbol_count, 0);
    assert_ok(parse("{\"score\":1,\"action\":\"no action\",\"symbols\":{\"A\":1,\"B\":{\"options\":"
                    "[1,null,\"x\"],\"score\":null}},\"messages\":{\"smtp_message\":[]}}"));
    assert_int_equal(verdict.symbol_count, 1);
    assert_slice(verdict.symbols[0].reason, "x");
}

/* SPAM_SYMBOLS_MAX, SPAM_SYMBOL_NAME_SIZE_MAX, SPAM_SYMBOL_REASON_SIZE_MAX, SPAM_SCORE_MAX,
 * SPAM_REPLY_SIZE_MAX */
static void limits(void **state)
{
    struct buffer text;
    (void)state;
    buffer_init(&text, 64 << 10);
    buffer_add_string(&text, "{\"score\":3,\"action\":\"no action\",\"symbols\":{");
    for (int i = 0; i < SPAM_SYMBOLS_MAX + 10; i++)
        buffer_format(&text, "%s\"S%d\":{\"score\":1e9}", i ? "," : "", i);
    buffer_add(&text, SLICE("}}\0"));
    assert_ok(parse(text.data));
    assert_int_equal(verdict.symbol_count, SPAM_SYMBOLS_MAX);
    assert_true(near(verdict.symbols[0].score, SPAM_SCORE_MAX));
    assert_true(near(verdict.score, 3));
    buffer_reset(&text);
    buffer_format(&text,
                  "{\"score\":-1e300,\"action\":\"no action\",\"symbols\":{\"%0*d\":"
                  "{\"options\":[",
                  SPAM_SYMBOL_NAME_SIZE_MAX + 1, 7);
    for (int i = 0; i < 300; i++)
        buffer_add_string(&text, "\"option\",");
    buffer_format(&text, "1]}},\"messages\":{\"smtp_message\":\"%0*d\"}}", SPAM_REPLY_SIZE_MAX + 1,
                  7);
    buffer_add_byte(&text, '\0');
    assert_ok(parse(text.data));
    assert_true(near(verdict.score, -SPAM_SCORE_MAX));
    assert_int_equal(verdict.symbols[0].name.size, SPAM_SYMBOL_NAME_SIZE_MAX);
    assert_int_equal(verdict.symbols[0].reason.size, SPAM_SYMBOL_REASON_SIZE_MAX);
    assert_int_equal(verdict.reply.size, SPAM_REPLY_SIZE_MAX);
    buffer_close(&text);
}

static void urls(void **state)
{
    (void)state;
    assert_true(spam_rspamd_url_is_valid(SLICE("http://127.0.0.1:11333")));
    assert_true(spam_rspamd_url_is_valid(SLICE("http://[::1]:11333/")));
    assert_true(spam_rspamd_url_is_valid(SLICE("http://rspamd.example")));
    assert_true(spam_rspamd_url_is_valid(SLICE("unix:/run/rspamd/worker.sock")));
    assert_false(spam_rspamd_url_is_valid(SLICE("https://127.0.0.1")));
    assert_false(spam_rspamd_url_is_valid(SLICE("http://127.0.0.1/checkv2")));
    assert_false(spam_rspamd_url_is_valid(SLICE("127.0.0.1:11333")));
    assert_false(spam_rspamd_url_is_valid(SLICE("unix:")));
    assert_false(spam_rspamd_url_is_valid(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),  cmocka_unit_test(actions), cmocka_unit_test(odd),
        cmocka_unit_test(limits), cmocka_unit_test(urls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
