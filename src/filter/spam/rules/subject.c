/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the subject is written. What it says is for rules/phrases.c and what was learned.
 */
#include "base/utf8.h"
#include "filter/spam/rules.h"

enum {
    SHOUTED_LETTERS_MIN = 10, /* letters that a shouted subject has at least */
    PICTURES_MANY = 3,
    GAPS_MANY = 4, /* single letters after each other */
    BLANKS_MANY = 20,
    POINTS_MAX = 300, /* characters that are looked at */
};

struct shape {
    unsigned upper, lower, pictures, gaps, longest_gap, blanks, longest_blank;
};

static bool is_picture(uint32_t point)
{
    return (point >= 0x1f300 && point <= 0x1faff) || (point >= 0x2600 && point <= 0x27bf) ||
           (point >= 0x1f1e6 && point <= 0x1f1ff);
}

static void look_at(slice subject, struct shape *out_shape)
{
    struct shape shape = {0};
    bool before_single = true; /* no letter stands before: this one may be a single one */
    slice rest = subject;
    for (unsigned count = 0; rest.size > 0 && count < POINTS_MAX; count++) {
        uint32_t point;
        size_t size = utf8_decode(rest, &point);
        if (size == 0)
            point = 0xfffd, size = 1;
        rest = slice_from(rest, size);
        bool letter = point < 0x80 && ascii_is_alpha((char)point);
        shape.upper += letter && point < 'a';
        shape.lower += letter && point >= 'a';
        shape.pictures += is_picture(point);
        bool blank = point == ' ' || point == 0xa0;
        shape.blanks = blank ? shape.blanks + 1 : 0;
        if (shape.blanks > shape.longest_blank && rest.size > 0)
            shape.longest_blank = shape.blanks;
        /* A letter, then a sign, a letter, then a sign ... */
        bool next_is_sign = rest.size == 0 || rest.data[0] == ' ' || rest.data[0] == '.' ||
                            rest.data[0] == '-' || rest.data[0] == '_';
        if (letter && next_is_sign && before_single)
            shape.gaps++;
        else if (letter)
            shape.gaps = 0;
        before_single = !letter && point < 0xc0; /* from there on letters, too */
        if (shape.gaps > shape.longest_gap)
            shape.longest_gap = shape.gaps;
    }
    *out_shape = shape;
}

/* An encoded word that hides nothing but ASCII. */
static bool encoded_without_need(const struct spam_scan *scan)
{
    slice raw = scan->field[SPAM_FIELD_SUBJECT];
    ptrdiff_t start = slice_find(raw, SLICE("=?"));
    if (start < 0 || scan->subject.size < 4 || !utf8_is_ascii(scan->subject))
        return false;
    return slice_find_nocase(slice_from(raw, (size_t)start), SLICE("?B?")) > 0 ||
           slice_find_nocase(slice_from(raw, (size_t)start), SLICE("?Q?")) > 0;
}

static bool says_reply(slice subject)
{
    static const char *const prefixes[] = {"re:", "aw:", "sv:", "antw:", "rif:", "res:"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (slice_starts_nocase(subject, slice_from_string(prefixes[i])))
            return true;
    return false;
}

error spam_rule_subject(struct spam_scan *scan)
{
    slice subject = slice_trim(scan->subject);
    if (subject.size == 0) {
        SPAM_ADD(scan, SUBJECT_MISSING, SLICE_EMPTY);
        return OK;
    }
    struct shape shape;
    look_at(subject, &shape);
    if (shape.lower == 0 && shape.upper >= SHOUTED_LETTERS_MIN)
        SPAM_ADD(scan, SUBJECT_CAPITALS, subject);
    if (shape.pictures >= PICTURES_MANY)
        SPAM_ADD(scan, SUBJECT_EMOJI, SLICE_EMPTY);
    if (shape.longest_gap >= GAPS_MANY)
        SPAM_ADD(scan, SUBJECT_GAPS, subject);
    if (shape.longest_blank >= BLANKS_MANY)
        SPAM_ADD(scan, SUBJECT_LONG_GAP, SLICE_EMPTY);
    if (encoded_without_need(scan))
        SPAM_ADD(scan, SUBJECT_ENCODED, subject);
    bool answers =
        scan->field[SPAM_FIELD_REFERENCES].data || scan->field[SPAM_FIELD_IN_REPLY_TO].data;
    if (answers)
        SPAM_ADD(scan, IS_REPLY, SLICE_EMPTY);
    else if (says_reply(subject))
        SPAM_ADD(scan, SUBJECT_FALSE_REPLY, subject);
    return OK;
}
