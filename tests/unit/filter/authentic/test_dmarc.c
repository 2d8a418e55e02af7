/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a From field to what its owner wants: hostile fields, where policies are found, who vouches.
 */
#include "filter/authentic/zone.h"

#include "filter/authentic/dmarc.h"
#include "filter/authentic/psl.h"

static struct arena arena;
static struct zone zone;
static struct dmarc_check result;
static struct dmarc_evidence evidence;
static struct dkim_check dkim[2];

static void judge(const char *header)
{
    struct dmarc_owners owners = {0};
    const struct dns_source source = zone_source(&zone);
    assert_ok(dmarc_authors_read(slice_from_string(header), &arena, &owners.authors));
    assert_ok(dmarc_discover(&source, &arena, TIME_NEVER, &owners));
    dmarc_judge(&owners, &evidence, &result);
}

static int set_up(void **state)
{
    (void)state;
    zone = (struct zone){0};
    evidence = (struct dmarc_evidence){0};
    memset(dkim, 0, sizeof dkim);
    assert_ok(psl_open());
    return 0;
}

static void signed_by(const char *domain, enum dkim_result outcome)
{
    evidence.dkim = dkim;
    dkim[evidence.dkim_count++] =
        (struct dkim_check){.result = outcome, .signature.domain = slice_from_string(domain)};
}

static void sent_by(const char *domain, enum spf_result outcome)
{
    evidence.spf = outcome;
    evidence.spf_domain = slice_from_string(domain);
}

#define assert_judged(header, expected)                                                            \
    do {                                                                                           \
        judge(header "\r\n\r\n");                                                                  \
        assert_string_equal(dmarc_result_name(result.result), expected);                           \
    } while (0)

/* ---- Authors ---- */

static struct dmarc_authors authors;

static void read_authors(const char *header)
{
    assert_ok(dmarc_authors_read(slice_from_string(header), &arena, &authors));
}

static void test_author(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "From: a@X.Example\r\n\r\n",
        "from : \"b@evil.example\" <a@x.example>\r\n\r\n",
        "FROM: =?utf-8?q?b=40evil=2Eexample?= <a@x.example>\r\n\r\n",
        "From: (c@evil.example) a@x.example (<d@evil.example>)\r\n\r\n",
        "From: a@x.example,\r\n b@x.example\r\n\r\n",
        "From: friends: a@x.example, b@x.example;\r\n\r\n",
        "From:\r\n \"x\\\" <b@evil.example>\" <a@x.example>\r\n\r\n",
        "From: a@x.example\r\nFrom: b@x.example\r\n\r\n",
        "Subject: x\r\nFrom: <@evil.example:a@x.example>\r\n\r\nFrom: b@evil.example\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        read_authors(headers[i]);
        assert_int_equal(authors.count, 1);
        assert_slice(authors.domains[0], "x.example");
        assert_false(authors.hostile);
    }
    read_authors("From: a@b\xc3\xbc"
                 "cher.example\r\n\r\n");
    assert_slice(authors.domains[0], "xn--bcher-kva.example");
}

static void test_no_author(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Subject: x\r\n\r\nFrom: a@x.example\r\n",
        "From: nobody\r\n\r\n",
        "From: undisclosed:;\r\n\r\n",
        "From:\r\n\r\n",
        "From: a@[192.0.2.1]\r\n\r\n",
        "From: a@x..example\r\n\r\n",
        "From: \"a@x.example\"\r\n\r\n",
        "",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        read_authors(headers[i]);
        assert_int_equal(authors.count, 0);
        assert_non_null(authors.mistake);
        assert_false(authors.hostile);
        judge(headers[i]);
        assert_int_equal(result.result, DMARC_PERMERROR);
        assert_int_equal(result.policy, DMARC_POLICY_NONE);
        assert_int_equal(result.from_domain.size, 0);
    }
}

static void test_too_many_authors(void **state)
{
    (void)state;
    read_authors("From: a@a.example, a@b.example, a@c.example, a@d.example\r\n\r\n");
    assert_int_equal(authors.count, DMARC_AUTHORS_MAX);
    assert_false(authors.hostile);
    judge("From: a@a.example, a@b.example, a@c.example, a@d.example, a@e.example\r\n\r\n");
    assert_int_equal(result.result, DMARC_PERMERROR);
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
    assert_non_null(result.reason);
}

/* A From behind what is looked at could be the one that people see. */
static void test_header_without_end(void **state)
{
    (void)state;
    struct buffer header;
    buffer_init(&header, 4 << 20);
    buffer_add_string(&header, "From: a@a.example\r\n");
    for (int i = 0; i < MAIL_HEADER_FIELD_COUNT_MAX; i++)
        buffer_add_string(&header, "X: y\r\n");
    buffer_add_string(&header, "From: a@b.example\r\n\r\n");
    assert_ok(dmarc_authors_read(buffer_slice(&header), &arena, &authors));
    assert_true(authors.hostile);
    buffer_close(&header);
}

/* No host has such a name, but people are shown it, and it is somebody's. */
static void test_odd_labels(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.victim.example", "v=DMARC1; p=reject");
    assert_judged("From: a@-x.victim.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
    assert_slice(result.from_domain, "-x.victim.example");
    assert_judged("From: a@X-.Victim.example.", "fail");
    assert_slice(result.from_domain, "x-.victim.example");
    assert_judged("From: a@sale!.victim.example", "fail");
    assert_judged("From: a@_x.victim.example", "fail");
    assert_judged("From: a@\xff.victim.example", "fail");
}

/* RFC 7489 6.6.1: the strictest of those that fail. */
static void test_the_worst_of_several(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.mine.example", "v=DMARC1; p=none");
    zone_text(&zone, "_dmarc.victim.example", "v=DMARC1; p=reject");
    sent_by("mine.example", SPF_PASS);
    assert_judged("From: a@mine.example", "pass");
    assert_judged("From: a@mine.example\r\nFrom: b@victim.example", "fail");
    assert_slice(result.from_domain, "victim.example");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
    assert_judged("From: b@victim.example, a@mine.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
}

/* ---- Policies ---- */

static void test_where_policies_are_found(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.x.co.uk", "v=DMARC1; p=reject; sp=quarantine");
    zone_text(&zone, "_dmarc.own.x.co.uk", "v=DMARC1; p=none");
    zone_text(&zone, "_dmarc.x.co.uk", "unrelated");
    assert_judged("From: a@x.co.uk", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
    assert_judged("From: a@a.b.x.co.uk", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_QUARANTINE);
    assert_slice(result.policy_domain, "x.co.uk");
    assert_slice(result.from_domain, "a.b.x.co.uk");
    assert_judged("From: a@own.x.co.uk", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_NONE);
    assert_judged("From: a@y.co.uk", "none");
    assert_judged("From: a@co.uk", "none");
}

static void test_records_that_do_not_count(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.two.example", "v=DMARC1; p=reject");
    zone_text(&zone, "_dmarc.two.example", "v=DMARC1; p=reject");
    zone_text(&zone, "_dmarc.bad.example", "v=DMARC1; p=perhaps");
    assert_judged("From: a@two.example", "none");
    assert_judged("From: a@bad.example", "none");
}

static void test_subdomains_that_do_not_exist(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.x.example", "v=DMARC1; p=none; sp=quarantine; np=reject");
    zone_name(&zone, "here.x.example", DNS_MX, "m.example");
    zone_dead(&zone, "who.x.example");
    assert_judged("From: a@gone.x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
    assert_judged("From: a@here.x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_QUARANTINE);
    assert_judged("From: a@who.x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_QUARANTINE);
    assert_judged("From: a@x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_NONE);
}

static void test_dns_trouble(void **state)
{
    (void)state;
    zone_dead(&zone, "_dmarc.away.example");
    assert_judged("From: a@away.example", "temperror");
    assert_int_equal(result.policy, DMARC_POLICY_NONE);
    zone_text(&zone, "_dmarc.x.example", "v=DMARC1; p=reject");
    sent_by("x.example", SPF_TEMPERROR);
    assert_judged("From: a@x.example", "temperror");
    assert_int_equal(result.policy, DMARC_POLICY_NONE);
    sent_by("other.example", SPF_TEMPERROR); /* would prove nothing */
    assert_judged("From: a@x.example", "fail");
    signed_by("x.example", DKIM_TEMPERROR);
    assert_judged("From: a@x.example", "temperror");
    signed_by("x.example", DKIM_PASS);
    assert_judged("From: a@x.example", "pass");
}

/* A signature that holds, but does not count (a short key, l=). */
static void test_policy_of_ours(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.x.example", "v=DMARC1; p=reject");
    signed_by("x.example", DKIM_POLICY);
    assert_judged("From: a@x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
}

/* ---- Alignment ---- */

static void test_alignment(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.x.example", "v=DMARC1; p=reject");
    zone_text(&zone, "_dmarc.s.example", "v=DMARC1; p=reject; adkim=s; aspf=s");
    sent_by("bounces.x.example", SPF_PASS);
    assert_judged("From: a@news.x.example", "pass");
    assert_true(result.spf_aligned);
    sent_by("bounces.s.example", SPF_PASS);
    assert_judged("From: a@s.example", "fail");
    sent_by("S.example", SPF_PASS);
    assert_judged("From: a@s.example", "pass");
    sent_by("x.example.evil.example", SPF_PASS);
    assert_judged("From: a@x.example", "fail");
    sent_by("x.example", SPF_SOFTFAIL);
    assert_judged("From: a@x.example", "fail");
    assert_false(result.spf_aligned);
    signed_by("Mail.X.example", DKIM_PASS);
    assert_judged("From: a@x.example", "pass");
    assert_true(result.dkim_aligned);
    signed_by("mail.s.example", DKIM_PASS);
    assert_judged("From: a@s.example", "fail");
}

static void test_share_and_override(void **state)
{
    (void)state;
    zone_text(&zone, "_dmarc.x.example", "v=DMARC1; p=reject; pct=10");
    evidence.dice = 10;
    assert_judged("From: a@x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_QUARANTINE);
    assert_int_equal(result.published, DMARC_POLICY_REJECT);
    evidence.dice = 9;
    assert_judged("From: a@x.example", "fail");
    assert_int_equal(result.policy, DMARC_POLICY_REJECT);
    evidence.trusted_chain = true;
    assert_judged("From: a@x.example", "fail");
    assert_true(result.overridden);
    assert_int_equal(result.policy, DMARC_POLICY_NONE);
}

static error broken(void *argument, slice name, enum dns_type type, struct arena *unused,
                    instant deadline, struct dns_answer *out_answer)
{
    (void)name, (void)type, (void)unused, (void)deadline, (void)out_answer;
    return error_make(*(const enum error_kind *)argument, "test");
}

static void test_trouble_of_ours(void **state)
{
    (void)state;
    enum error_kind kind = ERROR_CANCELLED;
    const struct dns_source source = {broken, NULL, &kind};
    struct dmarc_owners owners = {0};
    assert_ok(dmarc_authors_read(SLICE("From: a@x.example\r\n\r\n"), &arena, &owners.authors));
    assert_error(dmarc_discover(&source, &arena, TIME_NEVER, &owners), ERROR_CANCELLED);
}

int main(void)
{
    arena_init(&arena, 256 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_author, set_up),
        cmocka_unit_test_setup(test_no_author, set_up),
        cmocka_unit_test_setup(test_too_many_authors, set_up),
        cmocka_unit_test_setup(test_header_without_end, set_up),
        cmocka_unit_test_setup(test_odd_labels, set_up),
        cmocka_unit_test_setup(test_the_worst_of_several, set_up),
        cmocka_unit_test_setup(test_where_policies_are_found, set_up),
        cmocka_unit_test_setup(test_records_that_do_not_count, set_up),
        cmocka_unit_test_setup(test_subdomains_that_do_not_exist, set_up),
        cmocka_unit_test_setup(test_dns_trouble, set_up),
        cmocka_unit_test_setup(test_policy_of_ours, set_up),
        cmocka_unit_test_setup(test_alignment, set_up),
        cmocka_unit_test_setup(test_share_and_override, set_up),
        cmocka_unit_test_setup(test_trouble_of_ours, set_up),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    psl_close();
    arena_close(&arena);
    return failures;
}
