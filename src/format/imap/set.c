/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/set.h"

#include "format/imap/limits.h"
#include "format/imap/token.h"

#include <stdlib.h>

static error take_bound(struct cursor *c, uint32_t *out_number)
{
    if (cursor_take_byte(c, '*')) {
        *out_number = IMAP_SET_STAR;
        return OK;
    }
    return imap_take_nz_number(c, out_number);
}

static error take_range(struct cursor *c, struct imap_range *out_range)
{
    struct imap_range range;
    TRY(take_bound(c, &range.first));
    range.last = range.first;
    if (cursor_take_byte(c, ':'))
        TRY(take_bound(c, &range.last));
    *out_range = range;
    return OK;
}

/* The ranges that could be ahead: commas before the next space. */
static size_t count_ranges(const struct cursor *c)
{
    size_t count = 1;
    for (const char *at = c->at; at < c->end && *at != ' '; at++)
        count += *at == ',';
    return count;
}

error imap_set_parse(struct cursor *c, struct arena *arena, struct imap_set *out_set)
{
    size_t capacity = count_ranges(c);
    if (capacity > IMAP_SET_RANGES_MAX)
        return error_make(ERROR_LIMIT, "too many ranges in a message set");
    struct imap_set set = {ARENA_ARRAY(arena, struct imap_range, capacity), 0, (uint32_t)capacity};
    TRY_MEMORY(set.ranges);
    struct cursor ahead = *c;
    do {
        TRY(take_range(&ahead, &set.ranges[set.count]));
        set.count++;
    } while (cursor_take_byte(&ahead, ','));
    *c = ahead;
    *out_set = set;
    return OK;
}

static int compare_ranges(const void *left, const void *right)
{
    const struct imap_range *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

void imap_set_resolve(struct imap_set *set, uint32_t star)
{
    uint32_t kept = 0;
    bool ascending = true;
    for (uint32_t i = 0; i < set->count; i++) {
        struct imap_range range = set->ranges[i];
        if (star == 0 && (range.first == IMAP_SET_STAR || range.last == IMAP_SET_STAR))
            continue;
        range.first = range.first == IMAP_SET_STAR ? star : range.first;
        range.last = range.last == IMAP_SET_STAR ? star : range.last;
        if (range.first > range.last) /* RFC 3501 9: seq-range order does not matter */
            range = (struct imap_range){range.last, range.first};
        ascending = ascending && (kept == 0 || set->ranges[kept - 1].first <= range.first);
        set->ranges[kept++] = range;
    }
    if (!ascending)
        qsort(set->ranges, kept, sizeof *set->ranges, compare_ranges);
    set->count = 0;
    for (uint32_t i = 0; i < kept; i++) {
        struct imap_range range = set->ranges[i];
        struct imap_range *before = set->count ? &set->ranges[set->count - 1] : NULL;
        if (before && (before->last == UINT32_MAX || range.first <= before->last + 1)) {
            if (range.last > before->last)
                before->last = range.last;
        } else
            set->ranges[set->count++] = range;
    }
}

bool imap_set_has(const struct imap_set *set, uint32_t number)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (number < set->ranges[middle].first)
            high = middle;
        else if (number > set->ranges[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

uint64_t imap_set_size(const struct imap_set *set)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < set->count; i++)
        size += (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
    return size;
}

uint32_t imap_set_max(const struct imap_set *set)
{
    return set->count ? set->ranges[set->count - 1].last : 0;
}

error imap_set_add(struct imap_set *set, struct arena *arena, uint32_t number)
{
    if (set->count && number == set->ranges[set->count - 1].last + 1) {
        set->ranges[set->count - 1].last = number;
        return OK;
    }
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity ? set->capacity * 2 : 8;
        struct imap_range *ranges = ARENA_ARRAY(arena, struct imap_range, capacity);
        TRY_MEMORY(ranges);
        if (set->count)
            memcpy(ranges, set->ranges, set->count * sizeof *ranges);
        set->ranges = ranges;
        set->capacity = capacity;
    }
    set->ranges[set->count++] = (struct imap_range){number, number};
    return OK;
}

void imap_set_write(const struct imap_set *set, struct buffer *out)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (i)
            buffer_add_byte(out, ',');
        buffer_add_u64(out, set->ranges[i].first);
        if (set->ranges[i].last != set->ranges[i].first) {
            buffer_add_byte(out, ':');
            buffer_add_u64(out, set->ranges[i].last);
        }
    }
}

bool imap_set_next(const struct imap_set *set, struct imap_set_position *position,
                   uint32_t *out_number)
{
    if (position->range >= set->count)
        return false;
    const struct imap_range *range = &set->ranges[position->range];
    *out_number = range->first + position->offset;
    if (*out_number == range->last)
        *position = (struct imap_set_position){position->range + 1, 0};
    else
        position->offset++;
    return true;
}
