#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tag lists (RFC 6376 3.2): "v=1; a=rsa-sha256; ...", as in DKIM-Signature, ARC headers, DKIM key
 * records and DMARC. Pure; views into the text.
 */
#include "base/slice.h"

enum { MAIL_TAG_COUNT_MAX = 64 };

struct mail_tag {
    slice name;
    slice value;     /* trimmed; may hold folding inside */
    slice raw_value; /* from after "=" to before ";" or the end */
};

struct mail_tag_list {
    struct mail_tag tags[MAIL_TAG_COUNT_MAX];
    unsigned count;
};

/* False where it is no tag list: a name that is none, a name twice, too many tags. */
bool mail_tag_list_parse(slice text, struct mail_tag_list *out_list);
/* NULL where there is no such tag. Names are case-sensitive. */
const struct mail_tag *mail_tag_find(const struct mail_tag_list *list, slice name);
/* The tag's value; empty where there is none. */
slice mail_tag_value(const struct mail_tag_list *list, slice name);
