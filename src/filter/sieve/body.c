/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The body test (RFC 5173). Each part is looked at by itself; its captures are nobody's (6).
 */
#include "base/buffer.h"
#include "filter/sieve/run.h"
#include "format/mail/header.h"
#include "format/text/html.h"

/* What a person reads of HTML. */
static error strip_html(struct sieve_run *run, slice html, slice *out_text)
{
    struct html_reader reader;
    struct html_token token;
    struct buffer text;
    buffer_init(&text, html.size + 64);
    html_begin(&reader, html);
    while (html_next(&reader, &token)) {
        if (token.kind == HTML_TEXT)
            html_decode(token.text, &text);
        else if ((token.kind == HTML_OPEN || token.kind == HTML_CLOSE) &&
                 (slice_equal_nocase(token.name, SLICE("br")) ||
                  slice_equal_nocase(token.name, SLICE("p")) ||
                  slice_equal_nocase(token.name, SLICE("div")) ||
                  slice_equal_nocase(token.name, SLICE("td")) ||
                  slice_equal_nocase(token.name, SLICE("tr"))))
            buffer_add_byte(&text, '\n');
    }
    /* More than the HTML itself was: what there is will do. */
    error problem = arena_copy(run->arena, buffer_slice(&text), out_text);
    buffer_close(&text);
    return problem;
}

static error decode(struct sieve_run *run, const struct mime_part *part, slice *out_text)
{
    slice message = run->input->message;
    TRY(sieve_run_charge(run, part->body_size * 4));
    error problem = slice_equal_nocase(part->type, SLICE("text"))
                        ? mime_part_text(run->arena, message, part, out_text)
                        : mime_part_decode(run->arena, message, part, out_text);
    if (problem.kind == ERROR_MALFORMED) /* an unknown transfer encoding */
        *out_text = mime_part_body(message, part);
    else
        TRY(problem);
    if (!out_text->data)
        *out_text = SLICE("");
    return OK;
}

static error text_of(struct sieve_run *run, const struct mime_part *part, struct sieve_body *body,
                     bool as_text, slice *out_text)
{
    if (!body->decoded.data)
        TRY(decode(run, part, &body->decoded));
    *out_text = body->decoded;
    if (!as_text || !slice_equal_nocase(part->subtype, SLICE("html")))
        return OK;
    if (!body->stripped.data) {
        TRY(sieve_run_charge(run, body->decoded.size * 4));
        TRY(strip_html(run, body->decoded, &body->stripped));
        if (!body->stripped.data)
            body->stripped = SLICE("");
    }
    *out_text = body->stripped;
    return OK;
}

/* RFC 5173 5.2: "text", "text/html", "" for all. */
static bool is_of(const struct mime_part *part, const slice *types, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        slice type, subtype;
        bool both = slice_cut(types[i], '/', &type, &subtype);
        if (types[i].size == 0 || (slice_equal_nocase(type, part->type) &&
                                   (!both || slice_equal_nocase(subtype, part->subtype))))
            return true;
    }
    return false;
}

/* A multipart's own text: before its first part and after its last. */
static error match_multipart(struct sieve_matching *matching, const struct mime_part *part)
{
    slice body = mime_part_body(matching->run->input->message, part);
    const struct mime_part *first = part->first_child, *last = part->last_child;
    if (!first)
        return sieve_match_value(matching, body);
    size_t end = last->body_offset + last->body_size;
    TRY(sieve_match_value(matching, slice_sub(body, 0, first->header_offset - part->body_offset)));
    return end > part->body_offset
               ? sieve_match_value(matching, slice_from(body, end - part->body_offset))
               : OK;
}

static error match_part(struct sieve_matching *matching, const struct mime_part *part,
                        struct sieve_body *body, bool as_text)
{
    struct sieve_run *run = matching->run;
    slice text;
    if (part->kind == MIME_KIND_MULTIPART)
        return as_text ? OK : match_multipart(matching, part);
    if (part->kind == MIME_KIND_MESSAGE) /* 5.2: the header of the message in it */
        return as_text || !part->first_child
                   ? OK
                   : sieve_match_value(matching,
                                       mime_part_header(run->input->message, part->first_child));
    TRY(text_of(run, part, body, as_text, &text));
    return sieve_match_value(matching, text);
}

static error open_body(struct sieve_run *run)
{
    if (run->bodies)
        return OK;
    unsigned count = 0;
    TRY(sieve_run_charge(run, run->input->message.size));
    TRY(mime_parse(run->arena, run->input->message, &run->mime));
    for (const struct mime_part *part = run->mime.root; part; part = mime_part_walk(part))
        count++;
    run->bodies = ARENA_ARRAY(run->arena, struct sieve_body, count + 1);
    TRY_MEMORY(run->bodies);
    return OK;
}

error sieve_test_body(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    static const slice text[] = {{"text", 4}};
    const struct sieve_argument *content = meaning->tags[SIEVE_TAG_CONTENT];
    struct sieve_matching matching;
    const slice *types = text;
    TRY(sieve_match_begin(run, meaning, meaning->positional[0], &matching));
    matching.keep_captures = false;
    if (meaning->tags[SIEVE_TAG_RAW]) {
        slice message = run->input->message;
        TRY(sieve_match_value(&matching, slice_from(message, mail_header_size(message))));
        return sieve_match_end(&matching, out_true);
    }
    if (content)
        TRY(sieve_expand_list(run, content, &types));
    TRY(open_body(run));
    const struct mime_part *part = run->mime.root;
    unsigned count = content ? content->count : 1;
    TRY(sieve_run_charge(run, 16 * (size_t)run->mime.part_count * count));
    for (unsigned i = 0; part && !matching.matched; part = mime_part_walk(part), i++)
        if (is_of(part, types, count))
            TRY(match_part(&matching, part, &run->bodies[i], !content));
    return sieve_match_end(&matching, out_true);
}
