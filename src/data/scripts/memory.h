#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an account's scripts must remember from one mail to the next: who had a vacation reply (RFC
 * 5230 4.2), which mail was seen (RFC 7352), what was redirected. A file of records of fixed size
 * (digest of the key, when to forget, sum), appended to, written anew where half of it is of no
 * more use. In memory only while it is looked at. On the account's home core, in place: it is one
 * read of at most 192 KiB. A record is in the file when the call returns, on the disk at the next
 * checkpoint or, where asked for, at once. Bounds: at SCRIPT_MEMORY_COUNT_MAX what would be
 * forgotten first is forgotten.
 */
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

enum { SCRIPT_MEMORY_COUNT_MAX = 4096 }; /* records kept */

struct script_memory {
    const char *path; /* of the file; its folder is there */
};

/* A key is parts, each taken whole: ("vacation", handle, sender). Is it remembered at `now`
 * (seconds)? A file that cannot be read remembers nothing, and says why. */
error script_memory_has(const struct script_memory *memory, const slice *parts, unsigned count,
                        int64_t now, bool *out_has);
/* Until `expires` (seconds). Known already: until then instead. `sync` WAITS until it is on the
 * disk. */
error script_memory_add(const struct script_memory *memory, const slice *parts, unsigned count,
                        int64_t now, int64_t expires, bool sync);
