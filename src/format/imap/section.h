#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which piece of a message: BODY[1.2.HEADER.FIELDS (DATE FROM)]<0.1024> (RFC 3501 6.4.5).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum imap_section_kind {
    IMAP_SECTION_WHOLE,             /* BODY[] or BODY[1.2] */
    IMAP_SECTION_HEADER,            /* HEADER */
    IMAP_SECTION_HEADER_FIELDS,     /* HEADER.FIELDS (...) */
    IMAP_SECTION_HEADER_FIELDS_NOT, /* HEADER.FIELDS.NOT (...) */
    IMAP_SECTION_TEXT,              /* TEXT */
    IMAP_SECTION_MIME,              /* MIME: only behind part numbers */
};

struct imap_section {
    uint32_t *parts; /* part numbers, outermost first */
    uint32_t depth;  /* how many */
    enum imap_section_kind kind;
    uint32_t field_count;
    slice *fields; /* header names as the client wrote them */
};

struct imap_partial {
    bool given;
    uint64_t offset; /* bytes */
    uint64_t size;   /* at most so many bytes, above zero */
};

/* "[" ... "]" */
error imap_section_parse(struct cursor *c, struct arena *arena, struct imap_section *out_section);
/* ["<" number "." nz-number ">"] */
error imap_partial_parse(struct cursor *c, struct imap_partial *out_partial);
/* "[1.2.TEXT]", for the answer */
void imap_section_write(const struct imap_section *section, struct buffer *out);
