#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of files in a Maildir: BASE in new/, BASE:2,FLAGS in cur/, with sizes in the base as
 * ",S=bytes" and ",W=bytes with CRLF" (Maildir++, Dovecot). Flags are written in ASCII order:
 * D F P R S T, then keyword letters a-z. Pure.
 */
#include "base/slice.h"
#include "data/store/store.h"

enum { MAILDIR_FILE_NAME_SIZE_MAX = 255 };

/* What a file name says: bits 0-4 as enum mail_flag, bit 5 passed (P), bits 6-31 keywords a-z. */
enum {
    MAILDIR_PASSED = 1 << 5,
    MAILDIR_KEYWORD_SHIFT = 6,
    MAILDIR_KEYWORDS_MAX = 26,
};

struct maildir_name {
    slice base;
    uint32_t flags;
    bool canonical;              /* writing base and flags gives the same name again */
    uint64_t size, virtual_size; /* 0: not in the name */
    bool own;                    /* of the form that this store gives, and no other server */
};

/* False for what is no mail: dot files, names without base or too long. */
bool maildir_name_parse(slice file_name, struct maildir_name *out_name);

/* A file of our own making that is not as long as its name says: its write was cut off by a power
 * cut or a kill, so it was never confirmed to anybody (what was, is put back by replay before this
 * is asked). */
bool maildir_is_torn(const struct maildir_name *name, uint64_t file_size);

enum { MAILDIR_PATH_SIZE_MAX = MAILDIR_FILE_NAME_SIZE_MAX + 5 };
/* "new/BASE" or "cur/BASE:2,FLAGS", NUL-terminated. */
void maildir_path_write(slice base, bool in_cur, uint32_t flags, char out[MAILDIR_PATH_SIZE_MAX]);

/* Flags and keywords of the index as a file name has them; `passed` is kept from the old name. */
uint32_t maildir_flags(uint8_t flags, uint64_t keywords, uint32_t old_flags);
