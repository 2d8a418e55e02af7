/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/dns/message.h"

#include <string.h>

static struct arena arena;

/* A reply to MX example.org: two records, the second name compressed, one of another owner. */
#define QUESTION_MX "\7example\3org\0\0\x0f\0\1"
#define HEADER(flags, answers, authorities) "\x12\x34" flags "\0\1" answers authorities "\0\0"

static void test_reads_mx(void **state)
{
    (void)state;
    struct dns_answer answer;
    static const slice reply = SLICE(HEADER("\x81\xa0", "\0\3", "\0\0") QUESTION_MX
                                     "\xc0\x0c\0\x0f\0\1\0\0\x0e\x10\0\x09\0\x0a\4MX-1\xc0\x0c"
                                     "\5other\xc0\x14\0\x0f\0\1\0\0\0\1\0\4\0\1\xc0\x0c"
                                     "\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\5\0\x14\1.\0");
    assert_ok(dns_message_parse(reply, SLICE("Example.ORG."), DNS_MX, &arena, &answer));
    assert_int_equal(answer.code, DNS_NO_ERROR);
    assert_true(answer.authentic);
    assert_false(answer.truncated);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.ttl, 60);
    assert_int_equal(answer.records[0].mx.preference, 10);
    assert_slice(answer.records[0].mx.host, "mx-1.example.org");
    assert_int_equal(answer.records[0].ttl, 3600);
    assert_int_equal(answer.records[1].mx.preference, 20);
    assert_slice(answer.records[1].mx.host, "\\046"); /* a dot inside a label is no dot */
    /* another question than the one asked */
    assert_error(dns_message_parse(reply, SLICE("example.net"), DNS_MX, &arena, &answer),
                 ERROR_MALFORMED);
    assert_error(dns_message_parse(reply, SLICE("example.org"), DNS_A, &arena, &answer),
                 ERROR_MALFORMED);
    /* cut anywhere it is refused, never read beyond */
    for (size_t size = 0; size < reply.size; size++) {
        char exact[256];
        memcpy(exact, reply.data, size);
        assert_error(
            dns_message_parse(slice_of(exact, size), SLICE("example.org"), DNS_MX, &arena, &answer),
            ERROR_MALFORMED);
    }
}

static void test_follows_aliases(void **state)
{
    (void)state;
    struct dns_answer answer;
    assert_ok(dns_message_parse(
        SLICE(HEADER("\x81\x80", "\0\3",
                     "\0\0") "\1a\1b\0\0\1\0\1"
                             "\1d\1b\0\0\1\0\1\0\0\0\x64\0\4\xc0\0\2\1"  /* d.b A */
                             "\xc0\x0c\0\5\0\1\0\0\0\x32\0\4\1c\xc0\x0e" /* a.b -> c.b */
                             "\1c\1b\0\0\5\0\1\0\0\0\x32\0\5\1d\1b\0"),
        SLICE("a.b"), DNS_A, &arena, &answer));
    assert_int_equal(answer.count, 1);
    assert_memory_equal(answer.records[0].ip, "\xc0\0\2\1", 4);
    assert_slice(answer.owner, "d.b");
    assert_int_equal(answer.ttl, 50);
    /* a circle ends */
    assert_error(dns_message_parse(SLICE(HEADER("\x81\x80", "\0\1",
                                                "\0\0") "\1a\1b\0\0\1\0\1"
                                                        "\xc0\x0c\0\5\0\1\0\0\0\x32\0\2\xc0\x0c"),
                                   SLICE("a.b"), DNS_A, &arena, &answer),
                 ERROR_LIMIT);
}

static void test_knows_that_there_is_nothing(void **state)
{
    (void)state;
    struct dns_answer answer;
    assert_ok(dns_message_parse(SLICE(HEADER("\x81\x83", "\0\0", "\0\1") QUESTION_MX
                                      "\3org\0\0\6\0\1\0\0\x0e\x10\0\x16\0\0"
                                      "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x1e"),
                                SLICE("example.org"), DNS_MX, &arena, &answer));
    assert_int_equal(answer.code, DNS_NO_SUCH_NAME);
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.ttl, 30);
    assert_ok(dns_message_parse(SLICE(HEADER("\x81\x80", "\0\0", "\0\0") QUESTION_MX),
                                SLICE("example.org"), DNS_MX, &arena, &answer));
    assert_int_equal(answer.ttl, 0); /* no SOA: not to be kept */
}

static void test_reads_other_types(void **state)
{
    (void)state;
    struct dns_answer answer;
    assert_ok(dns_message_parse(
        SLICE(HEADER("\x81\x80", "\0\2", "\0\0") "\1t\0\0\x10\0\1"
                                                 "\xc0\x0c\0\x10\0\1\0\0\0\1\0\x0c\6v=spf1\4 ~al"
                                                 "\xc0\x0c\0\x10\0\1\0\0\0\1\0\1\0"),
        SLICE("t"), DNS_TXT, &arena, &answer));
    assert_slice(answer.records[0].text, "v=spf1 ~al");
    assert_int_equal(answer.records[1].text.size, 0);
    assert_ok(dns_message_parse(
        SLICE(HEADER("\x81\x80", "\0\1", "\0\0") "\3_25\1t\0\0\x34\0\1"
                                                 "\xc0\x0c\0\x34\0\1\0\0\0\1\0\5\3\1\1\xab\xcd"),
        SLICE("_25.t"), DNS_TLSA, &arena, &answer));
    assert_int_equal(answer.records[0].tlsa.usage, 3);
    assert_slice(answer.records[0].tlsa.data, "\xab\xcd");
    assert_ok(dns_message_parse(
        SLICE(HEADER("\x81\x80", "\0\1", "\0\0") "\1t\0\0\x1c\0\1"
                                                 "\xc0\x0c\0\x1c\0\1\0\0\0\1\0\x10"
                                                 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
        SLICE("t"), DNS_AAAA, &arena, &answer));
    assert_memory_equal(answer.records[0].ip, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    assert_ok(dns_message_parse(
        SLICE(HEADER("\x81\x80", "\0\1", "\0\0") "\1t\0\0\x0f\0\1"
                                                 "\xc0\x0c\0\x0f\0\1\0\0\0\1\0\3\0\0\0"),
        SLICE("t"), DNS_MX, &arena, &answer));
    assert_int_equal(answer.records[0].mx.host.size, 0); /* RFC 7505: no mail here */
    assert_ok(dns_message_parse(
        SLICE(HEADER("\x81\x80", "\0\1", "\0\0") "\1t\0\0\x21\0\1"
                                                 "\xc0\x0c\0\x21\0\1\0\0\0\1\0\x0a\0\1\0\2\3\xe1"
                                                 "\1m\xc0\x0c"),
        SLICE("t"), DNS_SRV, &arena, &answer));
    assert_int_equal(answer.records[0].srv.priority, 1);
    assert_int_equal(answer.records[0].srv.weight, 2);
    assert_int_equal(answer.records[0].srv.port, 993);
    assert_slice(answer.records[0].srv.host, "m.t");
    assert_error(dns_message_parse(SLICE(HEADER("\x81\x80", "\0\1",
                                                "\0\0") "\1t\0\0\x21\0\1"
                                                        "\xc0\x0c\0\x21\0\1\0\0\0\1\0\5\0\1\0\2"
                                                        "\3"),
                                   SLICE("t"), DNS_SRV, &arena, &answer),
                 ERROR_MALFORMED);
    /* data of the wrong size */
    assert_error(dns_message_parse(
                     SLICE(HEADER("\x81\x80", "\0\1", "\0\0") "\1t\0\0\1\0\1"
                                                              "\xc0\x0c\0\1\0\1\0\0\0\1\0\3\1\2\3"),
                     SLICE("t"), DNS_A, &arena, &answer),
                 ERROR_MALFORMED);
    assert_error(dns_message_parse(
                     SLICE(HEADER("\x81\x80", "\0\1", "\0\0") "\1t\0\0\x10\0\1"
                                                              "\xc0\x0c\0\x10\0\1\0\0\0\1\0\3\7ab"),
                     SLICE("t"), DNS_TXT, &arena, &answer),
                 ERROR_MALFORMED);
}

static void test_refuses_loops_and_forward_pointers(void **state)
{
    (void)state;
    struct dns_answer answer;
    static const slice wrong[] = {
        SLICE(HEADER("\x81\x80", "\0\0", "\0\0") "\xc0\x0c\0\1\0\1"),      /* to itself */
        SLICE(HEADER("\x81\x80", "\0\0", "\0\0") "\xc0\x0e\1t\0\0\1\0\1"), /* forwards */
        SLICE(HEADER("\x81\x80", "\0\0", "\0\0") "\x41t\0\0\1\0\1"),       /* 01 label */
        SLICE(HEADER("\x01\x80", "\0\0", "\0\0") "\1t\0\0\1\0\1"),         /* no reply */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(dns_message_parse(wrong[i], SLICE("t"), DNS_A, &arena, &answer),
                     ERROR_MALFORMED);
}

static slice reply_begin(char *message, unsigned answers, const char *owner, size_t owner_size)
{
    memcpy(message, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0", 12);
    message[6] = (char)(answers >> 8);
    message[7] = (char)answers;
    memcpy(message + 12, owner, owner_size);
    memcpy(message + 12 + owner_size, "\0\1\0\1", 4);
    return slice_of(message, 16 + owner_size);
}

/* a.b -> b.b -> ... so often, and an address at the end */
static error parse_chain(unsigned hops)
{
    char message[2048];
    struct dns_answer answer;
    slice reply = reply_begin(message, hops + 1, "\1a\1z", 5);
    for (unsigned i = 0; i <= hops; i++) {
        char record[] = "\1a\1z\0\0\5\0\1\0\0\0\x32\0\5\1b\1z"; /* and the last NUL */
        record[1] = (char)('a' + i);
        record[16] = (char)('b' + i);
        memcpy(message + reply.size, record, sizeof record);
        if (i == hops)
            memcpy(message + reply.size + 5, "\0\1\0\1\0\0\0\x32\0\4\xc0\0\2\1", 14);
        reply.size += i == hops ? 19 : sizeof record;
    }
    error problem = dns_message_parse(reply, SLICE("a.z"), DNS_A, &arena, &answer);
    if (!failed(problem))
        assert_int_equal(answer.count, 1);
    return problem;
}

/* The owner of the second record leads over so many pointers, each to the one before it; they lie
 * in the text of the first. */
static error parse_pointers(unsigned pointers)
{
    char message[2048];
    struct dns_answer answer;
    slice reply = reply_begin(message, 2, "\1a\1z", 5);
    message[18] = 16; /* the question is for TXT */
    unsigned text = 2 * (pointers - 1), target = 12;
    memcpy(message + reply.size, "\xc0\x0c\0\x10\0\1\0\0\0\x32\0", 11);
    message[reply.size + 11] = (char)(text + 1);
    message[reply.size + 12] = (char)text;
    reply.size += 13;
    for (unsigned i = 0; i < pointers; i++) {
        message[reply.size] = (char)(0xc0 | target >> 8);
        message[reply.size + 1] = (char)target;
        target = (unsigned)reply.size;
        reply.size += 2;
    }
    memcpy(message + reply.size, "\0\x10\0\1\0\0\0\x32\0\2\1x", 12);
    reply.size += 12;
    error problem = dns_message_parse(reply, SLICE("a.z"), DNS_TXT, &arena, &answer);
    if (!failed(problem))
        assert_int_equal(answer.count, 2);
    return problem;
}

static void test_limits(void **state)
{
    (void)state;
    assert_ok(parse_chain(DNS_CHAIN_MAX));
    assert_error(parse_chain(DNS_CHAIN_MAX + 1), ERROR_LIMIT);
    assert_ok(parse_pointers(DNS_POINTERS_MAX));
    assert_error(parse_pointers(DNS_POINTERS_MAX + 1), ERROR_MALFORMED);
}

static void test_names(void **state)
{
    (void)state;
    char text[DNS_REVERSE_SIZE], name[300];
    assert_true(dns_name_is_valid(SLICE("_25._tcp.mx.example.org.")));
    static const slice wrong[] = {SLICE(""),      SLICE("."),    SLICE("a..b"), SLICE(".a"),
                                  SLICE("a.b.."), SLICE("a\0b"), SLICE("a\\b"), SLICE("a.b..c")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(dns_name_is_valid(wrong[i]));
    memset(name, 'x', sizeof name);
    assert_true(dns_name_is_valid(slice_of(name, 63)));
    assert_false(dns_name_is_valid(slice_of(name, 64)));
    for (size_t i = 50; i < sizeof name; i += 50)
        name[i] = '.';
    assert_true(dns_name_is_valid(slice_of(name, 253)));
    assert_false(dns_name_is_valid(slice_of(name, 254)));
    assert_slice(dns_reverse_name((const uint8_t *)"\xc0\0\2\1", 4, text),
                 "1.2.0.192.in-addr.arpa");
    assert_slice(
        dns_reverse_name((const uint8_t *)"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, text),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_mx),
        cmocka_unit_test(test_follows_aliases),
        cmocka_unit_test(test_knows_that_there_is_nothing),
        cmocka_unit_test(test_reads_other_types),
        cmocka_unit_test(test_refuses_loops_and_forward_pointers),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_names),
    };
    arena_init(&arena, 1 << 20);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return result;
}
