/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every signature of a message, with keys from a table that can have trouble.
 */
#include "check.h"

#include "filter/authentic/dkim_check.h"
#include "filter/authentic/dkim_fields.h"
#include "filter/authentic/psl.h"
#include "format/text/base64.h"

static struct arena arena;
static const char plain[] = "From: a@a.example\r\nSubject: x\r\n\r\nHello\r\n";
static const int64_t now = 100000;
static slice good_record;
static unsigned asked;

static error find_record(void *argument, slice name, struct arena *unused, instant deadline,
                         slice *out_record)
{
    (void)argument, (void)unused, (void)deadline;
    asked++;
    if (slice_starts(name, SLICE("away.")))
        return error_make(ERROR_TIMEOUT, "no answer");
    if (slice_starts(name, SLICE("stop.")))
        return error_make(ERROR_CANCELLED, "cancelled");
    if (slice_starts(name, SLICE("revoked.")))
        *out_record = SLICE("v=DKIM1; p=");
    else if (slice_starts(name, SLICE("good.")))
        *out_record = good_record;
    else
        return error_make(ERROR_NOT_FOUND, "no such name");
    return OK;
}
static const struct dkim_key_source source = {.find = find_record};

static void sign_as(const char *selector, struct buffer *fields)
{
    static struct signing_key *key;
    struct buffer bytes;
    char encoded[128];
    buffer_init(&bytes, 4096);
    if (!key)
        assert_ok(signing_key_make(SIGNATURE_ED25519_SHA256, 0, &key));
    assert_ok(signing_key_public(key, &bytes));
    base64_encode_into(encoded, buffer_slice(&bytes));
    assert_ok(arena_format(&arena, &good_record, "v=DKIM1; k=ed25519; t=y; p=%.*s",
                           (int)base64_encoded_size(bytes.size), encoded));
    struct dkim_signer signer = {key, SLICE("a.example"), slice_from_string(selector)};
    struct dkim_sign_options options = {.time = now};
    assert_ok(dkim_sign(SLICE(plain), &signer, 1, &options, fields));
    buffer_close(&bytes);
}

static struct dkim_check checks[DKIM_CHECKS_MAX];

static error check_parts(slice header, slice body, unsigned *out_count)
{
    const struct dkim_question question = {
        .header = header, .body = body, .source = &source, .deadline = TIME_NEVER, .now = now};
    return dkim_check_message(&question, &arena, checks, out_count);
}

static error check(struct buffer *fields, unsigned *out_count)
{
    slice header;
    assert_ok(arena_format(&arena, &header, "%.*sFrom: a@a.example\r\nSubject: x\r\n\r\n",
                           SLICE_ARG(buffer_slice(fields))));
    return check_parts(header, SLICE("Hello\r\n"), out_count);
}

static void test_judges_each_signature(void **state)
{
    (void)state;
    struct buffer fields;
    unsigned count;
    buffer_init(&fields, 65536);
    sign_as("good", &fields);
    sign_as("away", &fields);
    sign_as("revoked", &fields);
    sign_as("missing", &fields);
    buffer_add(&fields, SLICE("DKIM-Signature: rubbish\r\n"));
    assert_ok(check(&fields, &count));
    assert_int_equal(count, 5);
    assert_string_equal(dkim_result_name(checks[0].result), "pass");
    assert_slice(checks[0].signature.domain, "a.example");
    assert_true(checks[0].testing);
    assert_null(checks[0].reason);
    assert_string_equal(dkim_result_name(checks[1].result), "temperror");
    assert_string_equal(dkim_result_name(checks[2].result), "permerror");
    assert_string_equal(dkim_result_name(checks[3].result), "permerror");
    assert_string_equal(dkim_result_name(checks[4].result), "neutral");
    assert_int_equal(checks[4].signature.domain.size, 0);
    assert_non_null(checks[4].reason);
    buffer_close(&fields);
}

static void test_sees_changes(void **state)
{
    (void)state;
    struct buffer fields;
    unsigned count;
    buffer_init(&fields, 65536);
    sign_as("good", &fields);
    slice header;
    assert_ok(arena_format(&arena, &header, "%.*sFrom: a@a.example\r\nSubject: x\r\n\r\n",
                           SLICE_ARG(buffer_slice(&fields))));
    assert_ok(check_parts(header, SLICE("Howdy\r\n"), &count));
    assert_int_equal(checks[0].result, DKIM_FAIL);
    buffer_reset(&fields);
    assert_ok(check(&fields, &count));
    assert_int_equal(count, 0);
    sign_as("stop", &fields);
    assert_error(check(&fields, &count), ERROR_CANCELLED);
    buffer_close(&fields);
}

/* The header of a message of that body, with a signature over its first `size` bytes. */
static slice sign_part(slice body, unsigned size)
{
    static const char rest[] = "From: a@a.example\r\nSubject: x\r\n\r\n";
    struct signing_key *key;
    struct buffer bytes, value;
    struct digest digest;
    uint8_t sum[32], signature[SIGNATURE_SIZE_MAX];
    size_t signature_size;
    uint64_t ignored;
    slice header;
    buffer_init(&bytes, 4096);
    buffer_init(&value, 4096);
    assert_ok(signing_key_make(SIGNATURE_ED25519_SHA256, 0, &key));
    assert_ok(signing_key_public(key, &bytes));
    buffer_add_string(&value, "v=DKIM1; k=ed25519; p=");
    dkim_add_base64(&value, buffer_slice(&bytes));
    assert_ok(arena_copy(&arena, buffer_slice(&value), &good_record));
    buffer_reset(&value);
    digest_init(&digest, DIGEST_SHA256);
    canonical_body(CANONICAL_RELAXED, body, size, &digest, &ignored);
    digest_finish(&digest, sum);
    buffer_format(&value,
                  " v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example; s=good; h=from; l=%u; "
                  "bh=",
                  size);
    dkim_add_base64(&value, slice_of(sum, sizeof sum));
    buffer_add_string(&value, "; b=");
    digest_init(&digest, DIGEST_SHA256);
    assert_ok(dkim_fields_digest(SLICE(rest), SLICE("from"), CANONICAL_RELAXED, &digest));
    slice text = buffer_slice(&value);
    canonical_own_field(CANONICAL_RELAXED, SLICE("DKIM-Signature"), text,
                        slice_from(text, text.size), &digest);
    digest_finish(&digest, sum);
    buffer_reset(&bytes);
    assert_ok(signing_key_sign(key, sum, signature, &signature_size));
    dkim_add_base64(&value, slice_of(signature, signature_size));
    assert_ok(arena_format(&arena, &header, "DKIM-Signature:%.*s\r\n%s",
                           SLICE_ARG(buffer_slice(&value)), rest));
    signing_key_destroy(&key);
    buffer_close(&bytes);
    buffer_close(&value);
    return header;
}

/* RFC 6376 8.2: who signs the first lines says nothing of what others put behind them. */
static void test_bodies_signed_in_part(void **state)
{
    (void)state;
    unsigned count;
    slice body = SLICE("Hello\r\n"), header = sign_part(body, 7);
    assert_ok(check_parts(header, body, &count));
    assert_int_equal(checks[0].result, DKIM_PASS);
    /* lines that relaxed does not count */
    assert_ok(check_parts(header, SLICE("Hello \r\n\r\n\r\n"), &count));
    assert_int_equal(checks[0].result, DKIM_PASS);
    assert_ok(check_parts(header, SLICE("Hello\r\nSend money\r\n"), &count));
    assert_int_equal(checks[0].result, DKIM_POLICY);
    assert_string_equal(checks[0].reason, "l= leaves part of the body unsigned");
    assert_ok(check_parts(header, SLICE("Howdy\r\nSend money\r\n"), &count));
    assert_int_equal(checks[0].result, DKIM_FAIL);
    header = sign_part(body, 0);
    assert_ok(check_parts(header, body, &count));
    assert_int_equal(checks[0].result, DKIM_POLICY);
    header = sign_part(body, 8);
    assert_ok(check_parts(header, body, &count));
    assert_int_equal(checks[0].result, DKIM_FAIL);
}

/* A key of a stranger's is not answered for until the deadline; what comes after it is too late. */
struct slow_world {
    bool late;
    unsigned asked;
};

static error find_slowly(void *argument, slice name, struct arena *unused, instant deadline,
                         slice *out_record)
{
    struct slow_world *world = argument;
    (void)unused, (void)deadline;
    world->asked++;
    world->late |= slice_ends(name, SLICE("evil.example"));
    if (world->late)
        return error_make(ERROR_TIMEOUT, "no answer");
    if (slice_starts(name, SLICE("good.")))
        *out_record = good_record;
    return slice_starts(name, SLICE("good.")) ? OK : error_make(ERROR_NOT_FOUND, "no such name");
}

static void test_keys_of_authors_come_first(void **state)
{
    (void)state;
    static const char stranger[] =
        "DKIM-Signature: v=1; a=ed25519-sha256; d=evil.example; s=slow; h=from; bh=47DEQpj8HBSa+/"
        "TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n";
    static const char forged[] =
        "DKIM-Signature: v=1; a=ed25519-sha256; d=mail.a.example; s=none; h=from; bh=47DEQpj8HBSa+/"
        "TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n";
    struct slow_world world = {0};
    const struct dkim_key_source slowly = {.find = find_slowly, .argument = &world};
    struct dmarc_authors authors = {.domains = {SLICE("b.example"), SLICE("a.example")},
                                    .count = 2};
    unsigned count;
    slice body = SLICE("Hello\r\n"), signed_header = sign_part(body, 7), header;
    assert_ok(
        arena_format(&arena, &header, "%s%s%.*s", stranger, forged, SLICE_ARG(signed_header)));
    struct dkim_question question = {.header = header,
                                     .body = body,
                                     .source = &slowly,
                                     .authors = &authors,
                                     .deadline = TIME_NEVER,
                                     .now = now};
    assert_ok(dkim_check_message(&question, &arena, checks, &count));
    assert_int_equal(count, 3);
    assert_int_equal(world.asked, 3);
    assert_int_equal(checks[0].result, DKIM_TEMPERROR);
    assert_int_equal(checks[1].result, DKIM_PERMERROR); /* known to be none */
    assert_int_equal(checks[2].result, DKIM_PASS);
}

static void test_looks_at_so_many(void **state)
{
    (void)state;
    struct buffer fields;
    unsigned count;
    buffer_init(&fields, 1 << 20);
    for (int i = 0; i < DKIM_CHECKS_MAX + 5; i++)
        sign_as("good", &fields);
    asked = 0;
    assert_ok(check(&fields, &count));
    assert_int_equal(count, DKIM_CHECKS_MAX);
    assert_int_equal(asked, DKIM_CHECKS_MAX);
    buffer_close(&fields);
}

int main(void)
{
    arena_init(&arena, 16 << 20);
    assert_ok(psl_open());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judges_each_signature),
        cmocka_unit_test(test_sees_changes),
        cmocka_unit_test(test_bodies_signed_in_part),
        cmocka_unit_test(test_keys_of_authors_come_first),
        cmocka_unit_test(test_looks_at_so_many),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    psl_close();
    arena_close(&arena);
    return failures;
}
