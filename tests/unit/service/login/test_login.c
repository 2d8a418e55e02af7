/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What failed logins cost, with a directory that knows one password.
 */
#include "runtime/in_core.h"

#include "base/log.h"
#include "service/login/login.h"
#include "service/login/throttle.h"

#include <unistd.h>

/* ---- The directory ---- */

struct directory *directory_here(void)
{
    static int somewhere;
    return (struct directory *)(void *)&somewhere;
}

error directory_authenticate(struct directory *directory, slice name, slice password,
                             struct arena *arena, struct directory_account *out_account)
{
    (void)directory, (void)arena;
    *out_account = (struct directory_account){.address = name};
    return slice_equal(password, SLICE("right")) ? OK : error_make(ERROR_DENIED, "wrong");
}

error directory_account(struct directory *directory, slice address, struct arena *arena,
                        struct directory_account *out_account)
{
    (void)directory, (void)address, (void)arena, (void)out_account;
    return error_make(ERROR_NOT_FOUND, "no such account");
}

void directory_invalidate(struct directory *directory, slice address)
{
    (void)directory, (void)address;
}

error directory_scram(struct directory *directory, slice name, struct arena *arena,
                      struct scram_keys *keys, slice *out_plain)
{
    (void)directory, (void)name, (void)arena, (void)keys, (void)out_plain;
    return error_make(ERROR_NOT_FOUND, "no such account");
}

error directory_scram_derive(struct directory *directory, slice password, struct scram_keys *keys)
{
    (void)directory, (void)password, (void)keys;
    return OK;
}

error directory_canonical(const struct directory *directory, slice name, struct arena *arena,
                          slice *out_address)
{
    (void)directory;
    if (slice_equal_nocase(name, SLICE("nobody@")))
        return error_make(ERROR_MALFORMED, "no domain");
    return slice_find_byte(name, '@') >= 0
               ? arena_copy(arena, name, out_address)
               : arena_format(arena, out_address, "%.*s@x.example", SLICE_ARG(name));
}

/* ---- Logins ---- */

static struct login_settings settings;

/* How long one attempt takes. */
static int64_t attempt(const char *peer, const char *name, const char *password,
                       enum error_kind expected)
{
    struct arena arena;
    struct address address;
    struct directory_account account;
    assert_ok(address_parse_ip(slice_from_string(peer), &address));
    const struct login_attempt login = {.settings = &settings,
                                        .protocol = "imap",
                                        .peer = &address,
                                        .name = slice_from_string(name),
                                        .password = slice_from_string(password)};
    arena_init(&arena, 1 << 16);
    instant begun = time_now();
    assert_error(login_check(&login, &arena, &account), expected);
    arena_close(&arena);
    return time_now() - begun;
}

static const int64_t LONG = 60 * TIME_S;

static void begin(void)
{
    settings = (struct login_settings){
        .failures_free = 1,
        .failure_delay = 10 * TIME_MS,
        .delay_max = 80 * TIME_MS,
        .account_delay_max = 20 * TIME_MS,
        .forget_after = 3600 * TIME_S,
        .failures_max = 8,
    };
}

/* delay_max: who fails again and again waits longer and longer, up to that; then, after
 * failures_max of them, is not heard at all. */
CORE_TEST(test_an_address_waits)
{
    static const int64_t least[] = {0, 0, 10, 20, 40, 80, 80, 80}; /* ms */
    begin();
    settings.failures_max = 16;
    for (unsigned i = 0; i < settings.failures_max; i++) {
        char name[] = "usera"; /* another account each time: it is the address that waits */
        name[4] = (char)('a' + i);
        int64_t took = attempt("192.0.2.1", name, "wrong", ERROR_DENIED);
        assert_true(took >= (i < 8 ? least[i] : 80) * TIME_MS);
        assert_true(took < LONG / 2); /* doubled 13 times it were more */
    }
    settings.failure_delay = settings.delay_max = settings.account_delay_max = LONG;
    assert_true(attempt("192.0.2.1", "user9", "right", ERROR_BUSY) < LONG / 2);
    assert_true(attempt("192.0.2.2", "user9", "right", ERROR_NONE) < LONG / 2);
}

/* account_delay_max: strangers that fail from everywhere make its owner wait so long, no longer. */
CORE_TEST(test_an_account_waits)
{
    begin();
    settings.delay_max = LONG;
    for (unsigned i = 0; i < 20; i++) {
        char peer[] = "198.51.100.1?";
        peer[12] = (char)('0' + i % 10);
        if (i >= 10)
            peer[11] = '2';
        attempt(peer, "anna", "wrong", ERROR_DENIED);
    }
    int64_t took = attempt("192.0.2.3", "anna", "right", ERROR_NONE);
    assert_true(took >= settings.account_delay_max);
    assert_true(took < LONG / 2);
}

/* However its name is written. */
CORE_TEST(test_two_names_of_one_account)
{
    begin();
    attempt("198.51.100.1", "bert", "wrong", ERROR_DENIED);
    attempt("198.51.100.2", "Bert@X.example", "wrong", ERROR_DENIED);
    assert_true(attempt("192.0.2.4", "bert@x.example", "right", ERROR_NONE) >=
                settings.failure_delay);
    settings.failure_delay = settings.delay_max = settings.account_delay_max = LONG;
    assert_true(attempt("192.0.2.5", "bert@y.example", "right", ERROR_NONE) < LONG / 2);
    begin();
    for (int i = 0; i < 2; i++)
        attempt("198.51.100.3", "nobody@", "wrong", ERROR_DENIED);
    assert_true(attempt("198.51.100.4", "nobody@", "wrong", ERROR_DENIED) >=
                settings.failure_delay);
}

int main(void)
{
    log_configure(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_waits),
        cmocka_unit_test(test_an_account_waits),
        cmocka_unit_test(test_two_names_of_one_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
