#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which keys sign for which domain: key files named by the configuration (section "dkim"), and,
 * where the directory has a table for them, keys of the directory. Every core has its own copies of
 * parsed keys (a signing key serves one thread at a time), dropped when files or rows change.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

struct dkim_settings;

/* On each core; the settings are borrowed for good. */
error signer_start(const struct dkim_settings *settings);
void signer_stop(void);

/* WAITS (RSA on a worker). Appends DKIM-Signature fields for the domain (A-labels; its From: or
 * envelope domain) to `fields`; nothing where the domain has no key. `prefix` lies before `body` in
 * the message to be signed. ERROR_TEMPORARY where keys cannot be read now: mail waits rather than
 * leave unsigned. */
error signer_sign(slice domain, slice prefix, slice body, struct arena *arena,
                  struct buffer *fields);

/* WAITS. An ARC set over a message that is passed on (filter/authentic/arc.h), by the key of
 * `domain`; nothing appended where it has none. */
error signer_seal(slice domain, slice prefix, slice body, slice results, struct arena *arena,
                  struct buffer *fields);
