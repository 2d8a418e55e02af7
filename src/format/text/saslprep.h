#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Passwords as SCRAM hashes them (RFC 4013, a profile of stringprep, RFC 3454): the same one typed
 * on two keyboards gives the same bytes. By libunistring's tables, which know more letters than the
 * Unicode 3.2 of the RFC: those made since are let through, as they are in queries (RFC 3454 7).
 * Pure. Text in ASCII stays as it is.
 */
#include "base/error.h"
#include "base/slice.h"

enum { SASLPREP_SIZE_MAX = 1024 }; /* bytes, before and after */

/* *out_prepared is the text itself, or lies in `room`, which the caller wipes. ERROR_MALFORMED for
 * what is no UTF-8 or holds what RFC 4013 2.3 and 2.4 forbid, or nothing; ERROR_LIMIT. */
error saslprep(slice text, char room[SASLPREP_SIZE_MAX], slice *out_prepared);
