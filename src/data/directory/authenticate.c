/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Name and password to account. The dear part runs on a worker; a refusal takes as long for a user
 * that does not exist as for a wrong password.
 */
#include "base/log.h"
#include "base/metric.h"
#include "crypto/constant.h"
#include "crypto/password.h"
#include "crypto/scram.h"
#include "data/directory/internal.h"
#include "format/text/saslprep.h"
#include "runtime/timer.h"
#include "runtime/worker.h"

METRIC_COUNTER(logins_right, "ringmail_directory_logins_total", "result=\"ok\"",
               "Passwords checked");
METRIC_COUNTER(logins_wrong, "ringmail_directory_logins_total", "result=\"denied\"",
               "Passwords checked");
METRIC_COUNTER(logins_recalled, "ringmail_directory_logins_recalled_total", "",
               "Passwords checked without hashing, from the login cache");
METRIC_COUNTER(logins_busy, "ringmail_directory_logins_total", "result=\"busy\"",
               "Passwords checked");
METRIC_COUNTER(hashes_bad, "ringmail_directory_bad_hashes_total", "",
               "Stored password hashes of an unknown scheme, malformed or too dear");
METRIC_GAUGE(logins_waiting, "ringmail_directory_logins_waiting", "",
             "Logins that wait for a worker");
METRIC_HISTOGRAM(verify_time, "ringmail_directory_password_seconds", "",
                 "Time to verify a password, waiting for a worker included");

enum {
    LOGINS_WAITING_MAX = 512, /* per core; at 50 ms a hash and two workers some 13 s */
};
static const int64_t FRESH_ENOUGH = TIME_S; /* a refusal believes no older row */

struct verification {
    slice hash; /* empty: nobody's; only the time is spent */
    slice password;
    struct scram_keys *keys; /* derived from the password, where set */
};

/* RFC 5802 2.2: keys are made of prepared passwords. Those that RFC 4013 forbids are taken as they
 * are. */
static void derive(const struct verification *v)
{
    char room[SASLPREP_SIZE_MAX];
    slice password = v->password;
    struct scram_keys like = *v->keys;
    error_ignore(saslprep(password, room, &password));
    scram_keys_make(like.kind, password, slice_of(like.salt, like.salt_size), like.rounds, v->keys);
    constant_wipe(room, sizeof room);
}

/* Other programs store keys of the password as it was typed. */
static error verify_scram(slice hash, slice password)
{
    char room[SASLPREP_SIZE_MAX];
    slice prepared = password;
    error result = password_verify(hash, password);
    error_ignore(saslprep(password, room, &prepared));
    if (result.kind == ERROR_DENIED && !slice_equal(prepared, password))
        result = password_verify(hash, prepared);
    constant_wipe(room, sizeof room);
    return result;
}

static error verify_on_worker(void *argument)
{
    const struct verification *v = argument;
    if (v->keys) {
        derive(v);
        return OK;
    }
    if (slice_starts_nocase(v->hash, SLICE("{SCRAM-")))
        return verify_scram(v->hash, v->password);
    if (v->hash.size > 0)
        return password_verify(v->hash, v->password);
    password_waste_time(v->password);
    return error_make(ERROR_DENIED, "no such account");
}

/* WAITS. What points into the caller's arena stays: the worker's answer is always awaited. */
static error compute(struct directory *directory, struct verification *verification)
{
    if (directory->verifying >= LOGINS_WAITING_MAX) {
        metric_add(&logins_busy, 1);
        return error_make(ERROR_BUSY, "too many logins at once");
    }
    instant start = time_now();
    directory->verifying++;
    metric_add(&logins_waiting, 1);
    error result = worker_run(WORKER_COMPUTE, verify_on_worker, verification);
    metric_add(&logins_waiting, -1);
    directory->verifying--;
    metric_observe(&verify_time, (uint64_t)(time_now() - start));
    return result;
}

static error verify(struct directory *directory, slice hash, slice password)
{
    return compute(directory, &(struct verification){.hash = hash, .password = password});
}

/* Whoever keeps the database must learn that a hash is no good; the client learns nothing. */
static error refuse_bad_hash(slice address, error problem)
{
    if (problem.kind != ERROR_PERMANENT && problem.kind != ERROR_LIMIT)
        return problem;
    metric_add(&hashes_bad, 1);
    log_event(LOG_WARNING, "directory.password", problem, address);
    return error_make(ERROR_DENIED, "wrong password");
}

static error check(struct directory *directory, slice address, slice hash, slice password)
{
    switch (directory_login_recall(&directory->logins, address, hash, password, timer_now())) {
    case LOGIN_RIGHT:
        metric_add(&logins_recalled, 1);
        return OK;
    case LOGIN_WRONG:
        metric_add(&logins_recalled, 1);
        return error_make(ERROR_DENIED, "wrong password");
    case LOGIN_UNKNOWN:
        break;
    }
    error result = refuse_bad_hash(address, verify(directory, hash, password));
    if (result.kind == ERROR_NONE || result.kind == ERROR_DENIED)
        directory_login_remember(&directory->logins, address, hash, password, !failed(result),
                                 timer_now());
    return result;
}

static slice hash_of(const struct directory_rows *rows)
{
    return rows->count ? rows->rows[0].columns[DIRECTORY_COLUMN_PASSWORD] : SLICE_EMPTY;
}

/* WAITS. rows: in, what was found; out, what the login was checked against. */
static error check_rows(struct directory *directory, const struct directory_address *name,
                        slice password, struct arena *arena, struct directory_rows *rows,
                        instant asked)
{
    slice hash = hash_of(rows);
    error result = error_make(ERROR_DENIED, "wrong password");
    if (hash.size > 0) {
        result = check(directory, name->whole, hash, password);
        if (result.kind != ERROR_DENIED)
            return result;
    }
    /* The password may have been changed, or the account made, by another program just now. */
    if (timer_now() - asked > FRESH_ENOUGH) {
        TRY(directory_account_row(directory, name->local, name->domain, DIRECTORY_FRESH, arena,
                                  rows, &asked));
        if (hash_of(rows).size > 0 && !slice_equal(hash, hash_of(rows)))
            return check(directory, name->whole, hash_of(rows), password);
    }
    return hash.size > 0 ? result : verify(directory, SLICE_EMPTY, password);
}

static error authenticate(struct directory *directory, slice name, slice password,
                          struct arena *arena, struct directory_account *out_account)
{
    struct directory_address parsed;
    struct directory_rows rows;
    instant asked;
    error problem = directory_address_parse(directory->settings, name, arena, &parsed);
    if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_NOT_FOUND)
        return verify(directory, SLICE_EMPTY, password);
    TRY(problem);
    TRY(directory_account_row(directory, parsed.local, parsed.domain, DIRECTORY_CACHED_FINE, arena,
                              &rows, &asked));
    TRY(check_rows(directory, &parsed, password, arena, &rows, asked));
    return directory_account_make(directory->settings, parsed.local, parsed.domain, &rows.rows[0],
                                  arena, out_account);
}

error directory_authenticate(struct directory *directory, slice name, slice password,
                             struct arena *arena, struct directory_account *out_account)
{
    error result = authenticate(directory, name, password, arena, out_account);
    if (result.kind == ERROR_NONE)
        metric_add(&logins_right, 1);
    else if (result.kind == ERROR_DENIED)
        metric_add(&logins_wrong, 1);
    return result;
}

error directory_scram(struct directory *directory, slice name, struct arena *arena,
                      struct scram_keys *keys, slice *out_plain)
{
    slice hash, plain;
    TRY(directory_password(directory, name, arena, &hash));
    if (password_is_plain(hash, &plain)) {
        *out_plain = plain;
        return OK;
    }
    error problem = scram_keys_of_hash(hash, keys->kind, keys);
    if (problem.kind == ERROR_PERMANENT || problem.kind == ERROR_LIMIT) {
        error_ignore(refuse_bad_hash(name, problem));
        return error_make(ERROR_NOT_FOUND, problem.text);
    }
    return problem;
}

error directory_scram_derive(struct directory *directory, slice password, struct scram_keys *keys)
{
    return compute(directory, &(struct verification){.password = password, .keys = keys});
}

error directory_canonical(const struct directory *directory, slice name, struct arena *arena,
                          slice *out_address)
{
    struct directory_address parsed;
    TRY(directory_address_parse(directory->settings, name, arena, &parsed));
    *out_address = parsed.whole;
    return OK;
}
