#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who lives here: domains, accounts, aliases and password hashes, kept in SQLite or MariaDB. Every
 * core has its own directory (connections, caches); nothing is shared. Answers are copied into the
 * caller's arena and stay true only as long as nobody changes the database: keep them for a
 * transaction, not for a session.
 *
 * Addresses are compared folded: domains as A-labels in lower case (IDNA), local parts by Unicode
 * case folding and NFC, so "Jürgen@BÜCHER.example" and "jürgen@xn--bcher-kva.example" are one.
 *
 * Trouble with the database is always ERROR_TEMPORARY (mail: 4xx, login: try again), never "no such
 * user". Answers come from a bounded cache (settings cache_*), simultaneous identical look-ups
 * become one query. Bounds: directory_limits below and data/directory/settings.h.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct directory;
struct scram_keys;
struct directory_settings;

enum directory_limits {
    DIRECTORY_ADDRESS_SIZE_MAX = 1024, /* bytes as asked, UTF-8 */
    DIRECTORY_LOCAL_SIZE_MAX = 255,    /* bytes after folding: it becomes a directory name */
    DIRECTORY_TARGETS_MAX = 1000,      /* final targets of one address */
    DIRECTORY_ALIAS_STEPS_MAX = 5000,  /* alias look-ups for one address */
};

struct directory_account {
    uint64_t id;      /* stable: the database's key, or a hash of the address where it has none */
    slice address;    /* canonical: folded local part @ A-label domain; what
                            store_home_core and store_account_key.id want */
    slice local_part; /* views into address */
    slice domain;     /* " */
    const char *home; /* directory of the account, "/var/vmail/example.org/user" */
    const char *maildir;     /* "/var/vmail/example.org/user/Maildir" */
    uint64_t quota_bytes;    /* 0: no limit */
    uint64_t quota_messages; /* 0: no limit */
};

enum directory_answer {
    DIRECTORY_FOUND,
    DIRECTORY_NOT_OURS,     /* the domain is not in the directory: relaying */
    DIRECTORY_NO_SUCH_USER, /* 550 5.1.1 */
    DIRECTORY_ALIAS_LOOP,   /* aliases lead in a circle, too deep or too far: 5.4.6 */
};

struct directory_target {
    bool outside;  /* a domain that is not ours: goes to the queue */
    slice address; /* local: account.address; outside: as the alias names it, with the detail of the
                      name that led to it (Postfix's propagate_unmatched_extensions) */
    slice detail;  /* "x" of user+x@, for Sieve and delivery; data NULL where there is none */
    slice extended; /* local: the address with its detail, as directory_mailbox finds it again */
    struct directory_account account; /* unless outside */
};

struct directory_resolution {
    enum directory_answer answer;
    bool aliased;   /* an alias or catch-all was followed */
    unsigned count; /* > 0 where found; no target occurs twice */
    struct directory_target *targets;
};

/* On the core that will use it; reads nothing yet from MariaDB, opens (and where missing creates)
 * the SQLite file. The settings are borrowed for its lifetime. Becomes directory_here(). */
error directory_open(const struct directory_settings *settings, struct directory **out_directory);
/* WAITS for look-ups that are under way. */
void directory_close(struct directory **directory);
/* The calling core's; NULL where none is open. */
struct directory *directory_here(void);
/* "sqlite" or "mariadb", for logs and statistics. */
const char *directory_backend_name(const struct directory *directory);

/* WAITS. Is mail for this domain (any spelling) ours? */
error directory_domain(struct directory *directory, slice domain, bool *out_ours);

/* WAITS. Where the directory's own table says that mail for this domain (A-labels) goes, as
 * transport/route reads it. ERROR_NOT_FOUND: nothing is said, or there is no table. */
error directory_transport(struct directory *directory, slice domain, struct arena *arena,
                          slice *out_transport);

/* WAITS. Who gets mail for this address, aliases followed to the end. `address` is local@domain as
 * SMTP gives it, without brackets (a quoted local part may keep its quotes; without @ the
 * default_domain is meant: RFC 5321 4.5.1 Postmaster). Order: alias and account of the whole,
 * alias and account without the +detail, at last the domain's catch-all. An alias that names its
 * own address means the account itself. Targets that do not exist are left out (and logged); none
 * left is DIRECTORY_NO_SUCH_USER. */
error directory_resolve(struct directory *directory, slice address, struct arena *arena,
                        struct directory_resolution *out_resolution);

/* WAITS. The account of exactly this address, no aliases, no detail; ERROR_NOT_FOUND. */
error directory_account(struct directory *directory, slice address, struct arena *arena,
                        struct directory_account *out_account);

/* WAITS. The same where the address may have a +detail, of a target that was resolved before: no
 * aliases. ERROR_NOT_FOUND. */
error directory_mailbox(struct directory *directory, slice address, struct arena *arena,
                        struct directory_target *out_target);

/* WAITS. May the account (its canonical address) write as `sender` (local@domain)? As itself, with
 * any detail; as an alias that leads to it alone; as what identity_query grants. */
error directory_may_send(struct directory *directory, slice account, slice sender,
                         bool *out_allowed);

/* WAITS. The stored hash with its {SCHEME}, for mechanisms that need it (SCRAM). ERROR_NOT_FOUND.
 */
error directory_password(struct directory *directory, slice address, struct arena *arena,
                         slice *out_hash);

/* WAITS. The private keys (PEM) that sign for a domain, where directory.dkim_query asks for them;
 * none is success. Rows without a selector or a key are left out. */
struct directory_dkim_key {
    slice selector, private_key;
};
error directory_dkim(struct directory *directory, slice domain, struct arena *arena,
                     struct directory_dkim_key **out_keys, unsigned *out_count);

/* WAITS. What SCRAM needs of an account: its stored keys of keys->kind; or the password itself,
 * where it is stored plain (*out_plain, in the arena), to make them of by directory_scram_derive
 * with the salt and the rounds that *keys has. ERROR_NOT_FOUND: no such account, or one whose hash
 * is of another scheme. Nothing is hashed here, so that the time tells nothing. After a login that
 * failed the caller invalidates the name: the password may be another by now. */
error directory_scram(struct directory *directory, slice name, struct arena *arena,
                      struct scram_keys *keys, slice *out_plain);
/* WAITS (hashes on a worker). ERROR_BUSY where too many logins wait. */
error directory_scram_derive(struct directory *directory, slice password, struct scram_keys *keys);

/* The one way to write an account's name, however it was written: with default_domain, folded, in
 * A-labels. ERROR_MALFORMED, ERROR_NOT_FOUND: nobody can have it. */
error directory_canonical(const struct directory *directory, slice name, struct arena *arena,
                          slice *out_address);

/* WAITS (hashes on a worker). Plain-text login. `name` is an address or, with default_domain set, a
 * local part. ERROR_DENIED for a wrong password and for an unknown user alike (both take the time
 * of a hash), ERROR_TEMPORARY, ERROR_BUSY where too many logins wait. A password changed by another
 * program is believed at once; the old one dies with the cache entry or an invalidation. */
error directory_authenticate(struct directory *directory, slice name, slice password,
                             struct arena *arena, struct directory_account *out_account);

/* Forgets what is cached on this core about an address, a domain ("@example.org", also its name
 * without the @) or, when empty, everything. */
void directory_invalidate(struct directory *directory, slice subject);
/* WAITS. The same on every core: what POST /directory/invalidate does. */
error directory_invalidate_everywhere(slice subject);
