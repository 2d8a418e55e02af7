/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What DNS says, beside what it should. A record need not be the one we would write: it must do
 * what ours would.
 */
#include "control/dns.h"
#include "format/mail/mta_sts.h"
#include "format/mail/tag_list.h"
#include "net/dns/addresses.h"

enum { CHECK_TIMEOUT_S = 20, FOUND_SIZE_MAX = 4096 };

const char *dns_state_name(enum dns_state state)
{
    static const char *const names[] = {
        [DNS_STATE_OK] = "ok",           [DNS_STATE_NOTE] = "note",
        [DNS_STATE_MISSING] = "missing", [DNS_STATE_WRONG] = "wrong",
        [DNS_STATE_UNKNOWN] = "unknown",
    };
    return names[state];
}

struct checking {
    const struct dns_wishes *wishes;
    const struct dns_wish *wish;
    struct arena *arena;
    struct dns_answer answer;
    struct dns_finding *finding;
};

static error conclude(struct checking *c, enum dns_state state, const char *text)
{
    c->finding->state = state;
    c->finding->text = slice_from_string(text);
    return OK;
}

/* WAITS. *out_settled: nothing is there, or nobody knows: the finding says so. */
static error ask(struct checking *c, slice name, enum dns_type type, bool *out_settled)
{
    c->answer = (struct dns_answer){0};
    error problem =
        resolver_query(name, type, c->arena, time_after(CHECK_TIMEOUT_S * TIME_S), &c->answer);
    *out_settled = true;
    if (problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT)
        return problem;
    if (failed(problem) && problem.kind != ERROR_NOT_FOUND)
        return conclude(c, DNS_STATE_UNKNOWN, problem.text);
    if (c->answer.count == 0)
        return conclude(c, DNS_STATE_MISSING, "add the record");
    *out_settled = false;
    return OK;
}

/* The records found, one after the other. */
static error note_found(struct checking *c)
{
    struct buffer out;
    buffer_init(&out, FOUND_SIZE_MAX);
    for (unsigned i = 0; i < c->answer.count; i++) {
        const struct dns_record *r = &c->answer.records[i];
        if (i)
            buffer_add(&out, SLICE(", "));
        switch (c->wish->type) {
        case DNS_MX:
            buffer_format(&out, "%u %.*s.", r->mx.preference, SLICE_ARG(r->mx.host));
            break;
        case DNS_TXT:
            buffer_add(&out, r->text);
            break;
        case DNS_SRV:
            buffer_format(&out, "%u %u %u %.*s.", r->srv.priority, r->srv.weight, r->srv.port,
                          SLICE_ARG(r->srv.host));
            break;
        case DNS_TLSA:
            buffer_format(&out, "%u %u %u ", r->tlsa.usage, r->tlsa.selector, r->tlsa.matching);
            for (size_t byte = 0; byte < r->tlsa.data.size; byte++)
                buffer_format(&out, "%02x", (unsigned char)r->tlsa.data.data[byte]);
            break;
        default:
            break;
        }
    }
    error problem = arena_copy(c->arena, buffer_slice(&out), &c->finding->found);
    buffer_close(&out);
    return problem;
}

static error check_mx(struct checking *c)
{
    bool ours = false;
    for (unsigned i = 0; i < c->answer.count; i++)
        ours |= slice_equal_nocase(c->answer.records[i].mx.host, c->wishes->host);
    if (!ours)
        return conclude(c, DNS_STATE_WRONG, "mail goes elsewhere: no MX names this server");
    return c->answer.count > 1
               ? conclude(c, DNS_STATE_NOTE,
                          "other hosts take mail as well: they must know the same users")
               : OK;
}

/* The one record that begins so; *out_count says how many there are. */
static slice find_text(const struct dns_answer *answer, slice begin, unsigned *out_count)
{
    slice found = SLICE_EMPTY;
    *out_count = 0;
    for (unsigned i = 0; i < answer->count; i++)
        if (slice_starts_nocase(answer->records[i].text, begin)) {
            found = answer->records[i].text;
            ++*out_count;
        }
    return found;
}

static bool spf_names_us(const struct checking *c, slice text)
{
    slice term, own;
    if (failed(arena_format(c->arena, &own, "a:%.*s", SLICE_ARG(c->wishes->host))))
        return false;
    while (text.size) {
        slice_cut(text, ' ', &term, &text);
        if (term.size && (term.data[0] == '+'))
            term = slice_from(term, 1);
        if (slice_equal_nocase(term, SLICE("mx")) || slice_equal_nocase(term, own))
            return true;
    }
    return false;
}

static error check_spf(struct checking *c)
{
    unsigned count;
    slice text = find_text(&c->answer, SLICE("v=spf1"), &count);
    if (count == 0)
        return conclude(c, DNS_STATE_MISSING, "add the record");
    if (count > 1) /* RFC 7208 4.5 */
        return conclude(c, DNS_STATE_WRONG, "several SPF records make none: keep one");
    if (slice_find_nocase(text, SLICE("+all")) >= 0)
        return conclude(c, DNS_STATE_WRONG, "+all lets everybody send in your name");
    if (slice_find_nocase(text, SLICE("redirect=")) < 0 &&
        slice_find_nocase(text, SLICE("all")) < 0)
        return conclude(c, DNS_STATE_WRONG, "it has no end: add ~all or -all");
    if (!spf_names_us(c, text))
        return conclude(c, DNS_STATE_NOTE,
                        "it names neither mx nor this host: make sure an ip4, ip6 or include does");
    return OK;
}

/* RFC 6376 3.2: tags in any order, blanks without meaning; what counts is k= and p=. */
static bool same_key(slice a, slice b)
{
    struct mail_tag_list x, y;
    if (!mail_tag_list_parse(a, &x) || !mail_tag_list_parse(b, &y))
        return false;
    slice p = mail_tag_value(&x, SLICE("p")), q = mail_tag_value(&y, SLICE("p"));
    while (p.size && q.size) {
        while (p.size && (p.data[0] == ' ' || p.data[0] == '\t'))
            p = slice_from(p, 1);
        if (!p.size || p.data[0] != q.data[0])
            return false;
        p = slice_from(p, 1);
        q = slice_from(q, 1);
    }
    slice kind = mail_tag_value(&x, SLICE("k"));
    return p.size == 0 && q.size == 0 &&
           slice_equal_nocase(kind.size ? kind : SLICE("rsa"), mail_tag_value(&y, SLICE("k")));
}

static error check_dkim(struct checking *c)
{
    for (unsigned i = 0; i < c->answer.count; i++)
        if (same_key(c->answer.records[i].text, c->wish->data))
            return c->answer.count == 1
                       ? OK
                       : conclude(c, DNS_STATE_WRONG, "several records: keep the right one");
    return conclude(c, DNS_STATE_WRONG,
                    "another key is published: signatures of ours do not verify");
}

static error check_dmarc(struct checking *c)
{
    struct mail_tag_list tags;
    unsigned count;
    slice text = find_text(&c->answer, SLICE("v=DMARC1"), &count);
    if (count == 0)
        return conclude(c, DNS_STATE_MISSING, "add the record");
    if (count > 1) /* RFC 7489 6.6.3 */
        return conclude(c, DNS_STATE_WRONG, "several DMARC records make none: keep one");
    if (!mail_tag_list_parse(text, &tags))
        return conclude(c, DNS_STATE_WRONG, "it cannot be read: tags are separated by semicolons");
    slice policy = mail_tag_value(&tags, SLICE("p"));
    if (slice_equal_nocase(policy, SLICE("none")))
        return conclude(c, DNS_STATE_NOTE, "p=none only watches: quarantine or reject protects");
    if (!slice_equal_nocase(policy, SLICE("quarantine")) &&
        !slice_equal_nocase(policy, SLICE("reject")))
        return conclude(c, DNS_STATE_WRONG, "p= is none, quarantine or reject");
    return OK;
}

static error check_sts(struct checking *c)
{
    slice id, wanted;
    unsigned count;
    slice text = find_text(&c->answer, SLICE("v=STSv1"), &count);
    if (count != 1 || failed(mta_sts_record_parse(text, &id)))
        return conclude(c, count ? DNS_STATE_WRONG : DNS_STATE_MISSING,
                        count ? "it cannot be read, or there are several" : "add the record");
    if (!failed(mta_sts_record_parse(c->wish->data, &wanted)) && !slice_equal(id, wanted))
        return conclude(c, DNS_STATE_WRONG,
                        "its id is of another policy: others keep what they remember");
    return OK;
}

static error check_report(struct checking *c)
{
    unsigned count;
    slice text = find_text(&c->answer, SLICE("v=TLSRPTv1"), &count);
    if (count == 0)
        return conclude(c, DNS_STATE_MISSING, "add the record");
    return count > 1 || slice_find(text, SLICE("rua=")) < 0
               ? conclude(c, DNS_STATE_WRONG, "one record with rua= is wanted (RFC 8460 3)")
               : OK;
}

static error check_tlsa(struct checking *c)
{
    bool found = false;
    slice end = slice_from(c->wish->data, sizeof "3 1 1 " - 1);
    for (unsigned i = 0; i < c->answer.count; i++) {
        const struct dns_record *r = &c->answer.records[i];
        char hex[65] = "";
        if (r->tlsa.usage != 3 || r->tlsa.selector != 1 || r->tlsa.matching != 1 ||
            r->tlsa.data.size != 32)
            continue;
        for (size_t byte = 0; byte < 32; byte++) {
            unsigned value = (unsigned char)r->tlsa.data.data[byte];
            hex[2 * byte] = "0123456789abcdef"[value >> 4];
            hex[2 * byte + 1] = "0123456789abcdef"[value & 15];
        }
        found |= slice_equal(slice_of(hex, 64), end);
    }
    if (!found)
        return conclude(c, DNS_STATE_WRONG,
                        "no record is for our certificate: senders that obey DANE cannot deliver");
    return c->answer.authentic
               ? OK
               : conclude(c, DNS_STATE_NOTE,
                          "it only counts where the zone is signed and the resolver validates "
                          "(dns.trust_authentic)");
}

static error check_service(struct checking *c)
{
    for (unsigned i = 0; i < c->answer.count; i++) {
        const struct dns_record *r = &c->answer.records[i];
        bool offered = r->srv.host.size > 0;
        if (c->wish->port
                ? r->srv.port == c->wish->port && slice_equal_nocase(r->srv.host, c->wishes->host)
                : !offered)
            return OK;
    }
    return conclude(c, DNS_STATE_WRONG,
                    c->wish->port ? "it leads elsewhere" : "it offers what is not there");
}

/* WAITS. A name that must lead to this server: by CNAME or by addresses of its own. */
static error check_alias(struct checking *c)
{
    instant deadline = time_after(CHECK_TIMEOUT_S * TIME_S);
    struct dns_addresses there = {0}, here = {0};
    error problem = dns_addresses_find(c->wish->name, 0, c->arena, deadline, &there);
    if (problem.kind == ERROR_NOT_FOUND || (!failed(problem) && there.count == 0))
        return conclude(c, DNS_STATE_MISSING, "add the record");
    if (!failed(problem))
        problem = dns_addresses_find(c->wishes->host, 0, c->arena, deadline, &here);
    if (problem.kind == ERROR_NOT_FOUND)
        return conclude(c, DNS_STATE_WRONG, "this server's own name has no address");
    if (problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_TIMEOUT)
        return conclude(c, DNS_STATE_UNKNOWN, problem.text);
    if (failed(problem))
        return problem;
    char text[ADDRESS_TEXT_SIZE];
    TRY(arena_copy(c->arena, address_format_ip(&there.items[0], text), &c->finding->found));
    for (unsigned i = 0; i < there.count; i++)
        for (unsigned j = 0; j < here.count; j++)
            if (address_same_host(&there.items[i], &here.items[j]))
                return OK;
    return conclude(c, DNS_STATE_WRONG, "it leads to another machine");
}

error dns_check_wish(const struct dns_wishes *wishes, const struct dns_wish *wish,
                     struct arena *arena, struct dns_finding *out_finding)
{
    static error (*const checks[])(struct checking *) = {
        [DNS_PURPOSE_MX] = check_mx,     [DNS_PURPOSE_SPF] = check_spf,
        [DNS_PURPOSE_DKIM] = check_dkim, [DNS_PURPOSE_DMARC] = check_dmarc,
        [DNS_PURPOSE_STS] = check_sts,   [DNS_PURPOSE_TLS_REPORT] = check_report,
        [DNS_PURPOSE_TLSA] = check_tlsa, [DNS_PURPOSE_SERVICE] = check_service,
    };
    struct checking c = {.wishes = wishes, .wish = wish, .arena = arena, .finding = out_finding};
    bool settled = false;
    *out_finding = (struct dns_finding){.wish = wish};
    if (wish->type == DNS_CNAME)
        return check_alias(&c);
    TRY(ask(&c, wish->name, wish->type, &settled));
    if (settled) /* that nothing says it is not offered is as good */
        return wish->type == DNS_SRV && wish->port == 0 && out_finding->state == DNS_STATE_MISSING
                   ? conclude(&c, DNS_STATE_OK, "")
                   : OK;
    TRY(note_found(&c));
    return checks[wish->purpose](&c);
}

/* WAITS. RFC 1912 2.1: many receivers refuse mail from a host whose address does not name it. */
static error check_reverse(struct checking *c, const struct address *address)
{
    char text[DNS_REVERSE_SIZE];
    bool settled, is_ipv6 = address->family == ADDRESS_IPV6;
    slice name = dns_reverse_name(address->ip, is_ipv6 ? 16 : 4, text);
    TRY(ask(c, name, DNS_PTR, &settled));
    if (settled && c->finding->state == DNS_STATE_UNKNOWN)
        return OK;
    for (unsigned i = 0; !settled && i < c->answer.count; i++)
        if (slice_equal_nocase(c->answer.records[i].name, c->wishes->host))
            return OK;
    c->finding->state = DNS_STATE_WRONG;
    return arena_format(c->arena, &c->finding->text,
                        "the reverse name (PTR) of its address is not %.*s: ask who gave you the "
                        "address",
                        SLICE_ARG(c->wishes->host));
}

error dns_check_host(const struct dns_wishes *wishes, struct arena *arena,
                     struct dns_finding *out_finding)
{
    static const struct dns_wish host = {.purpose = DNS_PURPOSE_MX, .type = DNS_A};
    struct checking c = {.wishes = wishes, .wish = &host, .arena = arena, .finding = out_finding};
    struct dns_addresses addresses = {0};
    *out_finding = (struct dns_finding){.wish = &host};
    error problem = dns_addresses_find(wishes->host, 0, arena, time_after(CHECK_TIMEOUT_S * TIME_S),
                                       &addresses);
    if (problem.kind == ERROR_NOT_FOUND || (!failed(problem) && addresses.count == 0))
        return conclude(&c, DNS_STATE_MISSING, "the MX has no address: add A or AAAA");
    if (problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_TIMEOUT)
        return conclude(&c, DNS_STATE_UNKNOWN, problem.text);
    if (failed(problem))
        return problem;
    for (unsigned i = 0; i < addresses.count && out_finding->state == DNS_STATE_OK; i++) {
        char text[ADDRESS_TEXT_SIZE];
        TRY(arena_copy(arena, address_format_ip(&addresses.items[i], text), &out_finding->found));
        TRY(check_reverse(&c, &addresses.items[i]));
    }
    return OK;
}
