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

/* RFC 6376 3.4.4 */
static void put_body_relaxed(struct writer *writer, slice body)
{
    uint64_t empty_lines = 0;
    while (body.size) {
        ptrdiff_t end = slice_find(body, SLICE("\r\n"));
        slice line = end < 0 ? body : slice_sub(body, 0, (size_t)end);
        body = slice_from(body, line.size + (end < 0 ? 0 : 2));
        size_t used = line.size;
        while (used && is_blank(line.data[used - 1]))
            used--;
        if (used == 0) {
            empty_lines++;
            continue;
        }
        for (; empty_lines; empty_lines--)
            put(writer, SLICE("\r\n"));
        put_reduced(writer, line, false);
        put(writer, SLICE("\r\n"));
    }
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

/* RFC 6376 3.4.2: the name in lower case without blanks, the value unfolded and reduced. `pieces`
 * are the value in order. */
static void put_field_relaxed(struct writer *writer, slice name, const slice *pieces,
                              unsigned count)
{
    name = slice_trim(name);
    for (size_t i = 0; i < name.size; i++)
        put(writer, (slice){(char[1]){ascii_lower(name.data[i])}, 1});
    put(writer, SLICE(":"));
    bool started = false, gap = false;
    for (unsigned p = 0; p < count; p++)
        for (size_t i = 0; i < pieces[p].size; i++) {
            char c = pieces[p].data[i];
            if (c == '\r' || c == '\n')
                continue;
            if (is_blank(c)) {
                gap = started;
                continue;
            }
            if (gap)
                put(writer, SLICE(" "));
            put(writer, (slice){&c, 1});
            started = true;
            gap = false;
        }
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
        put(&writer, name);
        put(&writer, SLICE(":"));
        put(&writer, pieces[0]);
        put(&writer, pieces[1]);
    }
    flush(&writer);
}
