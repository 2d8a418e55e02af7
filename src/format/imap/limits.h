#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounds of the IMAP grammar. What a session may do at all (lines, literals, commands) is bounded
 * beside the session, in service/imap/limits.h, and given to the framing as a struct.
 */
enum {
    IMAP_TAG_SIZE_MAX = 100,
    IMAP_MAILBOX_NAME_SIZE_MAX = 512, /* bytes of UTF-8 */
    IMAP_PATTERN_SIZE_MAX = 512,      /* bytes of UTF-8, wildcards included */
    IMAP_PATTERNS_MAX = 16,           /* RFC 5258: several patterns in one LIST */
    IMAP_KEYWORD_SIZE_MAX = 128,
    IMAP_FLAGS_MAX = 128,        /* flags named in one command */
    IMAP_SET_RANGES_MAX = 20000, /* ranges in one sequence set */
    IMAP_FETCH_BODIES_MAX = 64,  /* BODY[...] items in one FETCH */
    IMAP_SECTION_DEPTH_MAX = 32, /* part numbers in one section: 1.2.3... */
    IMAP_SECTION_FIELDS_MAX = 128,
    IMAP_SEARCH_KEYS_MAX = 2000,
    IMAP_SEARCH_DEPTH_MAX = 32, /* NOT, OR and parentheses inside each other */
    IMAP_ID_FIELDS_MAX = 30,    /* RFC 2971 3.3 */
    IMAP_ID_NAME_SIZE_MAX = 30,
    IMAP_ID_VALUE_SIZE_MAX = 1024,
    IMAP_WRITE_QUOTED_SIZE_MAX = 1000, /* longer strings are written as literals */
    IMAP_STRUCTURE_DEPTH_MAX = 32,     /* nesting written in BODYSTRUCTURE */
};
