/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs the scripts in cases/: each says what actions a mail gets, or what is wrong in which line.
 *
 *     == name
 *     script
 *     -- mail         another one from here on in this file
 *     -- personal N   what it may include, from here on in this file; -- global N
 *     -- expect       actions as sieve_result_write gives them; "line N: text" for an error
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "filter/sieve/sieve.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_SIZE_MAX = 1 << 20 };

struct file {
    char text[FILE_SIZE_MAX];
    size_t size;
};

static bool exists(void *context, slice name)
{
    (void)context;
    return slice_equal(name, SLICE("INBOX")) || slice_equal(name, SLICE("Partners"));
}

static bool special_use(void *context, slice use, slice mailbox)
{
    (void)context;
    return slice_equal_nocase(use, SLICE("\\Junk")) &&
           (mailbox.size == 0 || slice_equal(mailbox, SLICE("Spam")));
}

/* Seen: id "<seen@example.org>", with whatever handle but "fresh". */
static bool duplicate(void *context, slice handle, slice id, int64_t seconds, bool last)
{
    (void)context;
    return slice_equal(id, SLICE("<seen@example.org>")) && !slice_equal(handle, SLICE("fresh")) &&
           seconds >= 60 && !last;
}

/* ---- Scripts that others include ---- */

static struct other {
    slice head, text; /* "-- personal NAME" */
    struct sieve_script *script;
} others[20];
static unsigned other_count;

static error include(void *context, slice name, bool global, const struct sieve_script **out_script,
                     struct sieve_problem *out_problem)
{
    (void)context;
    for (unsigned i = 0; i < other_count; i++) {
        struct other *other = &others[i];
        if (!slice_ends(other->head, name) || other->head.size != name.size + (global ? 10 : 12))
            continue;
        if (!other->script)
            TRY(sieve_compile(other->text, &other->script, out_problem));
        *out_script = other->script;
        return OK;
    }
    return error_make(ERROR_NOT_FOUND, "there is none");
}

static void forget_others(void)
{
    while (other_count)
        sieve_script_destroy(&others[--other_count].script);
}

static void run(slice script_text, slice mail, struct buffer *out)
{
    struct sieve_problem problem = {0};
    struct sieve_script *script = NULL;
    error outcome = sieve_compile(script_text, &script, &problem);
    if (failed(outcome)) {
        assert_null(script);
        buffer_format(out, "line %u: %s\n", problem.line, problem.text);
        return;
    }
    struct arena arena;
    struct sieve_result result;
    struct sieve_input input = {
        .message = mail,
        .from = SLICE("coyote@desert.example.org"),
        .to = SLICE("roadrunner+box@acme.example.com"),
        .auth = SLICE("wile"),
        .now = 1246442400, /* Wed, 01 Jul 2009 10:00:00 +0000 */
        .zone_minutes = 120,
        .host = SLICE("mx.acme.example.com"),
        .remote_ip = SLICE("192.0.2.7"),
        .spam_tested = true,
        .spam_percent = 50,
        .virus = SIEVE_VIRUS_NONE,
        .world = {.mailbox_exists = exists,
                  .special_use_exists = special_use,
                  .is_duplicate = duplicate,
                  .include = include},
    };
    arena_init(&arena, SIEVE_RUN_MEMORY_MAX);
    assert_false(failed(sieve_run(script, &input, 10, SIEVE_REDIRECTS_DEFAULT, &arena, &result)));
    sieve_result_write(&result, out);
    for (unsigned i = 0; i < result.count; i++)
        if (result.actions[i].header.data && result.actions[i].kind == SIEVE_ACTION_KEEP) {
            buffer_add(out, result.actions[i].header);
            out->size -= 2; /* its empty line */
        }
    arena_close(&arena);
    sieve_script_destroy(&script);
    assert_null(script);
}

/* The text from the line after `at` to the next line that begins with `== ` or `-- `. */
static slice take_section(slice text, size_t *at)
{
    ptrdiff_t end = slice_find_byte(slice_from(text, *at), '\n');
    size_t begin = end < 0 ? text.size : *at + (size_t)end + 1, here = begin;
    while (here < text.size && !slice_starts(slice_from(text, here), SLICE("== ")) &&
           !slice_starts(slice_from(text, here), SLICE("-- "))) {
        end = slice_find_byte(slice_from(text, here), '\n');
        here = end < 0 ? text.size : here + (size_t)end + 1;
    }
    *at = here;
    return slice_sub(text, begin, here - begin);
}

static void add_crlf(struct buffer *out, slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n')
            buffer_add_byte(out, '\r');
        buffer_add_byte(out, text.data[i]);
    }
}

static void drop_cr(struct buffer *text)
{
    size_t size = 0;
    for (size_t i = 0; i < text->size; i++)
        if (text->data[i] != '\r')
            text->data[size++] = text->data[i];
    text->size = size;
}

static unsigned run_file(const char *path, unsigned *bad)
{
    static struct file file;
    struct buffer mail, got;
    slice script = SLICE_EMPTY, title = SLICE_EMPTY;
    unsigned count = 0;
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    file.size = fread(file.text, 1, sizeof file.text, stream);
    fclose(stream);
    assert_true(file.size < FILE_SIZE_MAX);
    buffer_init(&mail, FILE_SIZE_MAX);
    buffer_init(&got, FILE_SIZE_MAX);
    slice text = slice_of(file.text, file.size);
    for (size_t at = 0; at < text.size;) {
        slice head, rest;
        (void)slice_cut(slice_from(text, at), '\n', &head, &rest);
        slice section = take_section(text, &at);
        if (slice_starts(head, SLICE("== "))) {
            title = slice_from(head, 3);
            script = section;
        } else if (slice_starts(head, SLICE("-- personal ")) ||
                   slice_starts(head, SLICE("-- global "))) {
            assert_true(other_count < sizeof others / sizeof *others);
            others[other_count++] = (struct other){.head = head, .text = section};
        } else if (slice_equal(head, SLICE("-- mail"))) {
            buffer_reset(&mail);
            add_crlf(&mail, section);
        } else {
            assert_true(slice_equal(head, SLICE("-- expect")));
            buffer_reset(&got);
            run(script, buffer_slice(&mail), &got);
            drop_cr(&got);
            count++;
            if (!slice_equal(slice_trim(section), slice_trim(buffer_slice(&got)))) {
                ++*bad;
                print_message("%s: %.*s\nexpected: %.*s\ngot: %.*s\n", path, SLICE_ARG(title),
                              SLICE_ARG(section), SLICE_ARG(buffer_slice(&got)));
            }
        }
    }
    forget_others();
    buffer_close(&mail);
    buffer_close(&got);
    return count;
}

static void test_cases(void **state)
{
    (void)state;
    glob_t paths;
    unsigned count = 0, bad = 0;
    assert_int_equal(glob("tests/unit/filter/sieve/cases/*.case", 0, NULL, &paths), 0);
    for (size_t i = 0; i < paths.gl_pathc; i++)
        count += run_file(paths.gl_pathv[i], &bad);
    globfree(&paths);
    print_message("%u cases\n", count);
    assert_int_equal(bad, 0);
    assert_true(count >= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
