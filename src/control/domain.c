/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"
#include "format/json/write.h"

enum control_exit control_domain_add(struct control *control)
{
    struct directory_edit *edit;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    for (unsigned i = 0; i < control->count && exit == CONTROL_DONE; i++) {
        exit = control_outcome(edit, directory_edit_domain_add(edit, control->words[i]));
        if (exit == CONTROL_DONE)
            control_invalidate(control, control->words[i]);
    }
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_domain_remove(struct control *control)
{
    struct directory_edit *edit;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_begin(edit));
    if (exit == CONTROL_DONE)
        exit = control_outcome(edit, directory_edit_domain_remove(edit, control->words[0],
                                                                  control->options[OPTION_FORCE]));
    if (exit == CONTROL_DONE)
        exit = control_outcome(edit, directory_edit_commit(edit));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

static error add_text(void *argument, const struct directory_edit_row *row)
{
    struct control *control = argument;
    buffer_format(&control->out, "%-40.*s %10llu users %10llu aliases\n", SLICE_ARG(row->name),
                  (unsigned long long)row->users, (unsigned long long)row->aliases);
    return buffer_check(&control->out);
}

static error add_json(void *argument, const struct directory_edit_row *row)
{
    struct json_writer *json = argument;
    json_object_open(json);
    json_member_text(json, "domain", row->name);
    json_member_number(json, "users", (int64_t)row->users);
    json_member_number(json, "aliases", (int64_t)row->aliases);
    json_object_close(json);
    return buffer_check(json->out);
}

enum control_exit control_domain_list(struct control *control)
{
    return control_edit_list(control, DIRECTORY_EDIT_DOMAINS, SLICE_EMPTY, add_text, add_json);
}
