/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/attempt.h"

#include "runtime/core.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_SIZE_MAX = 4 << 20, /* of one transaction: recipients and their answers */
    CODE_LEAVING = 421,       /* RFC 5321 3.8: closing transmission channel */
    CODE_TOO_MANY = 452,      /* RFC 5321 4.5.3.1.10: too many recipients for one transaction */
};

/* One item's way over one connection. */
struct delivery {
    struct connection *c;
    struct queue_item *item;
    struct remote_mail mail; /* all but its recipients */
    struct arena arena;      /* of a transaction */
    uint32_t *recipients;    /* indexes, those still to be tried last */
    unsigned count, done, at_once;
    bool posted; /* results of a transaction are with the owner */
};

/* ---- Results ---- */

slice attempt_words(const struct remote_answer *answer, error problem,
                    char room[ATTEMPT_WORDS_SIZE])
{
    error what = failed(answer->problem) ? answer->problem : problem;
    const char *system = answer->code == 0 && what.os ? strerrordesc_np(what.os) : NULL;
    if (!system)
        return answer->text.size > 0 ? answer->text : slice_from_string(what.text);
    snprintf(room, ATTEMPT_WORDS_SIZE, "%s: %s", what.text, system);
    return slice_from_string(room);
}

static enum queue_outcome outcome_of(const struct queue_way *way,
                                     const struct remote_answer *answer)
{
    switch (answer->enhanced[0]) { /* decides; the code is what the server said */
    case 2:
        return way->route.kind == ROUTE_LMTP ? QUEUE_DELIVERED : QUEUE_RELAYED;
    case 5:
        return QUEUE_FAILED;
    default:
        return QUEUE_OPEN;
    }
}

static void fill(struct queue_result *result, enum queue_outcome outcome,
                 const struct remote_answer *answer, error problem)
{
    char room[ATTEMPT_WORDS_SIZE];
    result->outcome = (uint8_t)outcome;
    result->code = answer->code;
    memcpy(result->enhanced, answer->enhanced, sizeof result->enhanced);
    if (result->enhanced[0] == 0 && outcome != QUEUE_RELAYED && outcome != QUEUE_DELIVERED)
        result->enhanced[0] = outcome == QUEUE_FAILED ? 5 : 4;
    result->text = queue_result_text(attempt_words(answer, problem, room));
}

static void copy_name(char *out, size_t size, slice name)
{
    if (name.size >= size)
        name.size = size - 1;
    if (name.size > 0)
        memcpy(out, name.data, name.size);
    out[name.size] = '\0';
}

static void sign(struct queue_attempt *attempt, const struct connection *c)
{
    if (!c->remote)
        return;
    copy_name(attempt->host, sizeof attempt->host, remote_host(c->remote));
    copy_name(attempt->tls, sizeof attempt->tls, remote_tls(c->remote));
}

static void arrived(struct message *message)
{
    queue_schedule_result(CONTAINER_OF(message, struct queue_attempt, message));
}

static void post(struct queue_attempt *attempt, bool more)
{
    attempt->more = more;
    attempt->took_ns = time_now() - attempt->began_ns;
    attempt->message.run = arrived;
    core_post(attempt->item->mail->owner, &attempt->message);
}

static void give_back(struct queue_item *item, int64_t again)
{
    struct list items;
    list_init(&items);
    list_append(&items, &item->node);
    site_give_back(&items, again);
}

/* As it is written in reports: by its name, or its address. */
static slice first_host(const struct route *route, char room[ADDRESS_TEXT_SIZE])
{
    if (route->host_count == 0)
        return route->site;
    const struct route_host *host = &route->hosts[0];
    struct address address = host->address;
    if (host->name.size > 0 || address.family == ADDRESS_NONE)
        return host->name.size > 0 ? host->name : route->site;
    if (address_is_ip(&address) && address.port == 0)
        address.port = host->port;
    return address_format(&address, room);
}

void attempt_blame(struct connection *c, struct queue_item *item, error problem,
                   const struct remote_answer *answer, instant began)
{
    struct queue_attempt *attempt = queue_attempt_make(item);
    if (!attempt) {
        give_back(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
        return;
    }
    bool never = problem.kind == ERROR_PERMANENT;
    for (unsigned i = 0; i < attempt->result_count; i++)
        fill(&attempt->results[i], never ? QUEUE_FAILED : QUEUE_OPEN, answer, problem);
    char room[ADDRESS_TEXT_SIZE];
    copy_name(attempt->host, sizeof attempt->host, first_host(&c->way->route, room));
    attempt->began_ns = began;
    post(attempt, false);
}

/* ---- A transaction ---- */

static error make_mail(struct delivery *d, const struct queue_attempt *attempt,
                       struct remote_mail *out_mail)
{
    const struct queue_mail *mail = d->item->mail;
    *out_mail = d->mail;
    out_mail->count = attempt->result_count;
    out_mail->recipients = ARENA_ARRAY(&d->arena, struct remote_recipient, out_mail->count);
    TRY_MEMORY(out_mail->recipients);
    for (unsigned i = 0; i < out_mail->count; i++) {
        const struct queue_mail_recipient *from = &mail->recipients[attempt->results[i].recipient];
        out_mail->recipients[i] = (struct remote_recipient){
            .address = queue_mail_text(mail, from->address),
            .notify = from->notify,
            .orcpt_type = queue_mail_text(mail, from->orcpt_type),
            .orcpt_address = queue_mail_text(mail, from->orcpt_address),
        };
    }
    if (mail->deliver_by != 0) { /* RFC 2852 4: what is left; 0 would mean no limit */
        int64_t left = mail->deliver_by - time_wall_seconds();
        out_mail->deliver_by = left != 0 ? left : -1;
        out_mail->deliver_by_mode = mail->deliver_by_mode;
        out_mail->deliver_by_trace = mail->deliver_by_trace;
    }
    return OK;
}

static bool is_leaving(const struct remote_mail *mail)
{
    for (unsigned i = 0; i < mail->count; i++)
        if (mail->recipients[i].answer.code != CODE_LEAVING)
            return false;
    return true;
}

/* WAITS. A kept connection that turns out to be dead, or that the server wants to end, is replaced
 * by a fresh one: nothing of this mail was accepted over it. So is one to a server that does not
 * know the BDAT it offers; over the next the mail goes by DATA. */
static error send_over(struct delivery *d, struct queue_attempt *attempt,
                       struct remote_mail *out_mail, struct remote_answer *out_answer)
{
    struct connection *c = d->c;
    for (bool by_data = false;;) {
        bool kept = remote_mails(c->remote) > 0;
        TRY(make_mail(d, attempt, out_mail));
        error problem = remote_send(c->remote, out_mail, &d->arena);
        site_note_chunking(c->site, out_mail->chunking);
        bool dead = failed(problem) && problem.kind != ERROR_CANCELLED && !out_mail->heard;
        bool refused = out_mail->chunking == REMOTE_CHUNKING_REFUSED && !by_data;
        if (!refused && (!kept || (!dead && !is_leaving(out_mail))))
            return problem;
        by_data |= refused;
        connection_shut(c);
        TRY(connection_open(c, out_answer));
        arena_reset(&d->arena);
    }
}

/* RFC 5321 4.5.3.1.10: those beyond what the server takes at once come in the next transaction. */
static void put_off_excess(struct delivery *d, struct queue_attempt *attempt)
{
    unsigned kept = 0, accepted = 0;
    for (unsigned i = 0; i < attempt->result_count; i++)
        accepted += attempt->results[i].code >= 200 && attempt->results[i].code < 300;
    for (unsigned i = 0; accepted > 0 && i < attempt->result_count; i++) {
        struct queue_result *result = &attempt->results[i];
        if (result->code == CODE_TOO_MANY && result->enhanced[1] != 2) { /* not a full mailbox */
            d->recipients[--d->done] = result->recipient;
            free(result->text);
        } else {
            attempt->results[kept++] = *result;
        }
    }
    if (accepted > 0 && kept < attempt->result_count) {
        attempt->result_count = kept;
        d->at_once = accepted;
    }
}

/* RFC 2852 4.1.4, 4.2: with by-trace each relaying is reported; in by-mode N also that the mail
 * left the part of the world that knows of its time. (By-mode R does not leave it: remote_send.) */
static bool loses_time(const struct remote_mail *mail)
{
    return mail->deliver_by != 0 && (mail->deliver_by_trace || !mail->by_passed);
}

/* WAITS. Fills the attempt; false: the connection is of no use any more. */
static bool transact(struct delivery *d, struct queue_attempt *attempt, error *out_problem)
{
    struct remote_mail mail = {0};
    struct remote_answer opened = {0};
    arena_reset(&d->arena);
    error problem = send_over(d, attempt, &mail, &opened);
    sign(attempt, d->c);
    for (unsigned i = 0; i < attempt->result_count; i++) {
        struct queue_result *result = &attempt->results[i];
        bool answered = d->c->remote && i < mail.count;
        const struct remote_answer *answer = answered ? &mail.recipients[i].answer : &opened;
        enum queue_outcome outcome = outcome_of(d->c->way, answer);
        fill(result, outcome, answer, problem);
        result->dsn_passed = mail.dsn_passed;
        result->by_relayed = outcome == QUEUE_RELAYED && loses_time(&mail);
    }
    bool leaving = !failed(problem) && is_leaving(&mail);
    if (!failed(problem) && !leaving)
        site_good(d->c->site);
    else if (problem.kind != ERROR_CANCELLED) {
        connection_break(d->c);
        site_bad(d->c->site, slice_from_string(attempt->host),
                 slice_from_string(attempt->results[0].text));
    }
    if (!failed(problem))
        put_off_excess(d, attempt);
    *out_problem = problem;
    return !failed(problem) && !leaving;
}

/* ---- An item ---- */

static struct queue_attempt *next_attempt(struct delivery *d)
{
    unsigned count = d->count - d->done < d->at_once ? d->count - d->done : d->at_once;
    struct queue_attempt *attempt = queue_attempt_make_of(d->item, d->recipients + d->done, count);
    if (attempt)
        d->done += count;
    return attempt;
}

/* WAITS. Transactions until all recipients have had one or the connection fails. The next attempt
 * is made before the present one is posted: results must never lack the memory to travel. The last
 * one is for the caller to post, NULL: the item was not tried. */
static bool transact_all(struct delivery *d, struct queue_attempt **out_last)
{
    struct queue_attempt *attempt = next_attempt(d);
    while (attempt) {
        error problem;
        bool usable = transact(d, attempt, &problem);
        if (problem.kind == ERROR_CANCELLED && !d->posted && attempt->results[0].code == 0) {
            queue_attempt_free(&attempt); /* we stop, nothing was heard */
            return false;
        }
        struct queue_attempt *next = usable && d->done < d->count ? next_attempt(d) : NULL;
        if (!next) {
            *out_last = attempt;
            return usable;
        }
        post(attempt, true);
        d->posted = true;
        site_charge(d->c->site);
        attempt = next;
    }
    return true;
}

static void describe(struct delivery *d, slice prefix, slice body)
{
    const struct queue_mail *mail = d->item->mail;
    d->mail = (struct remote_mail){
        .sender = queue_mail_text(mail, mail->sender),
        .prefix = prefix,
        .body = body,
        .body_type = (enum smtp_body)mail->body,
        .utf8 = mail->utf8,
        .require_tls = mail->require_tls,
        .ret = (enum smtp_return)mail->ret,
        .envid = queue_mail_text(mail, mail->envid),
        .priority = mail->priority,
    };
}

/* The text cannot be had: that is nobody's fault but ours. */
static void answer_unreadable(struct queue_item *item, error problem)
{
    bool lost = problem.kind == ERROR_PERMANENT;
    struct queue_attempt *attempt = queue_attempt_make(item);
    if (!attempt) {
        give_back(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
        return;
    }
    queue_attempt_fill(attempt, lost ? QUEUE_FAILED : QUEUE_OPEN, 0,
                       lost ? (const int[]){5, 3, 0} : (const int[]){4, 3, 0},
                       slice_from_string(problem.text));
    post(attempt, false);
}

static unsigned gather_open(const struct queue_item *item, uint32_t *out)
{
    unsigned count = 0;
    for (uint32_t i = item->first; i < item->first + item->count; i++)
        if (item->mail->recipients[i].outcome == QUEUE_OPEN)
            out[count++] = i;
    return count;
}

bool attempt_run(struct connection *c, struct queue_item *item)
{
    struct queue_content *content = item->mail->content;
    struct delivery d = {.c = c, .item = item};
    struct queue_attempt *last = NULL;
    struct body scratch;
    slice body;
    bool usable = true;
    d.recipients = malloc(item->count * sizeof *d.recipients);
    if (!d.recipients) {
        give_back(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
        return true;
    }
    body_init(&scratch, content->size + content->prefix_size);
    error problem = queue_content_open(content, &scratch, &body);
    if (failed(problem)) {
        answer_unreadable(item, problem);
        free(d.recipients);
        return true;
    }
    d.count = gather_open(item, d.recipients);
    d.at_once = queue_settings_now()->recipients_per_mail;
    arena_init(&d.arena, ARENA_SIZE_MAX);
    describe(&d, queue_mail_prefix(item->mail, &scratch), body);
    usable = transact_all(&d, &last);
    arena_close(&d.arena);
    free(d.recipients);
    queue_content_release(content, &scratch); /* before the owner may free it */
    if (last)
        post(last, false);
    else
        give_back(item, sites.stopping ? 0 : QUEUE_PRESSED_PAUSE_S * TIME_S);
    return usable;
}
