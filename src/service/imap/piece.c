/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/piece.h"

#include "format/mail/header.h"

static struct imap_piece memory(slice bytes)
{
    return (struct imap_piece){.kind = IMAP_PIECE_MEMORY, .size = bytes.size, .bytes = bytes};
}

static bool is_named(const struct imap_section *section, slice name)
{
    for (uint32_t i = 0; i < section->field_count; i++)
        if (slice_equal_nocase(section->fields[i], name))
            return true;
    return false;
}

/* HEADER.FIELDS and .NOT: the fields as they stand, in their order, and the empty line. */
static error filter(struct arena *arena, const struct imap_section *section, slice header,
                    struct imap_piece *out_piece)
{
    bool wanted = section->kind == IMAP_SECTION_HEADER_FIELDS;
    char *room = arena_alloc_bytes(arena, header.size + 2);
    TRY_MEMORY(room);
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    size_t size = 0;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field)) {
        if (field.name.size == 0 || is_named(section, field.name) != wanted)
            continue;
        memcpy(room + size, header.data + field.offset, field.size);
        size += field.size;
    }
    memcpy(room + size, "\r\n", 2);
    *out_piece = memory(slice_of(room, size + 2));
    return OK;
}

static error from_header(struct arena *arena, const struct imap_section *section, slice header,
                         struct imap_piece *out_piece)
{
    if (section->kind != IMAP_SECTION_HEADER)
        return filter(arena, section, header, out_piece);
    *out_piece = memory(header);
    return OK;
}

/* Sections of the message itself: no parse is needed. */
static error find_in_message(struct imap_message *message, const struct imap_section *section,
                             struct imap_piece *out_piece)
{
    slice header = SLICE(""), text;
    TRY(imap_message_open(message));
    if (section->kind != IMAP_SECTION_WHOLE)
        TRY(imap_message_header(message, &header));
    if (section->kind != IMAP_SECTION_WHOLE && section->kind != IMAP_SECTION_TEXT)
        return from_header(message->scratch, section, header, out_piece);
    if (message->as_sent) {
        *out_piece = (struct imap_piece){.kind = IMAP_PIECE_FILE,
                                         .offset = header.size,
                                         .size = message->file.size - header.size};
        return OK;
    }
    TRY(imap_message_text(message, &text));
    *out_piece = memory(slice_from(text, header.size));
    return OK;
}

static error find_in_part(struct imap_message *message, const struct imap_section *section,
                          struct imap_piece *out_piece)
{
    const struct mime_message *mime;
    TRY(imap_message_mime(message, &mime));
    const struct mime_part *part = mime_part_find(mime, section->parts, section->depth);
    *out_piece = (struct imap_piece){.kind = IMAP_PIECE_NIL};
    if (!part)
        return OK;
    if (section->kind == IMAP_SECTION_WHOLE) {
        *out_piece = memory(mime_part_body(message->text, part));
        return OK;
    }
    if (section->kind == IMAP_SECTION_MIME) {
        *out_piece = memory(mime_part_header(message->text, part));
        return OK;
    }
    /* RFC 3501 6.4.5: the rest is for parts that are messages */
    if (part->kind != MIME_KIND_MESSAGE || !part->first_child)
        return OK;
    part = part->first_child;
    if (section->kind != IMAP_SECTION_TEXT)
        return from_header(message->scratch, section, mime_part_header(message->text, part),
                           out_piece);
    *out_piece = memory(mime_part_body(message->text, part));
    return OK;
}

/* RFC 3501 6.4.5: beyond the end is an empty string. */
static void cut(const struct imap_partial *partial, struct imap_piece *piece)
{
    uint64_t from = partial->offset < piece->size ? partial->offset : piece->size;
    uint64_t rest = piece->size - from;
    piece->offset += from;
    piece->size = partial->size < rest ? partial->size : rest;
    if (piece->kind == IMAP_PIECE_MEMORY)
        piece->bytes = slice_sub(piece->bytes, from, piece->size);
}

error imap_piece_find(struct imap_message *message, const struct imap_section *section,
                      const struct imap_partial *partial, struct imap_piece *out_piece)
{
    struct imap_piece piece;
    TRY(section->depth ? find_in_part(message, section, &piece)
                       : find_in_message(message, section, &piece));
    if (partial->given)
        cut(partial, &piece);
    *out_piece = piece;
    return OK;
}
