#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sets of message numbers or UIDs: "1,3:5,7:*" (RFC 3501 sequence-set). Parsed as written; before
 * use, imap_set_resolve gives "*" its value and makes the ranges ascending and disjoint. Ranges lie
 * in the command's arena.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum { IMAP_SET_STAR = 0 }; /* "*" before it is resolved: no message has number 0 */

struct imap_range {
    uint32_t first;
    uint32_t last; /* inclusive */
};

struct imap_set {
    struct imap_range *ranges;
    uint32_t count;
    uint32_t capacity;
};

error imap_set_parse(struct cursor *c, struct arena *arena, struct imap_set *out_set);
/* `star`: the largest number in use, 0 where there is none ("*" then stands for nothing). Sorts and
 * merges in place; "9:3" means "3:9". */
void imap_set_resolve(struct imap_set *set, uint32_t star);

/* The rest asks for a resolved set. */
bool imap_set_has(const struct imap_set *set, uint32_t number);
uint64_t imap_set_size(const struct imap_set *set);
/* The largest number in it, 0 when empty. */
uint32_t imap_set_max(const struct imap_set *set);
/* Appends a number above all in it; grows in the arena. */
error imap_set_add(struct imap_set *set, struct arena *arena, uint32_t number);
/* "1,3:5" */
void imap_set_write(const struct imap_set *set, struct buffer *out);

/* Iterates: for (struct imap_set_position p = {0}; imap_set_next(set, &p, &number);) */
struct imap_set_position {
    uint32_t range;
    uint32_t offset;
};
bool imap_set_next(const struct imap_set *set, struct imap_set_position *position,
                   uint32_t *out_number);
