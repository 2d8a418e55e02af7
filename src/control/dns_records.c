/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The records a domain needs.
 */
#include "control/dkim.h"
#include "control/dns.h"
#include "crypto/digest.h"
#include "format/text/base64.h"
#include "format/text/idna.h"
#include "format/tls/x509.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { CERTIFICATE_SIZE_MAX = 1 << 20, STS_POLICY_SIZE_MAX = 64 << 10 };

const char *dns_purpose_name(enum dns_purpose purpose)
{
    static const char *const names[] = {
        [DNS_PURPOSE_MX] = "mx",
        [DNS_PURPOSE_SPF] = "spf",
        [DNS_PURPOSE_DKIM] = "dkim",
        [DNS_PURPOSE_DMARC] = "dmarc",
        [DNS_PURPOSE_STS] = "mta-sts",
        [DNS_PURPOSE_STS_HOST] = "mta-sts-host",
        [DNS_PURPOSE_TLS_REPORT] = "tls-rpt",
        [DNS_PURPOSE_TLSA] = "tlsa",
        [DNS_PURPOSE_AUTOCONFIG] = "autoconfig",
        [DNS_PURPOSE_SERVICE] = "srv",
    };
    return names[purpose];
}

const char *dns_type_name(enum dns_type type)
{
    switch (type) {
    case DNS_MX:
        return "MX";
    case DNS_TXT:
        return "TXT";
    case DNS_CNAME:
        return "CNAME";
    case DNS_SRV:
        return "SRV";
    case DNS_TLSA:
        return "TLSA";
    default:
        return "A";
    }
}

struct building {
    struct control *control;
    struct arena *arena;
    struct dns_wishes *wishes;
};

/* Formats the data, then adds the record. */
#define ADD(b, purpose, type, prefix, optional, ...)                                               \
    do {                                                                                           \
        slice data_;                                                                               \
        TRY(arena_format((b)->arena, &data_, __VA_ARGS__));                                        \
        TRY(add((b), (purpose), (type), (prefix), (optional), data_));                             \
    } while (0)

static error add(const struct building *b, enum dns_purpose purpose, enum dns_type type,
                 const char *prefix, bool optional, slice data)
{
    struct dns_wish wish = {.purpose = purpose, .type = type, .data = data, .optional = optional};
    if (b->wishes->count == DNS_WISHES_MAX)
        return error_make(ERROR_LIMIT, "too many records");
    slice base = type == DNS_TLSA ? b->wishes->host : b->wishes->domain;
    TRY(arena_format(b->arena, &wish.name, "%s%.*s", prefix, SLICE_ARG(base)));
    b->wishes->items[b->wishes->count++] = wish;
    return OK;
}

/* ---- Texts ---- */

static error add_policies(const struct building *b)
{
    const struct sts_settings *sts = &b->control->config->sts;
    slice domain = b->wishes->domain, host = b->wishes->host;
    ADD(b, DNS_PURPOSE_DMARC, DNS_TXT, "_dmarc.", false,
        "v=DMARC1; p=quarantine; rua=mailto:postmaster@%.*s", SLICE_ARG(domain));
    ADD(b, DNS_PURPOSE_TLS_REPORT, DNS_TXT, "_smtp._tls.", true,
        "v=TLSRPTv1; rua=mailto:postmaster@%.*s", SLICE_ARG(domain));
    if (sts->mode == MTA_STS_NONE)
        return OK;
    struct buffer policy;
    char id[STS_ID_SIZE];
    buffer_init(&policy, STS_POLICY_SIZE_MAX);
    sts_policy_write(sts, host, &policy);
    sts_policy_id(buffer_slice(&policy), id);
    buffer_close(&policy);
    ADD(b, DNS_PURPOSE_STS, DNS_TXT, "_mta-sts.", false, "v=STSv1; id=%.*s", STS_ID_SIZE, id);
    ADD(b, DNS_PURPOSE_STS_HOST, DNS_CNAME, "mta-sts.", false, "%.*s.", SLICE_ARG(host));
    return OK;
}

static error add_keys(const struct building *b, const struct control_dkim_record *records,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        slice prefix;
        const char *text;
        if (records[i].text.size == 0)
            continue; /* said already */
        TRY(arena_format(b->arena, &prefix, "%.*s._domainkey.", SLICE_ARG(records[i].selector)));
        TRY(arena_string(b->arena, prefix, &text));
        ADD(b, DNS_PURPOSE_DKIM, DNS_TXT, text, false, "%.*s", SLICE_ARG(records[i].text));
    }
    return OK;
}

/* ---- Certificates ---- */

static error read_file(const char *path, struct arena *arena, slice *out_text)
{
    char *text = arena_alloc_bytes(arena, CERTIFICATE_SIZE_MAX);
    TRY_MEMORY(text);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "the certificate cannot be read");
    ssize_t size = read(fd, text, CERTIFICATE_SIZE_MAX);
    int problem = errno;
    close(fd);
    if (size < 0)
        return error_system(problem, "the certificate cannot be read");
    *out_text = slice_of(text, (size_t)size);
    return OK;
}

/* The first certificate of a PEM file, or DER as it is. */
static error to_der(slice text, struct arena *arena, slice *out_der)
{
    static const slice begin = {"-----BEGIN CERTIFICATE-----", 27};
    ptrdiff_t at = slice_find(text, begin);
    if (at < 0) {
        *out_der = text;
        return OK;
    }
    slice rest = slice_from(text, (size_t)at + begin.size);
    ptrdiff_t end = slice_find(rest, SLICE("-----END"));
    if (end < 0)
        return error_make(ERROR_MALFORMED, "a certificate without end");
    return base64_decode_loose(arena, slice_sub(rest, 0, (size_t)end), out_der);
}

static error read_certificate(const char *path, struct arena *arena, struct x509 *out_x509)
{
    slice text = SLICE_EMPTY, der = SLICE_EMPTY;
    TRY(read_file(path, arena, &text));
    TRY(to_der(text, arena, &der));
    return x509_parse(der, out_x509);
}

/* RFC 7671 5.1: DANE-EE, the public key, SHA-256. */
static error add_certificate(const struct building *b, const char *path, bool named)
{
    struct arena scratch;
    struct x509 x509 = {0};
    uint8_t sum[DIGEST_SIZE_MAX];
    char hex[65];
    arena_init(&scratch, 3 * CERTIFICATE_SIZE_MAX);
    error problem = read_certificate(path, &scratch, &x509);
    bool wanted = !failed(problem) && (!named || x509_is_for(&x509, b->wishes->host, true));
    if (wanted)
        digest_of(DIGEST_SHA256, x509.key, sum);
    arena_close(&scratch);
    if (failed(problem))
        control_say(CONTROL_TROUBLE, "%s: %s", path, problem.text);
    if (!wanted)
        return OK;
    for (int byte = 0; byte < 32; byte++)
        snprintf(hex + 2 * byte, 3, "%02x", sum[byte]);
    ADD(b, DNS_PURPOSE_TLSA, DNS_TLSA, "_25._tcp.", true, "3 1 1 %s", hex);
    return OK;
}

/* Those that the MX shows: the ones for its name, else the first. */
static error add_certificates(const struct building *b)
{
    const struct setting_list *paths = &b->control->config->tls.certificates;
    unsigned before = b->wishes->count;
    const char *path;
    for (size_t i = 0; i < paths->count; i++) {
        TRY(arena_string(b->arena, paths->items[i], &path));
        TRY(add_certificate(b, path, true));
    }
    if (b->wishes->count > before || paths->count == 0)
        return OK;
    TRY(arena_string(b->arena, paths->items[0], &path));
    return add_certificate(b, path, false);
}

/* ---- Services ---- */

static uint16_t port_of(const struct setting_list *list)
{
    struct address address;
    return list && list->count > 0 && !failed(address_parse(list->items[0], &address))
               ? address.port
               : 0;
}

/* RFC 6186, RFC 8314; what is not offered has the target "." */
static error add_services(const struct building *b)
{
    const struct listen_settings *listen = &b->control->config->listen;
    const struct {
        const char *prefix;
        const struct setting_list *list;
    } services[] = {
        {"_submissions._tcp.", &listen->submissions},
        {"_submission._tcp.", &listen->submission},
        {"_imaps._tcp.", &listen->imaps},
        {"_imap._tcp.", &listen->imap},
        {"_pop3s._tcp.", &listen->pop3s},
        {"_pop3._tcp.", &listen->pop3},
        {"_sieve._tcp.", &listen->managesieve}, /* RFC 5804 1.8 */
        {"_autodiscover._tcp.", &listen->https},
    };
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        uint16_t port = port_of(services[i].list);
        if (port)
            ADD(b, DNS_PURPOSE_SERVICE, DNS_SRV, services[i].prefix, true, "0 1 %u %.*s.", port,
                SLICE_ARG(b->wishes->host));
        else if (services[i].list != &listen->https)
            ADD(b, DNS_PURPOSE_SERVICE, DNS_SRV, services[i].prefix, true, "0 0 0 .");
        else
            continue;
        b->wishes->items[b->wishes->count - 1].port = port;
    }
    if (listen->http.count > 0 || listen->https.count > 0)
        ADD(b, DNS_PURPOSE_AUTOCONFIG, DNS_CNAME, "autoconfig.", true, "%.*s.",
            SLICE_ARG(b->wishes->host));
    if (listen->https.count > 0)
        ADD(b, DNS_PURPOSE_AUTOCONFIG, DNS_CNAME, "autodiscover.", true, "%.*s.",
            SLICE_ARG(b->wishes->host));
    return OK;
}

static error build(const struct building *b, const struct control_dkim_record *records,
                   unsigned count)
{
    ADD(b, DNS_PURPOSE_MX, DNS_MX, "", false, "10 %.*s.", SLICE_ARG(b->wishes->host));
    ADD(b, DNS_PURPOSE_SPF, DNS_TXT, "", false, "v=spf1 mx ~all");
    TRY(add_keys(b, records, count));
    TRY(add_policies(b));
    TRY(add_certificates(b));
    return add_services(b);
}

enum control_exit control_dns_wishes(struct control *control, struct arena *arena,
                                     struct dns_wishes *out_wishes)
{
    struct control_dkim_record records[DKIM_SIGNERS_MAX];
    struct building building = {control, arena, out_wishes};
    char machine[256] = "";
    slice host = control->config->server.hostname;
    unsigned count;
    *out_wishes = (struct dns_wishes){0};
    if (failed(idna_to_ascii(arena, control->words[0], &out_wishes->domain)))
        return control_say(CONTROL_USAGE, "%.*s is no domain", SLICE_ARG(control->words[0]));
    if (host.size == 0 && gethostname(machine, sizeof machine - 1) == 0)
        host = slice_from_string(machine);
    if (failed(idna_to_ascii(arena, host, &out_wishes->host)))
        return control_say(CONTROL_TROUBLE, "server.hostname is no host name");
    enum control_exit exit =
        control_dkim_records(control, out_wishes->domain, arena, records, &count);
    if (exit != CONTROL_DONE)
        return exit;
    if (count == 0)
        control_say(CONTROL_DONE, "no DKIM key yet; \"ringmail dkim create %.*s\" makes one",
                    SLICE_ARG(out_wishes->domain));
    error problem = build(&building, records, count);
    return failed(problem) ? control_say(CONTROL_TROUBLE, "%s", problem.text) : CONTROL_DONE;
}
