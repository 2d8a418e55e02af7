/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/downgrade.h"

#include "base/utf8.h"
#include "format/mail/header.h"
#include "format/mail/mime.h"
#include "format/text/base64.h"
#include "format/text/quoted_printable.h"

enum { BASE64_LINE_BYTES = 57 }; /* 76 characters, RFC 2045 6.8 */

struct downgrade {
    slice message;
    enum mail_target target;
    struct buffer *out;
    size_t at; /* of the message: written so far */
};

/* ---- What is in a body ---- */

/* A line end, a line or a byte that no text has (RFC 2045 2.7, 2.8). */
static bool is_binary(slice body)
{
    slice line, rest = body;
    if (slice_find_byte(body, '\0') >= 0)
        return true;
    for (bool more = true; more && rest.size;) {
        more = slice_cut(rest, '\n', &line, &rest);
        if (more != slice_ends(line, SLICE("\r"))) /* a bare LF, or a CR at the very end */
            return true;
        line.size -= more;
        if (line.size > MAIL_LINE_SIZE_MAX || slice_find_byte(line, '\r') >= 0)
            return true;
    }
    return false;
}

static bool does_not_fit(slice body, enum mail_target target)
{
    return (target == MAIL_TO_7BIT && !utf8_is_ascii(body)) || is_binary(body);
}

bool mail_needs_downgrade(slice message, enum mail_target target)
{
    return does_not_fit(slice_from(message, mail_header_size(message)), target);
}

static size_t count_high(slice body)
{
    size_t count = 0;
    for (size_t i = 0; i < body.size; i++)
        count += (unsigned char)body.data[i] >= 0x80 || body.data[i] == '\0';
    return count;
}

/* ---- Headers ---- */

static void write_field(struct buffer *out, slice raw)
{
    buffer_add(out, raw);
    if (raw.size && raw.data[raw.size - 1] != '\n')
        buffer_add_string(out, "\r\n");
}

/* A message of its own says which MIME it is; one without any gets what RFC 1428 3 proposes. */
static void write_missing(struct downgrade *d, const struct mime_part *part, slice header)
{
    slice value;
    if (part->parent && part->parent->kind != MIME_KIND_MESSAGE)
        return;
    if (!mail_header_find(header, SLICE("MIME-Version"), &value))
        buffer_add_string(d->out, "MIME-Version: 1.0\r\n");
    if (!part->type_named)
        buffer_add_string(d->out, "Content-Type: text/plain; charset=unknown-8bit\r\n");
}

/* The part's header with another encoding in it. */
static void write_header(struct downgrade *d, const struct mime_part *part, const char *encoding)
{
    slice header = mime_part_header(d->message, part);
    struct mail_header_iterator fields;
    struct mail_header_field field;
    mail_header_begin(&fields, header);
    while (mail_header_next(&fields, &field))
        if (!slice_equal_nocase(field.name, SLICE("Content-Transfer-Encoding")))
            write_field(d->out, slice_sub(header, field.offset, field.size));
    write_missing(d, part, header);
    buffer_format(d->out, "Content-Transfer-Encoding: %s\r\n", encoding);
    slice rest = slice_from(header, fields.at);
    buffer_add(d->out, rest.size ? rest : SLICE("\r\n")); /* the empty line */
}

/* ---- Bodies ---- */

static void write_base64(struct buffer *out, slice body)
{
    while (body.size) {
        slice line = slice_sub(body, 0, BASE64_LINE_BYTES);
        base64_encode(out, line);
        body = slice_from(body, line.size);
        if (body.size)
            buffer_add_string(out, "\r\n");
    }
}

/* What claims to be encoded, and has bytes that no encoding makes: for quoted-printable they are
 * encoded, in base64 nobody reads them (RFC 2045 6.8). */
static void write_mended(struct buffer *out, slice body, enum mime_encoding encoding)
{
    for (size_t i = 0; i < body.size; i++) {
        unsigned char byte = (unsigned char)body.data[i];
        if (byte < 0x80 && byte != '\0')
            buffer_add_byte(out, (char)byte);
        else if (encoding == MIME_ENCODING_QUOTED_PRINTABLE)
            buffer_format(out, "=%02X", byte);
    }
}

/* RFC 2046 5.2: these are nothing but lines; a multipart that was not understood, too. */
static bool may_be_encoded(const struct mime_part *part)
{
    if (slice_equal_nocase(part->type, SLICE("multipart")))
        return false;
    return !slice_equal_nocase(part->type, SLICE("message")) ||
           !(slice_equal_nocase(part->subtype, SLICE("partial")) ||
             slice_equal_nocase(part->subtype, SLICE("external-body")));
}

static error write_leaf(struct downgrade *d, const struct mime_part *part)
{
    slice body = mime_part_body(d->message, part);
    d->at = part->body_offset + part->body_size;
    if (part->encoding == MIME_ENCODING_QUOTED_PRINTABLE ||
        part->encoding == MIME_ENCODING_BASE64) {
        buffer_add(d->out, mime_part_header(d->message, part));
        write_mended(d->out, body, part->encoding);
        return OK;
    }
    if (part->encoding == MIME_ENCODING_UNKNOWN || !may_be_encoded(part))
        return error_make(ERROR_PERMANENT, "a part cannot be encoded");
    /* One byte becomes three, or three become four. */
    bool quoted = count_high(body) < body.size / 6;
    write_header(d, part, quoted ? "quoted-printable" : "base64");
    if (quoted)
        quoted_printable_encode(d->out, body);
    else
        write_base64(d->out, body);
    return OK;
}

/* Boundaries, and the text around them that nobody reads (RFC 2046 5.1.1). */
static void write_between(struct downgrade *d, size_t end)
{
    slice text = slice_sub(d->message, d->at, end - d->at);
    bool boundary = false;
    d->at = end;
    if (d->target != MAIL_TO_7BIT || utf8_is_ascii(text)) {
        buffer_add(d->out, text);
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (i == 0 || text.data[i - 1] == '\n')
            boundary = slice_starts(slice_from(text, i), SLICE("--"));
        bool high = (unsigned char)text.data[i] >= 0x80;
        buffer_add_byte(d->out, high && !boundary ? '?' : text.data[i]);
    }
}

static error write_part(struct downgrade *d, const struct mime_part *part)
{
    enum mime_encoding allowed =
        d->target == MAIL_TO_7BIT ? MIME_ENCODING_7BIT : MIME_ENCODING_8BIT;
    write_between(d, part->header_offset);
    d->at = part->body_offset;
    if (part->kind == MIME_KIND_LEAF && does_not_fit(mime_part_body(d->message, part), d->target))
        return write_leaf(d, part);
    /* RFC 2045 6.4: what says it is binary is not, any more. */
    if ((part->encoding == MIME_ENCODING_BINARY || part->encoding == MIME_ENCODING_8BIT) &&
        part->encoding > allowed)
        write_header(d, part, allowed == MIME_ENCODING_7BIT ? "7bit" : "8bit");
    else
        buffer_add(d->out, mime_part_header(d->message, part));
    if (part->kind == MIME_KIND_LEAF) {
        buffer_add(d->out, mime_part_body(d->message, part));
        d->at += part->body_size;
    }
    return OK;
}

error mail_downgrade(slice message, enum mail_target target, struct arena *arena,
                     struct buffer *out)
{
    struct mime_message tree;
    struct downgrade d = {.message = message, .target = target, .out = out};
    TRY(mime_parse(arena, message, &tree));
    if (tree.cut_short)
        return error_make(ERROR_PERMANENT, "the message has too many parts to convert");
    for (const struct mime_part *part = tree.root; part; part = mime_part_walk(part))
        TRY(write_part(&d, part));
    write_between(&d, message.size);
    return buffer_check(out);
}
