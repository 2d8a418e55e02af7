/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The exchanges printed in RFC 5802 5 and RFC 7677 3, byte by byte; what a client may not do.
 */
#include "check.h"

#include "service/login/scram.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

struct printed {
    enum digest_kind kind;
    const char *keys, *first, *nonce, *server_first, *final, *server_final;
};

/* The keys are doveadm's for "pencil", salt and rounds the RFCs'. */
static const struct printed printed[] = {
    {DIGEST_SHA1, "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {DIGEST_SHA256,
     "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
     "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
     "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};
enum { PRINTED = sizeof printed / sizeof *printed };

static error answer(const struct printed *p, const char *final_text, slice binding,
                    slice *out_message)
{
    struct scram_keys keys;
    struct scram_first first;
    struct scram_final final;
    assert_ok(scram_keys_parse(slice_from_string(p->keys), p->kind, &keys));
    assert_ok(scram_first_parse(slice_from_string(p->first), &arena, &first));
    assert_ok(scram_final_parse(slice_from_string(final_text), &arena, &final));
    return scram_answer_write(&first, slice_from_string(p->server_first), &final, binding, &keys,
                              &arena, out_message);
}

static void test_printed_exchanges(void **state)
{
    (void)state;
    for (int i = 0; i < PRINTED; i++) {
        slice message;
        struct scram_keys made, keys;
        assert_ok(answer(&printed[i], printed[i].final, SLICE_EMPTY, &message));
        assert_int_equal(message.size, strlen(printed[i].server_final));
        assert_memory_equal(message.data, printed[i].server_final, message.size);
        assert_ok(scram_keys_parse(slice_from_string(printed[i].keys), printed[i].kind, &keys));
        scram_keys_make(printed[i].kind, SLICE("pencil"), slice_of(keys.salt, keys.salt_size),
                        keys.rounds, &made);
        assert_memory_equal(&made, &keys, sizeof keys);
        struct buffer text;
        buffer_init(&text, 1024);
        scram_keys_write(&made, &text);
        assert_int_equal(text.size, strlen(printed[i].keys));
        assert_memory_equal(text.data, printed[i].keys, text.size);
        buffer_close(&text);
    }
}

/* Whatever byte of the proof or the nonce is another, it is not the client. */
static void test_wrong_proofs(void **state)
{
    (void)state;
    for (int i = 0; i < PRINTED; i++) {
        slice message = SLICE("untouched");
        char final[256];
        size_t size = strlen(printed[i].final);
        for (size_t at = strlen("c=biws,r="); at + 1 < size; at++) {
            memcpy(final, printed[i].final, size + 1);
            if (final[at] == '=' || final[at] == ',' || final[at - 1] == ',' || final[at] == 'p')
                continue;
            final[at] = final[at] == 'A' ? 'B' : 'A';
            if (at + 2 == size) /* its last bits count for nothing */
                continue;
            assert_error(answer(&printed[i], final, SLICE_EMPTY, &message), ERROR_DENIED);
        }
        assert_slice(message, "untouched");
        /* a binding that the client did not mean */
        assert_error(answer(&printed[i], printed[i].final, SLICE("x"), &message), ERROR_DENIED);
    }
}

static void test_challenge(void **state)
{
    (void)state;
    struct scram_keys keys = {.kind = DIGEST_SHA256, .rounds = 5000, .salt_size = 3};
    struct scram_first first;
    slice message;
    memcpy(keys.salt, "abc", 3);
    assert_ok(scram_first_parse(SLICE("y,a=b=2Cc,n=J=3Drg,r=x,e=xtension"), &arena, &first));
    assert_int_equal(first.binding, SCRAM_BINDING_UNOFFERED);
    assert_slice(first.authorization, "b,c");
    assert_slice(first.name, "J=rg");
    assert_slice(first.nonce, "x");
    assert_slice(first.header, "y,a=b=2Cc,");
    assert_slice(first.bare, "n=J=3Drg,r=x,e=xtension");
    assert_ok(scram_challenge_write(&first, "012345678901234567890123", &keys, &arena, &message));
    assert_slice(message, "r=x012345678901234567890123,s=YWJj,i=5000");
    assert_ok(scram_first_parse(SLICE("p=tls-exporter,,n=u,r=x"), &arena, &first));
    assert_int_equal(first.binding, SCRAM_BINDING_EXPORTER);
    assert_ok(scram_first_parse(SLICE("p=tls-server-end-point,,n=u,r=x"), &arena, &first));
    assert_int_equal(first.binding, SCRAM_BINDING_END_POINT);
    assert_slice(first.header, "p=tls-server-end-point,,");
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const firsts[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=",
        "n,,n=u",
        "n,,n=u,",
        "n,,n=u,r=",
        "n,,n=,r=x",
        "n,,r=x,n=u",
        "x,,n=u,r=x",
        "p,,n=u,r=x",
        "p=,,n=u,r=x",
        "n,b=x,n=u,r=x",
        "n,a=x",
        "n,,m=x,n=u,r=x",
        "n,,n=u=,r=x",
        "n,,n=u=2,r=x",
        "n,,n=u=2c,r=x",
        "n,,n=u,r=x\x7f",
        "n,,n=u,r=a b",
        "n,,n=\xff,r=x",
        "p=tls-unique,,n=u,r=x",
        "n,a==,n=u,r=x",
    };
    static const char *const finals[] = {
        "",
        "c=biws",
        "c=biws,r=x",
        "c=biws,r=x,p",
        "r=x,c=biws,p=AAAA",
        "c=b,r=x,p=AAAA",
        "c=biws,r=x,p=A",
        "c=biws,r=x,p=!!!!",
        "c=biws,p=AAAA",
        "r=x,p=AAAA",
        "c=biws,r=x,p=AAAA,e=x",
    };
    struct scram_first first;
    struct scram_final final;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        if (scram_first_parse(slice_from_string(firsts[i]), &arena, &first).kind != ERROR_MALFORMED)
            fail_msg("taken: %s", firsts[i]);
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
        if (scram_final_parse(slice_from_string(finals[i]), &arena, &final).kind != ERROR_MALFORMED)
            fail_msg("taken: %s", finals[i]);
    assert_error(scram_first_parse(SLICE("n,,n=u\0,r=x"), &arena, &first), ERROR_MALFORMED);
    assert_ok(scram_final_parse(SLICE("c=biws,r=x,e=x,p=AAAA"), &arena, &final));
    assert_slice(final.unproved, "c=biws,r=x,e=x");
}

static void test_limit_of_the_nonce(void **state)
{
    (void)state;
    struct scram_first first;
    char text[SCRAM_CLIENT_NONCE_SIZE_MAX + 20];
    for (size_t size = SCRAM_CLIENT_NONCE_SIZE_MAX; size <= SCRAM_CLIENT_NONCE_SIZE_MAX + 1;
         size++) {
        int begin = snprintf(text, sizeof text, "n,,n=u,r=");
        memset(text + begin, 'x', size);
        assert_error(scram_first_parse(slice_of(text, (size_t)begin + size), &arena, &first),
                     size > SCRAM_CLIENT_NONCE_SIZE_MAX ? ERROR_LIMIT : ERROR_NONE);
    }
}

static void test_limit_of_the_salt(void **state)
{
    (void)state;
    struct scram_keys keys;
    for (size_t size = SCRAM_SALT_SIZE_MAX; size <= SCRAM_SALT_SIZE_MAX + 1; size++) {
        char text[1024], salt[SCRAM_SALT_SIZE_MAX * 2];
        size_t digits = (size * 4 + 2) / 3;
        memset(salt, 'A', digits);
        int length = snprintf(text, sizeof text,
                              "4096,%.*s,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOsh"
                              "SulAsxiupA+qs2/fTE=",
                              (int)digits, salt);
        assert_error(scram_keys_parse(slice_of(text, (size_t)length), DIGEST_SHA1, &keys),
                     size > SCRAM_SALT_SIZE_MAX ? ERROR_PERMANENT : ERROR_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printed_exchanges),  cmocka_unit_test(test_wrong_proofs),
        cmocka_unit_test(test_challenge),          cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_limit_of_the_nonce), cmocka_unit_test(test_limit_of_the_salt),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
