#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * gzip (RFC 1952), by zlib, of what is whole in memory. Pure.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends. ERROR_LIMIT: no room in the buffer, or out of memory. */
error gzip_encode(slice bytes, struct buffer *out);
