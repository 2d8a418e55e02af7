/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a mail is taken apart into, and that more of anything is not looked at.
 */
#include "filter/spam/spam_mail.h"

#include "base/metric.h"
#include "filter/spam/wrapper.h"

static struct spam_scan scan;

static void open_scan(struct spam_test *test)
{
    spam_scan_close(&scan);
    memset(&scan, 0, sizeof scan);
    test->mail.message = buffer_slice(&test->message);
    assert_ok(spam_scan_open(&scan, &test->mail, NULL, &test->arena, &test->arena));
}

static void test_parts(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_test_header(&test, "Subject");
    buffer_add_string(&test.message,
                      "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
                      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                      "Content-Type: text/plain; charset=iso-8859-1\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                      "Gr=FC=DFe, see http://a.example/x\r\n--b\r\n"
                      "Content-Type: text/html\r\n\r\n<p>Hello <b>An</b>na</p><a "
                      "href=\"http://B.example/?a=1&amp;b=2\">there</a>\r\n--b\r\n"
                      "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n"
                      "http://not.example/\r\n--b--\r\n");
    open_scan(&test);
    assert_slice(scan.subject, "Gr\xc3\xbc\xc3\x9f"
                               "e");
    assert_slice(scan.from_domain, "sender.example");
    assert_slice(scan.from->local, "bert");
    assert_ok(spam_scan_words(&scan));
    assert_ok(spam_scan_links(&scan));
    assert_int_equal(scan.text_count, 2);
    assert_slice(scan.texts[0].visible, "Gr\xc3\xbc\xc3\x9f"
                                        "e, see http://a.example/x");
    assert_slice(slice_trim(scan.texts[1].visible), "Hello Anna there");
    assert_int_equal(scan.link_count, 2);
    assert_slice(scan.links[0].host, "a.example");
    assert_slice(scan.links[1].host, "b.example");
    assert_slice(scan.links[1].url.rest, "/?a=1&b=2");
    assert_true(scan.links[1].from_html);
    /* Grüße | 0 Grüße see http a example x | 0 hello anna there */
    assert_int_equal(scan.word_count, 1 + 1 + 6 + 1 + 3);
    assert_int_equal(scan.words[0], spam_word_hash_of(SLICE("Gr\xc3\xbc\xc3\x9f"
                                                            "e")));
    assert_int_equal(scan.words[1], 0);
    assert_int_equal(scan.words[scan.word_count - 2], spam_word_hash_of(SLICE("aNNa")));
    spam_test_close(&test);
}

static void test_fields_have_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    for (unsigned more = 0; more < 2; more++) {
        buffer_reset(&test.message);
        for (unsigned i = 0; i < SPAM_FIELDS_MAX + more; i++)
            buffer_format(&test.message, "X-%u: y\r\n", i);
        buffer_add_string(&test.message, "\r\nbody\r\n");
        open_scan(&test);
        assert_int_equal(scan.field_count, SPAM_FIELDS_MAX);
        assert_int_equal(scan.fields_cut, more);
    }
    spam_test_judge(&test);
    spam_test_expect(&test, "HEADER_HUGE");
    spam_test_close(&test);
}

static void test_texts_have_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_test_header(&test, "");
    buffer_add_string(&test.message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (unsigned i = 0; i < SPAM_TEXTS_MAX + 3; i++)
        buffer_format(&test.message, "--b\r\n\r\ntext %u\r\n", i);
    open_scan(&test);
    assert_ok(spam_scan_texts(&scan));
    assert_int_equal(scan.text_count, SPAM_TEXTS_MAX);
    spam_test_close(&test);
}

static void add_blanks(struct buffer *out, size_t size)
{
    char line[64] = "a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4\r\n";
    for (size_t at = 0; at < size; at += 63)
        buffer_add(out, slice_of(line, 63));
}

static void test_text_has_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_test_header(&test, "");
    buffer_add_string(&test.message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (unsigned i = 0; i < 3; i++) {
        buffer_add_string(&test.message, "--b\r\n\r\n");
        add_blanks(&test.message, SPAM_TEXT_SIZE_MAX + 1000);
        buffer_add_string(&test.message, "\r\n");
    }
    open_scan(&test);
    assert_ok(spam_scan_words(&scan));
    assert_int_equal(scan.text_count, SPAM_TEXT_TOTAL_MAX / SPAM_TEXT_SIZE_MAX);
    assert_int_equal(scan.texts[0].decoded.size, SPAM_TEXT_SIZE_MAX);
    assert_int_equal(scan.word_count, SPAM_WORDS_MAX);
    spam_test_close(&test);
}

static void test_links_have_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_test_header(&test, "");
    buffer_add_string(&test.message, "\r\n");
    for (unsigned i = 0; i < SPAM_URLS_MAX; i++)
        buffer_format(&test.message, "http://host%u.example/\r\n", i);
    spam_test_judge(&test);
    spam_test_expect(&test, "-URL_CUT URL_MANY_HOSTS");
    buffer_add_string(&test.message, "http://one-more.example/\r\n");
    spam_test_judge(&test);
    spam_test_expect(&test, "URL_CUT");
    spam_test_close(&test);
}

/* URL_WRAPPERS_MAX around each other are taken off. */
static void test_wrappers_have_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    for (unsigned wrappers = URL_WRAPPERS_MAX; wrappers <= URL_WRAPPERS_MAX + 1; wrappers++) {
        spam_test_header(&test, "");
        buffer_add_string(&test.message, "\r\n");
        for (unsigned i = 0; i < wrappers; i++)
            buffer_add_string(&test.message, "https://www.google.com/url?q=");
        buffer_add_string(&test.message, "http://192.0.2.1/\r\n");
        open_scan(&test);
        assert_ok(spam_scan_links(&scan));
        assert_int_equal(scan.link_count, 1);
        assert_true(slice_equal(scan.links[0].host, wrappers > URL_WRAPPERS_MAX
                                                        ? SLICE("www.google.com")
                                                        : SLICE("192.0.2.1")));
    }
    spam_test_close(&test);
}

static void test_html_has_limits(void **state)
{
    (void)state;
    struct spam_test test;
    struct spam_html html;
    spam_test_open(&test);
    buffer_reset(&test.message);
    for (unsigned i = 0; i < SPAM_HTML_LINKS_MAX + 1; i++)
        buffer_format(&test.message, "<a href=http://h%u.example/>x</a>", i);
    assert_ok(spam_html_read(buffer_slice(&test.message), &test.arena, &html));
    assert_int_equal(html.link_count, SPAM_HTML_LINKS_MAX);
    assert_true(html.cut);
    buffer_reset(&test.message);
    for (unsigned i = 0; i < SPAM_HTML_TAGS_MAX + 10; i++)
        buffer_add_string(&test.message, "<p>x");
    assert_ok(spam_html_read(buffer_slice(&test.message), &test.arena, &html));
    assert_true(html.cut);
    assert_int_equal(html.letters, SPAM_HTML_TAGS_MAX);
    buffer_reset(&test.message);
    buffer_add_string(&test.message, "<a href=http://h.example/>");
    add_blanks(&test.message, 2 * SPAM_HTML_SHOWN_SIZE_MAX);
    buffer_add_string(&test.message, "</a>");
    assert_ok(spam_html_read(buffer_slice(&test.message), &test.arena, &html));
    assert_int_equal(html.links[0].shown.size, SPAM_HTML_SHOWN_SIZE_MAX);
    spam_test_close(&test);
}

/* Memory that runs out ends single rules, never the judgement. */
static void test_a_huge_mail_is_judged(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_test_header(&test, "Date");
    buffer_add_string(&test.message, "Content-Type: application/zip; name=a.zip\r\n"
                                     "Content-Transfer-Encoding: base64\r\n\r\n");
    for (unsigned i = 0; i < (SPAM_SCAN_SIZE_MAX + (1 << 20)) / 78; i++)
        buffer_add_string(&test.message,
                          "UEsDBBQAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAUEsDBBQAAAAIAAAAAA"
                          "AAAAAAAAAAAAAAAA\r\n");
    assert_ok(buffer_check(&test.message));
    spam_test_judge(&test);
    spam_test_expect(&test, "DATE_MISSING");
    spam_test_close(&test);
}

/* Many parts with many parameters each: more than SPAM_TREE_MEMORY_MAX (and SPAM_SCAN_MEMORY_MAX)
 * holds. What stands first is
 * looked at all the same, as it is where the memory suffices, and the mail is marked. */
static void test_memory_has_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    const struct metric *ended =
        metric_find(SLICE("ringmail_spam_rules_failed_total"), SLICE_EMPTY);
    assert_non_null(ended);
    spam_test_open(&test);
    for (unsigned parts = 100; parts <= 10000; parts *= 100) {
        spam_test_header(&test, "");
        buffer_add_string(&test.message,
                          "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
                          "Canadian pharmacy, see http://192.0.2.1/ for more\r\n");
        for (unsigned i = 0; i < parts; i++) {
            buffer_add_string(&test.message, "--b\r\nContent-Type: text/plain");
            for (unsigned j = 0; j < MIME_PARAMETER_COUNT_MAX; j++)
                buffer_format(&test.message, ";p%u=x", j);
            buffer_add_string(&test.message, "\r\n\r\nx\r\n");
        }
        assert_ok(buffer_check(&test.message));
        assert_true(parts == 100 || test.message.size < SPAM_SCAN_MEMORY_MAX);
        int64_t before = metric_value(ended);
        spam_test_judge(&test);
        assert_int_equal(metric_value(ended), before);
        spam_test_expect(&test, "TEXT_PILLS URL_ADDRESS");
        spam_test_expect(&test, parts == 100 ? "-MIME_DEEP" : "MIME_DEEP");
    }
    spam_test_close(&test);
}

/* SPAM_ADDRESSES_SIZE_MAX: an author further behind is nobody. */
static void test_addresses_have_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    const char address[] = "bert@sender.example";
    spam_test_open(&test);
    for (unsigned more = 0; more < 2; more++) {
        spam_test_header(&test, "From");
        buffer_add_string(&test.message, "From: (");
        size_t blanks = SPAM_ADDRESSES_SIZE_MAX - 3 - (sizeof address - 1) + more;
        for (size_t i = 0; i < blanks; i++)
            buffer_add_byte(&test.message, 'c');
        buffer_format(&test.message, ")%s\r\n\r\nHello\r\n", address);
        spam_test_judge(&test);
        spam_test_expect(&test, more ? "SENDER_OTHER" : "-SENDER_OTHER"); /* sender.exampl */
    }
    spam_test_close(&test);
}

/* Letters of a size within letters of a size: SIZES_MAX (filter/spam/html.c) of them are told
 * apart; what stands deeper is as large as the last of them. */
static void test_sizes_have_a_limit(void **state)
{
    (void)state;
    enum { SIZES_MAX = 16 };
    struct spam_test test;
    struct spam_html html;
    spam_test_open(&test);
    for (unsigned depth = SIZES_MAX - 1; depth <= SIZES_MAX; depth++) {
        buffer_reset(&test.message);
        for (unsigned i = 0; i < depth; i++)
            buffer_add_string(&test.message, "<span style=\"font-size:1px\">");
        buffer_add_string(&test.message, "<span style=\"font-size:12px\">seen</span>");
        for (unsigned i = 0; i < depth; i++)
            buffer_add_string(&test.message, "</span>");
        buffer_add_string(&test.message, "after");
        assert_ok(spam_html_read(buffer_slice(&test.message), &test.arena, &html));
        assert_int_equal(html.tiny, depth < SIZES_MAX ? 0 : 4);
        assert_int_equal(html.letters, depth < SIZES_MAX ? 9 : 5); /* all were closed */
    }
    spam_test_close(&test);
}

/* SPAM_SUBJECT_SIZE_MAX: a subject without end takes nobody's memory. */
static void test_subject_has_a_limit(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    for (size_t size = SPAM_SUBJECT_SIZE_MAX - 1; size < 2 * SPAM_SCAN_MEMORY_MAX;
         size = size < SPAM_SUBJECT_SIZE_MAX ? SPAM_SUBJECT_SIZE_MAX + 1 : 3 * size) {
        buffer_reset(&test.message);
        buffer_add_string(&test.message, "Subject:");
        for (size_t i = 0; i < size; i++)
            buffer_add_byte(&test.message, i % 64 ? 's' : '\t');
        buffer_add_string(&test.message, "\r\n\r\n");
        open_scan(&test);
        assert_int_equal(scan.subject.size,
                         size < SPAM_SUBJECT_SIZE_MAX ? size - 1 : SPAM_SUBJECT_SIZE_MAX - 1);
    }
    spam_test_judge(&test);
    spam_test_expect(&test, "-SUBJECT_MISSING");
    spam_test_close(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_fields_have_a_limit),
        cmocka_unit_test(test_texts_have_a_limit),
        cmocka_unit_test(test_text_has_a_limit),
        cmocka_unit_test(test_links_have_a_limit),
        cmocka_unit_test(test_wrappers_have_a_limit),
        cmocka_unit_test(test_html_has_limits),
        cmocka_unit_test(test_a_huge_mail_is_judged),
        cmocka_unit_test(test_memory_has_a_limit),
        cmocka_unit_test(test_subject_has_a_limit),
        cmocka_unit_test(test_addresses_have_a_limit),
        cmocka_unit_test(test_sizes_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
