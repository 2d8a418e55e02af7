#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store: accounts, their Maildirs and the indexes over them. Each account has a home core; only
 * that core's fibers call account_*, mailbox_* and mail_*; other cores reach it through
 * delivery.h. Between two WAITS nothing else changes, so there are no locks. Formats, promises and
 * measured decisions: README.md beside this file.
 */
#include "base/error.h"
#include "base/slice.h"
#include "data/journal/journal.h"

#include <stdint.h>

enum {
    STORE_BASE_NAME_SIZE_MAX = 200,    /* base of a Maildir file name, ",S=" and ",W=" included */
    STORE_MAILBOX_NAME_SIZE_MAX = 200, /* bytes of UTF-8; its directory name must fit 255 */
    STORE_MAILBOX_DEPTH_MAX = 16,
    STORE_MAILBOXES_PER_ACCOUNT_MAX = 4096,
    STORE_KEYWORDS_MAX = 64,           /* per mailbox; the first 26 also in file names (a-z) */
    STORE_KEYWORD_SIZE_MAX = 100,      /* bytes of a keyword's name */
    STORE_CACHE_BLOB_SIZE_MAX = 32768, /* of one message; larger ones are not kept */
    STORE_ACCOUNT_ID_SIZE_MAX = 512,
    STORE_PATH_SIZE_MAX = 1024,
    STORE_ACCOUNTS_OPEN_DEFAULT = 4096,  /* kept open per core beyond those in use */
    STORE_MAILBOXES_OPEN_DEFAULT = 4096, /* kept open per core beyond those in use */
};

/* Hierarchy separator of mailbox names, as Dovecot's default for Maildir++. */
#define STORE_SEPARATOR '.'

struct store_settings {
    const char *path;         /* state of the store itself (run file); the mail's file system */
    const char *journal_path; /* NULL: path/journal */
    enum journal_durability durability;
    size_t journal_segment_size;    /* bytes; 0: default */
    unsigned journal_segment_count; /* per core; 0: default */
    int64_t checkpoint_age;         /* ns; 0: default */
    unsigned accounts_open;         /* per core; 0: default */
    unsigned mailboxes_open;        /* per core; 0: default */
    int64_t rename_delay;           /* ns a changed flag may wait for its file name; 0: 10 s */
    int64_t poll_interval; /* ns between looks for other programs' changes in selected mailboxes;
                            * 0: 2 s */
};

/* Blocks shortly. Takes the store's lock (ERROR_BUSY: another server uses it), for those whose
 * files lie beside the store's and who read them before it starts. store_start does it, too. */
error store_claim(const struct store_settings *settings);
/* WAITS. Once, on one core's fiber while all cores run: takes the store's lock, replays the
 * journals, opens every core's journal. Nothing may touch the store before it returns. */
error store_start(const struct store_settings *settings);
/* WAITS. Once, before cores_stop, when no session is left: writes what is pending, checkpoints,
 * marks the store as cleanly stopped (so that UIDs go on without a gap). */
error store_stop(void);

/* Whoever keeps more than mailboxes and relies on the journals too. Before store_start. */

/* The file system of `directory` is synced by every checkpoint, until the store stops. */
error store_cover(int directory);
/* Journal records of kinds from JOURNAL_KIND_QUEUE on are given to `record` at start, on the
 * starting core's fiber, all of them twice (pass 0, then 1), in the order of their core; then
 * `finish`, before what both did is synced and the journals are freed. ERROR_TEMPORARY, _SYSTEM,
 * _DENIED, _CANCELLED end the start; another error passes over the record with a log line. Without
 * an owner such records end the start: they would be lost. */
struct store_replay_owner {
    error (*record)(const struct journal_record *record, unsigned pass); /* WAITS */
    error (*finish)(void);                                               /* WAITS */
};
void store_set_replay_owner(const struct store_replay_owner *owner); /* NULL: none */

enum journal_durability store_durability(void);
/* Which core an account lives on: stable between runs for one number of cores. */
unsigned store_home_core(slice account_id);

/* Whom a mailbox belongs to, as the directory knows it. Slices are the caller's. */
struct store_account_key {
    slice id;                /* canonical address: "user@example.org" */
    slice path;              /* of the Maildir: "/var/vmail/example.org/user/Maildir"; absolute */
    uint64_t quota_bytes;    /* 0: none */
    uint64_t quota_messages; /* 0: none */
};
