/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the text says, as far as turns of phrase give it away; and wallets, where they do.
 */
#include "filter/spam/rules.h"

enum { WEIGHT_ENOUGH = 3, WEIGHT_FULL = 5, WALLET_SIZE_MIN = 26, WALLET_SIZE_MAX = 62 };

static const unsigned symbols[SPAM_PHRASE_KINDS] = {
    [SPAM_PHRASE_FEE] = SPAM_TEXT_FEE_FOUND,
    [SPAM_PHRASE_CREDENTIALS] = SPAM_TEXT_CREDENTIALS_FOUND,
    [SPAM_PHRASE_THREAT] = SPAM_TEXT_THREAT_FOUND,
    [SPAM_PHRASE_PILLS] = SPAM_TEXT_PILLS_FOUND,
    [SPAM_PHRASE_PRIZE] = SPAM_TEXT_PRIZE_FOUND,
    [SPAM_PHRASE_PROFIT] = SPAM_TEXT_PROFIT_FOUND,
    [SPAM_PHRASE_OFFER] = SPAM_TEXT_OFFER_FOUND,
};

static void add_kind(struct spam_scan *scan, unsigned id, const struct spam_phrase_hits *hits)
{
    struct buffer reason;
    buffer_init(&reason, SPAM_SYMBOL_REASON_SIZE_MAX * 2);
    for (unsigned i = 0; i < hits->count && i < SPAM_PHRASE_HITS_MAX; i++) {
        buffer_add_string(&reason, i ? ", " : "");
        buffer_add_string(&reason, hits->named[i]);
    }
    spam_scan_add(scan, id, hits->weight >= WEIGHT_FULL ? 1 : 0.6, buffer_slice(&reason));
    buffer_close(&reason);
}

/* Base58 with letters of both cases and digits, or bech32 (BIP 173). */
static bool is_wallet(slice word)
{
    if (word.size < WALLET_SIZE_MIN || word.size > WALLET_SIZE_MAX)
        return false;
    bool bech32 = slice_starts(word, SLICE("bc1"));
    unsigned upper = 0, lower = 0, digits = 0;
    for (size_t i = 0; i < word.size; i++) {
        char byte = word.data[i];
        upper += byte >= 'A' && byte <= 'Z';
        lower += byte >= 'a' && byte <= 'z';
        digits += ascii_is_digit(byte);
        if (!bech32 && (byte == '0' || byte == 'O' || byte == 'I' || byte == 'l'))
            return false;
    }
    if (bech32)
        return upper == 0 && digits >= 5 && lower + digits == word.size && word.size >= 42;
    return (word.data[0] == '1' || word.data[0] == '3') && word.size <= 35 && upper >= 3 &&
           lower >= 3 && digits >= 2 && upper + lower + digits == word.size;
}

static void look_for_wallet(struct spam_scan *scan, slice text)
{
    size_t start = 0;
    for (size_t at = 0; at <= text.size; at++) {
        if (at < text.size && (ascii_is_alpha(text.data[at]) || ascii_is_digit(text.data[at])))
            continue;
        slice word = slice_sub(text, start, at - start);
        if (is_wallet(word))
            SPAM_ADD(scan, TEXT_WALLET, word);
        start = at + 1;
    }
}

error spam_rule_phrases(struct spam_scan *scan)
{
    TRY(spam_scan_words(scan));
    struct spam_phrase_hits hits[SPAM_PHRASE_KINDS];
    spam_phrases_find(&scan->tables->phrases, scan->words, scan->word_count, hits);
    for (unsigned kind = 0; kind < SPAM_PHRASE_KINDS; kind++)
        if (hits[kind].weight >= WEIGHT_ENOUGH)
            add_kind(scan, symbols[kind], &hits[kind]);
    bool money = hits[SPAM_PHRASE_THREAT].weight > 0 || hits[SPAM_PHRASE_PROFIT].weight > 0;
    for (unsigned i = 0; money && i < scan->text_count; i++)
        look_for_wallet(scan, scan->texts[i].visible);
    return OK;
}
