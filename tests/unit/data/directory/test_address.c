/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "data/directory/address.h"

static struct directory_settings settings;

static int set_up(void **state)
{
    (void)state;
    settings = (struct directory_settings){.detail_separator = SLICE("+")};
    return 0;
}

static void test_canonical_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *whole, *base_address, *detail; /* detail "-": none */
    } cases[] = {
        {"User@Example.ORG", "user@example.org", "user@example.org", "-"},
        {"user@example.org.", "user@example.org", "user@example.org", "-"},
        {"User+Detail@example.org", "user+detail@example.org", "user@example.org", "Detail"},
        {"user+a+b@example.org", "user+a+b@example.org", "user@example.org", "a+b"},
        {"user+@example.org", "user+@example.org", "user@example.org", ""},
        {"+user@example.org", "+user@example.org", "+user@example.org", "-"},
        {"\"a b\"@example.org", "a b@example.org", "a b@example.org", "-"},
        {"\"a\\\"b\"@example.org", "a\"b@example.org", "a\"b@example.org", "-"},
        {"a@b@example.org", "a@b@example.org", "a@b@example.org", "-"},
        {"J\xc3\x9cRGEN@B\xc3\x9c"
         "CHER.example",
         "j\xc3\xbcrgen@xn--bcher-kva.example", "j\xc3\xbcrgen@xn--bcher-kva.example", "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct directory_address address;
        struct arena arena;
        arena_init(&arena, 1 << 16);
        if (failed(directory_address_parse(&settings, slice_from_string(cases[i].text), &arena,
                                           &address)))
            fail_msg("refused: %s", cases[i].text);
        assert_true(slice_equal(address.whole, slice_from_string(cases[i].whole)));
        assert_true(slice_equal(address.base_address, slice_from_string(cases[i].base_address)));
        if (strcmp(cases[i].detail, "-") == 0)
            assert_null(address.detail.data);
        else
            assert_true(slice_equal(address.detail, slice_from_string(cases[i].detail)));
        arena_close(&arena);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct directory_address address;
    struct arena arena;
    char longer[DIRECTORY_ADDRESS_SIZE_MAX + 2];
    arena_init(&arena, 1 << 16);
    static const char *const malformed[] = {
        "", "user", "user@", "user@[192.0.2.1]", "user@a..b", "user@exa mple", "@"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_error(
            directory_address_parse(&settings, slice_from_string(malformed[i]), &arena, &address),
            ERROR_MALFORMED);
    static const char *const impossible[] = {"@example.org", "\"\"@example.org", "\xff@example.org",
                                             "a\x01@example.org", "a\x7f@example.org"};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        assert_error(
            directory_address_parse(&settings, slice_from_string(impossible[i]), &arena, &address),
            ERROR_NOT_FOUND);
        assert_slice(address.domain, "example.org");
    }
    memset(longer, 'x', sizeof longer);
    memcpy(longer + DIRECTORY_LOCAL_SIZE_MAX, "@example.org", 12);
    assert_ok(directory_address_parse(&settings, slice_of(longer, DIRECTORY_LOCAL_SIZE_MAX + 12),
                                      &arena, &address));
    memset(longer, 'x', sizeof longer);
    memcpy(longer + DIRECTORY_LOCAL_SIZE_MAX + 1, "@example.org", 12);
    assert_error(directory_address_parse(&settings, slice_of(longer, DIRECTORY_LOCAL_SIZE_MAX + 13),
                                         &arena, &address),
                 ERROR_NOT_FOUND);
    assert_error(
        directory_address_parse(&settings, slice_of(longer, sizeof longer), &arena, &address),
        ERROR_MALFORMED);
    arena_close(&arena);
}

static void test_homes_stay_where_they_belong(void **state)
{
    (void)state;
    struct arena arena;
    const char *path;
    arena_init(&arena, 1 << 16);
    assert_ok(directory_path_expand(SLICE("/var/vmail/%d/%n"), SLICE("user"), SLICE("example.org"),
                                    &arena, &path));
    assert_string_equal(path, "/var/vmail/example.org/user");
    assert_ok(directory_path_expand(SLICE("/m/%u/100%%"), SLICE("user"), SLICE("example.org"),
                                    &arena, &path));
    assert_string_equal(path, "/m/user@example.org/100%");
    enum { PATH_SIZE_MAX = 1000 }; /* data/directory/address.c */
    static char pattern[PATH_SIZE_MAX + 2];
    memset(pattern, 'p', sizeof pattern);
    pattern[0] = '/';
    for (unsigned more = 0; more < 2; more++) {
        memcpy(pattern + PATH_SIZE_MAX - 5 + more, "/%n", 3); /* "/user" */
        error problem = directory_path_expand(slice_of(pattern, PATH_SIZE_MAX - 5 + more + 3),
                                              SLICE("user"), SLICE("example.org"), &arena, &path);
        assert_error(problem, more ? ERROR_LIMIT : ERROR_NONE);
        pattern[PATH_SIZE_MAX - 5] = 'p';
    }
    assert_int_equal(strlen(path), PATH_SIZE_MAX);
    static const char *const evil[] = {"..", ".", "a/b", "/etc", ""};
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++)
        assert_error(directory_path_expand(SLICE("/m/%d/%n"), slice_from_string(evil[i]),
                                           SLICE("example.org"), &arena, &path),
                     ERROR_MALFORMED);
    assert_error(directory_path_expand(SLICE("/m/%x"), SLICE("a"), SLICE("b"), &arena, &path),
                 ERROR_MALFORMED);
    assert_error(directory_path_expand(SLICE("/m/%"), SLICE("a"), SLICE("b"), &arena, &path),
                 ERROR_MALFORMED);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_canonical_forms, set_up),
        cmocka_unit_test_setup(test_refusals, set_up),
        cmocka_unit_test_setup(test_homes_stay_where_they_belong, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
