#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changing the directory: for the `ringmail` command, and on a worker for a user who changes a
 * password. Blocks: never on a core. Writes to the ISP schema (schema.h); a database with other
 * tables is changed by whoever made it. A running server must be told (directory_invalidate).
 *
 * Names are stored in canonical form. Errors: ERROR_EXISTS, ERROR_NOT_FOUND, ERROR_MALFORMED,
 * ERROR_DENIED (would take more with it than was asked for), ERROR_TEMPORARY (the database);
 * directory_edit_words has a sentence about the last one for a person.
 */
#include "data/directory/settings.h"

#include "base/error.h"

struct directory_edit;

error directory_edit_open(const struct directory_settings *settings,
                          struct directory_edit **out_edit);
void directory_edit_close(struct directory_edit **edit);
/* Never NULL; "" after success. Valid until the next call. After a failed open, edit NULL. */
const char *directory_edit_words(const struct directory_edit *edit);

/* Everything between is one transaction; close without commit undoes it. */
error directory_edit_begin(struct directory_edit *edit);
error directory_edit_commit(struct directory_edit *edit);

/* Makes the tables that are missing (SQLite's are made on opening). */
error directory_edit_create_tables(struct directory_edit *edit);

error directory_edit_domain_add(struct directory_edit *edit, slice name);
/* ERROR_DENIED where it has users or aliases, unless with_content: then they go too. */
error directory_edit_domain_remove(struct directory_edit *edit, slice name, bool with_content);

struct directory_edit_user {
    slice address;
    slice hash;                           /* with its {SCHEME}; not checked here */
    uint64_t quota_bytes, quota_messages; /* 0: no limit */
};
/* Before a password is asked for: may this user be added, or does it exist? Changes nothing. */
error directory_edit_user_may_add(struct directory_edit *edit, slice address);
error directory_edit_user_exists(struct directory_edit *edit, slice address);
error directory_edit_user_add(struct directory_edit *edit, const struct directory_edit_user *user);
error directory_edit_user_remove(struct directory_edit *edit, slice address);
error directory_edit_user_password(struct directory_edit *edit, slice address, slice hash);
/* NULL leaves a limit as it is. */
error directory_edit_user_quota(struct directory_edit *edit, slice address, const uint64_t *bytes,
                                const uint64_t *messages);

/* source: user@domain or @domain; its domain must be ours. One destination a call. */
error directory_edit_alias_add(struct directory_edit *edit, slice source, slice destination);
/* destination empty: all of the source's. */
error directory_edit_alias_remove(struct directory_edit *edit, slice source, slice destination);

/* As whom an account may write (directory_may_send): an address or "@domain". Gone with its
 * account.
 */
error directory_edit_sender_add(struct directory_edit *edit, slice account, slice sender);
/* sender empty: all of the account's. */
error directory_edit_sender_remove(struct directory_edit *edit, slice account, slice sender);

/* What the lists give, one call a row; the slices die with the call. An error ends the list. */
struct directory_edit_row {
    slice name;              /* domain, address, alias source, who may write */
    slice destination;       /* aliases; senders: as whom */
    slice scheme;            /* users: of the password hash, as {SCHEME} or $id$; never the hash */
    uint64_t users, aliases; /* domains */
    uint64_t quota_bytes, quota_messages; /* users */
};
typedef error directory_edit_visit(void *argument, const struct directory_edit_row *row);
enum directory_edit_list {
    DIRECTORY_EDIT_DOMAINS,
    DIRECTORY_EDIT_USERS,
    DIRECTORY_EDIT_ALIASES,
    DIRECTORY_EDIT_SENDERS, /* of the domain's accounts */
};
/* domain empty: of all domains. In name order. */
error directory_edit_list(struct directory_edit *edit, enum directory_edit_list list, slice domain,
                          directory_edit_visit *visit, void *argument);
