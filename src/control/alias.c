/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"
#include "format/json/write.h"

enum control_exit control_alias_add(struct control *control)
{
    return control_edit_pairs_add(control, directory_edit_alias_add);
}

enum control_exit control_alias_remove(struct control *control)
{
    return control_edit_pairs_remove(control, directory_edit_alias_remove);
}

static error add_json(void *argument, const struct directory_edit_row *row)
{
    struct json_writer *json = argument;
    json_object_open(json);
    json_member_text(json, "source", row->name);
    json_member_text(json, "destination", row->destination);
    json_object_close(json);
    return buffer_check(json->out);
}

enum control_exit control_alias_list(struct control *control)
{
    slice domain = control->count ? control->words[0] : SLICE_EMPTY;
    return control_edit_list(control, DIRECTORY_EDIT_ALIASES, domain, control_edit_pair_text,
                             add_json);
}
