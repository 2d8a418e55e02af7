/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the text is written: characters that nobody sees, letters of scripts that look alike,
 * shouting; and the string that says of itself that it is unwanted.
 */
#include "base/utf8.h"
#include "filter/spam/rules.h"

enum {
    INVISIBLE_MANY = 3,
    LOOKALIKE_MANY = 2,        /* words */
    LOOKALIKE_LETTERS_MIN = 4, /* of a word */
    SHOUTED_LETTERS_MIN = 200,
    SHOUTED_LOOK_SIZE = 8 << 10, /* bytes of a text that tell */
    SHOUTED_PERCENT = 70,
};

error spam_rule_test_string(struct spam_scan *scan)
{
    static const char string[] =
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    TRY(spam_scan_texts(scan));
    for (unsigned i = 0; i < scan->text_count; i++)
        if (slice_find(scan->texts[i].visible, SLICE(string)) >= 0)
            SPAM_ADD(scan, GTUBE, SLICE_EMPTY);
    return OK;
}

enum script { SCRIPT_NONE, SCRIPT_LATIN, SCRIPT_GREEK, SCRIPT_CYRILLIC, SCRIPT_OTHER };

static enum script script_of(uint32_t point)
{
    if (point < 0x80)
        return ascii_is_alpha((char)point) ? SCRIPT_LATIN : SCRIPT_NONE;
    if ((point >= 0xc0 && point <= 0x24f && point != 0xd7 && point != 0xf7) ||
        (point >= 0x1e00 && point <= 0x1eff))
        return SCRIPT_LATIN;
    if ((point >= 0x370 && point <= 0x3ff) || (point >= 0x1f00 && point <= 0x1fff))
        return SCRIPT_GREEK;
    if (point >= 0x400 && point <= 0x52f)
        return SCRIPT_CYRILLIC;
    return (point >= 0x530 && point <= 0x1fff) || (point >= 0x2e80 && point <= 0xd7ff)
               ? SCRIPT_OTHER
               : SCRIPT_NONE;
}

static bool is_invisible(uint32_t point)
{
    return (point >= 0x200b && point <= 0x200d) || (point >= 0x2060 && point <= 0x2064) ||
           point == 0xfeff;
}

struct oddities {
    unsigned invisible, overrides, right_to_left, lookalikes;
    slice word; /* the first that looks like another */
};

struct word_state {
    bool latin, other; /* letters of Latin, and of Greek or Cyrillic */
    bool invisible_pending;
    unsigned letters; /* that are not ASCII, and these before them */
    size_t start;
};

static void end_word(struct word_state *word, struct oddities *odd, slice text, size_t end)
{
    /* shorter ones are units: kΩ, µm */
    if (word->latin && word->other && word->letters >= LOOKALIKE_LETTERS_MIN &&
        odd->lookalikes++ == 0)
        odd->word = slice_sub(text, word->start, end - word->start);
    *word = (struct word_state){.start = end};
}

/* Where bytes that are not ASCII begin: most text has none. */
static size_t next_foreign(slice text, size_t at)
{
    for (uint64_t eight; at + 8 <= text.size; at += 8) {
        memcpy(&eight, text.data + at, 8);
        if (eight & 0x8080808080808080ULL)
            break;
    }
    while (at < text.size && !(text.data[at] & (char)0x80))
        at++;
    return at;
}

static void look_at(slice text, struct oddities *odd)
{
    struct word_state word = {0};
    for (size_t at = next_foreign(text, 0); at < text.size;) {
        /* A word may have begun with ASCII letters. */
        size_t begin = at;
        while (begin > 0 && ascii_is_alpha(text.data[begin - 1]) && at - begin < 40)
            begin--;
        word = (struct word_state){
            .latin = begin < at, .letters = (unsigned)(at - begin), .start = begin};
        unsigned plain = 0; /* ASCII that is no letter, after each other: back to the quick way */
        while (at < text.size && plain < 2) {
            uint32_t point;
            size_t size = utf8_decode(slice_from(text, at), &point);
            if (size == 0)
                point = 0xfffd, size = 1;
            enum script script = script_of(point);
            plain = point < 0x80 && script == SCRIPT_NONE ? plain + 1 : 0;
            if (is_invisible(point)) {
                word.invisible_pending = word.latin || word.other;
            } else if (script == SCRIPT_NONE) {
                end_word(&word, odd, text, at);
                word.start = at + size;
            } else {
                odd->invisible += word.invisible_pending && script == SCRIPT_LATIN && word.latin;
                word.invisible_pending = false;
                word.letters++;
                word.latin |= script == SCRIPT_LATIN;
                word.other |= script == SCRIPT_GREEK || script == SCRIPT_CYRILLIC;
            }
            odd->overrides += point == 0x202d || point == 0x202e;
            odd->right_to_left += point >= 0x590 && point <= 0x8ff;
            at += size;
        }
        end_word(&word, odd, text, at);
        at = next_foreign(text, at);
    }
}

static void judge_capitals(struct spam_scan *scan)
{
    unsigned upper = 0, letters = 0;
    for (unsigned i = 0; i < scan->text_count; i++) {
        slice text = slice_sub(scan->texts[i].visible, 0, SHOUTED_LOOK_SIZE);
        for (size_t at = 0; at < text.size; at++) {
            char byte = text.data[at];
            upper += byte >= 'A' && byte <= 'Z';
            letters += ascii_is_alpha(byte);
        }
    }
    if (letters >= SHOUTED_LETTERS_MIN && upper * 100ULL > letters * (uint64_t)SHOUTED_PERCENT)
        SPAM_ADD(scan, TEXT_CAPITALS, SLICE_EMPTY);
}

error spam_rule_characters(struct spam_scan *scan)
{
    TRY(spam_scan_texts(scan));
    struct oddities body = {0}, subject = {0};
    look_at(scan->subject, &subject);
    for (unsigned i = 0; i < scan->text_count; i++)
        look_at(scan->texts[i].visible, &body);
    if (subject.invisible + body.invisible >= INVISIBLE_MANY || subject.invisible > 0)
        SPAM_ADD(scan, TEXT_INVISIBLE, SLICE_EMPTY);
    if (subject.overrides + body.overrides > 0 && subject.right_to_left + body.right_to_left == 0)
        SPAM_ADD(scan, TEXT_DIRECTION, SLICE_EMPTY);
    if (subject.lookalikes > 0 || body.lookalikes >= LOOKALIKE_MANY)
        SPAM_ADD(scan, TEXT_LOOKALIKE, subject.lookalikes > 0 ? subject.word : body.word);
    judge_capitals(scan);
    return OK;
}
