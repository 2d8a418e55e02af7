#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a message answers a search program (RFC 3501 6.4.4). Keys that the index answers are
 * tried before those that need the header, and those before the body. Text is compared after
 * decoding and case folding.
 */
#include "format/imap/search.h"

struct imap_session;

/* Once per command: resolves sets, folds texts, sorts keys by cost. Changes the tree. */
error imap_match_prepare(struct imap_session *s, struct imap_search_node *root);
/* WAITS where the message must be read. A message that is gone matches nothing. */
error imap_match(struct imap_session *s, const struct imap_search_node *root, uint32_t index,
                 struct arena *scratch, bool *out_matches);
