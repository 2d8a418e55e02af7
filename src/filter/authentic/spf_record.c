/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/spf_record.h"

#include "base/cursor.h"
#include "filter/authentic/spf_macro.h"

#include <arpa/inet.h>

static error wrong(const char *text)
{
    return error_make(ERROR_PERMANENT, text);
}

/* RFC 7208 4.5: the version ends with a blank, or the record. */
bool spf_record_is(slice text)
{
    slice version = SLICE("v=spf1");
    return slice_starts_nocase(text, version) &&
           (text.size == version.size || text.data[version.size] == ' ');
}

/* ---- domain-spec ---- */

static bool is_alphanumeric(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* RFC 7208 7.1 "toplabel": letters, digits and hyphens; not digits alone. */
static bool is_top_label(slice label)
{
    bool letter = false;
    if (label.size == 0 || !is_alphanumeric(label.data[0]) ||
        !is_alphanumeric(label.data[label.size - 1]))
        return false;
    for (size_t i = 0; i < label.size; i++) {
        if (!is_alphanumeric(label.data[i]) && label.data[i] != '-')
            return false;
        letter |= !ascii_is_digit(label.data[i]);
    }
    return letter;
}

/* RFC 7208 7.1: it ends in a macro, or in a dot and a top label. */
static bool is_domain_spec(slice text)
{
    size_t tail;
    slice rest, label;
    if (text.size == 0 || !spf_macro_check(text, SPF_MACRO_IN_DOMAIN, &tail))
        return false;
    if (tail == text.size)
        return true;
    slice literal = slice_from(text, tail);
    if (literal.data[literal.size - 1] == '.')
        literal.size--;
    return slice_cut_last(literal, '.', &rest, &label) && is_top_label(label);
}

/* ---- Terms ---- */

/* Digits at the end of *text behind its last slash; false where there are none. */
static bool cut_number(slice *text, slice *out_digits)
{
    slice rest, digits;
    if (!slice_cut_last(*text, '/', &rest, &digits) || digits.size == 0)
        return false;
    for (size_t i = 0; i < digits.size; i++)
        if (!ascii_is_digit(digits.data[i]))
            return false;
    *text = rest;
    *out_digits = digits;
    return true;
}

/* RFC 7208 5.6: no leading zeros. */
static bool read_bits(slice digits, unsigned max, uint8_t *out_bits)
{
    struct cursor c = cursor_over(digits);
    uint64_t number;
    if ((digits.size > 1 && digits.data[0] == '0') || !cursor_take_u64(&c, max, &number))
        return false;
    *out_bits = (uint8_t)number;
    return true;
}

/* RFC 7208 5.6 dual-cidr-length, cut from the end of *text where it is there: "/24", "//64",
 * "/24//64". */
static error cut_prefixes(slice *text, struct spf_directive *directive)
{
    slice digits, before = *text;
    directive->ip4_bits = 32;
    directive->ip6_bits = 128;
    if (!cut_number(&before, &digits))
        return OK;
    if (slice_ends(before, SLICE("/"))) {
        if (!read_bits(digits, 128, &directive->ip6_bits))
            return wrong("a prefix length that is none");
        before.size--;
        *text = before;
        if (!cut_number(&before, &digits))
            return OK;
    }
    if (!read_bits(digits, 32, &directive->ip4_bits))
        return wrong("a prefix length that is none");
    *text = before;
    return OK;
}

/* ":192.0.2.0/24" */
static error parse_network(slice argument, int family, struct spf_directive *directive)
{
    char string[INET6_ADDRSTRLEN];
    slice text = slice_from(argument, 1), digits;
    bool six = family == AF_INET6;
    uint8_t *bits = six ? &directive->ip6_bits : &directive->ip4_bits;
    *bits = six ? 128 : 32;
    if (!slice_starts(argument, SLICE(":")))
        return wrong("ip4 and ip6 need an address");
    if (cut_number(&text, &digits) && !read_bits(digits, *bits, bits))
        return wrong("a prefix length that is none");
    if (text.size == 0 || text.size >= sizeof string)
        return wrong("an address that is none");
    memcpy(string, text.data, text.size);
    string[text.size] = '\0';
    return inet_pton(family, string, directive->ip) == 1 ? OK : wrong("an address that is none");
}

/* ":example.org", needed or not, with prefix lengths or not. */
static error parse_domain(slice argument, bool needed, struct spf_directive *directive)
{
    if (directive->mechanism == SPF_A || directive->mechanism == SPF_MX)
        TRY(cut_prefixes(&argument, directive));
    if (argument.size == 0)
        return needed ? wrong("include and exists need a domain") : OK;
    directive->domain = slice_from(argument, 1);
    return argument.data[0] == ':' && is_domain_spec(directive->domain)
               ? OK
               : wrong("a domain that is none");
}

static error parse_mechanism(slice name, slice argument, struct spf_directive *directive)
{
    static const slice names[] = {
        [SPF_ALL] = SLICE("all"), [SPF_INCLUDE] = SLICE("include"), [SPF_A] = SLICE("a"),
        [SPF_MX] = SLICE("mx"),   [SPF_PTR] = SLICE("ptr"),         [SPF_IP4] = SLICE("ip4"),
        [SPF_IP6] = SLICE("ip6"), [SPF_EXISTS] = SLICE("exists"),
    };
    unsigned i = 0;
    while (i < sizeof names / sizeof names[0] && !slice_equal_nocase(name, names[i]))
        i++;
    if (i == sizeof names / sizeof names[0])
        return wrong("a mechanism that nobody knows");
    directive->mechanism = (enum spf_mechanism)i;
    switch (directive->mechanism) {
    case SPF_ALL:
        return argument.size ? wrong("all takes nothing") : OK;
    case SPF_IP4:
        return parse_network(argument, AF_INET, directive);
    case SPF_IP6:
        return parse_network(argument, AF_INET6, directive);
    default:
        return parse_domain(argument, i == SPF_INCLUDE || i == SPF_EXISTS, directive);
    }
}

/* RFC 7208 6: each of the two at most once. */
static error parse_modifier(slice name, slice value, struct spf_record *record)
{
    slice *known = slice_equal_nocase(name, SLICE("redirect")) ? &record->redirect
                   : slice_equal_nocase(name, SLICE("exp"))    ? &record->explanation
                                                               : NULL;
    if (!known)
        return spf_macro_check(value, SPF_MACRO_IN_DOMAIN, NULL) ? OK
                                                                 : wrong("macros that are none");
    if (known->data)
        return wrong("redirect or exp twice");
    if (!is_domain_spec(value))
        return wrong("a domain that is none");
    *known = value;
    return OK;
}

/* ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static slice take_name(struct cursor *c)
{
    const char *first = c->at;
    while (c->at < c->end && (ascii_is_alpha(*c->at) ||
                              (c->at > first && (is_alphanumeric(*c->at) ||
                                                 slice_find_byte(SLICE("-_."), *c->at) >= 0))))
        c->at++;
    return slice_of(first, (size_t)(c->at - first));
}

static enum spf_result take_qualifier(struct cursor *c, bool *out_any)
{
    *out_any = true;
    if (cursor_take_byte(c, '-'))
        return SPF_FAIL;
    if (cursor_take_byte(c, '~'))
        return SPF_SOFTFAIL;
    if (cursor_take_byte(c, '?'))
        return SPF_NEUTRAL;
    *out_any = cursor_take_byte(c, '+');
    return SPF_PASS;
}

static error parse_term(slice term, struct spf_record *record)
{
    struct cursor c = cursor_over(term);
    struct spf_directive directive = {0};
    bool qualified;
    directive.result = take_qualifier(&c, &qualified);
    slice name = take_name(&c);
    if (name.size == 0)
        return wrong("a term without a name");
    if (!qualified && cursor_take_byte(&c, '='))
        return parse_modifier(name, cursor_rest(&c), record);
    TRY(parse_mechanism(name, cursor_rest(&c), &directive));
    record->directives[record->count++] = directive;
    return OK;
}

static bool is_text(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
}

static unsigned count_terms(slice text)
{
    unsigned count = 0;
    for (size_t i = 1; i < text.size; i++)
        count += text.data[i] != ' ' && text.data[i - 1] == ' ';
    return count;
}

error spf_record_parse(slice text, struct arena *arena, struct spf_record *out_record)
{
    struct spf_record record = {0};
    slice term;
    if (!is_text(text)) /* RFC 7208 3.1 */
        return wrong("bytes that no record may have");
    slice_cut(text, ' ', &term, &text); /* the version */
    unsigned most = count_terms(text) + 1;
    if (most > SPF_TERMS_MAX)
        return wrong("too many terms");
    record.directives = ARENA_ARRAY(arena, struct spf_directive, most);
    TRY_MEMORY(record.directives);
    while (text.size) {
        slice_cut(text, ' ', &term, &text);
        if (term.size)
            TRY(parse_term(term, &record));
    }
    *out_record = record;
    return OK;
}

bool spf_mechanism_asks(enum spf_mechanism mechanism)
{
    return mechanism != SPF_ALL && mechanism != SPF_IP4 && mechanism != SPF_IP6;
}
