#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Internationalised domain names (IDNA2008 with UTS 46 non-transitional mapping, RFC 5890 to 5893),
 * by libidn2. A domain is compared and looked up in its ASCII form (A-labels, lower case).
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    IDNA_DOMAIN_SIZE_MAX = 253, /* bytes of the ASCII form, RFC 1035 */
    IDNA_INPUT_SIZE_MAX = 1024, /* bytes of the UTF-8 form */
};

/* Lower-case A-labels without a trailing dot. ERROR_MALFORMED for what is no domain name: empty or
 * over-long labels, what IDNA forbids. A plain ASCII name costs one copy. Underscores are let
 * through. */
error idna_to_ascii(struct arena *arena, slice domain, slice *out_ascii);
/* For people: U-labels where they are valid, else as it was. */
error idna_to_unicode(struct arena *arena, slice domain, slice *out_unicode);
