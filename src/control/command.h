#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What there is to say on the command line: options, groups of verbs, verbs; and the help that is
 * made from those tables.
 */
#include "control/control.h"

#include <stdio.h>

struct control_option_row {
    const char *name;
    const char *value; /* what stands for it in help; NULL: takes none */
    const char *help;
};

struct control_group {
    const char *name;
    const char *title; /* in the list of all commands */
};

extern const struct control_option_row control_options[OPTION_COUNT];
/* In the order of the list; both end with a NULL name. */
extern const struct control_group control_groups[];
extern const struct control_verb control_verbs[];

const struct control_group *control_group_find(const char *name);
/* verb "" or NULL: a group that is a command by itself. */
const struct control_verb *control_verb_find(const char *group, const char *verb);
int control_option_find(slice name); /* -1: none */

/* What may have been meant: the nearest name, or NULL where none is near. `group` NULL: a group. */
const char *control_verb_nearest(const char *group, const char *name);
const char *control_option_nearest(slice name);

/* "user add": for messages. */
const char *control_verb_name(const struct control_verb *verb, char room[64]);

/* group NULL: everything. */
void control_help(FILE *to, const struct control_group *group);
void control_help_verb(FILE *to, const struct control_verb *verb);
