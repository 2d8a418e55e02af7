#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The search program of SEARCH and UID SEARCH (RFC 3501 6.4.4) as a tree in the command's arena.
 * Bounded in keys (IMAP_SEARCH_KEYS_MAX) and depth (IMAP_SEARCH_DEPTH_MAX), so that whoever walks
 * it may recurse.
 */
#include "base/arena.h"
#include "base/cursor.h"
#include "base/error.h"
#include "format/imap/set.h"

enum imap_search_kind {
    /* Of others: children linked by next. */
    IMAP_SEARCH_AND, /* all children; none: everything */
    IMAP_SEARCH_OR,  /* either of two */
    IMAP_SEARCH_NOT, /* its one child does not hold */
    /* Sets, not resolved. */
    IMAP_SEARCH_SEQUENCE,
    IMAP_SEARCH_UID,
    /* `flag` is set (`wanted`) or is not. */
    IMAP_SEARCH_FLAG,
    IMAP_SEARCH_KEYWORD, /* text: the keyword; `wanted` as with flags */
    /* `number`: bytes, days since 1970, or seconds. */
    IMAP_SEARCH_LARGER,
    IMAP_SEARCH_SMALLER,
    IMAP_SEARCH_BEFORE, /* the internal date, as a day, is before */
    IMAP_SEARCH_ON,
    IMAP_SEARCH_SINCE, /* on that day or later */
    IMAP_SEARCH_SENT_BEFORE,
    IMAP_SEARCH_SENT_ON,
    IMAP_SEARCH_SENT_SINCE,
    IMAP_SEARCH_OLDER, /* RFC 5032 */
    IMAP_SEARCH_YOUNGER,
    /* `text` occurs, whatever the case. Empty text: true, but for a header that is not there. */
    IMAP_SEARCH_HEADER, /* in header `field`: HEADER, and FROM, TO, CC, BCC, SUBJECT */
    IMAP_SEARCH_BODY,
    IMAP_SEARCH_TEXT,
};

struct imap_search_node {
    struct imap_search_node *next;     /* sibling */
    struct imap_search_node *children; /* AND, OR, NOT */
    enum imap_search_kind kind;
    uint32_t flag; /* enum imap_flag */
    bool wanted;
    uint64_t number;
    slice field;
    slice text; /* UTF-8 */
    struct imap_set set;
};

struct imap_search {
    struct imap_search_node *root;
    bool bad_charset; /* RFC 3501 6.4.4: answer NO [BADCHARSET (US-ASCII UTF-8)]; root is NULL */
};

/* From the space behind the verb to the end. */
error imap_search_parse(struct cursor *c, struct arena *arena, struct imap_search *out_search);
