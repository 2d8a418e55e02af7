/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dkim.h"
#include "filter/authentic/dkim_fields.h"
#include "format/text/base64.h"

enum { FIELD_NAMES_SIZE_MAX = 4096, LINE_SIZE = 72 };

/* RFC 6376 5.4.1 and what clients show or act upon. Twice: those that an attacker would add once
 * more. */
static const struct {
    const char *name;
    bool once_more;
} signed_fields[] = {
    {"From", true},
    {"To", true},
    {"Cc", true},
    {"Subject", true},
    {"Date", true},
    {"Reply-To", true},
    {"Message-ID", false},
    {"In-Reply-To", false},
    {"References", false},
    {"MIME-Version", false},
    {"Content-Type", true},
    {"Content-Transfer-Encoding", false},
    {"Sender", false},
    {"List-Id", false},
    {"List-Unsubscribe", false},
    {"List-Unsubscribe-Post", false},
};

static unsigned occurrences(slice header, slice name)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned count = 0;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        count += slice_equal_nocase(field.name, name);
    return count;
}

/* "From:To:..." folded so that no line is long. */
static error list_fields(slice header, struct buffer *out_names)
{
    size_t line = 0;
    if (occurrences(header, SLICE("From")) == 0)
        return error_make(ERROR_MALFORMED, "message without From cannot be signed");
    for (size_t i = 0; i < sizeof signed_fields / sizeof *signed_fields; i++) {
        slice name = slice_from_string(signed_fields[i].name);
        unsigned count = occurrences(header, name) + signed_fields[i].once_more;
        for (; count; count--) {
            if (out_names->size)
                buffer_add_byte(out_names, ':');
            if (out_names->size - line > LINE_SIZE - 32) {
                buffer_add(out_names, SLICE("\r\n\t"));
                line = out_names->size;
            }
            buffer_add(out_names, name);
        }
    }
    return buffer_check(out_names);
}

static void add_base64_folded(struct buffer *out, slice bytes)
{
    char text[SIGNATURE_SIZE_MAX * 2];
    size_t size = base64_encoded_size(bytes.size);
    base64_encode_into(text, bytes);
    for (size_t at = 0; at < size; at += LINE_SIZE) {
        if (at)
            buffer_add(out, SLICE("\r\n\t"));
        buffer_add(out, slice_sub(slice_of(text, size), at, LINE_SIZE));
    }
}

static error sign_one(slice header, const struct dkim_signer *signer,
                      const struct dkim_sign_options *options, slice names,
                      const uint8_t body_hash[32], struct buffer *out)
{
    bool rsa = signing_key_algorithm(signer->key) == SIGNATURE_RSA_SHA256;
    buffer_add(out, SLICE("DKIM-Signature:"));
    size_t value_at = out->size;
    buffer_format(out, " v=1; a=%s; c=relaxed/relaxed; d=%.*s;\r\n\ts=%.*s; t=%lld;",
                  rsa ? "rsa-sha256" : "ed25519-sha256", SLICE_ARG(signer->domain),
                  SLICE_ARG(signer->selector), (long long)options->time);
    if (options->lifetime > 0)
        buffer_format(out, " x=%lld;", (long long)(options->time + options->lifetime));
    buffer_format(out, "\r\n\th=%.*s;\r\n\tbh=", SLICE_ARG(names));
    add_base64_folded(out, slice_of(body_hash, 32));
    buffer_add(out, SLICE(";\r\n\tb="));
    TRY(buffer_check(out));

    struct digest digest;
    uint8_t sum[32], signature[SIGNATURE_SIZE_MAX];
    size_t size;
    slice value = slice_from(buffer_slice(out), value_at);
    digest_init(&digest, DIGEST_SHA256);
    TRY(dkim_fields_digest(header, names, CANONICAL_RELAXED, &digest));
    canonical_own_field(CANONICAL_RELAXED, SLICE("DKIM-Signature"), value,
                        slice_from(value, value.size), &digest);
    digest_finish(&digest, sum);
    TRY(signing_key_sign(signer->key, sum, signature, &size));
    add_base64_folded(out, slice_of(signature, size));
    buffer_add(out, SLICE("\r\n"));
    return buffer_check(out);
}

error dkim_sign_parts(slice header, slice body, const struct dkim_signer *signers, unsigned count,
                      const struct dkim_sign_options *options, struct buffer *out_fields)
{
    struct digest digest;
    uint8_t body_hash[32];
    uint64_t body_size;
    struct buffer names;
    if (count > DKIM_SIGNERS_MAX)
        return error_make(ERROR_LIMIT, "too many DKIM selectors for one message");
    digest_init(&digest, DIGEST_SHA256);
    canonical_body(CANONICAL_RELAXED, body, UINT64_MAX, &digest, &body_size);
    digest_finish(&digest, body_hash);
    buffer_init(&names, FIELD_NAMES_SIZE_MAX);
    error problem = list_fields(header, &names);
    for (unsigned i = 0; i < count && !failed(problem); i++)
        problem =
            sign_one(header, &signers[i], options, buffer_slice(&names), body_hash, out_fields);
    buffer_close(&names);
    return problem;
}

error dkim_sign(slice message, const struct dkim_signer *signers, unsigned count,
                const struct dkim_sign_options *options, struct buffer *out_fields)
{
    size_t header_size = mail_header_size(message);
    return dkim_sign_parts(slice_sub(message, 0, header_size), slice_from(message, header_size),
                           signers, count, options, out_fields);
}
