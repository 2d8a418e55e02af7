/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/limits.h"
#include "format/imap/structure.h"
#include "format/mail/mime.h"

static void write(slice message, bool extended)
{
    struct mime_message parsed;
    assert_ok(mime_parse(&arena, message, &parsed));
    buffer_reset(&written);
    assert_ok(imap_structure_write(message, parsed.root, extended, &arena, &written));
    buffer_add_byte(&written, '\0');
}

static void check(const char *message, bool extended, const char *expected)
{
    write(slice_from_string(message), extended);
    assert_string_equal(written.data, expected);
}

static void test_plain_text(void **state)
{
    (void)state;
    check("Subject: x\r\n\r\none\r\ntwo\r\n", false,
          "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2)");
    check("Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\n", true,
          "(\"TEXT\" \"PLAIN\" (\"charset\" \"US-ASCII\") NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL)");
    /* As the client sees it: with CRLF. */
    check("Subject: x\n\none\ntwo\n", false,
          "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2)");
}

static const char ATTACHMENT[] = "MIME-Version: 1.0\r\n"
                                 "Content-Type: multipart/mixed; boundary=\"b 1\"\r\n"
                                 "\r\n"
                                 "preamble\r\n"
                                 "--b 1\r\n"
                                 "\r\n"
                                 "hello\r\n"
                                 "--b 1\r\n"
                                 "Content-Type: application/pdf; name=\"a.pdf\"\r\n"
                                 "Content-Transfer-Encoding: base64\r\n"
                                 "Content-Disposition: attachment; filename=\"a.pdf\"; size=3\r\n"
                                 "Content-ID: <id@x>\r\n"
                                 "Content-Description: a paper\r\n"
                                 "Content-Language: en, de\r\n"
                                 "Content-Location: http://x/a.pdf\r\n"
                                 "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
                                 "\r\n"
                                 "QUJD\r\n"
                                 "--b 1--\r\n";

static void test_multipart(void **state)
{
    (void)state;
    check(ATTACHMENT, false,
          "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0)"
          "(\"application\" \"pdf\" (\"name\" \"a.pdf\") \"<id@x>\" \"a paper\" \"base64\" 4) "
          "\"mixed\")");
    check(ATTACHMENT, true,
          "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0 NIL NIL NIL NIL)"
          "(\"application\" \"pdf\" (\"name\" \"a.pdf\") \"<id@x>\" \"a paper\" \"base64\" 4 "
          "\"Q2hlY2sgSW50ZWdyaXR5IQ==\" (\"attachment\" (\"filename\" \"a.pdf\" \"size\" \"3\")) "
          "(\"en\" \"de\") \"http://x/a.pdf\") "
          "\"mixed\" (\"boundary\" \"b 1\") NIL NIL NIL)");
}

static void test_message_inside(void **state)
{
    (void)state;
    check("Content-Type: message/rfc822\r\n\r\n"
          "Subject: inner\r\nFrom: a@b\r\n\r\ntext\r\n",
          false,
          "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 35 "
          "(NIL \"inner\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
          "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) "
          "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1) 4)");
}

/* A client would look for parts or an envelope that are not there. */
static void test_empty_multipart_is_opaque(void **state)
{
    (void)state;
    check("Content-Type: multipart/mixed\r\n\r\nno boundary\r\n", false,
          "(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 13)");
}

/* However deep it nests, brackets match and depth is bounded. */
static void test_deep_nest(void **state)
{
    (void)state;
    struct buffer message;
    buffer_init(&message, 1 << 20);
    for (int i = 0; i < 200; i++)
        buffer_format(&message, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i,
                      i);
    buffer_add(&message, SLICE("\r\nend\r\n"));
    write(buffer_slice(&message), true);
    int depth = 0, deepest = 0;
    for (const char *at = written.data; *at; at++) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        deepest = depth > deepest ? depth : deepest;
    }
    assert_int_equal(depth, 0);
    assert_in_range(deepest, 10, IMAP_STRUCTURE_DEPTH_MAX + 4);
    buffer_close(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_plain_text),     grammar_test(test_multipart),
        grammar_test(test_message_inside), grammar_test(test_empty_multipart_is_opaque),
        grammar_test(test_deep_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
