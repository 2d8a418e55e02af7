/* SPDX-License-Identifier: GPL-3.0-or-later
 * The parse: one pass over the lines, a stack of open boundaries. Fields are in mime_field.c, what
 * is done with the tree in mime_part.c.
 */
#include "format/mail/mime.h"

#include "format/mail/header.h"
#include "format/mail/mime_field.h"

/* What has been read before a point of the message; differences give a part's counts. */
struct tally {
    size_t lines;
    size_t bare_lf;
};

/* A part whose body is not closed yet. */
struct open_part {
    struct mime_part *part;
    slice boundary; /* of a multipart until its close delimiter; else empty */
    struct tally at_body;
};

struct parser {
    struct arena *arena;
    slice message;
    struct mime_message *result;
    size_t at;
    struct tally tally;   /* up to `at` */
    size_t last_line_end; /* size of the line end before `at`; 0 where there is none */
    struct open_part open[MIME_DEPTH_MAX + 1]; /* root first */
    unsigned open_count;
    bool stop_splitting; /* a limit was met: no more parts */
};

struct line {
    slice text; /* without its end */
    size_t end_size;
};

static struct line line_at(const struct parser *p)
{
    slice rest = slice_from(p->message, p->at);
    const char *lf = memchr(rest.data, '\n', rest.size);
    if (!lf)
        return (struct line){rest, 0};
    size_t size = (size_t)(lf - rest.data);
    bool cr = size && rest.data[size - 1] == '\r';
    return (struct line){slice_sub(rest, 0, size - cr), (size_t)1 + cr};
}

static void step_over(struct parser *p, const struct line *line)
{
    p->at += line->text.size + line->end_size;
    p->last_line_end = line->end_size;
    p->tally.lines += line->end_size > 0;
    p->tally.bare_lf += line->end_size == 1;
}

/* RFC 2046 5.1.1: it is enough that the boundary stands at the beginning of the line. The longest
 * one that does is meant, the innermost of equals. -1 where the line is no delimiter. */
static int find_boundary(const struct parser *p, slice line, bool *out_closes)
{
    if (line.size < 2 || line.data[0] != '-' || line.data[1] != '-')
        return -1;
    slice rest = slice_from(line, 2);
    int found = -1;
    size_t longest = 0;
    for (unsigned i = p->open_count; i-- > 0;) {
        slice boundary = p->open[i].boundary;
        if (boundary.size > longest && slice_starts(rest, boundary)) {
            longest = boundary.size;
            found = (int)i;
        }
    }
    *out_closes = found >= 0 && slice_starts(slice_from(rest, longest), SLICE("--"));
    return found;
}

/* Where the line end before the boundary belongs to the part's header, the body is empty and the
 * parts around it end where it does. */
static void close_body(struct open_part *open, size_t *end, struct tally *tally)
{
    struct mime_part *part = open->part;
    if (*end < part->body_offset) {
        *end = part->body_offset;
        *tally = open->at_body;
    }
    part->body_size = *end - part->body_offset;
    part->body_line_count = tally->lines - open->at_body.lines;
    part->body_bare_lf_count = tally->bare_lf - open->at_body.bare_lf;
}

/* Closes what is open above open[keep]. The line end before a boundary belongs to the boundary. */
static void close_above(struct parser *p, unsigned keep, bool at_boundary)
{
    size_t end = p->at;
    struct tally tally = p->tally;
    if (at_boundary && p->last_line_end) {
        end -= p->last_line_end;
        tally.lines--;
        tally.bare_lf -= p->last_line_end == 1;
    }
    while (p->open_count > keep)
        close_body(&p->open[--p->open_count], &end, &tally);
}

static struct mime_part *add_part(struct parser *p, struct mime_part *parent)
{
    struct mime_part *part = ARENA_NEW(p->arena, struct mime_part);
    if (!part)
        return NULL;
    part->parent = parent;
    if (parent) {
        part->depth = parent->depth + 1;
        *(parent->last_child ? &parent->last_child->next : &parent->first_child) = part;
        parent->last_child = part;
        parent->child_count++;
    }
    p->result->part_count++;
    return part;
}

/* From p->at: the header with its empty line, or up to a boundary that comes too early. */
static void skip_header(struct parser *p)
{
    bool closes;
    while (p->at < p->message.size) {
        struct line line = line_at(p);
        if (find_boundary(p, line.text, &closes) >= 0)
            return;
        step_over(p, &line);
        if (line.text.size == 0)
            return;
    }
}

/* What the header makes of the part; its children come later. */
static void choose_kind(struct parser *p, struct open_part *open)
{
    struct mime_part *part = open->part;
    bool multipart = slice_equal_nocase(part->type, SLICE("multipart"));
    /* RFC 2046 5.2.1: only identity encodings; what is encoded cannot be looked into. */
    bool message = slice_equal_nocase(part->type, SLICE("message")) &&
                   (slice_equal_nocase(part->subtype, SLICE("rfc822")) ||
                    slice_equal_nocase(part->subtype, SLICE("global"))) &&
                   part->encoding < MIME_ENCODING_QUOTED_PRINTABLE;
    if (!multipart && !message)
        return;
    if (part->depth + 1 >= MIME_DEPTH_MAX || p->result->part_count >= MIME_PART_COUNT_MAX) {
        p->result->cut_short = true;
        return;
    }
    part->kind = multipart ? MIME_KIND_MULTIPART : MIME_KIND_MESSAGE;
    slice boundary = mime_parameter_find(part->parameters, SLICE("boundary"));
    if (multipart && boundary.size <= MIME_BOUNDARY_SIZE_MAX)
        open->boundary = boundary;
    else if (multipart)
        p->result->cut_short = true;
}

/* Reads the header at p->at and opens the part; a message in it follows at once. */
static error open_part(struct parser *p, struct mime_part *parent)
{
    for (;;) {
        struct mime_part *part = add_part(p, parent);
        TRY_MEMORY(part);
        if (!parent)
            p->result->root = part;
        struct tally before = p->tally;
        part->header_offset = p->at;
        skip_header(p);
        part->header_size = p->at - part->header_offset;
        part->header_line_count = p->tally.lines - before.lines;
        part->header_bare_lf_count = p->tally.bare_lf - before.bare_lf;
        part->body_offset = p->at;
        bool digest = parent && mime_part_is(parent, SLICE("multipart"), SLICE("digest"));
        TRY(mime_fields_read(p->arena, mime_part_header(p->message, part), digest, part));
        struct open_part *open = &p->open[p->open_count++];
        *open = (struct open_part){.part = part, .at_body = p->tally};
        choose_kind(p, open);
        if (part->kind != MIME_KIND_MESSAGE)
            return OK;
        parent = part;
    }
}

/* A delimiter line of open[index]. */
static error at_boundary(struct parser *p, unsigned index, bool closes, const struct line *line)
{
    if (!closes && p->result->part_count >= MIME_PART_COUNT_MAX) {
        p->result->cut_short = true;
        p->stop_splitting = true;
        step_over(p, line);
        return OK;
    }
    close_above(p, index + 1, true);
    step_over(p, line);
    if (!closes)
        return open_part(p, p->open[index].part);
    p->open[index].boundary = SLICE_EMPTY; /* what follows is its epilogue */
    return OK;
}

error mime_parse(struct arena *arena, slice message, struct mime_message *out_message)
{
    struct mime_message result = {0};
    struct parser p = {.arena = arena, .message = message, .result = &result};
    TRY(open_part(&p, NULL));
    while (p.at < message.size) {
        bool closes;
        struct line line = line_at(&p);
        int index = p.stop_splitting ? -1 : find_boundary(&p, line.text, &closes);
        if (index >= 0)
            TRY(at_boundary(&p, (unsigned)index, closes, &line));
        else
            step_over(&p, &line);
    }
    close_above(&p, 0, false);
    *out_message = result;
    return OK;
}
