/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/offer.h"

#include "base/cursor.h"

/* A number behind a keyword; 0 where there is none, or none that we could obey. */
static uint64_t read_number(slice text)
{
    struct cursor c = cursor_over(slice_trim(text));
    uint64_t number;
    return cursor_take_u64(&c, UINT64_MAX / 2, &number) && cursor_done(&c) ? number : 0;
}

/* "PLAIN LOGIN XOAUTH2" (RFC 4954 3). */
static void read_mechanisms(slice words, struct smtp_offer *offer)
{
    for (slice word; words.size;) {
        (void)slice_cut(words, ' ', &word, &words);
        if (slice_equal_nocase(word, SLICE("PLAIN")))
            offer->extensions |= SMTP_OFFERS_AUTH_PLAIN;
        else if (slice_equal_nocase(word, SLICE("LOGIN")))
            offer->extensions |= SMTP_OFFERS_AUTH_LOGIN;
    }
}

/* "RCPTMAX=20 MAILMAX=5" (RFC 9422 3). */
static void read_limits(slice words, struct smtp_offer *offer)
{
    for (slice word, name, value; words.size;) {
        (void)slice_cut(words, ' ', &word, &words);
        (void)slice_cut(word, '=', &name, &value);
        if (slice_equal_nocase(name, SLICE("RCPTMAX")))
            offer->recipients_max = read_number(value);
        else if (slice_equal_nocase(name, SLICE("MAILMAX")))
            offer->mails_max = read_number(value);
    }
}

static void read_deliver_by(slice value, struct smtp_offer *offer)
{
    slice least, rest;
    (void)slice_cut(value, ',', &least, &rest);
    offer->deliver_by_min = read_number(least);
}

static void read_line(slice line, struct smtp_offer *offer)
{
    static const struct {
        slice keyword;
        enum smtp_extension bit;
    } rows[] = {
        {{"PIPELINING", 10}, SMTP_OFFERS_PIPELINING},
        {{"CHUNKING", 8}, SMTP_OFFERS_CHUNKING},
        {{"8BITMIME", 8}, SMTP_OFFERS_8BITMIME},
        {{"BINARYMIME", 10}, SMTP_OFFERS_BINARYMIME},
        {{"SMTPUTF8", 8}, SMTP_OFFERS_SMTPUTF8},
        {{"DSN", 3}, SMTP_OFFERS_DSN},
        {{"SIZE", 4}, SMTP_OFFERS_SIZE},
        {{"STARTTLS", 8}, SMTP_OFFERS_STARTTLS},
        {{"REQUIRETLS", 10}, SMTP_OFFERS_REQUIRETLS},
        {{"DELIVERBY", 9}, SMTP_OFFERS_DELIVERBY},
        {{"MT-PRIORITY", 11}, SMTP_OFFERS_MT_PRIORITY},
    };
    slice keyword, value;
    (void)slice_cut(slice_trim(line), ' ', &keyword, &value);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (slice_equal_nocase(keyword, rows[i].keyword))
            offer->extensions |= rows[i].bit;
    if (slice_equal_nocase(keyword, SLICE("SIZE")))
        offer->size_max = read_number(value);
    else if (slice_equal_nocase(keyword, SLICE("DELIVERBY")))
        read_deliver_by(value, offer);
    else if (slice_equal_nocase(keyword, SLICE("LIMITS")))
        read_limits(value, offer);
    else if (slice_equal_nocase(keyword, SLICE("AUTH")))
        read_mechanisms(value, offer);
    else if (slice_starts_nocase(keyword, SLICE("AUTH="))) { /* as some old servers write it */
        read_mechanisms(slice_from(keyword, 5), offer);
        read_mechanisms(value, offer);
    }
}

void smtp_offer_read(slice text, struct smtp_offer *out_offer)
{
    struct smtp_offer offer = {0};
    slice line;
    bool more = slice_cut(text, '\n', &line, &text); /* the server's name */
    while (more) {
        more = slice_cut(text, '\n', &line, &text);
        read_line(line, &offer);
    }
    if (!(offer.extensions & SMTP_OFFERS_CHUNKING))
        offer.extensions &= ~(unsigned)SMTP_OFFERS_BINARYMIME;
    *out_offer = offer;
}
