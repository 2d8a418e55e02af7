/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "crypto/constant.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/random.h"

#include <stdio.h>

static const char *hex(const uint8_t *bytes, size_t size)
{
    static char text[4 * DIGEST_SIZE_MAX + 1];
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

/* FIPS 180-4 examples and RFC 1321 A.5; printf abc | sha384sum and friends say the same. */
static void test_digests_of_abc(void **state)
{
    (void)state;
    static const char *const sums[] = {
        [DIGEST_MD5] = "900150983cd24fb0d6963f7d28e17f72",
        [DIGEST_SHA1] = "a9993e364706816aba3e25717850c26c9cd0d89d",
        [DIGEST_SHA224] = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        [DIGEST_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        [DIGEST_SHA384] = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                          "8086072ba1e7cc2358baeca134c825a7",
        [DIGEST_SHA512] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    };
    for (int kind = DIGEST_MD5; kind <= DIGEST_SHA512; kind++) {
        uint8_t sum[DIGEST_SIZE_MAX];
        digest_of((enum digest_kind)kind, SLICE("abc"), sum);
        assert_string_equal(hex(sum, digest_size((enum digest_kind)kind)), sums[kind]);
    }
}

static void test_pieces_make_the_whole(void **state)
{
    (void)state;
    char data[1000];
    random_bytes(data, sizeof data);
    for (int kind = DIGEST_MD5; kind <= DIGEST_SHA512; kind++) {
        uint8_t whole[DIGEST_SIZE_MAX], pieces[DIGEST_SIZE_MAX];
        digest_of((enum digest_kind)kind, slice_of(data, sizeof data), whole);
        struct digest digest;
        digest_init(&digest, (enum digest_kind)kind);
        for (size_t at = 0, step = 1; at < sizeof data; at += step, step = step * 3 % 131 + 1)
            digest_add(&digest, slice_sub(slice_of(data, sizeof data), at, step));
        digest_finish(&digest, pieces);
        assert_memory_equal(whole, pieces, digest_size((enum digest_kind)kind));
    }
}

/* RFC 2202 2 case 2 and case 6, RFC 4231 4.3 and 4.7 (a key longer than a block) */
static void test_hmac(void **state)
{
    (void)state;
    uint8_t sum[DIGEST_SIZE_MAX];
    char long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    hmac_of(DIGEST_MD5, SLICE("Jefe"), SLICE("what do ya want for nothing?"), sum);
    assert_string_equal(hex(sum, 16), "750c783e6ab0b503eaa86e310a5db738");
    hmac_of(DIGEST_SHA1, slice_of(long_key, 80),
            SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), sum);
    assert_string_equal(hex(sum, 20), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    hmac_of(DIGEST_SHA256, SLICE("Jefe"), SLICE("what do ya want for nothing?"), sum);
    assert_string_equal(hex(sum, 32),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_of(DIGEST_SHA512, slice_of(long_key, sizeof long_key),
            SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), sum);
    assert_string_equal(hex(sum, 64),
                        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}

/* RFC 6070 2, and python3 -c 'import hashlib; print(hashlib.pbkdf2_hmac("sha512", b"password",
 * b"salt", 1000, 100).hex())' */
static void test_pbkdf2(void **state)
{
    (void)state;
    uint8_t out[100];
    pbkdf2(DIGEST_SHA1, SLICE("password"), SLICE("salt"), 1, out, 20);
    assert_string_equal(hex(out, 20), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
    pbkdf2(DIGEST_SHA1, SLICE("password"), SLICE("salt"), 4096, out, 20);
    assert_string_equal(hex(out, 20), "4b007901b765489abead49d926f721d065a429c1");
    pbkdf2(DIGEST_SHA1, SLICE("passwordPASSWORDpassword"),
           SLICE("saltSALTsaltSALTsaltSALTsaltSALTsalt"), 4096, out, 25);
    assert_string_equal(hex(out, 25), "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038");
    pbkdf2(DIGEST_SHA1, slice_of("pass\0word", 9), slice_of("sa\0lt", 5), 4096, out, 16);
    assert_string_equal(hex(out, 16), "56fa6aa75548099dcc37d7f03425e0c3");
    pbkdf2(DIGEST_SHA512, SLICE("password"), SLICE("salt"), 1000, out, 100);
    assert_string_equal(hex(out, 100),
                        "afe6c5530785b6cc6b1c6453384731bd5ee432ee549fd42fb6695779ad8a1c5b"
                        "f59de69c48f774efc4007d5298f9033c0241d5ab69305e7b64eceeb8d834cfec"
                        "6afdec3c1c23982a121f2d4be008889378a49a0dfb104f0d2856e38f44271cdaf6de4341");
}

/* RFC 5869 A.1 and A.3 */
static void test_hkdf(void **state)
{
    (void)state;
    uint8_t out[42], key[22], salt[13], info[10];
    memset(key, 0x0b, sizeof key);
    for (int i = 0; i < 13; i++)
        salt[i] = (uint8_t)i;
    for (int i = 0; i < 10; i++)
        info[i] = (uint8_t)(0xf0 + i);
    hkdf(DIGEST_SHA256, slice_of(key, 22), slice_of(salt, 13), slice_of(info, 10), out, 42);
    assert_string_equal(
        hex(out, 42),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    hkdf(DIGEST_SHA256, slice_of(key, 22), SLICE_EMPTY, SLICE_EMPTY, out, 42);
    assert_string_equal(
        hex(out, 42),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void test_constant_equal(void **state)
{
    (void)state;
    assert_true(constant_equal_slices(SLICE("abc"), SLICE("abc")));
    assert_false(constant_equal_slices(SLICE("abc"), SLICE("abd")));
    assert_false(constant_equal_slices(SLICE("abc"), SLICE("bbc")));
    assert_false(constant_equal_slices(SLICE("abc"), SLICE("abcd")));
    assert_true(constant_equal_slices(SLICE_EMPTY, SLICE_EMPTY));
}

static void test_random_is_not_repeated(void **state)
{
    (void)state;
    char a[40] = {0}, b[40] = {0};
    random_token(a, 32);
    random_token(b, 32);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
                     32);
    assert_int_equal(a[32], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests_of_abc),
        cmocka_unit_test(test_pieces_make_the_whole),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_pbkdf2),
        cmocka_unit_test(test_hkdf),
        cmocka_unit_test(test_constant_equal),
        cmocka_unit_test(test_random_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
