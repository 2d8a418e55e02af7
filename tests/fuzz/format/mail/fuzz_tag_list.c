/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tags of a list have names of their own and lie inside it.
 */
#include "base/assert.h"
#include "format/mail/received.h"
#include "format/mail/tag_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size);
    struct mail_tag_list list;
    mail_delivered_to_has(text, SLICE("user@example.org"));
    if (!mail_tag_list_parse(text, &list))
        return 0;
    ASSERT(list.count <= MAIL_TAG_COUNT_MAX);
    for (unsigned i = 0; i < list.count; i++) {
        const struct mail_tag *tag = &list.tags[i];
        ASSERT(tag->name.size > 0 && mail_tag_find(&list, tag->name) == tag);
        ASSERT(tag->raw_value.data >= text.data &&
               tag->raw_value.data + tag->raw_value.size <= text.data + text.size);
        ASSERT(tag->value.size <= tag->raw_value.size);
    }
    return 0;
}
