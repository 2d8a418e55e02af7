#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The store of one core from inside: what account.c, mailbox*.c, mail.c, deliver.c share. Nothing
 * outside data/store includes this.
 */
#include "base/map.h"
#include "data/store/index_file.h"
#include "data/store/maildir_name.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/timer.h"

enum {
    MAILBOX_CHANGES_KEPT_MAX = 4096, /* for watchers that fall behind */
    MAILBOX_STALE_KEPT_MAX = 1024,   /* UIDs remembered; past that the index is searched */
    MAILBOX_RENAMES_PER_TURN = 64,
    TEND_SIDE_SIZE_MAX = 8 << 20, /* bytes logged beside a waiting compaction: it waits no more */
    MAILBOX_WRITE_IN_PLACE_MAX = 256 << 10, /* bytes; larger files are written by a worker */
};

struct account {
    char *id;
    char *path;
    slice key; /* id */
    unsigned references;
    struct list idle;      /* in store_here.idle_accounts */
    struct list mailboxes; /* open ones */
    uint64_t quota_bytes, quota_messages;
    bool usage_known;
    uint64_t bytes, messages;
};

/* A file being written or linked that has no entry in the index yet. */
struct mailbox_writing {
    struct list node;
    slice base;
};

struct mailbox {
    struct account *account; /* referenced */
    char *name;
    struct list in_account;
    struct list idle;  /* in store_here.idle_mailboxes */
    struct list dirty; /* in store_here.dirty: records to be written at the turn's end */
    struct list care;  /* in store_here.care: names to be renamed, watchers to be served */
    unsigned references;
    bool opening, gone, scanning;
    bool tending, tend_hurried; /* a fiber reserves and compacts; it must not wait any longer */
    error open_result;
    struct condition opened;  /* and scanned */
    int directory;            /* O_PATH */
    bool writes_back;         /* its files go through writeback.h */
    uint64_t failures_before; /* store_sync_failures when its index file was known to be sound */
    struct index index;
    struct mutex turn;                   /* reserving, compacting */
    struct index_compaction *compaction; /* of the fiber that tends; NULL: none waits */
    struct list writing;
    int64_t new_changed, cur_changed; /* mtime in ns that the index agrees with; 0: unknown */
    bool synced_logged;               /* the index file knows them too */

    uint32_t *stale; /* UIDs whose file name is behind */
    unsigned stale_count;
    bool stale_overflow;
    instant rename_due;

    struct list watches;
    struct mailbox_change *changes;
    unsigned change_count, change_capacity;
    uint64_t change_first; /* sequence of changes[0] */
};

struct scan_file;

struct store_core {
    bool open;
    struct map accounts;
    struct list idle_accounts, idle_mailboxes;
    unsigned idle_account_count, idle_mailbox_count;
    struct list dirty, care;
    struct core_hook turn_end;
    struct crew crew;
    struct condition care_wanted;
    struct condition synced; /* a checkpoint ended, or a range of UIDs runs low */
    uint64_t name_counter;
};
extern _Thread_local struct store_core store_here;

/* What is the same for all cores: set by store_start before anything else, then constant. */
struct store_shared {
    struct store_settings settings;
    char path[STORE_PATH_SIZE_MAX], journal_path[STORE_PATH_SIZE_MAX + 16];
    uint64_t stops; /* unclean stops so far */
    int run_file;   /* locked */
    bool running;
    bool recovering; /* replay is under way: no message may be taken for removed */
    int process;     /* its id, for names */
    char host[64];
};
extern struct store_shared store_shared;

static inline bool store_is_durable(void)
{
    return store_shared.settings.durability != JOURNAL_DURABILITY_NONE;
}

/* store.c */
struct journal_options store_journal_options(void);
/* Syncs every file system that holds mail, in the name of core `core` (a number as a pointer), one
 * at a time; blocks: on a worker. */
error store_make_durable(void *core);
/* What was written before store_syncs_begun gave `begun` is on the disk once this is true. Any
 * thread. */
uint64_t store_syncs_begun(void);
bool store_synced_since(uint64_t begun);
/* ... and if this has not risen meanwhile. A failed write is told of once and its page is clean
 * then: what was written before a failure is never known to be on the disk, only what is written
 * anew. */
uint64_t store_sync_failures(void);
void store_note_sync_failure(void); /* of one file */

/* store_cover, and whether files there may be closed late, by writeback.h: on a local disk. */
error store_cover_mail(int directory, bool *out_writes_back);

/* store_core.c */
error store_core_start(void);
/* Blocks: writes everything and lets go of it. */
void store_core_end(void);
/* This core's journal ended a checkpoint. */
void store_synced(void *unused);
/* The hook: one write per mailbox and turn. */
void mailboxes_turn_ended(struct core_hook *hook);
/* A base name that no other message has; chosen before anything is written. */
size_t store_base_name(uint64_t size, uint64_t virtual_size,
                       char out_name[STORE_BASE_NAME_SIZE_MAX]);

/* account.c */
void account_drop(struct account *account); /* no references, idle */
void account_usage_add(struct account *account, int64_t bytes, int64_t messages);
/* ERROR_LIMIT where it does not fit. WAITS the first time. */
error account_check_quota(struct account *account, uint64_t bytes, uint64_t messages);
/* Finds an account that is open already; NULL otherwise. No reference. */
struct account *account_peek(slice id);

/* mailbox.c */
struct mailbox *mailbox_peek(struct account *account, slice name);
/* Blocks shortly: writes, closes, frees. No references. */
void mailbox_drop(struct mailbox *mailbox);
/* Closes what is idle of an account, so that its directories can be moved. */
void mailboxes_drop_idle(struct account *account);
/* Records wait for the turn's end. */
void mailbox_touch(struct mailbox *mailbox);
/* ERROR_TEMPORARY where the index cannot be written. */
error mailbox_ready(struct mailbox *mailbox);
void mailbox_note_change(struct mailbox *mailbox, enum mailbox_change_kind kind, uint32_t uid);
/* Adds a message whose file is in place; mail->uid is given here. */
error mailbox_add(struct mailbox *mailbox, struct mail *mail, slice base, slice cache);
/* The index entry goes, the watchers hear of it; the file is the caller's. */
error mailbox_forget(struct mailbox *mailbox, uint32_t uid);
/* After an unclean stop: forgets and removes recent messages whose file was cut off
 * (maildir_is_torn). Their index entry reached the disk, their bytes did not, and no journal had
 * them. */
error mailbox_drop_torn(struct mailbox *mailbox);
/* Removes one such file, with a log line. Any thread. */
void mailbox_remove_torn(int directory, const char *path);
/* WAITS. Opens a mailbox, making its directories where `create`. */
error mailbox_open_or_create(struct account *account, slice name, bool create,
                             struct mailbox **out_mailbox);

/* mailbox_tend.c: UIDs reserved, the index file compacted. */

/* WAITS where the reserved range is used up. */
error mailbox_reserve(struct mailbox *mailbox, uint32_t count);
/* In the background, where it is time for either. */
void mailbox_tend_if_due(struct mailbox *mailbox);

/* mailbox_files.c: names and times in the Maildir. */

/* Our own changes must not look like another program's: between begin and end only the caller
 * changes the directory. */
struct mailbox_dir_change {
    bool in_cur, foreign;
};
struct mailbox_dir_change mailbox_dir_begin(struct mailbox *mailbox, bool in_cur);
void mailbox_dir_end(struct mailbox *mailbox, struct mailbox_dir_change change);
int64_t mailbox_dir_changed(const struct mailbox *mailbox, bool in_cur); /* mtime, 0: cannot say */
void mailbox_mail_path(const struct mailbox *mailbox, const struct mail *mail,
                       char out[MAILDIR_PATH_SIZE_MAX]);
/* Remembers that the file name is behind. */
void mailbox_note_stale(struct mailbox *mailbox, uint32_t uid);
/* Renames up to `max` files; blocks for each some microseconds. */
void mailbox_rename_stale(struct mailbox *mailbox, unsigned max);
/* WAITS. Looks the file up under any name; true where the entry was corrected. */
bool mailbox_locate(struct mailbox *mailbox, uint32_t uid);
/* The file of `mail` lies under another name than known: takes what that says. */
error mailbox_take_flags(struct mailbox *mailbox, const struct mail *mail,
                         const struct scan_file *file, const struct maildir_name *name);
/* WAITS rarely. The file under a second name: a hard link, or its bytes where that cannot be
 * (another file system, too many links). ERROR_NOT_FOUND: no such file. */
error mailbox_link(int from, const char *path, int to, const char *target);
/* Makes cur, new, tmp. Blocks. */
error mailbox_make_directories(const char *path);
error mailbox_open_directory(struct mailbox *mailbox);
size_t mailbox_path(const struct account *account, slice name, char *out, size_t size);

/* mailbox_import.c: runs on a worker. The first index of a Maildir, from Dovecot's files where they
 * are there. uid_validity 0: from there or new. */
/* The whole of a small file beside the Maildir, to be freed; NULL where there is none. */
char *mailbox_read_file(int directory, const char *name, size_t size_max, slice *out_content);
error mailbox_import(struct index *index, int directory, uint32_t uid_validity, uint32_t uid_next);

/* mailbox_scan.c: runs on a worker. */
struct scan_file {
    slice name; /* whole file name */
    bool in_cur;
    int64_t changed; /* mtime, seconds; where asked for */
    uint64_t size;
};
struct scan {
    bool scan_new, scan_cur, with_status; /* in */
    int directory;                        /* in */
    struct scan_file *files;              /* in order of their time */
    size_t count;
    struct arena names;
    int64_t new_changed, cur_changed;
};
error scan_run(void *scan);
/* A name that flags cannot be written back to is renamed once; where the file then lies (in cur?).
 */
bool maildir_put_in_order(int directory, const struct scan_file *file,
                          const struct maildir_name *name);
void scan_close(struct scan *scan);
