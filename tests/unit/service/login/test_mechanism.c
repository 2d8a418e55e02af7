/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "service/login/mechanism.h"

static struct arena arena;
static struct login_settings settings;
static const struct login_party party = {.settings = &settings, .protocol = "test"};

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 10);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static void test_names(void **state)
{
    (void)state;
    enum login_mechanism mechanism;
    assert_true(login_mechanism_find(SLICE("plain"), &party, &mechanism));
    assert_int_equal(mechanism, LOGIN_MECHANISM_PLAIN);
    assert_true(login_mechanism_find(SLICE("LOGIN"), &party, &mechanism));
    assert_int_equal(mechanism, LOGIN_MECHANISM_LOGIN);
    assert_false(login_mechanism_find(SLICE("PLAINX"), &party, &mechanism));
    assert_false(login_mechanism_find(SLICE(""), &party, &mechanism));
}

static void test_scram_is_offered_where_set(void **state)
{
    (void)state;
    static const struct {
        enum login_scram scram;
        bool sha_256, sha_1;
    } cases[] = {
        {LOGIN_SCRAM_OFF, false, false},
        {LOGIN_SCRAM_ON, true, true},
        {LOGIN_SCRAM_SHA_1, false, true},
        {LOGIN_SCRAM_SHA_256, true, false},
    };
    for (int i = 0; i < 4; i++) {
        enum login_mechanism mechanism;
        settings.scram = cases[i].scram;
        assert_int_equal(login_mechanism_find(SLICE("scram-sha-256"), &party, &mechanism),
                         cases[i].sha_256);
        assert_int_equal(login_mechanism_find(SLICE("SCRAM-SHA-1"), &party, &mechanism),
                         cases[i].sha_1);
        /* there is no TLS to bind to */
        assert_false(login_mechanism_find(SLICE("SCRAM-SHA-256-PLUS"), &party, &mechanism));
        assert_false(login_mechanism_find(SLICE("SCRAM-SHA-1-PLUS"), &party, &mechanism));
        assert_true(login_mechanism_find(SLICE("PLAIN"), &party, &mechanism));
    }
    settings.scram = LOGIN_SCRAM_OFF;
}

static void test_plain(void **state)
{
    (void)state;
    struct login_exchange x;
    bool done = false;
    login_exchange_init(&x, LOGIN_MECHANISM_PLAIN, &party);
    assert_slice(login_exchange_challenge(&x), "");
    /* RFC 4616 4: NUL tim NUL tanstaaftanstaaf */
    assert_ok(login_exchange_respond(&x, SLICE("AHRpbQB0YW5zdGFhZnRhbnN0YWFm"), &arena, &done));
    assert_true(done);
    assert_slice(x.authorization, "");
    assert_slice(x.name, "tim");
    assert_slice(x.password, "tanstaaftanstaaf");
    char *secret = (char *)x.password.data;
    login_exchange_wipe(&x);
    assert_int_equal(x.password.size, 0);
    for (int i = 0; i < 16; i++)
        assert_int_equal(secret[i], 0);
    /* RFC 4616 4: Ursel NUL Kurt NUL xipj3plmq */
    login_exchange_init(&x, LOGIN_MECHANISM_PLAIN, &party);
    assert_ok(login_exchange_respond(&x, SLICE("VXJzZWwAS3VydAB4aXBqM3BsbXE="), &arena, &done));
    assert_slice(x.authorization, "Ursel");
    assert_slice(x.name, "Kurt");
}

static void test_bad_plain(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",             /* no separator */
        "dXNlcg==",     /* user */
        "AHVzZXI=",     /* NUL user */
        "AABzZWNyZXQ=", /* NUL NUL secret: no name */
        "AHUAcABxAA==", /* a third NUL */
        "!!!",
        "AHU",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct login_exchange x;
        bool done = false;
        login_exchange_init(&x, LOGIN_MECHANISM_PLAIN, &party);
        assert_error(login_exchange_respond(&x, slice_from_string(BAD[i]), &arena, &done),
                     ERROR_MALFORMED);
        assert_false(done);
    }
}

static void test_login_asks_twice(void **state)
{
    (void)state;
    struct login_exchange x;
    bool done = false;
    login_exchange_init(&x, LOGIN_MECHANISM_LOGIN, &party);
    assert_slice(login_exchange_challenge(&x), "VXNlcm5hbWU6");
    assert_ok(login_exchange_respond(&x, SLICE("dXNlcg=="), &arena, &done));
    assert_false(done);
    assert_slice(login_exchange_challenge(&x), "UGFzc3dvcmQ6");
    assert_ok(login_exchange_respond(&x, SLICE("c2VjcmV0"), &arena, &done));
    assert_true(done);
    assert_slice(x.name, "user");
    assert_slice(x.password, "secret");
}

static void test_cancelling_and_limit(void **state)
{
    (void)state;
    struct login_exchange x;
    bool done = false;
    login_exchange_init(&x, LOGIN_MECHANISM_LOGIN, &party);
    assert_error(login_exchange_respond(&x, SLICE("*"), &arena, &done), ERROR_CANCELLED);
    static char text[LOGIN_RESPONSE_SIZE_MAX + 4];
    memset(text, 'A', sizeof text);
    assert_error(login_exchange_respond(&x, slice_of(text, sizeof text), &arena, &done),
                 ERROR_LIMIT);
    assert_ok(login_exchange_respond(&x, slice_of(text, LOGIN_RESPONSE_SIZE_MAX), &arena, &done));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_names),
        TEST(test_scram_is_offered_where_set),
        TEST(test_plain),
        TEST(test_bad_plain),
        TEST(test_login_asks_twice),
        TEST(test_cancelling_and_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
