/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The fast way through a body beside a slow one that is easy to believe.
 */
#include "check.h"

#include "base/buffer.h"
#include "base/random.h"
#include "filter/authentic/canonical.h"

static struct buffer plain;

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 6376 3.4.4, byte by byte. */
static void reduce_slowly(slice body)
{
    size_t empty = 0;
    buffer_reset(&plain);
    while (body.size) {
        ptrdiff_t end = slice_find(body, SLICE("\r\n"));
        slice line = end < 0 ? body : slice_sub(body, 0, (size_t)end);
        body = slice_from(body, line.size + (end < 0 ? 0 : 2));
        while (line.size && blank(line.data[line.size - 1]))
            line.size--;
        if (line.size == 0) {
            empty++;
            continue;
        }
        for (; empty; empty--)
            buffer_add(&plain, SLICE("\r\n"));
        for (size_t i = 0; i < line.size; i++) {
            if (!blank(line.data[i]))
                buffer_add_byte(&plain, line.data[i]);
            else if (i == 0 || !blank(line.data[i - 1]))
                buffer_add_byte(&plain, ' ');
        }
        buffer_add(&plain, SLICE("\r\n"));
    }
}

static void check_body(slice body, uint64_t limit)
{
    uint8_t fast[DIGEST_SIZE_MAX], slow[DIGEST_SIZE_MAX];
    struct digest digest;
    uint64_t size;
    digest_init(&digest, DIGEST_SHA256);
    canonical_body(CANONICAL_RELAXED, body, limit, &digest, &size);
    digest_finish(&digest, fast);
    reduce_slowly(body);
    assert_int_equal(size, plain.size);
    digest_of(DIGEST_SHA256,
              slice_sub(buffer_slice(&plain), 0, limit < plain.size ? limit : plain.size), slow);
    assert_memory_equal(fast, slow, 32);
}

static void test_known_bodies(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "\r\n",
        "\r\n\r\n",
        "a",
        "a\r\n",
        "a\r\n\r\n\r\n",
        " \t\r\n",
        "a \r\n",
        " a\r\n",
        "a  b\r\n",
        "a\tb\r\n",
        "a\r\n\r\nb\r\n",
        "a\r\n \r\nb\r\n",
        "a\r\n\r\n \r\nb\r\n",
        "\r\n\r\na\r\n",
        " \r\na",
        "a\nb\r\n",
        "a\rb\r\n",
        "\n",
        "\r",
        "\r\r\n",
        "a\r\r\n\r\n",
        "a\r\n\r\nb  \r\n\r\nc\r\n",
        "a\r\n\r\n\r\nb\r\n\r\n\r\nc",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (uint64_t limit = 0; limit < 8; limit++)
            check_body(slice_from_string(bodies[i]), limit == 7 ? UINT64_MAX : limit);
}

static void test_random_bodies(void **state)
{
    (void)state;
    static const char *const parts[] = {"\r\n",  "\r\n\r\n",        " ",  "\t", "  ",
                                        "a",     "some words here", "\r", "\n", "line\r\nline\r\n",
                                        " \r\n", "x \r\n"};
    static char body[8192];
    random_seed(20261122);
    for (int round = 0; round < 20000; round++) {
        size_t size = 0, count = random_below(40);
        for (size_t i = 0; i < count; i++) {
            const char *part = parts[random_below(sizeof parts / sizeof *parts)];
            memcpy(body + size, part, strlen(part));
            size += strlen(part);
        }
        check_body(slice_of(body, size), random_below(4) ? UINT64_MAX : random_below(size + 2));
    }
}

static void check_field(slice value, const char *expected)
{
    uint8_t fast[DIGEST_SIZE_MAX], slow[DIGEST_SIZE_MAX];
    struct digest digest;
    const struct mail_header_field field = {.name = SLICE("Sub-JECT "), .value = value};
    digest_init(&digest, DIGEST_SHA256);
    canonical_field(CANONICAL_RELAXED, &field, SLICE_EMPTY, &digest);
    digest_finish(&digest, fast);
    digest_of(DIGEST_SHA256, slice_from_string(expected), slow);
    assert_memory_equal(fast, slow, 32);
}

static void test_fields(void **state)
{
    (void)state;
    check_field(SLICE_EMPTY, "sub-ject:\r\n");
    check_field(SLICE("  a  b\tc \r\n\td "), "sub-ject:a b c d\r\n");
    check_field(SLICE("a\r\nb"), "sub-ject:ab\r\n"); /* no blank, no gap */
    check_field(SLICE(" \r\n \x01\xc3\xa4 \r\n "), "sub-ject:\x01\xc3\xa4\r\n");
    /* A hole in the middle of a run and in a gap. */
    uint8_t one[DIGEST_SIZE_MAX], two[DIGEST_SIZE_MAX];
    struct digest digest;
    slice value = SLICE("a; b=XX; c");
    digest_init(&digest, DIGEST_SHA256);
    canonical_own_field(CANONICAL_RELAXED, SLICE("X"), value, slice_sub(value, 5, 2), &digest);
    digest_finish(&digest, one);
    digest_of(DIGEST_SHA256, SLICE("x:a; b=; c"), two);
    assert_memory_equal(one, two, 32);
}

/* RFC 6376 3.4.1: simple changes nothing, not even a blank before the colon. */
static void test_own_field_as_it_is(void **state)
{
    (void)state;
    uint8_t one[DIGEST_SIZE_MAX], two[DIGEST_SIZE_MAX];
    struct digest digest;
    slice field = SLICE("DKIM-Signature \t: v=1; b=XX; c=simple");
    slice value = slice_from(field, 17);
    digest_init(&digest, DIGEST_SHA256);
    canonical_own_field(CANONICAL_SIMPLE, slice_sub(field, 0, 14), value, slice_sub(value, 8, 2),
                        &digest);
    digest_finish(&digest, one);
    digest_of(DIGEST_SHA256, SLICE("DKIM-Signature \t: v=1; b=; c=simple"), two);
    assert_memory_equal(one, two, 32);
}

int main(void)
{
    buffer_init(&plain, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bodies),
        cmocka_unit_test(test_random_bodies),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_own_field_as_it_is),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&plain);
    return failures;
}
