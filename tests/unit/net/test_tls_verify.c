/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose certificate it is: chains made here, TLSA records of all kinds, and clients that hold
 * servers to them.
 */
#include "chain.h"
#include "pair.h"
#include "scratch.h"

#include "crypto/digest.h"
#include "format/tls/x509.h"
#include "net/tls_resume.h"
#include "net/tls_verify.h"

#include <stdlib.h>

static struct made root, middle, own, expired, alone, other_root, no_authority, forged, late_middle,
    below_late;
static struct tls_chain chain;

static int set_up(void **state)
{
    (void)state;
    assert_ok(tls_start());
    make_certificate(&(struct make){"Root", NULL, true, false}, &root);
    make_certificate(&(struct make){"Other root", NULL, true, false}, &other_root);
    make_certificate(&(struct make){"Middle", &root, true, false}, &middle);
    make_certificate(&(struct make){"mx.b.example", &middle, false, false}, &own);
    make_certificate(&(struct make){"mx.b.example", &middle, false, true}, &expired);
    make_certificate(&(struct make){"*.b.example", NULL, false, true}, &alone);
    make_certificate(&(struct make){"www.b.example", &middle, false, false}, &no_authority);
    make_certificate(&(struct make){"mx.b.example", &no_authority, false, false}, &forged);
    make_certificate(&(struct make){"Late", &root, true, true}, &late_middle);
    make_certificate(&(struct make){"mx.b.example", &late_middle, false, false}, &below_late);
    return 0;
}

static void set_chain(const struct made *first, const struct made *second, const struct made *third)
{
    const struct made *all[] = {first, second, third};
    chain.count = 0;
    for (unsigned i = 0; i < 3; i++)
        if (all[i])
            chain.certificates[chain.count++] = made_der(all[i]);
}

static struct dns_record record_of(const struct made *made, uint8_t usage, uint8_t selector,
                                   uint8_t matching)
{
    static uint8_t sums[8][DIGEST_SIZE_MAX];
    static unsigned next;
    uint8_t *sum = sums[next++ % 8];
    struct x509 x509;
    slice data = made_der(made);
    assert_ok(x509_parse(data, &x509));
    if (selector == 1)
        data = x509.key;
    if (matching) {
        enum digest_kind kind = matching == 1 ? DIGEST_SHA256 : DIGEST_SHA512;
        digest_of(kind, data, sum);
        data = slice_of(sum, digest_size(kind));
    }
    return (struct dns_record){.tlsa = {usage, selector, matching, data}};
}

static enum tls_verdict dane(const struct made *made, uint8_t usage, uint8_t selector,
                             uint8_t matching)
{
    static const slice names[] = {{"b.example", 9}, {"mx.b.example", 12}};
    struct dns_record record = record_of(made, usage, selector, matching);
    return tls_verify_dane(&chain, &record, 1, names, 2);
}

/* ---- Certificates ---- */

static void test_parses(void **state)
{
    (void)state;
    struct x509 x509;
    slice name, rest;
    assert_ok(x509_parse(made_der(&own), &x509));
    assert_false(x509.authority);
    assert_slice(x509.common_name, "mx.b.example");
    rest = x509.alternative;
    assert_true(x509_next_name(&rest, &name));
    assert_slice(name, "mx.b.example");
    assert_false(x509_next_name(&rest, &name));
    assert_ok(x509_parse(made_der(&middle), &x509));
    assert_true(x509.authority);
    assert_int_equal(x509.alternative.size, 0);
    struct x509 above;
    assert_ok(x509_parse(made_der(&root), &above));
    assert_true(slice_equal(x509.issuer, above.subject));
    /* every shorter piece is refused, never read past */
    for (size_t size = 0; size < (size_t)own.size; size++) {
        char *piece = malloc(size + 1);
        memcpy(piece, own.der, size);
        assert_error(x509_parse(slice_of(piece, size), &x509), ERROR_MALFORMED);
        free(piece);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct x509 x509;
    assert_ok(x509_parse(made_der(&alone), &x509)); /* *.b.example */
    assert_true(x509_is_for(&x509, SLICE("mx.b.example"), false));
    assert_true(x509_is_for(&x509, SLICE("MX.B.Example."), false));
    assert_false(x509_is_for(&x509, SLICE("b.example"), false));
    assert_false(x509_is_for(&x509, SLICE("a.mx.b.example"), false));
    assert_false(x509_is_for(&x509, SLICE(".b.example"), false));
    assert_false(x509_is_for(&x509, SLICE(""), false));
    x509 = (struct x509){.alternative = SLICE("\x82\x05*.com")};
    assert_false(x509_is_for(&x509, SLICE("b.com"), false));
    x509 = (struct x509){.alternative = SLICE("\x82\x04"
                                              "a.b\0")};
    assert_false(x509_is_for(&x509, SLICE("a.b"), false));
    x509 = (struct x509){.common_name = SLICE("a.b")};
    assert_false(x509_is_for(&x509, SLICE("a.b"), false));
    assert_true(x509_is_for(&x509, SLICE("a.b"), true));
    x509.alternative = SLICE("\x82\x03"
                             "c.d");
    assert_false(x509_is_for(&x509, SLICE("a.b"), true));
}

/* ---- TLSA ---- */

static void test_end_entity(void **state)
{
    (void)state;
    set_chain(&own, &middle, &root);
    for (uint8_t selector = 0; selector <= 1; selector++)
        for (uint8_t matching = 0; matching <= 2; matching++) {
            assert_int_equal(dane(&own, 3, selector, matching), TLS_VERDICT_GOOD);
            assert_int_equal(dane(&expired, 3, selector, matching), TLS_VERDICT_NO_TLSA);
            /* the record of an authority is not the server's own */
            assert_int_equal(dane(&middle, 3, selector, matching), TLS_VERDICT_NO_TLSA);
        }
    /* RFC 7672 3.1.1: neither name nor date counts */
    set_chain(&no_authority, NULL, NULL);
    assert_int_equal(dane(&no_authority, 3, 1, 1), TLS_VERDICT_GOOD);
    set_chain(&expired, &middle, NULL);
    assert_int_equal(dane(&expired, 3, 1, 1), TLS_VERDICT_GOOD);
}

static void test_trust_anchor(void **state)
{
    (void)state;
    for (uint8_t selector = 0; selector <= 1; selector++)
        for (uint8_t matching = 0; matching <= 2; matching++) {
            set_chain(&own, &middle, &root);
            assert_int_equal(dane(&root, 2, selector, matching), TLS_VERDICT_GOOD);
            assert_int_equal(dane(&middle, 2, selector, matching), TLS_VERDICT_GOOD);
            assert_int_equal(dane(&other_root, 2, selector, matching), TLS_VERDICT_NO_TLSA);
            set_chain(&expired, &middle, &root);
            assert_int_equal(dane(&root, 2, selector, matching), TLS_VERDICT_EXPIRED);
            set_chain(&no_authority, &middle, &root); /* www.b.example */
            assert_int_equal(dane(&root, 2, selector, matching), TLS_VERDICT_WRONG_NAME);
        }
    /* the anchor is in the chain, but signed nothing of it */
    set_chain(&own, &other_root, NULL);
    assert_int_equal(dane(&other_root, 2, 0, 1), TLS_VERDICT_NO_TLSA);
    /* signed by a certificate that is no authority */
    set_chain(&forged, &no_authority, &middle);
    assert_int_equal(dane(&middle, 2, 0, 1), TLS_VERDICT_NO_TLSA);
    assert_int_equal(dane(&no_authority, 2, 0, 1), TLS_VERDICT_NO_TLSA);
    /* something between is out of date */
    set_chain(&below_late, &late_middle, &root);
    assert_int_equal(dane(&root, 2, 0, 1), TLS_VERDICT_EXPIRED);
    /* a whole certificate in DNS need not be sent, a digest must be */
    set_chain(&own, &middle, NULL);
    assert_int_equal(dane(&root, 2, 0, 0), TLS_VERDICT_GOOD);
    assert_int_equal(dane(&root, 2, 0, 1), TLS_VERDICT_NO_TLSA);
}

static void test_unusable(void **state)
{
    (void)state;
    set_chain(&own, &middle, &root);
    struct dns_record records[6] = {
        record_of(&own, 1, 1, 1), record_of(&root, 0, 0, 1), record_of(&own, 3, 2, 1),
        record_of(&own, 3, 1, 1), record_of(&own, 3, 1, 1),  record_of(&own, 255, 1, 1),
    };
    records[3].tlsa.matching = 3;
    records[4].tlsa.data.size = 31;
    for (unsigned i = 0; i < 6; i++)
        assert_false(tls_dane_is_usable(&records[i]));
    assert_int_equal(tls_verify_dane(&chain, records, 6, NULL, 0), TLS_VERDICT_NO_TLSA);
    records[5] = record_of(&own, 3, 1, 1);
    assert_true(tls_dane_is_usable(&records[5]));
    assert_int_equal(tls_verify_dane(&chain, records, 6, NULL, 0), TLS_VERDICT_GOOD);
    chain.count = 0;
    assert_int_equal(tls_verify_dane(&chain, records, 6, NULL, 0), TLS_VERDICT_NO_TLSA);
}

/* ---- Connections ---- */

static struct scratch folder;
static char certificate_path[128], key_path[128], authority_path[128];
static struct tls_server *server;
static struct tls_client *knows_root, *blind;

static void serve(void *argument)
{
    int *fd = argument;
    struct stream *stream = stream_over(*fd);
    slice line;
    if (!failed(stream_start_tls_server(stream, server, SLICE_EMPTY, soon())))
        while (!failed(stream_read_line(stream, STREAM_LINE_STRICT, 1000, soon(), &line)))
            assert_ok(stream_write(stream, SLICE("yes\r\n")));
    stream_close(&stream);
    *fd = -1;
}

struct outcome {
    error problem;
    enum tls_verdict verdict;
    bool resumed;
};

static struct outcome meet(struct tls_client *client, const struct tls_peer_options *options)
{
    int fd;
    slice line;
    struct outcome outcome;
    struct tls_information information = {0};
    struct stream *stream = make_pair(&fd);
    assert_ok(fiber_start(crew_root(), "server", serve, &fd));
    outcome.problem = stream_start_tls_peer(stream, client, options, soon(), &outcome.verdict);
    if (!failed(outcome.problem)) {
        assert_ok(stream_write(stream, SLICE("hello\r\n")));
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 1000, soon(), &line));
        assert_true(stream_tls_information(stream, &information));
    }
    outcome.resumed = information.resumed;
    stream_close(&stream);
    while (fd >= 0)
        assert_ok(fiber_yield());
    return outcome;
}

static void start_server(const struct made *const *certificates, unsigned count)
{
    made_write(certificates, count, certificate_path, key_path);
    struct tls_files files = {certificate_path, key_path};
    tls_server_destroy(&server);
    assert_ok(tls_server_create(&(struct tls_server_options){&files, 1, TLS_1_2}, &server, NULL));
}

static void prepare(void)
{
    if (knows_root)
        return;
    scratch_make(&folder);
    snprintf(certificate_path, sizeof certificate_path, "%s/c", folder.path);
    snprintf(key_path, sizeof key_path, "%s/k", folder.path);
    snprintf(authority_path, sizeof authority_path, "%s/a", folder.path);
    made_write((const struct made *[]){&root}, 1, authority_path, key_path);
    assert_ok(tls_client_create(
        &(struct tls_client_options){.verify = true, .authority = authority_path}, &knows_root));
    assert_ok(tls_client_create(&(struct tls_client_options){.verify = false}, &blind));
}

static void assert_outcome(struct outcome outcome, enum error_kind kind, enum tls_verdict verdict)
{
    if (outcome.verdict != verdict)
        print_message("%s\n", outcome.problem.text ? outcome.problem.text : "no problem");
    assert_int_equal(outcome.verdict, verdict);
    assert_int_equal(outcome.problem.kind, kind);
}

static void by_authority(void *argument)
{
    (void)argument;
    slice names[] = {SLICE("other.example"), SLICE("mx.b.example")};
    struct tls_peer_options options = {
        .server_name = names[1], .proof = TLS_PROOF_AUTHORITY, .names = names, .name_count = 2};
    start_server((const struct made *[]){&own, &middle}, 2);
    assert_outcome(meet(knows_root, &options), ERROR_NONE, TLS_VERDICT_GOOD);
    options.name_count = 1;
    assert_outcome(meet(knows_root, &options), ERROR_DENIED, TLS_VERDICT_WRONG_NAME);
    options.name_count = 2;
    assert_outcome(meet(blind, &options), ERROR_BUG, TLS_VERDICT_UNCHECKED);
    start_server((const struct made *[]){&expired, &middle}, 2);
    assert_outcome(meet(knows_root, &options), ERROR_DENIED, TLS_VERDICT_EXPIRED);
    start_server((const struct made *[]){&alone}, 1);
    assert_outcome(meet(knows_root, &options), ERROR_DENIED, TLS_VERDICT_UNTRUSTED);
    options.proof = TLS_PROOF_NONE;
    assert_outcome(meet(knows_root, &options), ERROR_NONE, TLS_VERDICT_UNCHECKED);
    assert_outcome(meet(blind, &options), ERROR_NONE, TLS_VERDICT_UNCHECKED);
}

static void by_records(void *argument)
{
    (void)argument;
    slice name = SLICE("mx.b.example");
    struct dns_record record = record_of(&middle, 2, 0, 1);
    struct tls_peer_options options = {.server_name = name,
                                       .proof = TLS_PROOF_DANE,
                                       .names = &name,
                                       .name_count = 1,
                                       .records = &record,
                                       .record_count = 1};
    start_server((const struct made *[]){&own, &middle}, 2);
    assert_outcome(meet(blind, &options), ERROR_NONE, TLS_VERDICT_GOOD);
    record = record_of(&own, 3, 1, 2);
    assert_outcome(meet(blind, &options), ERROR_NONE, TLS_VERDICT_GOOD);
    record = record_of(&other_root, 2, 0, 1);
    assert_outcome(meet(blind, &options), ERROR_DENIED, TLS_VERDICT_NO_TLSA);
    start_server((const struct made *[]){&alone}, 1);
    record = record_of(&alone, 3, 1, 1);
    assert_outcome(meet(blind, &options), ERROR_NONE, TLS_VERDICT_GOOD);
    record = record_of(&own, 3, 1, 1);
    assert_outcome(meet(blind, &options), ERROR_DENIED, TLS_VERDICT_NO_TLSA);
}

/* TLS_CHAIN_MAX certificates, each signed by the next, of which the record names the last; with
 * one more nobody is met. */
static void long_chains(void *argument)
{
    (void)argument;
    enum { LINKS = TLS_CHAIN_MAX + 1 };
    static struct made links[LINKS];
    const struct made *certificates[LINKS];
    slice name = SLICE("mx.b.example");
    for (unsigned i = LINKS; i-- > 0;) {
        certificates[i] = &links[i];
        make_certificate(&(struct make){i > 0 ? "Link" : "mx.b.example",
                                        i + 1 < LINKS ? &links[i + 1] : NULL, i > 0, false},
                         &links[i]);
    }
    struct dns_record record = record_of(&links[TLS_CHAIN_MAX - 1], 2, 0, 1);
    struct tls_peer_options options = {.server_name = name,
                                       .proof = TLS_PROOF_DANE,
                                       .names = &name,
                                       .name_count = 1,
                                       .records = &record,
                                       .record_count = 1};
    start_server(certificates, TLS_CHAIN_MAX);
    assert_outcome(meet(blind, &options), ERROR_NONE, TLS_VERDICT_GOOD);
    start_server(certificates, TLS_CHAIN_MAX + 1);
    assert_outcome(meet(blind, &options), ERROR_MALFORMED, TLS_VERDICT_UNCHECKED);
}

static void resumes(void *argument)
{
    (void)argument;
    slice name = SLICE("mx.b.example");
    struct dns_record record = record_of(&own, 3, 1, 1);
    struct tls_peer_options options = {.server_name = name,
                                       .proof = TLS_PROOF_DANE,
                                       .names = &name,
                                       .name_count = 1,
                                       .records = &record,
                                       .record_count = 1,
                                       .resume = true};
    start_server((const struct made *[]){&own, &middle}, 2);
    assert_false(meet(blind, &options).resumed);
    assert_int_equal(tls_resume_count(), 1);
    struct outcome again = meet(blind, &options);
    assert_outcome(again, ERROR_NONE, TLS_VERDICT_GOOD);
    assert_true(again.resumed);
    /* other records: what was checked by the old ones counts no more */
    record = record_of(&middle, 2, 1, 1);
    assert_false(meet(blind, &options).resumed);
    record = record_of(&other_root, 2, 1, 1);
    assert_outcome(meet(blind, &options), ERROR_DENIED, TLS_VERDICT_NO_TLSA);
    assert_outcome(meet(blind, &options), ERROR_DENIED, TLS_VERDICT_NO_TLSA);
    assert_int_equal(tls_resume_count(), 2);
    /* nor does a session that nobody checked */
    options.proof = TLS_PROOF_NONE;
    assert_false(meet(blind, &options).resumed);
    assert_true(meet(blind, &options).resumed);
}

/* The oldest go first. */
static void resume_bound(void *argument)
{
    (void)argument;
    WOLFSSL_CTX *context = tls_client_context(blind);
    uint8_t key[TLS_RESUME_KEY_SIZE] = {0};
    WOLFSSL *ssl = wolfSSL_new(context);
    for (unsigned i = 0; i < TLS_RESUME_MAX + 10; i++) {
        memcpy(key, &i, sizeof i);
        tls_resume_keep(key, ssl);
    }
    assert_int_equal(tls_resume_count(), TLS_RESUME_MAX);
    tls_resume_forget(key);
    assert_int_equal(tls_resume_count(), TLS_RESUME_MAX - 1);
    wolfSSL_free(ssl);
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        prepare();                                                                                 \
        on_core(name);                                                                             \
    }
ON_CORE(by_authority)
ON_CORE(by_records)
ON_CORE(long_chains)
ON_CORE(resumes)
ON_CORE(resume_bound)

static int tear_down(void **state)
{
    (void)state;
    tls_server_destroy(&server);
    tls_client_destroy(&knows_root);
    tls_client_destroy(&blind);
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_chains),  cmocka_unit_test(test_parses),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_end_entity),
        cmocka_unit_test(test_trust_anchor), cmocka_unit_test(test_unusable),
        cmocka_unit_test(test_by_authority), cmocka_unit_test(test_by_records),
        cmocka_unit_test(test_resumes),      cmocka_unit_test(test_resume_bound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
