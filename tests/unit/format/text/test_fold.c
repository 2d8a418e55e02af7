/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/fold.h"

static void test_folds(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"Jane.Doe+Spam", "jane.doe+spam"},
        {"", ""},
        {"J\xc3\x9cRGEN", "j\xc3\xbcrgen"},  /* Ü */
        {"JU\xcc\x88RGEN", "j\xc3\xbcrgen"}, /* U and a combining diaeresis */
        {"STRA\xc3\x9f"
         "E",
         "strasse"}, /* ß folds to ss */
        {"\xd0\x9f\xd0\x95\xd0\xa2\xd0\xaf", "\xd0\xbf\xd0\xb5\xd1\x82\xd1\x8f"}, /* ПЕТЯ */
        {"\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83"}, /* both sigmas are one */
    };
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        slice folded, again;
        assert_ok(text_fold(&arena, slice_from_string(pairs[i][0]), &folded));
        assert_true(slice_equal(folded, slice_from_string(pairs[i][1])));
        assert_ok(text_fold(&arena, folded, &again));
        assert_true(slice_equal(folded, again));
    }
    slice untouched = SLICE("untouched");
    assert_error(text_fold(&arena, SLICE("\xff"), &untouched), ERROR_MALFORMED);
    assert_slice(untouched, "untouched");
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
