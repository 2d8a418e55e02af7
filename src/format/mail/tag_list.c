/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/tag_list.h"

static bool is_tag_name(slice name)
{
    if (name.size == 0 || !ascii_is_alpha(name.data[0]))
        return false;
    for (size_t i = 1; i < name.size; i++)
        if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '_')
            return false;
    return true;
}

bool mail_tag_list_parse(slice text, struct mail_tag_list *out_list)
{
    out_list->count = 0;
    while (text.size) {
        slice item, name, value;
        slice_cut(text, ';', &item, &text);
        if (slice_trim(item).size == 0) {
            if (slice_trim(text).size == 0)
                return true; /* the one semicolon that may end the list */
            return false;
        }
        if (!slice_cut(item, '=', &name, &value) || !is_tag_name(slice_trim(name)))
            return false;
        if (mail_tag_find(out_list, slice_trim(name)) || out_list->count == MAIL_TAG_COUNT_MAX)
            return false;
        out_list->tags[out_list->count++] =
            (struct mail_tag){slice_trim(name), slice_trim(value), value};
    }
    return true;
}

const struct mail_tag *mail_tag_find(const struct mail_tag_list *list, slice name)
{
    for (unsigned i = 0; i < list->count; i++)
        if (slice_equal(list->tags[i].name, name))
            return &list->tags[i];
    return NULL;
}

slice mail_tag_value(const struct mail_tag_list *list, slice name)
{
    const struct mail_tag *tag = mail_tag_find(list, name);
    return tag ? tag->value : SLICE_EMPTY;
}
