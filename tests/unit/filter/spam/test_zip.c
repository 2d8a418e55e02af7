/* SPDX-License-Identifier: GPL-3.0-or-later
 * Archives made by hand: only what the central directory needs. And mail that carries them.
 */
#include "filter/spam/spam_mail.h"

#include "filter/spam/zip.h"
#include "format/text/base64.h"

static void put_16(struct buffer *out, unsigned number)
{
    buffer_add_byte(out, (char)(number & 255));
    buffer_add_byte(out, (char)(number >> 8));
}
static void put_32(struct buffer *out, uint32_t number)
{
    put_16(out, number & 65535);
    put_16(out, number >> 16);
}

static void add_entry(struct buffer *out, const char *name, unsigned flags)
{
    buffer_add(out, SLICE("PK\1\2"));
    put_32(out, 20 | 20 << 16);
    put_16(out, flags);
    for (unsigned i = 0; i < 9; i++)
        put_16(out, 0); /* method, time, date, CRC, sizes */
    put_16(out, (unsigned)strlen(name));
    for (unsigned i = 0; i < 8; i++)
        put_16(out, 0); /* extra, comment, disk, attributes, offset */
    buffer_add_string(out, name);
}

static void add_end(struct buffer *out, unsigned entries, size_t start, const char *comment)
{
    size_t size = out->size - start;
    buffer_add(out, SLICE("PK\5\6"));
    put_32(out, 0);
    put_16(out, entries);
    put_16(out, entries);
    put_32(out, (uint32_t)size);
    put_32(out, (uint32_t)start);
    put_16(out, (unsigned)strlen(comment));
    buffer_add_string(out, comment);
}

static void test_entries(void **state)
{
    (void)state;
    struct buffer archive;
    struct zip_reader reader;
    struct zip_entry entry;
    buffer_init(&archive, 1 << 20);
    buffer_add_string(&archive, "PK\3\4what is in it");
    size_t start = archive.size;
    add_entry(&archive, "read me.txt", 0);
    add_entry(&archive, "bin/setup.exe", 1);
    add_end(&archive, 2, start, "a comment");
    assert_ok(zip_open(buffer_slice(&archive), &reader));
    assert_true(zip_next(&reader, &entry));
    assert_slice(entry.name, "read me.txt");
    assert_false(entry.encrypted);
    assert_true(zip_next(&reader, &entry));
    assert_slice(entry.name, "bin/setup.exe");
    assert_true(entry.encrypted);
    assert_false(zip_next(&reader, &entry));
    assert_error(zip_open(slice_sub(buffer_slice(&archive), 0, archive.size - 15), &reader),
                 ERROR_MALFORMED);
    assert_error(zip_open(SLICE("PK"), &reader), ERROR_MALFORMED);
    buffer_close(&archive);
}

static void test_entries_have_a_limit(void **state)
{
    (void)state;
    struct buffer archive;
    struct zip_reader reader;
    struct zip_entry entry;
    unsigned count = 0;
    buffer_init(&archive, 1 << 20);
    for (unsigned i = 0; i < ZIP_ENTRIES_MAX + 5; i++)
        add_entry(&archive, "x", 0);
    add_end(&archive, ZIP_ENTRIES_MAX + 5, 0, "");
    assert_ok(zip_open(buffer_slice(&archive), &reader));
    while (zip_next(&reader, &entry))
        count++;
    assert_int_equal(count, ZIP_ENTRIES_MAX);
    buffer_close(&archive);
}

static void judge_archive(struct spam_test *test, const char *name, unsigned flags)
{
    struct buffer archive, body;
    buffer_init(&archive, 1 << 20);
    buffer_init(&body, 1 << 20);
    buffer_add_string(&archive, "PK\3\4");
    add_entry(&archive, name, flags);
    add_end(&archive, 1, 4, "");
    base64_encode(&body, buffer_slice(&archive));
    buffer_add_byte(&body, '\0');
    spam_test_mail(test, "",
                   "Content-Type: application/zip; name=a.zip\r\n"
                   "Content-Transfer-Encoding: base64\r\n",
                   body.data);
    buffer_close(&body);
    buffer_close(&archive);
}

static void test_mail_with_archives(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    judge_archive(&test, "invoice.js", 0);
    spam_test_expect(&test, "ARCHIVE_EXECUTABLE -ARCHIVE_ENCRYPTED");
    assert_slice(spam_test_find(&test, "ARCHIVE_EXECUTABLE")->reason, "invoice.js");
    judge_archive(&test, "invoice.txt", 1);
    spam_test_expect(&test, "ARCHIVE_ENCRYPTED -ARCHIVE_EXECUTABLE");
    judge_archive(&test, "word/vbaProject.bin", 0);
    spam_test_expect(&test, "ATTACHMENT_MACROS");
    judge_archive(&test, "word/document.xml", 0);
    spam_test_expect(&test, "-ATTACHMENT_MACROS -ARCHIVE_ENCRYPTED -ARCHIVE_EXECUTABLE");
    spam_test_close(&test);
}

/* ZIP_TAIL_SIZE_MAX: a comment of any size, and nothing more behind it. */
static void test_end_is_looked_for_near_the_end(void **state)
{
    (void)state;
    struct buffer archive;
    struct zip_reader reader;
    buffer_init(&archive, 1 << 20);
    add_entry(&archive, "x", 0);
    size_t end = archive.size;
    add_end(&archive, 1, 0, "");
    while (archive.size < end + ZIP_TAIL_SIZE_MAX)
        buffer_add_byte(&archive, 'c');
    assert_ok(zip_open(buffer_slice(&archive), &reader));
    buffer_add_byte(&archive, 'c');
    assert_error(zip_open(buffer_slice(&archive), &reader), ERROR_MALFORMED);
    buffer_close(&archive);
}

/* ATTACHMENTS_MAX (filter/spam/rules/attachments.c): the last that is looked at, and the next. */
static void test_attachments_have_a_limit(void **state)
{
    (void)state;
    enum { ATTACHMENTS_MAX = 64 };
    struct spam_test test;
    spam_test_open(&test);
    for (unsigned before = ATTACHMENTS_MAX - 1; before <= ATTACHMENTS_MAX; before++) {
        spam_test_header(&test, "");
        buffer_add_string(&test.message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (unsigned i = 0; i < before; i++)
            buffer_add_string(&test.message,
                              "--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-\r\n");
        buffer_add_string(&test.message, "--b\r\nContent-Type: application/x; name=a.exe\r\n\r\nx"
                                         "\r\n--b--\r\n");
        spam_test_judge(&test);
        spam_test_expect(&test, before < ATTACHMENTS_MAX
                                    ? "ATTACHMENT_EXECUTABLE -ATTACHMENTS_MANY"
                                    : "-ATTACHMENT_EXECUTABLE ATTACHMENTS_MANY");
    }
    spam_test_close(&test);
}

/* ARCHIVE_SIZE_MAX (filter/spam/rules/attachments.c): two archives that are just not too large
 * together, and two that are. */
static void test_archives_have_a_limit(void **state)
{
    (void)state;
    enum { ARCHIVE_SIZE_MAX = 8 << 20 };
    struct spam_test test;
    struct buffer archive;
    spam_test_open(&test);
    buffer_init(&archive, 1 << 20);
    for (unsigned more = 0; more < 2; more++) {
        buffer_reset(&archive);
        buffer_add_string(&archive, "PK\3\4");
        add_entry(&archive, "setup.exe", 0);
        add_end(&archive, 1, 4, "");
        size_t small = archive.size;
        spam_test_header(&test, "");
        buffer_add_string(&test.message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                                         "Content-Type: application/zip; name=a.zip\r\n"
                                         "Content-Transfer-Encoding: 8bit\r\n\r\nPK\3\4");
        for (size_t i = 4; i < ARCHIVE_SIZE_MAX - small + more; i++)
            buffer_add_byte(&test.message, 'x');
        buffer_add_string(&test.message, "\r\n--b\r\nContent-Type: application/zip; name=b.zip\r\n"
                                         "Content-Transfer-Encoding: 8bit\r\n\r\n");
        buffer_add(&test.message, buffer_slice(&archive));
        buffer_add_string(&test.message, "\r\n--b--\r\n");
        assert_ok(buffer_check(&test.message));
        spam_test_judge(&test);
        spam_test_expect(&test, more ? "-ARCHIVE_EXECUTABLE" : "ARCHIVE_EXECUTABLE");
    }
    buffer_close(&archive);
    spam_test_close(&test);
}

/* NAME_SIZE_MAX (filter/spam/rules/attachments.c): of a longer name its end is looked at, in all
 * the ways of writing one; and it hides nothing that comes after it, however long it is (past
 * MAIL_HEADER_SIZE_MAX nobody sees how it ends). */
static void test_names_have_a_limit(void **state)
{
    (void)state;
    enum { NAME_SIZE_MAX = 4096, HUGE_SIZE = 1000 << 10, MORE_SIZE = 10 << 20 };
    static const char *const starts[] = {
        "Content-Disposition: attachment; filename=",
        "Content-Disposition: attachment; filename*=utf-8''",
        "Content-Disposition: inline; x=y; filename=",
        "Content-Type: application/x; name=",
    };
    static const size_t sizes[] = {NAME_SIZE_MAX, NAME_SIZE_MAX + 1, HUGE_SIZE, MORE_SIZE};
    struct spam_test test;
    spam_test_open(&test);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            const char *end = i == 1 ? ".pdf.e%78e" : ".pdf.exe";
            size_t more = sizes[j] - strlen(end) - (i == 1 ? strlen("utf-8''") : 0);
            spam_test_header(&test, "");
            buffer_format(&test.message,
                          "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%s", starts[i]);
            for (size_t at = 0; at < more; at++)
                buffer_add_byte(&test.message, 'n');
            buffer_format(&test.message,
                          "%s\r\n\r\nx\r\n--b\r\nContent-Type: application/x; "
                          "name=a.docm\r\n\r\nx\r\n--b--\r\n",
                          end);
            assert_ok(buffer_check(&test.message));
            spam_test_judge(&test);
            spam_test_expect(&test, j == 0 ? "-ATTACHMENT_NAME_HUGE" : "ATTACHMENT_NAME_HUGE");
            spam_test_expect(&test, "ATTACHMENT_MACROS");
            if (sizes[j] < MAIL_HEADER_SIZE_MAX)
                spam_test_expect(&test, "ATTACHMENT_EXECUTABLE ATTACHMENT_DOUBLE");
        }
    spam_test_close(&test);
}

/* CHARSET_SIZE_MAX (filter/spam/rules/attachments.c): of a name that is too long its charset and
 * language are kept where they are not too long themselves; its end is read either way. */
static void test_charsets_have_a_limit(void **state)
{
    (void)state;
    enum { CHARSET_SIZE_MAX = 100, NAME_SIZE = 5000 };
    struct spam_test test;
    spam_test_open(&test);
    for (int more = 0; more < 2; more++) {
        spam_test_header(&test, "");
        buffer_format(
            &test.message,
            "Content-Type: application/x\r\n"
            "Content-Disposition: attachment; filename*=utf-8'%0*d'%0*d.pdf.e%%78e\r\n\r\n",
            CHARSET_SIZE_MAX - 7 + more, 1, NAME_SIZE, 1);
        spam_test_judge(&test);
        spam_test_expect(&test, "ATTACHMENT_NAME_HUGE ATTACHMENT_EXECUTABLE ATTACHMENT_DOUBLE");
    }
    spam_test_close(&test);
}

static void test_locked_rar(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    static const char five[] = "Rar!\x1a\x07\x01\x00????\x0d\x04",
                      four[] = "Rar!\x1a\x07\x00??\x73\x80\x00";
    struct buffer body;
    buffer_init(&body, 1000);
    for (unsigned i = 0; i < 3; i++) {
        buffer_reset(&body);
        base64_encode(&body, i == 0   ? slice_of(five, sizeof five)
                             : i == 1 ? slice_of(four, sizeof four)
                                      : SLICE("Rar!\x1a\x07\x00??\x73\x00\x00"));
        buffer_add_byte(&body, '\0');
        spam_test_mail(&test, "",
                       "Content-Type: application/x; name=a.rar\r\n"
                       "Content-Transfer-Encoding: base64\r\n",
                       body.data);
        spam_test_expect(&test, i < 2 ? "ARCHIVE_ENCRYPTED" : "-ARCHIVE_ENCRYPTED");
    }
    buffer_close(&body);
    spam_test_close(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_entries_have_a_limit),
        cmocka_unit_test(test_mail_with_archives),
        cmocka_unit_test(test_end_is_looked_for_near_the_end),
        cmocka_unit_test(test_attachments_have_a_limit),
        cmocka_unit_test(test_archives_have_a_limit),
        cmocka_unit_test(test_names_have_a_limit),
        cmocka_unit_test(test_charsets_have_a_limit),
        cmocka_unit_test(test_locked_rar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
