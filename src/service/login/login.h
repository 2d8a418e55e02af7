#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One attempt at a password, for every protocol that asks for one: throttled by address and by
 * account (service/login/throttle.h), then checked by the directory. Counted; logged where it
 * fails, by the session's own line where it succeeds.
 */
#include "base/arena.h"
#include "base/error.h"
#include "crypto/scram.h"
#include "data/directory/directory.h"
#include "net/address.h"
#include "service/login/settings.h"

struct login_attempt {
    const struct login_settings *settings;
    const char *protocol; /* static: "imap", for the log */
    const struct address *peer;
    slice authorization; /* whom to act as (SASL); empty, or the same as name: nothing else is
                            allowed */
    slice name;
    slice password;
};

/* WAITS. Any core. ERROR_DENIED: name or password are wrong (never said which). ERROR_BUSY: too
 * many failures from there, or too many logins at once. ERROR_TEMPORARY: the directory has trouble.
 */
error login_check(const struct login_attempt *attempt, struct arena *arena,
                  struct directory_account *out_account);

/* SCRAM in two halves around the client's proof; the password of the attempt is unused. */
struct login_scram_secret {
    struct scram_keys keys;
    slice plain;  /* the password, where it is stored as it is; data NULL: it is not */
    bool derived; /* keys were made from a password: the dear part */
};

/* WAITS. Pays for failures before, then finds salt and rounds, and the keys of scram->keys.kind
 * where they are stored. Who has none gets keys that nobody can know the password of, and the same
 * salt at every attempt, in whatever way the name is written (RFC 5802 9 warns of telling who has
 * an account): only login_scram_end refuses. ERROR_BUSY, ERROR_TEMPORARY as login_check. */
error login_scram_begin(const struct login_attempt *attempt, struct arena *arena,
                        struct login_scram_secret *scram);
/* WAITS. Before the proof is looked at: makes the keys of a plain password. */
error login_scram_derive(struct login_scram_secret *scram);
/* WAITS. With OK, or why the proof is not good; the rest as login_check. A refusal costs the
 * deriving of keys, whoever it is. */
error login_scram_end(const struct login_attempt *attempt, struct login_scram_secret *scram,
                      error proof, struct arena *arena, struct directory_account *out_account);
