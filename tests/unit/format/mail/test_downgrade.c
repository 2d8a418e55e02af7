/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/utf8.h"
#include "format/mail/downgrade.h"
#include "format/mail/mime.h"
#include "format/text/base64.h"
#include "format/text/quoted_printable.h"

#include <stdlib.h>

static struct arena arena;
static struct buffer out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    buffer_init(&out, 64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}

static slice convert(slice message, enum mail_target target)
{
    buffer_reset(&out);
    assert_true(mail_needs_downgrade(message, target));
    assert_ok(mail_downgrade(message, target, &arena, &out));
    return buffer_slice(&out);
}

static void test_text(void **state)
{
    (void)state;
    slice message = SLICE("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                          "content-transfer-encoding: 8BIT\r\nSubject: x\r\n\r\n"
                          "a long line of text with an \xc3\xa4 in it\r\n= equal\r\n");
    assert_slice(convert(message, MAIL_TO_7BIT),
                 "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                 "Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                 "a long line of text with an =C3=A4 in it\r\n=3D equal\r\n");
    assert_false(mail_needs_downgrade(message, MAIL_TO_8BIT));
}

static void test_no_mime(void **state)
{
    (void)state;
    assert_slice(convert(SLICE("Subject: x\r\n\r\nGr\xfc\xdf"
                               "e aus einer anderen Zeit\r\n"),
                         MAIL_TO_7BIT),
                 "Subject: x\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=unknown-8bit\r\n"
                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                 "Gr=FC=DFe aus einer anderen Zeit\r\n");
}

/* Only the part that needs it changes; the multipart no longer says 8bit. */
static void test_parts(void **state)
{
    (void)state;
    slice message =
        SLICE("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
              "Content-Transfer-Encoding: 8bit\r\n\r\npre\xe4mble\r\n--b\r\n\r\nascii\r\n"
              "--b\r\nContent-Type: text/plain; charset=koi8-r\r\n"
              "Content-Transfer-Encoding: 8bit\r\n\r\n\xc0\xc1\xc2\xc3\xc4\xc5\r\n"
              "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n"
              "inner text of some length, \xe4\r\n--b--\r\n");
    assert_slice(convert(message, MAIL_TO_7BIT),
                 "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
                 "Content-Transfer-Encoding: 7bit\r\n\r\npre?mble\r\n--b\r\n\r\nascii\r\n"
                 "--b\r\nContent-Type: text/plain; charset=koi8-r\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\nwMHCw8TF\r\n"
                 "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=unknown-8bit\r\n"
                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                 "inner text of some length, =E4\r\n--b--\r\n");
}

/* BINARYMIME to a server of lines. */
static void test_binary(void **state)
{
    (void)state;
    static char message[5000] = "MIME-Version: 1.0\r\nContent-Type: application/x\r\n"
                                "Content-Transfer-Encoding: binary\r\n\r\n";
    size_t head = strlen(message);
    for (size_t i = head; i < sizeof message; i++)
        message[i] = (char)(i * 7);
    slice converted = convert(slice_of(message, sizeof message), MAIL_TO_8BIT), decoded;
    struct mime_message tree;
    assert_ok(mime_parse(&arena, converted, &tree));
    assert_int_equal(tree.root->encoding, MIME_ENCODING_BASE64);
    assert_true(utf8_is_ascii(converted));
    assert_ok(base64_decode_loose(&arena, mime_part_body(converted, tree.root), &decoded));
    assert_int_equal(decoded.size, sizeof message - head);
    assert_memory_equal(decoded.data, message + head, decoded.size);
    /* 8-bit text stays for a server that takes it */
    slice text =
        SLICE("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
              "Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
              "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n--b\r\n"
              "Content-Type: text/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\r\n--b--\r\n");
    assert_slice(
        convert(text, MAIL_TO_8BIT),
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n--b\r\n"
        "Content-Type: text/x\r\nContent-Transfer-Encoding: base64\r\n\r\nYQpi\r\n--b--\r\n");
}

static void test_long_lines(void **state)
{
    (void)state;
    static char message[3000];
    memcpy(message, "X: y\r\n\r\n", 8);
    memset(message + 8, 'a', sizeof message - 10);
    memcpy(message + sizeof message - 2, "\r\n", 2);
    slice converted = convert(slice_of(message, sizeof message), MAIL_TO_8BIT), decoded;
    struct mime_message tree;
    assert_ok(mime_parse(&arena, converted, &tree));
    assert_ok(quoted_printable_decode(&arena, mime_part_body(converted, tree.root), &decoded));
    assert_int_equal(decoded.size, sizeof message - 8);
    assert_memory_equal(decoded.data, message + 8, decoded.size);
    /* one byte fewer than too long */
    memcpy(message + 8 + MAIL_LINE_SIZE_MAX, "\r\n", 2);
    assert_false(mail_needs_downgrade(slice_of(message, 8 + MAIL_LINE_SIZE_MAX + 2), MAIL_TO_8BIT));
}

static void test_encoded_badly(void **state)
{
    (void)state;
    assert_slice(convert(SLICE("Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\xe4"
                               "\r\n"),
                         MAIL_TO_7BIT),
                 "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D=E4\r\n");
    assert_slice(convert(SLICE("Content-Transfer-Encoding: base64\r\n\r\nYW\xe4"
                               "Jj\r\n"),
                         MAIL_TO_7BIT),
                 "Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n");
}

static void test_impossible(void **state)
{
    (void)state;
    buffer_reset(&out);
    assert_error(mail_downgrade(SLICE("Content-Type: message/partial; id=x; number=1\r\n\r\n\xe4"),
                                MAIL_TO_7BIT, &arena, &out),
                 ERROR_PERMANENT);
    assert_error(mail_downgrade(SLICE("Content-Transfer-Encoding: x-own\r\n\r\n\xe4"), MAIL_TO_7BIT,
                                &arena, &out),
                 ERROR_PERMANENT);
    /* too many parts */
    struct buffer many;
    buffer_init(&many, 8 << 20);
    buffer_add_string(&many, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (unsigned i = 0; i < MIME_PART_COUNT_MAX + 10; i++)
        buffer_add_string(&many, "--b\r\n\r\n\xe4\r\n");
    assert_error(mail_downgrade(buffer_slice(&many), MAIL_TO_7BIT, &arena, &out), ERROR_PERMANENT);
    buffer_close(&many);
    struct buffer small;
    buffer_init(&small, 10);
    assert_error(
        mail_downgrade(SLICE("A: b\r\n\r\n\xe4 and so on\r\n"), MAIL_TO_7BIT, &arena, &small),
        ERROR_LIMIT);
    buffer_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_mime, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encoded_badly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_impossible, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
