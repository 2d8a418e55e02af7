/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is asked of a parsed tree.
 */
#include "format/mail/encoded.h"
#include "format/mail/mime.h"
#include "format/text/base64.h"
#include "format/text/charset.h"
#include "format/text/quoted_printable.h"

struct mime_part *mime_part_child(const struct mime_part *part, unsigned number)
{
    if (number == 0 || number > part->child_count)
        return NULL;
    struct mime_part *child = part->first_child;
    while (--number)
        child = child->next;
    return child;
}

struct mime_part *mime_part_find(const struct mime_message *message, const unsigned *numbers,
                                 size_t count)
{
    struct mime_part *part = message->root;
    bool is_message = true; /* part stands for a message whose numbers begin here */
    for (size_t i = 0; i < count && part; i++) {
        if (!is_message && part->kind == MIME_KIND_MESSAGE) {
            part = part->first_child;
            is_message = true;
        }
        if (part && part->kind == MIME_KIND_MULTIPART)
            part = mime_part_child(part, numbers[i]);
        else if (!is_message || numbers[i] != 1)
            part = NULL;
        is_message = false;
    }
    return part;
}

struct mime_part *mime_part_walk(const struct mime_part *part)
{
    if (part->first_child)
        return part->first_child;
    while (part && !part->next)
        part = part->parent;
    return part ? part->next : NULL;
}

bool mime_part_is(const struct mime_part *part, slice type, slice subtype)
{
    return slice_equal_nocase(part->type, type) && slice_equal_nocase(part->subtype, subtype);
}

slice mime_parameter_find(const struct mime_parameter *parameters, slice name)
{
    for (; parameters; parameters = parameters->next)
        if (slice_equal(parameters->name, name))
            return parameters->value;
    return SLICE_EMPTY;
}

static int hex_value(char byte)
{
    char lower = ascii_lower(byte);
    if (ascii_is_digit(byte))
        return byte - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* RFC 2231 4: charset'language'text with percent codes. */
static error decode_extended(struct arena *arena, slice value, slice *out_text)
{
    slice charset, language, text;
    if (!slice_cut(value, '\'', &charset, &text) || !slice_cut(text, '\'', &language, &text)) {
        charset = SLICE_EMPTY;
        text = value;
    }
    char *bytes = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(bytes);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '%' && i + 2 < text.size) {
            high = hex_value(text.data[i + 1]);
            low = hex_value(text.data[i + 2]);
        }
        bool code = high >= 0 && low >= 0;
        bytes[size++] = (char)(code ? high << 4 | low : text.data[i]);
        i += code ? 2 : 0;
    }
    slice decoded = {bytes, size};
    if (charset.size) {
        error problem = charset_to_utf8(arena, charset, decoded, out_text);
        if (problem.kind != ERROR_NOT_FOUND)
            return problem;
    }
    return charset_guess_to_utf8(arena, decoded, out_text);
}

error mime_parameter_decode(struct arena *arena, const struct mime_parameter *parameters,
                            slice name, slice *out_text)
{
    slice plain = SLICE_EMPTY;
    for (; parameters; parameters = parameters->next) {
        slice have = parameters->name;
        if (have.size == name.size + 1 && have.data[name.size] == '*' && slice_starts(have, name))
            return decode_extended(arena, parameters->value, out_text);
        if (!plain.data && slice_equal(have, name))
            plain = parameters->value;
    }
    if (plain.data)
        return mail_encoded_decode(arena, plain, out_text);
    *out_text = SLICE_EMPTY;
    return OK;
}

error mime_part_file_name(struct arena *arena, const struct mime_part *part, slice *out_text)
{
    slice text;
    TRY(mime_parameter_decode(arena, part->disposition_parameters, SLICE("filename"), &text));
    if (!text.data)
        TRY(mime_parameter_decode(arena, part->parameters, SLICE("name"), &text));
    *out_text = text;
    return OK;
}

error mime_part_decode(struct arena *arena, slice message, const struct mime_part *part,
                       slice *out_bytes)
{
    slice body = mime_part_body(message, part);
    switch (part->encoding) {
    case MIME_ENCODING_BASE64:
        return base64_decode_loose(arena, body, out_bytes);
    case MIME_ENCODING_QUOTED_PRINTABLE:
        return quoted_printable_decode(arena, body, out_bytes);
    case MIME_ENCODING_UNKNOWN:
        return error_make(ERROR_MALFORMED, "unknown transfer encoding");
    default:
        *out_bytes = body;
        return OK;
    }
}

error mime_part_text(struct arena *arena, slice message, const struct mime_part *part,
                     slice *out_text)
{
    slice bytes;
    TRY(mime_part_decode(arena, message, part, &bytes));
    slice charset = mime_parameter_find(part->parameters, SLICE("charset"));
    if (charset.size) {
        error problem = charset_to_utf8(arena, charset, bytes, out_text);
        if (problem.kind != ERROR_NOT_FOUND)
            return problem;
    }
    return charset_guess_to_utf8(arena, bytes, out_text);
}
