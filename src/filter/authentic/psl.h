#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Organizational domains (RFC 7489 3.2) by the public suffix list, with libpsl. The list is read
 * once per process, before its cores start and before files are out of reach; from then on any
 * thread reads it.
 */
#include "base/error.h"
#include "base/slice.h"

/* The distribution's list (package publicsuffix), or the one libpsl was built with where that is
 * newer. Again is harmless. ERROR_NOT_FOUND: there is none: then each domain is its own. */
error psl_open(void);
void psl_close(void);

/* "example.co.uk" of "a.b.example.co.uk"; the domain itself where it is a public suffix. A view of
 * the domain, which is in A-labels. */
slice psl_organization(slice domain);
