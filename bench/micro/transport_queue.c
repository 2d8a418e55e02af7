/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the schedule costs for one mail while a thousand or a million others wait: taken in, due,
 * its route found, sent by its site, its result recorded, gone. Routes, servers and the disk answer
 * at once and cost next to nothing, so that the schedule is what is measured. Memory is that of a
 * waiting mail: the mail with its item, recipient, texts and timer, without its body.
 */
#include "micro/measure.h"

#include "base/memory.h"
#include "base/random.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/deliver/remote.h"
#include "transport/event.h"
#include "transport/queue/keep.h"
#include "transport/queue/life.h"
#include "transport/queue/report.h"
#include "transport/queue/schedule.h"

enum { FEW = 1000, MANY = 1000 * 1000, MEASURED = 50 * 1000, DOMAINS = 1000 };

static struct list mails = {&mails, &mails};
static unsigned finished;

/* ---- A world that costs nothing ---- */

error route_find(const struct route_request *request, struct arena *arena, instant deadline,
                 struct route *out_route)
{
    (void)deadline;
    *out_route = (struct route){.kind = ROUTE_SMTP, .host_count = 1};
    out_route->hosts = ARENA_NEW(arena, struct route_host);
    TRY_MEMORY(out_route->hosts);
    TRY(arena_copy(arena, request->domain, &out_route->site));
    out_route->hosts[0].name = out_route->site;
    return OK;
}

struct remote {
    unsigned mails;
};

error remote_open(const struct route *route, const struct remote_options *options,
                  struct arena *arena, struct remote **out_remote, struct remote_answer *out_answer)
{
    (void)route, (void)options, (void)arena, (void)out_answer;
    *out_remote = calloc(1, sizeof **out_remote);
    return OK;
}

error remote_send(struct remote *remote, struct remote_mail *mail, struct arena *arena)
{
    (void)arena;
    remote->mails++;
    mail->heard = true;
    for (unsigned i = 0; i < mail->count; i++)
        mail->recipients[i].answer =
            (struct remote_answer){.code = 250, .enhanced = {2, 0, 0}, .text = SLICE("taken")};
    return OK;
}

slice remote_host(const struct remote *remote)
{
    (void)remote;
    return SLICE("mx.example.net[192.0.2.1]:25");
}

slice remote_tls(const struct remote *remote)
{
    (void)remote;
    return SLICE("TLSv1.3 TLS_AES_128_GCM_SHA256");
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
    (void)remote;
    return true;
}

void remote_close(struct remote **remote)
{
    free(*remote);
    *remote = NULL;
}

error queue_content_open(struct queue_content *content, struct body *scratch, slice *out_body)
{
    (void)content, (void)scratch;
    *out_body = SLICE("text\r\n");
    return OK;
}

void queue_content_release(struct queue_content *content, struct body *scratch)
{
    (void)content, (void)scratch;
}

slice queue_mail_prefix(const struct queue_mail *mail, const struct body *scratch)
{
    (void)mail, (void)scratch;
    return SLICE_EMPTY;
}

void queue_keep_outcomes(struct queue_mail *mail, const struct queue_item *item)
{
    (void)mail, (void)item;
}

void queue_keep_state(struct queue_mail *mail, const struct queue_item *item)
{
    (void)mail, (void)item;
}

void queue_keep_finish(struct queue_mail **mail)
{
    struct queue_content *content = (*mail)->content;
    queue_mail_free(mail);
    free(content);
    finished++;
}

struct queue_mail *queue_keep_next(const struct queue_mail *after)
{
    struct list *next = after ? after->node.next : mails.next;
    return next == &mails ? NULL : CONTAINER_OF(next, struct queue_mail, node);
}

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

error queue_keep_close(void)
{
    for (struct queue_mail *mail; (mail = queue_keep_next(NULL));)
        queue_keep_finish(&mail);
    return OK;
}

error queue_submit(struct queue_submission *submission)
{
    (void)submission;
    return OK;
}

error report_send(const struct queue_mail *mail, enum report_kind kind,
                  const struct report_recipient *recipients, unsigned count)
{
    (void)mail, (void)kind, (void)recipients, (void)count;
    return OK;
}

void transport_event(const struct transport_event *event)
{
    (void)event;
}

/* ---- The measurement ---- */

static struct queue_mail *make(unsigned number, int64_t due)
{
    char sender[64], to[64];
    int sender_size = snprintf(sender, sizeof sender, "somebody%u@example.org", number % 500);
    int to_size = snprintf(to, sizeof to, "anybody%u@d%u.example.net", number, number % DOMAINS);
    const struct queue_recipient recipient = {.address = slice_of(to, (size_t)to_size)};
    const struct queue_envelope envelope = {
        .sender = slice_of(sender, (size_t)sender_size),
        .account = slice_of(sender, (size_t)sender_size),
        .origin = SLICE("6b033cd600000002-1"),
        .recipients = &recipient,
        .recipient_count = 1,
    };
    struct queue_content *content = calloc(1, sizeof *content);
    struct queue_mail *mail = NULL;
    if (!content)
        abort();
    error problem = queue_mail_make(&envelope, content, number + 1, time_wall_seconds(), &mail);
    if (failed(problem))
        give_up(problem);
    mail->owner = core_self();
    mail->expires = mail->arrived + 5 * 86400;
    mail->items[0].due = due;
    mail->items[0].attempts = 1;
    list_append(&mails, &mail->node);
    return mail;
}

static void wait_until_gone(unsigned count)
{
    while (finished < count)
        error_ignore(fiber_sleep(TIME_MS)); /* nobody cancels */
}

/* CPU time a mail, from queue_schedule_add to its end, all of them due after `pause` seconds. */
static double live_and_die(int64_t pause)
{
    int64_t due = time_wall_seconds() + pause, spent = 0;
    finished = 0;
    for (unsigned i = 0; i < MEASURED; i++) {
        struct queue_mail *mail = make(i, pause ? due : 0);
        int64_t began = cpu_now();
        queue_schedule_add(mail);
        spent += cpu_now() - began;
        if (pause == 0 && i % 256 == 255) { /* as they would come in */
            began = cpu_now();
            wait_until_gone(i - 255);
            spent += cpu_now() - began;
        }
    }
    int64_t began = cpu_now();
    wait_until_gone(MEASURED);
    return (double)(spent + cpu_now() - began) / MEASURED;
}

static void measure_beside(unsigned waiting)
{
    char name[64];
    int64_t far = time_wall_seconds() + 3600;
    unsigned already = 0;
    for (struct queue_mail *mail = queue_keep_next(NULL); mail; mail = queue_keep_next(mail))
        already++;
    size_t before = memory_statistics().allocated;
    for (unsigned i = already; i < waiting; i++)
        queue_schedule_add(make(i, far + (int64_t)random_below(4 * 3600)));
    size_t after = memory_statistics().allocated;
    double once = live_and_die(0), later = live_and_die(2);
    for (unsigned i = 0; i < 2; i++) {
        double again = live_and_die(0), again_later = live_and_die(2);
        once = again < once ? again : once;
        later = again_later < later ? again_later : later;
    }
    snprintf(name, sizeof name, "queue_mail_at_once_beside_%u", waiting);
    report(name, once, "ns");
    snprintf(name, sizeof name, "queue_mail_when_due_beside_%u", waiting);
    report(name, later, "ns");
    if (after > before) {
        snprintf(name, sizeof name, "queue_waiting_mail_of_%u", waiting);
        report(name, (double)(after - before) / (waiting - already), "bytes");
    }
}

static void body(void *argument)
{
    (void)argument;
    struct queue_settings settings;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    error problem = settings_default(&queue_setting_table, &arena, &settings);
    const struct queue_options options = {.settings = &settings, .hostname = SLICE("us")};
    if (!failed(problem))
        problem = queue_load(&options);
    if (!failed(problem))
        problem = queue_start();
    if (failed(problem))
        give_up(problem);
    measure_beside(FEW);
    measure_beside(MANY);
    error_ignore(queue_stop(time_now()));
    arena_close(&arena);
}

int main(void)
{
    log_configure(2, LOG_WARNING, LOG_LOGFMT);
    run_on_a_core(body);
    return 0;
}
