#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A world for the schedule: routes, servers and reports by script, and a queue kept in memory. The
 * domain of a recipient names the script; its local part is a number, the recipient's place in a
 * ledger, which is asked at the end what became of everyone.
 *
 *     good      takes everything            perm   550 for everyone
 *     slow      takes everything in 5 ms    grey   451 at first, then takes it
 *     never     451 for ever                dead   no connection comes about
 *     hang      connecting takes 200 ms and fails
 *     flaky     everything that can go wrong, by chance
 *     limit     two connections at a time, others are sent away with 421
 *     five      452 for the sixth recipient of a transaction and those after it
 *     kept      connections die while they are kept
 *     null      the route says never        later  the route says later
 *     stall     the route takes 300 ms      lmtp   takes everything by LMTP
 *     wide      the route has no room       prolix 451 and very many words
 *     ours      the route says that it is ours
 *     drop      takes connections, and drops them at each mail
 *     chunk     offers BDAT and does not know it: takes everything by DATA
 *     brittle   breaks where it is sent BDAT: the same
 *     by        knows DELIVERBY     dsn  knows DSN     bydsn  knows both
 *
 * What follows the word ("good7.example") makes another site; "good7-x.example" shares that of
 * "good7".
 */
#include "runtime/in_core.h"

#include "base/log.h"
#include "base/random.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/deliver/remote.h"
#include "transport/event.h"
#include "transport/queue/keep.h"
#include "transport/queue/life.h"
#include "transport/queue/owner.h"
#include "transport/queue/report.h"
#include "transport/queue/site.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEDGER_MAX = 200000 };

struct ledger_entry {
    _Atomic uint32_t delivered, bounced, delayed, reported, relayed, expanded, tries;
    _Atomic uint64_t order; /* of its delivery among all */
    _Atomic int64_t at;     /* ns, of its delivery */
};

static struct {
    struct ledger_entry ledger[LEDGER_MAX];
    _Atomic uint64_t deliveries, transactions, opens, finished, made, added, outcomes, states;
    _Atomic uint64_t connections_high, busy_high; /* per core; of "limit" */
    _Atomic uint32_t reports_refused;             /* so many reports fail, at first */
    _Atomic bool revived;                         /* "dead" lives */
    _Atomic uint64_t routes;                      /* asked for */
    _Atomic bool moved;                           /* "never" has another site */
    _Atomic int limit_open;
    _Atomic uint64_t limit_turned_away;
    _Atomic bool held;       /* reports, look-ups of "stall", "hang" and mailboxes do not end */
    _Atomic uint64_t chunks; /* messages sent by BDAT to "chunk" and "brittle" */
} world;

static _Thread_local unsigned open_here;
static _Thread_local struct list mails_here;

/* ---- The ledger ---- */

static struct ledger_entry *entry_of(slice address)
{
    uint64_t number = 0;
    for (size_t i = 0; i < address.size && ascii_is_digit(address.data[i]); i++)
        number = number * 10 + (uint64_t)(address.data[i] - '0');
    assert_true(number < LEDGER_MAX);
    return &world.ledger[number];
}

static void take_delivery(slice address)
{
    struct ledger_entry *entry = entry_of(address);
    entry->delivered++;
    entry->order = ++world.deliveries;
    entry->at = time_now();
}

static void raise_to(_Atomic uint64_t *high, uint64_t value)
{
    uint64_t seen = *high;
    while (seen < value && !atomic_compare_exchange_weak(high, &seen, value))
        ;
}

/* ---- Routes ---- */

static bool is_script(slice host, const char *script)
{
    return slice_starts(host, slice_from_string(script));
}

/* So long, and until nothing is held any more. */
static error hold_up(int64_t pause)
{
    do
        TRY(fiber_sleep(pause));
    while (world.held);
    return OK;
}

error route_find(const struct route_request *request, struct arena *arena, instant deadline,
                 struct route *out_route)
{
    (void)deadline;
    slice site = request->domain, rest;
    *out_route = (struct route){.kind = ROUTE_SMTP};
    world.routes++;
    if (is_script(request->domain, "stall"))
        TRY(hold_up(300 * TIME_MS));
    if (is_script(request->domain, "wide"))
        TRY_MEMORY(arena_alloc_bytes(arena, QUEUE_WAY_ARENA_SIZE_MAX + 1));
    if (is_script(request->domain, "null"))
        *out_route = (struct route){.kind = ROUTE_REFUSE,
                                    .code = 556,
                                    .enhanced = {5, 1, 10},
                                    .text = SLICE("takes no mail")};
    else if (is_script(request->domain, "later"))
        *out_route = (struct route){
            .kind = ROUTE_LATER, .code = 451, .enhanced = {4, 4, 3}, .text = SLICE("no answer")};
    else if (is_script(request->domain, "lmtp"))
        out_route->kind = ROUTE_LMTP;
    else if (is_script(request->domain, "ours"))
        out_route->kind = ROUTE_LOCAL;
    slice_cut(site, '.', &site, &rest);
    slice_cut(site, '-', &site, &rest);
    if (is_script(site, "never") && world.moved)
        site = SLICE("elsewhere");
    out_route->hosts = ARENA_NEW(arena, struct route_host);
    TRY_MEMORY(out_route->hosts);
    out_route->host_count = 1;
    TRY(arena_copy(arena, site, &out_route->site));
    out_route->hosts[0].name = out_route->site;
    return OK;
}

/* ---- Servers ---- */

struct remote {
    slice host;
    unsigned mails;
    bool limited;
    bool alive;
    bool no_chunking;
};

static error lost(struct remote_answer *answer, enum error_kind kind, const char *text)
{
    *answer = (struct remote_answer){.problem = error_make(kind, text),
                                     .enhanced = {kind == ERROR_PERMANENT ? 5 : 4, 4, 2}};
    return answer->problem;
}

error remote_open(const struct route *route, const struct remote_options *options,
                  struct arena *arena, struct remote **out_remote, struct remote_answer *out_answer)
{
    (void)arena;
    slice host = route->hosts[0].name;
    world.opens++;
    raise_to(&world.connections_high, ++open_here);
    struct remote *remote = calloc(1, sizeof *remote);
    *remote = (struct remote){.host = host, .alive = true, .no_chunking = options->no_chunking};
    error problem = fiber_sleep(random_below(2) * TIME_MS);
    if (is_script(host, "hang") && !failed(problem))
        problem = hold_up(200 * TIME_MS);
    if (is_script(host, "hang") && !failed(problem))
        problem = lost(out_answer, ERROR_TIMEOUT, "connecting timed out");
    else if (is_script(host, "dead") && !world.revived)
        problem = lost(out_answer, ERROR_CLOSED, "connection refused");
    else if (is_script(host, "flaky") && random_below(5) == 0)
        problem = lost(out_answer, ERROR_CLOSED, "connection refused");
    else if (is_script(host, "limit") && ++world.limit_open > 2) {
        world.limit_open--;
        world.limit_turned_away++;
        problem = lost(out_answer, ERROR_TEMPORARY, "too many connections");
        out_answer->code = 421;
    }
    if (failed(problem)) {
        open_here--;
        free(remote);
        return problem;
    }
    remote->limited = is_script(host, "limit");
    *out_remote = remote;
    return OK;
}

void remote_close(struct remote **remote)
{
    if (!*remote)
        return;
    if ((*remote)->limited)
        world.limit_open--;
    open_here--;
    free(*remote);
    *remote = NULL;
}

slice remote_host(const struct remote *remote)
{
    return remote->host;
}

slice remote_tls(const struct remote *remote)
{
    (void)remote;
    return SLICE("TLSv1.3");
}

unsigned remote_mails(const struct remote *remote)
{
    return remote->mails;
}

bool remote_is_used_up(const struct remote *remote)
{
    (void)remote;
    return false;
}

bool remote_is_alive(const struct remote *remote)
{
    return remote->alive;
}

static void reply(struct remote_recipient *recipient, int code, int subject, int detail)
{
    recipient->answer = (struct remote_answer){
        .code = code, .enhanced = {code / 100, subject, detail}, .text = SLICE("as scripted")};
    if (code == 250)
        take_delivery(recipient->address);
}

/* A kept connection that died says nothing at all; one that breaks was heard before. */
static error break_off(struct remote *remote, struct remote_mail *mail, bool heard)
{
    error problem = error_make(ERROR_CLOSED, "connection lost");
    for (unsigned i = 0; i < mail->count; i++)
        error_ignore(lost(&mail->recipients[i].answer, ERROR_CLOSED, "connection lost"));
    mail->heard = heard;
    remote->alive = false;
    return problem;
}

static void be_prolix(struct remote_recipient *recipient)
{
    static const char words[2 * QUEUE_RESPONSE_SIZE_MAX] = {[0 ... sizeof words - 1] = 'w'};
    reply(recipient, 451, 7, 1);
    recipient->answer.text = slice_of(words, sizeof words);
}

static void reply_by_script(const struct remote *remote, struct remote_recipient *to, unsigned at)
{
    struct ledger_entry *entry = entry_of(to->address);
    uint32_t tries = ++entry->tries;
    uint64_t luck = random_below(10);
    if (is_script(remote->host, "perm"))
        reply(to, 550, 1, 1);
    else if (is_script(remote->host, "prolix"))
        be_prolix(to);
    else if (is_script(remote->host, "never") || (is_script(remote->host, "grey") && tries == 1))
        reply(to, 451, 7, 1);
    else if (is_script(remote->host, "five") && at >= 5)
        reply(to, 452, 5, 3);
    else if (is_script(remote->host, "flaky") && luck < 3)
        reply(to, luck == 0 ? 550 : 450, 2, 0);
    else
        reply(to, 250, 1, 5);
}

error remote_send(struct remote *remote, struct remote_mail *mail, struct arena *arena)
{
    (void)arena;
    world.transactions++;
    bool kept = remote->mails++ > 0, flaky = is_script(remote->host, "flaky");
    mail->heard = true;
    mail->dsn_passed = is_script(remote->host, "dsn") || is_script(remote->host, "bydsn");
    mail->by_passed = mail->deliver_by && is_script(remote->host, "by");
    assert_true(mail->count > 0 && mail->body.size > 0);
    if (is_script(remote->host, "slow"))
        TRY(fiber_sleep(5 * TIME_MS));
    else
        TRY(fiber_yield());
    bool refused = is_script(remote->host, "chunk");
    if ((refused || is_script(remote->host, "brittle")) && !remote->no_chunking) {
        world.chunks++;
        mail->chunking = refused ? REMOTE_CHUNKING_REFUSED : REMOTE_CHUNKING_BROKE;
        return break_off(remote, mail, true);
    }
    if (kept && (is_script(remote->host, "kept") || (flaky && random_below(4) == 0)))
        return break_off(remote, mail, false);
    if (is_script(remote->host, "drop") || (flaky && random_below(10) == 0))
        return break_off(remote, mail, true);
    if (flaky && random_below(10) == 0) {
        for (unsigned i = 0; i < mail->count; i++)
            reply(&mail->recipients[i], 421, 3, 2);
        remote->alive = false;
        return OK;
    }
    for (unsigned i = 0; i < mail->count; i++)
        reply_by_script(remote, &mail->recipients[i], i);
    return OK;
}

/* ---- Keeping: in memory, for this run ---- */

static _Thread_local uint64_t next_id;

/* One mail of this core; `recipients` as "12@good.example". */
static struct queue_mail *mail_make(const struct queue_envelope *envelope, int64_t lifetime_s)
{
    struct queue_content *content = calloc(1, sizeof *content);
    struct queue_mail *mail = NULL;
    content->size = 5;
    int64_t now = time_wall_seconds();
    assert_ok(queue_mail_make(envelope, content, ++next_id << 10 | core_self(), now, &mail));
    mail->owner = core_self();
    mail->expires = now + lifetime_s;
    list_append(&mails_here, &mail->node);
    world.made++;
    return mail;
}

[[maybe_unused]] static char *address_of(unsigned number, const char *domain)
{
    static char text[64];
    snprintf(text, sizeof text, "%u@%s", number, domain);
    return text;
}

[[maybe_unused]] static void mail_to(const char *sender, const char *account, const char *recipient,
                                     int64_t lifetime_s)
{
    const struct queue_recipient to = {.address = slice_from_string(recipient)};
    const struct queue_envelope envelope = {
        .sender = slice_from_string(sender),
        .account = slice_from_string(account),
        .recipients = &to,
        .recipient_count = 1,
    };
    queue_schedule_add(mail_make(&envelope, lifetime_s));
}

#ifndef FAKES_OWN_SUBMIT
error queue_submit(struct queue_submission *submission)
{
    (void)submission;
    return error_make(ERROR_TEMPORARY, "not in this world");
}
#endif

error queue_keep_load(const struct queue_settings *settings, slice path)
{
    (void)settings, (void)path;
    return OK;
}

void queue_keep_set_settings(const struct queue_settings *settings)
{
    (void)settings;
}

error queue_keep_open(void)
{
    return OK;
}

void queue_keep_finish(struct queue_mail **mail)
{
    struct queue_content *content = (*mail)->content;
    for (uint32_t i = 0; i < (*mail)->recipient_count; i++)
        assert_int_not_equal((*mail)->recipients[i].outcome, QUEUE_OPEN);
    assert_int_equal((*mail)->open_count, 0);
    assert_int_equal((*mail)->owner, core_self());
    queue_mail_free(mail);
    if (content->references == 0) {
        assert_int_equal(content->out, 0);
        assert_int_equal(content->pins, 0);
        free(content);
    }
    world.finished++;
}

static void forget_mail(struct queue_mail *mail)
{
    struct queue_content *content = mail->content;
    queue_mail_free(&mail);
    if (content->references == 0)
        free(content);
}

error queue_keep_close(void)
{
    struct queue_mail *mail;
    while ((mail = queue_keep_next(NULL)))
        forget_mail(mail);
    return OK;
}

void queue_keep_outcomes(struct queue_mail *mail, const struct queue_item *item)
{
    assert_ptr_equal(item->mail, mail);
    assert_int_equal(mail->owner, core_self());
    world.outcomes++;
}

void queue_keep_state(struct queue_mail *mail, const struct queue_item *item)
{
    (void)item;
    assert_int_equal(mail->owner, core_self());
    world.states++;
}

error queue_keep_sync(void)
{
    return OK;
}

error queue_content_open(struct queue_content *content, struct body *scratch, slice *out_body)
{
    (void)scratch;
    content->pins++;
    *out_body = SLICE("text\n");
    return OK;
}

void queue_content_release(struct queue_content *content, struct body *scratch)
{
    (void)scratch;
    content->pins--;
}

slice queue_mail_prefix(const struct queue_mail *mail, const struct body *scratch)
{
    (void)mail, (void)scratch;
    return SLICE_EMPTY;
}

struct queue_mail *queue_keep_find(queue_id id)
{
    struct queue_mail *mail;
    LIST_EACH (&mails_here, mail, node)
        if (mail->id == id)
            return mail;
    return NULL;
}

struct queue_mail *queue_keep_next(const struct queue_mail *after)
{
    const struct list *next = after ? after->node.next : mails_here.next;
    return next == &mails_here || !next ? NULL : CONTAINER_OF(next, struct queue_mail, node);
}

struct queue_mail *queue_keep_previous(const struct queue_mail *before)
{
    const struct list *previous = before->node.previous;
    return previous == &mails_here ? NULL : CONTAINER_OF(previous, struct queue_mail, node);
}

uint64_t queue_keep_count(void)
{
    uint64_t count = 0;
    struct queue_mail *mail;
    LIST_EACH (&mails_here, mail, node)
        count++;
    return count;
}

uint64_t queue_keep_memory_bytes(void)
{
    return 0;
}

uint64_t queue_keep_spool_bytes(void)
{
    return 0;
}

/* ---- Reports and events ---- */

error report_send(const struct queue_mail *mail, enum report_kind kind,
                  const struct report_recipient *recipients, unsigned count)
{
    TRY(hold_up(TIME_MS)); /* a group commit */
    uint32_t refused = world.reports_refused;
    while (refused > 0)
        if (atomic_compare_exchange_weak(&world.reports_refused, &refused, refused - 1))
            return error_make(ERROR_TEMPORARY, "no room for a report");
    for (unsigned i = 0; i < count; i++) {
        const struct queue_mail_recipient *to = &mail->recipients[recipients[i].recipient];
        struct ledger_entry *entry = entry_of(queue_mail_text(mail, to->address));
        if (kind == REPORT_FAILED)
            entry->bounced++;
        else if (kind == REPORT_DELAYED)
            entry->delayed++;
        else
            entry->reported++;
        entry->relayed += kind == REPORT_RELAYED;
        entry->expanded += kind == REPORT_EXPANDED;
    }
    return OK;
}

void transport_event(const struct transport_event *event)
{
    (void)event;
}

/* ---- Cores ---- */

static struct queue_settings sim_settings;
static void (*sim_body)(void);

static error sim_open(void *unused)
{
    (void)unused;
    list_init(&mails_here);
    random_seed(20261122 + core_self());
    return OK;
}

static void sim_main(void *unused)
{
    (void)unused;
    if (core_self() != 0)
        return;
    const struct queue_options options = {.settings = &sim_settings, .hostname = SLICE("us")};
    assert_ok(core_broadcast(sim_open, NULL));
    assert_ok(queue_load(&options));
    assert_ok(queue_start());
    sim_body();
    assert_ok(queue_stop(time_after(TIME_S)));
    cores_stop();
}

static void sim_defaults(void)
{
    static struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_ok(settings_default(&queue_setting_table, &arena, &sim_settings));
    sim_settings.retry_min = 50 * TIME_MS;
    sim_settings.retry_max = 400 * TIME_MS;
    sim_settings.idle_timeout = 50 * TIME_MS;
    sim_settings.warn_after = 0;
    memset(&world, 0, sizeof world);
}

/* Runs `body` on core 0 of so many, with the queue open. */
static void sim_run(unsigned cores, void (*body)(void))
{
    sim_body = body;
    assert_ok(cores_start(&(struct core_options){.count = cores}, sim_main, NULL));
    cores_join();
}

/* WAITS until `most` fibers are held, and makes sure that no more come; all then go on. */
[[maybe_unused]] static void sim_fill(const unsigned *count, unsigned most)
{
    instant deadline = time_after(20 * TIME_S);
    while (*count < most && time_now() < deadline)
        assert_ok(fiber_sleep(TIME_MS));
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(*count, most);
        assert_ok(fiber_sleep(TIME_MS));
    }
    world.held = false;
}

/* WAITS until every mail made is finished: at least half a minute, for machines that are busy. */
[[maybe_unused]] static void sim_wait(int64_t seconds)
{
    instant deadline = time_after((seconds > 30 ? seconds : 30) * TIME_S);
    while (world.finished < world.made && time_now() < deadline)
        assert_ok(fiber_sleep(5 * TIME_MS));
    assert_int_equal(world.finished, world.made);
}
