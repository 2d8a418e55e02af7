#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The MIME fields of one part's header, for mime.c.
 */
#include "format/mail/mime.h"

/* Fills the part's type, parameters, encoding, disposition and the other fields. `in_digest`: the
 * default type is message/rfc822 (RFC 2046 5.1.5). Of repeated fields the first counts. */
error mime_fields_read(struct arena *arena, slice header, bool in_digest, struct mime_part *part);
