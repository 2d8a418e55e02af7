/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/response.h"

static void test_forms(void **state)
{
    (void)state;
    imap_response_write(SLICE("A1"),
                        &(struct imap_response){.kind = IMAP_OK, .text = SLICE("done")}, &written);
    assert_written("A1 OK done\r\n");
    imap_response_write(SLICE_EMPTY,
                        &(struct imap_response){.kind = IMAP_BYE, .text = SLICE("bye")}, &written);
    assert_written("* BYE bye\r\n");
    imap_response_write(SLICE("x"),
                        &(struct imap_response){.kind = IMAP_NO,
                                                .code = IMAP_CODE_TRYCREATE,
                                                .text = SLICE("no such mailbox")},
                        &written);
    assert_written("x NO [TRYCREATE] no such mailbox\r\n");
    imap_response_write(SLICE("x"),
                        &(struct imap_response){.kind = IMAP_OK,
                                                .code = IMAP_CODE_APPENDUID,
                                                .argument = SLICE("38505 3955"),
                                                .text = SLICE("appended")},
                        &written);
    assert_written("x OK [APPENDUID 38505 3955] appended\r\n");
    imap_response_write(
        SLICE("x"),
        &(struct imap_response){.kind = IMAP_OK, .code = IMAP_CODE_READ_WRITE, .text = SLICE("y")},
        &written);
    assert_written("x OK [READ-WRITE] y\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {grammar_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
