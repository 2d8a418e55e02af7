/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/sink.h"

#include "base/cursor.h"
#include "format/smtp/command.h"
#include "net/stream.h"
#include "net/tls.h"
#include "runtime/fiber.h"

struct session {
    struct stream *stream;
    const struct sink_options *options;
    struct tls_server *tls;
    struct sink_counts *counts;
    bool mail;           /* MAIL was accepted */
    uint64_t recipients; /* of this mail */
    uint64_t chunked;    /* bytes of BDAT so far */
    bool chunking;       /* between the first BDAT and the last */
    bool finished;
};

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    /* One writer: no locked instruction is needed. */
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + by, memory_order_relaxed);
}

static error say(struct session *s, slice reply)
{
    if (reply.data[0] >= '4')
        count(&s->counts->refused, 1);
    if (slice_starts(reply, SLICE("421")))
        s->finished = true;
    TRY(stream_write(s->stream, reply));
    return stream_write(s->stream, SLICE("\r\n"));
}

/* What the stage is told to answer, after its delay; empty: it accepts. WAITS. */
static error behave(struct session *s, enum sink_stage stage, slice *out_refusal)
{
    const struct sink_behaviour *behaviour = &s->options->stages[stage];
    *out_refusal = SLICE_EMPTY;
    if (behaviour->delay) {
        TRY(stream_flush(s->stream, TIME_NEVER));
        TRY(fiber_sleep(behaviour->delay));
    }
    if (behaviour->reply.size && ++s->counts->turn[stage] % behaviour->every == 0)
        *out_refusal = behaviour->reply;
    return OK;
}

/* *out_accepted where the stage let it pass. */
static error answer(struct session *s, enum sink_stage stage, slice acceptance, bool *out_accepted)
{
    slice refusal;
    TRY(behave(s, stage, &refusal));
    *out_accepted = refusal.size == 0 || refusal.data[0] < '4';
    return say(s, refusal.size ? refusal : acceptance);
}

static void forget(struct session *s)
{
    s->mail = s->chunking = false;
    s->recipients = s->chunked = 0;
}

/* The mail has come: one reply, or one for each recipient (RFC 2033 4.2). */
static error finish(struct session *s, uint64_t bytes)
{
    slice refusal;
    uint64_t replies = s->options->lmtp ? s->recipients : 1, accepted = 0;
    for (uint64_t i = 0; i < replies; i++) {
        TRY(behave(s, SINK_END, &refusal));
        bool good = refusal.size == 0 || refusal.data[0] < '4';
        accepted += good;
        TRY(say(s, refusal.size ? refusal : SLICE("250 2.0.0 Gone")));
    }
    if (accepted) {
        count(&s->counts->messages, 1);
        count(&s->counts->recipients, s->options->lmtp ? accepted : s->recipients);
        count(&s->counts->bytes, bytes);
    }
    forget(s);
    return OK;
}

static error take_hello(struct session *s, bool extended)
{
    static const slice lines[] = {
#define X(name, word, line) [SINK_OFFER_##name] = SLICE("250-" line "\r\n"),
        SINK_OFFER_TABLE(X)
#undef X
    };
    slice refusal;
    TRY(behave(s, SINK_HELLO, &refusal));
    forget(s);
    if (refusal.size)
        return say(s, refusal);
    if (!extended)
        return say(s, SLICE("250 sink.invalid"));
    TRY(stream_write(s->stream, SLICE("250-sink.invalid\r\n")));
    for (unsigned i = 0; i < SINK_OFFERS; i++)
        if (s->options->offers & 1u << i)
            TRY(stream_write(s->stream, lines[i]));
    if (s->tls && !stream_is_tls(s->stream))
        TRY(stream_write(s->stream, SLICE("250-STARTTLS\r\n")));
    return say(s, SLICE("250 HELP"));
}

static error take_mail(struct session *s)
{
    if (s->mail)
        return say(s, SLICE("503 5.5.1 One at a time"));
    return answer(s, SINK_MAIL, SLICE("250 2.1.0 Ok"), &s->mail);
}

static error take_recipient(struct session *s)
{
    bool accepted;
    if (!s->mail || s->chunking)
        return say(s, SLICE("503 5.5.1 MAIL first"));
    if (s->recipients >= SINK_RECIPIENTS_MAX)
        return say(s, SLICE("452 4.5.3 Too many recipients"));
    TRY(answer(s, SINK_RCPT, SLICE("250 2.1.5 Ok"), &accepted));
    s->recipients += accepted;
    return OK;
}

static error take_data(struct session *s)
{
    bool accepted;
    uint64_t bytes;
    if (s->recipients == 0 || s->chunking)
        return say(s, SLICE("503 5.5.1 RCPT first"));
    TRY(answer(s, SINK_DATA, SLICE("354 Go on"), &accepted));
    if (!accepted)
        return OK;
    error problem = stream_skip_dot(s->stream, TIME_NEVER, &bytes);
    if (problem.kind == ERROR_MALFORMED)
        count(&s->counts->malformed, 1);
    else
        TRY(problem);
    return finish(s, bytes);
}

/* RFC 3030 2: the chunk follows its command whatever the answer will be. */
static error take_chunk(struct session *s, slice line)
{
    struct cursor c = cursor_over(slice_from(line, 4));
    uint64_t size;
    bool accepted;
    cursor_skip_blanks(&c);
    if (!(s->options->offers & 1u << SINK_OFFER_CHUNKING) ||
        !cursor_take_u64(&c, INT64_MAX, &size)) {
        s->finished = true; /* where the next command begins nobody knows */
        return say(s, SLICE("501 5.5.4 No chunk of mine"));
    }
    cursor_skip_blanks(&c);
    bool last = cursor_take_nocase(&c, SLICE("LAST"));
    TRY(stream_skip(s->stream, size, TIME_NEVER));
    if (s->recipients == 0)
        return say(s, SLICE("503 5.5.1 RCPT first"));
    s->chunking = true;
    s->chunked += size;
    if (last)
        return finish(s, s->chunked);
    TRY(answer(s, SINK_DATA, SLICE("250 2.0.0 Ok"), &accepted));
    if (!accepted)
        forget(s);
    return OK;
}

static error take_tls(struct session *s)
{
    if (!s->tls || stream_is_tls(s->stream))
        return say(s, SLICE("502 5.5.1 Not here"));
    TRY(say(s, SLICE("220 2.0.0 Ready")));
    TRY(stream_flush(s->stream, TIME_NEVER));
    stream_drop_input(s->stream); /* RFC 3207 4.2 */
    TRY(stream_start_tls_server(s->stream, s->tls, SLICE_EMPTY, TIME_NEVER));
    count(&s->counts->tls, 1);
    forget(s);
    return OK;
}

static error take(struct session *s, slice line)
{
    switch (smtp_command_verb(line)) {
    case SMTP_VERB_HELO:
        return take_hello(s, false);
    case SMTP_VERB_EHLO:
    case SMTP_VERB_LHLO:
        return take_hello(s, true);
    case SMTP_VERB_MAIL:
        return take_mail(s);
    case SMTP_VERB_RCPT:
        return take_recipient(s);
    case SMTP_VERB_DATA:
        return take_data(s);
    case SMTP_VERB_BDAT:
        return take_chunk(s, line);
    case SMTP_VERB_STARTTLS:
        return take_tls(s);
    case SMTP_VERB_RSET:
        forget(s);
        return say(s, SLICE("250 2.0.0 Ok"));
    case SMTP_VERB_NOOP:
    case SMTP_VERB_HELP:
        return say(s, SLICE("250 2.0.0 Ok"));
    case SMTP_VERB_QUIT:
        s->finished = true;
        return say(s, SLICE("221 2.0.0 Bye"));
    default:
        return say(s, SLICE("500 5.5.2 What?"));
    }
}

static error converse(struct session *s)
{
    bool welcome;
    TRY(answer(s, SINK_CONNECT,
               s->options->lmtp ? SLICE("220 sink.invalid LMTP") : SLICE("220 sink.invalid ESMTP"),
               &welcome));
    while (!s->finished) {
        slice line;
        TRY(stream_read_line(s->stream, STREAM_LINE_TOLERANT, SINK_LINE_SIZE_MAX, TIME_NEVER,
                             &line));
        TRY(take(s, line));
    }
    return stream_flush(s->stream, TIME_NEVER);
}

void sink_serve(struct stream *stream, const struct sink_options *options, struct tls_server *tls,
                struct sink_counts *counts)
{
    struct session session = {
        .stream = stream,
        .options = options,
        .tls = tls,
        .counts = counts,
    };
    count(&counts->connections, 1);
    count(&counts->open, 1);
    error_ignore(converse(&session)); /* whoever sends it knows why it went */
    count(&counts->open, (uint64_t)-1);
}
