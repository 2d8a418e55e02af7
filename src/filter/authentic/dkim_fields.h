#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What signing, checking and ARC share: which header fields a signature covers (RFC 6376 5.4.2),
 * and how a field with a signature is read and written. Inside filter/authentic only.
 */
#include "base/error.h"
#include "filter/authentic/canonical.h"
#include "filter/authentic/dkim.h"
#include "format/mail/tag_list.h"

enum { DKIM_NAMES_SIZE_MAX = 64 << 10 }; /* bytes of an h= of ours */

/* Adds the named fields ("from:to:from", blanks allowed) to the digest: names in order, each
 * standing for the lowest field of that name not yet taken. ERROR_LIMIT past DKIM_FIELDS_MAX names.
 */
error dkim_fields_digest(slice header, slice names, enum canonical kind, struct digest *digest);

/* ---- Writing ---- */

/* What a signature of ours says, whatever the key. */
struct dkim_field_contents {
    slice header;
    slice names; /* h= */
    uint8_t body_hash[32];
    int64_t time, lifetime; /* seconds */
};

/* What h= names: the fields that readers rely on, some once more than they occur; on request those
 * with signatures as well (RFC 8617 4.1.2). ERROR_MALFORMED without From. */
error dkim_list_fields(slice header, bool with_signatures, struct buffer *out_names);
/* Of the relaxed body. */
void dkim_hash_body(slice body, uint8_t out_hash[32]);
/* Appends the field with CRLF. `lead`: its first tag, "v=1" or "i=3". */
error dkim_sign_field(slice field_name, const char *lead,
                      const struct dkim_field_contents *contents, const struct dkim_signer *signer,
                      struct buffer *out);
void dkim_add_base64(struct buffer *out, slice bytes);

/* ---- Reading ---- */

enum dkim_field_kind {
    DKIM_FIELD_SIGNATURE,   /* DKIM-Signature */
    DKIM_FIELD_ARC_MESSAGE, /* ARC-Message-Signature: no v=, but i= is a number */
    DKIM_FIELD_ARC_SEAL,    /* ARC-Seal: neither h=, bh= nor c= */
};
/* As dkim_signature_parse; *out_tags are all tags. */
error dkim_field_parse(enum dkim_field_kind kind, slice field_name, slice field_value,
                       struct arena *arena, struct dkim_signature *out_signature,
                       struct mail_tag_list *out_tags);
