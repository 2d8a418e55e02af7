/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/command.h"

enum { NAME_COLUMN = 38, OPTION_COLUMN = 20 };

static const char examples[] = "Examples:\n"
                               "  ringmail domain add example.org\n"
                               "  ringmail user add anna@example.org --quota 5G\n"
                               "  ringmail alias add info@example.org anna@example.org\n"
                               "  ringmail dkim create example.org\n"
                               "  ringmail dns check example.org\n"
                               "  ringmail queue list --recipient @slow.example\n";

static const char exit_codes[] =
    "\nExit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 trouble (try later).\n";

/* ---- Looking up ---- */

const struct control_group *control_group_find(const char *name)
{
    for (const struct control_group *group = control_groups; group->name; group++)
        if (strcmp(group->name, name) == 0)
            return group;
    return NULL;
}

const struct control_verb *control_verb_find(const char *group, const char *verb)
{
    for (const struct control_verb *at = control_verbs; at->group; at++)
        if (strcmp(at->group, group) == 0 &&
            (at->verb[0] == '\0' || (verb && strcmp(at->verb, verb) == 0)))
            return at;
    return NULL;
}

int control_option_find(slice name)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (slice_equal(name, slice_from_string(control_options[i].name)))
            return i;
    return -1;
}

/* Keeps the nearer one of two. */
static void compare(slice name, const char *candidate, unsigned *least, const char **nearest)
{
    unsigned distance = setting_distance(name, slice_from_string(candidate));
    if (distance < *least) {
        *least = distance;
        *nearest = candidate;
    }
}

/* Further off than this helps nobody. */
static unsigned reach(slice name)
{
    return name.size < 4 ? 2 : (unsigned)name.size / 2 + 1;
}

const char *control_verb_nearest(const char *group, const char *name)
{
    const char *nearest = NULL;
    slice wanted = slice_from_string(name);
    unsigned least = reach(wanted);
    for (const struct control_group *at = control_groups; !group && at->name; at++)
        compare(wanted, at->name, &least, &nearest);
    for (const struct control_verb *at = control_verbs; group && at->group; at++)
        if (strcmp(at->group, group) == 0)
            compare(wanted, at->verb, &least, &nearest);
    return nearest;
}

const char *control_option_nearest(slice name)
{
    const char *nearest = NULL;
    unsigned least = reach(name);
    for (int i = 0; i < OPTION_COUNT; i++)
        compare(name, control_options[i].name, &least, &nearest);
    return nearest;
}

const char *control_verb_name(const struct control_verb *verb, char room[64])
{
    snprintf(room, 64, "%s%s%s", verb->group, verb->verb[0] ? " " : "", verb->verb);
    return room;
}

/* ---- Showing ---- */

static void print_options(FILE *to, unsigned used)
{
    fputs("Options:\n", to);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct control_option_row *row = &control_options[i];
        char name[64];
        if (!(used & OPTION_BIT(i)))
            continue;
        snprintf(name, sizeof name, "--%s%s%s", row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        fprintf(to, "  %-*s %s\n", OPTION_COLUMN, name, row->help);
    }
}

static void print_verbs(FILE *to, const struct control_group *group, unsigned *used)
{
    for (const struct control_verb *verb = control_verbs; verb->group; verb++) {
        char name[64], line[160];
        if (strcmp(verb->group, group->name) != 0)
            continue;
        snprintf(line, sizeof line, "%s %s", control_verb_name(verb, name), verb->usage);
        fprintf(to, "  %-*s %s\n", NAME_COLUMN, line, verb->help);
        *used |= verb->options;
    }
}

void control_help(FILE *to, const struct control_group *group)
{
    unsigned used = OPTION_BIT(OPTION_CONFIG) | OPTION_BIT(OPTION_HELP), rest = 0;
    if (group) {
        fprintf(to, "Usage: ringmail [--config FILE] %s COMMAND [OPTION]...\n\n%s:\n", group->name,
                group->title);
        print_verbs(to, group, &used);
        fputc('\n', to);
        print_options(to, used);
    } else {
        fputs("Usage: ringmail [--config FILE] COMMAND [OPTION]...\n"
              "What an operator says to Ringmail: who has mail here, what waits, what DNS needs.\n",
              to);
        for (group = control_groups; group->name; group++) {
            fprintf(to, "\n%s:\n", group->title);
            print_verbs(to, group, &rest);
        }
        fputc('\n', to);
        print_options(to, used | OPTION_BIT(OPTION_VERSION));
        fprintf(to, "  \"ringmail COMMAND --help\" tells the options of one command.\n\n%s",
                examples);
    }
    fputs(exit_codes, to);
}

void control_help_verb(FILE *to, const struct control_verb *verb)
{
    char name[64];
    fprintf(to, "Usage: ringmail %s%s%s%s\n\n%s.\n", control_verb_name(verb, name),
            verb->usage[0] ? " " : "", verb->usage, verb->options ? " [OPTION]..." : "",
            verb->help);
    if (verb->more)
        fprintf(to, "\n%s", verb->more);
    fputc('\n', to);
    print_options(to, verb->options | OPTION_BIT(OPTION_CONFIG) | OPTION_BIT(OPTION_HELP));
    fputs(exit_codes, to);
}
