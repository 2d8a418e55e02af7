/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SCRAM may not tell who has an account: neither by salt and rounds, however a name is written, nor
 * by the time that a refusal takes.
 */
#include "data/directory/fake.h"

#include "base/metric.h"
#include "service/login/mechanism.h"

#define KEYS                                                                                       \
    "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"                  \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const char *const domains[] = {"example.org", NULL};
static const struct fake_row accounts[] = {
    {"stored@example.org", "{SCRAM-SHA-256}" KEYS, NULL},
    {"plain@example.org", "{PLAIN}pencil", NULL},
    {"crypt@example.org",
     "{SHA256-CRYPT}$5$rounds=1000$saltsalt$lhAEjhvxHXt71TRsBd49WsSgF29gEJdwJAoWwQtnQAA", NULL},
    {NULL, NULL, NULL},
};
static const struct fake_row none[] = {{NULL, NULL, NULL}};
static const char *const everybody[] = {"stored@example.org", "plain@example.org",
                                        "crypt@example.org", "nobody@example.org"};
enum { EVERYBODY = sizeof everybody / sizeof *everybody };

static struct arena arena;
static struct directory directory;
static struct directory_settings directory_settings;
static struct login_settings settings;
static struct address peer;

struct directory *directory_here(void)
{
    return &directory;
}

void directory_invalidate(struct directory *subject, slice name)
{
    (void)subject, (void)name;
}

static void set_up(void)
{
    directory_settings = test_settings();
    directory_settings.default_domain = SLICE("example.org");
    fake.domains = domains;
    fake.accounts = accounts;
    fake.aliases = none;
    fake.quota = NULL;
    fake_directory_open(&directory, &directory_settings);
    settings = (struct login_settings){.scram = LOGIN_SCRAM_ON,
                                       .scram_secret = SLICE("0123456789abcdef0123456789abcdef"),
                                       .scram_rounds = 4096,
                                       .failures_free = 1000,
                                       .failures_max = 1000,
                                       .attempts_max = 1000,
                                       .forget_after = TIME_S};
    assert_ok(address_parse_ip(SLICE("192.0.2.1"), &peer));
    arena_reset(&arena);
}

static struct login_attempt attempt_of(const char *name)
{
    return (struct login_attempt){
        .settings = &settings, .protocol = "test", .peer = &peer, .name = slice_from_string(name)};
}

static uint64_t hashed(void)
{
    struct histogram seen;
    metric_histogram(metric_find(SLICE("ringmail_directory_password_seconds"), SLICE_EMPTY), &seen);
    return seen.count;
}

static struct login_scram_secret begin(const char *name)
{
    struct login_scram_secret secret = {.keys.kind = DIGEST_SHA256};
    struct login_attempt attempt = attempt_of(name);
    assert_ok(login_scram_begin(&attempt, &arena, &secret));
    return secret;
}

/* The dear part comes once, and after the proof, whoever it is. */
IN_CORE(test_refusals_cost_the_same)
{
    set_up();
    struct directory_account account;
    for (int i = 0; i < EVERYBODY; i++) {
        uint64_t before = hashed();
        struct login_attempt attempt = attempt_of(everybody[i]);
        struct login_scram_secret secret = begin(everybody[i]);
        assert_int_equal(hashed(), before);
        assert_ok(login_scram_derive(&secret));
        assert_error(login_scram_end(&attempt, &secret, error_make(ERROR_DENIED, "wrong password"),
                                     &arena, &account),
                     ERROR_DENIED);
        assert_int_equal(hashed(), before + 1);
    }
    fake_directory_close(&directory);
}

IN_CORE(test_logins_cost_no_more_than_they_must)
{
    set_up();
    struct directory_account account;
    static const struct {
        const char *name;
        unsigned hashes;
    } cases[] = {{"stored@example.org", 0}, {"plain@example.org", 1}};
    for (int i = 0; i < 2; i++) {
        uint64_t before = hashed();
        struct login_attempt attempt = attempt_of(cases[i].name);
        struct login_scram_secret secret = begin(cases[i].name);
        assert_ok(login_scram_derive(&secret));
        assert_ok(login_scram_end(&attempt, &secret, OK, &arena, &account));
        assert_int_equal(hashed(), before + cases[i].hashes);
        assert_true(slice_equal(account.address, slice_from_string(cases[i].name)));
    }
    fake_directory_close(&directory);
}

/* A stored salt is the same for "stored" and "Stored@Example.org": so must be a made-up one. */
IN_CORE(test_salts_do_not_depend_on_writing)
{
    set_up();
    static const char *const names[][3] = {
        {"stored@example.org", "stored", "\"Stored\"@EXAMPLE.org."},
        {"plain@example.org", "plain", "\"Plain\"@EXAMPLE.org."},
        {"crypt@example.org", "crypt", "\"Crypt\"@EXAMPLE.org."},
        {"nobody@example.org", "nobody", "\"Nobody\"@EXAMPLE.org."},
    };
    for (int i = 0; i < EVERYBODY; i++) {
        struct login_scram_secret first = begin(names[i][0]);
        for (int j = 1; j < 3; j++) {
            struct login_scram_secret other = begin(names[i][j]);
            assert_int_equal(first.keys.salt_size, other.keys.salt_size);
            assert_memory_equal(first.keys.salt, other.keys.salt, first.keys.salt_size);
            assert_int_equal(first.keys.rounds, other.keys.rounds);
        }
        for (int j = 0; j < i; j++) {
            struct login_scram_secret stranger = begin(names[j][0]);
            assert_memory_not_equal(first.keys.salt, stranger.keys.salt, SCRAM_SALT_SIZE);
        }
    }
    fake_directory_close(&directory);
}

/* Nobody's keys are no constant that a client could know. */
IN_CORE(test_keys_of_nobody)
{
    set_up();
    struct login_scram_secret one = begin("nobody@example.org"), two = begin("nobody@example.org");
    assert_memory_not_equal(one.keys.stored_key, two.keys.stored_key, 32);
    assert_memory_equal(one.keys.salt, two.keys.salt, SCRAM_SALT_SIZE);
    settings.scram_secret = SLICE("fedcba9876543210fedcba9876543210");
    struct login_scram_secret three = begin("nobody@example.org");
    assert_memory_not_equal(one.keys.salt, three.keys.salt, SCRAM_SALT_SIZE);
    fake_directory_close(&directory);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_cost_the_same),
        cmocka_unit_test(test_logins_cost_no_more_than_they_must),
        cmocka_unit_test(test_salts_do_not_depend_on_writing),
        cmocka_unit_test(test_keys_of_nobody),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
