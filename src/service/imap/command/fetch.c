/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/fetch.h"

#include "base/metric.h"
#include "format/imap/cache.h"
#include "format/imap/date.h"
#include "format/imap/write.h"
#include "service/imap/command/command.h"
#include "service/imap/piece.h"
#include "service/imap/reply.h"

METRIC_COUNTER(imap_fetched, "ringmail_imap_bodies_fetched_total", "",
               "Messages of which FETCH sent a body or a piece of one");
METRIC_COUNTER(imap_fetched_bytes, "ringmail_imap_body_bytes_fetched_total", "",
               "Bytes of bodies sent by FETCH");
METRIC_COUNTER(imap_too_complex, "ringmail_imap_messages_too_complex_total", "",
               "Messages that could not be parsed within limits and were described as opaque");
METRIC_COUNTER(imap_cache_misses, "ringmail_imap_cache_misses_total", "",
               "Messages parsed because their envelope and structure were not known");

enum {
    PARSED = IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY | IMAP_FETCH_BODYSTRUCTURE,
    COPY_SIZE_MAX =
        16 << 10, /* smaller pieces are gathered, larger ones sent from where they lie */
    CACHE_BLOB_SIZE_MAX = 8 << 20,
    SCRATCH_KEPT_MAX = 64 << 10, /* from one message to the next */
};

/* One message of the command. All that can fail is fetched before the first byte is written. */
struct answer {
    struct imap_session *s;
    const struct imap_fetch *fetch;
    uint32_t index;
    uint32_t items; /* with FLAGS where they changed by this */
    struct imap_message message;
    struct imap_piece *pieces; /* one for each of fetch->bodies */
    struct buffer blob;        /* of the parsed items */
    const char *before;        /* what separates the next item */
};

static error make_blob(struct answer *a)
{
    const struct mime_message *mime;
    TRY(imap_message_mime(&a->message, &mime));
    return imap_cache_write(a->message.text, mime, a->message.scratch, &a->blob);
}

/* A message made to be too much for a parse must not keep its neighbours from being fetched. */
static error describe_as_opaque(struct answer *a)
{
    metric_add(&imap_too_complex, 1);
    buffer_reset(&a->blob);
    return imap_cache_write_opaque(a->message.size, &a->blob);
}

/* WAITS. The blob is made here where the store has none. */
static error find_blob(struct answer *a)
{
    struct imap_cache cache;
    struct mailbox *mailbox = a->s->view.mailbox;
    const struct mail *mail = mailbox_find(mailbox, a->message.uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    slice known = mailbox_cache(mailbox, mail);
    if (imap_cache_read(known, &cache)) {
        buffer_add(&a->blob, known); /* a copy: what comes next may wait */
        return buffer_check(&a->blob);
    }
    metric_add(&imap_cache_misses, 1);
    TRY(imap_message_open(&a->message));
    error problem = make_blob(a);
    if (problem.kind == ERROR_LIMIT)
        problem = describe_as_opaque(a);
    if (!failed(problem))
        mailbox_cache_set(mailbox, a->message.uid, buffer_slice(&a->blob));
    return problem;
}

/* A small piece of a file is as well read now. */
static error read_small(struct answer *a, struct imap_piece *piece)
{
    if (piece->kind != IMAP_PIECE_FILE || piece->size > COPY_SIZE_MAX)
        return OK;
    char *room = arena_alloc_bytes(a->message.scratch, piece->size);
    if (!room)
        return OK; /* it can be sent from the file */
    TRY(mail_read(&a->message.file, piece->offset, room, piece->size));
    piece->kind = IMAP_PIECE_MEMORY;
    piece->bytes = slice_of(room, piece->size);
    return OK;
}

static error find_piece(struct answer *a, const struct imap_fetch_body *body,
                        struct imap_piece *piece)
{
    error problem = imap_piece_find(&a->message, &body->section, &body->partial, piece);
    if (problem.kind == ERROR_LIMIT) { /* described as opaque: it has no parts */
        piece->kind = IMAP_PIECE_NIL;
        return OK;
    }
    TRY(problem);
    return read_small(a, piece);
}

static error prepare(struct answer *a)
{
    const struct imap_fetch *fetch = a->fetch;
    a->pieces = ARENA_ARRAY(a->message.scratch, struct imap_piece,
                            fetch->body_count ? fetch->body_count : 1);
    TRY_MEMORY(a->pieces);
    if (a->items & PARSED)
        TRY(find_blob(a));
    for (uint32_t i = 0; i < fetch->body_count; i++)
        TRY(find_piece(a, &fetch->bodies[i], &a->pieces[i]));
    if (a->items & IMAP_FETCH_SIZE && !a->message.size)
        TRY(mailbox_virtual_size(a->s->view.mailbox, a->message.uid, &a->message.size));
    return OK;
}

/* RFC 3501 6.4.5: what is not a peek sets \Seen, and the client sees that it did. */
static error mark_seen(struct answer *a)
{
    struct imap_view *view = &a->s->view;
    bool peek = true;
    for (uint32_t i = 0; i < a->fetch->body_count; i++)
        peek = peek && a->fetch->bodies[i].peek;
    const struct mail *mail = mailbox_find(view->mailbox, a->message.uid);
    if (peek || view->read_only || !mail || mail->flags & MAIL_SEEN)
        return OK;
    struct flag_change change = {
        .mode = FLAGS_ADD, .flags = MAIL_SEEN, .unchanged_since = UINT64_MAX};
    imap_view_gather(view);
    error problem = mailbox_flags(view->mailbox, a->message.uid, &change);
    imap_view_gather_own(view);
    a->items |= IMAP_FETCH_FLAGS;
    return problem;
}

static void begin_item(struct answer *a)
{
    buffer_add_string(&a->s->base.out, a->before);
    a->before = " ";
}

static void write_text_item(struct answer *a, slice name, slice text)
{
    begin_item(a);
    buffer_add(&a->s->base.out, name);
    buffer_add(&a->s->base.out, text);
}

/* From the index; the message is there, as nothing waited since it was found. */
static void write_index_items(struct answer *a, const struct mail *mail)
{
    struct buffer *out = &a->s->base.out;
    if (a->items & IMAP_FETCH_UID || a->s->command.uid) {
        begin_item(a);
        buffer_format(out, "UID %u", mail->uid);
    }
    if (a->items & IMAP_FETCH_FLAGS) {
        begin_item(a);
        imap_view_write_message_flags(a->s, mail);
    }
    if (a->items & IMAP_FETCH_INTERNALDATE) {
        begin_item(a);
        buffer_add(out, SLICE("INTERNALDATE "));
        imap_date_time_write(mail->internal_date, out);
    }
    if (a->items & IMAP_FETCH_SIZE) {
        begin_item(a);
        buffer_add(out, SLICE("RFC822.SIZE "));
        buffer_add_u64(out, a->message.size);
    }
}

static void write_parsed_items(struct answer *a)
{
    struct imap_cache cache;
    if (!(a->items & PARSED) || !imap_cache_read(buffer_slice(&a->blob), &cache))
        return;
    if (a->items & IMAP_FETCH_ENVELOPE)
        write_text_item(a, SLICE("ENVELOPE "), cache.envelope);
    if (a->items & IMAP_FETCH_BODY)
        write_text_item(a, SLICE("BODY "), cache.body);
    if (a->items & IMAP_FETCH_BODYSTRUCTURE)
        write_text_item(a, SLICE("BODYSTRUCTURE "), cache.structure);
}

/* WAITS. The literal's bytes. A client that stalls is given up by the stream. */
static error send_piece(struct answer *a, const struct imap_piece *piece)
{
    struct imap_session *s = a->s;
    if (piece->kind == IMAP_PIECE_MEMORY && piece->size <= COPY_SIZE_MAX) {
        buffer_add(&s->base.out, piece->bytes);
        return user_send_some(&s->base);
    }
    TRY(user_send(&s->base));
    error problem = piece->kind == IMAP_PIECE_FILE
                        ? stream_send_file(s->base.stream, a->message.file.fd, (off_t)piece->offset,
                                           piece->size, TIME_NEVER)
                        : stream_send(s->base.stream, piece->bytes, TIME_NEVER);
    if (failed(problem))
        s->base.lost = problem; /* whatever kind: the literal is incomplete */
    return problem;
}

static error write_bodies(struct answer *a)
{
    for (uint32_t i = 0; i < a->fetch->body_count; i++) {
        const struct imap_piece *piece = &a->pieces[i];
        begin_item(a);
        imap_fetch_body_write_name(&a->fetch->bodies[i], &a->s->base.out);
        if (piece->kind == IMAP_PIECE_NIL) {
            buffer_add(&a->s->base.out, SLICE(" NIL"));
            continue;
        }
        buffer_add_byte(&a->s->base.out, ' ');
        imap_write_literal_head(piece->size, &a->s->base.out);
        TRY(send_piece(a, piece));
        metric_add(&imap_fetched_bytes, (int64_t)piece->size);
    }
    if (a->fetch->body_count) {
        metric_add(&imap_fetched, 1);
        a->s->counts.fetched++;
    }
    return OK;
}

static error answer(struct answer *a)
{
    TRY(prepare(a));
    TRY(mark_seen(a));
    const struct mail *mail = mailbox_find(a->s->view.mailbox, a->message.uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    buffer_format(&a->s->base.out, "* %u FETCH (", a->index + 1);
    a->before = "";
    write_index_items(a, mail);
    write_parsed_items(a);
    TRY(write_bodies(a));
    buffer_add(&a->s->base.out, SLICE(")\r\n"));
    return user_send_some(&a->s->base);
}

/* What became of the messages of one FETCH. */
struct outcome {
    bool missing;  /* expunged meanwhile */
    error trouble; /* the first that could not be read */
};

static error fetch_one(struct imap_session *s, const struct imap_fetch *fetch, uint32_t index,
                       struct arena *scratch, struct outcome *outcome)
{
    struct answer a = {.s = s, .fetch = fetch, .index = index, .items = fetch->items};
    buffer_init(&a.blob, CACHE_BLOB_SIZE_MAX);
    imap_message_init(&a.message, s->view.mailbox, s->view.uids[index], scratch);
    error problem = answer(&a);
    imap_message_close(&a.message);
    buffer_close(&a.blob);
    if (failed(s->base.lost))
        return s->base.lost;
    if (problem.kind == ERROR_NOT_FOUND)
        outcome->missing = true;
    else if (failed(problem) && !failed(outcome->trouble))
        outcome->trouble = problem;
    return OK;
}

/* RFC 3501 6.4.5. Messages that another session expunged meanwhile are passed over (RFC 2180
 * 4.1.2) and the client learns that something is missing; one that cannot be read makes the answer
 * NO, but the others come. */
error imap_command_fetch(struct imap_session *s)
{
    struct imap_fetch fetch;
    struct arena scratch;
    struct outcome outcome = {0};
    uint32_t *indexes, count;
    TRY(imap_fetch_parse(&s->command.arguments, &s->base.arena, &fetch));
    TRY(imap_view_select(s, &fetch.set, s->command.uid, &indexes, &count));
    arena_init(&scratch, IMAP_SCRATCH_SIZE_MAX);
    arena_keep(&scratch, SCRATCH_KEPT_MAX);
    error problem = OK;
    for (uint32_t i = 0; i < count && !failed(problem); i++)
        problem = fetch_one(s, &fetch, indexes[i], &scratch, &outcome);
    arena_close(&scratch);
    TRY(problem);
    if (outcome.missing)
        s->response.code = IMAP_CODE_EXPUNGEISSUED;
    return outcome.trouble;
}
