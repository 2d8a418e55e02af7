/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/authentic/arc.h"
#include "format/text/base64.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

/* ---- Keys by name ---- */

enum { RECORDS_MAX = 16 };
static struct records {
    unsigned count;
    slice names[RECORDS_MAX], texts[RECORDS_MAX];
    error trouble;
} records;

static error find_record(void *argument, slice name, struct arena *unused, instant deadline,
                         slice *out_record)
{
    const struct records *all = argument;
    (void)unused, (void)deadline;
    TRY(all->trouble);
    for (unsigned i = 0; i < all->count; i++)
        if (slice_equal_nocase(all->names[i], name)) {
            *out_record = all->texts[i];
            return OK;
        }
    return error_make(ERROR_NOT_FOUND, "no such name");
}
static const struct dkim_key_source source = {.find = find_record, .argument = &records};

static struct arc_check check_message(slice message)
{
    static struct arc_chain chain;
    struct arc_check check = {0};
    size_t size = mail_header_size(message);
    slice header = slice_sub(message, 0, size);
    arc_chain_read(header, &chain);
    assert_ok(arc_check_chain(&chain, header, slice_from(message, size), &source, &arena,
                              TIME_NEVER, 20000, &check));
    return check;
}

/* ---- The suite of others: YAML of one known shape ---- */

static slice take_line(slice *text)
{
    slice line;
    slice_cut(*text, '\n', &line, text);
    return line;
}

static size_t indent_of(slice line)
{
    size_t n = 0;
    while (n < line.size && line.data[n] == ' ')
        n++;
    return n;
}

/* The lines of a block scalar deeper than `outer`, with CRLF; *text moves behind it. */
static slice take_block(slice *text, size_t outer)
{
    size_t indent = 0;
    struct buffer out;
    slice copy;
    buffer_init(&out, 1 << 20);
    unsigned empty = 0;
    while (text->size) {
        slice rest = *text, line = take_line(&rest);
        bool blank = slice_trim(line).size == 0 && line.size <= (indent ? indent : outer + 2);
        if (!blank && indent_of(line) <= outer)
            break;
        *text = rest;
        if (blank) {
            empty++;
            continue;
        }
        if (!indent)
            indent = outer + 2;
        for (; empty; empty--)
            buffer_add(&out, SLICE("\r\n"));
        buffer_add(&out, slice_from(line, indent));
        buffer_add(&out, SLICE("\r\n"));
    }
    assert_ok(arena_copy(&arena, buffer_slice(&out), &copy));
    buffer_close(&out);
    return copy;
}

/* Folded text: lines joined. */
static slice take_folded(slice *text, size_t outer)
{
    struct buffer out;
    slice copy;
    buffer_init(&out, 1 << 16);
    while (text->size) {
        slice rest = *text, line = take_line(&rest);
        if (slice_trim(line).size && indent_of(line) <= outer)
            break;
        *text = rest;
        if (out.size && slice_trim(line).size)
            buffer_add_byte(&out, ' ');
        buffer_add(&out, slice_trim(line));
    }
    assert_ok(arena_copy(&arena, buffer_slice(&out), &copy));
    buffer_close(&out);
    return copy;
}

struct vector {
    slice name, message, expected;
};

static unsigned disagreements, agreements;

static void judge(const struct vector *vector)
{
    struct arc_check check = check_message(vector->message);
    if (slice_equal_nocase(slice_from_string(arc_result_name(check.result)), vector->expected)) {
        agreements++;
        return;
    }
    disagreements++;
    print_message("%.*s: %s (%s), expected %.*s\n", SLICE_ARG(vector->name),
                  arc_result_name(check.result), check.reason ? check.reason : "",
                  SLICE_ARG(vector->expected));
}

enum { VECTORS_MAX = 256 };
static struct vector vectors[VECTORS_MAX];

/* One YAML document: tests, then records. */
static void run_document(slice text)
{
    unsigned count = 0;
    bool in_records = false;
    struct vector *vector = NULL;
    records = (struct records){0};
    while (text.size) {
        slice line = take_line(&text), key, value;
        size_t indent = indent_of(line);
        if (!slice_cut(slice_trim(line), ':', &key, &value))
            continue;
        value = slice_trim(value);
        if (indent == 0) {
            in_records = slice_equal(key, SLICE("txt-records"));
        } else if (in_records && indent == 2) {
            assert_true(records.count < RECORDS_MAX);
            records.names[records.count] = key;
            records.texts[records.count++] =
                slice_starts(value, SLICE(">")) ? take_folded(&text, 2) : value;
        } else if (!in_records && indent == 2) {
            assert_true(count < VECTORS_MAX);
            vector = &vectors[count++];
            *vector = (struct vector){.name = key};
        } else if (vector && indent == 4 && slice_equal(key, SLICE("message"))) {
            vector->message = take_block(&text, 4);
        } else if (vector && indent == 4 && slice_equal(key, SLICE("cv"))) {
            vector->expected =
                slice_starts(value, SLICE("|")) ? slice_trim(take_block(&text, 4)) : value;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (!vectors[i].expected.size) /* three say nothing: their seals say cv=fail */
            vectors[i].expected = SLICE("fail");
        judge(&vectors[i]);
    }
}

static void test_agrees_with_others(void **state)
{
    (void)state;
    static char text[1 << 20];
    FILE *file = fopen("../shared/vectors/arc/arc-draft-validation-tests.yml", "re");
    if (!file) {
        print_message("skipped: no vectors beside the project\n");
        skip();
    }
    slice rest = slice_of(text, fread(text, 1, sizeof text, file));
    fclose(file);
    while (rest.size) {
        ptrdiff_t end = slice_find(slice_from(rest, 1), SLICE("\ndescription:"));
        slice document = end < 0 ? rest : slice_sub(rest, 0, (size_t)end + 2);
        rest = slice_from(rest, document.size);
        run_document(document);
    }
    print_message("%u agree\n", agreements);
    assert_int_equal(disagreements, 0);
    assert_true(agreements >= 171);
}

/* ---- Our own chains ---- */

static const char plain[] = "From: a@a.example\r\nTo: b@b.example\r\nSubject: x\r\n\r\nHello\r\n";

static struct dkim_signer make_signer(enum signature_algorithm algorithm, const char *domain)
{
    struct dkim_signer signer = {.domain = slice_from_string(domain), .selector = SLICE("s")};
    struct buffer bytes, text;
    assert_ok(signing_key_make(algorithm, 1024, &signer.key));
    buffer_init(&bytes, 4096);
    buffer_init(&text, 8192);
    assert_ok(signing_key_public(signer.key, &bytes));
    static char encoded[4096];
    base64_encode_into(encoded, buffer_slice(&bytes));
    slice name, record;
    assert_ok(arena_format(&arena, &name, "s._domainkey.%s", domain));
    assert_ok(arena_format(&arena, &record, "v=DKIM1; k=%s; p=%.*s",
                           algorithm == SIGNATURE_RSA_SHA256 ? "rsa" : "ed25519",
                           (int)base64_encoded_size(bytes.size), encoded));
    records.names[records.count] = name;
    records.texts[records.count++] = record;
    buffer_close(&bytes);
    buffer_close(&text);
    return signer;
}

static error seal_once(slice message, const struct dkim_signer *signer, slice *out_sealed)
{
    static struct arc_chain chain;
    struct buffer fields;
    size_t size = mail_header_size(message);
    enum arc_result validity = check_message(message).result;
    buffer_init(&fields, 1 << 20);
    arc_chain_read(slice_sub(message, 0, size), &chain);
    error problem =
        arc_seal(&chain, slice_sub(message, 0, size), slice_from(message, size), validity,
                 SLICE("mx.b.example; spf=pass smtp.mailfrom=a.example"), signer, 1000, &fields);
    if (!failed(problem))
        problem = arena_format(&arena, out_sealed, "%.*s%.*s", SLICE_ARG(buffer_slice(&fields)),
                               SLICE_ARG(message));
    buffer_close(&fields);
    return problem;
}

static slice replaced(slice message, const char *from, const char *to)
{
    slice changed;
    ptrdiff_t at = slice_find(message, slice_from_string(from));
    assert_true(at >= 0);
    assert_ok(arena_format(&arena, &changed, "%.*s%s%.*s", (int)at, message.data, to,
                           SLICE_ARG(slice_from(message, (size_t)at + strlen(from)))));
    return changed;
}

static void test_seals_what_it_checks(void **state)
{
    (void)state;
    records = (struct records){0};
    struct dkim_signer first = make_signer(SIGNATURE_RSA_SHA256, "b.example");
    struct dkim_signer second = make_signer(SIGNATURE_ED25519_SHA256, "c.example");
    slice one, two, three;
    assert_int_equal(check_message(SLICE(plain)).result, ARC_NONE);
    assert_ok(seal_once(SLICE(plain), &first, &one));
    assert_int_equal(check_message(one).result, ARC_PASS);
    assert_ok(seal_once(one, &second, &two));
    struct arc_check check = check_message(two);
    assert_int_equal(check.result, ARC_PASS);
    assert_int_equal(check.count, 2);
    assert_slice(check.domain, "c.example");
    assert_true(slice_find(two, SLICE("cv=none")) >= 0 && slice_find(two, SLICE("cv=pass")) >= 0);

    /* Changed on the way: the newest set no longer holds; the next one says so, and is the last. */
    slice changed = replaced(two, "Hello", "Howdy");
    assert_int_equal(check_message(changed).result, ARC_FAIL);
    assert_int_equal(check_message(replaced(two, "spf=pass", "spf=fail")).result, ARC_FAIL);
    assert_ok(seal_once(changed, &first, &three));
    assert_true(slice_find(three, SLICE("cv=fail")) >= 0);
    check = check_message(three);
    assert_int_equal(check.result, ARC_FAIL);
    assert_int_equal(check.count, 3);
    assert_error(seal_once(three, &first, &one), ERROR_PERMANENT);

    /* No DNS: nobody knows. */
    static struct arc_chain chain;
    size_t size = mail_header_size(two);
    records.trouble = error_make(ERROR_TIMEOUT, "no answer");
    arc_chain_read(slice_sub(two, 0, size), &chain);
    assert_error(arc_check_chain(&chain, slice_sub(two, 0, size), slice_from(two, size), &source,
                                 &arena, TIME_NEVER, 20000, &check),
                 ERROR_TEMPORARY);
    signing_key_destroy(&first.key);
    signing_key_destroy(&second.key);
}

static void test_stops_at_the_limit(void **state)
{
    (void)state;
    static struct arc_chain chain;
    struct buffer text, fields;
    buffer_init(&text, 1 << 20);
    buffer_init(&fields, 1 << 20);
    records = (struct records){0};
    struct dkim_signer signer = make_signer(SIGNATURE_ED25519_SHA256, "b.example");
    for (int i = ARC_SETS_MAX; i > 0; i--)
        buffer_format(&text,
                      "ARC-Seal: i=%d; cv=%s\r\nARC-Message-Signature: i=%d\r\n"
                      "ARC-Authentication-Results: i=%d; x\r\n",
                      i, i == 1 ? "none" : "pass", i, i);
    arc_chain_read(buffer_slice(&text), &chain);
    assert_int_equal(chain.count, ARC_SETS_MAX);
    assert_null(chain.mistake);
    assert_error(arc_seal(&chain, buffer_slice(&text), SLICE_EMPTY, ARC_PASS, SLICE("x"), &signer,
                          1, &fields),
                 ERROR_LIMIT);
    assert_int_equal(fields.size, 0);
    /* One more makes it no chain at all. */
    arc_chain_read(SLICE("ARC-Seal: i=51; cv=none\r\n"), &chain);
    assert_non_null(chain.mistake);
    buffer_close(&text);
    buffer_close(&fields);
    signing_key_destroy(&signer.key);
}

int main(void)
{
    arena_init(&arena, 256 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_others),
        cmocka_unit_test(test_seals_what_it_checks),
        cmocka_unit_test(test_stops_at_the_limit),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
