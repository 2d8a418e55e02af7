/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/spf_match.h"

error spf_run_count(struct spf_run *run)
{
    if (run->lookups == SPF_LOOKUPS_MAX)
        return error_make(ERROR_PERMANENT, "more than ten terms ask DNS");
    run->lookups++;
    return OK;
}

/* RFC 7208 4.6.4: a term whose answer held nothing. */
static error count_void(struct spf_run *run, const struct dns_answer *answer)
{
    if (answer->count > 0)
        return OK;
    if (run->voids == SPF_VOID_LOOKUPS_MAX)
        return error_make(ERROR_PERMANENT, "more than two terms name what does not exist");
    run->voids++;
    return OK;
}

/* ---- Addresses ---- */

static size_t address_size(const struct spf_run *run)
{
    return run->question->peer.family == ADDRESS_IPV6 ? 16 : 4;
}

static enum dns_type address_type(const struct spf_run *run)
{
    return run->question->peer.family == ADDRESS_IPV6 ? DNS_AAAA : DNS_A;
}

static bool same_network(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    return memcmp(a, b, bytes) == 0 &&
           (rest == 0 || (uint8_t)(a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static bool has_peer(const struct spf_run *run, const struct dns_answer *answer,
                     const struct spf_directive *directive)
{
    const struct address *peer = &run->question->peer;
    unsigned bits = (unsigned)address_size(run) * 8;
    if (directive)
        bits = peer->family == ADDRESS_IPV6 ? directive->ip6_bits : directive->ip4_bits;
    for (unsigned i = 0; i < answer->count; i++)
        if (same_network(peer->ip, answer->records[i].ip, bits))
            return true;
    return false;
}

/* WAITS. */
static error ask(struct spf_run *run, slice name, enum dns_type type, struct dns_answer *out_answer)
{
    return dns_source_ask(run->source, name, type, run->arena, run->deadline, out_answer);
}

/* ---- The client's names ---- */

/* `name` is `domain`, or below it. */
static bool is_within(slice name, slice domain)
{
    if (slice_ends(domain, SLICE(".")))
        domain.size--;
    if (name.size <= domain.size)
        return slice_equal_nocase(name, domain);
    slice tail = slice_from(name, name.size - domain.size);
    return tail.data[-1] == '.' && slice_equal_nocase(tail, domain);
}

static slice reverse_name(const struct spf_run *run, char text[DNS_REVERSE_SIZE])
{
    return dns_reverse_name(run->question->peer.ip, address_size(run), text);
}

/* WAITS. RFC 7208 5.5: a DNS error is as good as no name. The client's owner answers for its names,
 * or does not: he may not use up the time for the terms behind this one, and so turn a fail into a
 * temperror. */
static error find_names(struct spf_run *run, bool counts)
{
    char text[DNS_REVERSE_SIZE];
    struct dns_answer answer = {0};
    if (run->names_known)
        return OK;
    run->names_deadline = time_share(run->deadline, SPF_NAMES_SHARE);
    error problem = dns_source_ask(run->source, reverse_name(run, text), DNS_PTR, run->arena,
                                   run->names_deadline, &answer);
    if (problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT)
        return problem;
    run->names_known = true;
    while (run->name_count < answer.count && run->name_count < SPF_NAMES_MAX) {
        run->names[run->name_count] = answer.records[run->name_count].name;
        dns_source_expect(run->source, run->names[run->name_count], address_type(run));
        run->name_count++;
    }
    return counts && !failed(problem) ? count_void(run, &answer) : OK;
}

/* WAITS. Does the name lead back to the client? */
static error validate_name(struct spf_run *run, unsigned i, bool *out_valid)
{
    struct dns_answer answer = {0};
    if (run->name_states[i] == SPF_NAME_UNKNOWN) {
        error problem = dns_source_ask(run->source, run->names[i], address_type(run), run->arena,
                                       run->names_deadline, &answer);
        if (problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT)
            return problem;
        run->name_states[i] = has_peer(run, &answer, NULL) ? SPF_NAME_VALID : SPF_NAME_WRONG;
    }
    *out_valid = run->name_states[i] == SPF_NAME_VALID;
    return OK;
}

/* How well does a name suit the domain (RFC 7208 7.3 "p")? */
static unsigned closeness(slice name, slice domain)
{
    return slice_equal_nocase(name, domain) ? 3 : is_within(name, domain) ? 2 : 1;
}

error spf_run_need_names(struct spf_run *run, slice text, slice domain)
{
    unsigned best = 0;
    if (!spf_macro_uses(text, 'p'))
        return OK;
    TRY(find_names(run, false));
    run->validated = SLICE_EMPTY;
    for (unsigned i = 0; i < run->name_count; i++) {
        bool valid;
        TRY(validate_name(run, i, &valid));
        if (valid && closeness(run->names[i], domain) > best) {
            best = closeness(run->names[i], domain);
            run->validated = run->names[i];
        }
    }
    return OK;
}

/* ---- Names in terms ---- */

struct spf_macro_values spf_run_values(const struct spf_run *run, slice domain)
{
    const struct spf_question *question = run->question;
    return (struct spf_macro_values){
        .peer = &question->peer,
        .local = question->local.size ? question->local : SLICE("postmaster"), /* 4.3 */
        .sender_domain = question->domain,
        .domain = domain,
        .helo = question->helo,
        .validated = run->validated,
        .host = question->host,
        .now = question->now,
    };
}

static slice as_name(slice text)
{
    slice label;
    if (slice_ends(text, SLICE(".")))
        text.size--;
    while (text.size > DNS_NAME_SIZE_MAX && slice_cut(text, '.', &label, &text))
        continue;
    return text;
}

error spf_run_expand(struct spf_run *run, slice spec, slice domain, slice *out_name)
{
    struct buffer text;
    slice copy;
    if (slice_find_byte(spec, '%') < 0) {
        *out_name = as_name(spec);
        return OK;
    }
    TRY(spf_run_need_names(run, spec, domain));
    struct spf_macro_values values = spf_run_values(run, domain);
    buffer_init(&text, SPF_EXPANSION_SIZE_MAX);
    spf_macro_expand(spec, SPF_MACRO_IN_DOMAIN, &values, &text);
    error problem = failed(buffer_check(&text))
                        ? error_make(ERROR_PERMANENT, "a name that grows beyond measure")
                        : arena_copy(run->arena, as_name(buffer_slice(&text)), &copy);
    buffer_close(&text);
    TRY(problem);
    *out_name = copy;
    return OK;
}

/* ---- Mechanisms ---- */

/* WAITS. RFC 7208 5.3 */
static error match_a(struct spf_run *run, const struct spf_directive *directive, slice name,
                     bool *out_match)
{
    struct dns_answer answer;
    TRY(ask(run, name, address_type(run), &answer));
    *out_match = has_peer(run, &answer, directive);
    return count_void(run, &answer);
}

/* WAITS. RFC 7208 5.4 */
static error match_mx(struct spf_run *run, const struct spf_directive *directive, slice name,
                      bool *out_match)
{
    struct dns_answer hosts, addresses;
    TRY(ask(run, name, DNS_MX, &hosts));
    TRY(count_void(run, &hosts));
    if (hosts.count > SPF_NAMES_MAX)
        return error_make(ERROR_PERMANENT, "an mx term with more than ten hosts");
    for (unsigned i = 0; i < hosts.count; i++)
        dns_source_expect(run->source, hosts.records[i].mx.host, address_type(run));
    for (unsigned i = 0; i < hosts.count && !*out_match; i++) {
        TRY(ask(run, hosts.records[i].mx.host, address_type(run), &addresses));
        *out_match = has_peer(run, &addresses, directive);
    }
    return OK;
}

/* WAITS. RFC 7208 5.5 */
static error match_ptr(struct spf_run *run, slice name, bool *out_match)
{
    TRY(find_names(run, true));
    for (unsigned i = 0; i < run->name_count && !*out_match; i++)
        if (is_within(run->names[i], name))
            TRY(validate_name(run, i, out_match));
    return OK;
}

/* WAITS. RFC 7208 5.7: IPv4, whatever the client speaks. */
static error match_exists(struct spf_run *run, slice name, bool *out_match)
{
    struct dns_answer answer;
    TRY(ask(run, name, DNS_A, &answer));
    *out_match = answer.count > 0;
    return count_void(run, &answer);
}

bool spf_match_at_once(const struct spf_run *run, const struct spf_directive *directive)
{
    const struct address *peer = &run->question->peer;
    switch (directive->mechanism) {
    case SPF_ALL:
        return true;
    case SPF_IP4:
        return peer->family == ADDRESS_IPV4 &&
               same_network(peer->ip, directive->ip, directive->ip4_bits);
    case SPF_IP6:
        return peer->family == ADDRESS_IPV6 &&
               same_network(peer->ip, directive->ip, directive->ip6_bits);
    default:
        return false;
    }
}

error spf_match(struct spf_run *run, const struct spf_directive *directive, slice domain,
                bool *out_match)
{
    slice name = domain;
    if (directive->domain.size)
        TRY(spf_run_expand(run, directive->domain, domain, &name));
    switch (directive->mechanism) {
    case SPF_A:
        return match_a(run, directive, name, out_match);
    case SPF_MX:
        return match_mx(run, directive, name, out_match);
    case SPF_PTR:
        return match_ptr(run, name, out_match);
    case SPF_EXISTS:
        return match_exists(run, name, out_match);
    default:
        *out_match = spf_match_at_once(run, directive);
        return OK;
    }
}

/* ---- Asking ahead ---- */

static void expect(struct spf_run *run, slice spec, slice domain, enum dns_type type)
{
    slice name = domain;
    if (spf_macro_uses(spec, 'p'))
        return; /* that would wait */
    if (spec.size && failed(spf_run_expand(run, spec, domain, &name)))
        return; /* whoever needs it will hear */
    dns_source_expect(run->source, name, type);
}

void spf_match_expect(struct spf_run *run, const struct spf_directive *directive, slice domain)
{
    char text[DNS_REVERSE_SIZE];
    switch (directive->mechanism) {
    case SPF_INCLUDE:
        expect(run, directive->domain, domain, DNS_TXT);
        break;
    case SPF_A:
        expect(run, directive->domain, domain, address_type(run));
        break;
    case SPF_MX:
        expect(run, directive->domain, domain, DNS_MX);
        break;
    case SPF_EXISTS:
        expect(run, directive->domain, domain, DNS_A);
        break;
    case SPF_PTR:
        dns_source_expect(run->source, reverse_name(run, text), DNS_PTR);
        break;
    default:
        break;
    }
}

void spf_match_expect_text(struct spf_run *run, slice spec, slice domain)
{
    expect(run, spec, domain, DNS_TXT);
}
