/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dkim.h"
#include "filter/authentic/dkim_fields.h"
#include "format/text/base64.h"

enum { LINE_SIZE = 72 };

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

static void add_name(struct buffer *names, slice name, size_t *line)
{
    if (names->size)
        buffer_add_byte(names, ':');
    if (names->size - *line > LINE_SIZE - 32) {
        buffer_add(names, SLICE("\r\n\t"));
        *line = names->size;
    }
    buffer_add(names, name);
}

error dkim_list_fields(slice header, bool with_signatures, struct buffer *out_names)
{
    size_t line = 0;
    if (occurrences(header, SLICE("From")) == 0)
        return error_make(ERROR_MALFORMED, "message without From cannot be signed");
    for (size_t i = 0; i < sizeof signed_fields / sizeof *signed_fields; i++) {
        slice name = slice_from_string(signed_fields[i].name);
        unsigned count = occurrences(header, name) + signed_fields[i].once_more;
        for (; count; count--)
            add_name(out_names, name, &line);
    }
    for (unsigned i = with_signatures ? occurrences(header, SLICE("DKIM-Signature")) : 0; i; i--)
        add_name(out_names, SLICE("DKIM-Signature"), &line);
    return buffer_check(out_names);
}

void dkim_add_base64(struct buffer *out, slice bytes)
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

error dkim_sign_field(slice field_name, const char *lead,
                      const struct dkim_field_contents *contents, const struct dkim_signer *signer,
                      struct buffer *out)
{
    slice names = contents->names;
    bool rsa = signing_key_algorithm(signer->key) == SIGNATURE_RSA_SHA256;
    buffer_add(out, field_name);
    buffer_add_byte(out, ':');
    size_t value_at = out->size;
    buffer_format(out, " %s; a=%s; c=relaxed/relaxed; d=%.*s;\r\n\ts=%.*s; t=%lld;", lead,
                  rsa ? "rsa-sha256" : "ed25519-sha256", SLICE_ARG(signer->domain),
                  SLICE_ARG(signer->selector), (long long)contents->time);
    if (contents->lifetime > 0)
        buffer_format(out, " x=%lld;", (long long)(contents->time + contents->lifetime));
    buffer_format(out, "\r\n\th=%.*s;\r\n\tbh=", SLICE_ARG(names));
    dkim_add_base64(out, slice_of(contents->body_hash, 32));
    buffer_add(out, SLICE(";\r\n\tb="));
    TRY(buffer_check(out));

    struct digest digest;
    uint8_t sum[32], signature[SIGNATURE_SIZE_MAX];
    size_t size;
    slice value = slice_from(buffer_slice(out), value_at);
    digest_init(&digest, DIGEST_SHA256);
    TRY(dkim_fields_digest(contents->header, names, CANONICAL_RELAXED, &digest));
    canonical_own_field(CANONICAL_RELAXED, field_name, value, slice_from(value, value.size),
                        &digest);
    digest_finish(&digest, sum);
    TRY(signing_key_sign(signer->key, sum, signature, &size));
    dkim_add_base64(out, slice_of(signature, size));
    buffer_add(out, SLICE("\r\n"));
    return buffer_check(out);
}

void dkim_hash_body(slice body, uint8_t out_hash[32])
{
    struct digest digest;
    uint64_t size;
    digest_init(&digest, DIGEST_SHA256);
    canonical_body(CANONICAL_RELAXED, body, UINT64_MAX, &digest, &size);
    digest_finish(&digest, out_hash);
}

error dkim_sign_parts(slice header, slice body, const struct dkim_signer *signers, unsigned count,
                      const struct dkim_sign_options *options, struct buffer *out_fields)
{
    struct dkim_field_contents contents = {
        .header = header, .time = options->time, .lifetime = options->lifetime};
    struct buffer names;
    if (count > DKIM_SIGNERS_MAX)
        return error_make(ERROR_LIMIT, "too many DKIM selectors for one message");
    dkim_hash_body(body, contents.body_hash);
    buffer_init(&names, DKIM_NAMES_SIZE_MAX);
    error problem = dkim_list_fields(header, false, &names);
    contents.names = buffer_slice(&names);
    for (unsigned i = 0; i < count && !failed(problem); i++)
        problem =
            dkim_sign_field(SLICE("DKIM-Signature"), "v=1", &contents, &signers[i], out_fields);
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
