/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cursor.h"
#include "filter/authentic/dkim.h"
#include "filter/authentic/dkim_fields.h"
#include "format/text/base64.h"

enum { CLOCK_SKEW_S = 300 };

static error bad(const char *text)
{
    return error_make(ERROR_MALFORMED, text);
}

static bool read_number(slice text, uint64_t *out)
{
    struct cursor cursor = cursor_over(text);
    return cursor_take_u64(&cursor, UINT64_MAX / 2, out) && cursor_done(&cursor);
}

/* Base64 with folding inside. */
static error decode(slice text, struct arena *arena, slice *out_bytes)
{
    char *plain = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(plain);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r' &&
            text.data[i] != '\n')
            plain[size++] = text.data[i];
    return base64_decode(arena, slice_of(plain, size), out_bytes);
}

static error read_algorithm(slice name, enum signature_algorithm *out_algorithm)
{
    if (slice_equal_nocase(name, SLICE("rsa-sha256")))
        *out_algorithm = SIGNATURE_RSA_SHA256;
    else if (slice_equal_nocase(name, SLICE("ed25519-sha256")))
        *out_algorithm = SIGNATURE_ED25519_SHA256;
    else if (slice_equal_nocase(name, SLICE("rsa-sha1")))
        return error_make(ERROR_PERMANENT, "rsa-sha1 counts no more"); /* RFC 8301 3.1 */
    else
        return bad("unknown a=");
    return OK;
}

static error read_canonical_word(slice word, enum canonical *out_kind)
{
    if (slice_equal_nocase(word, SLICE("relaxed")))
        *out_kind = CANONICAL_RELAXED;
    else if (word.size == 0 || slice_equal_nocase(word, SLICE("simple")))
        *out_kind = CANONICAL_SIMPLE;
    else
        return bad("unknown c=");
    return OK;
}

static bool names_from(slice names)
{
    while (names.size) {
        slice name;
        slice_cut(names, ':', &name, &names);
        if (slice_equal_nocase(slice_trim(name), SLICE("from")))
            return true;
    }
    return false;
}

/* i= is at d= or below it (RFC 6376 3.5). */
static bool identity_fits(slice identity, slice domain)
{
    slice local, at;
    if (!slice_cut_last(identity, '@', &local, &at))
        return false;
    if (slice_equal_nocase(at, domain))
        return true;
    return at.size > domain.size + 1 && at.data[at.size - domain.size - 1] == '.' &&
           slice_equal_nocase(slice_from(at, at.size - domain.size), domain);
}

static error read_times(const struct mail_tag_list *tags, struct dkim_signature *out)
{
    uint64_t number;
    const struct mail_tag *tag;
    out->time = out->expires = -1;
    out->body_size_max = UINT64_MAX;
    if ((tag = mail_tag_find(tags, SLICE("t")))) {
        if (!read_number(tag->value, &number))
            return bad("t= is no number");
        out->time = (int64_t)number;
    }
    if ((tag = mail_tag_find(tags, SLICE("x")))) {
        if (!read_number(tag->value, &number) || (out->time >= 0 && (int64_t)number <= out->time))
            return bad("x= is no number, or before t=");
        out->expires = (int64_t)number;
    }
    if ((tag = mail_tag_find(tags, SLICE("l"))) && !read_number(tag->value, &out->body_size_max))
        return bad("l= is no number");
    return OK;
}

/* What only a signature over a message has: canonicalization, names, the body's hash. Of ARC's, as
 * its makers check it: without c= it is relaxed, and h= may leave From out (the seals say who may
 * be believed, not the sender). */
static error read_coverage(enum dkim_field_kind kind, const struct mail_tag_list *tags,
                           struct arena *arena, struct dkim_signature *s)
{
    slice header_word, body_word;
    bool is_arc = kind == DKIM_FIELD_ARC_MESSAGE;
    const struct mail_tag *c = mail_tag_find(tags, SLICE("c"));
    slice_cut(c || !is_arc ? mail_tag_value(tags, SLICE("c")) : SLICE("relaxed/relaxed"), '/',
              &header_word, &body_word);
    TRY(read_canonical_word(header_word, &s->header_canonical));
    TRY(read_canonical_word(body_word, &s->body_canonical));
    s->field_names = mail_tag_value(tags, SLICE("h"));
    if (is_arc ? !mail_tag_find(tags, SLICE("h")) : !names_from(s->field_names))
        return bad("h= does not name From");
    const struct mail_tag *bh = mail_tag_find(tags, SLICE("bh"));
    if (!bh || failed(decode(bh->value, arena, &s->body_hash)) || s->body_hash.size != 32)
        return bad("bh= is missing or no base64");
    return OK;
}

error dkim_field_parse(enum dkim_field_kind kind, slice field_name, slice field_value,
                       struct arena *arena, struct dkim_signature *out_signature,
                       struct mail_tag_list *out_tags)
{
    struct dkim_signature s = {.name = field_name, .value = field_value};
    if (field_value.size > DKIM_SIGNATURE_SIZE_MAX || !mail_tag_list_parse(field_value, out_tags))
        return bad("no tag list");
    if (kind == DKIM_FIELD_SIGNATURE &&
        !slice_equal(mail_tag_value(out_tags, SLICE("v")), SLICE("1")))
        return bad("v= is not 1");
    TRY(read_algorithm(mail_tag_value(out_tags, SLICE("a")), &s.algorithm));
    s.domain = mail_tag_value(out_tags, SLICE("d"));
    s.selector = mail_tag_value(out_tags, SLICE("s"));
    if (!s.domain.size || !s.selector.size)
        return bad("d= or s= is missing");
    if (kind == DKIM_FIELD_SIGNATURE)
        s.identity = mail_tag_value(out_tags, SLICE("i"));
    if (s.identity.size && !identity_fits(s.identity, s.domain))
        return bad("i= is not within d=");
    if (kind != DKIM_FIELD_ARC_SEAL)
        TRY(read_coverage(kind, out_tags, arena, &s));
    TRY(read_times(out_tags, &s));
    const struct mail_tag *b = mail_tag_find(out_tags, SLICE("b"));
    if (!b || failed(decode(b->value, arena, &s.signature)))
        return bad("b= is missing or no base64");
    s.hole = b->raw_value;
    *out_signature = s;
    return OK;
}

error dkim_signature_parse(slice field_name, slice field_value, struct arena *arena,
                           struct dkim_signature *out_signature)
{
    struct mail_tag_list tags;
    return dkim_field_parse(DKIM_FIELD_SIGNATURE, field_name, field_value, arena, out_signature,
                            &tags);
}

/* A word in a list separated by colons. */
static bool lists(slice list, slice word)
{
    while (list.size) {
        slice item;
        slice_cut(list, ':', &item, &list);
        if (slice_equal_nocase(slice_trim(item), word))
            return true;
    }
    return false;
}

error dkim_key_parse(slice record, struct arena *arena, struct dkim_key *out_key)
{
    struct mail_tag_list tags;
    struct dkim_key key = {.algorithm = SIGNATURE_RSA_SHA256};
    if (!mail_tag_list_parse(record, &tags))
        return bad("key record is no tag list");
    const struct mail_tag *version = mail_tag_find(&tags, SLICE("v"));
    if (version && (version != tags.tags || !slice_equal(version->value, SLICE("DKIM1"))))
        return bad("key record: v= is not DKIM1, or not first");
    slice kind = mail_tag_value(&tags, SLICE("k"));
    if (slice_equal_nocase(kind, SLICE("ed25519")))
        key.algorithm = SIGNATURE_ED25519_SHA256;
    else if (kind.size && !slice_equal_nocase(kind, SLICE("rsa")))
        return bad("key record: unknown k=");
    slice hashes = mail_tag_value(&tags, SLICE("h")), services = mail_tag_value(&tags, SLICE("s"));
    if (hashes.size && !lists(hashes, SLICE("sha256")))
        return bad("key record: not for sha256");
    if (services.size && !lists(services, SLICE("*")) && !lists(services, SLICE("email")))
        return bad("key record: not for mail");
    const struct mail_tag *public_key = mail_tag_find(&tags, SLICE("p"));
    if (!public_key)
        return bad("key record: no p=");
    if (public_key->value.size == 0)
        return error_make(ERROR_NOT_FOUND, "key was revoked");
    if (failed(decode(public_key->value, arena, &key.public_key)))
        return bad("key record: p= is no base64");
    key.testing = lists(mail_tag_value(&tags, SLICE("t")), SLICE("y"));
    key.strict = lists(mail_tag_value(&tags, SLICE("t")), SLICE("s"));
    *out_key = key;
    return OK;
}

error dkim_verify_parts(slice header, slice body, const struct dkim_signature *signature,
                        const struct dkim_key *key, int64_t now)
{
    struct digest digest;
    uint8_t sum[32];
    uint64_t body_size;
    if (signature->expires >= 0 && now > signature->expires + CLOCK_SKEW_S)
        return error_make(ERROR_PERMANENT, "signature expired");
    if (key->algorithm != signature->algorithm)
        return error_make(ERROR_PERMANENT, "key is for another algorithm");
    slice local, at;
    if (key->strict && signature->identity.size &&
        slice_cut_last(signature->identity, '@', &local, &at) &&
        !slice_equal_nocase(at, signature->domain))
        return error_make(ERROR_PERMANENT, "key forbids i= below d=");

    digest_init(&digest, DIGEST_SHA256);
    canonical_body(signature->body_canonical, body, signature->body_size_max, &digest, &body_size);
    digest_finish(&digest, sum);
    if (signature->body_size_max != UINT64_MAX && signature->body_size_max > body_size)
        return error_make(ERROR_DENIED, "l= is more than the body");
    if (memcmp(sum, signature->body_hash.data, 32) != 0)
        return error_make(ERROR_DENIED, "body hash does not match");

    digest_init(&digest, DIGEST_SHA256);
    TRY(dkim_fields_digest(header, signature->field_names, signature->header_canonical, &digest));
    canonical_own_field(signature->header_canonical, signature->name, signature->value,
                        signature->hole, &digest);
    digest_finish(&digest, sum);
    TRY(signature_verify(key->algorithm, key->public_key, sum, signature->signature));
    /* RFC 6376 8.2: whoever passed it on may have put anything behind what was signed. */
    if (signature->body_size_max < body_size)
        return error_make(ERROR_LIMIT, "l= leaves part of the body unsigned");
    return OK;
}

error dkim_verify(slice message, const struct dkim_signature *signature, const struct dkim_key *key,
                  int64_t now)
{
    size_t header_size = mail_header_size(message);
    return dkim_verify_parts(slice_sub(message, 0, header_size), slice_from(message, header_size),
                             signature, key, now);
}
