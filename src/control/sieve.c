/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scripts looked at by hand: is one right, and what would it do?
 */
#include "filter/sieve/sieve.h"
#include "base/time.h"
#include "control/control.h"
#include "format/mail/header.h"

#include <time.h>

enum { MAIL_ROOM = 64 << 20 };

/* "FILE:LINE: what is wrong", as compilers say it. */
static enum control_exit say_problem(slice name, const struct sieve_problem *problem)
{
    return control_say(CONTROL_REFUSED, "%.*s:%u: %s", SLICE_ARG(name), problem->line,
                       problem->text);
}

/* A file that cannot be read leaves *out_problem empty. */
static error read_script(slice path, struct sieve_script **out_script,
                         struct sieve_problem *out_problem)
{
    struct buffer text;
    buffer_init(&text, MAIL_ROOM);
    error problem = control_read_file(path, &text);
    if (!failed(problem))
        problem = sieve_compile(buffer_slice(&text), out_script, out_problem);
    buffer_close(&text);
    return problem;
}

static enum control_exit compile(slice name, struct sieve_script **out_script)
{
    struct sieve_problem problem = {0};
    error outcome = read_script(name, out_script, &problem);
    if (problem.text[0])
        return say_problem(name, &problem);
    return failed(outcome) ? control_say(CONTROL_REFUSED, "%.*s: %s", SLICE_ARG(name), outcome.text)
                           : CONTROL_DONE;
}

enum control_exit control_sieve_check(struct control *control)
{
    enum control_exit exit = CONTROL_DONE;
    for (unsigned i = 0; i < control->count; i++) {
        struct sieve_script *script = NULL;
        enum control_exit one = compile(control->words[i], &script);
        if (one != CONTROL_DONE)
            exit = one;
        sieve_script_destroy(&script);
    }
    return exit;
}

static bool is_inbox(void *context, slice name)
{
    (void)context;
    return slice_equal_nocase(name, SLICE("INBOX"));
}

/* What a script may include lies beside it, scripts for everybody as well. */
struct beside {
    slice folder; /* with its "/" */
    struct arena *arena;
    struct beside_script {
        struct beside_script *next;
        slice name;
        struct sieve_script *script;
    } * first;
};

static error include(void *context, slice name, bool global, const struct sieve_script **out_script,
                     struct sieve_problem *out_problem)
{
    struct beside *beside = context;
    struct beside_script *one = beside->first;
    slice path;
    (void)global;
    while (one && !slice_equal(one->name, name))
        one = one->next;
    if (!one) {
        one = ARENA_NEW(beside->arena, struct beside_script);
        TRY_MEMORY(one);
        TRY(arena_format(beside->arena, &path, "%.*s%.*s.sieve", SLICE_ARG(beside->folder),
                         SLICE_ARG(name)));
        TRY(read_script(path, &one->script, out_problem));
        one->name = name;
        one->next = beside->first;
        beside->first = one;
    }
    *out_script = one->script;
    return OK;
}

/* What --from or --rcpt said, else the field a delivery wrote. */
static slice envelope_part(const struct control *control, enum control_option option, slice mail,
                           slice field)
{
    slice value = SLICE_EMPTY;
    if (control->options[option])
        return slice_from_string(control->options[option]);
    if (!mail_header_find(mail, field, &value))
        return SLICE_EMPTY;
    value = slice_trim(value);
    if (slice_starts(value, SLICE("<")) && slice_ends(value, SLICE(">")))
        value = slice_sub(value, 1, value.size - 2);
    return value;
}

static int local_zone(int64_t now)
{
    struct tm local;
    time_t seconds = (time_t)now;
    return localtime_r(&seconds, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}

static error run(struct control *control, const struct sieve_script *script, slice mail)
{
    struct arena arena;
    struct sieve_result result;
    slice folder, name, path = control->words[0];
    bool in_folder = slice_cut_last(path, '/', &folder, &name);
    struct beside beside = {.folder = slice_sub(path, 0, in_folder ? folder.size + 1 : 0),
                            .arena = &arena};
    struct sieve_input input = {
        .message = mail,
        .from = envelope_part(control, OPTION_FROM, mail, SLICE("Return-Path")),
        .to = envelope_part(control, OPTION_RCPT, mail, SLICE("Delivered-To")),
        .now = time_wall_seconds(),
        .world = {.context = &beside, .mailbox_exists = is_inbox, .include = include},
    };
    input.zone_minutes = local_zone(input.now);
    arena_init(&arena, SIEVE_RUN_MEMORY_MAX);
    error problem =
        sieve_run(script, &input, SIEVE_ACTIONS_MAX, SIEVE_REDIRECTS_DEFAULT, &arena, &result);
    if (!failed(problem))
        sieve_result_write(&result, &control->out);
    for (struct beside_script *one = beside.first; one; one = one->next)
        sieve_script_destroy(&one->script);
    arena_close(&arena);
    return problem;
}

enum control_exit control_sieve_test(struct control *control)
{
    struct sieve_script *script = NULL;
    struct buffer file, mail;
    enum control_exit exit = compile(control->words[0], &script);
    if (exit != CONTROL_DONE)
        return exit;
    buffer_init(&file, MAIL_ROOM);
    buffer_init(&mail, 2 * (size_t)MAIL_ROOM);
    error problem = control_read_file(control->words[1], &file);
    if (failed(problem)) {
        exit = control_say(CONTROL_REFUSED, "%.*s: %s", SLICE_ARG(control->words[1]), problem.text);
    } else {
        control_add_crlf(&mail, buffer_slice(&file));
        problem = buffer_check(&mail);
        if (!failed(problem))
            problem = run(control, script, buffer_slice(&mail));
        if (failed(problem))
            exit = control_say(CONTROL_TROUBLE, "%s", problem.text);
    }
    buffer_close(&file);
    buffer_close(&mail);
    sieve_script_destroy(&script);
    return exit;
}
