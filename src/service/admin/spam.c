/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /spam/check: what would become of this message, and why? It is judged as one that comes in
 * by SMTP from the address, hello and envelope that the parameters give (from, rcpt, ip, helo), and
 * counted as one; nothing is stored. Without ip nobody is asked whom it is really from.
 */
#include "filter/spam/spam.h"
#include "base/cursor.h"
#include "filter/spam/settings.h"
#include "format/json/write.h"
#include "format/mail/header.h"
#include "service/admin/exchange.h"

enum { CHECK_RECIPIENTS = 1000 };

struct check {
    struct spam_mail mail;
    struct authentic authentic;
    struct spam_verdict verdict;
    instant began;
};

static error refuse(struct admin_exchange *exchange, const char *why)
{
    exchange->status = 400;
    exchange->content_type = "text/plain";
    buffer_add_string(exchange->answer, why);
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}

/* False where there is no such, or its value is of no use. */
static bool take_parameter(struct spam_mail *mail, slice *recipients, slice name, slice value)
{
    if (slice_equal(name, SLICE("from")))
        mail->sender = value;
    else if (slice_equal(name, SLICE("helo")))
        mail->helo = value;
    else if (slice_equal(name, SLICE("rcpt")) && mail->recipient_count < CHECK_RECIPIENTS)
        recipients[mail->recipient_count++] = value;
    else
        return slice_equal(name, SLICE("ip")) && !failed(address_parse_ip(value, &mail->peer));
    return true;
}

static bool take_parameters(struct admin_exchange *exchange, struct spam_mail *mail)
{
    slice *recipients = ARENA_ARRAY(exchange->arena, slice, CHECK_RECIPIENTS);
    slice rest = exchange->request.query, pair, name, value;
    mail->recipients = recipients;
    while (recipients && rest.size > 0) {
        size_t size = 0;
        slice_cut(rest, '&', &pair, &rest);
        slice_cut(pair, '=', &name, &value);
        char *decoded = arena_alloc_bytes(exchange->arena, value.size + 1);
        if (!decoded || failed(http_percent_decode(value, true, decoded, &size)) ||
            !take_parameter(mail, recipients, name, slice_of(decoded, size)))
            return false;
    }
    return recipients != NULL;
}

/* WAITS. */
static error authenticate(struct check *check, struct arena *arena)
{
    struct spam_mail *mail = &check->mail;
    const struct authentic_options *options = authentic_here();
    size_t header = mail_header_size(mail->message);
    if (!options || !address_is_ip(&mail->peer) || !authentic_is_wanted(&mail->peer))
        return OK;
    struct authentic_question question = {
        .peer = mail->peer,
        .helo = mail->helo,
        .header = slice_sub(mail->message, 0, header),
        .body = slice_from(mail->message, header),
        .host = mail->host,
        .now = time_wall_seconds(),
        .deadline = time_after(options->settings->timeout),
    };
    if (mail->sender.size)
        slice_cut_last(mail->sender, '@', &question.sender_local, &question.sender_domain);
    TRY(authentic_check(&question, arena, &check->authentic));
    mail->authentic = &check->authentic;
    return OK;
}

static void write_symbols(struct json_writer *json, const struct spam_verdict *verdict)
{
    json_member_array_open(json, "symbols");
    for (unsigned i = 0; i < verdict->symbol_count; i++) {
        const struct spam_symbol *symbol = &verdict->symbols[i];
        json_object_open(json);
        json_member_text(json, "name", symbol->name);
        json_member_decimal(json, "score", symbol->score);
        json_member_text(json, "reason", symbol->reason);
        json_object_close(json);
    }
    json_array_close(json);
}

static void write_answer(const struct check *check, struct buffer *out)
{
    static const char *const engines[] = {
        [SPAM_ENGINE_NONE] = "none",
        [SPAM_ENGINE_RINGMAIL] = "ringmail",
        [SPAM_ENGINE_RSPAMD] = "rspamd",
    };
    const struct spam_verdict *verdict = &check->verdict;
    const struct spam_settings *settings = spam_settings_here();
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_member_string(&json, "action", spam_action_name(verdict->action));
    json_member_flag(&json, "judged", verdict->judged);
    if (failed(verdict->problem))
        json_member_string(&json, "problem", verdict->problem.text);
    json_member_string(&json, "engine", engines[settings ? settings->engine : SPAM_ENGINE_NONE]);
    json_member_decimal(&json, "score", verdict->score);
    json_member_decimal(&json, "required", verdict->required);
    json_member_text(&json, "reply", verdict->reply);
    json_member_number(&json, "us", (time_now() - check->began) / TIME_US);
    if (check->mail.authentic) {
        json_member_string(&json, "spf", spf_result_name(check->authentic.spf_mail));
        json_member_string(&json, "dmarc", dmarc_result_name(check->authentic.dmarc.result));
    }
    write_symbols(&json, verdict);
    json_object_close(&json);
    buffer_add_byte(out, '\n');
}

error admin_spam_check(struct admin_exchange *exchange)
{
    struct check *check = ARENA_NEW(exchange->arena, struct check);
    TRY_MEMORY(check);
    check->began = time_now();
    check->mail = (struct spam_mail){
        .id = SLICE("check"),
        .host = exchange->options->hostname,
        .message = exchange->body,
    };
    if (exchange->body.size == 0 || !take_parameters(exchange, &check->mail))
        return refuse(exchange, "a message is wanted; parameters: from, rcpt, ip, helo");
    TRY(authenticate(check, exchange->arena));
    TRY(spam_judge(&check->mail, exchange->arena, &check->verdict));
    write_answer(check, exchange->answer);
    return OK;
}
