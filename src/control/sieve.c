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

static enum control_exit compile(slice name, struct sieve_script **out_script)
{
    struct buffer text;
    struct sieve_problem problem;
    buffer_init(&text, MAIL_ROOM);
    error outcome = control_read_file(name, &text);
    enum control_exit exit = CONTROL_DONE;
    if (failed(outcome))
        exit = control_say(CONTROL_REFUSED, "%.*s: %s", SLICE_ARG(name), outcome.text);
    else if (failed(sieve_compile(buffer_slice(&text), out_script, &problem)))
        exit = say_problem(name, &problem);
    buffer_close(&text);
    return exit;
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
    struct sieve_input input = {
        .message = mail,
        .from = envelope_part(control, OPTION_FROM, mail, SLICE("Return-Path")),
        .to = envelope_part(control, OPTION_RCPT, mail, SLICE("Delivered-To")),
        .now = time_wall_seconds(),
        .world = {.mailbox_exists = is_inbox},
    };
    input.zone_minutes = local_zone(input.now);
    arena_init(&arena, SIEVE_RUN_MEMORY_MAX);
    error problem =
        sieve_run(script, &input, SIEVE_ACTIONS_MAX, SIEVE_REDIRECTS_DEFAULT, &arena, &result);
    if (!failed(problem))
        sieve_result_write(&result, &control->out);
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
