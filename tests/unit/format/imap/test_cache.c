/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/cache.h"
#include "format/mail/mime.h"

static const char MESSAGE[] = "Subject: x\r\nFrom: a@b\r\n\r\nbody\r\n";

static void write_blob(void)
{
    struct mime_message parsed;
    slice message = slice_from_string(MESSAGE);
    assert_ok(mime_parse(&arena, message, &parsed));
    assert_ok(imap_cache_write(message, &parsed, &arena, &written));
}

static void test_round_trip(void **state)
{
    (void)state;
    struct imap_cache cache;
    buffer_add(&written, SLICE("before"));
    write_blob();
    assert_true(imap_cache_read(slice_from(buffer_slice(&written), 6), &cache));
    assert_slice(cache.envelope, "(NIL \"x\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
                                 "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)");
    assert_slice(cache.body,
                 "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1)");
    assert_slice(cache.structure, "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
                                  "6 1 NIL NIL NIL NIL)");
}

static void test_opaque(void **state)
{
    (void)state;
    struct imap_cache cache;
    assert_ok(imap_cache_write_opaque(9000000000, &written));
    assert_true(imap_cache_read(buffer_slice(&written), &cache));
    assert_slice(cache.envelope, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    assert_slice(cache.body,
                 "(\"application\" \"octet-stream\" NIL NIL NIL \"binary\" 9000000000)");
    assert_slice(cache.structure,
                 "(\"application\" \"octet-stream\" NIL NIL NIL \"binary\" 9000000000 "
                 "NIL NIL NIL NIL)");
}

/* Cut anywhere, lengthened, of another version: made anew rather than believed. */
static void test_damage_is_found(void **state)
{
    (void)state;
    struct imap_cache cache;
    write_blob();
    for (size_t size = 0; size < written.size; size++)
        assert_false(imap_cache_read(slice_of(written.data, size), &cache));
    assert_true(imap_cache_read(buffer_slice(&written), &cache));
    buffer_add_byte(&written, 'x');
    assert_false(imap_cache_read(buffer_slice(&written), &cache));
    buffer_truncate(&written, written.size - 1);
    written.data[4] = '\x7f'; /* the first size's highest byte */
    assert_false(imap_cache_read(buffer_slice(&written), &cache));
    written.data[4] = 0;
    written.data[0]++;
    assert_false(imap_cache_read(buffer_slice(&written), &cache));
}

int main(void)
{
    const struct CMUnitTest tests[] = {grammar_test(test_round_trip), grammar_test(test_opaque),
                                       grammar_test(test_damage_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
