/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/append.h"

#include "base/metric.h"
#include "data/store/delivery.h"
#include "format/imap/token.h"
#include "runtime/body.h"
#include "service/imap/command/command.h"
#include "service/imap/lesson.h"
#include "service/imap/reply.h"

METRIC_COUNTER(imap_appended, "ringmail_imap_messages_appended_total", "", "Messages appended");

/* What can be known before the message comes: then a client that waits need not send it. */
static error foresee(struct imap_session *s, const struct imap_append *append)
{
    if (append->literal.size > s->settings->message_size_max)
        return imap_refuse(s, IMAP_CODE_TOOBIG,
                           error_make(ERROR_LIMIT, "the message is too large"));
    if (!imap_mailbox_is_inbox(append->mailbox) && !mailbox_exists(s->account, append->mailbox))
        return imap_refuse(s, IMAP_CODE_TRYCREATE, error_make(ERROR_NOT_FOUND, "no such mailbox"));
    struct account_usage usage;
    TRY(account_usage(s->account, &usage));
    bool fits = (!usage.bytes_max || usage.bytes + append->literal.size <= usage.bytes_max) &&
                (!usage.messages_max || usage.messages < usage.messages_max);
    if (!fits)
        return imap_refuse(s, IMAP_CODE_OVERQUOTA, error_make(ERROR_LIMIT, "over quota"));
    return OK;
}

/* The rest of the command's line: nothing may follow. */
static error read_end(struct imap_session *s)
{
    slice line;
    TRY(user_read_line(&s->base, IMAP_LINE_SIZE_BEFORE_LOGIN_MAX, &line));
    return line.size == 0 ? OK : error_make(ERROR_MALFORMED, "unexpected text after the message");
}

/* A message that will not be taken: one that waits for "+" is simply not asked for; one that comes
 * anyway is read past, unless it is absurdly large. */
static error decline(struct imap_session *s, const struct imap_literal *literal, error problem)
{
    if (literal->sync)
        return problem;
    if (literal->size > (uint64_t)s->settings->message_size_max * IMAP_SKIP_FACTOR) {
        imap_say(s, SLICE_EMPTY,
                 (struct imap_response){.kind = IMAP_BYE,
                                        .code = IMAP_CODE_TOOBIG,
                                        .text = SLICE("the message is far too large")});
        s->base.finished = true;
        return problem;
    }
    TRY(user_send(&s->base));
    TRY(user_lost(&s->base, stream_skip(s->base.stream, literal->size, user_deadline(&s->base))));
    error_ignore(read_end(s)); /* it is declined in any case; a loss of the connection is noted */
    return problem;
}

/* Bytes that must be put in so that every line ends in CRLF, as messages are kept. */
static size_t count_bare_lf(slice message)
{
    size_t count = 0;
    const char *end = message.data + message.size;
    for (const char *at = message.data; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            break;
        count += at == message.data || at[-1] != '\r';
    }
    return count;
}

static error with_crlf(slice message, size_t missing, struct body *out)
{
    TRY(body_reserve(out, message.size + missing));
    char *to = out->data;
    for (size_t i = 0; i < message.size; i++) {
        if (message.data[i] == '\n' && (i == 0 || message.data[i - 1] != '\r'))
            *to++ = '\r';
        *to++ = message.data[i];
    }
    out->size = message.size + missing;
    return OK;
}

static error deliver(struct imap_session *s, const struct imap_append *append, slice message)
{
    struct store_recipient recipient = {
        .account = s->base.account,
        .mailbox = append->mailbox,
        .flags = imap_command_stored_flags(append->flags.system),
        .keywords = append->flags.keywords,
        .keyword_count = append->flags.keyword_count,
    };
    struct store_delivery delivery = {
        .parts = &message,
        .part_count = 1,
        .internal_date = append->dated ? append->date : 0,
        .recipients = &recipient,
        .recipient_count = 1,
    };
    TRY(store_deliver(&delivery));
    if (recipient.result.kind == ERROR_NOT_FOUND)
        return imap_refuse(s, IMAP_CODE_TRYCREATE, recipient.result);
    if (recipient.result.kind == ERROR_LIMIT)
        return imap_refuse(s, IMAP_CODE_OVERQUOTA, recipient.result);
    TRY(recipient.result);
    s->counts.appended++;
    metric_add(&imap_appended, 1);
    imap_lesson_appended(s->account, append->mailbox, recipient.uid);
    /* RFC 4315 3; where there is no room for the code the message is stored all the same */
    if (!failed(arena_format(&s->base.arena, &s->response.argument, "%u %u", recipient.uid_validity,
                             recipient.uid)))
        s->response.code = IMAP_CODE_APPENDUID;
    return OK;
}

static error store_body(struct imap_session *s, const struct imap_append *append, slice message)
{
    if (memchr(message.data, '\0', message.size)) /* RFC 3501 4.3: none in a literal */
        return error_make(ERROR_MALFORMED, "NUL in the message");
    size_t missing = count_bare_lf(message);
    if (missing == 0)
        return deliver(s, append, message);
    struct body fixed;
    body_init(&fixed, message.size + missing);
    error problem = with_crlf(message, missing, &fixed);
    if (!failed(problem))
        problem = deliver(s, append, body_slice(&fixed));
    body_close(&fixed);
    return problem;
}

static error receive(struct imap_session *s, const struct imap_append *append, struct body *body)
{
    if (append->literal.sync)
        buffer_add(&s->base.out, SLICE("+ go ahead\r\n"));
    TRY(user_send(&s->base));
    s->base.session.state = "receiving a message";
    error problem = user_lost(
        &s->base, stream_read_body(s->base.stream, body, append->literal.size, TIME_NEVER));
    if (failed(s->base.lost))
        return s->base.lost;
    TRY(read_end(s));
    if (problem.kind == ERROR_LIMIT) /* the core's memory for bodies is used up */
        return error_make(ERROR_TEMPORARY, problem.text);
    return problem;
}

/* RFC 3501 6.3.11. The message is received straight into a body. */
error imap_command_append(struct imap_session *s)
{
    struct imap_append append;
    TRY(imap_append_parse(&s->command.arguments, &s->base.arena, s->name_form, &append));
    error problem = foresee(s, &append);
    if (!failed(problem) && append.literal.size == 0)
        problem = error_make(ERROR_MALFORMED, "the message is empty");
    if (failed(problem))
        return decline(s, &append.literal, problem);
    struct body body;
    body_init(&body, append.literal.size);
    body.size_expected = append.literal.size;
    problem = receive(s, &append, &body);
    if (!failed(problem))
        problem = store_body(s, &append, body_slice(&body));
    body_close(&body);
    return problem;
}
