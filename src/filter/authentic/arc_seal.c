/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding a set to a chain.
 */
#include "filter/authentic/arc_digest.h"
#include "filter/authentic/dkim_fields.h"

#include <stdio.h>

enum { SET_SIZE_MAX = 256 << 10 }; /* bytes of a set of ours */

void arc_digest_sets(const struct arc_chain *chain, unsigned first, unsigned count, slice header,
                     struct digest *digest)
{
    for (unsigned i = first; i < count; i++) {
        const struct arc_set *set = &chain->sets[i];
        canonical_field(CANONICAL_RELAXED, &set->results, header, digest);
        canonical_field(CANONICAL_RELAXED, &set->message, header, digest);
        if (i + 1 < count)
            canonical_field(CANONICAL_RELAXED, &set->seal, header, digest);
    }
}

/* The first field of a text that is one. */
static struct mail_header_field first_field(slice text)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field = {0};
    mail_header_begin(&iterator, text);
    (void)mail_header_next(&iterator, &field);
    return field;
}

/* `before`: the sets that the seal covers beside its own, none where the chain failed (RFC 8617
 * 5.1.2). */
static error write_seal(const struct arc_chain *chain, slice header, enum arc_result validity,
                        slice results, slice message, const struct dkim_signer *signer,
                        int64_t time, struct buffer *out)
{
    bool rsa = signing_key_algorithm(signer->key) == SIGNATURE_RSA_SHA256;
    struct digest digest;
    uint8_t sum[32], signature[SIGNATURE_SIZE_MAX];
    size_t size, value_at;
    digest_init(&digest, DIGEST_SHA256);
    for (unsigned i = 0; validity != ARC_FAIL && i < chain->count; i++) {
        arc_digest_sets(chain, i, i + 1, header, &digest);
        canonical_field(CANONICAL_RELAXED, &chain->sets[i].seal, header, &digest);
    }
    struct mail_header_field results_field = first_field(results);
    struct mail_header_field message_field = first_field(message);
    canonical_field(CANONICAL_RELAXED, &results_field, results, &digest);
    canonical_field(CANONICAL_RELAXED, &message_field, message, &digest);
    buffer_add(out, SLICE("ARC-Seal:"));
    value_at = out->size;
    buffer_format(out, " i=%u; a=%s; t=%lld; cv=%s;\r\n\td=%.*s; s=%.*s;\r\n\tb=", chain->count + 1,
                  rsa ? "rsa-sha256" : "ed25519-sha256", (long long)time, arc_result_name(validity),
                  SLICE_ARG(signer->domain), SLICE_ARG(signer->selector));
    TRY(buffer_check(out));
    slice value = slice_from(buffer_slice(out), value_at);
    canonical_own_field(CANONICAL_RELAXED, SLICE("ARC-Seal"), value, slice_from(value, value.size),
                        &digest);
    digest_finish(&digest, sum);
    TRY(signing_key_sign(signer->key, sum, signature, &size));
    dkim_add_base64(out, slice_of(signature, size));
    buffer_add(out, SLICE("\r\n"));
    return buffer_check(out);
}

static error write_message(unsigned instance, slice header, slice body,
                           const struct dkim_signer *signer, int64_t time, struct buffer *out)
{
    struct dkim_field_contents contents = {.header = header, .time = time};
    struct buffer names;
    char lead[16];
    snprintf(lead, sizeof lead, "i=%u", instance);
    dkim_hash_body(body, contents.body_hash);
    buffer_init(&names, DKIM_NAMES_SIZE_MAX);
    error problem = dkim_list_fields(header, true, &names);
    contents.names = buffer_slice(&names);
    if (!failed(problem))
        problem = dkim_sign_field(SLICE("ARC-Message-Signature"), lead, &contents, signer, out);
    buffer_close(&names);
    return problem;
}

error arc_seal(const struct arc_chain *chain, slice header, slice body, enum arc_result validity,
               slice results, const struct dkim_signer *signer, int64_t time,
               struct buffer *out_fields)
{
    struct buffer results_field, message_field;
    if (chain->count >= ARC_SETS_MAX)
        return error_make(ERROR_LIMIT, "the ARC chain is full");
    if (chain->sealed_failed) /* RFC 8617 5.1 */
        return error_make(ERROR_PERMANENT, "the ARC chain ended with a seal that says fail");
    buffer_init(&results_field, SET_SIZE_MAX);
    buffer_init(&message_field, SET_SIZE_MAX);
    buffer_format(&results_field, "ARC-Authentication-Results: i=%u; ", chain->count + 1);
    buffer_add(&results_field, results);
    buffer_add(&results_field, SLICE("\r\n"));
    error problem = buffer_check(&results_field);
    if (!failed(problem))
        problem = write_message(chain->count + 1, header, body, signer, time, &message_field);
    if (!failed(problem))
        problem = write_seal(chain, header, validity, buffer_slice(&results_field),
                             buffer_slice(&message_field), signer, time, out_fields);
    if (!failed(problem)) {
        buffer_add(out_fields, buffer_slice(&message_field));
        buffer_add(out_fields, buffer_slice(&results_field));
        problem = buffer_check(out_fields);
    }
    buffer_close(&results_field);
    buffer_close(&message_field);
    return problem;
}
