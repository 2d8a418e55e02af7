/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/mail/autoconfig.h"

static struct arena arena;
static struct buffer out;

static struct autoconfig example(void)
{
    return (struct autoconfig){
        .domain = SLICE("example.org"),
        .host = SLICE("mail.example.org"),
        .address = SLICE("a&b@example.org"),
        .servers = {{AUTOCONFIG_IMAP, 993, true}, {AUTOCONFIG_SMTP, 587, false}},
        .count = 2,
    };
}

static bool has(const char *text)
{
    return slice_find(buffer_slice(&out), slice_from_string(text)) >= 0;
}

static void test_writes_for_thunderbird(void **state)
{
    (void)state;
    struct autoconfig config = example();
    buffer_reset(&out);
    autoconfig_thunderbird_write(&config, &out);
    assert_true(has("<emailProvider id=\"example.org\">\n<domain>example.org</domain>"));
    assert_true(has("<incomingServer type=\"imap\">\n<hostname>mail.example.org</hostname>\n"
                    "<port>993</port>\n<socketType>SSL</socketType>"));
    assert_true(has("<outgoingServer type=\"smtp\">\n<hostname>mail.example.org</hostname>\n"
                    "<port>587</port>\n<socketType>STARTTLS</socketType>"));
    assert_true(has("<username>%EMAILADDRESS%</username>\n</outgoingServer>"));
}

static void test_writes_for_outlook(void **state)
{
    (void)state;
    struct autoconfig config = example();
    buffer_reset(&out);
    autoconfig_outlook_write(&config, &out);
    assert_true(has("<DisplayName>a&amp;b@example.org</DisplayName>"));
    assert_true(has("<Type>IMAP</Type>\n<Server>mail.example.org</Server>\n<Port>993</Port>\n"
                    "<LoginName>a&amp;b@example.org</LoginName>"));
    assert_true(has("<Encryption>TLS</Encryption>"));
}

static error parse(const char *text, slice *out_address)
{
    return autoconfig_outlook_parse(slice_from_string(text), &arena, out_address);
}

static void test_reads_requests(void **state)
{
    (void)state;
    slice address;
    assert_ok(parse("<?xml version=\"1.0\"?><Autodiscover xmlns=\"x\"><Request><EMailAddress>"
                    "a@b.example</EMailAddress><AcceptableResponseSchema>y"
                    "</AcceptableResponseSchema></Request></Autodiscover>",
                    &address));
    assert_slice(address, "a@b.example");
    assert_ok(parse("<x:emailaddress a='b'> a&amp;b@c.example\r\n</x:emailaddress>", &address));
    assert_slice(address, "a&b@c.example");
    static const char *const bad[] = {
        "",
        "<",
        "<a>",
        "a@b.example",
        "<EMailAddress>",
        "<EMailAddress></EMailAddress>",
        "<EMailAddress>nobody</EMailAddress>",
        "<EMailAddress>a b@c</EMailAddress>",
        "<EMailAddress>&x;@b.example</EMailAddress>",
        "<EMailAddress>@b</EMailAddress>",
        "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]><EMailAddress>a@b</EMailAddress>",
        "</EMailAddress>a@b<EMailAddres>a@b</EMailAddres>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_error(parse(bad[i], &address), ERROR_MALFORMED);
}

static void test_limits(void **state)
{
    (void)state;
    static char text[AUTOCONFIG_REQUEST_SIZE_MAX + 2];
    slice address;
    memset(text, ' ', sizeof text - 1);
    assert_error(parse(text, &address), ERROR_LIMIT);
    memcpy(text, "<EMailAddress>a@", 16);
    memset(text + 16, 'b', AUTOCONFIG_ADDRESS_SIZE_MAX);
    memcpy(text + 16 + AUTOCONFIG_ADDRESS_SIZE_MAX, "</EMailAddress>\0", 16);
    assert_error(parse(text, &address), ERROR_LIMIT);
    memcpy(text + 16 + AUTOCONFIG_ADDRESS_SIZE_MAX - 2, "</EMailAddress>\0", 16);
    assert_ok(parse(text, &address));
    assert_int_equal(address.size, AUTOCONFIG_ADDRESS_SIZE_MAX);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    buffer_init(&out, 1 << 16);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_for_thunderbird),
        cmocka_unit_test(test_writes_for_outlook),
        cmocka_unit_test(test_reads_requests),
        cmocka_unit_test(test_limits),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    buffer_close(&out);
    return failures;
}
