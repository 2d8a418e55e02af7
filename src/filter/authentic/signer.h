#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which keys sign for which domain: key files named by the configuration (section "dkim"), and,
 * where a domain has none and the directory has a table for them, keys of the directory. Every core
 * has its own copies of parsed keys (a signing key serves one thread at a time), dropped when files
 * or rows change.
 *
 * RSA and large bodies are computed on a worker, a batch at a time: what comes while one is under
 * way waits for the next. Bounds: signer_limits.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

struct dkim_settings;
struct keyring;

enum signer_limits {
    SIGNER_DOMAINS_MAX = 1024, /* with parsed keys, per core; the one not used longest goes */
    SIGNER_BATCH_MAX = 32,     /* mails signed in one go */
    SIGNER_IN_PLACE_SIZE_MAX = 65536, /* bytes of body hashed without a worker */
};

/* On each core; the settings are borrowed for good, the keys (may be NULL: none) counted. Again on
 * each reload, with what is new. */
error signer_start(const struct dkim_settings *settings, struct keyring *keys);
/* When no session is left on the core. */
void signer_stop(void);

/* WAITS (RSA on a worker). Appends DKIM-Signature fields for the domain (A-labels; its From: or
 * envelope domain) to `fields`; nothing where the domain has no key, or the message no From field.
 * `prefix` lies before `body` in the message to be signed. ERROR_TEMPORARY where keys cannot be
 * read now: mail waits rather than leave unsigned. */
error signer_sign(slice domain, slice prefix, slice body, struct arena *arena,
                  struct buffer *fields);

/* WAITS. An ARC set over a message that is passed on (filter/authentic/arc.h), by the key of
 * `domain`; nothing appended where it has none, where the chain is full or was sealed as failed, or
 * where it cannot be checked or sealed now (said in the log: mail goes on without). `results`: what
 * an Authentication-Results field would say ("mx.example.org; spf=pass smtp.mailfrom=..."); what
 * the chain and DKIM signatures of the message are worth is found out here (DNS) and added, where
 * `results` does not mention dkim= or arc= itself. */
error signer_seal(slice domain, slice prefix, slice body, slice results, struct arena *arena,
                  struct buffer *fields);
