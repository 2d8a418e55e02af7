#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The private keys that the configuration names (section "dkim"), read from their files: once
 * before privileges are dropped, and again on each reload. Never changes once it is read, so every
 * core looks into the same one; counted, the last to let go wipes it.
 *
 * A key file that was readable at start but is not any more (root's alone, say) keeps its text on a
 * reload. One that never could be read stays in the ring without text: mail of its domain has to
 * wait. Bounds: keyring_limits.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "filter/authentic/settings.h"

enum keyring_limits {
    KEYRING_KEYS_MAX = 100000,
    KEYRING_SIZE_MAX = 512 << 20, /* bytes of all texts */
};

struct keyring;

struct keyring_key {
    slice domain; /* A-labels, lower case */
    slice selector;
    slice path;
    slice text; /* as in the file; empty: it could not be read */
};

/* Blocks. Each file that is of no use becomes a line in `problems`; that alone is no failure.
 * `before` may be NULL. ERROR_LIMIT past keyring_limits. */
error keyring_read(const struct dkim_settings *settings, const struct keyring *before,
                   struct buffer *problems, struct keyring **out_keyring);
/* Any thread. NULL is fine. */
struct keyring *keyring_ref(struct keyring *keyring);
void keyring_unref(struct keyring **keyring);

unsigned keyring_count(const struct keyring *keyring);
/* The keys of one domain (A-labels, lower case), in the order of their selectors; NULL and 0 where
 * there is none. */
const struct keyring_key *keyring_find(const struct keyring *keyring, slice domain,
                                       unsigned *out_count);

/* An item of dkim.keys; ERROR_MALFORMED. */
error keyring_item_parse(slice item, slice *out_domain, slice *out_selector, slice *out_path);
/* ERROR_MALFORMED with the reason where dkim.path does not name %d and %s once each, in different
 * names of the path. */
error keyring_path_check(slice pattern);
/* dkim.path for one key. */
error keyring_path_of(slice pattern, slice domain, slice selector, struct arena *arena,
                      const char **out_path);
