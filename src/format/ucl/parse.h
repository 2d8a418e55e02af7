#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The configuration language: libucl's syntax without its macros, which is nginx-like and takes
 * JSON as well:
 *
 *     # a comment, and so is what stands between slash-star and star-slash
 *     smtp {
 *         message_size_max = 50M;      # "=", ":" or just a blank; ";", "," or the line's end
 *         hostname "mx.example.org"
 *     }
 *     listen { smtp = ["0.0.0.0:25", "[::]:25"] }
 *     directory.mariadb.user = ringmail
 *
 * The library itself is not used because it forgets the line of a value and turns "64k" into a
 * number with a unit of its own choice; here every value stays the text that was written, with its
 * line. Pure: the result lies in the arena, with views into the text. Bounds: ucl_limits.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum ucl_limits {
    UCL_TEXT_SIZE_MAX = 1 << 20, /* bytes */
    UCL_DEPTH_MAX = 8,           /* sections in sections */
    UCL_ENTRIES_MAX = 10000,
    UCL_PATH_SIZE_MAX = 256, /* bytes of a dotted name */
    UCL_ITEMS_MAX = 10000,   /* of one list */
};

struct ucl_entry {
    struct ucl_entry *next;
    slice path; /* "smtp.message_size_max" */
    unsigned line;
    bool is_list;
    size_t count; /* 1 where it is no list */
    const slice *values;
};

struct ucl_problem {
    unsigned line;
};

/* The entries in the order of the file. ERROR_MALFORMED or ERROR_LIMIT with a text that says what
 * is wrong, and the line. */
error ucl_parse(slice text, struct arena *arena, struct ucl_entry **out_entries,
                struct ucl_problem *out_problem);
