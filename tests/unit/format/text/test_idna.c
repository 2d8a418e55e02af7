/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/text/idna.h"
static struct arena arena;

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

#define CHECK(call, text, expected)                                                                \
    do {                                                                                           \
        assert_false(failed(call));                                                                \
        if (!slice_equal(text, slice_from_string(expected)))                                       \
            fail_msg("got <%.*s>, expected <%s>", SLICE_ARG(text), expected);                      \
    } while (0)

static void test_to_ascii(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"Example.ORG", "example.org"},
        {"example.org.", "example.org"},
        {"_dmarc.example.org", "_dmarc.example.org"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"B\xc3\x9c"
         "CHER.example",
         "xn--bcher-kva.example"},
        {"fa\xc3\x9f.de", "xn--fa-hia.de"}, /* not transitional */
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text;
        CHECK(idna_to_ascii(&arena, slice_from_string(cases[i].in), &text), text, cases[i].out);
    }
    static const char *const bad[] = {
        "",
        ".",
        "a..b",
        ".a",
        "-a.b",
        "a-.b",
        "a b.c",
        "a@b",
        "\xff.de",
        "a.b..",
        "\xc3\xbc b.de",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.de" /* 64 */};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        slice text;
        if (idna_to_ascii(&arena, slice_from_string(bad[i]), &text).kind != ERROR_MALFORMED)
            fail_msg("accepted %s", bad[i]);
    }
}

static void test_size_limits(void **state)
{
    (void)state;
    enum { LABEL_SIZE_MAX = 63 }; /* format/text/idna.c */
    char name[IDNA_INPUT_SIZE_MAX + 10];
    slice text;
    memset(name, 'a', sizeof name);
    assert_false(failed(idna_to_ascii(&arena, slice_of(name, LABEL_SIZE_MAX), &text)));
    assert_true(failed(idna_to_ascii(&arena, slice_of(name, LABEL_SIZE_MAX + 1), &text)));
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    assert_false(failed(idna_to_ascii(&arena, slice_of(name, IDNA_DOMAIN_SIZE_MAX), &text)));
    assert_true(failed(idna_to_ascii(&arena, slice_of(name, IDNA_DOMAIN_SIZE_MAX + 2), &text)));
    memcpy(name, "\xc3\xbc.", 3);
    assert_true(failed(idna_to_ascii(&arena, slice_of(name, IDNA_INPUT_SIZE_MAX + 1), &text)));
}

static void test_to_unicode(void **state)
{
    (void)state;
    slice text;
    CHECK(idna_to_unicode(&arena, SLICE("xn--bcher-kva.example"), &text), text,
          "b\xc3\xbc"
          "cher.example");
    CHECK(idna_to_unicode(&arena, SLICE("example.org"), &text), text, "example.org");
    CHECK(idna_to_unicode(&arena, SLICE("xn--\xff.example"), &text), text, "xn--\xff.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_to_ascii, setup, teardown),
        cmocka_unit_test_setup_teardown(test_size_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_to_unicode, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
