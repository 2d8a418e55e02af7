/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/authenticate.h"

static void test_forms(void **state)
{
    (void)state;
    struct imap_authenticate authenticate;
    struct cursor c = over(" plain");
    assert_ok(imap_authenticate_parse(&c, &authenticate));
    assert_slice(authenticate.mechanism, "plain");
    assert_false(authenticate.initial_given);
    c = over(" PLAIN dGVzdAB0ZXN0AHRlc3Q="); /* RFC 4959 4 */
    assert_ok(imap_authenticate_parse(&c, &authenticate));
    assert_true(authenticate.initial_given);
    assert_slice(authenticate.initial, "dGVzdAB0ZXN0AHRlc3Q=");
    c = over(" EXTERNAL =");
    assert_ok(imap_authenticate_parse(&c, &authenticate));
    assert_true(authenticate.initial_given);
    assert_slice(authenticate.initial, "");
    static const char *const BAD[] = {"", " ", " \"PLAIN\"", " PLAIN ", " PLAIN a b", " PLAIN =a"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_authenticate_parse(&c, &authenticate), ERROR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {grammar_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
