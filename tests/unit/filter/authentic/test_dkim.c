/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/authentic/dkim.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static char message_text[1 << 20];
static const char plain[] =
    "From: Joe <joe@football.example.com>\r\nTo: Suzie <suzie@shopping.example.net>\r\n"
    "Subject:  Is   dinner\r\n\tready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
    "Message-ID: <1@football.example.com>\r\n\r\nHi.\r\n\r\nWe lost  the game. \t\r\n\r\n\r\n";

static struct signing_key *make_key(enum signature_algorithm algorithm)
{
    struct signing_key *key = NULL;
    assert_ok(signing_key_make(algorithm, 1024, &key));
    return key;
}

static struct dkim_key public_of(const struct signing_key *key)
{
    static struct buffer bytes;
    struct dkim_key out = {.algorithm = signing_key_algorithm(key)};
    buffer_init(&bytes, 4096);
    assert_ok(signing_key_public(key, &bytes));
    assert_ok(arena_copy(&arena, buffer_slice(&bytes), &out.public_key));
    buffer_close(&bytes);
    return out;
}

/* plain with one signature in front, as sent. */
static slice sign(struct signing_key *key)
{
    static struct buffer fields;
    struct dkim_signer signer = {key, SLICE("football.example.com"), SLICE("s1")};
    struct dkim_sign_options options = {.time = 1000, .lifetime = 3600};
    buffer_init(&fields, 16384);
    assert_ok(dkim_sign(SLICE(plain), &signer, 1, &options, &fields));
    slice whole;
    assert_ok(arena_format(&arena, &whole, "%.*s%s", SLICE_ARG(buffer_slice(&fields)), plain));
    buffer_close(&fields);
    return whole;
}

static error verify_first(slice message, const struct dkim_key *key, int64_t now)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    struct dkim_signature signature;
    mail_header_begin(&iterator, message);
    while (mail_header_next(&iterator, &field))
        if (slice_equal_nocase(field.name, SLICE("DKIM-Signature"))) {
            TRY(dkim_signature_parse(field.name, field.value, &arena, &signature));
            return dkim_verify(message, &signature, key, now);
        }
    return error_make(ERROR_NOT_FOUND, "no signature");
}

static slice with_replaced(slice message, const char *from, const char *to)
{
    ptrdiff_t at = slice_find(message, slice_from_string(from));
    assert_true(at >= 0);
    slice changed;
    assert_ok(arena_format(&arena, &changed, "%.*s%s%.*s", (int)at, message.data, to,
                           SLICE_ARG(slice_from(message, (size_t)at + strlen(from)))));
    return changed;
}

static void check_algorithm(enum signature_algorithm algorithm)
{
    struct signing_key *key = make_key(algorithm), *other = make_key(algorithm);
    struct dkim_key public = public_of(key), wrong = public_of(other);
    slice message = sign(key);
    assert_ok(verify_first(message, &public, 2000));
    assert_error(verify_first(message, &wrong, 2000), ERROR_DENIED);
    assert_error(verify_first(message, &public, 1000 + 3600 + 301), ERROR_PERMANENT); /* expired */
    /* What relaxed allows ... */
    assert_ok(verify_first(
        with_replaced(message, "Subject:  Is   dinner\r\n\tready?", "SUBJECT: Is dinner ready?"),
        &public, 2000));
    assert_ok(
        verify_first(with_replaced(message, "lost  the game. \t\r\n\r\n\r\n", "lost the game.\r\n"),
                     &public, 2000));
    assert_ok(verify_first(with_replaced(message, "Message-ID: ", "X-Added: 1\r\nMessage-ID: "),
                           &public, 2000));
    /* ... and what it does not. */
    assert_error(verify_first(with_replaced(message, "dinner", "supper"), &public, 2000),
                 ERROR_DENIED);
    assert_error(verify_first(with_replaced(message, "lost", "won"), &public, 2000), ERROR_DENIED);
    assert_error(verify_first(with_replaced(message, "Message-ID: ", "From: x@y\r\nMessage-ID: "),
                              &public, 2000),
                 ERROR_DENIED);
    assert_error(
        verify_first(with_replaced(message, "Message-ID: ", "Subject: again\r\nMessage-ID: "),
                     &public, 2000),
        ERROR_DENIED);
    signing_key_destroy(&key);
    signing_key_destroy(&other);
}

static void test_signs_what_it_verifies(void **state)
{
    (void)state;
    check_algorithm(SIGNATURE_RSA_SHA256);
    check_algorithm(SIGNATURE_ED25519_SHA256);
}

static void test_needs_a_sender(void **state)
{
    (void)state;
    struct signing_key *key = make_key(SIGNATURE_ED25519_SHA256);
    struct dkim_signer signer = {key, SLICE("x.org"), SLICE("s")};
    struct dkim_sign_options options = {.time = 1};
    struct buffer fields;
    buffer_init(&fields, 16384);
    assert_error(dkim_sign(SLICE("To: x@y\r\n\r\nHi\r\n"), &signer, 1, &options, &fields),
                 ERROR_MALFORMED);
    struct dkim_signer many[DKIM_SIGNERS_MAX + 1];
    assert_error(dkim_sign(SLICE(plain), many, DKIM_SIGNERS_MAX + 1, &options, &fields),
                 ERROR_LIMIT);
    buffer_close(&fields);
    signing_key_destroy(&key);
}

static void test_refuses_bad_signatures(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "v=1",
        "v=2; a=rsa-sha256; d=x; s=y; h=from; bh=AAAA; b=AAAA",
        "v=1; a=rsa-md5; d=x; s=y; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
        "v=1; a=rsa-sha256; d=x; s=y; h=to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
        "b=AAAA",
        "v=1; a=rsa-sha256; d=x; s=y; i=@z; h=from; "
        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
        "v=1; a=rsa-sha256; s=y; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
        "v=1; a=rsa-sha256; d=x; s=y; h=from; bh=AAAA; b=AAAA",
        "v=1; a=rsa-sha256; d=x; s=y; t=9; x=8; h=from; "
        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
        "v=1; v=1; a=rsa-sha256; d=x; s=y; h=from; "
        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
    };
    struct dkim_signature signature;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_error(dkim_signature_parse(SLICE("DKIM-Signature"), slice_from_string(bad[i]),
                                          &arena, &signature),
                     ERROR_MALFORMED);
    assert_error(dkim_signature_parse(SLICE("DKIM-Signature"), SLICE("v=1; a=rsa-sha1; d=x; s=y"),
                                      &arena, &signature),
                 ERROR_PERMANENT); /* RFC 8301 */
}

/* DKIM_FIELDS_MAX names are looked up; with more of them a signature is not checked. */
static void test_names_have_a_limit(void **state)
{
    (void)state;
    struct signing_key *key = make_key(SIGNATURE_ED25519_SHA256);
    struct dkim_key public = public_of(key);
    slice message = sign(key);
    for (unsigned more = 0; more < 2; more++) {
        static char names[8 * DKIM_FIELDS_MAX];
        size_t size = (size_t)snprintf(names, sizeof names, "\th=From");
        for (unsigned i = 1; i < DKIM_FIELDS_MAX + more; i++)
            size += (size_t)snprintf(names + size, sizeof names - size, ":x");
        snprintf(names + size, sizeof names - size, "; o=");
        ptrdiff_t at = slice_find(message, SLICE("\th="));
        assert_true(at > 0);
        error problem = verify_first(with_replaced(message, "\th=", names), &public, 2000);
        assert_error(problem, more ? ERROR_LIMIT : ERROR_DENIED); /* it covers something else */
    }
    signing_key_destroy(&key);
}

/* DKIM_SIGNATURE_SIZE_MAX: bytes of the whole field. */
static void test_signatures_have_a_limit(void **state)
{
    (void)state;
    static const char tags[] = "v=1; a=rsa-sha256; d=x.example; s=y; h=from; b=AAAA; "
                               "bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; p=";
    static char value[DKIM_SIGNATURE_SIZE_MAX + 1];
    struct dkim_signature signature;
    memset(value, 'p', sizeof value);
    memcpy(value, tags, sizeof tags - 1);
    assert_ok(dkim_signature_parse(SLICE("DKIM-Signature"), slice_of(value, sizeof value - 1),
                                   &arena, &signature));
    assert_slice(signature.domain, "x.example");
    assert_true(failed(dkim_signature_parse(SLICE("DKIM-Signature"), slice_of(value, sizeof value),
                                            &arena, &signature)));
}

static void test_reads_key_records(void **state)
{
    (void)state;
    struct dkim_key key;
    assert_ok(dkim_key_parse(
        SLICE("v=DKIM1; k=ed25519; t=y:s; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), &arena,
        &key));
    assert_int_equal(key.algorithm, SIGNATURE_ED25519_SHA256);
    assert_true(key.testing && key.strict);
    assert_int_equal(key.public_key.size, 32);
    assert_ok(dkim_key_parse(SLICE("p=AAAA; n=a note"), &arena, &key));
    assert_error(dkim_key_parse(SLICE("v=DKIM1; p="), &arena, &key), ERROR_NOT_FOUND);
    assert_error(dkim_key_parse(SLICE("v=DKIM1"), &arena, &key), ERROR_MALFORMED);
    assert_error(dkim_key_parse(SLICE("p=AAAA; v=DKIM1"), &arena, &key), ERROR_MALFORMED);
    assert_error(dkim_key_parse(SLICE("v=DKIM1; h=sha1; p=AAAA"), &arena, &key), ERROR_MALFORMED);
    assert_error(dkim_key_parse(SLICE("v=DKIM1; s=tlsrpt; p=AAAA"), &arena, &key), ERROR_MALFORMED);
    assert_error(dkim_key_parse(SLICE("v=DKIM1; k=dsa; p=AAAA"), &arena, &key), ERROR_MALFORMED);
}

/* A file: "NAME RECORD" lines, an empty line, the signed message; every signature of it must hold.
 */
static unsigned check_vector(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    slice rest = slice_of(text, size), line, records = rest, message;
    while (slice_cut(rest, '\n', &line, &rest) && slice_trim(line).size)
        ;
    size_t used = 0;
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.data[i] == '\n' && (i == 0 || rest.data[i - 1] != '\r'))
            message_text[used++] = '\r';
        message_text[used++] = rest.data[i];
    }
    message = slice_of(message_text, used);
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned checked = 0;
    mail_header_begin(&iterator, message);
    while (mail_header_next(&iterator, &field)) {
        struct dkim_signature signature;
        struct dkim_key key;
        slice name, record;
        if (!slice_equal_nocase(field.name, SLICE("DKIM-Signature")))
            continue;
        if (dkim_signature_parse(field.name, field.value, &arena, &signature).kind ==
            ERROR_PERMANENT)
            continue; /* rsa-sha1 */
        assert_ok(dkim_signature_parse(field.name, field.value, &arena, &signature));
        assert_ok(arena_format(&arena, &name, "%.*s._domainkey.%.*s", SLICE_ARG(signature.selector),
                               SLICE_ARG(signature.domain)));
        ptrdiff_t at = slice_find_nocase(records, name);
        assert_true(at >= 0);
        slice_cut(slice_from(records, (size_t)at + name.size + 1), '\n', &record, &(slice){0});
        assert_ok(dkim_key_parse(slice_trim(record), &arena, &key));
        error verdict =
            dkim_verify(message, &signature, &key, signature.time > 0 ? signature.time : 0);
        if (failed(verdict))
            print_message("%s: %.*s: %s\n", path, SLICE_ARG(name), verdict.text);
        assert_ok(verdict);
        checked++;
    }
    return checked;
}

static void test_agrees_with_others(void **state)
{
    (void)state;
    unsigned checked = 0;
    for (int i = 1; i <= 6; i++) {
        char path[80];
        snprintf(path, sizeof path, "../shared/vectors/dkim/mail-auth/%03d.txt", i);
        checked += check_vector(path);
    }
    if (checked == 0) {
        print_message("skipped: no vectors beside the project\n");
        skip();
    }
    assert_true(checked >= 6);
}

int main(void)
{
    arena_init(&arena, 16 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_have_a_limit),
        cmocka_unit_test(test_signatures_have_a_limit),
        cmocka_unit_test(test_signs_what_it_verifies),
        cmocka_unit_test(test_needs_a_sender),
        cmocka_unit_test(test_refuses_bad_signatures),
        cmocka_unit_test(test_reads_key_records),
        cmocka_unit_test(test_agrees_with_others),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
