#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which header fields a signature covers (RFC 6376 5.4.2): names in order, each standing for the
 * lowest field of that name not yet taken. Shared by signing, checking and ARC.
 */
#include "base/error.h"
#include "filter/authentic/canonical.h"

/* Adds the named fields ("from:to:from", blanks allowed) to the digest. ERROR_LIMIT past
 * DKIM_FIELDS_MAX names. */
error dkim_fields_digest(slice header, slice names, enum canonical kind, struct digest *digest);
