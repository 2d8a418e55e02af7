/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How private the way is made: STARTTLS with every policy, certificates good and bad, logins.
 */
#include "client.h"
#include "net/chain.h"
#include "scratch.h"

#include "base/map.h"
#include "crypto/digest.h"
#include "format/tls/x509.h"
#include "transport/route/tls_report.h"
#include "transport/route/tlsa.h"

static struct scratch folder;
static char certificate_path[128], key_path[128], authority_path[128];
static struct made root, own;
static struct tls_server *server; /* mx.b.example, by root */

static int set_up(void **state)
{
    (void)state;
    assert_ok(tls_start());
    scratch_make(&folder);
    snprintf(certificate_path, sizeof certificate_path, "%s/c", folder.path);
    snprintf(key_path, sizeof key_path, "%s/k", folder.path);
    snprintf(authority_path, sizeof authority_path, "%s/a", folder.path);
    make_certificate(&(struct make){"Root", NULL, true, false}, &root);
    make_certificate(&(struct make){"mx.b.example", &root, false, false}, &own);
    made_write((const struct made *[]){&root}, 1, authority_path, key_path);
    made_write((const struct made *[]){&own}, 1, certificate_path, key_path);
    struct tls_files files = {certificate_path, key_path};
    assert_ok(tls_server_create(&(struct tls_server_options){&files, 1, TLS_1_2}, &server, NULL));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_server_destroy(&server);
    scratch_remove(&folder);
    return 0;
}

/* ---- TLSA records, in place of route's look-up ---- */

static struct route_tlsa tlsa;
static struct dns_record record;
static uint8_t sum[64];

error route_tlsa_find(const struct route_host *of, struct arena *memory, instant deadline,
                      struct route_tlsa *out_tlsa)
{
    (void)of;
    (void)memory;
    (void)deadline;
    *out_tlsa = tlsa;
    return OK;
}

static void set_record(const struct made *made, uint8_t usage)
{
    struct x509 x509;
    assert_ok(x509_parse(made_der(made), &x509));
    digest_of(DIGEST_SHA256, x509.key, sum);
    record = (struct dns_record){.tlsa = {usage, 1, 1, slice_of(sum, 32)}};
    tlsa = (struct route_tlsa){ROUTE_TLSA_SECURE, SLICE("mx.b.example"), &record, 1};
    route.dane = true;
}

/* ---- Beginning and end ---- */

static void begin_tls(const char *const scripts[])
{
    begin(scripts, server);
    host.name = SLICE("mx.b.example");
    host.authentic = true;
    route.domain = SLICE("b.example");
    tlsa = (struct route_tlsa){.state = ROUTE_TLSA_NONE};
    assert_ok(remote_start(&settings, slice_from_string(authority_path)));
    assert_ok(tls_report_start());
}
#define BEGIN_TLS(...) begin_tls((const char *const[]){__VA_ARGS__, NULL})

static void end_tls(void)
{
    end();
    remote_forget_authority();
    tls_report_stop();
}

/* What was noted for the domain's report. */
static void assert_report(enum tls_report_policy policy, unsigned successes,
                          enum tls_report_result failure)
{
    struct tls_report_day *day = tls_report_take();
    size_t position = 0;
    slice key;
    void *value;
    bool found = false;
    assert_non_null(day);
    while (map_next(&day->entries, &position, &key, &value)) {
        const struct tls_report_entry *entry = value;
        if (entry->policy != policy)
            continue;
        found = true;
        assert_slice(entry->domain, "b.example");
        assert_int_equal(entry->successes, successes);
        assert_int_equal(entry->failures, failure != TLS_REPORT_SUCCESS);
        if (entry->failures)
            assert_int_equal(entry->details[0].result, failure);
    }
    assert_true(found);
    tls_report_day_destroy(&day);
}

static void assert_refused(int class, int subject, int detail)
{
    assert_error(open_it(), class == 5 ? ERROR_PERMANENT : ERROR_TEMPORARY);
    assert_int_equal(answer.enhanced[0], class);
    assert_int_equal(answer.enhanced[1], subject);
    assert_int_equal(answer.enhanced[2], detail);
}

static void assert_tls(const char *end_of_words)
{
    slice words = remote_tls(remote);
    assert_true(slice_starts(words, SLICE("TLSv1.3 TLS_AES_128_GCM_SHA256")));
    assert_true(slice_equal(slice_from(words, 30), slice_from_string(end_of_words)));
}

#define CLEAR_HELLO HELLO("> 250 HELP\n")
#define TLS_HELLO HELLO("> 250-CHUNKING\n> 250 STARTTLS\n") "< STARTTLS\n> 220 go\n"
#define IN_TLS "tls\n< EHLO client.example\n> 250-mx\n"
#define GOOD_TLS TLS_HELLO IN_TLS "> 250 HELP\n" GOODBYE
#define BAD_TLS TLS_HELLO "tls\nclose\n"

/* ---- Opportunistic ---- */

CORE_TEST(test_may)
{
    BEGIN_TLS(
        TLS_HELLO IN_TLS
        "> 250 HELP\n< MAIL FROM:<a@a.example>\n> 250 ok\n< RCPT TO:<one@b.example>\n> 250 ok\n"
        "< DATA\n> 354 go\ndata\n> 250 ok\n" GOODBYE,
        GOOD_TLS);
    assert_ok(open_it());
    assert_tls("");
    assert_string_equal(peer.server_name, "mx.b.example");
    /* CHUNKING was offered in clear text only: it does not count */
    write_mail(1, SLICE("A: b\r\n\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    remote_close(&remote);
    assert_report(TLS_REPORT_NO_POLICY, 1, TLS_REPORT_SUCCESS);
    assert_false(peer.resumed);
    assert_ok(open_it());
    assert_true(peer.resumed);
    end_tls();
}

CORE_TEST(test_may_without)
{
    BEGIN_TLS(CLEAR_HELLO GOODBYE,
              HELLO("> 250 STARTTLS\n") "< STARTTLS\n> 454 4.7.0 not now\n" GOODBYE);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(open_it());
        assert_slice(remote_tls(remote), "");
        remote_close(&remote);
        assert_report(TLS_REPORT_NO_POLICY, 0, TLS_REPORT_STARTTLS_NOT_SUPPORTED);
    }
    end_tls();
}

/* Clear text ahead of the handshake, nonsense in place of it: once more without TLS. */
CORE_TEST(test_may_fall_back)
{
    BEGIN_TLS(TLS_HELLO "> 250 injected\nsilent\n", CLEAR_HELLO GOODBYE,
              TLS_HELLO "some\n> what is this?\nclose\n", CLEAR_HELLO GOODBYE,
              TLS_HELLO "> 250 injected\nsilent\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(open_it());
        assert_slice(remote_tls(remote), "");
        remote_close(&remote);
    }
    settings.clear_fallback = false;
    assert_refused(4, 7, 5);
    end_tls();
}

/* ---- Required ---- */

CORE_TEST(test_encrypt)
{
    BEGIN_TLS(CLEAR_HELLO GOODBYE,
              HELLO("> 250 STARTTLS\n") "< STARTTLS\n> 454 4.7.0 not now\n" GOODBYE,
              HELLO("> 250 STARTTLS\n") "< STARTTLS\n> 554 5.7.0 never\n" GOODBYE,
              TLS_HELLO "> 250 injected\nsilent\n", GOOD_TLS);
    route.tls = ROUTE_TLS_ENCRYPT;
    assert_refused(4, 7, 4);
    assert_refused(4, 7, 0);
    assert_refused(4, 7, 0);
    assert_refused(4, 7, 5);
    assert_ok(open_it());
    assert_tls("");
    end_tls();
}

CORE_TEST(test_verify)
{
    BEGIN_TLS(GOOD_TLS, BAD_TLS, CLEAR_HELLO GOODBYE);
    route.tls = ROUTE_TLS_VERIFY;
    route.sts = true;
    assert_ok(open_it());
    assert_tls(" verified");
    remote_close(&remote);
    assert_report(TLS_REPORT_STS, 1, TLS_REPORT_SUCCESS);
    host.name = SLICE("mx2.b.example");
    assert_refused(4, 7, 5);
    assert_slice(answer.text, "the certificate is for another name");
    assert_report(TLS_REPORT_STS, 0, TLS_REPORT_CERTIFICATE_HOST_MISMATCH);
    assert_refused(4, 7, 4);
    end_tls();
}

/* RFC 8461 5.2: found wanting, reported, and delivered to. */
CORE_TEST(test_testing)
{
    BEGIN_TLS(GOOD_TLS, BAD_TLS, GOOD_TLS, CLEAR_HELLO GOODBYE);
    route.sts_testing = true;
    assert_ok(open_it());
    assert_tls(" verified");
    remote_close(&remote);
    assert_report(TLS_REPORT_STS, 1, TLS_REPORT_SUCCESS);
    host.name = SLICE("mx2.b.example");
    assert_ok(open_it());
    assert_tls("");
    remote_close(&remote);
    assert_ok(open_it());
    assert_slice(remote_tls(remote), "");
    end_tls();
}

CORE_TEST(test_dane)
{
    BEGIN_TLS(GOOD_TLS, BAD_TLS, GOOD_TLS, CLEAR_HELLO GOODBYE, CLEAR_HELLO GOODBYE);
    set_record(&own, 3);
    assert_ok(open_it());
    assert_tls(" dane");
    remote_close(&remote);
    assert_report(TLS_REPORT_TLSA, 1, TLS_REPORT_SUCCESS);
    set_record(&root, 3);
    assert_refused(4, 7, 5);
    assert_report(TLS_REPORT_TLSA, 0, TLS_REPORT_TLSA_INVALID);
    /* records that mean nothing to mail: TLS it must be, with anybody */
    set_record(&root, 1);
    assert_ok(open_it());
    assert_tls("");
    remote_close(&remote);
    assert_refused(4, 7, 4);
    route.sts_testing = true; /* a policy that is only tried takes nothing from that */
    assert_refused(4, 7, 4);
    route.sts_testing = false;
    /* records that cannot be had: not even a connection */
    tlsa = (struct route_tlsa){.state = ROUTE_TLSA_BOGUS};
    assert_refused(4, 7, 5);
    end_tls();
}

CORE_TEST(test_require_tls)
{
    BEGIN_TLS(CLEAR_HELLO GOODBYE, GOOD_TLS,
              TLS_HELLO IN_TLS "> 250 REQUIRETLS\n< MAIL FROM:<a@a.example> REQUIRETLS\n> 250 ok\n"
                               "< RCPT TO:<one@b.example>\n> 250 ok\n< DATA\n> 354 go\ndata\n"
                               "> 250 ok\n" GOODBYE);
    options.require_tls = true;
    assert_refused(5, 7, 10);
    assert_refused(5, 7, 30);
    assert_ok(open_it());
    options.require_tls = false;
    assert_tls(" verified");
    write_mail(1, SLICE("A: b\r\n\r\n"));
    mail.require_tls = true;
    assert_ok(remote_send(remote, &mail, &arena));
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    end_tls();
}

/* ---- Smart hosts ---- */

CORE_TEST(test_login)
{
    BEGIN_TLS("tls\n" HELLO("> 250 AUTH CRAM-MD5 PLAIN\n") "< AUTH PLAIN AHVzZXIAc2VjcmV0\n> 235 "
                                                           "2.7.0 ok\n" GOODBYE,
              "tls\n" HELLO("> 250 AUTH=LOGIN\n") "< AUTH LOGIN\n> 334 VXNlcm5hbWU6\n< dXNlcg==\n> "
                                                  "334 UGFzc3dvcmQ6\n"
                                                  "< c2VjcmV0\n> 535 5.7.8 no\n" GOODBYE,
              "tls\n" HELLO("> 250 AUTH GSSAPI\n") GOODBYE);
    route.implicit_tls = true;
    route.tls = ROUTE_TLS_VERIFY;
    route.user = SLICE("user");
    route.password = SLICE("secret");
    assert_ok(open_it());
    assert_tls(" verified");
    remote_close(&remote);
    assert_refused(4, 7, 8); /* the operator's fault, not the mail's */
    assert_int_equal(answer.code, 535);
    assert_refused(4, 7, 4);
    end_tls();
}

CORE_TEST(test_login_in_clear)
{
    BEGIN_TLS(HELLO("> 250 AUTH PLAIN\n") GOODBYE,
              HELLO("> 250 AUTH PLAIN\n") "< AUTH PLAIN AHVzZXIAc2VjcmV0\n> 235 ok\n" GOODBYE);
    route.user = SLICE("user");
    route.password = SLICE("secret");
    assert_refused(4, 7, 11);
    settings.auth_clear = true;
    assert_ok(open_it());
    end_tls();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may),           cmocka_unit_test(test_may_without),
        cmocka_unit_test(test_may_fall_back), cmocka_unit_test(test_encrypt),
        cmocka_unit_test(test_verify),        cmocka_unit_test(test_testing),
        cmocka_unit_test(test_dane),          cmocka_unit_test(test_require_tls),
        cmocka_unit_test(test_login),         cmocka_unit_test(test_login_in_clear),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
