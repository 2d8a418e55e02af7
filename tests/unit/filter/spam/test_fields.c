/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/fields.h"

#include <stdio.h>

static struct spam_symbol symbols[SPAM_SYMBOLS_MAX];
static struct spam_verdict verdict;
static struct buffer out;

static slice write(void)
{
    buffer_reset(&out);
    spam_fields_write(&verdict, 6, &out);
    assert_ok(buffer_check(&out));
    return buffer_slice(&out);
}

static int setup(void **state)
{
    (void)state;
    buffer_init(&out, SPAM_FIELDS_SIZE_MAX);
    verdict = (struct spam_verdict){.judged = true, .symbols = symbols};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_close(&out);
    return 0;
}

static void writes(void **state)
{
    (void)state;
    symbols[0] = (struct spam_symbol){.name = SLICE("SPF_PASS"), .score = -0.5};
    symbols[1] = (struct spam_symbol){.name = SLICE("BAD NAME\r\nX: y"), .score = 1.25};
    verdict.symbol_count = 2;
    verdict.score = 0.75;
    assert_slice(write(), "X-Spam-Status: No, score=0.75 required=6.00\r\n"
                          "\ttests=[SPF_PASS=-0.50,BAD_NAME__X__y=1.25]\r\n");
    verdict.score = 7.9;
    verdict.action = SPAM_JUNK;
    verdict.symbol_count = 0;
    assert_slice(write(), "X-Spam-Status: Yes, score=7.90 required=6.00\r\n"
                          "\ttests=[]\r\nX-Spam-Level: *******\r\n");
    verdict.score = -3;
    verdict.action = SPAM_ACCEPT;
    assert_slice(write(), "X-Spam-Status: No, score=-3.00 required=6.00\r\n\ttests=[]\r\n");
}

/* As many symbols as there may be, as long as they may be: folded, cut, within its bounds. */
static void limits(void **state)
{
    static char name[SPAM_SYMBOL_NAME_SIZE_MAX + 10];
    (void)state;
    memset(name, 'N', sizeof name);
    for (unsigned i = 0; i < SPAM_SYMBOLS_MAX; i++)
        symbols[i] =
            (struct spam_symbol){.name = slice_of(name, sizeof name), .score = -SPAM_SCORE_MAX};
    verdict.symbol_count = SPAM_SYMBOLS_MAX;
    verdict.score = (double)SPAM_SCORE_MAX * SPAM_SYMBOLS_MAX;
    slice rest = write(), line;
    assert_true(rest.size <= SPAM_FIELDS_SIZE_MAX);
    assert_true(slice_find(rest, SLICE("...]\r\n")) > 0);
    assert_true(slice_ends(rest, SLICE("X-Spam-Level: "
                                       "**************************************************\r\n")));
    assert_int_equal(SPAM_LEVEL_MAX, 50);
    while (slice_cut(rest, '\n', &line, &rest)) {
        assert_true(line.size <= 78 + 1 || slice_starts(line, SLICE("\tNNN")));
        assert_true(line.size < 200);
    }
    for (unsigned i = 0; i < SPAM_SYMBOLS_MAX; i++)
        symbols[i].name = SLICE("SHORT");
    rest = write();
    while (slice_cut(rest, '\n', &line, &rest))
        assert_true(line.size <= 78 + 1); /* with its CR */
}

static unsigned disown(char *text)
{
    return spam_fields_disown(text, strlen(text));
}

static void disowns(void **state)
{
    char all[] = "X-Spam-Flag: YES\r\nSubject: X-Spam-Flag: no\r\n X-Spam-Level: folded\r\n"
                 "x-spam: Yes\r\nX-SPAMD-Bar: ++\r\nX-Spam-Status : No\r\nX-Spa: 1\r\n\r\n"
                 "X-Spam-Flag: body\r\n";
    (void)state;
    assert_int_equal(disown(all), 4);
    assert_string_equal(all, "X-Said-Flag: YES\r\nSubject: X-Spam-Flag: no\r\n X-Spam-Level: "
                             "folded\r\nx-Said: Yes\r\nX-SaidD-Bar: ++\r\nX-Said-Status : No\r\n"
                             "X-Spa: 1\r\n\r\nX-Spam-Flag: body\r\n");
    char end[] = "A: b\r\nX-Spam";
    assert_int_equal(disown(end), 1);
    assert_string_equal(end, "A: b\r\nX-Said");
    char short_end[] = "A: b\r\nX-Spa";
    assert_int_equal(disown(short_end), 0);
    char bare[] = "A: b\nX-Spam-Flag: YES\n\nX-Spam: body\n";
    assert_int_equal(disown(bare), 1);
    char bare_cr[] = "A: b\r\n\rx\r\nX-Spam: y\r\n"; /* no empty line: the header goes on */
    assert_int_equal(disown(bare_cr), 1);
    char nothing[] = "";
    assert_int_equal(disown(nothing), 0);
    assert_int_equal(spam_fields_disown(NULL, 0), 0);
}

static void says_junk(void **state)
{
    (void)state;
    assert_true(spam_fields_say_junk(SLICE("X-Spam-Flag: YES\r\nReceived: x\r\n")));
    assert_true(spam_fields_say_junk(SLICE("X-Spam-Status: Yes\r\nX-Spam-Flag: YES\r\nA: b\r\n")));
    assert_false(spam_fields_say_junk(SLICE("Received: from X-Spam-Flag: YES\r\n")));
    assert_false(spam_fields_say_junk(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(limits),
        cmocka_unit_test(disowns),
        cmocka_unit_test(says_junk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
