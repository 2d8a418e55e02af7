/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the HTML is written. A little hidden text is how newsletters set the preview of a mail, so
 * only much of it counts.
 */
#include "filter/spam/rules.h"

enum {
    HIDDEN_LETTERS_MANY = 500,
    TINY_LETTERS_MANY = 200,
    IMAGE_LETTERS_FEW = 60, /* letters beside pictures that are next to none */
};

static error judge(struct spam_scan *scan, const struct spam_html *html, size_t plain_letters)
{
    if (html->hidden >= HIDDEN_LETTERS_MANY && html->hidden * 2 > html->letters)
        SPAM_ADD(scan, HTML_HIDDEN, SLICE_EMPTY);
    if (html->tiny >= TINY_LETTERS_MANY && html->tiny * 2 > html->letters)
        SPAM_ADD(scan, HTML_TINY, SLICE_EMPTY);
    if (html->forms > 0)
        SPAM_ADD(scan, HTML_FORM, SLICE_EMPTY);
    if (html->passwords > 0)
        SPAM_ADD(scan, HTML_PASSWORD, SLICE_EMPTY);
    if (html->scripts > 0)
        SPAM_ADD(scan, HTML_SCRIPT, SLICE_EMPTY);
    if (html->frames > 0)
        SPAM_ADD(scan, HTML_FRAME, SLICE_EMPTY);
    if (html->refresh)
        SPAM_ADD(scan, HTML_REFRESH, SLICE_EMPTY);
    if (html->data_link)
        SPAM_ADD(scan, HTML_DATA_LINK, SLICE_EMPTY);
    if (html->images > 0 && html->letters < IMAGE_LETTERS_FEW && plain_letters < IMAGE_LETTERS_FEW)
        SPAM_ADD(scan, HTML_IMAGE_ONLY, SLICE_EMPTY);
    if (html->unclosed && !html->cut)
        SPAM_ADD(scan, HTML_UNCLOSED, SLICE_EMPTY);
    return OK;
}

error spam_rule_html(struct spam_scan *scan)
{
    TRY(spam_scan_texts(scan));
    size_t plain = 0;
    for (unsigned i = 0; i < scan->text_count; i++)
        plain += scan->texts[i].html ? 0 : scan->texts[i].visible.size;
    for (unsigned i = 0; i < scan->text_count; i++)
        if (scan->texts[i].html)
            TRY(judge(scan, scan->texts[i].html, plain));
    return OK;
}
