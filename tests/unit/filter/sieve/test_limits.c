/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each limit of scripts and of their runs is met: at it things work, beyond it they fail in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "filter/sieve/words.h"
#include "format/text/regex.h"

#include <stdio.h>
#include <stdlib.h>

static struct buffer text;

static void repeat(const char *what, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buffer_add_string(&text, what);
}

/* Compiles what `text` holds; the problem's words, "" for none. */
static const char *compile(struct sieve_script **out_script)
{
    static struct sieve_problem problem;
    problem.text[0] = '\0';
    assert_false(text.overflow);
    error outcome = sieve_compile(buffer_slice(&text), out_script, &problem);
    assert_true(failed(outcome) == (problem.text[0] != '\0'));
    assert_true(strlen(problem.text) < SIEVE_PROBLEM_SIZE_MAX);
    return problem.text;
}

static const char *compile_only(void)
{
    struct sieve_script *script = NULL;
    const char *problem = compile(&script);
    sieve_script_destroy(&script);
    return problem;
}

/* Runs it over a mail; what went wrong, "" for nothing. */
static const char *run_with(slice mail, size_t memory, struct sieve_result *result)
{
    static struct sieve_result room;
    static struct arena arena;
    struct sieve_script *script = NULL;
    struct sieve_input input = {.message = mail, .from = SLICE("a@x.org"), .to = SLICE("b@x.org")};
    assert_string_equal(compile(&script), "");
    arena_close(&arena);
    arena_init(&arena, memory);
    assert_false(failed(sieve_run(script, &input, SIEVE_ACTIONS_MAX, 4, &arena, &room)));
    sieve_script_destroy(&script);
    if (room.failed) { /* RFC 5228 2.10.6 */
        assert_int_equal(room.count, 1);
        assert_int_equal(room.actions[0].kind, SIEVE_ACTION_KEEP);
        assert_true(room.keeps);
    }
    if (result)
        *result = room;
    return room.problem.text;
}

static const char *run(void)
{
    return run_with(SLICE("Subject: x\r\n\r\nbody\r\n"), SIEVE_RUN_MEMORY_MAX, NULL);
}

static int setup(void **state)
{
    (void)state;
    buffer_close(&text);
    buffer_init(&text, 8 << 20);
    return 0;
}

static void test_script_size(void **state)
{
    (void)state;
    repeat(" ", SIEVE_SCRIPT_SIZE_MAX);
    assert_string_equal(compile_only(), "");
    repeat(" ", 1);
    assert_string_equal(compile_only(), "the script is too large");
}

static void test_script_memory(void **state)
{
    (void)state;
    /* Many commands with tests: the tree is larger than the text by far, and yet bounded. */
    buffer_add_string(&text, "if anyof(true");
    repeat(",not size:over 1", 45000);
    buffer_add_string(&text, ") {}");
    assert_true(text.size < SIEVE_SCRIPT_SIZE_MAX);
    assert_string_equal(compile_only(), "out of memory for this task");
    assert_true(SIEVE_SCRIPT_MEMORY_MAX < 45000 * 2 * sizeof(struct sieve_meaning));
}

static void test_nesting(void **state)
{
    (void)state;
    /* A block's if and its test are levels, too. */
    buffer_add_string(&text, "if ");
    repeat("not ", SIEVE_NESTING_MAX - 1);
    buffer_add_string(&text, "true {}");
    assert_string_equal(compile_only(), "");
    buffer_reset(&text);
    buffer_add_string(&text, "if ");
    repeat("not ", SIEVE_NESTING_MAX);
    buffer_add_string(&text, "true {}");
    assert_string_equal(compile_only(), "nested too deep");
    buffer_reset(&text);
    repeat("if true {", 100000);
    assert_string_equal(compile_only(), "nested too deep");
}

static void test_nodes(void **state)
{
    (void)state;
    repeat("keep;\n", SIEVE_NODES_MAX + 1);
    assert_true(compile_only()[0]);
}

static void test_arguments(void **state)
{
    (void)state;
    buffer_add_string(&text, "keep ");
    repeat("1 ", SIEVE_ARGUMENTS_MAX);
    buffer_add_string(&text, ";");
    assert_string_equal(compile_only(), "\"keep\" takes 0 arguments beside its tags, not 32");
    buffer_reset(&text);
    buffer_add_string(&text, "keep ");
    repeat("1 ", SIEVE_ARGUMENTS_MAX + 1);
    buffer_add_string(&text, ";");
    assert_string_equal(compile_only(), "too many arguments");
    for (unsigned i = 0; i < SIEVE_VERB_COUNT; i++)
        assert_true(strspn(sieve_words[i].arguments, "|") + SIEVE_POSITIONAL_MAX + 1 >=
                    strlen(sieve_words[i].arguments));
}

static void test_numbers(void **state)
{
    (void)state;
    buffer_add_string(&text, "if size :over 99999999999999999999G { keep; }");
    assert_string_equal(compile_only(), "the number is too large");
}

static void test_actions(void **state)
{
    (void)state;
    struct sieve_result result;
    buffer_add_string(&text, "require \"fileinto\";");
    for (unsigned i = 0; i < SIEVE_ACTIONS_MAX; i++)
        buffer_format(&text, "fileinto \"%u\";", i);
    assert_string_equal(run_with(SLICE("A: b\r\n\r\n"), SIEVE_RUN_MEMORY_MAX, &result), "");
    assert_int_equal(result.count, SIEVE_ACTIONS_MAX);
    assert_false(result.keeps);
    buffer_add_string(&text, "fileinto \"more\";");
    assert_string_equal(run(), "more than 256 actions");
}

static void test_variables(void **state)
{
    (void)state;
    buffer_add_string(&text, "require \"variables\";");
    for (unsigned i = 0; i < SIEVE_VARIABLES_MAX; i++)
        buffer_format(&text, "set \"v%u\" \"x\";", i);
    assert_string_equal(run(), "");
    buffer_add_string(&text, "set \"V0\" \"again\"; set \"more\" \"\";");
    assert_string_equal(run(), "more than 128 variables");
}

static void test_variable_size(void **state)
{
    (void)state;
    struct sieve_result result;
    buffer_add_string(&text, "require [\"variables\", \"fileinto\"]; set \"a\" \"ä\";");
    repeat("set \"a\" \"${a}${a}\";", 30);
    buffer_add_string(&text, "set :length \"n\" \"${a}\"; fileinto \"${n}\";");
    assert_string_equal(run_with(SLICE("A: b\r\n\r\n"), SIEVE_RUN_MEMORY_MAX, &result), "");
    char wanted[16];
    snprintf(wanted, sizeof wanted, "%d", SIEVE_VARIABLE_SIZE_MAX / 2);
    assert_true(slice_equal(result.actions[0].text, slice_from_string(wanted)));
}

static void test_match_values(void **state)
{
    (void)state;
    struct sieve_result result;
    buffer_add_string(&text, "require [\"variables\", \"fileinto\"]; if header :matches \"a\" \"");
    repeat("?", 2 * SIEVE_MATCH_VALUES_MAX);
    buffer_format(&text, "\" { fileinto \"${%d}<${%d}>\"; }", SIEVE_MATCH_VALUES_MAX - 1,
                  SIEVE_MATCH_VALUES_MAX);
    struct buffer mail;
    buffer_init(&mail, 4096);
    buffer_add_string(&mail, "A: ");
    for (int i = 0; i < 2 * SIEVE_MATCH_VALUES_MAX; i++)
        buffer_add_byte(&mail, (char)('0' + i));
    buffer_add_string(&mail, "\r\n\r\n");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, &result), "");
    char wanted[8] = {(char)('0' + SIEVE_MATCH_VALUES_MAX - 2), '<', '>', 0};
    assert_true(slice_equal(result.actions[0].text, slice_from_string(wanted)));
    buffer_close(&mail);
}

static void test_flags(void **state)
{
    (void)state;
    buffer_add_string(&text, "require \"imap4flags\";");
    for (unsigned i = 0; i < SIEVE_FLAGS_MAX; i++)
        buffer_format(&text, "addflag \"f%u\";", i);
    assert_string_equal(run(), "");
    buffer_add_string(&text, "addflag \"more\";");
    assert_string_equal(run(), "more than 64 flags");
}

static void test_headers_added(void **state)
{
    (void)state;
    buffer_add_string(&text, "require \"editheader\";");
    repeat("addheader \"A\" \"b\";", SIEVE_HEADERS_ADDED_MAX);
    assert_string_equal(run(), "");
    repeat("addheader \"A\" \"b\";", 1);
    assert_string_equal(run(), "addheader: more than 64 times");
}

static void test_added_header_size(void **state)
{
    (void)state;
    buffer_add_string(&text, "require \"editheader\"; addheader \"A\" \"");
    repeat("x", SIEVE_ADDED_HEADER_SIZE_MAX - 1);
    size_t size = text.size;
    buffer_add_string(&text, "\";");
    assert_string_equal(run(), "");
    buffer_truncate(&text, size);
    buffer_add_string(&text, "x\";");
    assert_string_equal(run(), "addheader: the field is too long");
}

/* Patterns made to take forever, over a mail made for them: refused in good time. */
static void test_steps(void **state)
{
    (void)state;
    struct buffer mail;
    buffer_init(&mail, 4 << 20);
    buffer_add_string(&mail, "Subject: x\r\n\r\n");
    for (int i = 0; i < 1 << 20; i++)
        buffer_add_byte(&mail, 'a');
    buffer_add_string(&text, "require \"body\"; if body :raw :matches \"");
    repeat("*", 1);
    repeat("a", 100000);
    buffer_add_string(&text, "b\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, NULL),
                        "the script has too much to do");
    buffer_reset(&text);
    buffer_add_string(&text, "require \"body\"; if body :raw :contains \"");
    repeat("a", 100000);
    buffer_add_string(&text, "b\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, NULL),
                        "the script has too much to do");
    assert_true(SIEVE_STEPS_MAX >= 100000);
    buffer_close(&mail);
}

static void test_run_memory(void **state)
{
    (void)state;
    struct buffer mail;
    buffer_init(&mail, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buffer_add_string(&mail, "A: b\r\n");
    buffer_add_string(&mail, "\r\n");
    buffer_add_string(&text, "if header \"a\" \"b\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), 64 << 10, NULL),
                        "out of memory for this task");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, NULL), "");
    buffer_close(&mail);
}

/* Many rules over a large newsletter: each part is decoded once. */
static void test_many_body_tests(void **state)
{
    (void)state;
    struct buffer mail;
    struct sieve_result result;
    buffer_init(&mail, 4 << 20);
    buffer_add_string(&mail, "Content-Type: text/html\r\n"
                             "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    for (int i = 0; i < 60000; i++)
        buffer_add_string(&mail, "<p>word =3D word</p>\r\n");
    buffer_add_string(&text, "require \"body\";");
    repeat("if body :contains \"nowhere to be found\" { keep; }", 60);
    buffer_add_string(&text, "if body :contains \"word = word\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX / 4, &result), "");
    assert_int_equal(result.actions[0].kind, SIEVE_ACTION_DISCARD);
    buffer_close(&mail);
}

static void test_names_times_fields(void **state)
{
    (void)state;
    struct buffer mail;
    buffer_init(&mail, 1 << 20);
    for (int i = 0; i < 4000; i++)
        buffer_add_string(&mail, "A: b\r\n");
    buffer_add_string(&mail, "\r\n");
    buffer_add_string(&text, "if header [\"x\"");
    repeat(",\"x\"", 20000);
    buffer_add_string(&text, "] \"y\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, NULL),
                        "the script has too much to do");
    buffer_close(&mail);
}

/* An expression is charged for, as what it does to a long text is. */
static void test_regex(void **state)
{
    (void)state;
    struct buffer mail;
    buffer_init(&mail, 4 << 20);
    buffer_add_string(&mail, "Subject: x\r\n\r\n");
    for (int i = 0; i < 1 << 20; i++)
        buffer_add_byte(&mail, 'a');
    buffer_add_string(
        &text, "require [\"body\", \"regex\"]; if body :raw :regex \"(a{1,200}b)+\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, NULL),
                        "the expression has too much to do");
    buffer_reset(&text);
    buffer_add_string(&text,
                      "require [\"body\", \"regex\"]; if body :raw :regex \"a+b\" { discard; }");
    assert_string_equal(run_with(buffer_slice(&mail), SIEVE_RUN_MEMORY_MAX, NULL), "");
    buffer_reset(&text);
    buffer_add_string(&text, "require \"regex\"; if header :regex \"subject\" \"");
    repeat("a", REGEX_PATTERN_SIZE_MAX + 1);
    buffer_add_string(&text, "\" { discard; }");
    assert_non_null(strstr(compile_only(), "the expression is too long"));
    buffer_close(&mail);
}

/* ---- include (RFC 6609) ---- */

/* The script "N" includes N + 1, where `others` says so, at the bottom of blocks. */
static struct sieve_script *others[SIEVE_INCLUDE_DEPTH_MAX + 2];

static error include(void *context, slice name, bool global, const struct sieve_script **out_script,
                     struct sieve_problem *out_problem)
{
    (void)context, (void)global, (void)out_problem;
    unsigned index = (unsigned)atoi(name.data);
    assert_true(index < sizeof others / sizeof *others && others[index]);
    *out_script = others[index];
    return OK;
}

static void make_others(unsigned count, unsigned blocks)
{
    for (unsigned i = 0; i < count; i++) {
        buffer_reset(&text);
        buffer_add_string(&text, "require \"include\";");
        repeat("if true {", blocks);
        if (i + 1 < count)
            buffer_format(&text, "include \"%u\";", i + 1);
        repeat("}", blocks);
        assert_string_equal(compile(&others[i]), "");
    }
    buffer_reset(&text);
    buffer_add_string(&text, "require \"include\";");
}

static const char *run_including(void)
{
    static struct sieve_result result;
    struct sieve_script *script = NULL;
    struct sieve_input input = {.message = SLICE("A: b\r\n\r\n"), .world.include = include};
    struct arena arena;
    assert_string_equal(compile(&script), "");
    arena_init(&arena, SIEVE_RUN_MEMORY_MAX);
    assert_false(failed(sieve_run(script, &input, SIEVE_ACTIONS_MAX, 4, &arena, &result)));
    arena_close(&arena);
    sieve_script_destroy(&script);
    assert_true(result.failed == (result.problem.text[0] != '\0'));
    return result.problem.text;
}

static int forget_others(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        sieve_script_destroy(&others[i]);
    return 0;
}

static void test_include_depth(void **state)
{
    (void)state;
    make_others(SIEVE_INCLUDE_DEPTH_MAX, 0);
    buffer_add_string(&text, "include \"0\";");
    assert_string_equal(run_including(), "");
    forget_others(NULL);
    make_others(SIEVE_INCLUDE_DEPTH_MAX + 1, 0);
    buffer_add_string(&text, "include \"0\";");
    assert_string_equal(run_including(), "in \"9\": scripts include each other more than 10 deep");
}

static void test_includes(void **state)
{
    (void)state;
    make_others(1, 0);
    repeat("include \"0\";", SIEVE_INCLUDES_MAX);
    repeat("include :once \"0\";", 2); /* are none */
    assert_string_equal(run_including(), "");
    repeat("include \"0\";", 1);
    assert_string_equal(run_including(), "more than 100 scripts are included");
}

/* All of it must find room on a fiber's stack. */
static void test_blocks(void **state)
{
    (void)state;
    make_others(2, SIEVE_NESTING_MAX - 1);
    sieve_script_destroy(&others[0]);
    others[0] = others[1];
    others[1] = NULL;
    buffer_reset(&text);
    buffer_add_string(&text, "require \"include\";");
    repeat("if true {", SIEVE_BLOCKS_MAX - SIEVE_NESTING_MAX - 1);
    buffer_add_string(&text, "include \"0\";");
    repeat("}", SIEVE_BLOCKS_MAX - SIEVE_NESTING_MAX - 1);
    assert_string_equal(run_including(), "");
    buffer_reset(&text);
    buffer_add_string(&text, "require \"include\";");
    repeat("if true {", SIEVE_BLOCKS_MAX - SIEVE_NESTING_MAX);
    buffer_add_string(&text, "include \"0\";");
    repeat("}", SIEVE_BLOCKS_MAX - SIEVE_NESTING_MAX);
    assert_string_equal(run_including(),
                        "in \"0\": blocks of included scripts are nested too deep");
}

static void test_globals(void **state)
{
    (void)state;
    buffer_add_string(&text, "require [\"variables\", \"include\"];");
    for (unsigned i = 0; i < SIEVE_VARIABLES_MAX; i++)
        buffer_format(&text, "global \"v%u\"; set \"v%u\" \"x\";", i, i);
    assert_string_equal(run(), "");
    size_t size = text.size;
    buffer_add_string(&text, "set \"global.more\" \"\";");
    assert_string_equal(run(), "more than 128 variables");
    buffer_truncate(&text, size);
    buffer_add_string(&text, "global \"more\";");
    assert_string_equal(run(), "more than 128 variables");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_script_size, setup),
        cmocka_unit_test_setup(test_script_memory, setup),
        cmocka_unit_test_setup(test_nesting, setup),
        cmocka_unit_test_setup(test_nodes, setup),
        cmocka_unit_test_setup(test_arguments, setup),
        cmocka_unit_test_setup(test_numbers, setup),
        cmocka_unit_test_setup(test_actions, setup),
        cmocka_unit_test_setup(test_variables, setup),
        cmocka_unit_test_setup(test_variable_size, setup),
        cmocka_unit_test_setup(test_match_values, setup),
        cmocka_unit_test_setup(test_flags, setup),
        cmocka_unit_test_setup(test_headers_added, setup),
        cmocka_unit_test_setup(test_added_header_size, setup),
        cmocka_unit_test_setup(test_steps, setup),
        cmocka_unit_test_setup(test_run_memory, setup),
        cmocka_unit_test_setup(test_many_body_tests, setup),
        cmocka_unit_test_setup(test_names_times_fields, setup),
        cmocka_unit_test_setup_teardown(test_include_depth, setup, forget_others),
        cmocka_unit_test_setup_teardown(test_includes, setup, forget_others),
        cmocka_unit_test_setup_teardown(test_blocks, setup, forget_others),
        cmocka_unit_test_setup(test_globals, setup),
        cmocka_unit_test_setup(test_regex, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
