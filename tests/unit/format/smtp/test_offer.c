/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/buffer.h"
#include "format/smtp/offer.h"
#include "format/smtp/xtext.h"

static struct smtp_offer read_offer(const char *text)
{
    struct smtp_offer offer;
    smtp_offer_read(slice_from_string(text), &offer);
    return offer;
}

static void test_all(void **state)
{
    (void)state;
    struct smtp_offer offer = read_offer(
        "mx.example SIZE 5\nPIPELINING\nsize 1000\n8bitmime\nCHUNKING\nBINARYMIME\nSMTPUTF8\nDSN\n"
        "STARTTLS\nREQUIRETLS\nDELIVERBY 240\nMT-PRIORITY MIXER\nAUTH LOGIN PLAIN\n"
        "LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1");
    assert_int_equal(offer.extensions, 0x1fff);
    assert_int_equal(offer.size_max, 1000);
    assert_int_equal(offer.deliver_by_min, 240);
    assert_int_equal(offer.recipients_max, 20);
    assert_int_equal(offer.mails_max, 5);
}

static void test_little(void **state)
{
    (void)state;
    assert_int_equal(read_offer("PIPELINING").extensions, 0); /* that is its name */
    assert_int_equal(read_offer("").extensions, 0);
    assert_int_equal(read_offer("mx\nHELP\n\n  \nPIPELININGX").extensions, 0);
    /* binary data need BDAT */
    assert_int_equal(read_offer("mx\nBINARYMIME").extensions, 0);
    assert_int_equal(read_offer("mx\nAUTH=PLAIN").extensions, SMTP_OFFERS_AUTH_PLAIN);
    assert_int_equal(read_offer("mx\nAUTH=LOGIN PLAIN").extensions,
                     SMTP_OFFERS_AUTH_LOGIN | SMTP_OFFERS_AUTH_PLAIN);
}

static void test_malformed(void **state)
{
    (void)state;
    assert_int_equal(read_offer("mx\nSIZE 12x").size_max, 0);
    assert_int_equal(read_offer("mx\nSIZE -1").size_max, 0);
    assert_int_equal(read_offer("mx\nSIZE 99999999999999999999999").size_max, 0);
    assert_int_equal(read_offer("mx\nSIZE  77 ").size_max, 77);
    assert_int_equal(read_offer("mx\nLIMITS RCPTMAX= MAILMAX=a =3 RCPTMAX").recipients_max, 0);
    assert_int_equal(read_offer("mx\nDELIVERBY").deliver_by_min, 0);
}

static void test_orcpt(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1000);
    smtp_xtext_encode_address(&out, SLICE("rfc822"), SLICE("a+b=c@\xc3\xa4"));
    assert_slice(buffer_slice(&out), "a+2Bb+3Dc@+C3+A4");
    buffer_reset(&out);
    smtp_xtext_encode_address(&out, SLICE("UTF-8"), SLICE("a+b\\\xf0\x9f\x98\x80 \xff"));
    assert_slice(buffer_slice(&out), "a\\x{2B}b\\x{5C}\\x{1F600}+20+FF");
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_little),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_orcpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
