/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake.h"

#include "base/metric.h"
#include "crypto/password.h"

static const char *const domains[] = {"example.org", NULL};
static struct fake_row accounts[] = {
    {"alice@example.org",
     "{SHA256-CRYPT}$5$rounds=1000$saltsalt$lhAEjhvxHXt71TRsBd49WsSgF29gEJdwJAoWwQtnQAA",
     NULL}, /* pässword 1 */
    {"plain@example.org", "{PLAIN}secret", NULL},
    {"odd@example.org", "{ROT13}frperg", NULL},
    {"dear@example.org", "{ARGON2ID}$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ$c29tZWhhc2g",
     NULL},
    {"none@example.org", "", NULL},
    {NULL, NULL, NULL},
};
static const struct fake_row aliases[] = {{"alias@example.org", "plain@example.org", NULL},
                                          {NULL, NULL, NULL}};

static struct directory directory;
static struct directory_settings settings;

static void set_up(void)
{
    settings = test_settings();
    settings.default_domain = SLICE("example.org");
    fake.domains = domains;
    fake.accounts = accounts;
    fake.aliases = aliases;
    fake.quota = NULL;
    accounts[1].value = "{PLAIN}secret";
    fake_directory_open(&directory, &settings);
}

static enum error_kind login(const char *name, const char *password)
{
    struct arena arena;
    struct directory_account account;
    arena_init(&arena, 1 << 18);
    error result = directory_authenticate(&directory, slice_from_string(name),
                                          slice_from_string(password), &arena, &account);
    if (!failed(result))
        assert_true(slice_ends(account.address, SLICE("@example.org")));
    arena_close(&arena);
    return result.kind;
}

static int64_t counted(const char *name)
{
    return metric_value(metric_find(slice_from_string(name), SLICE_EMPTY));
}

IN_CORE(test_right_and_wrong)
{
    set_up();
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 1"), ERROR_NONE);
    assert_int_equal(login("Alice@EXAMPLE.org", "p\xc3\xa4ssword 1"), ERROR_NONE);
    assert_int_equal(login("alice", "p\xc3\xa4ssword 1"), ERROR_NONE); /* default_domain */
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 2"), ERROR_DENIED);
    assert_int_equal(login("alice@example.org", ""), ERROR_DENIED);
    assert_int_equal(login("nobody@example.org", "secret"), ERROR_DENIED);
    assert_int_equal(login("alice@elsewhere.example", "secret"), ERROR_DENIED);
    assert_int_equal(login("", "secret"), ERROR_DENIED);
    assert_int_equal(login("\xff@example.org", "secret"), ERROR_DENIED);
    assert_int_equal(login("alias@example.org", "secret"),
                     ERROR_DENIED); /* aliases do not log in */
    assert_int_equal(login("plain+x@example.org", "secret"), ERROR_DENIED);
    assert_int_equal(login("plain@example.org", "secret"), ERROR_NONE);
    assert_int_equal(login("none@example.org", ""), ERROR_DENIED);
    assert_int_equal(login("none@example.org", "x"), ERROR_DENIED);
    fake_directory_close(&directory);
}

IN_CORE(test_bad_hashes_fail_closed)
{
    set_up();
    int64_t before = counted("ringmail_directory_bad_hashes_total");
    assert_int_equal(login("odd@example.org", "secret"), ERROR_DENIED);
    assert_int_equal(login("odd@example.org", "frperg"), ERROR_DENIED);
    assert_int_equal(login("dear@example.org", "secret"), ERROR_DENIED);
    assert_int_equal(counted("ringmail_directory_bad_hashes_total") - before, 3);
    fake_directory_close(&directory);
}

IN_CORE(test_trouble_is_not_a_refusal)
{
    set_up();
    fake.failure = error_make(ERROR_TEMPORARY, "away");
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 1"), ERROR_TEMPORARY);
    assert_int_equal(login("nobody@example.org", "x"), ERROR_TEMPORARY);
    fake_directory_close(&directory);
}

IN_CORE(test_a_verified_password_is_remembered)
{
    set_up();
    int64_t before = counted("ringmail_directory_logins_recalled_total");
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 1"), ERROR_NONE);
    assert_int_equal(counted("ringmail_directory_logins_recalled_total"), before);
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 1"), ERROR_NONE);
    assert_int_equal(counted("ringmail_directory_logins_recalled_total"), before + 1);
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 2"), ERROR_DENIED);
    assert_int_equal(counted("ringmail_directory_logins_recalled_total"), before + 1);
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 2"), ERROR_DENIED); /* wrong too */
    assert_int_equal(counted("ringmail_directory_logins_recalled_total"), before + 2);
    directory_invalidate(&directory, SLICE("alice@example.org"));
    assert_int_equal(login("alice@example.org", "p\xc3\xa4ssword 1"), ERROR_NONE);
    assert_int_equal(counted("ringmail_directory_logins_recalled_total"), before + 2);
    fake_directory_close(&directory);
}

IN_CORE(test_a_changed_password)
{
    set_up();
    assert_int_equal(login("plain@example.org", "secret"), ERROR_NONE);
    accounts[1].value = "{PLAIN}changed";
    assert_int_equal(login("plain@example.org", "secret"), ERROR_NONE); /* cached, as stated */
    assert_ok(fiber_sleep(1100 * TIME_MS));
    assert_int_equal(login("plain@example.org", "changed"), ERROR_NONE);  /* at once all the same */
    assert_int_equal(login("plain@example.org", "secret"), ERROR_DENIED); /* and the old is dead */
    accounts[1].value = "{PLAIN}third";
    directory_invalidate(&directory, SLICE_EMPTY);
    assert_int_equal(login("plain@example.org", "changed"), ERROR_DENIED);
    assert_int_equal(login("plain@example.org", "third"), ERROR_NONE);
    fake_directory_close(&directory);
}

/* Fibers go on while passwords are hashed: the core is not what computes. */

static void storm(void *argument)
{
    (void)argument;
    char wrong[16];
    static int number;
    snprintf(wrong, sizeof wrong, "wrong%d", number++);
    assert_int_equal(login("nobody@example.org", wrong), ERROR_DENIED);
}

IN_CORE(test_a_login_storm_does_not_stop_the_core)
{
    struct crew crew;
    set_up();
    crew_init(&crew, NULL);
    for (int i = 0; i < 12; i++)
        assert_ok(fiber_start(&crew, "storm", storm, NULL));
    int turns = 0;
    while (crew.count > 0) {
        assert_ok(fiber_sleep(TIME_MS));
        turns++;
    }
    /* Twelve hashes of some 50 ms: were they computed here there would be a dozen turns. */
    assert_true(turns > 40);
    crew_close(&crew);
    fake_directory_close(&directory);
}

static void wait_in_line(void *argument)
{
    unsigned *busy = argument;
    *busy += login("nobody@example.org", "x") == ERROR_BUSY;
}

IN_CORE(test_waiting_logins_have_a_limit)
{
    struct crew crew;
    unsigned busy = 0;
    set_up();
    enum { LOGINS_WAITING_MAX = 512 }; /* data/directory/authenticate.c */
    crew_init(&crew, NULL);
    for (unsigned more = 0; more < 2; more++) {
        directory.verifying = LOGINS_WAITING_MAX - 1 + more; /* as if so many waited */
        assert_ok(fiber_start(&crew, "login", wait_in_line, &busy));
        assert_ok(crew_join(&crew, TIME_NEVER));
        assert_int_equal(busy, more);
    }
    directory.verifying = 0;
    crew_close(&crew);
    fake_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong),
        cmocka_unit_test(test_bad_hashes_fail_closed),
        cmocka_unit_test(test_trouble_is_not_a_refusal),
        cmocka_unit_test(test_a_verified_password_is_remembered),
        cmocka_unit_test(test_a_changed_password),
        cmocka_unit_test(test_a_login_storm_does_not_stop_the_core),
        cmocka_unit_test(test_waiting_logins_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
