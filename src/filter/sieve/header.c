/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The header as the script sees it: with what editheader (RFC 5293) added and took away.
 */
#include "format/mail/header.h"
#include "base/buffer.h"
#include "filter/sieve/check.h"
#include "filter/sieve/run.h"
#include "format/mail/address.h"
#include "format/mail/encoded.h"

enum { FOLD_COLUMN = 72 };

static error make_room(struct sieve_run *run)
{
    if (run->field_count < run->field_room)
        return OK;
    unsigned room = run->field_room ? run->field_room * 2 : 64;
    struct sieve_field *fields = ARENA_ARRAY(run->arena, struct sieve_field, room);
    TRY_MEMORY(fields);
    if (run->field_count)
        memcpy(fields, run->fields, run->field_count * sizeof *fields);
    run->fields = fields;
    run->field_room = room;
    return OK;
}

error sieve_header_open(struct sieve_run *run)
{
    if (run->fields)
        return OK;
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    TRY(make_room(run));
    mail_header_begin(&iterator, run->input->message);
    while (mail_header_next(&iterator, &field)) {
        TRY(make_room(run));
        run->fields[run->field_count++] = (struct sieve_field){
            field.name, field.value, slice_sub(run->input->message, field.offset, field.size)};
    }
    return OK;
}

error sieve_header_text(struct sieve_run *run, slice *out_header)
{
    *out_header = run->edited_header;
    if (!run->edited || run->edited_header.data)
        return OK;
    size_t size = 2;
    for (unsigned i = 0; i < run->field_count; i++)
        size += run->fields[i].raw.size;
    TRY(sieve_run_charge(run, size));
    char *text = arena_alloc_bytes(run->arena, size);
    TRY_MEMORY(text);
    size_t at = 0;
    for (unsigned i = 0; i < run->field_count; i++) {
        memcpy(text + at, run->fields[i].raw.data, run->fields[i].raw.size);
        at += run->fields[i].raw.size;
    }
    memcpy(text + at, "\r\n", 2);
    *out_header = run->edited_header = slice_of(text, size);
    return OK;
}

static unsigned count_of(const struct sieve_run *run, slice name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < run->field_count; i++)
        count += slice_equal_nocase(run->fields[i].name, name);
    return count;
}

/* Does :index select the `nth` (1..) of `count`? (RFC 5260 6) */
static bool is_selected(const struct sieve_meaning *meaning, unsigned nth, unsigned count)
{
    const struct sieve_argument *index = meaning->tags[SIEVE_TAG_INDEX];
    if (!index)
        return true;
    return meaning->tags[SIEVE_TAG_LAST] ? index->number == count - nth + 1u : index->number == nth;
}

const struct sieve_field *sieve_header_select(struct sieve_run *run,
                                              const struct sieve_meaning *meaning, slice name)
{
    unsigned nth = 0, count = meaning->tags[SIEVE_TAG_INDEX] ? count_of(run, name) : 0;
    for (unsigned i = 0; i < run->field_count; i++)
        if (slice_equal_nocase(run->fields[i].name, name) && is_selected(meaning, ++nth, count))
            return &run->fields[i];
    return NULL;
}

/* ---- Tests: header, address, envelope, exists (RFC 5228 5) ---- */

/* Every field of every name, in turn. */
struct walk {
    struct sieve_run *run;
    const struct sieve_meaning *meaning;
    const slice *names;
    unsigned name_count, name, nth, at, count;
};

static error walk_begin(struct sieve_run *run, const struct sieve_meaning *meaning,
                        const struct sieve_argument *names, struct walk *out_walk)
{
    *out_walk = (struct walk){.run = run, .meaning = meaning, .name_count = names->count};
    TRY(sieve_header_open(run));
    TRY(sieve_run_charge(run, 8 * (size_t)names->count * run->field_count));
    return sieve_expand_list(run, names, &out_walk->names);
}

static const struct sieve_field *walk_next(struct walk *w)
{
    for (; w->name < w->name_count; w->name++, w->at = w->nth = 0) {
        slice name = w->names[w->name];
        if (w->at == 0 && w->meaning->tags[SIEVE_TAG_INDEX])
            w->count = count_of(w->run, name);
        while (w->at < w->run->field_count) {
            const struct sieve_field *field = &w->run->fields[w->at++];
            if (slice_equal_nocase(field->name, name) &&
                is_selected(w->meaning, ++w->nth, w->count))
                return field;
        }
    }
    return NULL;
}

error sieve_test_header(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    struct walk walk;
    struct sieve_matching matching;
    const struct sieve_field *field;
    TRY(walk_begin(run, meaning, meaning->positional[0], &walk));
    TRY(sieve_match_begin(run, meaning, meaning->positional[1], &matching));
    while ((field = walk_next(&walk)) && !matching.matched) {
        slice text;
        TRY(sieve_run_charge(run, field->value.size));
        TRY(mail_encoded_decode(run->arena, field->value, &text));
        TRY(sieve_match_value(&matching, slice_trim(text)));
    }
    return sieve_match_end(&matching, out_true);
}

/* The part of an address that is asked for; false: it has none (RFC 5228 2.7.4, RFC 5233 4). */
static bool part_of(enum sieve_part part, slice all, slice local, slice domain, slice *out_part)
{
    slice user, detail;
    bool detailed = slice_cut(local, '+', &user, &detail);
    switch (part) {
    case SIEVE_PART_LOCAL:
        *out_part = local;
        return true;
    case SIEVE_PART_DOMAIN:
        *out_part = domain;
        return true;
    case SIEVE_PART_USER:
        *out_part = user;
        return true;
    case SIEVE_PART_DETAIL:
        *out_part = detail;
        return detailed;
    default:
        *out_part = all;
        return true;
    }
}

static error whole_address(struct sieve_run *run, const struct mail_address *address, slice *out)
{
    struct buffer text;
    if (address->incomplete) {
        *out = address->local;
        return OK;
    }
    buffer_init(&text, SIEVE_SCRIPT_SIZE_MAX);
    mail_address_write(&text, address->local, address->domain);
    error problem = buffer_check(&text);
    if (!failed(problem))
        problem = arena_copy(run->arena, buffer_slice(&text), out);
    buffer_close(&text);
    return problem;
}

static error match_addresses(struct sieve_matching *matching, slice value)
{
    struct sieve_run *run = matching->run;
    struct mail_address *address;
    TRY(sieve_run_charge(run, value.size));
    TRY(mail_address_parse(run->arena, value, &address));
    for (; address && !matching->matched; address = address->next) {
        slice all, part;
        if (address->kind != MAIL_ADDRESS_MAILBOX)
            continue;
        TRY(whole_address(run, address, &all));
        enum sieve_part wanted = matching->meaning->part;
        if (address->incomplete && wanted != SIEVE_PART_ALL)
            continue;
        if (part_of(wanted, all, address->local, address->domain, &part))
            TRY(sieve_match_value(matching, part));
    }
    return OK;
}

error sieve_test_address(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    struct walk walk;
    struct sieve_matching matching;
    const struct sieve_field *field;
    TRY(walk_begin(run, meaning, meaning->positional[0], &walk));
    TRY(sieve_match_begin(run, meaning, meaning->positional[1], &matching));
    while ((field = walk_next(&walk)) && !matching.matched)
        TRY(match_addresses(&matching, field->value));
    return sieve_match_end(&matching, out_true);
}

error sieve_test_envelope(struct sieve_run *run, const struct sieve_meaning *meaning,
                          bool *out_true)
{
    struct sieve_matching matching;
    const slice *parts;
    TRY(sieve_expand_list(run, meaning->positional[0], &parts));
    TRY(sieve_match_begin(run, meaning, meaning->positional[1], &matching));
    for (unsigned i = 0; i < meaning->positional[0]->count; i++) {
        bool from = slice_equal_nocase(parts[i], SLICE("from"));
        slice all = from                                        ? run->input->from
                    : slice_equal_nocase(parts[i], SLICE("to")) ? run->input->to
                                                                : run->input->auth;
        slice local = all, domain = SLICE_EMPTY, part;
        if (!from && all.size == 0)
            continue;
        (void)slice_cut_last(all, '@', &local, &domain);
        /* RFC 5228 5.4: the null reverse path is empty, whatever part is asked for. */
        if (all.size == 0)
            TRY(sieve_match_value(&matching, all));
        else if (part_of(meaning->part, all, local, domain, &part))
            TRY(sieve_match_value(&matching, part));
    }
    return sieve_match_end(&matching, out_true);
}

error sieve_test_exists(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    const slice *names;
    TRY(sieve_header_open(run));
    TRY(sieve_expand_list(run, meaning->positional[0], &names));
    bool all = true;
    TRY(sieve_run_charge(run, 8 * (size_t)meaning->positional[0]->count * run->field_count));
    for (unsigned i = 0; i < meaning->positional[0]->count && all; i++)
        all = count_of(run, names[i]) > 0;
    *out_true = all;
    return OK;
}

/* ---- Edits (RFC 5293) ---- */

/* RFC 5293 6: what a mail's way is known by. */
static bool is_protected(slice name)
{
    return slice_equal_nocase(name, SLICE("Received")) ||
           slice_equal_nocase(name, SLICE("Auto-Submitted"));
}

/* Folded at blanks (RFC 5322 2.2.3). */
static void add_folded(struct buffer *out, slice value, size_t column)
{
    for (size_t i = 0; i < value.size; i++, column++) {
        if (column >= FOLD_COLUMN && value.data[i] == ' ' && i + 1 < value.size &&
            value.data[i + 1] != ' ') {
            buffer_add_string(out, "\r\n");
            column = 0;
        }
        buffer_add_byte(out, value.data[i]);
    }
}

static error write_field(struct sieve_run *run, slice name, slice value, struct sieve_field *out)
{
    struct buffer text;
    slice raw;
    buffer_init(&text, 4 * (size_t)SIEVE_ADDED_HEADER_SIZE_MAX);
    buffer_add(&text, name);
    buffer_add_string(&text, ": ");
    bool ascii = true;
    for (size_t i = 0; i < value.size; i++)
        ascii &= (unsigned char)value.data[i] < 128;
    if (ascii)
        add_folded(&text, value, name.size + 2);
    else
        mail_encoded_write(&text, value);
    buffer_add_string(&text, "\r\n");
    error problem = buffer_check(&text);
    if (!failed(problem))
        problem = arena_copy(run->arena, buffer_slice(&text), &raw);
    buffer_close(&text);
    TRY(problem);
    *out = (struct sieve_field){slice_sub(raw, 0, name.size),
                                slice_sub(raw, name.size + 1, raw.size - name.size - 3), raw};
    return OK;
}

error sieve_run_add_header(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    slice name, value;
    struct sieve_field field;
    TRY(sieve_expand_argument(run, meaning->positional[0], &name));
    TRY(sieve_expand_argument(run, meaning->positional[1], &value));
    value = slice_trim(value);
    if (!sieve_name_is_header(name))
        return sieve_run_fail(run, "addheader: \"%.*s\" cannot be the name of a header field",
                              SLICE_ARG(name));
    if (name.size + value.size > SIEVE_ADDED_HEADER_SIZE_MAX)
        return sieve_run_fail(run, "addheader: the field is too long");
    if (slice_find_byte(value, '\n') >= 0 || slice_find_byte(value, '\r') >= 0)
        return sieve_run_fail(run, "addheader: the value has more than one line");
    if (run->fields_added++ == SIEVE_HEADERS_ADDED_MAX)
        return sieve_run_fail(run, "addheader: more than %d times", SIEVE_HEADERS_ADDED_MAX);
    if (is_protected(name))
        return OK;
    TRY(sieve_header_open(run));
    TRY(make_room(run));
    TRY(write_field(run, name, value, &field));
    if (!meaning->tags[SIEVE_TAG_LAST])
        memmove(run->fields + 1, run->fields, run->field_count * sizeof *run->fields);
    run->fields[meaning->tags[SIEVE_TAG_LAST] ? run->field_count : 0] = field;
    run->field_count++;
    run->edited = true;
    run->edited_header = SLICE_EMPTY;
    return OK;
}

/* Is this field, the nth of `count` of its name, to go? */
static error is_deleted(struct sieve_run *run, const struct sieve_meaning *meaning,
                        const struct sieve_field *field, unsigned nth, unsigned count, bool *out)
{
    struct sieve_matching matching;
    slice text;
    *out = is_selected(meaning, nth, count);
    if (!*out || !meaning->positional[1])
        return OK;
    TRY(sieve_match_begin(run, meaning, meaning->positional[1], &matching));
    matching.keep_captures = false;
    TRY(sieve_run_charge(run, field->value.size));
    TRY(mail_encoded_decode(run->arena, field->value, &text));
    TRY(sieve_match_value(&matching, slice_trim(text)));
    return sieve_match_end(&matching, out);
}

error sieve_run_delete_header(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    slice name;
    TRY(sieve_expand_argument(run, meaning->positional[0], &name));
    if (!sieve_name_is_header(name))
        return sieve_run_fail(run, "deleteheader: \"%.*s\" cannot be the name of a header field",
                              SLICE_ARG(name));
    if (is_protected(name))
        return OK;
    TRY(sieve_header_open(run));
    unsigned count = count_of(run, name), nth = 0, kept = 0;
    for (unsigned i = 0; i < run->field_count; i++) {
        bool deleted = false;
        if (slice_equal_nocase(run->fields[i].name, name))
            TRY(is_deleted(run, meaning, &run->fields[i], ++nth, count, &deleted));
        if (!deleted)
            run->fields[kept++] = run->fields[i];
    }
    if (kept < run->field_count) {
        run->field_count = kept;
        run->edited = true;
        run->edited_header = SLICE_EMPTY;
    }
    return OK;
}
