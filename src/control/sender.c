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
    enum control_exit exit = control_edit_pairs_add(control, directory_edit_sender_add);
    if (exit == CONTROL_DONE)
        remind(control);
    return exit;
}

enum control_exit control_sender_remove(struct control *control)
{
    return control_edit_pairs_remove(control, directory_edit_sender_remove);
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
    return control_edit_list(control, DIRECTORY_EDIT_SENDERS, domain, control_edit_pair_text,
                             add_json);
}
