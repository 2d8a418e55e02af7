#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ID (RFC 2971): who the client says it is. Only for logs.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

struct imap_id_field {
    slice name;
    slice value; /* data NULL: NIL */
};

struct imap_id {
    struct imap_id_field *fields;
    uint32_t count;
};

/* From the space behind the verb to the end. */
error imap_id_parse(struct cursor *c, struct arena *arena, struct imap_id *out_id);
/* The value of a field, empty where it is not there. */
slice imap_id_value(const struct imap_id *id, slice name);
/* "* ID (...)" CRLF */
void imap_id_write(const struct imap_id_field *fields, size_t count, struct buffer *out);
