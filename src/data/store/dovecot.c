/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parsers of Dovecot's files beside a Maildir. */
#include "data/store/dovecot.h"

#include "data/store/account.h"
#include "format/text/utf7.h"

/* The next line without its end; false at the end of the content. */
static bool next_line(struct cursor *c, slice *out_line)
{
    if (cursor_done(c))
        return false;
    slice rest = cursor_rest(c);
    ptrdiff_t end = slice_find_byte(rest, '\n');
    *out_line = slice_sub(rest, 0, end < 0 ? rest.size : (size_t)end);
    c->at += end < 0 ? (ptrdiff_t)rest.size : end + 1;
    return true;
}

static bool header_version_3(struct cursor *c, struct dovecot_uidlist *list)
{
    uint64_t number;
    while (cursor_take_byte(c, ' ')) {
        if (cursor_take_byte(c, 'V')) {
            if (!cursor_take_u64(c, UINT32_MAX, &number))
                return false;
            list->uid_validity = (uint32_t)number;
        } else if (cursor_take_byte(c, 'N')) {
            if (!cursor_take_u64(c, UINT32_MAX, &number))
                return false;
            list->uid_next = (uint32_t)number;
        } else { /* G: the mailbox's GUID; later keys */
            while (!cursor_done(c) && cursor_peek(c) != ' ')
                c->at++;
        }
    }
    return cursor_done(c);
}

error dovecot_uidlist_begin(struct dovecot_uidlist *list, slice content)
{
    *list = (struct dovecot_uidlist){.rest = cursor_over(content)};
    slice line;
    uint64_t version = 0, validity, next;
    if (next_line(&list->rest, &line)) {
        struct cursor c = cursor_over(line);
        bool good = cursor_take_u64(&c, 3, &version);
        if (good && version == 3) {
            good = header_version_3(&c, list);
        } else if (good && version == 1) {
            good = cursor_take_byte(&c, ' ') && cursor_take_u64(&c, UINT32_MAX, &validity) &&
                   cursor_take_byte(&c, ' ') && cursor_take_u64(&c, UINT32_MAX, &next);
            if (good) {
                list->uid_validity = (uint32_t)validity;
                list->uid_next = (uint32_t)next;
            }
        } else {
            good = false;
        }
        if (good && list->uid_validity != 0)
            return OK;
    }
    return error_make(ERROR_MALFORMED, "not a dovecot-uidlist");
}

static bool parse_uid_line(slice line, struct dovecot_uid *out_uid)
{
    struct dovecot_uid entry = {0};
    struct cursor c = cursor_over(line);
    uint64_t number;
    if (!cursor_take_u64(&c, UINT32_MAX - 1, &number) || number == 0 || !cursor_take_byte(&c, ' '))
        return false;
    entry.uid = (uint32_t)number;
    /* Extras until " :name"; version 1 has the bare name. */
    slice rest = cursor_rest(&c);
    while (rest.size > 0 && rest.data[0] != ':') {
        slice field, behind;
        if (!slice_cut(rest, ' ', &field, &behind)) {
            break; /* version 1 */
        }
        struct cursor value = cursor_over(slice_from(field, 1));
        if (field.size > 0 && field.data[0] == 'P')
            entry.pop3_uidl = slice_from(field, 1);
        else if (field.size > 0 && field.data[0] == 'W' &&
                 cursor_take_u64(&value, INT64_MAX, &number))
            entry.virtual_size = number;
        else if (field.size > 0 && field.data[0] == 'S' &&
                 cursor_take_u64(&value, INT64_MAX, &number))
            entry.size = number;
        rest = behind;
    }
    if (rest.size > 0 && rest.data[0] == ':')
        rest = slice_from(rest, 1);
    slice flags;
    slice_cut(rest, ':', &entry.base, &flags);
    if (entry.base.size == 0)
        return false;
    *out_uid = entry;
    return true;
}

bool dovecot_uidlist_next(struct dovecot_uidlist *list, struct dovecot_uid *out_uid)
{
    slice line;
    struct dovecot_uid entry;
    while (next_line(&list->rest, &line))
        if (parse_uid_line(line, &entry) && entry.uid > list->last_uid) {
            list->last_uid = entry.uid;
            *out_uid = entry;
            return true;
        }
    return false;
}

bool dovecot_keywords_next(struct cursor *content, unsigned *out_letter, slice *out_name)
{
    slice line;
    while (next_line(content, &line)) {
        struct cursor c = cursor_over(line);
        uint64_t number;
        if (cursor_take_u64(&c, 25, &number) && cursor_take_byte(&c, ' ') && !cursor_done(&c) &&
            cursor_rest(&c).size <= STORE_KEYWORD_SIZE_MAX) {
            *out_letter = (unsigned)number;
            *out_name = cursor_rest(&c);
            return true;
        }
    }
    return false;
}

void dovecot_subscriptions_begin(struct dovecot_subscriptions *list, slice content)
{
    *list = (struct dovecot_subscriptions){.rest = cursor_over(content)};
    list->version_2 = slice_starts(content, SLICE("V\t2\n"));
    slice line;
    if (list->version_2)
        next_line(&list->rest, &line);
}

bool dovecot_subscriptions_next(struct dovecot_subscriptions *list, struct arena *arena,
                                slice *out_name)
{
    slice line;
    while (next_line(&list->rest, &line)) {
        if (line.size == 0 || line.size > 4 * STORE_MAILBOX_NAME_SIZE_MAX)
            continue;
        struct buffer text;
        buffer_init(&text, STORE_MAILBOX_NAME_SIZE_MAX * 2);
        error problem = OK;
        slice level = line, rest = line;
        bool more = true;
        while (more && !failed(problem)) {
            more = list->version_2 && slice_cut(rest, '\t', &level, &rest);
            problem = utf7_decode(level, &text);
            if (more)
                buffer_add_byte(&text, STORE_SEPARATOR);
        }
        if (!failed(problem))
            problem = buffer_check(&text);
        if (!failed(problem))
            problem = mailbox_name_check(buffer_slice(&text));
        if (!failed(problem))
            problem = arena_copy(arena, buffer_slice(&text), out_name);
        buffer_close(&text);
        if (!failed(problem))
            return true;
    }
    return false;
}
