/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/pop3/text.h"
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

#include "data/store/mail.h"

METRIC_COUNTER(pop3_retrieved, "ringmail_pop3_retrieved_total", "", "Messages sent by RETR");
METRIC_COUNTER(pop3_retrieved_bytes, "ringmail_pop3_retrieved_bytes_total", "",
               "Bytes of messages sent by RETR and TOP");

enum {
    COPY_SIZE_MAX = 16 << 10
}; /* smaller runs are gathered, larger ones sent from where they lie */

/* A file being sent, one chunk in memory at a time. */
struct sending {
    struct pop3_session *s;
    struct mail_file file;
    uint64_t at; /* of the file: read so far */
    char *room;
    slice chunk;
    struct pop3_text text;
};

static error read_chunk(struct sending *sending)
{
    uint64_t left = sending->file.size - sending->at;
    size_t size = left < POP3_CHUNK_SIZE ? (size_t)left : POP3_CHUNK_SIZE;
    TRY(mail_read(&sending->file, sending->at, sending->room, size));
    sending->at += size;
    sending->chunk = slice_of(sending->room, size);
    return OK;
}

static error send_run(struct pop3_session *s, slice before, slice run)
{
    buffer_add(&s->base.out, before);
    metric_add(&pop3_retrieved_bytes, (int64_t)run.size);
    if (run.size <= COPY_SIZE_MAX) {
        buffer_add(&s->base.out, run);
        return user_send_some(&s->base);
    }
    TRY(user_send(&s->base));
    return user_lost(&s->base, stream_send(s->base.stream, run, TIME_NEVER));
}

static error send_chunk(struct sending *sending)
{
    slice before, run;
    while (pop3_text_next(&sending->text, &sending->chunk, &before, &run))
        TRY(send_run(sending->s, before, run));
    return OK;
}

/* The first chunk is read before anything is said, so that a file that cannot be read is an -ERR.
 */
static error send_file(struct sending *sending, const struct pop3_mail *mail)
{
    struct pop3_session *s = sending->s;
    sending->room = arena_alloc_bytes(&s->base.arena, sending->file.size < POP3_CHUNK_SIZE
                                                          ? sending->file.size + 1
                                                          : POP3_CHUNK_SIZE);
    TRY_MEMORY(sending->room);
    TRY(read_chunk(sending));
    buffer_format(&s->base.out, "+OK %llu octets\r\n", (unsigned long long)mail->size);
    s->base.answered = true;
    error problem = send_chunk(sending);
    while (!failed(problem) && !sending->text.done && sending->at < sending->file.size) {
        problem = read_chunk(sending);
        if (!failed(problem))
            problem = send_chunk(sending);
    }
    if (failed(problem) && !failed(s->base.lost))
        s->base.lost = problem; /* whatever kind: the message is incomplete */
    TRY(problem);
    buffer_add(&s->base.out, pop3_text_end(&sending->text));
    return user_send(&s->base);
}

error pop3_command_send_mail(struct pop3_session *s, const struct pop3_mail *mail, int64_t lines)
{
    struct sending sending = {.s = s};
    pop3_text_init(&sending.text, lines);
    error problem = mail_open(s->drop.mailbox, mail->uid, &sending.file);
    if (problem.kind == ERROR_NOT_FOUND) /* another session, or program, was faster */
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    TRY(problem);
    problem = send_file(&sending, mail);
    mail_close(&sending.file);
    return problem;
}

/* As IMAP's FETCH. Where it does not succeed nothing is lost: the client has the message. */
static void mark_seen(struct pop3_session *s, uint32_t uid)
{
    struct flag_change change = {
        .mode = FLAGS_ADD, .flags = MAIL_SEEN, .unchanged_since = UINT64_MAX};
    const struct mail *mail = mailbox_find(s->drop.mailbox, uid);
    if (s->settings->mark_seen && mail && !(mail->flags & MAIL_SEEN))
        error_ignore(mailbox_flags(s->drop.mailbox, uid, &change));
}

/* RFC 1939 5 */
error pop3_command_retr(struct pop3_session *s)
{
    struct pop3_mail *mail;
    TRY(pop3_maildrop_find(&s->drop, s->command.numbers[0], &mail));
    TRY(pop3_command_send_mail(s, mail, POP3_TEXT_WHOLE));
    mark_seen(s, mail->uid);
    metric_add(&pop3_retrieved, 1);
    s->retrieved++;
    return OK;
}
