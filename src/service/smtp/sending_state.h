#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The accounts of one core whose mail is counted, between sending.c, which counts, and
 * sending_keep.c, which writes them down. The core's own, or its start's.
 */
#include "base/list.h"
#include "base/map.h"
#include "service/smtp/allowance.h"

struct sending_entry {
    struct list recent;
    struct list changed; /* in none: it is on disk as it is here */
    struct allowance_count count;
    int64_t written; /* ns since 1970, of the record that it was read from; only at start */
    size_t size;
    char account[];
};

struct sending_accounts {
    struct map map;
    struct list recent;  /* whoever sent last is first */
    struct list changed; /* since they were written down */
    unsigned count;
    bool ready;
};

/* Of this core. */
struct sending_accounts *sending_accounts(void);
/* NULL without memory. It becomes the most recent. */
struct sending_entry *sending_find(struct sending_accounts *accounts, slice account);
void sending_forget(struct sending_accounts *accounts, struct sending_entry *entry);
/* It must be written down. */
void sending_change(struct sending_accounts *accounts, struct sending_entry *entry);
