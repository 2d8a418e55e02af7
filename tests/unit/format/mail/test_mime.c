/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/mime.h"

#include "base/buffer.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static struct mime_message parse(slice text)
{
    struct mime_message message;
    assert_false(failed(mime_parse(&arena, text, &message)));
    return message;
}

/* type/subtype "body" lines(children) */
static void render(slice text, const struct mime_part *part, struct buffer *out)
{
    buffer_format(out, "%.*s/%.*s", SLICE_ARG(part->type), SLICE_ARG(part->subtype));
    if (part->kind == MIME_KIND_LEAF)
        buffer_format(out, "[%.*s]%zu", SLICE_ARG(mime_part_body(text, part)),
                      part->body_line_count);
    if (!part->first_child)
        return;
    buffer_add_byte(out, '(');
    for (struct mime_part *child = part->first_child; child; child = child->next) {
        render(text, child, out);
        buffer_add_string(out, child->next ? " " : ")");
    }
}

static void check(slice text, const char *expected)
{
    struct mime_message message = parse(text);
    struct buffer out;
    buffer_init(&out, 100000);
    render(text, message.root, &out);
    if (!slice_equal(buffer_slice(&out), slice_from_string(expected)))
        fail_msg("got      %.*s\nexpected %s", SLICE_ARG(buffer_slice(&out)), expected);
    buffer_close(&out);
}

static void test_plain(void **state)
{
    (void)state;
    check(SLICE("Subject: x\r\n\r\nHello\r\nyou"), "text/plain[Hello\r\nyou]1");
    check(SLICE("Subject: x\r\n\r\n"), "text/plain[]0");
    check(SLICE("Subject: x"), "text/plain[]0");
    check(SLICE(""), "text/plain[]0");
    check(SLICE("\r\nbody\r\n"), "text/plain[body\r\n]1");
    check(SLICE("Content-Type: TEXT/Html; charset=x\r\n\r\na\n"), "TEXT/Html[a\n]1");
    struct mime_message message = parse(SLICE("A: b\r\nC: d\n\r\nx\ny\r\nz"));
    assert_int_equal(message.root->header_size, 13);
    assert_int_equal(message.root->header_line_count, 3);
    assert_int_equal(message.root->header_bare_lf_count, 1);
    assert_int_equal(message.root->body_size, 6);
    assert_int_equal(message.root->body_line_count, 2);
    assert_int_equal(message.root->body_bare_lf_count, 1);
    assert_false(message.root->type_named);
}

#define MULTI(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\r\n\r\n"

static void test_multipart(void **state)
{
    (void)state;
    /* RFC 2046 5.1.1, both forms of an empty header */
    check(SLICE("Content-type: multipart/mixed; boundary=\"simple boundary\"\r\n\r\n"
                "This is the preamble.\r\n--simple boundary\r\n\r\n"
                "This is implicitly typed.\r\nIt does NOT end with a linebreak.\r\n"
                "--simple boundary\r\nContent-type: text/plain; charset=us-ascii\r\n\r\n"
                "This is explicitly typed.\r\nIt DOES end with a linebreak.\r\n\r\n"
                "--simple boundary--\r\n\r\nThis is the epilogue.\r\n"),
          "multipart/mixed("
          "text/plain[This is implicitly typed.\r\nIt does NOT end with a linebreak.]1 "
          "text/plain[This is explicitly typed.\r\nIt DOES end with a linebreak.\r\n]2)");
    check(SLICE(MULTI("a") "--a\r\n\r\n1\r\n--a--"), "multipart/mixed(text/plain[1]0)");
    check(SLICE(MULTI("a") "--a  \r\n\r\n1\r\n--a"),
          "multipart/mixed(text/plain[1]0 text/plain[]0)");
    /* never closed */
    check(SLICE(MULTI("a") "--a\r\n\r\n1\r\n"), "multipart/mixed(text/plain[1\r\n]1)");
    /* no boundary at all */
    check(SLICE(MULTI("a") "nothing\r\n"), "multipart/mixed");
    check(SLICE("Content-Type: multipart/mixed\r\n\r\n--a\r\n"), "multipart/mixed");
    /* empty body, and a header that a boundary cuts off */
    check(SLICE(MULTI("a") "--a\r\n\r\n--a\r\nContent-Type: text/html\r\n--a--\r\n"),
          "multipart/mixed(text/plain[]0 text/html[]0)");
    /* bare LF throughout */
    check(SLICE("Content-Type: multipart/mixed; boundary=a\n\n--a\n\n1\n2\n--a--\n"),
          "multipart/mixed(text/plain[1\n2]1)");
    /* dashes that are no boundary */
    check(SLICE(MULTI("a") "--a\r\n\r\n--\r\n-a\r\n --a\r\n--b\r\n--a--\r\n--a\r\nx"),
          "multipart/mixed(text/plain[--\r\n-a\r\n --a\r\n--b]3)");
}

#define NESTED(boundary)                                                                           \
    "--out\r\nContent-Type: multipart/alternative; boundary=" boundary "\r\n\r\n"

static void test_nested(void **state)
{
    (void)state;
    check(SLICE(MULTI("out") NESTED("in") "--in\r\n\r\n1\r\n--in\r\n\r\n2\r\n--in--\r\nepilogue\r\n"
                                          "--out\r\n\r\n3\r\n--out--\r\n"),
          "multipart/mixed(multipart/alternative(text/plain[1]0 text/plain[2]0) text/plain[3]0)");
    /* the inner one is never closed: the outer boundary closes it */
    check(SLICE(MULTI("out") NESTED("in") "--in\r\n\r\n1\r\n--out\r\n\r\n3\r\n--out--\r\n"),
          "multipart/mixed(multipart/alternative(text/plain[1]0) text/plain[3]0)");
    /* one boundary is the beginning of the other: the longest is meant */
    check(SLICE(MULTI("out") NESTED(
              "outer") "--outer\r\n\r\n1\r\n--outer--\r\n--out\r\n\r\n3\r\n--out--\r\n"),
          "multipart/mixed(multipart/alternative(text/plain[1]0) text/plain[3]0)");
    /* the same boundary twice: the innermost is meant */
    check(
        SLICE(MULTI("out") NESTED("out") "--out\r\n\r\n1\r\n--out--\r\n--out\r\n\r\n3\r\n--out--"),
        "multipart/mixed(multipart/alternative(text/plain[1]0) text/plain[3]0)");
}

static void test_message(void **state)
{
    (void)state;
    check(SLICE("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n"),
          "message/rfc822(text/plain[body\r\n]1)");
    check(
        SLICE("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n"),
        "message/rfc822[QQ==\r\n]1");
    check(SLICE("Content-Type: message/partial\r\n\r\nx"), "message/partial[x]0");
    /* RFC 2046 5.1.5 */
    check(
        SLICE("Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: 1\r\n\r\nx\r\n"
              "--a\r\nContent-Type: text/plain\r\n\r\ny\r\n--a--"),
        "multipart/digest(message/rfc822(text/plain[x]0) text/plain[y]0)");
    slice text = SLICE(MULTI("a") "--a\r\nContent-Type: message/rfc822\r\n\r\n"
                                  "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                                  "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n--a--\r\n");
    struct mime_message message = parse(text);
    struct mime_part *inner = message.root->first_child;
    assert_int_equal(inner->kind, MIME_KIND_MESSAGE);
    assert_int_equal(inner->child_count, 1);
    slice body = mime_part_body(text, inner);
    assert_true(slice_starts(body, SLICE("Content-Type: multipart/mixed; boundary=b")));
    assert_true(slice_ends(body, SLICE("--b--")));
    assert_int_equal(inner->body_line_count, 8);
}

/* Found by fuzzing: a part ends where its last child ends, also where the boundary cuts a header.
 */
static void test_children_lie_in_their_parent(void **state)
{
    (void)state;
    static const char *const cases[] = {
        MULTI("a") "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n--a--\r\n",
        MULTI("a") "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--a--\r\n",
        MULTI("a") "--a\r\nContent-Type: message/rfc822\r\n--a--\r\n",
        MULTI("a") "--a\r\nContent-Type: message/rfc822\r\n\r\n--a--\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mime_message message = parse(slice_from_string(cases[i]));
        struct mime_part *outer = message.root->first_child, *inner = outer->first_child;
        assert_int_equal(outer->kind, MIME_KIND_MESSAGE);
        assert_int_equal(inner->body_size, 0);
        assert_true(inner->header_offset >= outer->body_offset);
        assert_int_equal(inner->body_offset, outer->body_offset + outer->body_size);
        assert_int_equal(inner->body_line_count, 0);
    }
}

static void test_section_numbers(void **state)
{
    (void)state;
    /* The example of RFC 9051 6.4.5.1: 4 = multipart of (4.1 image, 4.2 message(1 plain, 2
     * multipart (1 plain 2 html))) */
    slice text = SLICE(MULTI(
        "a") "--a\r\n\r\n1\r\n--a\r\nContent-Type: application/octet-stream\r\n\r\n2\r\n"
             "--a\r\nContent-Type: message/rfc822\r\n\r\n" MULTI(
                 "b") "--b\r\n\r\n3.1\r\n"
                      "--b\r\n\r\n3.2\r\n--b--\r\n"
                      "--a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
                      "--c\r\n\r\n4.1\r\n--c\r\nContent-Type: message/rfc822\r\n\r\n\r\n4.2.1\r\n"
                      "--c--\r\n--a--\r\n");
    struct mime_message message = parse(text);
    static const struct {
        unsigned numbers[4];
        size_t count;
        const char *body;
    } cases[] = {
        {{1}, 1, "1"},      {{2}, 1, "2"},           {{3, 1}, 2, "3.1"},   {{3, 2}, 2, "3.2"},
        {{4, 1}, 2, "4.1"}, {{4, 2, 1}, 3, "4.2.1"}, {{5}, 1, NULL},       {{1, 1}, 2, NULL},
        {{3, 3}, 2, NULL},  {{0}, 1, NULL},          {{4, 2, 2}, 3, NULL}, {{4, 2, 1, 1}, 4, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mime_part *part = mime_part_find(&message, cases[i].numbers, cases[i].count);
        if (!cases[i].body) {
            assert_null(part);
            continue;
        }
        assert_non_null(part);
        assert_true(slice_equal(mime_part_body(text, part), slice_from_string(cases[i].body)));
    }
    assert_ptr_equal(mime_part_find(&message, NULL, 0), message.root);
    struct mime_message plain = parse(SLICE("\r\nx"));
    assert_ptr_equal(mime_part_find(&plain, (unsigned[]){1}, 1), plain.root);
    assert_null(mime_part_find(&plain, (unsigned[]){2}, 1));
    assert_null(mime_part_find(&plain, (unsigned[]){1, 1}, 2));
    unsigned walked = 0;
    for (struct mime_part *part = message.root; part; part = mime_part_walk(part))
        walked++;
    assert_int_equal(walked, message.part_count);
    assert_int_equal(walked, 11);
}

static void check_parameters(const char *value, const char *expected)
{
    slice token;
    struct mime_parameter *p;
    assert_false(failed(mime_parameters_parse(&arena, slice_from_string(value), &token, &p)));
    struct buffer out;
    buffer_init(&out, 10000);
    buffer_add(&out, token);
    for (; p; p = p->next)
        buffer_format(&out, " %.*s={%.*s}", SLICE_ARG(p->name), SLICE_ARG(p->value));
    if (!slice_equal(buffer_slice(&out), slice_from_string(expected)))
        fail_msg("got %.*s\nexpected %s", SLICE_ARG(buffer_slice(&out)), expected);
    buffer_close(&out);
}

static void test_parameters(void **state)
{
    (void)state;
    check_parameters(" text/plain", "text/plain");
    check_parameters("text/plain; Charset=us-ascii (Plain text)", "text/plain charset={us-ascii}");
    check_parameters("text/plain; charset=\"us-ascii\";format=flowed;",
                     "text/plain charset={us-ascii} format={flowed}");
    check_parameters("a/b;x=\"a;b\\\"c\";y=1", "a/b x={a;b\"c} y={1}");
    check_parameters("a/b;;; x = 1 ; ;y", "a/b x={1}");
    check_parameters("a/b; name=My Document.pdf; x=1", "a/b name={My Document.pdf} x={1}");
    check_parameters("a/b; name=\"open", "a/b name={open}");
    check_parameters("a/b;\r\n\tname=\"x\r\n y\"", "a/b name={x y}");
    check_parameters("a/b (c;d); x=1 (e;f)", "a/b x={1}");
    /* RFC 2231 3, 4, 4.1 */
    check_parameters("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
                     " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
                     "message/external-body access-type={URL} "
                     "url={ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar}");
    check_parameters("application/x-stuff;\r\n title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A",
                     "application/x-stuff title*={us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A}");
    check_parameters("application/x-stuff;\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
                     " title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
                     "application/x-stuff title*={us-ascii'en'This%20is%20even%20more%20"
                     "%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!}");
    check_parameters("a/b; x*1=b; x*0=a; x*3=d", "a/b x={ab}");
    check_parameters("a/b; x*1=b", "a/b x*1={b}");
    /* SECTION_MAX (format/mail/mime_field.c) is a number, what is above it an odd name. */
    check_parameters("a/b; x*999=b; x*1000=c", "a/b x*999={b} x*1000={c}");
    check_parameters("a/b; x*0=a; x*999*=b", "a/b x={a}");
    check_parameters("a/b; x*0=a; x*1000*=b", "a/b x={a} x*1000*={b}");
    check_parameters("a/b; x*0=a; x*1*=%41", "a/b x*={''a%41}");
}

static void test_decodes_parameters(void **state)
{
    (void)state;
    slice text;
    static const struct {
        const char *fields, *name;
    } cases[] = {
        {"Content-Disposition: attachment; filename*=UTF-8''%e2%82%ac%20rates\r\n",
         "\xe2\x82\xac rates"},
        {"Content-Disposition: attachment; filename*0*=iso-8859-1''a%FC; filename*1=b\r\n",
         "a\xc3\xbc"
         "b"},
        {"Content-Disposition: attachment; filename=\"=?UTF-8?B?w7w=?=.pdf\"\r\n", "\xc3\xbc.pdf"},
        {"Content-Disposition: attachment\r\nContent-Type: a/b; name=x.y\r\n", "x.y"},
        {"Content-Disposition: attachment; filename=\"\xfc\"\r\n", "\xc3\xbc"},
        {"Content-Disposition: attachment; filename*=nocharset''%41\r\n", "A"},
        {"Content-Disposition: attachment; filename*=broken%4\r\n", "broken%4"},
        {"Subject: none\r\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mime_message message = parse(slice_from_string(cases[i].fields));
        assert_false(failed(mime_part_file_name(&arena, message.root, &text)));
        if (!cases[i].name)
            assert_null(text.data);
        else if (!slice_equal(text, slice_from_string(cases[i].name)))
            fail_msg("%s: %.*s", cases[i].fields, SLICE_ARG(text));
    }
}

static void test_fields(void **state)
{
    (void)state;
    struct mime_message message = parse(SLICE(
        "Content-Type: image/png\r\nContent-Transfer-Encoding: Base64 (really)\r\n"
        "Content-ID: <a@b>\r\nContent-Description: some\r\n thing\r\nContent-MD5: Q2hlY2s=\r\n"
        "Content-Language: de, en\r\nContent-Location: http://x/\r\n y\r\n"
        "Content-Disposition: inline; filename=x\r\nContent-Type: text/html\r\n\r\nQUJD\r\n"));
    struct mime_part *part = message.root;
    assert_true(mime_part_is(part, SLICE("IMAGE"), SLICE("PNG")));
    assert_int_equal(part->encoding, MIME_ENCODING_BASE64);
    assert_true(slice_equal(part->encoding_name, SLICE("Base64")));
    assert_true(slice_equal(part->id, SLICE("<a@b>")));
    assert_true(slice_equal(part->description, SLICE("some thing")));
    assert_true(slice_equal(part->md5, SLICE("Q2hlY2s=")));
    assert_true(slice_equal(part->language, SLICE("de, en")));
    assert_true(slice_equal(part->location, SLICE("http://x/y")));
    assert_true(slice_equal(part->disposition, SLICE("inline")));
    message = parse(SLICE("Content-Type: text\r\nContent-Transfer-Encoding: x-foo\r\n\r\n"));
    assert_true(mime_part_is(message.root, SLICE("text"), SLICE("plain")));
    assert_false(message.root->type_named);
    assert_int_equal(message.root->encoding, MIME_ENCODING_UNKNOWN);
    assert_null(message.root->id.data);
    message = parse(SLICE("Content-Type: text/plain>; charset=utf-8\r\n\r\n"));
    assert_true(mime_part_is(message.root, SLICE("text"), SLICE("plain")));
    message = parse(SLICE("Content-Type: text/html charset=utf-8\r\n\r\n"));
    assert_true(mime_part_is(message.root, SLICE("text"), SLICE("html")));
}

static void test_decodes_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *text, *out;
    } cases[] = {
        {"Content-Transfer-Encoding: base64\r\n\r\nSGVs\r\nbG8=\r\n", "Hello"},
        {"Content-Type: text/plain; charset=iso-8859-1\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=\r\n=DFe\r\n",
         "Gr\xc3\xbc\xc3\x9f"
         "e\r\n"},
        {"Content-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\xf2", "\xd0\x9f\xd0\xa0"},
        {"Content-Type: text/plain; charset=no-such\r\n\r\n\xfc", "\xc3\xbc"},
        {"\r\n\xfc", "\xc3\xbc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text = slice_from_string(cases[i].text), out;
        struct mime_message message = parse(text);
        assert_false(failed(mime_part_text(&arena, text, message.root, &out)));
        assert_true(slice_equal(out, slice_from_string(cases[i].out)));
    }
}

static void test_depth_limit(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < MIME_DEPTH_MAX + 20; i++)
        buffer_add_string(&text, "Content-Type: message/rfc822\r\n\r\n");
    struct mime_message message = parse(buffer_slice(&text));
    assert_true(message.cut_short);
    assert_int_equal(message.part_count, MIME_DEPTH_MAX);
    buffer_reset(&text);
    for (int i = 0; i < MIME_DEPTH_MAX + 20; i++)
        buffer_format(&text, "Content-Type: multipart/x; boundary=b%03d\r\n\r\n--b%03d\r\n", i, i);
    message = parse(buffer_slice(&text));
    assert_true(message.cut_short);
    assert_int_equal(message.part_count, MIME_DEPTH_MAX);
    buffer_close(&text);
}

static void test_part_limit(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_add_string(&text, MULTI("a"));
    for (int i = 0; i < MIME_PART_COUNT_MAX + 50; i++)
        buffer_add_string(&text, "--a\r\n\r\n");
    struct mime_message message = parse(buffer_slice(&text));
    assert_true(message.cut_short);
    assert_int_equal(message.part_count, MIME_PART_COUNT_MAX);
    buffer_close(&text);
}

static void test_parameter_and_boundary_limits(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_add_string(&text, "a/b");
    for (int i = 0; i < MIME_PARAMETER_COUNT_MAX + 5; i++)
        buffer_format(&text, ";p%d=%d", i, i);
    slice token;
    struct mime_parameter *p;
    int count = 0;
    assert_false(failed(mime_parameters_parse(&arena, buffer_slice(&text), &token, &p)));
    for (; p; p = p->next)
        count++;
    assert_int_equal(count, MIME_PARAMETER_COUNT_MAX);
    for (int size = MIME_BOUNDARY_SIZE_MAX; size <= MIME_BOUNDARY_SIZE_MAX + 1; size++) {
        buffer_reset(&text);
        buffer_format(&text, "Content-Type: multipart/x; boundary=%0*d\r\n\r\n--%0*d\r\n\r\nx",
                      size, 1, size, 1);
        struct mime_message message = parse(buffer_slice(&text));
        assert_int_equal(message.cut_short, size > MIME_BOUNDARY_SIZE_MAX);
        assert_int_equal(message.part_count, size > MIME_BOUNDARY_SIZE_MAX ? 1 : 2);
    }
    buffer_close(&text);
}

static void test_arena_limit_is_an_error(void **state)
{
    (void)state;
    struct arena small;
    struct mime_message message = {0};
    arena_init(&small, sizeof(struct mime_part) + 10);
    error problem = mime_parse(&small, SLICE(MULTI("a") "--a\r\n\r\nx"), &message);
    assert_int_equal(problem.kind, ERROR_LIMIT);
    assert_null(message.root);
    arena_close(&small);
}

static int64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * TIME_S + now.tv_nsec;
}

/* Twice the input may cost some more than twice the time, but not four times: 64 open boundaries
 * and lines that begin like all of them. */
static void test_linear_time(void **state)
{
    (void)state;
    int64_t took[2];
    for (int round = 0; round < 2; round++) {
        struct buffer text;
        buffer_init(&text, 64 << 20);
        for (int i = 0; i < MIME_DEPTH_MAX - 2; i++)
            buffer_format(&text,
                          "Content-Type: multipart/x; boundary=aaaaaaaaaaaaaaaaaaaa%d\r\n\r\n"
                          "--aaaaaaaaaaaaaaaaaaaa%d\r\n",
                          i, i);
        for (int i = 0; i < 20000 << (2 * round); i++)
            buffer_add_string(&text, "--aaaaaaaaaaaaaaaaaaaa\r\n");
        int64_t start = cpu_now();
        parse(buffer_slice(&text));
        took[round] = cpu_now() - start;
        buffer_close(&text);
    }
    assert_true(took[1] < took[0] * 12 + 50 * TIME_MS); /* four times the input */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multipart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_children_lie_in_their_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_section_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decodes_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decodes_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parameter_and_boundary_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arena_limit_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_linear_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
