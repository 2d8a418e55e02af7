#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns of phrase by which kinds of unwanted mail are known, found among the words of a text: each
 * word is looked up once by its hash, so the work does not grow with the number of phrases. Pure.
 */
#include "base/error.h"
#include "filter/spam/word.h"

enum spam_phrases_limits {
    SPAM_PHRASE_WORDS_MAX = 6,
    SPAM_PHRASES_MAX = 512,
    SPAM_PHRASE_HITS_MAX = 4, /* of one kind that are named */
};

enum spam_phrase_kind {
    SPAM_PHRASE_FEE,
    SPAM_PHRASE_CREDENTIALS,
    SPAM_PHRASE_THREAT,
    SPAM_PHRASE_PILLS,
    SPAM_PHRASE_PRIZE,
    SPAM_PHRASE_PROFIT,
    SPAM_PHRASE_OFFER,
    SPAM_PHRASE_KINDS
};

/* The hashes of all phrases, by their first word. Made once. */
struct spam_phrases {
    unsigned count;
    struct spam_phrase {
        const char *text;
        uint32_t words[SPAM_PHRASE_WORDS_MAX];
        uint8_t size, kind, weight;
        int16_t next; /* of those whose first word falls into the same slot; -1: none */
    } items[SPAM_PHRASES_MAX];
    int16_t slots[1024];
};

struct spam_phrase_hits {
    unsigned weight; /* of all different phrases of the kind */
    unsigned count;
    const char *named[SPAM_PHRASE_HITS_MAX];
};

void spam_phrases_make(struct spam_phrases *phrases);
void spam_phrases_find(const struct spam_phrases *phrases, const uint32_t *words, unsigned count,
                       struct spam_phrase_hits out_hits[SPAM_PHRASE_KINDS]);
