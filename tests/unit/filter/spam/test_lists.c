/* SPDX-License-Identifier: GPL-3.0-or-later
 * DNS lists and the hello's name, against a DNS server in the same core.
 */
#include "net/dns/zone.h"

#include "filter/spam/spam_mail.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
static const slice addresses[] = {
    TEXT("bl.test 127.0.0.2=ADDRESS_LISTED_SPAM 127.0.0.10-11=ADDRESS_LISTED_POLICY"),
    TEXT("white.test 127.0.*.2=ADDRESS_TRUSTED"),
};
static const slice domains[] = {
    TEXT("dbl.test 127.0.1.2=DOMAIN_LISTED_SPAM 127.0.1.&64=DOMAIN_LISTED_PHISHING"),
};

static void open_test(struct spam_test *test)
{
    spam_test_open(test);
    spam_test_stranger(test);
    test->authentic.reverse_name = SLICE("mail.sender.example");
    test->lists.addresses = (struct setting_list){addresses, 2};
    test->lists.domains = (struct setting_list){domains, 1};
    test->mail.deadline = soon();
}

static void lists_are_heard(void *argument)
{
    (void)argument;
    struct spam_test test;
    open_test(&test);
    zone_start(false, NULL);
    zone_a("mail.sender.example", "8.9.10.11");
    zone_a("11.10.9.8.bl.test", "127.0.0.11");
    zone_a("11.10.9.8.white.test", "127.0.5.2");
    zone_a("shop.example.dbl.test", "127.0.1.2");
    zone_a("bank.example.dbl.test", "127.0.1.64");
    spam_test_mail(&test, "", "",
                   "see http://www.shop.example/a and https://login.bank.example/\r\n");
    spam_test_expect(&test, "ADDRESS_LISTED_POLICY ADDRESS_TRUSTED DOMAIN_LISTED_SPAM "
                            "DOMAIN_LISTED_PHISHING -ADDRESS_LISTED_SPAM -HELO_UNKNOWN");
    assert_slice(spam_test_find(&test, "DOMAIN_LISTED_SPAM")->reason, "shop.example in dbl.test");
    assert_slice(spam_test_find(&test, "ADDRESS_LISTED_POLICY")->reason, "8.9.10.11 in bl.test");
    unsigned asked = zone.questions;
    spam_test_mail(&test, "", "", "see http://www.shop.example/a\r\n"); /* the cache knows */
    assert_int_equal(zone.questions, asked);
    zone_stop();
    spam_test_close(&test);
}

static void others_are_not_asked_about(void *argument)
{
    (void)argument;
    struct spam_test test;
    open_test(&test);
    zone_start(false, NULL);
    assert_ok(address_parse_ip(SLICE("10.0.0.1"), &test.mail.peer));
    spam_test_mail(&test, "", "", "see http://www.shop.example/a\r\n");
    assert_int_equal(zone.questions, 0); /* of our own network */
    spam_test_stranger(&test);
    test.lists.enabled = false;
    test.scores.HELO_UNKNOWN = 0;
    spam_test_mail(&test, "", "", "see http://www.shop.example/a\r\n");
    assert_int_equal(zone.questions, 0); /* switched off */
    zone_stop();
    spam_test_close(&test);
}

static void refusals_and_silence_mean_nothing(void *argument)
{
    (void)argument;
    struct spam_test test;
    open_test(&test);
    zone_start(false, NULL);
    zone_a("11.10.9.8.bl.test", "127.255.255.254");
    zone_flags("11.10.9.8.white.test", ZONE_SILENT);
    zone_flags("shop.example.dbl.test", ZONE_BROKEN);
    zone_flags("mail.sender.example", ZONE_SILENT);
    test.lists.timeout = 200 * TIME_MS;
    instant begun = time_now();
    spam_test_mail(&test, "", "", "see http://www.shop.example/a\r\n");
    assert_true(time_now() - begun < 9 * TIME_S); /* the resolver would wait for longer */
    spam_test_expect(&test, "-ADDRESS_LISTED -ADDRESS_LISTED_SPAM -ADDRESS_LISTED_POLICY "
                            "-ADDRESS_TRUSTED -DOMAIN_LISTED_SPAM -HELO_UNKNOWN");
    zone_stop();
    spam_test_close(&test);
}

static void hello_without_a_name(void *argument)
{
    (void)argument;
    struct spam_test test;
    open_test(&test);
    zone_start(false, NULL);
    test.mail.helo = SLICE("nobody.invalid");
    spam_test_mail(&test, "", "", "Hello Anna\r\n");
    spam_test_expect(&test, "HELO_UNKNOWN");
    zone_stop();
    spam_test_close(&test);
}

static void questions_are_few(void *argument)
{
    (void)argument;
    struct spam_test test;
    struct buffer body;
    open_test(&test);
    zone_start(false, NULL);
    buffer_init(&body, 1 << 20);
    for (int i = 0; i < 100; i++)
        buffer_format(&body, "http://www.host%d.example/\r\n", i);
    buffer_add_byte(&body, '\0');
    spam_test_mail(&test, "", "", body.data);
    /* two address lists, one list of domains, A and AAAA of the hello */
    assert_int_equal(zone.questions, 2 + SPAM_LIST_DOMAINS_MAX + 2);
    buffer_close(&body);
    zone_stop();
    spam_test_close(&test);
}

/* SPAM_QUESTIONS_MAX to all lists, where there are many. */
static void questions_have_a_limit(void *argument)
{
    (void)argument;
    enum { LISTS = 10 };
    struct spam_test test;
    struct buffer body;
    slice many[LISTS];
    open_test(&test);
    zone_start(false, NULL);
    test.scores.HELO_UNKNOWN = 0;
    for (unsigned i = 0; i < LISTS; i++)
        assert_ok(arena_format(&test.arena, &many[i], "dbl%u.test 127.0.1.2=DOMAIN_LISTED", i));
    test.lists.domains = (struct setting_list){many, LISTS};
    buffer_init(&body, 1 << 20);
    for (unsigned hosts = 5; hosts <= 6; hosts++) {
        unsigned asked = zone.questions;
        buffer_reset(&body);
        for (unsigned i = 0; i < hosts; i++)
            buffer_format(&body, "http://www.host%u-%u.example/\r\n", hosts, i);
        buffer_add_byte(&body, '\0');
        spam_test_mail(&test, "", "", body.data);
        if (hosts == 5) /* the address, the sender, the hosts; A and AAAA of the hello's name */
            assert_in_range(zone.questions - asked, 2 + LISTS * (1 + hosts),
                            2 + LISTS * (1 + hosts) + 2);
        else /* what was asked before is known: the address and the sender */
            assert_int_equal(zone.questions - asked, SPAM_QUESTIONS_MAX - 2 - LISTS);
    }
    buffer_close(&body);
    zone_stop();
    spam_test_close(&test);
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(lists_are_heard)
ON_CORE(others_are_not_asked_about)
ON_CORE(refusals_and_silence_mean_nothing)
ON_CORE(hello_without_a_name)
ON_CORE(questions_are_few)
ON_CORE(questions_have_a_limit)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_heard),
        cmocka_unit_test(test_others_are_not_asked_about),
        cmocka_unit_test(test_refusals_and_silence_mean_nothing),
        cmocka_unit_test(test_hello_without_a_name),
        cmocka_unit_test(test_questions_are_few),
        cmocka_unit_test(test_questions_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
