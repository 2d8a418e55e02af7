#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is in a ZIP archive: names and whether they are encrypted, by its central directory (PKWARE
 * APPNOTE 4.3.12, 4.3.16). Nothing is unpacked. Pure.
 */
#include "base/error.h"
#include "base/slice.h"

enum zip_limits {
    ZIP_ENTRIES_MAX = 1000,         /* that are looked at */
    ZIP_TAIL_SIZE_MAX = 22 + 65535, /* where the end of the directory may be */
};

struct zip_reader {
    slice bytes;
    size_t at;
    unsigned left; /* entries */
};

struct zip_entry {
    slice name;
    bool encrypted;
};

/* ERROR_MALFORMED where there is no directory. */
error zip_open(slice bytes, struct zip_reader *out_reader);
/* False at the end, and where the directory makes no sense any more. */
bool zip_next(struct zip_reader *reader, struct zip_entry *out_entry);
