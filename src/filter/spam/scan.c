/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/scan.h"

#include "base/time.h"
#include "format/mail/encoded.h"
#include "format/text/idna.h"

static const slice known_fields[] = {
#define FIELD_(NAME, text) {text, sizeof text - 1},
    SPAM_KNOWN_FIELDS(FIELD_)
#undef FIELD_
};

/* ---- The header ---- */

static void note_field(struct spam_scan *scan, const struct mail_header_field *field)
{
    for (unsigned i = 0; i < SPAM_FIELD_COUNT; i++)
        if (field->name.size == known_fields[i].size &&
            slice_equal_nocase(field->name, known_fields[i])) {
            if (scan->field_times[i]++ == 0)
                scan->field[i] = field->value.data ? field->value : SLICE("");
            return;
        }
}

/* There cannot be more fields than line ends, and one cut off. */
static unsigned fields_max(slice header)
{
    unsigned count = 1;
    for (ptrdiff_t at; count < SPAM_FIELDS_MAX && (at = slice_find_byte(header, '\n')) >= 0;
         count++)
        header = slice_from(header, (size_t)at + 1);
    return count;
}

static error read_fields(struct spam_scan *scan)
{
    struct mail_header_iterator iterator;
    unsigned most = fields_max(slice_sub(scan->message, 0, scan->header_size));
    scan->fields = ARENA_ARRAY(scan->arena, struct mail_header_field, most);
    TRY_MEMORY(scan->fields);
    mail_header_begin(&iterator, slice_sub(scan->message, 0, scan->header_size));
    while (scan->field_count < most) {
        struct mail_header_field *field = &scan->fields[scan->field_count];
        if (!mail_header_next(&iterator, field))
            return OK;
        note_field(scan, field);
        scan->field_count++;
    }
    struct mail_header_field one_more;
    scan->fields_cut = mail_header_next(&iterator, &one_more);
    return OK;
}

error spam_scan_addresses(struct spam_scan *scan, enum spam_field field,
                          struct mail_address **out_first)
{
    return mail_address_parse(scan->arena,
                              slice_sub(scan->field[field], 0, SPAM_ADDRESSES_SIZE_MAX), out_first);
}

static error read_author(struct spam_scan *scan)
{
    struct mail_address *address;
    TRY(spam_scan_addresses(scan, SPAM_FIELD_FROM, &address));
    while (address && (address->kind != MAIL_ADDRESS_MAILBOX || address->incomplete))
        address = address->next;
    scan->from = address;
    if (!address)
        return OK;
    error problem = idna_to_ascii(scan->arena, address->domain, &scan->from_domain);
    if (problem.kind == ERROR_MALFORMED)
        scan->from_domain = address->domain;
    else
        TRY(problem);
    return OK;
}

error spam_scan_open(struct spam_scan *scan, const struct spam_mail *mail,
                     const struct spam_tables *tables, struct arena *arena, struct arena *kept)
{
    scan->mail = mail;
    scan->tables = tables;
    scan->arena = arena;
    scan->kept = kept;
    arena_init(&scan->tree, SPAM_TREE_MEMORY_MAX);
    scan->message = slice_sub(mail->message, 0, SPAM_SCAN_SIZE_MAX);
    scan->header_size = mail_header_size(scan->message);
    scan->now = time_wall_seconds();
    scan->symbols = ARENA_ARRAY(kept, struct spam_symbol, SPAM_SYMBOLS_MAX);
    TRY_MEMORY(scan->symbols);
    TRY(read_fields(scan));
    TRY(read_author(scan));
    slice subject = slice_sub(scan->field[SPAM_FIELD_SUBJECT], 0, SPAM_SUBJECT_SIZE_MAX);
    return mail_encoded_decode(arena, subject, &scan->subject);
}

void spam_scan_close(struct spam_scan *scan)
{
    arena_close(&scan->tree);
}

/* ---- What the body holds ---- */

error spam_scan_mime(struct spam_scan *scan)
{
    if (scan->mime_made)
        return OK;
    error problem = mime_parse(&scan->tree, scan->message, &scan->mime);
    if (problem.kind == ERROR_LIMIT) { /* parts and parameters without end: look at the first */
        arena_reset(&scan->tree);
        scan->mime = (struct mime_message){0};
        problem =
            mime_parse(&scan->tree, slice_sub(scan->message, 0, SPAM_TREE_CUT_SIZE), &scan->mime);
        scan->mime.cut_short = true;
    }
    TRY(problem);
    scan->mime_made = true;
    return OK;
}

static bool is_shown_text(const struct mime_part *part)
{
    return part->kind == MIME_KIND_LEAF && slice_equal_nocase(part->type, SLICE("text")) &&
           !slice_equal_nocase(part->disposition, SLICE("attachment"));
}

static error add_text(struct spam_scan *scan, const struct mime_part *part, size_t *left)
{
    struct spam_text *text = &scan->texts[scan->text_count];
    struct mime_part cut = *part; /* no more of it is decoded than is looked at */
    size_t most = *left < SPAM_TEXT_SIZE_MAX ? *left : SPAM_TEXT_SIZE_MAX;
    if (cut.body_size > most)
        cut.body_size = most;
    text->part = part;
    error problem = mime_part_text(scan->arena, scan->message, &cut, &text->decoded);
    if (problem.kind == ERROR_MALFORMED) /* an encoding that nobody knows */
        text->decoded = mime_part_body(scan->message, &cut);
    else
        TRY(problem);
    *left -= cut.body_size;
    text->visible = text->decoded;
    if (slice_equal_nocase(part->subtype, SLICE("html"))) {
        struct spam_html *html = ARENA_NEW(scan->arena, struct spam_html);
        TRY_MEMORY(html);
        TRY(spam_html_read(text->decoded, scan->arena, html));
        text->html = html;
        text->visible = html->visible;
    }
    scan->text_count++;
    return OK;
}

error spam_scan_texts(struct spam_scan *scan)
{
    if (scan->texts_made)
        return OK;
    TRY(spam_scan_mime(scan));
    scan->texts = ARENA_ARRAY(scan->arena, struct spam_text, SPAM_TEXTS_MAX);
    TRY_MEMORY(scan->texts);
    size_t left = SPAM_TEXT_TOTAL_MAX;
    for (const struct mime_part *part = scan->mime.root; part; part = mime_part_walk(part))
        if (is_shown_text(part) && scan->text_count < SPAM_TEXTS_MAX && left > 0)
            TRY(add_text(scan, part, &left));
    scan->texts_made = true;
    return OK;
}

/* Twice as much, up to the limit: few mails have more than some. */
static error grow_links(struct spam_scan *scan)
{
    enum { LINKS_FIRST = 16 };
    unsigned most = scan->links_max ? 2 * scan->links_max : LINKS_FIRST;
    struct spam_link *links = ARENA_ARRAY(scan->arena, struct spam_link, most);
    TRY_MEMORY(links);
    if (scan->link_count > 0)
        memcpy(links, scan->links, scan->link_count * sizeof *links);
    scan->links = links;
    scan->links_max = most;
    return OK;
}

error spam_scan_link(struct spam_scan *scan, const struct url *url, struct spam_link *out_link)
{
    struct spam_link link = {.url = *url};
    for (unsigned layers = 0;; layers++) {
        struct url inner;
        enum url_wrapping wrapping;
        TRY(url_host(scan->arena, &link.url, &link.host));
        TRY(url_unwrap(scan->arena, &link.url, link.host, &inner, &wrapping));
        link.wrapped |= wrapping != URL_BARE;
        link.sealed |= wrapping == URL_SEALED;
        if (wrapping != URL_WRAPPING || layers == URL_WRAPPERS_MAX)
            break;
        link.url = inner;
    }
    *out_link = link;
    return OK;
}

static error add_link(struct spam_scan *scan, const struct url *url, bool from_html)
{
    if (scan->link_count == SPAM_URLS_MAX) {
        scan->links_cut = true;
        return OK;
    }
    if (scan->link_count == scan->links_max)
        TRY(grow_links(scan));
    TRY(spam_scan_link(scan, url, &scan->links[scan->link_count]));
    scan->links[scan->link_count++].from_html = from_html;
    return OK;
}

error spam_scan_links(struct spam_scan *scan)
{
    if (scan->links_made)
        return OK;
    TRY(spam_scan_texts(scan));
    struct url url;
    for (unsigned i = 0; i < scan->text_count; i++) {
        const struct spam_html *html = scan->texts[i].html;
        for (unsigned j = 0; html && j < html->link_count && !scan->links_cut; j++)
            if (url_parse(html->links[j].target, &url))
                TRY(add_link(scan, &url, true));
        struct url_finder finder;
        url_find_begin(&finder, scan->texts[i].visible);
        while (!scan->links_cut && url_find_next(&finder, &url))
            TRY(add_link(scan, &url, false));
        scan->links_cut |= html && html->cut;
    }
    scan->links_made = true;
    return OK;
}

/* Letters, digits and all that is not ASCII. */
static const uint8_t word_bytes[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['\''] = 1, [0x80 ... 0xff] = 1,
};

/* No more than there can be: a letter and a blank each, a 0 before each text. What is not asked for
 * need not be cleared. */
static unsigned words_max(const struct spam_scan *scan)
{
    size_t most = scan->subject.size / 2 + 1;
    for (unsigned i = 0; i < scan->text_count; i++)
        most += scan->texts[i].visible.size / 2 + 2;
    return most < SPAM_WORDS_MAX ? (unsigned)most : SPAM_WORDS_MAX;
}

static void add_words(struct spam_scan *scan, slice text)
{
    size_t at = 0;
    if (scan->word_count > 0 && scan->word_count < scan->words_max)
        scan->words[scan->word_count++] = 0;
    while (scan->word_count < scan->words_max) {
        while (at < text.size && !word_bytes[(unsigned char)text.data[at]])
            at++;
        if (at == text.size)
            return;
        struct spam_word_hash hash = SPAM_WORD_HASH_START;
        for (; at < text.size && word_bytes[(unsigned char)text.data[at]]; at++)
            spam_word_hash_add(&hash, text.data[at]);
        scan->words[scan->word_count++] = spam_word_hash_end(&hash);
    }
}

error spam_scan_words(struct spam_scan *scan)
{
    if (scan->words_made)
        return OK;
    TRY(spam_scan_texts(scan));
    scan->words_max = words_max(scan);
    scan->words = ARENA_ARRAY(scan->arena, uint32_t, scan->words_max);
    TRY_MEMORY(scan->words);
    add_words(scan, scan->subject);
    for (unsigned i = 0; i < scan->text_count; i++) {
        struct spam_text *text = &scan->texts[i];
        unsigned before = scan->word_count;
        add_words(scan, text->visible);
        text->word_at = before;
        text->word_count = scan->word_count - before;
    }
    scan->words_made = true;
    return OK;
}

/* ---- What is found ---- */

static enum spam_group group_of(unsigned id)
{
    return id < SPAM_SYMBOL_COUNT ? spam_symbol_group(id) : SPAM_GROUP_COMPOSITE;
}

/* What may still be added to a group that has a most. */
static double capped(const struct spam_scan *scan, enum spam_group group, double score)
{
    double cap = scan->tables->cap[group], room = cap - scan->group_score[group];
    if (cap <= 0 || score <= 0 || score <= room)
        return score;
    return room > 0 ? room : 0;
}

void spam_scan_add(struct spam_scan *scan, unsigned id, double times, slice reason)
{
    double score = scan->tables->score[id] * times;
    /* Switched off; what never had a score, or is an operator's own, is there for composites. */
    if (spam_scan_has(scan, id) || (scan->tables->score[id] == 0 && !spam_symbol_is_silent(id)))
        return;
    scan->found[id / 64] |= 1ULL << (id % 64);
    enum spam_group group = group_of(id);
    score = capped(scan, group, score);
    if (score > 0)
        scan->group_score[group] += score;
    scan->score += score;
    if (scan->symbol_count == SPAM_SYMBOLS_MAX)
        return;
    struct spam_symbol *symbol = &scan->symbols[scan->symbol_count++];
    *symbol = (struct spam_symbol){.name = spam_tables_name(scan->tables, id), .score = score};
    if (failed(arena_copy(scan->kept, slice_sub(reason, 0, SPAM_SYMBOL_REASON_SIZE_MAX),
                          &symbol->reason)))
        symbol->reason = SLICE_EMPTY;
    /* Reasons go into logs and header fields: what a stranger wrote becomes one harmless line. */
    for (size_t i = 0; i < symbol->reason.size; i++) {
        char *byte = (char *)(uintptr_t)&symbol->reason.data[i];
        if ((unsigned char)*byte < ' ' || *byte == 0x7f || *byte & (char)0x80)
            *byte = '?';
    }
}
