/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the mail is put together.
 */
#include "base/utf8.h"
#include "filter/spam/rules.h"
#include "format/text/charset.h"

enum {
    PARTS_MANY = 200,
    DEPTH_MANY = 12,
    BASE64_LETTERS_MIN = 40,
    ALTERNATIVE_WORDS_MIN = 20, /* of each, to compare them */
    ALTERNATIVE_PERCENT = 20,   /* of one's words that the other has too, at least */
};

static bool is_ascii_charset(slice charset)
{
    return charset.size == 0 || slice_equal_nocase(charset, SLICE("us-ascii"));
}

static void judge_text(struct spam_scan *scan, const struct spam_text *text)
{
    const struct mime_part *part = text->part;
    slice charset = mime_parameter_find(part->parameters, SLICE("charset"));
    if (charset.size > 0 && !charset_is_known(charset))
        SPAM_ADD(scan, MIME_CHARSET, charset);
    /* Some programs put all UTF-8 into base64, so that weighs less. */
    if (part->encoding == MIME_ENCODING_BASE64 && text->decoded.size >= BASE64_LETTERS_MIN &&
        utf8_is_ascii(text->decoded))
        spam_scan_add(scan, SPAM_MIME_BASE64_TEXT_FOUND, is_ascii_charset(charset) ? 1 : 0.3,
                      charset);
}

static void judge_part(struct spam_scan *scan, const struct mime_part *part)
{
    if (part->encoding == MIME_ENCODING_UNKNOWN)
        SPAM_ADD(scan, MIME_BROKEN, part->encoding_name);
    bool multipart = slice_equal_nocase(part->type, SLICE("multipart"));
    if (multipart && !mime_parameter_find(part->parameters, SLICE("boundary")).data)
        SPAM_ADD(scan, MIME_BROKEN, SLICE("no boundary"));
    else if (multipart && part->child_count == 0 && part->depth < MIME_DEPTH_MAX - 1)
        SPAM_ADD(scan, MIME_BROKEN, SLICE("no parts"));
    if (part->depth > DEPTH_MANY)
        SPAM_ADD(scan, MIME_DEEP, SLICE_EMPTY);
}

static const struct spam_text *text_beside(const struct spam_scan *scan,
                                           const struct spam_text *plain)
{
    for (unsigned i = 0; i < scan->text_count; i++) {
        const struct mime_part *parent = scan->texts[i].part->parent;
        /* The HTML may lie a level deeper, in a multipart/related. */
        bool beside = parent && (parent == plain->part->parent ||
                                 (parent->parent && parent->parent == plain->part->parent));
        if (scan->texts[i].html && beside)
            return &scan->texts[i];
    }
    return NULL;
}

/* How many words of `text` stand in `other`, too? Sets of hashes; a chance hit helps the sender. */
static bool differs(const struct spam_scan *scan, const struct spam_text *text,
                    const struct spam_text *other)
{
    uint64_t set[256] = {0};
    unsigned common = 0;
    const uint32_t *words = scan->words + other->word_at;
    for (unsigned i = 0; i < other->word_count; i++)
        set[words[i] >> 6 & 255] |= 1ULL << (words[i] & 63);
    words = scan->words + text->word_at;
    for (unsigned i = 0; i < text->word_count; i++)
        common += set[words[i] >> 6 & 255] >> (words[i] & 63) & 1;
    return common * 100 < text->word_count * ALTERNATIVE_PERCENT;
}

/* Either may hold much that the other has not: plain text has the links that HTML hides. */
static void compare(struct spam_scan *scan, const struct spam_text *plain,
                    const struct spam_text *html)
{
    if (plain->word_count >= ALTERNATIVE_WORDS_MIN && html->word_count >= ALTERNATIVE_WORDS_MIN &&
        differs(scan, plain, html) && differs(scan, html, plain))
        SPAM_ADD(scan, MIME_ALTERNATIVES, SLICE_EMPTY);
}

static error judge_alternatives(struct spam_scan *scan)
{
    for (unsigned i = 0; i < scan->text_count; i++) {
        const struct spam_text *plain = &scan->texts[i];
        const struct mime_part *parent = plain->part->parent;
        if (plain->html || !parent ||
            !mime_part_is(parent, SLICE("multipart"), SLICE("alternative")))
            continue;
        const struct spam_text *html = text_beside(scan, plain);
        if (html) {
            TRY(spam_scan_words(scan));
            compare(scan, plain, html);
        }
    }
    return OK;
}

error spam_rule_structure(struct spam_scan *scan)
{
    TRY(spam_scan_texts(scan));
    for (const struct mime_part *part = scan->mime.root; part; part = mime_part_walk(part))
        judge_part(scan, part);
    if (scan->mime.cut_short || scan->mime.part_count > PARTS_MANY)
        SPAM_ADD(scan, MIME_DEEP, SLICE_EMPTY);
    bool html = false, plain = false, anything = scan->mime.part_count > scan->text_count + 1;
    for (unsigned i = 0; i < scan->text_count; i++) {
        judge_text(scan, &scan->texts[i]);
        html |= scan->texts[i].html != NULL;
        plain |= !scan->texts[i].html;
        anything |= slice_trim(scan->texts[i].visible).size > 0 ||
                    (scan->texts[i].html && scan->texts[i].html->images > 0);
    }
    bool only_part = scan->mime.part_count == 1 && scan->text_count == 0; /* a lone attachment */
    if (!anything && !only_part)
        SPAM_ADD(scan, MIME_EMPTY, SLICE_EMPTY);
    if (html && !plain)
        SPAM_ADD(scan, MIME_HTML_ONLY, SLICE_EMPTY);
    return judge_alternatives(scan);
}
