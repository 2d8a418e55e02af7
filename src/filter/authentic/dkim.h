#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DKIM (RFC 6376, 8301, 8463): signs mail on its way out, checks signatures of mail on its way in.
 * Pure computing: whoever calls finds the key (a file, the directory, DNS). Mail has CRLF line
 * ends.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "crypto/signature.h"
#include "filter/authentic/canonical.h"

enum {
    DKIM_SIGNERS_MAX = 8,  /* selectors that sign one message */
    DKIM_FIELDS_MAX = 256, /* names in h= */
    DKIM_SIGNATURE_SIZE_MAX = 16 * 1024,
};

struct dkim_signer {
    struct signing_key *key;
    slice domain;   /* d=, A-labels */
    slice selector; /* s= */
};

struct dkim_sign_options {
    int64_t time;     /* t=, seconds since 1970 */
    int64_t lifetime; /* x= after so many seconds; 0: never */
};

/* Appends one DKIM-Signature field with CRLF per signer, relaxed/relaxed, over From and the other
 * fields that readers rely on; From, To, Cc, Subject and Date are named once more than they occur,
 * so that none can be added (RFC 6376 8.15). ERROR_MALFORMED where the message has no From. Long
 * computing where a key is RSA. */
error dkim_sign(slice message, const struct dkim_signer *signers, unsigned count,
                const struct dkim_sign_options *options, struct buffer *out_fields);

/* The same where header (with or without its empty line) and body lie in different places. */
error dkim_sign_parts(slice header, slice body, const struct dkim_signer *signers, unsigned count,
                      const struct dkim_sign_options *options, struct buffer *out_fields);

/* A signature as its field says; views into the field's value. */
struct dkim_signature {
    enum signature_algorithm algorithm;
    enum canonical header_canonical, body_canonical;
    slice domain, selector, identity; /* d=, s=, i= ("" where absent) */
    slice field_names;                /* h= */
    slice body_hash, signature;       /* decoded, in the arena */
    uint64_t body_size_max;           /* l=, UINT64_MAX without */
    int64_t time, expires;            /* -1 without */
    slice name, value, hole;          /* the field itself, for its own hash */
};

/* ERROR_MALFORMED (permerror) with a text that says which tag; ERROR_PERMANENT for algorithms that
 * count no more. */
error dkim_signature_parse(slice field_name, slice field_value, struct arena *arena,
                           struct dkim_signature *out_signature);

struct dkim_key {
    enum signature_algorithm algorithm;
    slice public_key; /* decoded, in the arena */
    bool testing;     /* t=y */
    bool strict;      /* t=s: i= must be d= exactly */
};
/* A key record (RFC 6376 3.6.1). ERROR_NOT_FOUND: revoked (empty p=). ERROR_MALFORMED. */
error dkim_key_parse(slice record, struct arena *arena, struct dkim_key *out_key);

/* OK: the signature holds. ERROR_DENIED: it does not (text: body hash or signature);
 * ERROR_PERMANENT: expired, or the key is not for it; ERROR_LIMIT: it does, but does not count,
 * because the key is too short, or l= leaves part of the body out. now: seconds. */
error dkim_verify(slice message, const struct dkim_signature *signature, const struct dkim_key *key,
                  int64_t now);
/* The same where header and body lie in different places. */
error dkim_verify_parts(slice header, slice body, const struct dkim_signature *signature,
                        const struct dkim_key *key, int64_t now);
