/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/canonical.h"

enum { PIECE_SIZE = 1024 };

/* Gathers small pieces for the digest and stops at the limit. */
struct writer {
    struct digest *digest;
    uint64_t limit; /* bytes still wanted */
    uint64_t size;  /* bytes offered */
    size_t filled;
    char piece[PIECE_SIZE];
};

static void flush(struct writer *writer)
{
    if (writer->filled)
        digest_add(writer->digest, slice_of(writer->piece, writer->filled));
    writer->filled = 0;
}

static void put(struct writer *writer, slice data)
{
    writer->size += data.size;
    if (data.size > writer->limit)
        data.size = writer->limit;
    writer->limit -= data.size;
    if (data.size > PIECE_SIZE - writer->filled)
        flush(writer);
    if (data.size > PIECE_SIZE) {
        digest_add(writer->digest, data);
        return;
    }
    if (data.size)
        memcpy(writer->piece + writer->filled, data.data, data.size);
    writer->filled += data.size;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Runs of blanks become one space; those at the end are dropped, and at the start where
 * `trim_start`. */
static void put_reduced(struct writer *writer, slice line, bool trim_start)
{
    while (line.size && is_blank(line.data[line.size - 1]))
        line.size--;
    size_t at = 0;
    while (trim_start && at < line.size && is_blank(line.data[at]))
        at++;
    while (at < line.size) {
        size_t end = at;
        while (end < line.size && !is_blank(line.data[end]))
            end++;
        put(writer, slice_sub(line, at, end - at));
        at = end;
        while (at < line.size && is_blank(line.data[at]))
            at++;
        if (at > end)
            put(writer, SLICE(" "));
    }
}

/* Most lines are canonical as they are. What lies between such lines is, too, so that whole
 * stretches of the body go into the digest where they lie. */
struct stretch {
    const char *start, *end; /* NULL: none */
    uint64_t empty_lines;    /* after it, not yet known to be followed by anything */
    bool contiguous;         /* they are nothing but line ends */
};

enum { BLOCK = 16 };
typedef char block __attribute__((vector_size(BLOCK)));

/* Which of the bytes at `at` are a tab, or a space with another behind it? Reads BLOCK + 1 bytes.
 */
static block find_reducible(const char *at)
{
    block here, next;
    memcpy(&here, at, BLOCK);
    memcpy(&next, at + 1, BLOCK);
    return (block)(((here == ' ') & (next == ' ')) | (here == '\t'));
}

/* The line is not empty. */
static bool is_canonical(slice line)
{
    const char *at = line.data, *last = line.data + line.size - 1;
    block found = {0};
    if (is_blank(*last))
        return false;
    if (line.size > BLOCK) {
        for (; last - at >= BLOCK; at += BLOCK)
            found |= find_reducible(at);
        found |= find_reducible(last - BLOCK); /* what is left, some of it again */
        at = last;
    }
    for (; at < last; at++)
        if (*at == '\t' || (at[0] == ' ' && at[1] == ' '))
            return false;
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

static void put_stretch(struct writer *writer, struct stretch *stretch)
{
    if (stretch->start)
        put(writer, slice_of(stretch->start, (size_t)(stretch->end - stretch->start)));
    stretch->start = NULL;
}

static void put_empty_lines(struct writer *writer, struct stretch *stretch)
{
    for (; stretch->empty_lines; stretch->empty_lines--)
        put(writer, SLICE("\r\n"));
}

/* The next line without its CRLF; *out_whole: it has one. */
static slice take_line(slice *body, bool *out_whole)
{
    const char *at = body->data, *end = body->data + body->size;
    const char *found;
    while ((found = memchr(at, '\n', (size_t)(end - at)))) {
        at = found + 1;
        if (found > body->data && found[-1] == '\r')
            break;
    }
    slice line = *body;
    *out_whole = found;
    if (found)
        line.size = (size_t)(found - 1 - body->data);
    *body = slice_from(*body, line.size + (found ? 2 : 0));
    return line;
}

static void take_full_line(struct writer *writer, struct stretch *stretch, slice line, bool whole)
{
    bool canonical = whole && is_canonical(line);
    if (canonical && stretch->start && stretch->contiguous) {
        stretch->end = line.data + line.size + 2;
        stretch->empty_lines = 0;
        return;
    }
    put_stretch(writer, stretch);
    put_empty_lines(writer, stretch);
    stretch->contiguous = true;
    if (canonical) {
        stretch->start = line.data;
        stretch->end = line.data + line.size + 2;
        return;
    }
    put_reduced(writer, line, false);
    put(writer, SLICE("\r\n"));
}

/* RFC 6376 3.4.4 */
static void put_body_relaxed(struct writer *writer, slice body)
{
    struct stretch stretch = {.contiguous = true};
    while (body.size) {
        bool whole;
        slice line = take_line(&body, &whole);
        size_t used = line.size;
        while (used && is_blank(line.data[used - 1]))
            used--;
        if (used) {
            take_full_line(writer, &stretch, line, whole);
            continue;
        }
        stretch.empty_lines++;
        stretch.contiguous &= whole && line.size == 0;
    }
    put_stretch(writer, &stretch);
}

/* RFC 6376 3.4.3 */
static void put_body_simple(struct writer *writer, slice body)
{
    while (slice_ends(body, SLICE("\r\n")))
        body.size -= 2;
    put(writer, body);
    put(writer, SLICE("\r\n"));
}

void canonical_body(enum canonical kind, slice body, uint64_t limit, struct digest *digest,
                    uint64_t *out_size)
{
    struct writer writer = {.digest = digest, .limit = limit};
    if (kind == CANONICAL_RELAXED)
        put_body_relaxed(&writer, body);
    else
        put_body_simple(&writer, body);
    flush(&writer);
    *out_size = writer.size;
}

/* Runs of a value between blanks, with one space before each but the first. A run may go on in the
 * next piece. */
struct runs {
    bool started, gap;
};

static void put_runs(struct writer *writer, slice value, struct runs *runs)
{
    size_t at = 0;
    while (at < value.size) {
        char c = value.data[at];
        if (is_blank(c))
            runs->gap = runs->started;
        if (is_blank(c) || c == '\r' || c == '\n') {
            at++;
            continue;
        }
        size_t end = at + 1;
        while (end < value.size && value.data[end] > ' ')
            end++;
        while (end < value.size && !is_blank(value.data[end]) && value.data[end] != '\r' &&
               value.data[end] != '\n')
            end++;
        if (runs->gap)
            put(writer, SLICE(" "));
        put(writer, slice_sub(value, at, end - at));
        *runs = (struct runs){.started = true};
        at = end;
    }
}

/* RFC 6376 3.4.2: the name in lower case without blanks, the value unfolded and reduced. `pieces`
 * are the value in order. */
static void put_field_relaxed(struct writer *writer, slice name, const slice *pieces,
                              unsigned count)
{
    struct runs runs = {0};
    name = slice_trim(name);
    for (size_t i = 0; i < name.size; i++)
        put(writer, (slice){(char[1]){ascii_lower(name.data[i])}, 1});
    put(writer, SLICE(":"));
    for (unsigned p = 0; p < count; p++)
        put_runs(writer, pieces[p], &runs);
}

void canonical_field(enum canonical kind, const struct mail_header_field *field, slice text,
                     struct digest *digest)
{
    struct writer writer = {.digest = digest, .limit = UINT64_MAX};
    if (kind == CANONICAL_SIMPLE) {
        put(&writer, slice_sub(text, field->offset, field->size));
    } else {
        put_field_relaxed(&writer, field->name, &field->value, 1);
        put(&writer, SLICE("\r\n"));
    }
    flush(&writer);
}

void canonical_own_field(enum canonical kind, slice name, slice value, slice hole,
                         struct digest *digest)
{
    struct writer writer = {.digest = digest, .limit = UINT64_MAX};
    slice pieces[2] = {
        {value.data, (size_t)(hole.data - value.data)},
        {hole.data + hole.size, (size_t)(value.data + value.size - hole.data) - hole.size},
    };
    if (kind == CANONICAL_RELAXED) {
        put_field_relaxed(&writer, name, pieces, 2);
    } else {
        put(&writer, slice_of(name.data, (size_t)(value.data - name.data)));
        put(&writer, pieces[0]);
        put(&writer, pieces[1]);
    }
    flush(&writer);
}
