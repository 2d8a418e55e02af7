/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/command.h"
#include "format/imap/limits.h"

static void test_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tag;
        enum imap_verb verb;
        bool uid;
        const char *rest;
    } CASES[] = {
        {"a NOOP", "a", IMAP_NOOP, false, ""},
        {"A142 select INBOX", "A142", IMAP_SELECT, false, " INBOX"},
        {"1.2] uid FETCH 1 FLAGS", "1.2]", IMAP_FETCH, true, " 1 FLAGS"},
        {"a UID EXPUNGE 3", "a", IMAP_EXPUNGE, true, " 3"},
        {"a UID NOOP", "a", IMAP_VERB_UNKNOWN, true, ""},
        {"a UID", "a", IMAP_VERB_UNKNOWN, false, ""},
        {"a XYZZY 1", "a", IMAP_VERB_UNKNOWN, false, " 1"},
        {"a", "a", IMAP_VERB_UNKNOWN, false, ""},
        {"a ", "a", IMAP_VERB_UNKNOWN, false, ""},
        {"a  NOOP", "a", IMAP_VERB_UNKNOWN, false, " NOOP"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct imap_command command;
        assert_ok(imap_command_parse(slice_from_string(CASES[i].text), &command));
        assert_true(slice_equal(command.tag, slice_from_string(CASES[i].tag)));
        assert_int_equal(command.verb, CASES[i].verb);
        assert_int_equal(command.uid, CASES[i].uid);
        assert_true(slice_equal(cursor_rest(&command.arguments), slice_from_string(CASES[i].rest)));
    }
}

static void test_bad_tags(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",         " NOOP",      "a+b NOOP", "* NOOP",
                                      "a(b NOOP", "\"a\" NOOP", "\xff NOOP"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct imap_command command;
        assert_error(imap_command_parse(slice_from_string(BAD[i]), &command), ERROR_MALFORMED);
    }
    char tag[IMAP_TAG_SIZE_MAX + 6];
    memset(tag, 't', sizeof tag);
    struct imap_command command;
    memcpy(tag + IMAP_TAG_SIZE_MAX, " NOOP", 5);
    assert_ok(imap_command_parse(slice_of(tag, IMAP_TAG_SIZE_MAX + 5), &command));
    memcpy(tag + IMAP_TAG_SIZE_MAX, "t NOOP", 6);
    assert_error(imap_command_parse(slice_of(tag, sizeof tag), &command), ERROR_MALFORMED);
}

static void test_every_verb_is_found_by_its_name(void **state)
{
    (void)state;
    for (enum imap_verb verb = 0; verb < IMAP_VERB_COUNT; verb++) {
        buffer_reset(&written);
        buffer_format(&written, "a %s", imap_verb_name(verb));
        struct imap_command command;
        assert_ok(imap_command_parse(buffer_slice(&written), &command));
        assert_int_equal(command.verb, verb);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_heads),
        grammar_test(test_bad_tags),
        grammar_test(test_every_verb_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
