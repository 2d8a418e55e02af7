/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/phrases.h"

#include "base/assert.h"

/* Weight 3 speaks for itself, 1 only in company: symbols need 3 (rules/phrases.c). */
static const struct {
    enum spam_phrase_kind kind;
    uint8_t weight;
    const char *text;
} table[] = {
    {SPAM_PHRASE_FEE, 2, "next of kin"},
    {SPAM_PHRASE_FEE, 2, "transfer of the sum"},
    {SPAM_PHRASE_FEE, 2, "late client"},
    {SPAM_PHRASE_FEE, 2, "deceased customer"},
    {SPAM_PHRASE_FEE, 2, "dormant account"},
    {SPAM_PHRASE_FEE, 2, "unclaimed funds"},
    {SPAM_PHRASE_FEE, 2, "unclaimed inheritance"},
    {SPAM_PHRASE_FEE, 1, "inheritance"},
    {SPAM_PHRASE_FEE, 1, "beneficiary"},
    {SPAM_PHRASE_FEE, 1, "barrister"},
    {SPAM_PHRASE_FEE, 1, "million dollars"},
    {SPAM_PHRASE_FEE, 1, "million united states dollars"},
    {SPAM_PHRASE_FEE, 1, "million euros"},
    {SPAM_PHRASE_FEE, 2, "business proposal of mutual benefit"},
    {SPAM_PHRASE_FEE, 1, "mutual benefit"},
    {SPAM_PHRASE_FEE, 2, "utmost confidentiality"},
    {SPAM_PHRASE_FEE, 1, "strictly confidential"},
    {SPAM_PHRASE_FEE, 2, "diplomatic courier"},
    {SPAM_PHRASE_FEE, 2, "consignment box"},
    {SPAM_PHRASE_FEE, 2, "compensation fund"},
    {SPAM_PHRASE_FEE, 1, "western union"},
    {SPAM_PHRASE_FEE, 1, "foreign partner"},
    {SPAM_PHRASE_FEE, 2, "nächster angehöriger"},
    {SPAM_PHRASE_FEE, 2, "verstorbenen kunden"},
    {SPAM_PHRASE_FEE, 1, "erbschaft"},
    {SPAM_PHRASE_FEE, 1, "herencia"},
    {SPAM_PHRASE_CREDENTIALS, 2, "verify your account"},
    {SPAM_PHRASE_CREDENTIALS, 2, "confirm your account"},
    {SPAM_PHRASE_CREDENTIALS, 2, "verify your identity"},
    {SPAM_PHRASE_CREDENTIALS, 2, "confirm your identity"},
    {SPAM_PHRASE_CREDENTIALS, 2, "update your payment"},
    {SPAM_PHRASE_CREDENTIALS, 2, "your account has been suspended"},
    {SPAM_PHRASE_CREDENTIALS, 2, "your account has been limited"},
    {SPAM_PHRASE_CREDENTIALS, 2, "your account will be closed"},
    {SPAM_PHRASE_CREDENTIALS, 2, "account will be suspended"},
    {SPAM_PHRASE_CREDENTIALS, 2, "account will be deactivated"},
    {SPAM_PHRASE_CREDENTIALS, 2, "unusual activity"},
    {SPAM_PHRASE_CREDENTIALS, 1, "unusual sign in"},
    {SPAM_PHRASE_CREDENTIALS, 2, "mailbox is full"},
    {SPAM_PHRASE_CREDENTIALS, 2, "mailbox quota"},
    {SPAM_PHRASE_CREDENTIALS, 2, "exceeded the storage limit"},
    {SPAM_PHRASE_CREDENTIALS, 2, "pending messages"},
    {SPAM_PHRASE_CREDENTIALS, 2, "keep your password"},
    {SPAM_PHRASE_CREDENTIALS, 2, "password will expire"},
    {SPAM_PHRASE_CREDENTIALS, 2, "password expires today"},
    {SPAM_PHRASE_CREDENTIALS, 1, "within 24 hours"},
    {SPAM_PHRASE_CREDENTIALS, 1, "within 48 hours"},
    {SPAM_PHRASE_CREDENTIALS, 1, "click here"},
    {SPAM_PHRASE_CREDENTIALS, 1, "dear customer"},
    {SPAM_PHRASE_CREDENTIALS, 1, "dear user"},
    {SPAM_PHRASE_CREDENTIALS, 1, "dear account owner"},
    {SPAM_PHRASE_CREDENTIALS, 2, "bestätigen sie ihr konto"},
    {SPAM_PHRASE_CREDENTIALS, 2, "ihr konto wurde gesperrt"},
    {SPAM_PHRASE_CREDENTIALS, 2, "ihr konto wurde eingeschränkt"},
    {SPAM_PHRASE_CREDENTIALS, 1, "sehr geehrter kunde"},
    {SPAM_PHRASE_CREDENTIALS, 1, "innerhalb von 24 stunden"},
    {SPAM_PHRASE_CREDENTIALS, 2, "vérifier votre compte"},
    {SPAM_PHRASE_CREDENTIALS, 2, "verifique su cuenta"},
    {SPAM_PHRASE_THREAT, 2, "recorded you"},
    {SPAM_PHRASE_THREAT, 2, "your webcam"},
    {SPAM_PHRASE_THREAT, 2, "through your camera"},
    {SPAM_PHRASE_THREAT, 2, "infected your device"},
    {SPAM_PHRASE_THREAT, 2, "installed malware"},
    {SPAM_PHRASE_THREAT, 1, "trojan"},
    {SPAM_PHRASE_THREAT, 2, "send the video"},
    {SPAM_PHRASE_THREAT, 2, "to all your contacts"},
    {SPAM_PHRASE_THREAT, 2, "adult websites"},
    {SPAM_PHRASE_THREAT, 1, "bitcoin wallet"},
    {SPAM_PHRASE_THREAT, 1, "in bitcoin"},
    {SPAM_PHRASE_THREAT, 2, "do not contact the police"},
    {SPAM_PHRASE_THREAT, 2, "ihre webcam"},
    {SPAM_PHRASE_THREAT, 2, "an alle ihre kontakte"},
    {SPAM_PHRASE_PILLS, 3, "canadian pharmacy"},
    {SPAM_PHRASE_PILLS, 3, "online pharmacy without prescription"},
    {SPAM_PHRASE_PILLS, 2, "no prescription"},
    {SPAM_PHRASE_PILLS, 2, "without prescription"},
    {SPAM_PHRASE_PILLS, 2, "viagra"},
    {SPAM_PHRASE_PILLS, 2, "cialis"},
    {SPAM_PHRASE_PILLS, 2, "levitra"},
    {SPAM_PHRASE_PILLS, 2, "male enhancement"},
    {SPAM_PHRASE_PILLS, 2, "erectile dysfunction"},
    {SPAM_PHRASE_PILLS, 1, "weight loss"},
    {SPAM_PHRASE_PILLS, 2, "ohne rezept"},
    {SPAM_PHRASE_PILLS, 2, "sin receta"},
    {SPAM_PHRASE_PRIZE, 2, "you have won"},
    {SPAM_PHRASE_PRIZE, 2, "winning number"},
    {SPAM_PHRASE_PRIZE, 2, "lottery"},
    {SPAM_PHRASE_PRIZE, 2, "claim your prize"},
    {SPAM_PHRASE_PRIZE, 2, "claim your reward"},
    {SPAM_PHRASE_PRIZE, 2, "lucky winner"},
    {SPAM_PHRASE_PRIZE, 2, "you have been selected"},
    {SPAM_PHRASE_PRIZE, 1, "gift card"},
    {SPAM_PHRASE_PRIZE, 1, "congratulations"},
    {SPAM_PHRASE_PRIZE, 2, "sie haben gewonnen"},
    {SPAM_PHRASE_PRIZE, 2, "vous avez gagné"},
    {SPAM_PHRASE_PRIZE, 2, "ha ganado"},
    {SPAM_PHRASE_PROFIT, 2, "double your money"},
    {SPAM_PHRASE_PROFIT, 2, "guaranteed profit"},
    {SPAM_PHRASE_PROFIT, 2, "guaranteed returns"},
    {SPAM_PHRASE_PROFIT, 2, "work from home"},
    {SPAM_PHRASE_PROFIT, 2, "earn money"},
    {SPAM_PHRASE_PROFIT, 2, "make money fast"},
    {SPAM_PHRASE_PROFIT, 2, "passive income"},
    {SPAM_PHRASE_PROFIT, 2, "financial freedom"},
    {SPAM_PHRASE_PROFIT, 1, "no risk"},
    {SPAM_PHRASE_PROFIT, 1, "risk free"},
    {SPAM_PHRASE_PROFIT, 1, "per day"},
    {SPAM_PHRASE_PROFIT, 1, "trading platform"},
    {SPAM_PHRASE_PROFIT, 2, "geld verdienen"},
    {SPAM_PHRASE_OFFER, 2, "first page of google"},
    {SPAM_PHRASE_OFFER, 2, "page of google"},
    {SPAM_PHRASE_OFFER, 2, "rank your website"},
    {SPAM_PHRASE_OFFER, 2, "seo services"},
    {SPAM_PHRASE_OFFER, 2, "backlinks"},
    {SPAM_PHRASE_OFFER, 2, "guest post"},
    {SPAM_PHRASE_OFFER, 2, "email database"},
    {SPAM_PHRASE_OFFER, 2, "attendees list"},
    {SPAM_PHRASE_OFFER, 2, "bulk email"},
    {SPAM_PHRASE_OFFER, 2, "loan offer"},
    {SPAM_PHRASE_OFFER, 2, "instant loan"},
    {SPAM_PHRASE_OFFER, 2, "no credit check"},
    {SPAM_PHRASE_OFFER, 2, "act now"},
    {SPAM_PHRASE_OFFER, 2, "limited time offer"},
    {SPAM_PHRASE_OFFER, 1, "lowest price"},
    {SPAM_PHRASE_OFFER, 2, "replica watches"},
    {SPAM_PHRASE_OFFER, 2, "hot singles"},
};

enum { SLOTS = sizeof((struct spam_phrases *)0)->slots / sizeof(int16_t) };

/* Split as spam_scan splits text: at blanks; the table has nothing else between words. */
static void add_phrase(struct spam_phrases *phrases, size_t row)
{
    ASSERT(phrases->count < SPAM_PHRASES_MAX);
    struct spam_phrase *phrase = &phrases->items[phrases->count];
    slice rest = slice_from_string(table[row].text), word;
    phrase->text = table[row].text;
    phrase->kind = (uint8_t)table[row].kind;
    phrase->weight = table[row].weight;
    while (rest.size > 0) {
        slice_cut(rest, ' ', &word, &rest);
        ASSERT(phrase->size < SPAM_PHRASE_WORDS_MAX);
        phrase->words[phrase->size++] = spam_word_hash_of(word);
    }
    int16_t *slot = &phrases->slots[phrase->words[0] % SLOTS];
    phrase->next = *slot;
    *slot = (int16_t)phrases->count++;
}

void spam_phrases_make(struct spam_phrases *phrases)
{
    memset(phrases, 0, sizeof *phrases);
    for (unsigned i = 0; i < SLOTS; i++)
        phrases->slots[i] = -1;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        add_phrase(phrases, i);
}

static void hit(struct spam_phrase_hits *hits, const struct spam_phrase *phrase)
{
    hits->weight += phrase->weight;
    if (hits->count < SPAM_PHRASE_HITS_MAX)
        hits->named[hits->count] = phrase->text;
    hits->count++;
}

void spam_phrases_find(const struct spam_phrases *phrases, const uint32_t *words, unsigned count,
                       struct spam_phrase_hits out_hits[SPAM_PHRASE_KINDS])
{
    uint64_t met[SPAM_PHRASES_MAX / 64] = {0};
    memset(out_hits, 0, SPAM_PHRASE_KINDS * sizeof *out_hits);
    for (unsigned at = 0; at < count; at++)
        for (int next = phrases->slots[words[at] % SLOTS]; next >= 0;
             next = phrases->items[next].next) {
            const struct spam_phrase *phrase = &phrases->items[next];
            if (phrase->size > count - at || met[next / 64] >> (next % 64) & 1 ||
                memcmp(phrase->words, words + at, phrase->size * sizeof *words) != 0)
                continue;
            met[next / 64] |= 1ULL << (next % 64);
            hit(&out_hits[phrase->kind], phrase);
        }
}
