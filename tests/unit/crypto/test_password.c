/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hashes made by other programs: `doveadm pw -s SCHEME -p 'pässword 1'` (Dovecot 2.3.19) unless a
 * line says otherwise; crypt methods by python3 -c 'import crypt; print(crypt.crypt("pässword 1",
 * SETTING))' and `openssl passwd -6 -salt saltsalt 'pässword 1'`.
 */
#include "check.h"

#include "base/random.h"
#include "crypto/password.h"

#include <stdio.h>

#define PASSWORD "p\xc3\xa4ssword 1"

/* clang-format off */
static const char *const made_elsewhere[] = {
    "{SHA512-CRYPT}$6$aWWmiyT.l/oTffUv$ogAS3lP2KEfvf3DeHZLXhXX5KklKKt5olmIdXdnm0mHF1Nf1c8VewA14EBDxYvbeUR5Y.o70kuAy5yJB2Feme/",
    "{SHA256-CRYPT}$5$Gt7OJGXwgkg95e7/$SPPt8tWfzsztKghDH2IMkiopubk5iKfOJx.SVAuiPc6",
    "{MD5-CRYPT}$1$aU427I4x$gKcm6aKUU7QG6.QYFuRv0.",
    "{MD5}$1$dgWFZfTg$M4jn/mYMw9rJX9UY/eH9U0",
    "{CRYPT}$2y$05$XUGsww8u3LuETpDlpi.zuO4WuBcJKDuT8yQu34wctDr/HnKGH1g4W",
    "{DES-CRYPT}v3whmNqbiqGLw",
    "{BLF-CRYPT}$2y$05$AETxvkVQkjBp3/oyfWL/huKllVSONZGuo6aXsEdYQbziyMLnsY0Ie",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$kbwUrO8ncdnIM90jXz6m7g$JF1By822IWTXM1MZ/jcAmOAoZpiED9w1C0aSrCEhxqs",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{PBKDF2}$1$Ky.ld53mDupzTtH1$5000$94078d5b5ceacacbf0e2fbcc70626f3aa8a38d20",
    "{SSHA}MzfMp8RpkdS5AjBx0dYDcvBJU4BlSC5D",
    "{SSHA256}f5+I9dT5E9xA61SUtVDGQoAAQaMskfgRGqxVBfWg+AFpJxnP",
    "{SSHA512}DfrBF6muL9jHRS9vGoU7UJhZHJOkJ+IotOpzXbHxqTIcpi83pvY5JNftQCOD2mwNp0oCknxazJSgRmQB0nPUljHxzkE=",
    "{SMD5}XNLOTbmJUtUB91Kb8zJ4vwCsndk=",
    "{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko=",
    "{SHA1}wBFJYYjnh5eS5Eft5JORpd7Gkko=",
    "{SHA256}f7RERuWhObO3oHciFhtpNCnGhD0FNBL7CyE3AkK4vbA=",
    "{SHA512}CKWQ1bFe+6HuV0fkV78KrhRH5bOjFVbkHBnd8vTWw2lc3YVFx8X2I6wtGQoVpZVuVsftC++RLO5GPIvd7H4Lyg==",
    "{PLAIN}" PASSWORD,
    "{CLEARTEXT}" PASSWORD,
    "{PLAIN-MD5}ee0a0fa09df7c1e10c13c2792a1c5fba",
    "{LDAP-MD5}7goPoJ33weEME8J5Khxfug==",
    "{SCRAM-SHA-1}4096,Mu5t03Ym5jo4/AxA1OhFRA==,eApp27vnMsyEwk/2zHzvMhO9bT0=,NJuQ+vTJilCIT5GWq5AsXFlEqbw=",
    "{SCRAM-SHA-256}4096,e4hak9aXdRkckZgo4IpXmQ==,yeqi/0xmzI1zFvn4NSNRI6sottP4+3QV6qfx2ZMImzI=,HLu60jfSRKaq8lCbjLw3uy5wbWEbB+c4B9LhP0uwlig=",
    "{CRAM-MD5}80aec1449634d113e46324e5809848338c28256a7d6da9b7914aa2ece45e4479",
    "{HMAC-MD5}80aec1449634d113e46324e5809848338c28256a7d6da9b7914aa2ece45e4479",
    /* with another encoding */
    "{SHA512.HEX}08a590d5b15efba1ee5747e457bf0aae1447e5b3a31556e41c19ddf2f4d6c3695cdd8545c7c5f623ac2d190a15a5956e56c7ed0bef912cee463c8bddec7e0bca",
    "{SSHA256.HEX}71cd96831785a923ea137a13bd347650ae85917829fa16a368b6a7b5263350317a565fb7",
    "{SSHA.B64}wTn+pk0L550F5mwfaJBrTaO272lB+ieF",
    "{PLAIN.B64}cMOkc3N3b3JkIDE=",
    "{PLAIN.HEX}70c3a47373776f72642031",
    "{SHA256.b64}f7RERuWhObO3oHciFhtpNCnGhD0FNBL7CyE3AkK4vbA=",
    "{SHA1.hex}c011496188e7879792e447ede49391a5dec6924a",
    "{CRAM-MD5.B64}gK7BRJY00RPkYyTlgJhIM4woJWp9bam3kUqi7OReRHk=",
    "{LDAP-MD5.HEX}ee0a0fa09df7c1e10c13c2792a1c5fba",
    "{PLAIN-MD5.B64}7goPoJ33weEME8J5Khxfug==",
    "{PBKDF2.B64}JDEkdTgyQVRBajgwM2VGd1dFYyQ1MDAwJDZmOWE5ZDJlNGJjZjNkYTQ0MjUxZThhY2ZlZWMzMmNmZDVkNDUyMzM=",
    "{SHA512-CRYPT.B64}JDYkdXEyWm91MmZwMjA4cEU2OCRtN2l4THhOTXFxWnZGMFBzYlhKc25TOUY0a2M2endhTFE1cVdEbGljV2RXQnF1Qi5oTlA1TWxYRzVpR0lXUk1HdkpxSzdTYk9IYy50c1pwdlVKZmlxLg==",
    /* sha1 and md5 in hexadecimal without saying so, as other tools store them */
    "{SHA1}c011496188e7879792e447ede49391a5dec6924a",
    "{sha256}7fb44446e5a139b3b7a07722161b693429c6843d053412fb0b21370242b8bdb0",
    /* without a prefix: python crypt, openssl passwd */
    "$y$j9T$abcdefghijklmnop$V1B5.W3KcOyx50BPxPq.vOuCfPipquQ3qZDxkfRUZFA",
    "$gy$j9T$abcdefgh$Sd0HWnSH/A5qLz28e2tDaMkKsUfbl/3zifzGCCBIGcB",
    "$7$CU..../....abcdefghijkl$LddnzhPQIJNj7wV/XT3WefchzJbgtNjtPg9pKAVg8.7",
    "$2b$04$abcdefghijklmnopqrstuu6M4AonsBSlaSmLjwpr7Te.9CyLp4qpK",
    "$6$rounds=1000$saltsalt$LpbUuSkOxu/vg/HbLhWYyO9j1M1J/MWO4e8GVf138hLitJ0fXkiGRg2bjfTk2oHKX1aa.Vv3OoL3QdQPe3rrz/",
    "$6$saltsalt$P/L1.zID2Yy0s.HSEXYSE/fTbYaOU8qJd.0o4XGXJqh3ZLVakoYtS2qfcNjtLD2IzQzzTagYfC7LvCdpWXLBU1",
    "$5$rounds=1000$saltsalt$lhAEjhvxHXt71TRsBd49WsSgF29gEJdwJAoWwQtnQAA",
    "$1$saltsalt$2f.bWx.H.UmlFhfc8jBL/.",
    "$argon2id$v=19$m=65536,t=3,p=1$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "abRy4/6THFs9U",
};

static const char *const refused[] = {
    "", "{", "{}", "{}" PASSWORD, "{PLAIN}", "{PLAIN.XYZ}" PASSWORD, PASSWORD, "*", "!", "!!",
    "{ROT13}cnffjbeq", "{OTP}x", "{NTLM}x", "{PLAIN" PASSWORD, "{SCRAM-SHA-512}x",
    "$apr1$saltsalt$Q17bmANhIA7pctgRGqF/S0", "$3$$8846f7eaee8fb117ad06bdd830b7586c",
    "{SHA}wBFJYYjnh5eS5Eft5JORpd7Gk", "{SHA}", "{SHA256}wBFJYYjnh5eS5Eft5JORpd7Gkko=", "{SSHA}AAAA",
    "{SHA.HEX}zz11496188e7879792e447ede49391a5dec6924a",
    "{SHA512-CRYPT}$5$Gt7OJGXwgkg95e7/$SPPt8tWfzsztKghDH2IMkiopubk5iKfOJx.SVAuiPc6",
    "{BLF-CRYPT}$6$x$y", "{DES-CRYPT}v3whmNqbiqGL", "$2y$05$short", "$2y$x5$AETxvkVQkjBp3/oyfWL/huKllVSONZGuo6aXsEdYQbziyMLnsY0Ie",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$yTHz$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{ARGON2ID}$argon2id$v=18$m=65536,t=3,p=1$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=0,p=1$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{PBKDF2}$1$salt$0$94078d5b5ceacacbf0e2fbcc70626f3aa8a38d20", "{PBKDF2}$2$s$1$x", "{PBKDF2}$1$s$1$94",
    "{SCRAM-SHA-1}4096,Mu5t03Ym5jo4/AxA1OhFRA==,eApp27vnMsyEwk/2zHzvMhO9bT0=", "{SCRAM-SHA-1}0,AA==,AA==,AA==",
    "{CRAM-MD5}80aec1449634d113", "$y$", "$y$j", "$7$C",
};

/* Each would take minutes or gigabytes. */
static const char *const too_dear[] = {
    "$2y$31$AETxvkVQkjBp3/oyfWL/huKllVSONZGuo6aXsEdYQbziyMLnsY0Ie",
    "$2y$16$AETxvkVQkjBp3/oyfWL/huKllVSONZGuo6aXsEdYQbziyMLnsY0Ie",
    "$6$rounds=999999999$saltsalt$x", "$5$rounds=1000001$saltsalt$x",
    "{ARGON2ID}$argon2id$v=19$m=4194304,t=1,p=1$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=17,p=1$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=1,p=17$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU",
    "{PBKDF2}$1$salt$4294967295$94078d5b5ceacacbf0e2fbcc70626f3aa8a38d20",
    "{SCRAM-SHA-1}2000001,Mu5t03Ym5jo4/AxA1OhFRA==,eApp27vnMsyEwk/2zHzvMhO9bT0=,NJuQ+vTJilCIT5GWq5AsXFlEqbw=",
    "$7$LU..../....abcdefghijkl$LddnzhPQIJNj7wV/XT3WefchzJbgtNjtPg9pKAVg8.7",
    "$7$zU..../....abcdefghijkl$LddnzhPQIJNj7wV/XT3WefchzJbgtNjtPg9pKAVg8.7",
    "$7$CU..../..z.abcdefghijkl$LddnzhPQIJNj7wV/XT3WefchzJbgtNjtPg9pKAVg8.7",
    "$y$jHT$abcdefghijklmnop$V1B5.W3KcOyx50BPxPq.vOuCfPipquQ3qZDxkfRUZFA",
    "$y$jST$abcdefghijklmnop$V1B5.W3KcOyx50BPxPq.vOuCfPipquQ3qZDxkfRUZFA",
};
/* clang-format on */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_verifies_what_others_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(made_elsewhere); i++) {
        slice hash = slice_from_string(made_elsewhere[i]);
        error right = password_verify(hash, SLICE(PASSWORD));
        if (failed(right))
            fail_msg("%s: %s", made_elsewhere[i], right.text);
        error wrong = password_verify(hash, SLICE("p\xc3\xa4ssword 2"));
        /* DES crypt reads eight bytes */
        bool des = slice_equal(hash, SLICE("{DES-CRYPT}v3whmNqbiqGLw")) || hash.size == 13;
        if (wrong.kind != (des ? ERROR_NONE : ERROR_DENIED))
            fail_msg("%s takes a wrong password", made_elsewhere[i]);
        assert_int_equal(password_verify(hash, SLICE("q")).kind, ERROR_DENIED);
        assert_int_equal(password_verify(hash, SLICE_EMPTY).kind, ERROR_DENIED);
        assert_int_equal(password_verify(hash, slice_of(PASSWORD "\0x", sizeof PASSWORD + 1)).kind,
                         ERROR_DENIED);
        assert_int_equal(password_check_hash(hash).kind, ERROR_NONE);
    }
}

static void test_unknown_and_malformed_fail_closed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        slice hash = slice_from_string(refused[i]);
        if (password_verify(hash, SLICE(PASSWORD)).kind != ERROR_PERMANENT)
            fail_msg("not refused: \"%s\"", refused[i]);
        if (password_check_hash(hash).kind != ERROR_PERMANENT &&
            !slice_starts(hash, SLICE("$6$"))) /* crypt itself finds out */
            fail_msg("looks right: \"%s\"", refused[i]);
    }
    char huge[PASSWORD_HASH_SIZE_MAX + 100];
    memset(huge, 'x', sizeof huge);
    memcpy(huge, "{PLAIN}", 7);
    assert_int_equal(password_verify(slice_of(huge, sizeof huge), SLICE("x")).kind,
                     ERROR_PERMANENT);
    assert_int_equal(password_verify(slice_of(huge, 1024), slice_of(huge + 7, 1017)).kind,
                     ERROR_DENIED); /* PASSWORD_SIZE_MAX */
}

static void test_cost_is_bounded_before_the_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(too_dear); i++) {
        slice hash = slice_from_string(too_dear[i]);
        if (password_verify(hash, SLICE(PASSWORD)).kind != ERROR_LIMIT)
            fail_msg("not refused: \"%s\"", too_dear[i]);
        assert_int_equal(password_check_hash(hash).kind, ERROR_LIMIT);
    }
}

/* Each bound of the work, met and passed: only the hash is looked at, nothing is computed. */
static void test_cost_at_the_border(void **state)
{
    (void)state;
#define ARGON2_SUM "$yTHz/3nsXwV3EEhjdQQz7A$E1m/TMPvlAyY3w3TtXkooXke6Gj2me5lYuBPG7EqiiU"
    static const struct {
        const char *format;
        unsigned max;
    } cases[] = {
        {"$2y$%02u$AETxvkVQkjBp3/oyfWL/huKllVSONZGuo6aXsEdYQbziyMLnsY0Ie",
         PASSWORD_BCRYPT_COST_MAX},
        {"$5$rounds=%u$saltsalt$lhAEjhvxHXt71TRsBd49WsSgF29gEJdwJAoWwQtnQAA",
         PASSWORD_SHA_ROUNDS_MAX},
        {"{PBKDF2}$1$salt$%u$94078d5b5ceacacbf0e2fbcc70626f3aa8a38d20", PASSWORD_PBKDF2_ROUNDS_MAX},
        {"{SCRAM-SHA-1}%u,Mu5t03Ym5jo4/AxA1OhFRA==,eApp27vnMsyEwk/2zHzvMhO9bT0=,"
         "NJuQ+vTJilCIT5GWq5AsXFlEqbw=",
         PASSWORD_PBKDF2_ROUNDS_MAX},
        {"$argon2id$v=19$m=%u,t=1,p=1" ARGON2_SUM, PASSWORD_MEMORY_KIB_MAX},
        {"$argon2id$v=19$m=1024,t=%u,p=1" ARGON2_SUM, PASSWORD_ARGON2_WORK_MAX / 1024},
        {"$argon2id$v=19$m=1024,t=1,p=%u" ARGON2_SUM, PASSWORD_LANES_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (unsigned past = 0; past < 2; past++) {
            char hash[256];
            snprintf(hash, sizeof hash, cases[i].format, cases[i].max + past);
            if (password_check_hash(slice_from_string(hash)).kind !=
                (past ? ERROR_LIMIT : ERROR_NONE))
                fail_msg("%s: \"%s\"", past ? "not refused" : "refused", hash);
        }
}

/* Argon2's SALT_SIZE_MAX and HASH_SIZE_MAX (crypto/password_argon2.c): what is as long is computed
 * (and is another password's), what is longer is refused unseen. */
static void test_sizes_of_argon2(void **state)
{
    (void)state;
    enum { SALT_SIZE_MAX = 128, HASH_SIZE_MAX = 128 };
    static const struct {
        size_t salt, hash;
        enum error_kind kind;
    } rows[] = {
        {SALT_SIZE_MAX, HASH_SIZE_MAX, ERROR_DENIED},
        {SALT_SIZE_MAX + 1, HASH_SIZE_MAX, ERROR_PERMANENT},
        {SALT_SIZE_MAX, HASH_SIZE_MAX + 1, ERROR_PERMANENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[600], bytes[400]; /* of zeros, in base64 without its padding */
        memset(bytes, 'A', sizeof bytes);
        snprintf(text, sizeof text, "{ARGON2ID}$argon2id$v=19$m=64,t=1,p=1$%.*s$%.*s",
                 (int)(rows[i].salt * 4 + 2) / 3, bytes, (int)(rows[i].hash * 4 + 2) / 3, bytes);
        assert_error(password_verify(slice_from_string(text), SLICE("secret")), rows[i].kind);
    }
}

static void test_makes_what_it_verifies(void **state)
{
    (void)state;
    static const char *const made[][2] = {{"", "{BLF-CRYPT}$2y$10$"},
                                          {"SHA512-CRYPT", "{SHA512-CRYPT}$6$rounds="},
                                          {"sha256-crypt", "{SHA256-CRYPT}$5$rounds="},
                                          {"ARGON2ID", "{ARGON2ID}$argon2id$v=19$"},
                                          {"SCRAM-SHA-256", "{SCRAM-SHA-256}15000,"},
                                          {"scram-sha-1", "{SCRAM-SHA-1}15000,"},
                                          {"PLAIN", "{PLAIN}" PASSWORD}};
    for (size_t i = 0; i < COUNT(made); i++) {
        struct buffer a, b;
        buffer_init(&a, PASSWORD_HASH_SIZE_MAX);
        buffer_init(&b, PASSWORD_HASH_SIZE_MAX);
        slice scheme = slice_from_string(made[i][0]);
        assert_int_equal(password_make(scheme, SLICE(PASSWORD), &a).kind, ERROR_NONE);
        assert_int_equal(password_make(scheme, SLICE(PASSWORD), &b).kind, ERROR_NONE);
        assert_true(slice_starts(buffer_slice(&a), slice_from_string(made[i][1])));
        assert_int_equal(slice_equal(buffer_slice(&a), buffer_slice(&b)),
                         i == COUNT(made) - 1); /* all but PLAIN are salted */
        assert_int_equal(password_verify(buffer_slice(&a), SLICE(PASSWORD)).kind, ERROR_NONE);
        assert_int_equal(password_verify(buffer_slice(&a), SLICE("x")).kind, ERROR_DENIED);
        buffer_close(&a);
        buffer_close(&b);
    }
}

static void test_refuses_to_make(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, PASSWORD_HASH_SIZE_MAX);
    char longer[PASSWORD_SIZE_MAX + 2];
    memset(longer, 'x', sizeof longer);
    slice seventy_three = slice_of(longer, PASSWORD_BCRYPT_INPUT_MAX + 1);
    assert_int_equal(password_make(SLICE_EMPTY, SLICE_EMPTY, &out).kind, ERROR_MALFORMED);
    assert_int_equal(password_make(SLICE_EMPTY, slice_of("a\0b", 3), &out).kind, ERROR_MALFORMED);
    assert_int_equal(password_make(SLICE("ROT13"), SLICE("x"), &out).kind, ERROR_NOT_FOUND);
    assert_int_equal(password_make(SLICE("BLF-CRYPT"), seventy_three, &out).kind, ERROR_LIMIT);
    assert_int_equal(password_make(SLICE_EMPTY, slice_of(longer, PASSWORD_SIZE_MAX + 1), &out).kind,
                     ERROR_LIMIT);
    assert_int_equal(out.size, 0);
    /* The default takes another scheme rather than cut a password off. */
    assert_int_equal(password_make(SLICE_EMPTY, seventy_three, &out).kind, ERROR_NONE);
    assert_true(slice_starts(buffer_slice(&out), SLICE("{SHA512-CRYPT}")));
    assert_int_equal(
        password_verify(buffer_slice(&out), slice_of(longer, PASSWORD_BCRYPT_INPUT_MAX)).kind,
        ERROR_DENIED);
    buffer_close(&out);
}

/* No mutation of a hash crashes, or makes another password right. Cheap schemes only. */
static void test_mutated_hashes_never_open(void **state)
{
    (void)state;
    random_seed(7);
    for (int round = 0; round < 60000; round++) {
        char hash[256];
        const char *source = made_elsewhere[random_below(COUNT(made_elsewhere))];
        size_t size = strlen(source);
        if (size > sizeof hash || strstr(source, "$y$") || strstr(source, "$7$") ||
            strstr(source, "rgon") || strstr(source, "gy"))
            continue;
        memcpy(hash, source, size);
        for (uint64_t i = random_below(3) + 1; i > 0; i--)
            hash[random_below(size)] = (char)random_below(256);
        slice mutated = slice_of(hash, random_below(8) ? size : random_below(size));
        if (slice_find(mutated, SLICE("$")) >= 0)
            error_ignore(password_check_hash(mutated));
        else
            assert_int_not_equal(password_verify(mutated, SLICE("another")).kind, ERROR_NONE);
    }
    password_waste_time(SLICE_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_of_argon2),
        cmocka_unit_test(test_verifies_what_others_made),
        cmocka_unit_test(test_unknown_and_malformed_fail_closed),
        cmocka_unit_test(test_cost_is_bounded_before_the_work),
        cmocka_unit_test(test_cost_at_the_border),
        cmocka_unit_test(test_makes_what_it_verifies),
        cmocka_unit_test(test_refuses_to_make),
        cmocka_unit_test(test_mutated_hashes_never_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
