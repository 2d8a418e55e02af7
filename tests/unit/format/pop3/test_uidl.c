/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/pop3/uidl.h"

static struct buffer out;

static void check(const char *format, const char *expected)
{
    const struct pop3_uidl_parts parts = {
        .uid = 26, .uid_validity = 0x6b039d2b, .base_name = SLICE("1700000000.M1P1.host,S=5")};
    assert_ok(pop3_uidl_check(slice_from_string(format)));
    buffer_reset(&out);
    pop3_uidl_write(slice_from_string(format), &parts, &out);
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, expected);
}

/* As Dovecot 2.3 writes them; tests/system/test_clients_pop3.py compares with its own answers. */
static void test_formats(void **state)
{
    (void)state;
    check(POP3_UIDL_FORMAT_DEFAULT, "0000001a6b039d2b");
    check("%v.%u", "1795398955.26"); /* Courier's */
    check("%u", "26");
    check("UID%u-%v", "UID26-1795398955");
    check("%Xv%Xu", "6b039d2b1a");
    check("%05u%%", "00026%");
    check("%f", "1700000000.M1P1.host,S=5");
}

/* RFC 1939 7: at most 70 bytes. */
static void test_size(void **state)
{
    (void)state;
    const struct pop3_uidl_parts most = {.uid = UINT32_MAX, .uid_validity = UINT32_MAX};
    buffer_reset(&out);
    pop3_uidl_write(SLICE(POP3_UIDL_FORMAT_DEFAULT), &most, &out);
    assert_true(out.size <= POP3_UIDL_SIZE_MAX);
    assert_slice(buffer_slice(&out), "ffffffffffffffff");
    assert_ok(pop3_uidl_check(SLICE("%020u%020u%020u%u")));
    assert_error(pop3_uidl_check(SLICE("%020u%020u%020u%ux")), ERROR_LIMIT);
}

static void test_refusals(void **state)
{
    (void)state;
    /* the last: WIDTH_MAX is 20 */
    const char *const bad[] = {"",       "same", "%v",     "%m%u", "%u %v",
                               "%u\x7f", "%u%",  "%u%08X", "%021u"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_error(pop3_uidl_check(slice_from_string(bad[i])), ERROR_MALFORMED);
    char text[POP3_UIDL_FORMAT_SIZE_MAX + 1];
    memset(text, '%', sizeof text); /* each two are one */
    text[1] = 'u';
    assert_ok(pop3_uidl_check(slice_of(text, POP3_UIDL_FORMAT_SIZE_MAX)));
    assert_error(pop3_uidl_check(slice_of(text, sizeof text)), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_refusals),
    };
    buffer_init(&out, 4096);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return result;
}
