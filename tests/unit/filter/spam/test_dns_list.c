/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/dns_list.h"

#include <limits.h>
#include <stdio.h>

static unsigned find(const void *argument, slice name)
{
    (void)argument;
    return name.size == 1 && name.data[0] >= 'A' && name.data[0] <= 'Z'
               ? (unsigned)(name.data[0] - 'A')
               : UINT_MAX;
}
static const struct dns_list_names names = {find, NULL};

static int meaning(const char *text, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    struct dns_list list = {.domains = false};
    unsigned symbol;
    assert_ok(dns_list_parse(slice_from_string(text), &names, &list));
    return dns_list_means(&list, (uint8_t[]){a, b, c, d}, &symbol) ? (int)symbol : -1;
}

static void test_answers(void **state)
{
    (void)state;
    assert_int_equal(meaning("zone.example 127.0.0.2=A 127.0.0.4-7=B", 127, 0, 0, 2), 0);
    assert_int_equal(meaning("zone.example 127.0.0.2=A 127.0.0.4-7=B", 127, 0, 0, 7), 1);
    assert_int_equal(meaning("zone.example 127.0.0.2=A 127.0.0.4-7=B", 127, 0, 0, 8), -1);
    assert_int_equal(meaning("zone.example 127.0.0.&8=A", 127, 0, 0, 12), 0);
    assert_int_equal(meaning("zone.example 127.0.0.&8=A", 127, 0, 0, 4), -1);
    assert_int_equal(meaning("zone.example  127.0.*.2=C ", 127, 0, 77, 2), 2);
    /* RFC 5782 2.1: others are no answers of a list; 127.255.255.0/24 is a refusal */
    assert_int_equal(meaning("zone.example *.*.*.*=A", 192, 0, 2, 1), -1);
    assert_int_equal(meaning("zone.example *.*.*.*=A", 127, 255, 255, 254), -1);
    assert_true(dns_list_is_refusal((uint8_t[]){127, 255, 255, 252}));
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "zone.example",
                                        "127.0.0.2=A",
                                        "zone.example 127.0.0=A",
                                        "zone.example 127.0.0.2.3=A",
                                        "zone.example 127.0.0.256=A",
                                        "zone.example 127.0.0.7-4=A",
                                        "zone.example 127.0.0.&0=A",
                                        "zone.example 127.0.0.2",
                                        "zone.example 127.0.0.2=none",
                                        "zone..example 127.0.0.2=A"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct dns_list list = {.domains = true};
        if (!failed(dns_list_parse(slice_from_string(wrong[i]), &names, &list)))
            fail_msg("%s is a mistake", wrong[i]);
    }
    char many[1000] = "zone.example";
    for (int i = 0; i <= DNS_LIST_CODES_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), " 127.0.0.%d=A", i);
    struct dns_list list = {.domains = true};
    assert_error(dns_list_parse(slice_from_string(many), &names, &list), ERROR_LIMIT);
}

static void test_questions(void **state)
{
    (void)state;
    struct dns_list list = {.domains = false};
    struct address address;
    char text[DNS_LIST_NAME_SIZE];
    assert_ok(dns_list_parse(SLICE("bl.example 127.0.0.2=A"), &names, &list));
    assert_ok(address_parse_ip(SLICE("192.0.2.99"), &address));
    assert_slice(dns_list_address_name(&list, &address, text), "99.2.0.192.bl.example");
    assert_ok(address_parse_ip(SLICE("2001:db8:1:2:3:4:567:89ab"), &address));
    assert_slice(dns_list_address_name(&list, &address, text),
                 "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example");
    assert_slice(dns_list_domain_name(&list, SLICE("shop.example"), text),
                 "shop.example.bl.example");
    char longest[250];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(dns_list_domain_name(&list, slice_of(longest, sizeof longest), text).size, 0);
    address = (struct address){.family = ADDRESS_UNIX};
    assert_int_equal(dns_list_address_name(&list, &address, text).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
