/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/remote_command.h"

#include "base/utf8.h"
#include "format/smtp/xtext.h"

static bool offers(const struct remote *remote, unsigned extension)
{
    return remote->offer.extensions & extension;
}

/* An address is one word of one line, whoever made it. */
static bool is_sayable(slice address)
{
    for (size_t i = 0; i < address.size; i++)
        if ((unsigned char)address.data[i] < ' ' || address.data[i] == 0x7f)
            return false;
    return true;
}

enum { WORDS_SIZE_MAX = 200 }; /* verb, names and numbers of parameters */

/* As xtext a byte may be three (RFC 3461 4), in utf-8-addr-xtext a character eleven. */
static size_t encoded_size_max(slice type, slice text)
{
    return text.size * (slice_equal_nocase(type, SLICE("utf-8")) ? 11 : 3);
}

static bool is_too_long(const struct remote_recipient *recipient)
{
    return WORDS_SIZE_MAX + recipient->address.size + recipient->orcpt_type.size +
               encoded_size_max(recipient->orcpt_type, recipient->orcpt_address) >
           REMOTE_COMMAND_SIZE_MAX;
}

bool remote_command_is_too_long(const struct remote_mail *mail)
{
    return WORDS_SIZE_MAX + mail->sender.size + encoded_size_max(SLICE_EMPTY, mail->envid) >
           REMOTE_COMMAND_SIZE_MAX;
}

void remote_command_refuse(const struct remote *remote, struct remote_mail *mail)
{
    for (unsigned i = 0; i < mail->count; i++) {
        struct remote_recipient *recipient = &mail->recipients[i];
        if (!is_sayable(recipient->address))
            recipient->answer = remote_answer_own(5, 1, 3, "the address cannot be said in SMTP");
        else if (is_too_long(recipient))
            recipient->answer = remote_answer_own(5, 1, 3, "the address is too long");
        else if (!offers(remote, SMTP_OFFERS_SMTPUTF8) && !utf8_is_ascii(recipient->address))
            recipient->answer = remote_answer_own(
                5, 6, 7, "the address needs SMTPUTF8, which the server does not offer");
    }
}

static const char *const body_names[] = {
    [SMTP_BODY_7BIT] = "7BIT",
    [SMTP_BODY_8BITMIME] = "8BITMIME",
    [SMTP_BODY_BINARYMIME] = "BINARYMIME",
};

/* RFC 2852 4: not below what the server can promise, unless late is only worth a notice. */
bool remote_command_says_by(const struct remote *remote, const struct remote_mail *mail)
{
    return mail->deliver_by != 0 && offers(remote, SMTP_OFFERS_DELIVERBY) &&
           mail->deliver_by >= (int64_t)remote->offer.deliver_by_min;
}

static void add_deliver_by(struct buffer *line, const struct remote *remote,
                           const struct remote_mail *mail)
{
    if (!remote_command_says_by(remote, mail))
        return;
    buffer_format(line, " BY=%lld;%c%s", (long long)mail->deliver_by,
                  mail->deliver_by_mode == 'R' ? 'R' : 'N', mail->deliver_by_trace ? "T" : "");
}

static error finish(struct remote *remote)
{
    buffer_add_string(&remote->line, "\r\n");
    TRY(buffer_check(&remote->line));
    return stream_write(remote->stream, buffer_slice(&remote->line));
}

/* "MAIL FROM:<a@b.example>" */
static struct buffer *begin(struct remote *remote, slice verb, slice address)
{
    struct buffer *line = &remote->line;
    buffer_reset(line);
    buffer_add(line, verb);
    buffer_add(line, address);
    buffer_add_byte(line, '>');
    return line;
}

error remote_command_mail(struct remote *remote, const struct remote_mail *mail,
                          const struct remote_body *body)
{
    struct buffer *line = begin(remote, SLICE("MAIL FROM:<"), mail->sender);
    if (offers(remote, SMTP_OFFERS_SIZE)) {
        buffer_add_string(line, " SIZE=");
        buffer_add_u64(line, body->size);
    }
    if (body->type != SMTP_BODY_7BIT && offers(remote, SMTP_OFFERS_8BITMIME)) {
        buffer_add_string(line, " BODY=");
        buffer_add_string(line, body_names[body->type]);
    }
    if (body->utf8)
        buffer_add_string(line, " SMTPUTF8");
    if (mail->require_tls &&
        offers(remote, SMTP_OFFERS_REQUIRETLS)) /* hand_over: where it is known */
        buffer_add_string(line, " REQUIRETLS");
    if (offers(remote, SMTP_OFFERS_DSN) && mail->ret != SMTP_RETURN_UNSAID)
        buffer_add_string(line, mail->ret == SMTP_RETURN_FULL ? " RET=FULL" : " RET=HDRS");
    if (offers(remote, SMTP_OFFERS_DSN) && mail->envid.size) {
        buffer_add_string(line, " ENVID=");
        smtp_xtext_encode(line, mail->envid);
    }
    if (offers(remote, SMTP_OFFERS_MT_PRIORITY) && mail->priority) {
        buffer_add_string(line, " MT-PRIORITY=");
        buffer_add_i64(line, mail->priority);
    }
    add_deliver_by(line, remote, mail);
    return finish(remote);
}

/* RFC 3461 4.1 */
static void add_notify(struct buffer *line, unsigned notify)
{
    static const struct {
        unsigned bit;
        const char *word;
    } rows[] = {
        {SMTP_NOTIFY_NEVER, "NEVER"},
        {SMTP_NOTIFY_SUCCESS, "SUCCESS"},
        {SMTP_NOTIFY_FAILURE, "FAILURE"},
        {SMTP_NOTIFY_DELAY, "DELAY"},
    };
    const char *separator = " NOTIFY=";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!(notify & rows[i].bit))
            continue;
        buffer_add_string(line, separator);
        buffer_add_string(line, rows[i].word);
        separator = ",";
    }
}

error remote_command_rcpt(struct remote *remote, const struct remote_recipient *recipient)
{
    struct buffer *line = begin(remote, SLICE("RCPT TO:<"), recipient->address);
    if (offers(remote, SMTP_OFFERS_DSN)) {
        add_notify(line, recipient->notify);
        if (recipient->orcpt_address.size) {
            buffer_add_string(line, " ORCPT=");
            buffer_add(line, recipient->orcpt_type);
            buffer_add_byte(line, ';');
            smtp_xtext_encode_address(line, recipient->orcpt_type, recipient->orcpt_address);
        }
    }
    return finish(remote);
}
