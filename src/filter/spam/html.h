#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an HTML part shows and hides: one pass over its tags (format/text/html.h) that tells visible
 * text from hidden, counts what rules ask about and gathers the links. Styles are read where they
 * stand in a tag; style sheets are not. Pure. Bounds: spam_html_limits.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "format/text/html.h"

enum spam_html_limits {
    SPAM_HTML_TAGS_MAX = 20000,     /* of one part; what follows is not looked at */
    SPAM_HTML_LINKS_MAX = 256,      /* of one part */
    SPAM_HTML_SHOWN_SIZE_MAX = 256, /* bytes of a link's text that are kept */
};

struct spam_html_link {
    slice target; /* of href; character references replaced */
    slice shown;  /* what stands between <a> and </a>, without blanks at its ends */
};

struct spam_html {
    slice visible;  /* with blanks where tags break words */
    size_t letters; /* visible bytes that are no blanks */
    size_t hidden;  /* bytes of text, no blanks, that nobody sees */
    size_t tiny;    /* bytes in letters of less than 3 pixels */
    unsigned images, forms, passwords, scripts, frames, tags;
    bool refresh;   /* <meta http-equiv=refresh> */
    bool data_link; /* href or action is data: or javascript: */
    bool unclosed;
    bool cut; /* a limit was met */
    struct spam_html_link *links;
    unsigned link_count;
};

error spam_html_read(slice text, struct arena *arena, struct spam_html *out_html);
