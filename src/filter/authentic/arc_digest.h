#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an ARC seal covers (RFC 8617 5.1.1). Inside filter/authentic only.
 */
#include "filter/authentic/arc.h"

/* Adds the fields of sets first .. count - 1, relaxed, in order; of the last one without its seal.
 */
void arc_digest_sets(const struct arc_chain *chain, unsigned first, unsigned count, slice header,
                     struct digest *digest);
