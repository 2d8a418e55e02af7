/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/structure.h"

#include "format/imap/envelope.h"
#include "format/imap/limits.h"
#include "format/imap/write.h"
#include "format/mail/mime.h"

struct writer {
    slice message;
    bool extended;
    struct arena *arena;
    struct buffer *out;
};

static error write_part(const struct writer *w, const struct mime_part *part, unsigned depth);

static void write_parameters(const struct mime_parameter *parameter, struct buffer *out)
{
    if (!parameter) {
        buffer_add(out, SLICE("NIL"));
        return;
    }
    const char *before = "(";
    for (; parameter; parameter = parameter->next) {
        buffer_add_string(out, before);
        imap_write_string(parameter->name, false, out);
        buffer_add_byte(out, ' ');
        imap_write_string(parameter->value, false, out);
        before = " ";
    }
    buffer_add_byte(out, ')');
}

static void write_disposition(const struct mime_part *part, struct buffer *out)
{
    if (!part->disposition.data) {
        buffer_add(out, SLICE("NIL"));
        return;
    }
    buffer_add_byte(out, '(');
    imap_write_string(part->disposition, false, out);
    buffer_add_byte(out, ' ');
    write_parameters(part->disposition_parameters, out);
    buffer_add_byte(out, ')');
}

/* body-fld-lang: nstring, or a list where there are several. */
static void write_languages(slice list, struct buffer *out)
{
    slice language;
    if (slice_find_byte(list, ',') < 0) {
        imap_write_nstring(list, false, out);
        return;
    }
    buffer_add_byte(out, '(');
    for (const char *before = ""; list.size; before = " ") {
        slice_cut(list, ',', &language, &list);
        buffer_add_string(out, before);
        imap_write_string(slice_trim(language), false, out);
    }
    buffer_add_byte(out, ')');
}

/* body-fld-dsp, body-fld-lang, body-fld-loc */
static void write_common_extension(const struct mime_part *part, struct buffer *out)
{
    buffer_add_byte(out, ' ');
    write_disposition(part, out);
    buffer_add_byte(out, ' ');
    write_languages(part->language, out);
    buffer_add_byte(out, ' ');
    imap_write_nstring(part->location, false, out);
}

/* RFC 3501 7.4.2: "7BIT" where no encoding is named. */
static void write_encoding(const struct mime_part *part, struct buffer *out)
{
    imap_write_string(part->encoding_name.size ? part->encoding_name : SLICE("7bit"), false, out);
}

/* Type, subtype and body-fields. */
static void write_leaf_head(const struct writer *w, const struct mime_part *part, slice type,
                            slice subtype)
{
    struct buffer *out = w->out;
    imap_write_string(type, false, out);
    buffer_add_byte(out, ' ');
    imap_write_string(subtype, false, out);
    buffer_add_byte(out, ' ');
    if (!part->type_named &&
        part->kind == MIME_KIND_LEAF) /* RFC 2045 5.2: the default has a charset */
        buffer_add(out, SLICE("(\"charset\" \"us-ascii\")"));
    else
        write_parameters(part->parameters, out);
    buffer_add_byte(out, ' ');
    imap_write_nstring(part->id, false, out);
    buffer_add_byte(out, ' ');
    imap_write_nstring(part->description, false, out);
    buffer_add_byte(out, ' ');
    write_encoding(part, out);
    buffer_add_byte(out, ' ');
    buffer_add_u64(out, part->body_size + part->body_bare_lf_count);
}

static void write_leaf_extension(const struct writer *w, const struct mime_part *part)
{
    if (w->extended) {
        buffer_add_byte(w->out, ' ');
        imap_write_nstring(part->md5, false, w->out);
        write_common_extension(part, w->out);
    }
    buffer_add_byte(w->out, ')');
}

static void write_lines(const struct mime_part *part, struct buffer *out)
{
    buffer_add_byte(out, ' ');
    buffer_add_u64(out, part->body_line_count);
}

static error write_message(const struct writer *w, const struct mime_part *part, unsigned depth)
{
    const struct mime_part *inner = part->first_child;
    write_leaf_head(w, part, part->type, part->subtype);
    buffer_add_byte(w->out, ' ');
    TRY(imap_envelope_write(mime_part_header(w->message, inner), w->arena, w->out));
    buffer_add_byte(w->out, ' ');
    TRY(write_part(w, inner, depth + 1));
    write_lines(part, w->out);
    write_leaf_extension(w, part);
    return OK;
}

static error write_multipart(const struct writer *w, const struct mime_part *part, unsigned depth)
{
    for (const struct mime_part *child = part->first_child; child; child = child->next)
        TRY(write_part(w, child, depth + 1));
    buffer_add_byte(w->out, ' ');
    imap_write_string(part->subtype, false, w->out);
    if (w->extended) {
        buffer_add_byte(w->out, ' ');
        write_parameters(part->parameters, w->out);
        write_common_extension(part, w->out);
    }
    buffer_add_byte(w->out, ')');
    return OK;
}

/* What cannot be opened: a leaf, a multipart without parts, a nest too deep. A client would look
 * for parts or an envelope in a multipart or message/rfc822, so those are called opaque bytes. */
static void write_leaf(const struct writer *w, const struct mime_part *part)
{
    bool opaque = part->kind != MIME_KIND_LEAF ||
                  slice_equal_nocase(part->type, SLICE("multipart")) ||
                  mime_part_is(part, SLICE("message"), SLICE("rfc822")) ||
                  mime_part_is(part, SLICE("message"), SLICE("global"));
    write_leaf_head(w, part, opaque ? SLICE("application") : part->type,
                    opaque ? SLICE("octet-stream") : part->subtype);
    if (!opaque && slice_equal_nocase(part->type, SLICE("text")))
        write_lines(part, w->out);
    write_leaf_extension(w, part);
}

static error write_part(const struct writer *w, const struct mime_part *part, unsigned depth)
{
    bool open = depth < IMAP_STRUCTURE_DEPTH_MAX && part->first_child;
    buffer_add_byte(w->out, '(');
    if (open && part->kind == MIME_KIND_MULTIPART)
        return write_multipart(w, part, depth);
    if (open && part->kind == MIME_KIND_MESSAGE)
        return write_message(w, part, depth);
    write_leaf(w, part);
    return OK;
}

error imap_structure_write(slice message, const struct mime_part *root, bool extended,
                           struct arena *arena, struct buffer *out)
{
    struct writer w = {message, extended, arena, out};
    TRY(write_part(&w, root, 0));
    return buffer_check(out);
}
