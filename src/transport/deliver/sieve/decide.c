/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/sieve/decide.h"

#include "data/store/delivery.h"
#include "data/store/mailbox.h"
#include "format/mail/address.h"
#include "format/mail/header.h"
#include "format/mail/received.h"
#include "transport/deliver/sieve/log.h"
#include "transport/forward.h"

#include <stdarg.h>
#include <stdio.h>

enum { HOPS_MAX = 50 }; /* Received: fields of a mail that is redirected */

void sieve_tell_owner(const struct sieve_asking *asking, const char *format, ...)
{
    char text[SIEVE_LOG_LINE_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sieve_log_write(asking->plan->log_path, asking->settings->log_size_max, asking->delivery->id,
                    slice_from_string(text));
}

struct account *sieve_asking_account(struct sieve_asking *asking)
{
    const struct store_account_key key = deliver_account_key(asking->target->account);
    if (!asking->account)
        error_ignore(account_open(&key, true, &asking->account)); /* then it is NULL */
    return asking->account;
}

enum mailbox_attribute sieve_special_use(slice name)
{
    static const struct {
        const char *name;
        enum mailbox_attribute attribute;
    } uses[] = {{"\\Sent", MAILBOX_SENT},
                {"\\Drafts", MAILBOX_DRAFTS},
                {"\\Junk", MAILBOX_JUNK},
                {"\\Trash", MAILBOX_TRASH},
                {"\\Archive", MAILBOX_ARCHIVE}};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (slice_equal_nocase(name, slice_from_string(uses[i].name)))
            return uses[i].attribute;
    return 0;
}

/* ---- Mailboxes ---- */

static void set_flags(const struct sieve_target *to, struct arena *arena, struct sieve_place *place)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } system[] = {{"\\Seen", MAIL_SEEN},
                  {"\\Answered", MAIL_ANSWERED},
                  {"\\Flagged", MAIL_FLAGGED},
                  {"\\Deleted", MAIL_DELETED},
                  {"\\Draft", MAIL_DRAFT}};
    slice *keywords = ARENA_ARRAY(arena, slice, to->flag_count + 1);
    for (unsigned i = 0; keywords && i < to->flag_count; i++) {
        slice flag = to->flags[i];
        bool known = false;
        for (size_t j = 0; j < sizeof system / sizeof *system; j++)
            if (slice_equal_nocase(flag, slice_from_string(system[j].name))) {
                place->flags |= system[j].flag;
                known = true;
            }
        bool keyword = !known && flag.size > 0 && flag.size <= STORE_KEYWORD_SIZE_MAX &&
                       flag.data[0] != '\\' && place->keyword_count < STORE_DELIVERY_KEYWORDS_MAX;
        if (keyword && !failed(arena_copy(arena, flag, &keywords[place->keyword_count])))
            place->keyword_count++;
    }
    place->keywords = keywords;
}

/* RFC 8579: the mailbox with this use, where there is one. */
static slice find_mailbox(struct sieve_asking *asking, const struct sieve_target *to)
{
    enum mailbox_attribute use = sieve_special_use(to->special_use);
    slice name;
    bool exists = false;
    if (use && sieve_asking_account(asking) &&
        !failed(account_special(asking->account, use, asking->arena, &name, &exists)) && exists)
        return name;
    return slice_equal_nocase(to->mailbox, SLICE("INBOX")) ? SLICE("INBOX") : to->mailbox;
}

/* RFC 5228 2.10.3: into one mailbox once. Flags of later ones are added. */
static error add_place(struct sieve_asking *asking, struct sieve_place place)
{
    struct sieve_plan *plan = asking->plan;
    for (unsigned i = 0; i < plan->place_count; i++) {
        struct sieve_place *there = &plan->places[i];
        if (!slice_equal(there->mailbox, place.mailbox))
            continue;
        there->flags |= place.flags;
        there->create |= place.create;
        if (place.keyword_count > there->keyword_count) {
            there->keywords = place.keywords;
            there->keyword_count = place.keyword_count;
        }
        return OK;
    }
    if (!plan->places)
        plan->places = ARENA_ARRAY(asking->arena, struct sieve_place, SIEVE_PLACES_MAX);
    TRY_MEMORY(plan->places);
    if (plan->place_count == SIEVE_PLACES_MAX)
        return error_make(ERROR_LIMIT, "the script files into too many mailboxes");
    plan->places[plan->place_count++] = place;
    return OK;
}

error sieve_place_of(struct sieve_asking *asking, const struct sieve_target *to, bool usual,
                     struct sieve_place *out_place)
{
    struct sieve_place place = {
        .mailbox = usual ? SLICE_EMPTY : find_mailbox(asking, to),
        .create = to->create || asking->settings->mailbox_autocreate,
    };
    /* The plan outlives the script that is in memory now. */
    TRY(arena_copy(asking->arena, place.mailbox, &place.mailbox));
    set_flags(to, asking->arena, &place);
    *out_place = place;
    return OK;
}

static error keep(struct sieve_asking *asking, const struct sieve_action *action, bool usual)
{
    struct sieve_place place;
    TRY(sieve_place_of(asking, &action->to, usual, &place));
    place.header = action->header;
    return add_place(asking, place);
}

/* ---- Away ---- */

static error plain_address(slice text, struct arena *arena, slice *out_address)
{
    struct mail_address *address;
    TRY(mail_address_parse(arena, text, &address));
    if (!address || address->kind != MAIL_ADDRESS_MAILBOX || address->incomplete || address->next)
        return error_make(ERROR_MALFORMED, "no address");
    return arena_format(arena, out_address, "%.*s@%.*s", SLICE_ARG(address->local),
                        SLICE_ARG(address->domain));
}

/* Has this account sent it on before? */
static bool was_redirected_here(const struct sieve_asking *asking, slice header)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        if (slice_equal_nocase(field.name, SLICE("X-Sieve-Redirected-From")) &&
            slice_equal_nocase(slice_trim(field.value), asking->target->account->address))
            return true;
    return mail_received_count(header) > HOPS_MAX;
}

/* A mail that would go in circles is kept. */
static error redirect(struct sieve_asking *asking, const struct sieve_action *action)
{
    const struct deliver_local *d = asking->delivery;
    slice header = slice_sub(d->message, 0, mail_header_size(d->message));
    struct sieve_outgoing outgoing = {.kind = SIEVE_REDIRECT, .header = action->header};
    if (failed(plain_address(action->text, asking->arena, &outgoing.recipient))) {
        sieve_tell_owner(asking, "line %u: redirect: \"%.*s\" is no address; kept", action->line,
                         SLICE_ARG(slice_sub(action->text, 0, 200)));
        return keep(asking, action, true);
    }
    if (was_redirected_here(asking, slice_sub(asking->whole, 0, mail_header_size(asking->whole)))) {
        sieve_tell_owner(asking, "line %u: redirect: the mail came back here; kept", action->line);
        return keep(asking, action, true);
    }
    for (unsigned i = 0; i < asking->plan->outgoing_count; i++)
        if (asking->plan->outgoing[i].kind == SIEVE_REDIRECT &&
            slice_equal_nocase(asking->plan->outgoing[i].recipient, outgoing.recipient))
            return OK;
    TRY(forward_sender(d->sender, asking->arena, &outgoing.sender));
    TRY(arena_copy(asking->arena, action->dsn_notify, &outgoing.notify));
    outgoing.memory[0] = SLICE("redirect");
    outgoing.memory[1] = outgoing.recipient;
    outgoing.memory[2] = header;
    outgoing.memory_seconds = asking->settings->redirect_memory / TIME_S;
    return sieve_outgoing_add(asking, outgoing);
}

/* RFC 5429 2.1.1, 2.2: the words go into the dialogue's reply, which is one line. */
static error refuse(struct sieve_asking *asking, const struct sieve_action *action)
{
    char *text = arena_alloc_bytes(asking->arena, SIEVE_REASON_SIZE_MAX);
    TRY_MEMORY(text);
    size_t size = 0;
    slice reason = slice_trim(action->text);
    for (size_t i = 0; i < reason.size && size < SIEVE_REASON_SIZE_MAX; i++) {
        unsigned char c = (unsigned char)reason.data[i];
        bool blank = c <= ' ';
        if (blank && size > 0 && text[size - 1] == ' ')
            continue;
        text[size++] = blank ? ' ' : c < 0x7f ? (char)c : '?'; /* RFC 5321 4.2 */
    }
    asking->plan->refused = true;
    asking->plan->refusal = slice_of(text, size);
    return OK;
}

error sieve_decide(struct sieve_asking *asking, const struct sieve_action *action)
{
    switch (action->kind) {
    case SIEVE_ACTION_KEEP:
        return keep(asking, action, true);
    case SIEVE_ACTION_FILEINTO:
        return keep(asking, action, false);
    case SIEVE_ACTION_REDIRECT:
        return redirect(asking, action);
    case SIEVE_ACTION_REJECT:
        return refuse(asking, action);
    case SIEVE_ACTION_VACATION:
        return sieve_decide_vacation(asking, action);
    case SIEVE_ACTION_NOTIFY:
        return sieve_decide_notify(asking, action);
    case SIEVE_ACTION_DISCARD:
        return OK;
    }
    return OK;
}
