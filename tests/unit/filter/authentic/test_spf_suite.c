/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The public test suite of RFC 7208 (openspf.org): every case, with the DNS that it describes. The
 * file is YAML; what is read here is what it uses of that.
 */
#include "filter/authentic/zone.h"

#include "base/buffer.h"
#include "filter/authentic/spf.h"

#include <stdio.h>

static struct arena arena;
static struct zone zone;
static unsigned agreements, disagreements;

/* ---- YAML ---- */

static slice take_line(slice *text)
{
    slice line;
    slice_cut(*text, '\n', &line, text);
    return line;
}

static size_t indent_of(slice line)
{
    size_t n = 0;
    while (n < line.size && line.data[n] == ' ')
        n++;
    return n;
}

static int hex(char c)
{
    return ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

/* Behind the opening quote; *at then stands behind the closing one. */
static slice read_quoted(slice text, size_t *at)
{
    char quote = text.data[(*at)++], *copy = arena_alloc_bytes(&arena, text.size + 1);
    size_t size = 0;
    for (; text.data[*at] != quote; (*at)++) {
        char c = text.data[*at];
        if (c == '\\' && quote == '"') {
            c = text.data[++*at];
            if (c == 'x') {
                c = (char)(hex(text.data[*at + 1]) * 16 + hex(text.data[*at + 2]));
                *at += 2;
            } else if (c == '0') {
                c = '\0';
            }
        }
        copy[size++] = c;
    }
    ++*at;
    return slice_of(copy, size);
}

/* A scalar or a list of them: how many. */
static unsigned read_values(slice text, slice values[], unsigned max)
{
    size_t at = 0;
    unsigned count = 0;
    text = slice_trim(text);
    bool list = text.size && text.data[0] == '[';
    if (!list) {
        values[0] = text.size && (text.data[0] == '"' || text.data[0] == '\'')
                        ? read_quoted(text, &at)
                        : text;
        return 1;
    }
    for (at = 1; at < text.size && text.data[at] != ']';) {
        if (text.data[at] == ' ' || text.data[at] == ',') {
            at++;
            continue;
        }
        assert_true(count < max);
        if (text.data[at] == '"' || text.data[at] == '\'') {
            values[count++] = read_quoted(text, &at);
            continue;
        }
        size_t begin = at;
        while (text.data[at] != ',' && text.data[at] != ']')
            at++;
        values[count++] = slice_trim(slice_sub(text, begin, at - begin));
    }
    return count;
}

static slice joined(const slice *parts, unsigned count)
{
    struct buffer buffer;
    slice copy;
    buffer_init(&buffer, 65536);
    for (unsigned i = 0; i < count; i++)
        buffer_add(&buffer, parts[i]);
    assert_ok(arena_copy(&arena, buffer.size ? buffer_slice(&buffer) : SLICE(""), &copy));
    buffer_close(&buffer);
    return copy;
}

static const char *string_of(slice s)
{
    const char *string;
    assert_ok(arena_string(&arena, s, &string));
    return string;
}

/* ---- Records ---- */

/* Type SPF stands for TXT where the name has no TXT of its own. */
struct owner {
    slice name;
    bool has_text;
    slice spf[8];
    unsigned spf_count;
};

static void end_owner(struct owner *owner)
{
    for (unsigned i = 0; i < owner->spf_count && !owner->has_text; i++)
        zone_add(&zone, owner->name, DNS_TXT)->data.text = owner->spf[i];
    *owner = (struct owner){0};
}

static slice without_dot(slice name)
{
    if (slice_ends(name, SLICE(".")))
        name.size--;
    return name;
}

static void read_record(struct owner *owner, slice line)
{
    slice type, text, values[16];
    line = slice_trim(slice_from(slice_trim(line), 1)); /* behind "-" */
    if (slice_equal(line, SLICE("TIMEOUT"))) {
        zone_add(&zone, owner->name, (enum dns_type)0)->dead = true;
        return;
    }
    assert_true(slice_cut(line, ':', &type, &text));
    unsigned count = read_values(text, values, 16);
    if (slice_equal(type, SLICE("SPF"))) {
        assert_true(owner->spf_count < 8);
        owner->spf[owner->spf_count++] = joined(values, count);
    } else if (slice_equal(type, SLICE("TXT"))) {
        owner->has_text = true;
        if (!slice_equal(values[0], SLICE("NONE")))
            zone_add(&zone, owner->name, DNS_TXT)->data.text = joined(values, count);
    } else if (slice_equal(type, SLICE("MX"))) {
        zone_add(&zone, owner->name, DNS_MX)->data.mx.host = values[1];
    } else if (slice_equal(type, SLICE("PTR"))) {
        zone_add(&zone, owner->name, DNS_PTR)->data.name = without_dot(values[0]);
    } else if (slice_equal(type, SLICE("CNAME"))) {
        zone_add(&zone, owner->name, DNS_CNAME)->data.name = without_dot(values[0]);
    } else {
        assert_true(slice_equal(type, SLICE("A")) || slice_equal(type, SLICE("AAAA")));
        zone_address(&zone, string_of(owner->name), string_of(values[0]));
    }
}

/* ---- Cases ---- */

struct vector {
    slice name, helo, host, sender;
    slice results[4];
    unsigned result_count;
    slice explanation; /* data NULL: any */
};

static void judge(const struct vector *vector)
{
    struct spf_question question = {
        .helo = vector->helo, .host = SLICE("receiver.example"), .explain = true};
    struct spf_check check;
    const struct dns_source source = zone_source(&zone);
    if (failed(address_parse_ip(vector->host, &question.peer)))
        fail_msg("%.*s: no host", SLICE_ARG(vector->name));
    if (vector->sender.size) {
        slice_cut_last(vector->sender, '@', &question.local, &question.domain);
    } else {
        question.local = SLICE("postmaster");
        question.domain = vector->helo;
    }
    assert_ok(spf_check(&question, &source, &arena, TIME_NEVER, &check));
    slice result = slice_from_string(spf_result_name(check.result));
    bool fits = false;
    for (unsigned i = 0; i < vector->result_count; i++)
        fits |= slice_equal(result, vector->results[i]);
    slice wanted = vector->explanation;
    if (slice_equal(wanted, SLICE("DEFAULT")))
        wanted = SLICE("");
    fits &= !wanted.data || slice_equal(wanted, check.explanation);
    agreements += fits;
    disagreements += !fits;
    if (!fits)
        print_message("%.*s: %.*s (%s) \"%.*s\", expected %.*s \"%.*s\"\n", SLICE_ARG(vector->name),
                      SLICE_ARG(result), check.reason ? check.reason : "",
                      SLICE_ARG(check.explanation), SLICE_ARG(vector->results[0]),
                      SLICE_ARG(wanted));
}

static void read_field(struct vector *vector, slice line)
{
    slice key, text;
    if (!slice_cut(slice_trim(line), ':', &key, &text))
        return;
    if (slice_equal(key, SLICE("helo")))
        read_values(text, &vector->helo, 1);
    else if (slice_equal(key, SLICE("host")))
        read_values(text, &vector->host, 1);
    else if (slice_equal(key, SLICE("mailfrom")))
        read_values(text, &vector->sender, 1);
    else if (slice_equal(key, SLICE("explanation")))
        read_values(text, &vector->explanation, 1);
    else if (slice_equal(key, SLICE("result")))
        vector->result_count = read_values(text, vector->results, 4);
}

enum { VECTORS_MAX = 64 };

static void run_document(slice text)
{
    static struct vector vectors[VECTORS_MAX];
    unsigned count = 0;
    bool in_zone = false;
    struct owner owner = {0};
    zone = (struct zone){0};
    while (text.size) {
        slice line = take_line(&text), content = slice_trim(line);
        size_t indent = indent_of(line), at = 0;
        if (content.size == 0 || content.data[0] == '#')
            continue;
        if (indent == 0) {
            in_zone = slice_equal(content, SLICE("zonedata:"));
        } else if (in_zone && indent == 2) {
            end_owner(&owner);
            content.size--; /* the colon */
            owner.name = content.data[0] == '"' ? read_quoted(content, &at) : content;
        } else if (in_zone) {
            read_record(&owner, line);
        } else if (indent == 2 && slice_ends(content, SLICE(":"))) {
            assert_true(count < VECTORS_MAX);
            content.size--;
            vectors[count++] = (struct vector){.name = content};
        } else if (indent == 4 && count > 0) {
            read_field(&vectors[count - 1], line);
        }
    }
    end_owner(&owner);
    for (unsigned i = 0; i < count; i++)
        judge(&vectors[i]);
}

static void test_agrees_with_others(void **state)
{
    (void)state;
    static char text[1 << 18];
    FILE *file = fopen("../shared/vectors/spf/rfc7208-tests.yml", "re");
    if (!file) {
        print_message("skipped: no vectors beside the project\n");
        skip();
    }
    slice rest = slice_of(text, fread(text, 1, sizeof text, file));
    fclose(file);
    while (rest.size) {
        ptrdiff_t end = slice_find(rest, SLICE("\n---\n"));
        slice document = end < 0 ? rest : slice_sub(rest, 0, (size_t)end + 1);
        rest = slice_from(rest, document.size + 4);
        run_document(document);
    }
    print_message("%u agree\n", agreements);
    assert_int_equal(disagreements, 0);
    assert_int_equal(agreements, 203);
}

int main(void)
{
    arena_init(&arena, 64 << 20);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees_with_others)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
