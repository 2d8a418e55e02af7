#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Flags and keywords of messages (RFC 3501 2.3.2). System flags are bits; keywords are atoms,
 * compared without case. They lie in the command's arena.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum imap_flag {
    IMAP_FLAG_SEEN = 1 << 0,
    IMAP_FLAG_ANSWERED = 1 << 1,
    IMAP_FLAG_FLAGGED = 1 << 2,
    IMAP_FLAG_DELETED = 1 << 3,
    IMAP_FLAG_DRAFT = 1 << 4,
    IMAP_FLAG_RECENT = 1 << 5, /* only written, never accepted from a client */
};

struct imap_flags {
    uint32_t system; /* enum imap_flag */
    uint32_t keyword_count;
    slice *keywords; /* no doubles */
};

/* "\Seen" or a keyword; adds it. ERROR_MALFORMED for \Recent and unknown system flags. */
error imap_flag_parse(struct cursor *c, struct arena *arena, struct imap_flags *flags);
/* "(" [flag *(SP flag)] ")" */
error imap_flag_list_parse(struct cursor *c, struct arena *arena, struct imap_flags *out_flags);
/* The list, or the same without parentheses, as STORE has it; to the end of the command. */
error imap_flags_parse(struct cursor *c, struct arena *arena, struct imap_flags *out_flags);

/* Whether `name` may be a keyword: an atom of at most IMAP_KEYWORD_SIZE_MAX bytes. */
bool imap_keyword_is_valid(slice name);

/* "(\Seen $Forwarded)": system flags, then keywords. */
void imap_flags_write(uint32_t system, const slice *keywords, size_t keyword_count,
                      struct buffer *out);
