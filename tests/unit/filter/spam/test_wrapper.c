/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/wrapper.h"

static const struct {
    const char *link;
    enum url_wrapping wrapping;
    const char *inner; /* its host */
} rows[] = {
    {"https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fx%3Fy&data=05",
     URL_WRAPPING, "a.example"},
    {"https://nam01.safelinks.protection.outlook.com/ap/w-59584e83/?url=https%3A%2F%2Fa.example",
     URL_WRAPPING, "a.example"},
    {"https://nam01.safelinks.protection.outlook.com/?data=05&amp;url=http%3A%2F%2Fa.example%2F",
     URL_WRAPPING, "a.example"},
    {"https://urldefense.proofpoint.com/v2/url?u=https-3A__www.a-2Db.example_x-3Fy&d=DwMF&c=e",
     URL_WRAPPING, "www.a-b.example"},
    {"https://urldefense.proofpoint.com/v1/url?u=http://a.example/&k=1", URL_WRAPPING, "a.example"},
    {"https://urldefense.com/v3/__https://a.example/x?y=*z__;4oCm!!abc", URL_WRAPPING, "a.example"},
    {"https://urldefense.com/v3/__https://a.example/x", URL_WRAPPING, "a.example"},
    {"https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fa.example%2f&c=E,1", URL_WRAPPING,
     "a.example"},
    {"https://secure-web.cisco.com/1aBc/https%3A%2F%2Fa.example%2Fx", URL_WRAPPING, "a.example"},
    {"https://www.google.com/url?sa=t&url=https%3A%2F%2Fa.example%2F", URL_WRAPPING, "a.example"},
    {"https://www.google.com/url?q=https://a.example/&sa=D", URL_WRAPPING, "a.example"},
    {"https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example&h=x", URL_WRAPPING, "a.example"},
    {"https://protect-de.mimecast.com/s/Ab1?domain=a.example", URL_SEALED, NULL},
    /* not what they look like */
    {"https://www.google.com/search?q=https%3A%2F%2Fa.example", URL_BARE, NULL},
    {"https://www.google.com/url?q=javascript:alert(1)", URL_BARE, NULL},
    {"https://www.google.com/url?q=", URL_BARE, NULL},
    {"https://www.google.com/url", URL_BARE, NULL},
    {"https://www.google.com/url?q=https%", URL_BARE, NULL},
    {"https://xgoogle.com/url?q=https://a.example", URL_BARE, NULL},
    {"https://www.google.com.evil.example/url?q=https://a.example", URL_BARE, NULL},
    {"https://evilsafelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example", URL_BARE, NULL},
    {"https://urldefense.com/v3/__", URL_BARE, NULL},
    {"https://secure-web.cisco.com/", URL_BARE, NULL},
    {"https://mimecast.com/about", URL_BARE, NULL},
};

static void test_wrappers(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url, inner = {.port = 1};
        enum url_wrapping wrapping;
        slice host;
        assert_true(url_parse(slice_from_string(rows[i].link), &url));
        assert_ok(url_host(&arena, &url, &host));
        assert_ok(url_unwrap(&arena, &url, host, &inner, &wrapping));
        if (wrapping != rows[i].wrapping)
            fail_msg("%s: %d", rows[i].link, (int)wrapping);
        if (rows[i].inner)
            assert_true(slice_equal(inner.host, slice_from_string(rows[i].inner)));
        arena_reset(&arena);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrappers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
