/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/frame.h"

static const struct imap_frame_limits LIMITS = {
    .literal_size_max = 100,
    .nonsync_size_max = 20,
    .literals_max = 3,
    .command_size_max = 200,
};

static void test_one_line(void **state)
{
    (void)state;
    struct imap_frame frame;
    imap_frame_init(&frame, &LIMITS);
    bool more = true;
    assert_ok(imap_frame_add_line(&frame, SLICE("a1 NOOP"), &more));
    assert_false(more);
    assert_slice(imap_frame_text(&frame), "a1 NOOP");
    imap_frame_close(&frame);
}

static void add_literal(struct imap_frame *frame, slice bytes)
{
    char *room;
    assert_ok(imap_frame_open_literal(frame, &room));
    assert_int_equal(frame->literal.size, bytes.size);
    memcpy(room, bytes.data, bytes.size);
    imap_frame_close_literal(frame);
}

static void test_literals_in_sequence(void **state)
{
    (void)state;
    struct imap_frame frame;
    imap_frame_init(&frame, &LIMITS);
    bool more;
    /* RFC 3501 6.2.3 with RFC 7888 */
    assert_ok(imap_frame_add_line(&frame, SLICE("A001 LOGIN {11}"), &more));
    assert_true(more);
    assert_true(frame.literal.sync);
    add_literal(&frame, SLICE("FRED FOOBAR"));
    assert_ok(imap_frame_add_line(&frame, SLICE(" {7+}"), &more));
    assert_true(more);
    assert_false(frame.literal.sync);
    add_literal(&frame, SLICE("fat man"));
    assert_ok(imap_frame_add_line(&frame, SLICE(""), &more));
    assert_false(more);
    assert_slice(imap_frame_text(&frame), "A001 LOGIN {11}\r\nFRED FOOBAR {7+}\r\nfat man");

    imap_frame_reset(&frame);
    assert_ok(imap_frame_add_line(&frame, SLICE("a X ~{0}"), &more));
    assert_true(more);
    assert_true(frame.literal.binary);
    add_literal(&frame, SLICE(""));
    imap_frame_close(&frame);
}

static void test_announcements(void **state)
{
    (void)state;
    struct imap_literal literal;
    static const char *const NOT[] = {"",     "{",     "{}",   "{5",   "{5}x", "5}",      "{+}",
                                      "{5-}", "{5++}", "{ 5}", "{5 }", "{-5}", "\"{5}\"", "{x}"};
    for (size_t i = 0; i < sizeof NOT / sizeof *NOT; i++)
        assert_false(imap_literal_announced(slice_from_string(NOT[i]), &literal));
    assert_true(imap_literal_announced(SLICE("{{5}"), &literal));
    assert_int_equal(literal.size, 5);
    assert_true(imap_literal_announced(SLICE("{99999999999999999999999}"), &literal));
    assert_true(literal.size == UINT64_MAX);
}

static void test_limits(void **state)
{
    (void)state;
    struct imap_frame frame;
    bool more;
    char *room, line[201];
    memset(line, 'x', sizeof line);
    static const struct {
        const char *line;
        bool allowed;
    } LITERALS[] = {
        {"a {100}", true},
        {"a {101}", false},
        {"a {20+}", true},
        {"a {21+}", false},
        {"a {99999999999999999999999}", false},
    };
    imap_frame_init(&frame, &LIMITS);
    for (size_t i = 0; i < sizeof LITERALS / sizeof *LITERALS; i++) {
        imap_frame_reset(&frame);
        assert_ok(imap_frame_add_line(&frame, slice_from_string(LITERALS[i].line), &more));
        assert_true(more);
        assert_error(imap_frame_open_literal(&frame, &room),
                     LITERALS[i].allowed ? ERROR_NONE : ERROR_LIMIT);
    }
    /* literals_max */
    imap_frame_reset(&frame);
    for (int i = 0; i < 3; i++) {
        assert_ok(imap_frame_add_line(&frame, SLICE("{1}"), &more));
        add_literal(&frame, SLICE("x"));
    }
    assert_ok(imap_frame_add_line(&frame, SLICE("{1}"), &more));
    assert_error(imap_frame_open_literal(&frame, &room), ERROR_LIMIT);
    /* command_size_max: in a line, and in a literal */
    imap_frame_reset(&frame);
    assert_ok(imap_frame_add_line(&frame, slice_of(line, 200), &more));
    imap_frame_reset(&frame);
    assert_error(imap_frame_add_line(&frame, slice_of(line, 201), &more), ERROR_LIMIT);
    imap_frame_reset(&frame);
    memcpy(line + 145, "{50}", 4);
    assert_ok(imap_frame_add_line(&frame, slice_of(line, 149), &more));
    assert_error(imap_frame_open_literal(&frame, &room), ERROR_LIMIT);
    imap_frame_close(&frame);
}

static void test_refuses_nul_and_bare_cr(void **state)
{
    (void)state;
    struct imap_frame frame;
    imap_frame_init(&frame, &LIMITS);
    bool more;
    assert_error(imap_frame_add_line(&frame, SLICE("a \0"), &more), ERROR_MALFORMED);
    assert_error(imap_frame_add_line(&frame, SLICE("a\rb"), &more), ERROR_MALFORMED);
    imap_frame_close(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_literals_in_sequence),
        cmocka_unit_test(test_announcements),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refuses_nul_and_bare_cr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
