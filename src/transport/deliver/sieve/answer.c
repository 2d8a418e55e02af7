/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Vacation replies and notifications: whether, and what they say.
 */
#include "transport/deliver/sieve/decide.h"

#include "base/buffer.h"
#include "base/random.h"
#include "format/http/request.h"
#include "format/mail/address.h"
#include "format/mail/auto_reply.h"
#include "format/mail/header.h"

enum {
    VACATION_DEFAULT_S = 7 * 86400, /* RFC 5230 4.1 */
    NOTIFY_TEXT_SIZE_MAX = 2000,
    ADDRESSES_MAX = 64, /* the owner's, of one vacation command */
};

error sieve_outgoing_add(struct sieve_asking *asking, struct sieve_outgoing outgoing)
{
    struct sieve_plan *plan = asking->plan;
    if (!plan->outgoing)
        plan->outgoing = ARENA_ARRAY(asking->arena, struct sieve_outgoing, SIEVE_OUTGOING_MAX);
    TRY_MEMORY(plan->outgoing);
    if (plan->outgoing_count == SIEVE_OUTGOING_MAX)
        return error_make(ERROR_LIMIT, "the script sends too many mails");
    plan->outgoing[plan->outgoing_count++] = outgoing;
    return OK;
}

static slice header_of(const struct sieve_asking *asking)
{
    return slice_sub(asking->whole, 0, mail_header_size(asking->whole));
}

static slice own_address(const struct sieve_asking *asking)
{
    const struct deliver_local_target *target = asking->target;
    return target->recipient.size ? target->recipient : target->account->address;
}

static error make_id(struct sieve_asking *asking, slice *out_id)
{
    return arena_format(asking->arena, out_id, "<%016llx.%016llx@%.*s>",
                        (unsigned long long)time_wall(), (unsigned long long)random_u64(),
                        SLICE_ARG(asking->target->account->domain));
}

static error write(struct sieve_asking *asking, const struct mail_auto_reply *reply,
                   slice *out_message)
{
    struct buffer text;
    buffer_init(&text, MAIL_AUTO_REPLY_SIZE_MAX);
    error problem = mail_auto_reply_write(reply, asking->arena, &text);
    if (!failed(problem))
        problem = arena_copy(asking->arena, buffer_slice(&text), out_message);
    buffer_close(&text);
    return problem;
}

static error in_lower_case(struct arena *arena, slice text, slice *out)
{
    char *copy = arena_alloc_bytes(arena, text.size + 1);
    TRY_MEMORY(copy);
    for (size_t i = 0; i < text.size; i++)
        copy[i] = ascii_lower(text.data[i]);
    *out = slice_of(copy, text.size);
    return OK;
}

/* ---- vacation ---- */

/* Why nobody is answered; NULL: somebody may be. */
static error find_objection(struct sieve_asking *asking, const struct sieve_action *action,
                            const char **out_objection)
{
    slice mine[ADDRESSES_MAX + 2], sender = asking->delivery->sender;
    unsigned count = 0;
    bool addressed;
    *out_objection =
        asking->delivery->junk ? "it is junk" : mail_auto_reply_refusal(sender, header_of(asking));
    if (*out_objection)
        return OK;
    mine[count++] = asking->target->account->address;
    mine[count++] = own_address(asking);
    for (unsigned i = 0; i < action->address_count && count < ADDRESSES_MAX; i++)
        mine[count++] = action->addresses[i];
    for (unsigned i = 0; i < count; i++)
        if (slice_equal_nocase(mine[i], sender))
            *out_objection = "it is the owner's own";
    TRY(mail_auto_reply_is_addressed(header_of(asking), mine, count, asking->arena, &addressed));
    if (!addressed)
        *out_objection = "it does not name the owner";
    return OK;
}

static int64_t time_between(const struct sieve_asking *asking, int64_t seconds)
{
    int64_t least = asking->settings->vacation_min / TIME_S;
    int64_t most = asking->settings->vacation_max / TIME_S;
    if (seconds < 0)
        seconds = VACATION_DEFAULT_S;
    return seconds < least ? least : seconds > most ? most : seconds;
}

error sieve_decide_vacation(struct sieve_asking *asking, const struct sieve_action *action)
{
    const char *objection;
    struct sieve_outgoing outgoing = {.kind = SIEVE_VACATION,
                                      .recipient = asking->delivery->sender,
                                      .memory = {SLICE("vacation")}};
    TRY(find_objection(asking, action, &objection));
    if (objection)
        return OK;
    struct mail_auto_reply reply = {
        .header = header_of(asking),
        .from = action->from.size ? action->from : own_address(asking),
        .to = asking->delivery->sender,
        .subject = action->subject,
        .text = action->message,
        .mime = action->mime,
        .submitted = "auto-replied (vacation)",
        .now = time_wall_seconds(),
    };
    TRY(make_id(asking, &reply.message_id));
    TRY(write(asking, &reply, &outgoing.message));
    TRY(arena_copy(asking->arena, action->handle, &outgoing.memory[1]));
    TRY(in_lower_case(asking->arena, asking->delivery->sender, &outgoing.memory[2]));
    outgoing.memory_seconds = time_between(asking, action->seconds);
    outgoing.has_copy = action->fcc.mailbox.data != NULL;
    if (outgoing.has_copy)
        TRY(sieve_place_of(asking, &action->fcc, false, &outgoing.copy));
    return sieve_outgoing_add(asking, outgoing);
}

/* ---- notify ---- */

static error decode_percent(struct arena *arena, slice text, slice *out)
{
    size_t size;
    char *copy = arena_alloc_bytes(arena, text.size + 1);
    TRY_MEMORY(copy);
    TRY(http_percent_decode(text, false, copy, &size)); /* RFC 6068 2: RFC 3986's */
    *out = slice_of(copy, size);
    return OK;
}

/* RFC 6068: "mailto:" address ["?" name "=" value *("&" ...)]; others than subject and body are
 * passed over, and so are further recipients: a notification goes to one. */
static error parse_mailto(struct arena *arena, slice uri, slice *out_to, slice *out_subject,
                          slice *out_body)
{
    slice address, fields, field;
    if (!slice_starts_nocase(uri, SLICE("mailto:")))
        return error_make(ERROR_MALFORMED, "only mailto: is known");
    slice_cut(slice_from(uri, 7), '?', &address, &fields);
    slice_cut(address, ',', &address, &field);
    TRY(decode_percent(arena, address, out_to));
    while (fields.size) {
        slice name, value;
        slice_cut(fields, '&', &field, &fields);
        if (!slice_cut(field, '=', &name, &value))
            continue;
        if (slice_equal_nocase(name, SLICE("subject")))
            TRY(decode_percent(arena, value, out_subject));
        else if (slice_equal_nocase(name, SLICE("body")))
            TRY(decode_percent(arena, value, out_body));
    }
    ptrdiff_t at = slice_find_last_byte(*out_to, '@');
    return at > 0 && (size_t)at + 1 < out_to->size ? OK : error_make(ERROR_MALFORMED, "no address");
}

/* RFC 5436 2.3: what of the mail, where the script does not say. */
static error describe(struct sieve_asking *asking, slice *out_text)
{
    slice header = header_of(asking), from = SLICE("somebody"), subject = SLICE("(none)");
    if (mail_header_find(header, SLICE("From"), &from))
        TRY(mail_header_unfold(asking->arena, from, &from));
    if (mail_header_find(header, SLICE("Subject"), &subject))
        TRY(mail_header_unfold(asking->arena, subject, &subject));
    return arena_format(asking->arena, out_text, "New mail for %.*s\n\nFrom: %.*s\nSubject: %.*s\n",
                        SLICE_ARG(own_address(asking)),
                        SLICE_ARG(slice_sub(from, 0, NOTIFY_TEXT_SIZE_MAX)),
                        SLICE_ARG(slice_sub(subject, 0, NOTIFY_TEXT_SIZE_MAX)));
}

/* RFC 5436 2.7.1, 5: notifications are never notified of. */
static bool is_automatic(slice header)
{
    slice value;
    return mail_header_find(header, SLICE("Auto-Submitted"), &value) &&
           !slice_starts_nocase(slice_trim(value), SLICE("no"));
}

error sieve_decide_notify(struct sieve_asking *asking, const struct sieve_action *action)
{
    slice subject = SLICE_EMPTY, body = SLICE_EMPTY;
    struct sieve_outgoing outgoing = {.kind = SIEVE_NOTIFY};
    error wrong = parse_mailto(asking->arena, action->text, &outgoing.recipient, &subject, &body);
    if (wrong.kind == ERROR_MALFORMED) {
        sieve_tell_owner(asking, "line %u: notify: %s", action->line, wrong.text);
        return OK;
    }
    TRY(wrong);
    if (asking->delivery->junk || is_automatic(header_of(asking)))
        return OK;
    if (body.size == 0)
        TRY(describe(asking, &body));
    struct mail_auto_reply reply = {
        .from = action->from.size ? action->from : own_address(asking),
        .to = outgoing.recipient,
        .subject = action->message.size ? action->message
                   : subject.size       ? subject
                                        : SLICE("New mail"),
        .text = body,
        .submitted = "auto-notified",
        .now = time_wall_seconds(),
    };
    TRY(make_id(asking, &reply.message_id));
    TRY(write(asking, &reply, &outgoing.message));
    outgoing.has_copy = action->fcc.mailbox.data != NULL;
    if (outgoing.has_copy)
        TRY(sieve_place_of(asking, &action->fcc, false, &outgoing.copy));
    return sieve_outgoing_add(asking, outgoing);
}
