/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/date.h"
#include "format/mail/dsn_part.h"

enum { COLUMNS = 72, INDENT = 4, NUMBER_SIZE_MAX = 48 };

static size_t columns_of(slice word)
{
    size_t count = 0;
    for (size_t i = 0; i < word.size; i++)
        count += ((unsigned char)word.data[i] & 0xc0) != 0x80;
    return count;
}

/* A paragraph in lines of COLUMNS, cut at blanks only. */
static void add_wrapped(struct buffer *out, slice text, unsigned indent)
{
    size_t column = 0;
    while (text.size > 0) {
        slice word;
        slice_cut(text, ' ', &word, &text);
        if (word.size == 0)
            continue;
        size_t columns = columns_of(word);
        if (column > 0 && column + 1 + columns > COLUMNS) {
            buffer_add_string(out, "\r\n");
            column = 0;
        }
        if (column == 0) {
            buffer_format(out, "%*s", (int)indent, "");
            column = indent;
        } else {
            buffer_add_byte(out, ' ');
            column++;
        }
        buffer_add(out, word);
        column += columns;
    }
    buffer_add_string(out, "\r\n");
}

/* `text` with its "{}" filled, wrapped. */
static void add_filled(struct buffer *out, const char *text, slice value, unsigned indent)
{
    struct buffer line;
    slice whole = slice_from_string(text);
    ptrdiff_t hole = slice_find(whole, SLICE("{}"));
    buffer_init(&line, whole.size + DSN_VALUE_SIZE_MAX);
    buffer_add(&line, slice_sub(whole, 0, hole < 0 ? whole.size : (size_t)hole));
    if (hole >= 0) {
        dsn_add_clean(&line, value, true, DSN_VALUE_SIZE_MAX);
        buffer_add(&line, slice_from(whole, (size_t)hole + 2));
    }
    add_wrapped(out, buffer_slice(&line), indent);
    buffer_close(&line);
}

static void add_named(struct buffer *out, const char *name, slice value)
{
    if (value.size == 0)
        return;
    buffer_format(out, "%*s%s: ", INDENT, "", name);
    dsn_add_clean(out, value, true, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, "\r\n");
}

static void add_answer(const struct dsn_text *words, const struct dsn_recipient *r,
                       struct buffer *out)
{
    if (r->text.size == 0 && r->code == 0)
        return;
    if (r->code > 0 && r->remote_host.size > 0)
        add_filled(out, words->said, r->remote_host, INDENT);
    else
        add_filled(out, words->reason, SLICE_EMPTY, INDENT);
    struct buffer line;
    buffer_init(&line, 2 * DSN_VALUE_SIZE_MAX);
    if (r->code > 0)
        buffer_format(&line, "%d ", r->code);
    if (r->code > 0 && r->status[0] > 0)
        buffer_format(&line, "%d.%d.%d ", r->status[0], r->status[1], r->status[2]);
    dsn_add_clean(&line, r->text, true, DSN_VALUE_SIZE_MAX);
    add_wrapped(out, buffer_slice(&line), 2 * INDENT);
    buffer_close(&line);
}

static void add_recipient(const struct dsn *dsn, const struct dsn_text *words,
                          const struct dsn_recipient *r, struct buffer *out)
{
    buffer_add_string(out, "\r\n  ");
    dsn_add_clean(out, r->final_address, true, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, "\r\n");
    if (dsn->action == DSN_FAILED)
        add_filled(out, words->advice[dsn_advice_for(r->status)], SLICE_EMPTY, INDENT);
    if (dsn->action == DSN_FAILED || dsn->action == DSN_DELAYED)
        add_answer(words, r, out);
}

/* "2026-11-24 18:00 UTC": the same in every language. */
static void add_until(const struct dsn *dsn, const struct dsn_text *words, struct buffer *out)
{
    int64_t until = dsn->count > 0 ? dsn->recipients[0].will_retry_until : 0;
    if (dsn->action != DSN_DELAYED || until == 0)
        return;
    struct mail_date_fields date;
    struct buffer text;
    mail_date_split(until, 0, &date);
    buffer_init(&text, NUMBER_SIZE_MAX);
    buffer_format(&text, "%04d-%02d-%02d %02d:%02d UTC", date.year, date.month, date.day, date.hour,
                  date.minute);
    add_filled(out, words->until, buffer_slice(&text), 0);
    buffer_close(&text);
}

void dsn_words_write(const struct dsn *dsn, enum dsn_language language, slice subject, slice date,
                     bool full, struct buffer *out)
{
    const struct dsn_text *words = &dsn_texts[language];
    const struct dsn_action_text *action = &words->actions[dsn->action];
    unsigned shown = dsn->count < DSN_SHOWN_MAX ? dsn->count : DSN_SHOWN_MAX;
    buffer_format(out, "%s\r\n\r\n", words->hello);
    if (dsn->note.size > 0) {
        add_filled(out, "({})", dsn->note, 0);
        buffer_add_string(out, "\r\n");
    }
    add_filled(out, words->intro, dsn->reporting_mta, 0);
    buffer_add_string(out, "\r\n");
    add_named(out, words->subject_name, subject);
    add_named(out, words->date_name, date);
    if (subject.size + date.size > 0)
        buffer_add_string(out, "\r\n");
    add_filled(out, action->verdict, SLICE_EMPTY, 0);
    for (unsigned i = 0; i < shown; i++)
        add_recipient(dsn, words, &dsn->recipients[i], out);
    if (dsn->count > shown) {
        struct buffer number;
        buffer_init(&number, NUMBER_SIZE_MAX);
        buffer_add_u64(&number, dsn->count - shown);
        buffer_add_string(out, "\r\n");
        add_filled(out, words->more, buffer_slice(&number), 2);
        buffer_close(&number);
    }
    buffer_add_string(out, "\r\n");
    add_filled(out, action->closing, SLICE_EMPTY, 0);
    add_until(dsn, words, out);
    buffer_add_string(out, "\r\n");
    add_filled(out, full ? words->mail_attached : words->header_attached, SLICE_EMPTY, 0);
}
