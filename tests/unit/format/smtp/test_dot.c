/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/smtp/dot.h"

#include "base/random.h"

#include <stdlib.h>

/* What the whole of it should be, found by searching and not by an automaton. */
struct expected {
    bool finished, malformed;
    size_t consumed;
    size_t size;
    char message[4096];
};

static struct expected expect(slice text)
{
    struct expected e = {.consumed = text.size};
    slice body = text;
    if (slice_starts(text, SLICE(".\r\n"))) {
        e.finished = true;
        e.consumed = 3;
        return e;
    }
    ptrdiff_t end = slice_find(text, SLICE("\r\n.\r\n"));
    if (end >= 0) {
        e.finished = true;
        e.consumed = (size_t)end + 5;
        body = slice_sub(text, 0, (size_t)end + 2);
    }
    for (size_t i = 0; i < body.size; i++) {
        bool line_start =
            i == 0 || (i >= 2 && body.data[i - 1] == '\n' && body.data[i - 2] == '\r');
        if (body.data[i] == '\n' && (i == 0 || body.data[i - 1] != '\r'))
            e.malformed = true;
        if (i + 1 < body.size && body.data[i] == '\r' && body.data[i + 1] != '\n')
            e.malformed = true;
        if (body.data[i] == '.' && line_start)
            continue;
        e.message[e.size++] = body.data[i];
    }
    /* A CR behind a dropped dot is kept only when more is known. */
    if (!e.finished && e.size &&
        (slice_ends(text, SLICE("\r\n.\r")) || slice_equal(text, SLICE(".\r"))))
        e.size--;
    return e;
}

/* Feeds the text in pieces of `step` bytes (first piece `first`), as a body in contiguous memory is
 * filled. */
static void check(slice text, size_t first, size_t step)
{
    static char body[8192];
    struct expected e = expect(text);
    struct dot_reader reader;
    size_t size = 0, consumed = 0;
    dot_reader_init(&reader);
    while (consumed < text.size && !reader.finished) {
        size_t piece = consumed == 0 && first ? first : step, took, kept;
        if (piece > text.size - consumed)
            piece = text.size - consumed;
        memcpy(body + size, text.data + consumed, piece);
        dot_reader_feed(&reader, body + size, piece, &took, &kept);
        assert_true(took == piece || reader.finished);
        assert_true(kept <= took);
        consumed += took;
        size += kept;
    }
    assert_int_equal(reader.finished, e.finished);
    assert_int_equal(consumed, e.consumed);
    assert_int_equal(reader.malformed, e.malformed);
    if (!e.malformed)
        assert_true(slice_equal(slice_of(body, size), slice_of(e.message, e.size)));
}

static void test_examples(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message; /* NULL: malformed */
        size_t consumed;     /* 0: not finished */
    } cases[] = {
        {"a\r\n.\r\n", "a\r\n", 6},
        {".\r\n", "", 3},
        {"\r\n.\r\n", "\r\n", 5},
        {"..\r\n.\r\n", ".\r\n", 7},
        {"...a\r\n.\r\nQUIT\r\n", "..a\r\n", 9},
        {".a\r\n.\r\n", "a\r\n", 7}, /* RFC 5321 4.5.2: the first dot goes whatever follows */
        {"a.\r\n.b\r\n.\r\n", "a.\r\nb\r\n", 11},
        {"a\r\n.\r\n.\r\n", "a\r\n", 6},
        {"a\r\n.", "a\r\n", 0},
        {"a\r\n.\r", "a\r\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char data[100];
        size_t size = strlen(cases[i].text), consumed, kept;
        struct dot_reader reader;
        memcpy(data, cases[i].text, size);
        dot_reader_init(&reader);
        dot_reader_feed(&reader, data, size, &consumed, &kept);
        assert_int_equal(reader.finished, cases[i].consumed > 0);
        assert_int_equal(consumed, cases[i].consumed ? cases[i].consumed : size);
        assert_false(reader.malformed);
        assert_true(slice_equal(slice_of(data, kept), slice_from_string(cases[i].message)));
    }
}

/* Every looser end that some server takes for the end must not end the data, and must be told. */
static void test_smuggling(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n.\n",       "\n.\r\n",     "\r\n.\n",   "\r.\r",
                                       "\r.\r\n",     "\r\n.\r",     "\n.\r",     "\r\r\n.\r\r\n",
                                       "\r\n.\r\r\n", "\r\n\0.\r\n", "\n\n.\n\n", "\r\n.\n\r\n",
                                       "\r.\n"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t step = 1; step < 12; step++) {
            char text[200], body[200];
            size_t size = 0;
            memcpy(text, "Subject: x\r\n\r\nbody", 18);
            size = 18;
            size_t end_size = i == 9 ? 6 : strlen(ends[i]);
            memcpy(text + size, ends[i], end_size);
            size += end_size;
            memcpy(text + size, "MAIL FROM:<evil@x>\r\n", 20);
            size += 20;
            struct dot_reader reader;
            dot_reader_init(&reader);
            size_t at = 0, out = 0;
            while (at < size) {
                size_t piece = step < size - at ? step : size - at, consumed, kept;
                memcpy(body + out, text + at, piece);
                dot_reader_feed(&reader, body + out, piece, &consumed, &kept);
                assert_false(reader.finished);
                at += consumed;
                out += kept;
            }
            assert_int_equal(reader.malformed, i != 9); /* a NUL is merely odd */
            /* and the true end is still found, so that the answer comes in its turn */
            char end[] = "\r\n.\r\nNOOP\r\n";
            size_t consumed, kept;
            dot_reader_feed(&reader, end, sizeof end - 1, &consumed, &kept);
            assert_true(reader.finished);
            assert_int_equal(consumed, 5);
        }
    }
}

/* All texts of up to 8 bytes over the bytes that matter, in every cut into two. */
static void test_exhaustive(void **state)
{
    (void)state;
    static const char bytes[4] = {'\r', '\n', '.', 'a'};
    char text[8];
    for (size_t size = 1; size <= 8; size++)
        for (unsigned code = 0; code < 1u << (2 * size); code++) {
            for (size_t i = 0; i < size; i++)
                text[i] = bytes[code >> (2 * i) & 3];
            for (size_t first = 1; first <= size; first++)
                check(slice_of(text, size), first, size);
        }
}

/* Long texts, mostly whole lines, with the odd byte at any place in a vector. */
static void test_vectors(void **state)
{
    (void)state;
    char text[3000];
    random_seed(42);
    for (int round = 0; round < 30000; round++) {
        size_t size = random_below(400) + 1;
        for (size_t i = 0; i < size; i++)
            text[i] = "abc."[random_below(4)];
        for (size_t i = random_below(90); i + 1 < size; i += random_below(90) + 2)
            memcpy(text + i, "\r\n", 2);
        if (random_below(3) == 0)
            text[random_below(size)] = "\r\n."[random_below(3)];
        if (random_below(3) == 0 && size > 5)
            memcpy(text + random_below(size - 4), "\r\n.\r\n", 5);
        check(slice_of(text, size), 1 + random_below(size), 1 + random_below(200));
        check(slice_of(text, size), size, size);
    }
}

static void test_discards(void **state)
{
    (void)state;
    char data[] = "abc\r\n.\r\nNOOP";
    size_t consumed, kept;
    struct dot_reader reader;
    dot_reader_init(&reader);
    reader.discard = true; /* the owner's limit was met */
    dot_reader_feed(&reader, data, sizeof data - 1, &consumed, &kept);
    assert_true(reader.finished);
    assert_int_equal(consumed, 8);
    assert_int_equal(kept, 0);
    assert_false(reader.malformed);
}

static void test_stuffing(void **state)
{
    (void)state;
    slice message = SLICE(".a\r\nb.\r\n..\r\n.");
    static const size_t dots[] = {0, 8, 12};
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        at = dot_next_stuffing(message, at);
        assert_int_equal(at, dots[i]);
        at++;
    }
    assert_int_equal(dot_next_stuffing(message, at), message.size);
    assert_int_equal(dot_next_stuffing(SLICE(""), 0), 0);
    assert_int_equal(dot_next_stuffing(SLICE("abc"), 0), 3);
}

/* A dot at every place, behind every byte, around the edges of blocks. */
static void test_stuffing_everywhere(void **state)
{
    (void)state;
    char text[200];
    for (size_t size = 0; size <= sizeof text; size++)
        for (size_t at = 0; at < size; at++)
            for (unsigned behind_line = 0; behind_line < 2; behind_line++) {
                memset(text, 'x', sizeof text);
                text[at] = '.';
                if (behind_line && at)
                    text[at - 1] = '\n';
                bool counts = behind_line || at == 0;
                slice s = slice_of(text, size);
                assert_int_equal(dot_next_stuffing(s, 0), counts ? at : size);
                assert_int_equal(dot_next_stuffing(s, at), counts ? at : size);
                assert_int_equal(dot_next_stuffing(s, at + 1), size);
            }
}

static bool whole_by_hand(slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        bool before = i > 0 && s.data[i - 1] == '\r',
             behind = i + 1 < s.size && s.data[i + 1] == '\n';
        if ((s.data[i] == '\n' && !before) || (s.data[i] == '\r' && !behind))
            return false;
    }
    return true;
}

/* Every place a CR or LF may have around the edges of blocks. */
static void test_whole_lines(void **state)
{
    (void)state;
    char text[200];
    for (size_t size = 0; size <= sizeof text; size++)
        for (size_t at = 0; at < size; at++)
            for (unsigned kind = 0; kind < 5; kind++) {
                static const char *const inserts[] = {"\r\n", "\r", "\n", "\n\r", "\r\r\n"};
                size_t length = strlen(inserts[kind]);
                memset(text, 'x', sizeof text);
                if (at + length > size)
                    continue;
                memcpy(text + at, inserts[kind], length);
                slice s = slice_of(text, size);
                assert_int_equal(dot_lines_are_whole(s), whole_by_hand(s));
                assert_int_equal(dot_lines_are_whole(s), kind == 0);
            }
    assert_true(dot_lines_are_whole(SLICE_EMPTY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),    cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_exhaustive),  cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_discards),    cmocka_unit_test(test_stuffing),
        cmocka_unit_test(test_whole_lines), cmocka_unit_test(test_stuffing_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
