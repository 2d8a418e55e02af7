/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/store.h"

static void test_modes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum imap_store_mode mode;
        bool silent;
        uint32_t system, keywords;
    } CASES[] = {
        {" 2:4 +FLAGS (\\Deleted)", IMAP_STORE_ADD, false, IMAP_FLAG_DELETED, 0},
        {" 1 -flags.silent \\Seen $x", IMAP_STORE_REMOVE, true, IMAP_FLAG_SEEN, 1},
        {" * FLAGS ()", IMAP_STORE_REPLACE, false, 0, 0},
        {" 1 FLAGS.SILENT (a b)", IMAP_STORE_REPLACE, true, 0, 2},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct cursor c = over(CASES[i].text);
        struct imap_store store;
        assert_ok(imap_store_parse(&c, &arena, &store));
        assert_int_equal(store.mode, CASES[i].mode);
        assert_int_equal(store.silent, CASES[i].silent);
        assert_int_equal(store.flags.system, CASES[i].system);
        assert_int_equal(store.flags.keyword_count, CASES[i].keywords);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      " 1",
                                      " 1 FLAGS",
                                      " 1 FLAGS ",
                                      " 1 *FLAGS x",
                                      " 1 + FLAGS x",
                                      " 1 FLAGS (a",
                                      " 1 FLAG (a)",
                                      " 1 FLAGS (a) b",
                                      " 1 +-FLAGS a"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_store store;
        assert_error(imap_store_parse(&c, &arena, &store), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {grammar_test(test_modes), grammar_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
