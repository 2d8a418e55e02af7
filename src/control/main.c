/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Words and options to a verb. GNU habits: options anywhere, --name value or --name=value, -- ends
 * them.
 */
#include "base/log.h"
#include "base/version.h"
#include "control/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum control_exit control_say(enum control_exit exit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("ringmail: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return exit;
}

/* ---- reading the command line ---- */

struct line {
    const char *options[OPTION_COUNT];
    unsigned count;
    const char *words[CONTROL_ARGUMENTS_MAX + 2];
};

/* One option at arguments[*at]; *at moves over a value of its own. */
static bool take_option(char **arguments, int count, int *at, struct line *line)
{
    slice text = slice_from_string(arguments[*at] + 2), name = text, value = SLICE_EMPTY;
    bool has_value = slice_cut(text, '=', &name, &value);
    int option = control_option_find(name);
    const char *nearest = option < 0 ? control_option_nearest(name) : NULL;
    if (option < 0) {
        control_say(CONTROL_USAGE, "there is no option --%.*s; %s%s%s", SLICE_ARG(name),
                    nearest ? "is --" : "see ringmail --help", nearest ? nearest : "",
                    nearest ? " meant?" : "");
        return false;
    }
    const struct control_option_row *row = &control_options[option];
    if (!row->value) {
        line->options[option] = "";
        if (has_value)
            control_say(CONTROL_USAGE, "--%s takes no value", row->name);
        return !has_value;
    }
    if (!has_value && *at + 1 == count) {
        control_say(CONTROL_USAGE, "--%s needs a value: --%s %s", row->name, row->name, row->value);
        return false;
    }
    line->options[option] = has_value ? value.data : arguments[++*at];
    return true;
}

static bool read_line(char **arguments, int count, struct line *line)
{
    bool only_words = false;
    for (int i = 1; i < count; i++) {
        if (!only_words && strcmp(arguments[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(arguments[i], "-h") == 0) {
            line->options[OPTION_HELP] = "";
        } else if (!only_words && strncmp(arguments[i], "--", 2) == 0) {
            if (!take_option(arguments, count, &i, line))
                return false;
        } else if (line->count == CONTROL_ARGUMENTS_MAX + 2) {
            control_say(CONTROL_USAGE, "too many arguments; do it in several calls");
            return false;
        } else {
            line->words[line->count++] = arguments[i];
        }
    }
    return true;
}

/* "ringmail help user add" is "ringmail user add --help". */
static void take_help_word(struct line *line)
{
    if (line->count == 0 || strcmp(line->words[0], "help") != 0)
        return;
    line->options[OPTION_HELP] = "";
    line->count--;
    memmove(line->words, line->words + 1, line->count * sizeof *line->words);
}

/* What the words name: a group, a verb of it; NULL where they name none. *out_used: so many words.
 */
static const struct control_verb *find_verb(const struct line *line, unsigned *out_used)
{
    const struct control_verb *verb =
        line->count ? control_verb_find(line->words[0], line->count > 1 ? line->words[1] : NULL)
                    : NULL;
    *out_used = verb && verb->verb[0] ? 2 : 1;
    return verb;
}

static enum control_exit say_unknown(const char *group, const char *word)
{
    const char *nearest = control_verb_nearest(group, word);
    const char *before = group ? group : "", *blank = group ? " " : "";
    if (nearest)
        return control_say(CONTROL_USAGE,
                           "there is no command \"%s%s%s\"; is \"%s%s%s\" meant? See "
                           "ringmail %s%s--help",
                           before, blank, word, before, blank, nearest, before, blank);
    return control_say(CONTROL_USAGE, "there is no command \"%s%s%s\"; see ringmail %s%s--help",
                       before, blank, word, before, blank);
}

static enum control_exit no_verb(const struct line *line)
{
    const struct control_group *group = line->count ? control_group_find(line->words[0]) : NULL;
    if (line->count && !group)
        return say_unknown(NULL, line->words[0]);
    if (line->count > 1)
        return say_unknown(group->name, line->words[1]);
    bool wanted = line->options[OPTION_HELP];
    control_help(wanted ? stdout : stderr, group);
    return wanted ? CONTROL_DONE : CONTROL_USAGE;
}

static bool check_usage(const struct control_verb *verb, const struct line *line, unsigned used)
{
    char name[64];
    unsigned words = line->count - used;
    control_verb_name(verb, name);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (line->options[i] && i != OPTION_CONFIG && i != OPTION_HELP &&
            !(verb->options & OPTION_BIT(i))) {
            control_say(CONTROL_USAGE, "\"ringmail %s\" does not take --%s; see ringmail %s --help",
                        name, control_options[i].name, name);
            return false;
        }
    if (words >= verb->words_min && words <= verb->words_max)
        return true;
    control_say(CONTROL_USAGE, "%s; usage: ringmail %s%s%s",
                words < verb->words_min ? "something is missing" : "too many arguments", name,
                verb->usage[0] ? " " : "", verb->usage);
    return false;
}

/* ---- running ---- */

static enum control_exit load_config(const char *path, struct config **out_config)
{
    struct buffer problems;
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    error result = config_load(path, NULL, &problems, out_config);
    slice lines = buffer_slice(&problems);
    if (failed(result)) /* with what is wrong, and where */
        fprintf(stderr, "%.*s", SLICE_ARG(lines));
    buffer_close(&problems);
    if (failed(result))
        return control_say(CONTROL_TROUBLE,
                           "the configuration %s cannot be used; --config FILE or "
                           "$RINGMAIL_CONFIG names another",
                           path);
    return CONTROL_DONE;
}

static enum control_exit write_out(struct buffer *out)
{
    if (failed(buffer_check(out)))
        return control_say(CONTROL_TROUBLE, "the answer is too large");
    if (fwrite(out->data ? out->data : "", 1, out->size, stdout) != out->size ||
        fflush(stdout) != 0)
        return CONTROL_TROUBLE; /* who reads is gone */
    return CONTROL_DONE;
}

static enum control_exit run(const struct control_verb *verb, struct line *line, unsigned used)
{
    struct control control = {.count = line->count - used};
    struct config *config = NULL;
    bool needs_config = verb->run != control_hash && verb->run != control_sieve_check &&
                        verb->run != control_sieve_test && !line->options[OPTION_DEFAULTS];
    memcpy(control.options, line->options, sizeof control.options);
    for (unsigned i = 0; i < control.count; i++)
        control.words[i] = slice_from_string(line->words[used + i]);
    if (!control.options[OPTION_CONFIG])
        control.options[OPTION_CONFIG] = getenv("RINGMAIL_CONFIG");
    if (!control.options[OPTION_CONFIG])
        control.options[OPTION_CONFIG] = CONTROL_CONFIG_DEFAULT;
    if (needs_config) {
        enum control_exit problem = load_config(control.options[OPTION_CONFIG], &config);
        if (problem != CONTROL_DONE)
            return problem;
    }
    control.config = config;
    buffer_init(&control.out, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = verb->run(&control);
    enum control_exit written = write_out(&control.out);
    buffer_close(&control.out);
    config_destroy(&config);
    return exit != CONTROL_DONE ? exit : written;
}

int main(int count, char **arguments)
{
    struct line line = {0};
    unsigned used = 0;
    log_configure(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
    if (!read_line(arguments, count, &line))
        return CONTROL_USAGE;
    if (line.options[OPTION_VERSION] && line.count == 0) {
        puts("ringmail " RINGMAIL_VERSION);
        return CONTROL_DONE;
    }
    take_help_word(&line);
    const struct control_verb *verb = find_verb(&line, &used);
    if (!verb)
        return (int)no_verb(&line);
    if (line.options[OPTION_HELP]) {
        control_help_verb(stdout, verb);
        return CONTROL_DONE;
    }
    if (!check_usage(verb, &line, used))
        return CONTROL_USAGE;
    enum control_exit exit = run(verb, &line, used);
    log_flush();
    return (int)exit;
}
