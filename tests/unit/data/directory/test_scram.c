/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What SCRAM gets to know of an account, with the keys and exchanges printed in RFC 5802 5 and RFC
 * 7677 3.
 */
#include "fake.h"

#include "base/metric.h"
#include "crypto/password.h"
#include "crypto/scram.h"
#include "format/text/base64.h"

/* The keys are doveadm's for "pencil", salt and rounds the RFCs'. */
#define SHA_1_KEYS                                                                                 \
    "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE="
#define SHA_256_KEYS                                                                               \
    "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"   \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const char *const domains[] = {"example.org", "xn--bcher-kva.example", NULL};
static const struct fake_row accounts[] = {
    {"old@example.org", SHA_1_KEYS, NULL},
    {"new@example.org", SHA_256_KEYS, NULL},
    {"plain@example.org", "{PLAIN}pencil", NULL},
    {"crypt@example.org",
     "{SHA256-CRYPT}$5$rounds=1000$saltsalt$lhAEjhvxHXt71TRsBd49WsSgF29gEJdwJAoWwQtnQAA", NULL},
    {"broken@example.org", "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,AAAA,AAAA", NULL},
    {"dear@example.org",
     "{SCRAM-SHA-256}4000000000,W22ZaJ0SNY7soEsUEjb6gQ==,"
     "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
     NULL},
    {"none@example.org", "", NULL},
    {NULL, NULL, NULL},
};
static const struct fake_row aliases[] = {{NULL, NULL, NULL}};

/* What client and server say, and prove (RFC 5802 3 AuthMessage). */
static const struct printed {
    enum digest_kind kind;
    const char *account, *salt, *message, *proof, *signature;
} printed[] = {
    {DIGEST_SHA1, "old@example.org", "QSXCR+Q6sek8bf92",
     "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {DIGEST_SHA256, "new@example.org", "W22ZaJ0SNY7soEsUEjb6gQ==",
     "n=user,r=rOprNGfwEbeRWgbNEkqO,"
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static struct arena arena;
static struct directory directory;
static struct directory_settings settings;

static void set_up(void)
{
    settings = test_settings();
    settings.default_domain = SLICE("example.org");
    fake.domains = domains;
    fake.accounts = accounts;
    fake.aliases = aliases;
    fake.quota = NULL;
    fake_directory_open(&directory, &settings);
    arena_reset(&arena);
}

static slice decoded(const char *base64)
{
    slice bytes;
    assert_ok(base64_decode(&arena, slice_from_string(base64), &bytes));
    return bytes;
}

static uint64_t hashed(void)
{
    struct histogram seen;
    metric_histogram(metric_find(SLICE("ringmail_directory_password_seconds"), SLICE_EMPTY), &seen);
    return seen.count;
}

static int64_t bad_hashes(void)
{
    return metric_value(metric_find(SLICE("ringmail_directory_bad_hashes_total"), SLICE_EMPTY));
}

static void assert_proves(const struct scram_keys *keys, const struct printed *p)
{
    uint8_t signature[DIGEST_SIZE_MAX];
    slice message = slice_from_string(p->message), proof = decoded(p->proof),
          server = decoded(p->signature);
    assert_true(scram_proof_is_right(keys, message, proof));
    assert_false(scram_proof_is_right(keys, slice_from(message, 1), proof));
    assert_false(scram_proof_is_right(keys, message, slice_from(proof, 1)));
    scram_signature(keys, message, signature);
    assert_int_equal(server.size, digest_size(keys->kind));
    assert_memory_equal(signature, server.data, server.size);
}

IN_CORE(test_stored_keys)
{
    set_up();
    uint64_t before = hashed();
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        const struct printed *p = &printed[i];
        struct scram_keys keys = {.kind = p->kind};
        slice plain = SLICE_EMPTY;
        assert_ok(
            directory_scram(&directory, slice_from_string(p->account), &arena, &keys, &plain));
        assert_null(plain.data);
        assert_int_equal(keys.rounds, 4096);
        assert_int_equal(keys.salt_size, decoded(p->salt).size);
        assert_proves(&keys, p);
    }
    assert_int_equal(hashed(), before);
    fake_directory_close(&directory);
}

/* Nothing is hashed before there is a proof: it would tell who has an account. */
IN_CORE(test_plain_password)
{
    set_up();
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        const struct printed *p = &printed[i];
        slice salt = decoded(p->salt), plain = SLICE_EMPTY;
        struct scram_keys keys = {.kind = p->kind, .rounds = 4096, .salt_size = salt.size};
        memcpy(keys.salt, salt.data, salt.size);
        uint64_t before = hashed();
        assert_ok(directory_scram(&directory, SLICE("Plain"), &arena, &keys, &plain));
        assert_slice(plain, "pencil");
        assert_int_equal(hashed(), before);
        assert_ok(directory_scram_derive(&directory, plain, &keys));
        assert_int_equal(hashed(), before + 1);
        assert_int_equal(keys.rounds, 4096);
        assert_proves(&keys, p);
    }
    fake_directory_close(&directory);
}

/* RFC 4013: one password, typed on two keyboards, that clients send as one; what it forbids is
 * taken as it is. */
IN_CORE(test_prepared_passwords)
{
    set_up();
    static const struct {
        const char *typed, *prepared;
    } passwords[] = {
        {"Passwo\u0308rter", "Passw\u00f6rter"},
        {"I\u00adX", "IX"},
        {"a\u2028b", "a\u2028b"},
    };
    const struct scram_keys like = {.kind = DIGEST_SHA256, .rounds = 4096, .salt_size = 4};
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        struct scram_keys keys = like, expected = like;
        slice typed = slice_from_string(passwords[i].typed);
        slice prepared = slice_from_string(passwords[i].prepared);
        assert_ok(directory_scram_derive(&directory, typed, &keys));
        scram_keys_make(DIGEST_SHA256, prepared, slice_of(like.salt, like.salt_size), like.rounds,
                        &expected);
        assert_memory_equal(keys.stored_key, expected.stored_key, 32);
        assert_memory_equal(keys.server_key, expected.server_key, 32);
    }
    fake_directory_close(&directory);
}

/* Who has keys stored logs in by the password itself as well, prepared or not when they were made.
 */
IN_CORE(test_a_password_for_stored_keys)
{
    struct directory_account account;
    struct buffer hash;
    set_up();
    static const char *const made_of[] = {"Passw\u00f6rter", "Passwo\u0308rter"};
    for (size_t i = 0; i < 2; i++) {
        struct fake_row row = {"umlaut@example.org", NULL, NULL};
        buffer_init(&hash, 1024);
        assert_ok(password_make(SLICE("SCRAM-SHA-256"), slice_from_string(made_of[i]), &hash));
        buffer_add_byte(&hash, '\0');
        assert_ok(buffer_check(&hash));
        row.value = hash.data;
        const struct fake_row rows[] = {row, {0}};
        fake.accounts = rows;
        directory_invalidate(&directory, SLICE_EMPTY);
        assert_ok(directory_authenticate(&directory, SLICE("umlaut"), SLICE("Passwo\u0308rter"),
                                         &arena, &account));
        assert_error(directory_authenticate(&directory, SLICE("umlaut"), SLICE("Passworter"),
                                            &arena, &account),
                     ERROR_DENIED);
        buffer_close(&hash);
    }
    fake_directory_close(&directory);
}

/* They are all the same to the caller, who has made up a salt: it stays. */
IN_CORE(test_nobody)
{
    set_up();
    static const char *const names[] = {
        "nobody@example.org",
        "nobody",
        "crypt@example.org",
        "none@example.org",
        "broken@example.org",
        "dear",
        "old@example.org",
        "new@elsewhere.example",
        "@example.org",
        "new@[::1]",
        "new@",
        "\xff@example.org",
        "new@example..org",
        "not a name",
    };
    int64_t bad = bad_hashes();
    uint64_t before = hashed();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct scram_keys keys = {.kind = DIGEST_SHA256, .rounds = 7, .salt_size = 3};
        slice plain = SLICE_EMPTY;
        assert_error(
            directory_scram(&directory, slice_from_string(names[i]), &arena, &keys, &plain),
            ERROR_NOT_FOUND);
        assert_null(plain.data);
        assert_int_equal(keys.rounds, 7);
        assert_int_equal(keys.salt_size, 3);
    }
    assert_int_equal(hashed(), before);
    assert_int_equal(bad_hashes(), bad + 2); /* broken, dear: the keeper is told */
    fake_directory_close(&directory);
}

IN_CORE(test_trouble)
{
    set_up();
    struct scram_keys keys = {.kind = DIGEST_SHA256};
    slice plain = SLICE_EMPTY;
    fake.failure = error_make(ERROR_TEMPORARY, "the database is away");
    assert_error(directory_scram(&directory, SLICE("new@example.org"), &arena, &keys, &plain),
                 ERROR_TEMPORARY);
    fake_directory_close(&directory);
}

IN_CORE(test_one_way_to_write_a_name)
{
    set_up();
    static const char *const same[][2] = {
        {"new", "new@example.org"},
        {"NEW@Example.ORG", "new@example.org"},
        {"\"new\"@example.org.", "new@example.org"},
        {"b@B\xc3\xbc"
         "cher.example",
         "b@xn--bcher-kva.example"},
    };
    slice address;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_ok(directory_canonical(&directory, slice_from_string(same[i][0]), &arena, &address));
        assert_true(slice_equal(address, slice_from_string(same[i][1])));
    }
    assert_error(directory_canonical(&directory, SLICE("a@"), &arena, &address), ERROR_MALFORMED);
    fake_directory_close(&directory);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_keys),
        cmocka_unit_test(test_plain_password),
        cmocka_unit_test(test_prepared_passwords),
        cmocka_unit_test(test_a_password_for_stored_keys),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_one_way_to_write_a_name),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
