#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arguments of LIST and LSUB (RFC 3501 6.3.8), with LIST's extended forms (RFC 5258, RFC 6154
 * SPECIAL-USE, RFC 5819 STATUS), and the line that answers.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "format/imap/mailbox.h"

enum imap_list_selection {
    IMAP_LIST_SUBSCRIBED = 1 << 0,
    IMAP_LIST_REMOTE = 1 << 1,
    IMAP_LIST_RECURSIVE_MATCH = 1 << 2,
    IMAP_LIST_SPECIAL_USE = 1 << 3,
};

enum imap_list_return {
    IMAP_LIST_RETURN_SUBSCRIBED = 1 << 0,
    IMAP_LIST_RETURN_CHILDREN = 1 << 1,
    IMAP_LIST_RETURN_SPECIAL_USE = 1 << 2,
    IMAP_LIST_RETURN_STATUS = 1 << 3,
};

struct imap_list {
    bool extended; /* any of the RFC 5258 syntax was used */
    uint32_t select;
    uint32_t give;
    uint32_t status_items; /* of RETURN (STATUS (...)) */
    slice reference;
    slice *patterns; /* UTF-8, without the reference */
    uint32_t pattern_count;
};

enum imap_list_attribute { /* in the order they are written */
                           IMAP_ATTRIBUTE_NONEXISTENT = 1 << 0,
                           IMAP_ATTRIBUTE_NOSELECT = 1 << 1,
                           IMAP_ATTRIBUTE_NOINFERIORS = 1 << 2,
                           IMAP_ATTRIBUTE_HAS_CHILDREN = 1 << 3,
                           IMAP_ATTRIBUTE_HAS_NO_CHILDREN = 1 << 4,
                           IMAP_ATTRIBUTE_SUBSCRIBED = 1 << 5,
                           IMAP_ATTRIBUTE_ARCHIVE = 1 << 6,
                           IMAP_ATTRIBUTE_DRAFTS = 1 << 7,
                           IMAP_ATTRIBUTE_FLAGGED = 1 << 8,
                           IMAP_ATTRIBUTE_JUNK = 1 << 9,
                           IMAP_ATTRIBUTE_SENT = 1 << 10,
                           IMAP_ATTRIBUTE_TRASH = 1 << 11,
                           IMAP_ATTRIBUTE_ALL = 1 << 12,
};
enum { IMAP_ATTRIBUTE_COUNT = 13 };

/* From the space behind LIST to the end. */
error imap_list_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                      struct imap_list *out_list);
/* The same for LSUB, which has no extended form. */
error imap_lsub_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                      struct imap_list *out_list);

struct imap_list_line {
    const char *verb; /* "LIST" or "LSUB" */
    uint32_t attributes;
    char separator; /* '\0': NIL */
    slice name;
    bool child_info_subscribed; /* RFC 5258 4: ("CHILDINFO" ("SUBSCRIBED")) */
};
/* "* LIST (\HasNoChildren) "/" name" CRLF */
void imap_list_write(const struct imap_list_line *line, enum imap_name_form form,
                     struct buffer *out);
