/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One mail, all methods: what is found, what is written, what follows; and that nobody waits for
 * another's answer. DNS is a table whose every answer takes a while.
 */
#include "filter/authentic/zone.h"
#include "runtime/in_core.h"

#include "base/buffer.h"
#include "filter/authentic/authentic.h"
#include "filter/authentic/psl.h"
#include "format/mail/auth_results.h"
#include "format/text/base64.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <stdio.h>

enum { ANSWER_MS = 30 * TEST_SLOWER };
static int64_t answer_ms;

static struct arena arena;
static struct zone zone;
static struct buffer message, field;
static bool dead;     /* no answer at all */
static slice stalled; /* names below it have none before the deadline */
static struct authentic_settings settings;
static struct spf_settings spf;
static struct dmarc_settings dmarc;
static struct authentic found;
static struct authentic_question question;

/* ---- A world ---- */

static error slow_query(void *argument, slice name, enum dns_type type, struct arena *in,
                        instant deadline, struct dns_answer *out_answer)
{
    bool slow = stalled.size > 0 && slice_ends(name, stalled);
    TRY(fiber_sleep(slow ? deadline - time_now() : answer_ms * TIME_MS));
    if (dead || time_now() >= deadline)
        return error_make(ERROR_TIMEOUT, "nobody answers");
    return zone_query(argument, name, type, in, deadline, out_answer);
}

static error slow_key(void *argument, slice name, struct arena *in, instant deadline,
                      slice *out_record)
{
    struct dns_answer answer;
    TRY(slow_query(argument, name, DNS_TXT, in, deadline, &answer));
    *out_record = answer.records[0].text;
    return OK;
}

static const struct dns_source dns = {.query = slow_query, .argument = &zone};
static const struct dkim_key_source keys = {.find = slow_key, .argument = &zone};

static struct dkim_signer signer_of(const char *domain)
{
    struct dkim_signer signer = {.domain = slice_from_string(domain), .selector = SLICE("s")};
    struct buffer bytes;
    char encoded[128];
    slice name, record;
    buffer_init(&bytes, 4096);
    assert_ok(signing_key_make(SIGNATURE_ED25519_SHA256, 0, &signer.key));
    assert_ok(signing_key_public(signer.key, &bytes));
    base64_encode_into(encoded, buffer_slice(&bytes));
    assert_ok(arena_format(&arena, &name, "s._domainkey.%s", domain));
    assert_ok(arena_format(&arena, &record, "v=DKIM1; k=ed25519; p=%.*s",
                           (int)base64_encoded_size(bytes.size), encoded));
    zone_add(&zone, name, DNS_TXT)->data.text = record;
    buffer_close(&bytes);
    return signer;
}

/* Puts fields before the message. */
static void prepend(struct buffer *fields)
{
    buffer_add(fields, buffer_slice(&message));
    buffer_reset(&message);
    buffer_add(&message, buffer_slice(fields));
    assert_ok(buffer_check(&message));
    buffer_close(fields);
}

static void sign(const char *domain)
{
    struct dkim_signer signer = signer_of(domain);
    struct dkim_sign_options options = {.time = 1000};
    struct buffer fields;
    buffer_init(&fields, 65536);
    assert_ok(dkim_sign(buffer_slice(&message), &signer, 1, &options, &fields));
    signing_key_destroy(&signer.key);
    prepend(&fields);
}

static void seal(const char *domain, const char *results)
{
    static struct arc_chain chain;
    struct dkim_signer signer = signer_of(domain);
    struct buffer fields;
    slice whole = buffer_slice(&message);
    size_t size = mail_header_size(whole);
    buffer_init(&fields, 65536);
    arc_chain_read(slice_sub(whole, 0, size), &chain);
    assert_ok(arc_seal(&chain, slice_sub(whole, 0, size), slice_from(whole, size), ARC_NONE,
                       slice_from_string(results), &signer, 1000, &fields));
    signing_key_destroy(&signer.key);
    prepend(&fields);
}

static void write_message(const char *text)
{
    buffer_reset(&message);
    buffer_add_string(&message, text);
}

static void begin(void)
{
    memset(&zone, 0, sizeof zone);
    dead = false;
    stalled = SLICE_EMPTY;
    answer_ms = ANSWER_MS;
    settings = (struct authentic_settings){.check = true, .exempt = SLICE("127.0.0.0/8 unix")};
    spf = (struct spf_settings){0};
    dmarc = (struct dmarc_settings){.enforce = DMARC_ENFORCE_ON};
    zone_text(&zone, "x.example", "v=spf1 a -all exp=why.example");
    zone_text(&zone, "why.example", "%{i} is not one of ours");
    zone_address(&zone, "x.example", "192.0.2.1");
    zone_text(&zone, "h.example", "v=spf1 ip4:192.0.2.1 ~all");
    zone_text(&zone, "_dmarc.x.example", "v=DMARC1; p=reject");
    zone_name(&zone, "1.2.0.192.in-addr.arpa", DNS_PTR, "h.example");
    zone_address(&zone, "h.example", "192.0.2.1");
    question = (struct authentic_question){
        .helo = SLICE("H.example"),
        .sender_local = SLICE("a"),
        .sender_domain = SLICE("x.example"),
        .host = SLICE("mx.example.org"),
        .now = 2000,
        .deadline = time_after(60 * TIME_S),
        .dns = &dns,
        .keys = &keys,
    };
    write_message("From: a@x.example\r\nSubject: x\r\n\r\nHello\r\n");
    assert_ok(authentic_start(&(struct authentic_options){&settings, &spf, &dmarc}));
}

static error check_from(const char *ip)
{
    slice whole = buffer_slice(&message);
    size_t size = mail_header_size(whole);
    assert_ok(address_parse_ip(slice_from_string(ip), &question.peer));
    question.header = slice_sub(whole, 0, size);
    question.body = slice_from(whole, size);
    return authentic_check(&question, &arena, &found);
}

static slice enforced(enum authentic_action expected)
{
    enum authentic_action action;
    slice text;
    assert_ok(authentic_enforce(&found, &arena, &action, &text));
    assert_int_equal(action, expected);
    return text;
}

static slice written(void)
{
    buffer_reset(&field);
    assert_ok(authentic_write(&found, &question, &field));
    return buffer_slice(&field);
}

/* ---- What is found ---- */

CORE_TEST(test_everything_is_fine)
{
    begin();
    sign("x.example");
    answer_ms = 1000;
    instant began = time_now();
    assert_ok(check_from("192.0.2.1"));
    /* The longest way is three answers (SPF: record, a; DMARC: one; DKIM: one), not their sum. */
    assert_true(time_now() - began < 6500 * TIME_MS);
    assert_int_equal(zone.asked, 7);
    assert_int_equal(found.spf_mail, SPF_PASS);
    assert_int_equal(found.spf_helo, SPF_PASS);
    assert_int_equal(found.dkim_count, 1);
    assert_int_equal(found.dkim[0].result, DKIM_PASS);
    assert_int_equal(found.arc, ARC_NONE);
    assert_int_equal(found.dmarc.result, DMARC_PASS);
    assert_slice(found.reverse_name, "h.example");
    slice b = slice_sub(slice_trim(found.dkim[0].signature.hole), 0, 8);
    slice expected;
    bool quoted = slice_find_byte(b, '/') >= 0; /* RFC 2045 5.1: no token then */
    assert_ok(arena_format(&arena, &expected,
                           "Authentication-Results: mx.example.org;\r\n"
                           "\tdmarc=pass header.from=x.example policy.dmarc=reject;\r\n"
                           "\tspf=pass smtp.mailfrom=a@x.example;\r\n"
                           "\tspf=pass smtp.helo=H.example;\r\n"
                           "\tdkim=pass header.d=x.example header.s=s header.b=%s%.*s%s;\r\n"
                           "\tarc=none;\r\n"
                           "\tiprev=pass policy.iprev=192.0.2.1\r\n",
                           quoted ? "\"" : "", SLICE_ARG(b), quoted ? "\"" : ""));
    if (!slice_equal(written(), expected))
        print_message("%.*s", SLICE_ARG(written()));
    assert_true(slice_equal(written(), expected));
    enforced(AUTHENTIC_ACCEPT);
    authentic_stop();
}

CORE_TEST(test_a_forger)
{
    begin();
    assert_ok(check_from("192.0.2.66"));
    assert_int_equal(found.spf_mail, SPF_FAIL);
    assert_int_equal(found.spf_helo, SPF_SOFTFAIL);
    assert_int_equal(found.dkim_count, 0);
    assert_int_equal(found.dmarc.result, DMARC_FAIL);
    assert_int_equal(found.reverse.result, REVERSE_PERMERROR);
    assert_null(found.reverse_name.data);
    assert_slice(enforced(AUTHENTIC_REFUSE), "rejected by DMARC policy of x.example");
    assert_true(
        slice_find(written(), SLICE("dmarc=fail header.from=x.example policy.dmarc=reject")) > 0);
    dmarc.enforce = DMARC_ENFORCE_QUARANTINE;
    enforced(AUTHENTIC_JUNK);
    dmarc.enforce = DMARC_ENFORCE_OFF;
    enforced(AUTHENTIC_ACCEPT);
    spf.refuse_fail = true;
    assert_ok(check_from("192.0.2.66"));
    assert_slice(enforced(AUTHENTIC_REFUSE),
                 "SPF check failed, x.example says: 192.0.2.66 is not one of ours");
    zone.records[1].data.text = SLICE("");
    assert_ok(check_from("192.0.2.66"));
    assert_slice(enforced(AUTHENTIC_REFUSE), "SPF of x.example does not allow mail from this host");
    authentic_stop();
}

CORE_TEST(test_two_authors)
{
    begin();
    write_message("From: a@a.example, a@b.example, a@c.example, a@d.example, a@e.example\r\n\r\n");
    assert_ok(check_from("192.0.2.1"));
    assert_slice(enforced(AUTHENTIC_REFUSE), "not taken: From: names too many domains");
    write_message("Subject: x\r\n\r\n");
    assert_ok(check_from("192.0.2.1"));
    assert_int_equal(found.dmarc.result, DMARC_PERMERROR);
    enforced(AUTHENTIC_ACCEPT);
    authentic_stop();
}

/* Who answers for the client's names, or for the other author's domain, cannot use up the time that
 * the forged domain's policy needs. */
CORE_TEST(test_strangers_who_stall)
{
    begin();
    answer_ms = 0;
    zone.records[0].data.text = SLICE("v=spf1 ptr include:%{p}.y.example include:z.example -all");
    zone_text(&zone, "unknown.y.example", "v=spf1 -all");
    zone_text(&zone, "z.example", "v=spf1 a:h.example -all");
    stalled = SLICE(".in-addr.arpa");
    question.deadline = time_after(3 * TIME_S);
    assert_ok(check_from("192.0.2.66"));
    assert_int_equal(found.spf_mail, SPF_FAIL);
    assert_int_equal(found.dmarc.result, DMARC_FAIL);
    enforced(AUTHENTIC_REFUSE);

    stalled = SLICE("evil.example");
    write_message("From: a@evil.example, a@x.example\r\n\r\n");
    question.deadline = time_after(3 * TIME_S);
    assert_ok(check_from("192.0.2.66"));
    assert_int_equal(found.dmarc.result, DMARC_FAIL);
    assert_slice(found.dmarc.from_domain, "x.example");
    enforced(AUTHENTIC_REFUSE);
    authentic_stop();
}

/* RFC 7208 2.4: a report is sent by postmaster of the hello name. */
CORE_TEST(test_empty_sender)
{
    begin();
    question.sender_local = question.sender_domain = SLICE_EMPTY;
    zone_text(&zone, "_dmarc.h.example", "v=DMARC1; p=reject");
    write_message("From: a@h.example\r\n\r\n");
    assert_ok(check_from("192.0.2.1"));
    assert_int_equal(found.spf_mail, SPF_PASS);
    assert_int_equal(found.spf_helo, SPF_PASS);
    assert_slice(found.spf_domain, "h.example");
    assert_int_equal(found.dmarc.result, DMARC_PASS);
    assert_true(slice_find(written(), SLICE("smtp.mailfrom")) < 0);
    question.helo = SLICE("[192.0.2.1]");
    assert_ok(check_from("192.0.2.1"));
    assert_int_equal(found.spf_mail, SPF_NONE);
    assert_int_equal(found.dmarc.result, DMARC_FAIL);
    authentic_stop();
}

/* Whatever strangers name, the field has room, and no line is too long (RFC 5322 2.1.1). */
CORE_TEST(test_long_names)
{
    char name[2000], local[500];
    begin();
    memset(name, 'd', sizeof name);
    memset(local, 'l', sizeof local);
    answer_ms = 0;
    buffer_reset(&message);
    for (int i = 0; i < DKIM_CHECKS_MAX; i++) {
        int size = i % 2 ? AUTH_RESULTS_VALUE_SIZE_MAX : (int)sizeof name;
        buffer_format(&message,
                      "DKIM-Signature: v=1; a=rsa-sha256; d=%.*s; s=%.*s; h=from; bh=AAAA; "
                      "b=AAAA\r\n",
                      size, name, size, name);
    }
    buffer_add_string(&message, "From: a@x.example\r\n\r\n");
    question.sender_local = slice_of(local, sizeof local);
    assert_ok(check_from("192.0.2.1"));
    assert_int_equal(found.dkim_count, DKIM_CHECKS_MAX);
    slice rest = written(), line;
    assert_true(rest.size < AUTHENTIC_RESULTS_SIZE_MAX);
    assert_true(slice_find(rest, SLICE(" smtp.mailfrom=x.example;")) > 0);
    while (slice_cut(rest, '\n', &line, &rest))
        assert_true(line.size < 998);
    authentic_stop();
}

/* ---- ARC ---- */

static void check_sealed(const char *results, const char *trusted)
{
    slice *items = ARENA_ARRAY(&arena, slice, 2);
    items[0] = SLICE("other.example");
    items[1] = slice_from_string(trusted);
    begin();
    dmarc.trusted_sealers = (struct setting_list){items, 2};
    seal("list.example", results);
    assert_ok(check_from("192.0.2.66"));
    assert_int_equal(found.arc, ARC_PASS);
    assert_int_equal(found.dmarc.result, DMARC_FAIL);
}

CORE_TEST(test_a_trusted_list)
{
    check_sealed("list.example; dmarc=pass header.from=x.example", "List.example");
    assert_true(found.dmarc.overridden);
    enforced(AUTHENTIC_ACCEPT);
    assert_true(slice_find(written(), SLICE("policy.dmarc=none")) > 0);
    check_sealed("list.example; dmarc=pass header.from=x.example", "another.example");
    assert_false(found.dmarc.overridden);
    enforced(AUTHENTIC_REFUSE);
    check_sealed("list.example; spf=pass; dmarc = FAIL header.from=x.example", "list.example");
    assert_false(found.dmarc.overridden);
    enforced(AUTHENTIC_REFUSE);
    authentic_stop();
}

CORE_TEST(test_a_broken_chain)
{
    check_sealed("list.example; dmarc=pass", "list.example");
    buffer_add_string(&message, "added\r\n");
    assert_ok(check_from("192.0.2.66"));
    assert_int_equal(found.arc, ARC_FAIL);
    enforced(AUTHENTIC_REFUSE);
    authentic_stop();
}

/* ---- Trouble ---- */

CORE_TEST(test_dns_is_dead)
{
    begin();
    sign("x.example");
    seal("list.example", "list.example; dmarc=pass");
    dead = true;
    assert_ok(check_from("192.0.2.66"));
    assert_int_equal(found.spf_mail, SPF_TEMPERROR);
    assert_int_equal(found.spf_helo, SPF_TEMPERROR);
    assert_int_equal(found.dkim[0].result, DKIM_TEMPERROR);
    assert_int_equal(found.dmarc.result, DMARC_TEMPERROR);
    assert_true(found.arc_unsure);
    assert_true(found.reverse_unsure);
    enforced(AUTHENTIC_ACCEPT);
    assert_true(slice_find(written(), SLICE("\tarc=")) < 0);
    authentic_stop();
}

static error cancelled_check;
static void check_in_fiber(void *argument)
{
    (void)argument;
    cancelled_check = check_from("192.0.2.1");
}

CORE_TEST(test_cancelled)
{
    struct crew crew;
    begin();
    sign("x.example");
    answer_ms = 600 * 1000;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "test", check_in_fiber, NULL));
    assert_ok(fiber_sleep(20 * TIME_MS));
    crew_close(&crew);
    assert_error(cancelled_check, ERROR_CANCELLED);
    authentic_stop();
}

/* Wherever it runs out, it says so; given enough, it does not. */
CORE_TEST(test_memory)
{
    struct arena small;
    unsigned limits = 0;
    begin();
    sign("x.example");
    answer_ms = 0;
    assert_ok(check_from("192.0.2.1"));
    for (size_t size = 1000;; size += 500) {
        arena_init(&small, size);
        error problem = authentic_check(&question, &small, &found);
        if (!failed(problem))
            break;
        assert_int_equal(problem.kind, ERROR_LIMIT);
        arena_close(&small);
        assert_true(++limits < 200);
    }
    assert_int_equal(found.dmarc.result, DMARC_PASS);
    assert_true(limits > 20);
    arena_close(&small);
    authentic_stop();
}

CORE_TEST(test_whose_mail)
{
    struct address peer;
    assert_ok(address_parse_ip(SLICE("127.0.0.1"), &peer));
    assert_false(authentic_is_wanted(&peer));
    assert_false(authentic_is_exempt(&peer));
    assert_null(authentic_here());
    begin();
    assert_true(authentic_is_exempt(&peer));
    assert_false(authentic_is_wanted(&peer));
    assert_ok(address_parse_ip(SLICE("192.0.2.1"), &peer));
    assert_true(authentic_is_wanted(&peer));
    settings.check = false;
    assert_false(authentic_is_wanted(&peer));
    authentic_stop();
}

int main(void)
{
    arena_init(&arena, 256 << 20);
    buffer_init(&message, 1 << 20);
    buffer_init(&field, 1 << 16);
    assert_ok(psl_open());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_fine),
        cmocka_unit_test(test_a_forger),
        cmocka_unit_test(test_two_authors),
        cmocka_unit_test(test_strangers_who_stall),
        cmocka_unit_test(test_empty_sender),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_a_trusted_list),
        cmocka_unit_test(test_a_broken_chain),
        cmocka_unit_test(test_dns_is_dead),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_whose_mail),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&message);
    buffer_close(&field);
    psl_close();
    arena_close(&arena);
    return failures;
}
