#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For secrets: comparing in a time that does not depend on the bytes, and wiping.
 */
#include "base/slice.h"

/* Time depends on size alone. */
bool constant_equal(const void *a, const void *b, size_t size);
/* False at once where the sizes differ: a size is no secret. */
bool constant_equal_slices(slice a, slice b);
/* Not optimised away. */
void constant_wipe(void *secret, size_t size);
