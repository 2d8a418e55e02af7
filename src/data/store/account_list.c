/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which mailboxes an account has: the folders in its Maildir, the levels between them, and what is
 * subscribed. */
#include "base/log.h"
#include "data/store/dovecot.h"
#include "data/store/mailbox_name.h"
#include "data/store/state.h"
#include "data/store/subscriptions.h"
#include "runtime/worker.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

struct listing {
    const struct account *account;
    struct arena *arena;
    struct mailbox_entry *entries;
    size_t count, capacity;
};

static error listing_add(struct listing *listing, slice name, unsigned attributes)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? listing->capacity * 2 : 16;
        if (capacity > 4 * STORE_MAILBOXES_PER_ACCOUNT_MAX)
            return error_make(ERROR_LIMIT, "too many mailboxes");
        struct mailbox_entry *grown = realloc(listing->entries, capacity * sizeof *grown);
        TRY_MEMORY(grown);
        listing->entries = grown;
        listing->capacity = capacity;
    }
    slice copy;
    TRY(arena_copy(listing->arena, name, &copy));
    listing->entries[listing->count++] = (struct mailbox_entry){copy, attributes};
    return OK;
}

static error list_folders(struct listing *listing)
{
    DIR *directory = opendir(listing->account->path);
    if (!directory)
        return errno == ENOENT ? OK : error_system(errno, "cannot list a Maildir");
    struct buffer name;
    buffer_init(&name, 2 * STORE_MAILBOX_NAME_SIZE_MAX);
    error problem = OK;
    for (struct dirent *entry; !failed(problem) && (entry = readdir(directory));) {
        if (entry->d_name[0] != '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
            continue;
        buffer_reset(&name);
        if (failed(mailbox_name_from_directory(slice_from_string(entry->d_name), &name)) ||
            mailbox_name_is_inbox(buffer_slice(&name)))
            continue;
        problem = listing_add(listing, buffer_slice(&name), 0);
    }
    buffer_close(&name);
    closedir(directory);
    return problem;
}

/* INBOX first, then by bytes with the separator before everything, so that children follow. */
static int entry_compare(const void *left, const void *right)
{
    const struct mailbox_entry *a = left, *b = right;
    bool inbox = mailbox_name_is_inbox(a->name);
    if (inbox != mailbox_name_is_inbox(b->name))
        return inbox ? -1 : 1;
    for (size_t i = 0; i < a->name.size && i < b->name.size; i++) {
        int one = a->name.data[i] == STORE_SEPARATOR ? 0 : (unsigned char)a->name.data[i];
        int two = b->name.data[i] == STORE_SEPARATOR ? 0 : (unsigned char)b->name.data[i];
        if (one != two)
            return one - two;
    }
    return a->name.size < b->name.size ? -1 : a->name.size > b->name.size;
}

/* One entry per name: attributes that say "not there" yield to one that is. */
static void merge_equal(struct listing *listing)
{
    const unsigned absent = MAILBOX_NOSELECT | MAILBOX_NONEXISTENT;
    size_t out = 0;
    for (size_t i = 0; i < listing->count; i++) {
        struct mailbox_entry *entry = &listing->entries[i];
        struct mailbox_entry *last = out ? &listing->entries[out - 1] : NULL;
        if (!last || !slice_equal(last->name, entry->name)) {
            listing->entries[out++] = *entry;
            continue;
        }
        bool there = !(last->attributes & absent) || !(entry->attributes & absent);
        last->attributes |= entry->attributes;
        if (there)
            last->attributes &= ~absent;
        else if (last->attributes & MAILBOX_NOSELECT)
            last->attributes &= ~(unsigned)MAILBOX_NONEXISTENT;
    }
    listing->count = out;
}

static error add_levels(struct listing *listing)
{
    size_t count = listing->count;
    for (size_t i = 0; i < count; i++) {
        slice name = listing->entries[i].name, unused;
        if (listing->entries[i].attributes & MAILBOX_NONEXISTENT)
            continue;
        while (slice_cut_last(name, STORE_SEPARATOR, &name, &unused))
            if (!mailbox_name_is_inbox(name))
                TRY(listing_add(listing, name, MAILBOX_NOSELECT));
    }
    return OK;
}

static const struct {
    const char *name;
    unsigned attribute;
    bool provisioned; /* the name we give, and make at first login */
} special_names[] = {
    {"Sent", MAILBOX_SENT, true},
    {"Sent Messages", MAILBOX_SENT, false},
    {"Sent Items", MAILBOX_SENT, false},
    {"Drafts", MAILBOX_DRAFTS, true},
    {"Junk", MAILBOX_JUNK, true},
    {"Spam", MAILBOX_JUNK, false},
    {"Junk E-mail", MAILBOX_JUNK, false},
    {"Trash", MAILBOX_TRASH, true},
    {"Deleted Messages", MAILBOX_TRASH, false},
    {"Deleted Items", MAILBOX_TRASH, false},
    {"Archive", MAILBOX_ARCHIVE, true},
    {"Archives", MAILBOX_ARCHIVE, false},
};

unsigned mailbox_name_use(slice name)
{
    for (size_t s = 0; s < sizeof special_names / sizeof special_names[0]; s++)
        if (slice_equal_nocase(name, slice_from_string(special_names[s].name)))
            return special_names[s].attribute;
    return 0;
}

/* RFC 6154: each use on one mailbox only, the earlier name of the table wins. */
static void mark_special(struct listing *listing)
{
    unsigned given = 0;
    for (size_t s = 0; s < sizeof special_names / sizeof special_names[0]; s++)
        for (size_t i = 0; i < listing->count; i++) {
            struct mailbox_entry *entry = &listing->entries[i];
            if (!(given & special_names[s].attribute) &&
                !(entry->attributes & (MAILBOX_NOSELECT | MAILBOX_NONEXISTENT)) &&
                slice_equal_nocase(entry->name, slice_from_string(special_names[s].name))) {
                entry->attributes |= special_names[s].attribute;
                given |= special_names[s].attribute;
            }
        }
}

static void mark_parents(struct listing *listing)
{
    for (size_t i = 0; i + 1 < listing->count; i++) {
        slice name = listing->entries[i].name;
        for (size_t k = i + 1; k < listing->count; k++) {
            slice other = listing->entries[k].name;
            if (!slice_starts(other, name))
                break;
            if (other.size > name.size && other.data[name.size] == STORE_SEPARATOR &&
                !(listing->entries[k].attributes & MAILBOX_NONEXISTENT)) {
                listing->entries[i].attributes |= MAILBOX_HAS_CHILDREN;
                break;
            }
        }
    }
}

static error list_all(struct listing *listing)
{
    TRY(listing_add(listing, SLICE("INBOX"), 0));
    TRY(list_folders(listing));
    slice subscribed;
    struct subscriptions subscriptions;
    TRY(subscriptions_read(listing->account->path, &subscriptions));
    error problem = OK;
    while (!failed(problem) && subscriptions_next(&subscriptions, listing->arena, &subscribed)) {
        if (mailbox_name_is_inbox(subscribed))
            subscribed = SLICE("INBOX");
        problem = listing_add(listing, subscribed, MAILBOX_SUBSCRIBED | MAILBOX_NONEXISTENT);
    }
    subscriptions_close(&subscriptions);
    TRY(problem);
    TRY(add_levels(listing));
    qsort(listing->entries, listing->count, sizeof *listing->entries, entry_compare);
    merge_equal(listing);
    mark_special(listing);
    mark_parents(listing);
    return OK;
}

error account_list(struct account *account, struct arena *arena,
                   const struct mailbox_entry **out_entries, size_t *out_count)
{
    struct listing listing = {.account = account, .arena = arena};
    error problem = list_all(&listing);
    struct mailbox_entry *entries =
        failed(problem) ? NULL : ARENA_ARRAY(arena, struct mailbox_entry, listing.count);
    if (!failed(problem) && !entries)
        problem = error_make(ERROR_LIMIT, "too many mailboxes");
    if (!failed(problem)) {
        memcpy(entries, listing.entries, listing.count * sizeof *entries);
        *out_entries = entries;
        *out_count = listing.count;
    }
    free(listing.entries);
    return problem;
}

error account_special(struct account *account, enum mailbox_attribute use, struct arena *arena,
                      slice *out_name, bool *out_exists)
{
    const struct mailbox_entry *entries;
    size_t count;
    TRY(account_list(account, arena, &entries, &count));
    *out_exists = false;
    for (size_t i = 0; i < count; i++)
        if (entries[i].attributes & (unsigned)use) {
            *out_name = entries[i].name;
            *out_exists = true;
            return OK;
        }
    for (size_t s = 0; s < sizeof special_names / sizeof special_names[0]; s++)
        if (special_names[s].attribute == (unsigned)use && special_names[s].provisioned) {
            *out_name = slice_from_string(special_names[s].name);
            return OK;
        }
    return error_make(ERROR_NOT_FOUND, "no such special use");
}

error account_provision(struct account *account)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    const struct mailbox_entry *entries;
    size_t count = 0;
    error problem = account_list(account, &arena, &entries, &count);
    arena_close(&arena);
    if (failed(problem) || count > 1)
        return problem;
    for (size_t s = 0; s < sizeof special_names / sizeof special_names[0]; s++) {
        slice name = slice_from_string(special_names[s].name);
        if (!special_names[s].provisioned)
            continue;
        problem = mailbox_create(account, name);
        if (failed(problem) && problem.kind != ERROR_EXISTS)
            return problem;
        TRY(mailbox_subscribe(account, name, true));
    }
    return mailbox_subscribe(account, SLICE("INBOX"), true);
}
