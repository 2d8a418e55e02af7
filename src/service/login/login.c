/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/login.h"

#include "base/log.h"
#include "base/metric.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "crypto/scram.h"
#include "runtime/fiber.h"
#include "service/login/throttle.h"

METRIC_COUNTER(login_accepted, "ringmail_logins_total", "result=\"accepted\"",
               "Logins by password, by result");
METRIC_COUNTER(login_denied, "ringmail_logins_total", "result=\"denied\"",
               "Logins by password, by result");
METRIC_COUNTER(login_refused, "ringmail_logins_total", "result=\"refused\"",
               "Logins by password, by result");
METRIC_COUNTER(login_trouble, "ringmail_logins_total", "result=\"trouble\"",
               "Logins by password, by result");
METRIC_COUNTER(login_delayed, "ringmail_logins_delayed_total", "",
               "Logins that waited because of failures before");
METRIC_HISTOGRAM(login_seconds, "ringmail_login_seconds", "",
                 "Time to check a password, delays for failures not counted");

enum { NAME_MEMORY_MAX = 64 << 10 };

static void log_failure(const struct login_attempt *attempt, error problem)
{
    char address[ADDRESS_TEXT_SIZE];
    struct log_line line = log_begin(LOG_INFO, "login");
    log_string(&line, "protocol", attempt->protocol);
    log_text(&line, "peer", address_format_ip(attempt->peer, address));
    log_text(&line, "user", attempt->name);
    log_error(&line, problem);
    log_end(&line);
}

/* WAITS as long as failures before cost; ERROR_BUSY where the address is refused unheard. */
static error pay_for_failures(const struct login_settings *settings, throttle_key address,
                              throttle_key account)
{
    uint32_t by_address = throttle_failures(address, settings->forget_after);
    uint32_t by_account = throttle_failures(account, settings->forget_after);
    if (by_address >= settings->failures_max)
        return error_make(ERROR_BUSY, "too many failed logins from this address");
    int64_t delay = throttle_delay(by_address, settings->failures_free, settings->failure_delay,
                                   settings->delay_max);
    int64_t for_account = throttle_delay(by_account, settings->failures_free,
                                         settings->failure_delay, settings->account_delay_max);
    if (for_account > delay)
        delay = for_account;
    if (delay == 0)
        return OK;
    metric_add(&login_delayed, 1);
    return fiber_sleep(delay);
}

/* Nobody may act as somebody else. */
static bool may_act_as(const struct login_attempt *attempt)
{
    return attempt->authorization.size == 0 ||
           slice_equal_nocase(attempt->authorization, attempt->name);
}

static error verify(const struct login_attempt *attempt, struct arena *arena,
                    struct directory_account *out_account)
{
    struct directory *directory = directory_here();
    if (!directory)
        return error_make(ERROR_TEMPORARY, "no directory is open");
    if (!may_act_as(attempt))
        return error_make(ERROR_DENIED, "may not act as another user");
    instant start = time_now();
    error problem =
        directory_authenticate(directory, attempt->name, attempt->password, arena, out_account);
    metric_observe(&login_seconds, (uint64_t)(time_now() - start));
    return problem;
}

static struct metric *result_of(error problem)
{
    switch (problem.kind) {
    case ERROR_NONE:
        return &login_accepted;
    case ERROR_DENIED:
        return &login_denied;
    case ERROR_BUSY:
        return &login_refused;
    default:
        return &login_trouble;
    }
}

/* As the directory writes it, in whatever way the client did; one that nobody can have as it is. */
static error name_account(const struct login_attempt *attempt, struct arena *arena, slice *out_name)
{
    struct directory *directory = directory_here();
    slice name = attempt->name;
    error problem = directory ? directory_canonical(directory, name, arena, &name) : OK;
    if (problem.kind != ERROR_MALFORMED && problem.kind != ERROR_NOT_FOUND)
        TRY(problem);
    *out_name = name;
    return OK;
}

/* "anna" and "Anna@example.org" are one, where that is the default domain: whoever guesses has not
 * twice the guesses. */
static throttle_key key_of_account(const struct login_attempt *attempt)
{
    struct arena arena;
    slice name = attempt->name;
    arena_init(&arena, NAME_MEMORY_MAX);
    error_ignore(name_account(attempt, &arena, &name));
    throttle_key key = throttle_key_of_account(name);
    arena_close(&arena);
    return key;
}

/* WAITS. Counts, forgives, logs; what the client may know comes back. */
static error conclude(const struct login_attempt *attempt, error problem)
{
    throttle_key address = throttle_key_of_address(attempt->peer);
    throttle_key account = key_of_account(attempt);
    int64_t forget_after = attempt->settings->forget_after;
    metric_add(result_of(problem), 1);
    if (problem.kind == ERROR_DENIED) {
        throttle_fail(address, forget_after);
        throttle_fail(account, forget_after);
    } else if (!failed(problem)) {
        throttle_forgive(address, forget_after);
        throttle_forgive(account, forget_after);
    }
    if (failed(problem))
        log_failure(attempt, problem);
    /* The log knows what was wrong; whoever guesses must not. */
    return problem.kind == ERROR_DENIED ? error_make(ERROR_DENIED, "wrong name or password")
                                        : problem;
}

static error pay(const struct login_attempt *attempt)
{
    return pay_for_failures(attempt->settings, throttle_key_of_address(attempt->peer),
                            key_of_account(attempt));
}

error login_check(const struct login_attempt *attempt, struct arena *arena,
                  struct directory_account *out_account)
{
    error problem = pay(attempt);
    if (!failed(problem))
        problem = verify(attempt, arena, out_account);
    return conclude(attempt, problem);
}

/* ---- SCRAM ---- */

/* A salt that is the account's own, and can be told from a stored one by nobody without the secret.
 * Were it the name's as written, two ways to write one name would have one salt only where keys are
 * stored. */
static error make_up_salt(const struct login_attempt *attempt, struct arena *arena,
                          struct scram_keys *keys)
{
    uint8_t sum[DIGEST_SIZE_MAX], kind = (uint8_t)keys->kind;
    struct hmac hmac;
    slice name;
    TRY(name_account(attempt, arena, &name));
    hmac_init(&hmac, DIGEST_SHA256, attempt->settings->scram_secret);
    hmac_add(&hmac, SLICE("scram salt"));
    hmac_add(&hmac, slice_of(&kind, 1));
    for (size_t i = 0; i < name.size; i++) {
        char c = ascii_lower(name.data[i]);
        hmac_add(&hmac, slice_of(&c, 1));
    }
    hmac_finish(&hmac, sum);
    memcpy(keys->salt, sum, SCRAM_SALT_SIZE);
    keys->salt_size = SCRAM_SALT_SIZE;
    keys->rounds = attempt->settings->scram_rounds;
    return OK;
}

error login_scram_begin(const struct login_attempt *attempt, struct arena *arena,
                        struct login_scram_secret *scram)
{
    struct directory *directory = directory_here();
    random_bytes(scram->keys.stored_key, sizeof scram->keys.stored_key);
    random_bytes(scram->keys.server_key, sizeof scram->keys.server_key);
    error problem = directory ? pay(attempt) : error_make(ERROR_TEMPORARY, "no directory is open");
    if (!failed(problem))
        problem = make_up_salt(attempt, arena, &scram->keys);
    if (!failed(problem))
        problem = directory_scram(directory, attempt->name, arena, &scram->keys, &scram->plain);
    if (!failed(problem) || problem.kind == ERROR_NOT_FOUND)
        return OK;
    return conclude(attempt, problem);
}

error login_scram_derive(struct login_scram_secret *scram)
{
    struct directory *directory = directory_here();
    if (!scram->plain.data)
        return OK;
    if (!directory)
        return error_make(ERROR_TEMPORARY, "no directory is open");
    scram->derived = true;
    return directory_scram_derive(directory, scram->plain, &scram->keys);
}

/* WAITS. A refusal takes as long for who has no password as for who has one. */
static error waste_time(struct directory *directory, struct login_scram_secret *scram,
                        error problem)
{
    if (problem.kind != ERROR_DENIED || scram->derived || !directory)
        return problem;
    scram->derived = true;
    TRY(directory_scram_derive(directory, SLICE("nobody's"), &scram->keys));
    return problem;
}

error login_scram_end(const struct login_attempt *attempt, struct login_scram_secret *scram,
                      error proof, struct arena *arena, struct directory_account *out_account)
{
    struct directory *directory = directory_here();
    error problem = proof;
    if (!failed(problem) && !may_act_as(attempt))
        problem = error_make(ERROR_DENIED, "may not act as another user");
    if (!failed(problem) && !directory)
        problem = error_make(ERROR_TEMPORARY, "no directory is open");
    if (!failed(problem))
        problem = directory_account(directory, attempt->name, arena, out_account);
    if (problem.kind == ERROR_NOT_FOUND) /* gone meanwhile */
        problem = error_make(ERROR_DENIED, "no such account");
    problem = waste_time(directory, scram, problem);
    if (problem.kind == ERROR_DENIED && directory)
        directory_invalidate(directory, attempt->name);
    return conclude(attempt, problem);
}
