/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys in files and in a directory, and what signs with them on a core.
 */
#include "runtime/in_core.h"

#include "data/directory/directory.h"
#include "data/directory/edit.h"
#include "data/directory/settings.h"
#include "filter/authentic/arc.h"
#include "filter/authentic/dkim_record.h"
#include "filter/authentic/keyring.h"
#include "filter/authentic/signer.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct arena arena;
static struct buffer problems;
static const char message[] = "From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n";

static const char *path_of(const char *name)
{
    slice path;
    const char *string;
    assert_ok(arena_format(&arena, &path, "%s/%s", folder, name));
    assert_ok(arena_string(&arena, path, &string));
    return string;
}

static void write_text(const char *name, slice text)
{
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    fclose(file);
}

static slice key_text(enum signature_algorithm algorithm)
{
    struct signing_key *key = NULL;
    struct buffer pem;
    slice copy;
    buffer_init(&pem, 16384);
    assert_ok(signing_key_make(algorithm, 1024, &key));
    assert_ok(signing_key_write(key, &pem));
    assert_ok(arena_copy(&arena, buffer_slice(&pem), &copy));
    buffer_close(&pem);
    signing_key_destroy(&key);
    return copy;
}

static void make_key(const char *name, enum signature_algorithm algorithm)
{
    write_text(name, key_text(algorithm));
}

static struct dkim_settings settings_of(const slice *items, size_t count)
{
    struct dkim_settings settings = {.keys = {items, count}};
    slice pattern;
    assert_ok(arena_format(&arena, &pattern, "%s/keys/%%d/%%s.key", folder));
    settings.path = pattern;
    return settings;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ringmail-signer-XXXXXX");
    assert_non_null(mkdtemp(folder));
    arena_init(&arena, 64 << 20);
    assert_int_equal(mkdir(path_of("keys"), 0700), 0);
    buffer_init(&problems, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    buffer_close(&problems);
    arena_close(&arena);
    return system(command);
}

static slice item(const char *domain, const char *selector, const char *name)
{
    slice text;
    assert_ok(arena_format(&arena, &text, "%s=%s:%s/%s", domain, selector, folder, name));
    return text;
}

static struct keyring *read_ring(const struct dkim_settings *settings, struct keyring *before)
{
    struct keyring *ring = NULL;
    buffer_reset(&problems);
    assert_ok(keyring_read(settings, before, &problems, &ring));
    return ring;
}

static void test_keyring_finds_files(void **state)
{
    (void)state;
    make_key("one.pem", SIGNATURE_RSA_SHA256);
    mkdir(path_of("keys/b.example"), 0700);
    mkdir(path_of("keys/empty.example"), 0700);
    make_key("keys/b.example/s2.key", SIGNATURE_RSA_SHA256);
    make_key("keys/b.example/s1.key", SIGNATURE_ED25519_SHA256);
    write_text("keys/b.example/readme.txt", SLICE("no key"));
    write_text("keys/b.example/.key", SLICE("no key"));
    const slice items[] = {item("B\xc3\xbc"
                                "cher.Example",
                                "x", "one.pem"),
                           item("a.example", "x", "one.pem")};
    struct dkim_settings settings = settings_of(items, 2);
    struct keyring *ring = read_ring(&settings, NULL);
    unsigned count;
    assert_int_equal(problems.size, 0);
    assert_int_equal(keyring_count(ring), 4);
    const struct keyring_key *keys = keyring_find(ring, SLICE("b.example"), &count);
    assert_int_equal(count, 2);
    assert_slice(keys[0].selector, "s1");
    assert_slice(keys[1].selector, "s2");
    assert_non_null(keyring_find(ring, SLICE("xn--bcher-kva.example"), &count));
    assert_int_equal(count, 1);
    assert_null(keyring_find(ring, SLICE("c.example"), &count));
    assert_int_equal(count, 0);
    keyring_unref(&ring);
}

static void test_keyring_says_what_is_wrong(void **state)
{
    (void)state;
    write_text("bad.pem", SLICE("this is no key"));
    make_key("good.pem", SIGNATURE_ED25519_SHA256);
    const slice items[] = {item("a.example", "x", "bad.pem"), item("a.example", "y", "missing.pem"),
                           item("a.example", "z", "good.pem"), SLICE("nonsense")};
    struct dkim_settings settings = settings_of(items, 4);
    struct keyring *ring = read_ring(&settings, NULL);
    unsigned count;
    const struct keyring_key *keys = keyring_find(ring, SLICE("a.example"), &count);
    assert_int_equal(count, 3);
    assert_int_equal(keys[0].text.size, 0);
    assert_int_equal(keys[1].text.size, 0);
    assert_true(keys[2].text.size > 0);
    slice lines = buffer_slice(&problems);
    assert_true(slice_find(lines, SLICE("bad.pem: ")) >= 0);
    assert_true(slice_find(lines, SLICE("missing.pem: ")) >= 0);
    assert_true(slice_find(lines, SLICE("nonsense: ")) >= 0);
    keyring_unref(&ring);
}

static void test_keyring_limits(void **state)
{
    (void)state;
    enum { COUNT = KEYRING_KEYS_MAX + 1 };
    slice *items = calloc(COUNT, sizeof *items);
    struct keyring *ring = NULL;
    unsigned count;
    assert_non_null(items);
    for (int i = 0; i < COUNT; i++)
        items[i] = SLICE("a.example=x:/nowhere/key.pem");
    struct dkim_settings settings = {.keys = {items, COUNT}};
    assert_error(keyring_read(&settings, NULL, &problems, &ring), ERROR_LIMIT);
    assert_null(ring);
    free(items);
    /* More selectors than may sign: the last ones are left out, and named. */
    slice many[DKIM_SIGNERS_MAX + 2];
    make_key("ed.pem", SIGNATURE_ED25519_SHA256);
    for (int i = 0; i < DKIM_SIGNERS_MAX + 2; i++)
        assert_ok(arena_format(&arena, &many[i], "a.example=s%d:%s/ed.pem", i, folder));
    settings.keys = (struct setting_list){many, DKIM_SIGNERS_MAX + 2};
    ring = read_ring(&settings, NULL);
    assert_non_null(keyring_find(ring, SLICE("a.example"), &count));
    assert_int_equal(count, DKIM_SIGNERS_MAX);
    assert_true(slice_find(buffer_slice(&problems), SLICE("too many selectors")) >= 0);
    keyring_unref(&ring);
}

/* Texts up to KEYRING_SIZE_MAX: one key file, the largest there may be, under very many names. */
static void test_keyring_size(void **state)
{
    (void)state;
    enum {
        TEXTS = KEYRING_SIZE_MAX / SIGNATURE_KEY_TEXT_SIZE_MAX,
        FITS = TEXTS - TEXTS / 16, /* names and paths need room as well */
    };
    static char text[SIGNATURE_KEY_TEXT_SIZE_MAX];
    slice *items = calloc(TEXTS, sizeof *items), pem = key_text(SIGNATURE_ED25519_SHA256);
    struct keyring *ring = NULL;
    struct arena names;
    assert_non_null(items);
    arena_init(&names, 64 << 20);
    memset(text, '\n', sizeof text);
    memcpy(text, pem.data, pem.size);
    write_text("large.pem", slice_of(text, sizeof text));
    for (int i = 0; i < TEXTS; i++)
        assert_ok(arena_format(&names, &items[i], "d%d.example=s:%s/large.pem", i, folder));
    struct dkim_settings settings = {.keys = {items, FITS}};
    ring = read_ring(&settings, NULL);
    assert_int_equal(keyring_count(ring), FITS);
    assert_int_equal(problems.size, 0);
    keyring_unref(&ring);
    settings.keys.count = TEXTS; /* the texts alone are KEYRING_SIZE_MAX */
    assert_error(keyring_read(&settings, NULL, &problems, &ring), ERROR_LIMIT);
    assert_null(ring);
    arena_close(&names);
    free(items);
}

/* A key that is gone at a reload keeps its text, but not one that turned into something else. */
static void test_keyring_keeps_what_it_knew(void **state)
{
    (void)state;
    make_key("one.pem", SIGNATURE_ED25519_SHA256);
    make_key("two.pem", SIGNATURE_ED25519_SHA256);
    const slice items[] = {item("a.example", "one", "one.pem"),
                           item("a.example", "two", "two.pem")};
    struct dkim_settings settings = settings_of(items, 2);
    struct keyring *before = read_ring(&settings, NULL);
    unlink(path_of("one.pem"));
    write_text("two.pem", SLICE("rubbish"));
    struct keyring *after = read_ring(&settings, before);
    unsigned count;
    const struct keyring_key *keys = keyring_find(after, SLICE("a.example"), &count);
    assert_int_equal(count, 2);
    assert_true(keys[0].text.size > 0);
    assert_int_equal(keys[1].text.size, 0);
    assert_true(slice_find(buffer_slice(&problems), SLICE("kept as it was")) >= 0);
    keyring_unref(&before);
    keyring_unref(&after);
}

static void test_path_patterns(void **state)
{
    (void)state;
    static const char *const good[] = {"/a/%d/%s.key", "/a/%s/%d", "/keys/x%d.y/z/%s"};
    static const char *const bad[] = {"a/%d/%s", "/a/%d.%s", "/a/%d", "/a/%s", "/%d/%d/%s", "/x"};
    const char *path;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(keyring_path_check(slice_from_string(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_error(keyring_path_check(slice_from_string(bad[i])), ERROR_MALFORMED);
    assert_ok(keyring_path_of(SLICE("/k/%d/%s.key"), SLICE("x.org"), SLICE("s"), &arena, &path));
    assert_string_equal(path, "/k/x.org/s.key");
}

/* ---- Signing ---- */

static unsigned signatures(slice fields)
{
    unsigned count = 0;
    for (ptrdiff_t at; (at = slice_find(fields, SLICE("DKIM-Signature:"))) >= 0; count++)
        fields = slice_from(fields, (size_t)at + 1);
    return count;
}

static void verify_all(slice fields, slice rest, const struct keyring_key *keys, unsigned count)
{
    slice whole;
    assert_ok(arena_format(&arena, &whole, "%.*s%.*s", SLICE_ARG(fields), SLICE_ARG(rest)));
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned verified = 0;
    mail_header_begin(&iterator, whole);
    while (mail_header_next(&iterator, &field)) {
        struct dkim_signature signature;
        if (!slice_equal_nocase(field.name, SLICE("DKIM-Signature")))
            continue;
        assert_ok(dkim_signature_parse(field.name, field.value, &arena, &signature));
        for (unsigned i = 0; i < count; i++) {
            struct signing_key *key = NULL;
            struct buffer bytes;
            if (!slice_equal(keys[i].selector, signature.selector))
                continue;
            buffer_init(&bytes, 4096);
            assert_ok(signing_key_parse(keys[i].text, &key));
            assert_ok(signing_key_public(key, &bytes));
            struct dkim_key public = {.algorithm = signing_key_algorithm(key),
                                      .public_key = buffer_slice(&bytes)};
            assert_ok(dkim_verify(whole, &signature, &public, time_wall_seconds()));
            signing_key_destroy(&key);
            buffer_close(&bytes);
            verified++;
        }
    }
    assert_int_equal(verified, count);
}

CORE_TEST(test_signs_by_every_selector)
{
    make_key("rsa.pem", SIGNATURE_RSA_SHA256);
    make_key("ed.pem", SIGNATURE_ED25519_SHA256);
    const slice items[] = {
        item("example.org", "rsa", "rsa.pem"), item("example.org", "ed", "ed.pem"),
        item("quick.example", "ed", "ed.pem"), item("broken.example", "x", "missing.pem")};
    struct dkim_settings settings = settings_of(items, 4);
    struct keyring *ring = read_ring(&settings, NULL);
    struct buffer fields;
    unsigned count;
    buffer_init(&fields, 65536);
    assert_ok(signer_start(&settings, ring));
    slice prefix = SLICE("Received: from x\r\n"), body = SLICE(message), whole;
    assert_ok(arena_format(&arena, &whole, "%.*s%.*s", SLICE_ARG(prefix), SLICE_ARG(body)));

    assert_ok(signer_sign(SLICE("Example.Org"), prefix, body, &arena, &fields));
    assert_int_equal(signatures(buffer_slice(&fields)), 2);
    verify_all(buffer_slice(&fields), whole, keyring_find(ring, SLICE("example.org"), &count), 2);

    buffer_reset(&fields);
    assert_ok(signer_sign(SLICE("quick.example"), SLICE_EMPTY, body, &arena, &fields));
    verify_all(buffer_slice(&fields), body, keyring_find(ring, SLICE("quick.example"), &count), 1);

    /* A body above what is hashed in place. */
    slice large;
    char *filler = arena_alloc_bytes(&arena, SIGNER_IN_PLACE_SIZE_MAX + 1);
    memset(filler, 'x', SIGNER_IN_PLACE_SIZE_MAX + 1);
    assert_ok(
        arena_format(&arena, &large, "%s%.*s\r\n", message, SIGNER_IN_PLACE_SIZE_MAX + 1, filler));
    buffer_reset(&fields);
    assert_ok(signer_sign(SLICE("quick.example"), SLICE_EMPTY, large, &arena, &fields));
    verify_all(buffer_slice(&fields), large, keyring_find(ring, SLICE("quick.example"), &count), 1);

    buffer_reset(&fields); /* no key; no domain; no From */
    assert_ok(signer_sign(SLICE("other.example"), prefix, body, &arena, &fields));
    assert_ok(signer_sign(SLICE("[192.0.2.1]"), prefix, body, &arena, &fields));
    assert_ok(signer_sign(SLICE("example.org"), prefix, SLICE("To: x\r\n\r\n"), &arena, &fields));
    assert_int_equal(fields.size, 0);
    assert_error(signer_sign(SLICE("broken.example"), prefix, body, &arena, &fields),
                 ERROR_TEMPORARY);
    assert_int_equal(fields.size, 0);

    /* A reload that takes the domain away. */
    struct dkim_settings less = settings_of(items + 2, 1);
    struct keyring *fresh = read_ring(&less, ring);
    assert_ok(signer_start(&less, fresh));
    assert_ok(signer_sign(SLICE("example.org"), prefix, body, &arena, &fields));
    assert_int_equal(fields.size, 0);
    signer_stop();
    keyring_unref(&ring);
    keyring_unref(&fresh);
    buffer_close(&fields);
}

enum { FIBERS = 3 * SIGNER_BATCH_MAX };
static unsigned signed_count;

static void sign_one(void *argument)
{
    struct arena own;
    struct buffer fields;
    const char *domain = argument;
    arena_init(&own, 1 << 16);
    buffer_init(&fields, 65536);
    assert_ok(signer_sign(slice_from_string(domain), SLICE_EMPTY, SLICE(message), &own, &fields));
    assert_int_equal(signatures(buffer_slice(&fields)), 1);
    signed_count++;
    buffer_close(&fields);
    arena_close(&own);
}

/* More mails at once than a batch takes, of two domains, while keys are read anew in between. */
CORE_TEST(test_signs_in_batches)
{
    make_key("rsa.pem", SIGNATURE_RSA_SHA256);
    const slice items[] = {item("a.example", "s", "rsa.pem"), item("b.example", "s", "rsa.pem")};
    struct dkim_settings settings = settings_of(items, 2);
    struct keyring *ring = read_ring(&settings, NULL);
    struct crew crew;
    static char a[] = "a.example", b[] = "b.example";
    assert_ok(signer_start(&settings, ring));
    signed_count = 0;
    crew_init(&crew, NULL);
    for (int i = 0; i < FIBERS; i++)
        assert_ok(fiber_start(&crew, "sign", sign_one, i % 2 ? a : b));
    assert_ok(fiber_yield());
    assert_ok(signer_start(&settings, ring));
    assert_ok(crew_join(&crew, TIME_NEVER));
    crew_close(&crew);
    assert_int_equal(signed_count, FIBERS);
    signer_stop();
    keyring_unref(&ring);
}

static error find_record(void *argument, slice name, struct arena *unused, instant deadline,
                         slice *out_record)
{
    (void)name, (void)unused, (void)deadline;
    *out_record = *(const slice *)argument;
    return OK;
}

/* Sealed for the first time: no DNS is needed, and none is there. */
CORE_TEST(test_seals)
{
    make_key("ed.pem", SIGNATURE_ED25519_SHA256);
    make_key("rsa.pem", SIGNATURE_RSA_SHA256);
    const slice items[] = {item("b.example", "a", "ed.pem"), item("b.example", "b", "rsa.pem")};
    struct dkim_settings settings = settings_of(items, 2);
    struct keyring *ring = read_ring(&settings, NULL);
    struct buffer fields, record;
    static struct arc_chain chain;
    struct arc_check check;
    struct signing_key *key = NULL;
    unsigned count;
    slice whole, text;
    buffer_init(&fields, 65536);
    buffer_init(&record, 4096);
    assert_ok(signer_start(&settings, ring));
    slice known = SLICE("mx.b.example; spf=pass smtp.mailfrom=a.example");
    assert_ok(signer_seal(SLICE("b.example"), SLICE("Received: x\r\n"), SLICE(message), known,
                          &arena, &fields));
    assert_ok(arena_format(&arena, &whole, "%.*sReceived: x\r\n%s",
                           SLICE_ARG(buffer_slice(&fields)), message));
    assert_true(slice_find(whole, SLICE("i=1; mx.b.example; spf=pass smtp.mailfrom=a.example;\r\n"
                                        "\tdkim=none;\r\n\tarc=none\r\n")) > 0);
    assert_true(slice_find(whole, SLICE("s=b;")) > 0); /* by RSA, where there is a choice */

    const struct keyring_key *keys = keyring_find(ring, SLICE("b.example"), &count);
    assert_ok(signing_key_parse(keys[1].text, &key));
    assert_ok(dkim_record_write(key, &record));
    text = buffer_slice(&record);
    const struct dkim_key_source source = {.find = find_record, .argument = &text};
    size_t size = mail_header_size(whole);
    arc_chain_read(slice_sub(whole, 0, size), &chain);
    assert_ok(arc_check_chain(&chain, slice_sub(whole, 0, size), slice_from(whole, size), &source,
                              &arena, TIME_NEVER, time_wall_seconds(), &check));
    assert_int_equal(check.result, ARC_PASS);

    /* Without a key; and where the chain cannot be checked (no DNS here): mail goes on without. */
    size = fields.size;
    assert_ok(signer_seal(SLICE("c.example"), SLICE_EMPTY, whole, known, &arena, &fields));
    assert_ok(signer_seal(SLICE("b.example"), SLICE_EMPTY, whole, known, &arena, &fields));
    assert_int_equal(fields.size, size);
    signing_key_destroy(&key);
    signer_stop();
    keyring_unref(&ring);
    buffer_close(&fields);
    buffer_close(&record);
}

/* The least recently used goes where more domains sign than may be remembered. */
CORE_TEST(test_forgets_past_its_limit)
{
    make_key("ed.pem", SIGNATURE_ED25519_SHA256);
    static slice items[SIGNER_DOMAINS_MAX + 10];
    enum { COUNT = sizeof items / sizeof *items };
    for (int i = 0; i < COUNT; i++) {
        slice name;
        assert_ok(arena_format(&arena, &name, "d%d.example=s:%s/ed.pem", i, folder));
        items[i] = name;
    }
    struct dkim_settings settings = {.keys = {items, COUNT}};
    struct keyring *ring = read_ring(&settings, NULL);
    struct buffer fields;
    buffer_init(&fields, 65536);
    assert_ok(signer_start(&settings, ring));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < COUNT; i++) {
            slice domain;
            assert_ok(arena_format(&arena, &domain, "d%d.example", i));
            buffer_reset(&fields);
            assert_ok(signer_sign(domain, SLICE_EMPTY, SLICE(message), &arena, &fields));
            assert_int_equal(signatures(buffer_slice(&fields)), 1);
        }
    signer_stop();
    keyring_unref(&ring);
    buffer_close(&fields);
}

static void run_sql(const char *sql, slice value)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path_of("directory.sqlite"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_text(statement, 1, value.data, (int)value.size, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

CORE_TEST(test_asks_the_directory)
{
    struct directory_settings settings;
    struct directory_edit *edit;
    struct directory *directory;
    struct dkim_settings dkim = {0};
    struct buffer fields;
    buffer_init(&fields, 65536);
    assert_ok(settings_default(&directory_setting_table, &arena, &settings));
    settings.path = slice_from_string(path_of("directory.sqlite"));
    settings.dkim_query = SLICE("SELECT * FROM virtual_dkim WHERE domain = ?");
    assert_ok(directory_edit_open(&settings, &edit));
    assert_ok(directory_edit_domain_add(edit, SLICE("example.org")));
    directory_edit_close(&edit);
    run_sql("INSERT INTO virtual_dkim (domain, selector, private_key) VALUES "
            "('example.org', 'one', ?)",
            key_text(SIGNATURE_RSA_SHA256));
    run_sql("INSERT INTO virtual_dkim (domain, selector, private_key) VALUES "
            "('broken.example', 'one', ?)",
            SLICE("rubbish"));
    assert_ok(directory_open(&settings, &directory));
    assert_ok(signer_start(&dkim, NULL));
    for (int i = 0; i < 2; i++) {
        buffer_reset(&fields);
        assert_ok(signer_sign(SLICE("example.org"), SLICE_EMPTY, SLICE(message), &arena, &fields));
        assert_int_equal(signatures(buffer_slice(&fields)), 1);
        assert_true(slice_find(buffer_slice(&fields), SLICE("s=one;")) >= 0);
    }
    /* Another key, as soon as the directory knows. */
    run_sql("UPDATE virtual_dkim SET selector = 'two', private_key = ? WHERE domain = "
            "'example.org'",
            key_text(SIGNATURE_ED25519_SHA256));
    directory_invalidate(directory, SLICE("example.org"));
    buffer_reset(&fields);
    assert_ok(signer_sign(SLICE("example.org"), SLICE_EMPTY, SLICE(message), &arena, &fields));
    assert_true(slice_find(buffer_slice(&fields), SLICE("s=two;")) >= 0);
    /* Gone; never there; of no use. */
    run_sql("DELETE FROM virtual_dkim WHERE selector = ?", SLICE("two"));
    directory_invalidate(directory, SLICE("@example.org"));
    buffer_reset(&fields);
    assert_ok(signer_sign(SLICE("example.org"), SLICE_EMPTY, SLICE(message), &arena, &fields));
    assert_ok(signer_sign(SLICE("x.example"), SLICE_EMPTY, SLICE(message), &arena, &fields));
    assert_int_equal(fields.size, 0);
    assert_error(signer_sign(SLICE("broken.example"), SLICE_EMPTY, SLICE(message), &arena, &fields),
                 ERROR_TEMPORARY);
    signer_stop();
    directory_close(&directory);
    buffer_close(&fields);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keyring_finds_files),
        TEST(test_keyring_says_what_is_wrong),
        TEST(test_keyring_limits),
        TEST(test_keyring_size),
        TEST(test_keyring_keeps_what_it_knew),
        TEST(test_path_patterns),
        TEST(test_signs_by_every_selector),
        TEST(test_signs_in_batches),
        TEST(test_seals),
        TEST(test_forgets_past_its_limit),
        TEST(test_asks_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
