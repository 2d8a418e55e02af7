/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/remote_command.h"

#include "base/metric.h"
#include "base/utf8.h"
#include "format/mail/downgrade.h"
#include "format/mail/header.h"
#include "format/smtp/dot.h"

METRIC_COUNTER(mended_total, "ringmail_remote_converted_total", "what=\"line_ends\"",
               "Messages changed for a server that could not take them as they were");

METRIC_COUNTER(encoded_total, "ringmail_remote_converted_total", "what=\"encoding\"",
               "Messages changed for a server that could not take them as they were");

static bool offers(const struct remote *remote, unsigned extensions)
{
    return (remote->offer.extensions & extensions) == extensions;
}

static error refuse(struct remote_answer answer, struct remote_answer *out_answer)
{
    *out_answer = answer;
    return answer.problem;
}

/* Whoever submitted it may have forgotten to say so. */
static bool has_utf8_address(const struct remote_mail *mail)
{
    bool ascii = utf8_is_ascii(mail->sender);
    for (unsigned i = 0; ascii && i < mail->count; i++)
        ascii = utf8_is_ascii(mail->recipients[i].address);
    return !ascii;
}

/* RFC 6531 3.7.4: who is asked for SMTPUTF8 without need is asked for nothing. */
static error check_utf8(struct remote_body *body, const struct remote *remote,
                        const struct remote_mail *mail, struct remote_answer *out_answer)
{
    bool wanted = mail->utf8 || has_utf8_address(mail);
    body->utf8 = wanted && offers(remote, SMTP_OFFERS_SMTPUTF8);
    if (!wanted || body->utf8)
        return OK;
    if (!utf8_is_ascii(mail->sender))
        return refuse(remote_answer_own(5, 6, 7,
                                        "the sender's address needs SMTPUTF8, which the "
                                        "server does not offer"),
                      out_answer);
    if (mail->utf8 && !utf8_is_ascii(slice_sub(mail->body, 0, mail_header_size(mail->body))))
        return refuse(remote_answer_own(5, 6, 9,
                                        "the message's header needs SMTPUTF8, which the "
                                        "server does not offer"),
                      out_answer);
    return OK;
}

/* What the sender insists on and this server cannot promise. */
static error check_demands(const struct remote *remote, const struct remote_mail *mail,
                           struct remote_answer *out_answer)
{
    if (remote_command_is_too_long(mail))
        return refuse(remote_answer_own(5, 1, 7,
                                        "the sender's address, or the envelope's id, is "
                                        "too long"),
                      out_answer);
    /* RFC 8689 4.2.1: the connection was opened for other mail, or a smart host changed its mind */
    if (mail->require_tls && !remote->hand_over &&
        !(remote->verified && offers(remote, SMTP_OFFERS_REQUIRETLS)))
        return refuse(remote_answer_own(5, 7, 30,
                                        "the mail requires TLS, which the server does "
                                        "not promise to require in turn"),
                      out_answer);
    /* RFC 2852 4.1.2: by-mode R is refused rather than passed on without the promise. */
    if (mail->deliver_by && mail->deliver_by_mode == 'R' &&
        (!offers(remote, SMTP_OFFERS_DELIVERBY) ||
         mail->deliver_by < (int64_t)remote->offer.deliver_by_min))
        return refuse(remote_answer_own(5, 4, 7, "the server does not promise to deliver in time"),
                      out_answer);
    return OK;
}

/* Bare CR and LF become CRLF: RFC 5321 2.3.8 forbids them, and where one server takes them for a
 * line end and another does not, mail can be smuggled. */
static error mend_line_ends(struct remote_body *body)
{
    struct buffer out;
    slice in = body->body;
    buffer_init(&out, 2 * in.size);
    for (size_t i = 0; i < in.size; i++) {
        char byte = in.data[i];
        if (byte != '\r' && byte != '\n') {
            buffer_add_byte(&out, byte);
            continue;
        }
        if (byte == '\r' && i + 1 < in.size && in.data[i + 1] == '\n')
            i++;
        buffer_add(&out, SLICE("\r\n"));
    }
    metric_add(&mended_total, 1);
    buffer_close(&body->converted);
    body->converted = out;
    body->body = buffer_slice(&out);
    return buffer_check(&out);
}

/* RFC 6152 3: 8-bit text for a server without 8BITMIME; RFC 3030 3: binary data for one without
 * BINARYMIME. */
static error downgrade(struct remote_body *body, enum mail_target target)
{
    if (mail_needs_downgrade(body->body, target)) {
        struct arena parts;
        arena_init(&parts, REMOTE_CONVERSION_EXTRA);
        buffer_init(&body->converted, 2 * body->body.size + REMOTE_CONVERSION_EXTRA);
        error problem = mail_downgrade(body->body, target, &parts, &body->converted);
        arena_close(&parts);
        TRY(problem);
        body->body = buffer_slice(&body->converted);
        metric_add(&encoded_total, 1);
    }
    body->type = target == MAIL_TO_7BIT ? SMTP_BODY_7BIT : SMTP_BODY_8BITMIME;
    return OK;
}

static bool may_chunk(const struct remote *remote)
{
    return remote->settings->chunking && !remote->no_chunking &&
           offers(remote, SMTP_OFFERS_CHUNKING);
}

static error convert(struct remote_body *body, const struct remote *remote)
{
    bool eight = offers(remote, SMTP_OFFERS_8BITMIME);
    bool binary = offers(remote, SMTP_OFFERS_BINARYMIME) && may_chunk(remote);
    bool is_binary = body->type == SMTP_BODY_BINARYMIME;
    if (is_binary && !binary)
        return downgrade(body, eight ? MAIL_TO_8BIT : MAIL_TO_7BIT);
    /* Not everybody who sends 8-bit text says so. */
    if (!eight && !is_binary && !utf8_is_ascii(body->body))
        return downgrade(body, MAIL_TO_7BIT);
    return OK;
}

static error make(struct remote_body *body, const struct remote *remote,
                  struct remote_answer *out_answer)
{
    error problem = convert(body, remote);
    if (problem.kind == ERROR_PERMANENT)
        return refuse(remote_answer_own(5, 6, 3, problem.text), out_answer);
    TRY(problem);
    body->chunked = may_chunk(remote);
    if (body->type == SMTP_BODY_BINARYMIME)
        body->chunked = true;
    else if (!dot_lines_are_whole(body->body))
        TRY(mend_line_ends(body));
    body->end_line = body->type != SMTP_BODY_BINARYMIME && !slice_ends(body->body, SLICE("\r\n"));
    body->size = body->prefix.size + body->body.size + (body->end_line ? 2 : 0);
    if (remote->offer.size_max && body->size > remote->offer.size_max) /* RFC 1870 6.1 */
        return refuse(remote_answer_own(5, 3, 4, "the message is larger than the server takes"),
                      out_answer);
    return OK;
}

error remote_body_init(struct remote_body *body, const struct remote *remote,
                       const struct remote_mail *mail, struct remote_answer *out_answer)
{
    *body =
        (struct remote_body){.prefix = mail->prefix, .body = mail->body, .type = mail->body_type};
    buffer_init(&body->converted, 0);
    error problem = check_demands(remote, mail, out_answer);
    if (!failed(problem))
        problem = check_utf8(body, remote, mail, out_answer);
    if (!failed(problem))
        problem = make(body, remote, out_answer);
    if (failed(problem))
        remote_body_close(body);
    if (problem.kind == ERROR_LIMIT)
        *out_answer = remote_answer_own(4, 3, 1, "no memory to convert the message");
    return problem;
}

void remote_body_close(struct remote_body *body)
{
    buffer_close(&body->converted);
}

/* WAITS. */
static error send_end(const struct remote_body *body, struct stream *stream)
{
    return body->end_line ? stream_write(stream, SLICE("\r\n")) : OK;
}

error remote_body_send_chunk(const struct remote_body *body, struct stream *stream,
                             instant deadline)
{
    TRY(stream_format(stream, "BDAT %zu LAST\r\n", body->size));
    TRY(stream_send(stream, body->prefix, deadline));
    TRY(stream_send(stream, body->body, deadline));
    return send_end(body, stream);
}

error remote_body_send_data(const struct remote_body *body, struct stream *stream, instant deadline)
{
    slice text = body->body;
    size_t from = 0;
    TRY(stream_send(stream, body->prefix, deadline));
    /* RFC 5321 4.5.2. Pieces between dots are sent as they lie there. */
    for (size_t dot = dot_next_stuffing(text, 0); dot < text.size;
         dot = dot_next_stuffing(text, dot + 1)) {
        TRY(stream_send(stream, slice_sub(text, from, dot - from), deadline));
        TRY(stream_write(stream, SLICE(".")));
        from = dot;
    }
    TRY(stream_send(stream, slice_from(text, from), deadline));
    TRY(send_end(body, stream));
    return stream_write(stream, SLICE(".\r\n"));
}
