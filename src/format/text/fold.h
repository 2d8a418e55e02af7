#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text made comparable: full Unicode case folding in canonical composition (NFC), so that what a
 * person would call the same name is the same bytes. By libunistring; ASCII costs one copy.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* ERROR_MALFORMED for what is not UTF-8. Folding a folded text changes nothing. */
error text_fold(struct arena *arena, slice text, slice *out_folded);
