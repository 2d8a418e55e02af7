/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Organizational domains; with the checks that come with the list, where they are there.
 */
#include "check.h"

#include "base/arena.h"
#include "filter/authentic/psl.h"
#include "format/text/idna.h"

#include <stdio.h>

static struct arena arena;

static void test_organizations(void **state)
{
    (void)state;
    assert_slice(psl_organization(SLICE("a.b.example.com")), "example.com");
    assert_slice(psl_organization(SLICE("Mail.Example.CO.UK")), "Example.CO.UK");
    assert_slice(psl_organization(SLICE("example.com")), "example.com");
    assert_slice(psl_organization(SLICE("co.uk")), "co.uk");
    assert_slice(psl_organization(SLICE("a.b.unheard-of")), "b.unheard-of");
    assert_slice(psl_organization(SLICE("localhost")), "localhost");
    assert_slice(psl_organization(SLICE_EMPTY), "");
}

static void test_without_a_list(void **state)
{
    (void)state;
    psl_close();
    assert_slice(psl_organization(SLICE("a.b.example.com")), "a.b.example.com");
    assert_ok(psl_open());
    assert_ok(psl_open());
}

/* checkPublicSuffix('a.example.com', 'example.com'); null: it is a suffix itself, or no name. */
static bool parse_check(slice line, slice *out_name, slice *out_expected)
{
    slice rest, middle;
    if (!slice_starts(line, SLICE("checkPublicSuffix('")) || !slice_cut(line, '\'', &middle, &rest))
        return false;
    slice_cut(rest, '\'', out_name, &rest);
    *out_expected = SLICE_EMPTY;
    if (slice_cut(rest, '\'', &middle, &rest))
        slice_cut(rest, '\'', out_expected, &rest);
    return true;
}

static void test_agrees_with_others(void **state)
{
    (void)state;
    static char text[1 << 16];
    FILE *file = fopen("../shared/vectors/psl/test_psl.txt", "re");
    if (!file) {
        print_message("skipped: no vectors beside the project\n");
        skip();
    }
    slice rest = slice_of(text, fread(text, 1, sizeof text, file)), line, name, expected, ascii;
    unsigned count = 0, wrong = 0;
    fclose(file);
    while (rest.size) {
        slice_cut(rest, '\n', &line, &rest);
        if (!parse_check(line, &name, &expected) || failed(idna_to_ascii(&arena, name, &ascii)))
            continue;
        slice wanted = ascii, organization = psl_organization(ascii);
        if (expected.size)
            assert_ok(idna_to_ascii(&arena, expected, &wanted));
        count++;
        wrong += !slice_equal(organization, wanted);
        if (!slice_equal(organization, wanted))
            print_message("%.*s: %.*s\n", SLICE_ARG(name), SLICE_ARG(organization));
    }
    print_message("%u agree\n", count - wrong);
    assert_true(count >= 70);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    assert_ok(psl_open());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_organizations),
        cmocka_unit_test(test_without_a_list),
        cmocka_unit_test(test_agrees_with_others),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    psl_close();
    arena_close(&arena);
    return failures;
}
