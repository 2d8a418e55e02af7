/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * As whom an account may write, beside itself and its aliases.
 */
#include "control/control.h"
#include "format/json/write.h"

#include <stdio.h>

/* The table counts only where the server is told to look at it. */
static void remind(const struct control *control)
{
    if (control->config->directory.identity_query.size == 0)
        fputs("ringmail: the server does not look at this table yet; set directory.identity_query "
              "= \"SELECT login, sender FROM virtual_senders WHERE login = ?\" and restart it\n",
              stderr);
}

enum control_exit control_sender_add(struct control *control)
{
    struct directory_edit *edit;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_begin(edit)); /* all of them or none */
    for (unsigned i = 1; i < control->count && exit == CONTROL_DONE; i++)
        exit = control_outcome(
            edit, directory_edit_sender_add(edit, control->words[0], control->words[i]));
    if (exit == CONTROL_DONE)
        exit = control_outcome(edit, directory_edit_commit(edit));
    if (exit == CONTROL_DONE) {
        control_invalidate(control, control->words[0]);
        remind(control);
    }
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_sender_remove(struct control *control)
{
    struct directory_edit *edit;
    slice sender = control->count > 1 ? control->words[1] : SLICE_EMPTY;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_sender_remove(edit, control->words[0], sender));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

static error add_text(void *argument, const struct directory_edit_row *row)
{
    struct control *control = argument;
    buffer_format(&control->out, "%-40.*s %.*s\n", SLICE_ARG(row->name),
                  SLICE_ARG(row->destination));
    return buffer_check(&control->out);
}

static error add_json(void *argument, const struct directory_edit_row *row)
{
    struct json_writer *json = argument;
    json_object_open(json);
    json_member_text(json, "account", row->name);
    json_member_text(json, "sender", row->destination);
    json_object_close(json);
    return buffer_check(json->out);
}

enum control_exit control_sender_list(struct control *control)
{
    slice domain = control->count ? control->words[0] : SLICE_EMPTY;
    return control_edit_list(control, DIRECTORY_EDIT_SENDERS, domain, add_text, add_json);
}
