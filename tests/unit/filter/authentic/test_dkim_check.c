/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every signature of a message, with keys from a table that can have trouble.
 */
#include "check.h"

#include "filter/authentic/dkim_check.h"
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

static error check(struct buffer *fields, unsigned *out_count)
{
    slice header;
    assert_ok(arena_format(&arena, &header, "%.*sFrom: a@a.example\r\nSubject: x\r\n\r\n",
                           SLICE_ARG(buffer_slice(fields))));
    return dkim_check_message(header, SLICE("Hello\r\n"), &source, &arena, TIME_NEVER, now, checks,
                              out_count);
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
    assert_ok(dkim_check_message(header, SLICE("Howdy\r\n"), &source, &arena, TIME_NEVER, now,
                                 checks, &count));
    assert_int_equal(checks[0].result, DKIM_FAIL);
    buffer_reset(&fields);
    assert_ok(check(&fields, &count));
    assert_int_equal(count, 0);
    sign_as("stop", &fields);
    assert_error(check(&fields, &count), ERROR_CANCELLED);
    buffer_close(&fields);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judges_each_signature),
        cmocka_unit_test(test_sees_changes),
        cmocka_unit_test(test_looks_at_so_many),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
