#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One parse of a message into a tree of parts, all of them offsets into the message (RFC 2045,
 * 2046, 2183, 2231). It serves IMAP's BODYSTRUCTURE and BODY[1.2], Sieve, spam rules and search.
 * Tolerant of what real mail contains: missing or repeated boundaries, parts that never close, bare
 * LF. Linear time whatever the input: each line is looked at once, however deep the boundaries
 * nest.
 *
 * The tree lives in the arena and points into the message, which must outlive it.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    MIME_DEPTH_MAX = 64,           /* multiparts and messages within each other; deeper is a leaf */
    MIME_PART_COUNT_MAX = 10000,   /* later parts belong to the body of the last one */
    MIME_PARAMETER_COUNT_MAX = 64, /* of one field */
    MIME_BOUNDARY_SIZE_MAX = 200,  /* RFC 2046 5.1.1 says 70; real mail is looser */
};

struct mime_parameter {
    struct mime_parameter *next;
    /* Lower case. Continuations (name*0, name*1) are joined. A name that ends in '*' has an
     * extended value, left as charset'language'percent-encoded (RFC 2231 4). */
    slice name;
    slice value; /* unquoted */
};

enum mime_encoding {
    MIME_ENCODING_7BIT, /* and where none is named */
    MIME_ENCODING_8BIT,
    MIME_ENCODING_BINARY,
    MIME_ENCODING_QUOTED_PRINTABLE,
    MIME_ENCODING_BASE64,
    MIME_ENCODING_UNKNOWN,
};

enum mime_kind { MIME_KIND_LEAF, MIME_KIND_MULTIPART, MIME_KIND_MESSAGE };

/* Slices are views of the message or the arena; data == NULL says "field not there". */
struct mime_part {
    struct mime_part *parent; /* NULL for the root */
    struct mime_part *next;   /* sibling */
    struct mime_part *first_child;
    struct mime_part *last_child;
    unsigned child_count; /* a MESSAGE has exactly one child: the message in it */
    unsigned depth;       /* root 0 */
    enum mime_kind kind;

    size_t header_offset;
    size_t header_size;       /* with the empty line */
    size_t body_offset;       /* header_offset + header_size */
    size_t body_size;         /* without the line end that belongs to the next boundary */
    size_t header_line_count; /* line ends in the header, and those of them that are bare LF */
    size_t header_bare_lf_count;
    size_t body_line_count;
    size_t body_bare_lf_count;

    slice type;    /* "text" where none is named; as written otherwise: compare without case */
    slice subtype; /* "plain" where none is named */
    struct mime_parameter *parameters;
    slice encoding_name; /* of Content-Transfer-Encoding */
    enum mime_encoding encoding;
    slice id;          /* Content-ID, unfolded, with its brackets */
    slice description; /* unfolded, encoded words left */
    slice disposition; /* "attachment", as written */
    struct mime_parameter *disposition_parameters;
    slice language; /* Content-Language, unfolded: a comma-separated list (RFC 3282) */
    slice location; /* unfolded, blanks removed (RFC 2557) */
    slice md5;
    bool type_named; /* false where type and subtype are the default */
};

struct mime_message {
    struct mime_part *root;
    unsigned part_count;
    bool cut_short; /* a limit was met: the tree is not complete */
};

/* ERROR_LIMIT only where the arena is full; any bytes make a message. */
error mime_parse(struct arena *arena, slice message, struct mime_message *out_message);

/* Child `number` (1..); for the path of IMAP's section numbers see mime_part_find. NULL where there
 * is none. */
struct mime_part *mime_part_child(const struct mime_part *part, unsigned number);
/* IMAP section numbers (RFC 9051 6.4.5.1): count numbers; part 1 of a message that is not multipart
 * is the message's own body; numbers below a message/rfc822 lead into the message in it. NULL where
 * there is no such part. Count 0 gives the root. */
struct mime_part *mime_part_find(const struct mime_message *message, const unsigned *numbers,
                                 size_t count);
/* The next part in reading order (depth first); NULL at the end. */
struct mime_part *mime_part_walk(const struct mime_part *part);

static inline slice mime_part_header(slice message, const struct mime_part *part)
{
    return slice_sub(message, part->header_offset, part->header_size);
}
static inline slice mime_part_body(slice message, const struct mime_part *part)
{
    return slice_sub(message, part->body_offset, part->body_size);
}
bool mime_part_is(const struct mime_part *part, slice type, slice subtype);

/* The plain parameter of that (lower-case) name; NULL data where there is none. */
slice mime_parameter_find(const struct mime_parameter *parameters, slice name);
/* The parameter as UTF-8: the extended form name* first (RFC 2231), else the plain one with encoded
 * words decoded (as mail programs write them, against RFC 2047 5). Empty with NULL data where there
 * is none. */
error mime_parameter_decode(struct arena *arena, const struct mime_parameter *parameters,
                            slice name, slice *out_text);
/* Content-Disposition's filename, else Content-Type's name; NULL data where there is neither. */
error mime_part_file_name(struct arena *arena, const struct mime_part *part, slice *out_text);
/* The body with its transfer encoding undone; a view where there is none. ERROR_MALFORMED for an
 * unknown encoding. Broken base64 and quoted-printable give what can be had. */
error mime_part_decode(struct arena *arena, slice message, const struct mime_part *part,
                       slice *out_bytes);
/* mime_part_decode and then to UTF-8 by the charset parameter: for text parts. Unknown charsets are
 * read as Windows-1252. */
error mime_part_text(struct arena *arena, slice message, const struct mime_part *part,
                     slice *out_text);

/* One field's "value; name=value ..." (Content-Type, Content-Disposition, Authentication):
 * `out_value` is the token before the first ';'. */
error mime_parameters_parse(struct arena *arena, slice value, slice *out_value,
                            struct mime_parameter **out_first);
