/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/limits.h"
#include "format/imap/mailbox.h"

static void test_names(void **state)
{
    (void)state;
    slice name;
    struct cursor c = over("inBOX");
    assert_ok(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name));
    assert_slice(name, "INBOX");
    c = over("\"Entw&APw-rfe\"");
    assert_ok(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name));
    assert_slice(name, "Entw\xc3\xbcrfe");
    c = over("\"Entw\xc3\xbcrfe\"");
    assert_ok(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name));
    assert_slice(name, "Entw\xc3\xbcrfe");
    c = over("\"R&D\""); /* with UTF-8 enabled "&" is just a letter */
    assert_ok(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF8, &name));
    assert_slice(name, "R&D");
    c = over("{5}\r\nINBOX");
    assert_ok(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name));
    assert_slice(name, "INBOX");
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"\"\"",      "\"R&D\"", "{2}\r\na\n", "\"a\tb\"",
                                      "\"a\x7f\"", "&AAA-",   "&AAo-"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        slice name;
        assert_error(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

static void test_size_limit(void **state)
{
    (void)state;
    char text[IMAP_MAILBOX_NAME_SIZE_MAX + 1];
    memset(text, 'n', sizeof text);
    slice name;
    struct cursor c = cursor_over(slice_of(text, IMAP_MAILBOX_NAME_SIZE_MAX));
    assert_ok(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name));
    c = cursor_over(slice_of(text, sizeof text));
    assert_error(imap_mailbox_parse(&c, &arena, IMAP_NAME_UTF7, &name), ERROR_LIMIT);
}

static void test_write(void **state)
{
    (void)state;
    imap_mailbox_write(SLICE("INBOX"), IMAP_NAME_UTF7, &written);
    assert_written("INBOX");
    imap_mailbox_write(SLICE("Sent Items"), IMAP_NAME_UTF7, &written);
    assert_written("\"Sent Items\"");
    imap_mailbox_write(SLICE("R&D"), IMAP_NAME_UTF7, &written);
    assert_written("R&-D");
    imap_mailbox_write(SLICE("R&D"), IMAP_NAME_UTF8, &written);
    assert_written("R&D");
    imap_mailbox_write(SLICE("Entw\xc3\xbcrfe"), IMAP_NAME_UTF7, &written);
    assert_written("Entw&APw-rfe");
    imap_mailbox_write(SLICE("Entw\xc3\xbcrfe"), IMAP_NAME_UTF8, &written);
    assert_written("\"Entw\xc3\xbcrfe\"");
    imap_mailbox_write(SLICE("NIL"), IMAP_NAME_UTF7, &written);
    assert_written("\"NIL\"");
    imap_mailbox_write(SLICE("a%b"), IMAP_NAME_UTF7, &written);
    assert_written("\"a%b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_names),
        grammar_test(test_refuses),
        grammar_test(test_size_limit),
        grammar_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
