/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/envelope.h"

static void check(const char *header, const char *expected)
{
    buffer_reset(&written);
    assert_ok(imap_envelope_write(slice_from_string(header), &arena, &written));
    buffer_add_byte(&written, '\0');
    assert_string_equal(written.data, expected);
}

static void test_the_example_of_the_rfc(void **state)
{
    (void)state;
    /* RFC 3501 8 */
    check("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
          "From: Terry Gray <gray@cac.washington.edu>\r\n"
          "Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
          "To: imap@cac.washington.edu\r\n"
          "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
          "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
          "MIME-Version: 1.0\r\n\r\nbody: not a header\r\n",
          "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((NIL NIL \"imap\" \"cac.washington.edu\")) "
          "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" "
          "\"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.edu>\")");
}

static void test_nothing_there(void **state)
{
    (void)state;
    check("", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    check("Subject:\r\nTo: \r\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)");
}

static void test_groups_folding_and_quotes(void **state)
{
    (void)state;
    check("Subject: folded\r\n \"here\"\r\nSubject: second\r\n"
          "From: a@b\r\nSender: \r\nReply-To: r@s\r\n"
          "To: Friends: \"O\\\"Neil\" <o@n>, p@q;\r\nBcc: Empty:;\r\nIn-Reply-To: <x@y>\r\n",
          "(NIL \"folded \\\"here\\\"\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
          "((NIL NIL \"r\" \"s\")) "
          "((NIL NIL \"Friends\" NIL)(\"O\\\"Neil\" NIL \"o\" \"n\")(NIL NIL \"p\" \"q\")"
          "(NIL NIL NIL NIL)) NIL ((NIL NIL \"Empty\" NIL)(NIL NIL NIL NIL)) \"<x@y>\" NIL)");
}

static void test_raw_bytes_become_literals(void **state)
{
    (void)state;
    check("Subject: gr\xc3\xbc\xc3\x9f\r\n",
          "(NIL {6}\r\ngr\xc3\xbc\xc3\x9f NIL NIL NIL NIL NIL NIL NIL NIL)");
}

static void test_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct buffer small;
    buffer_init(&small, 20);
    assert_error(imap_envelope_write(SLICE("Subject: x\r\n"), &arena, &small), ERROR_LIMIT);
    buffer_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_the_example_of_the_rfc),    grammar_test(test_nothing_there),
        grammar_test(test_groups_folding_and_quotes), grammar_test(test_raw_bytes_become_literals),
        grammar_test(test_full_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
