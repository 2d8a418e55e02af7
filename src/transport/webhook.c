/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/webhook.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "format/text/base64.h"
#include "net/http/client.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"
#include "transport/event_sink.h"

#include <stdio.h>
#include <stdlib.h>

METRIC_COUNTER(sent_total, "ringmail_webhook_requests_total", "result=\"ok\"", "Requests made");
METRIC_COUNTER(failed_total, "ringmail_webhook_requests_total", "result=\"failed\"",
               "Requests made");
METRIC_COUNTER(events_total, "ringmail_webhook_events_total", "", "Events that were taken");
METRIC_COUNTER(given_up_total, "ringmail_webhook_given_up_total", "",
               "Events of requests that were given up");

enum {
    TOKEN_SIZE = 24,
    ID_SIZE = sizeof("msg_") - 1 + TOKEN_SIZE,
    SECRET_SIZE_MAX = 8 << 10,  /* decoded, with room for the arena's own */
    ARENA_SIZE_MAX = 256 << 10, /* of one exchange */
    SIGNATURE_SIZE_MAX = 128,   /* "v1," and 44 letters */
    STATUS_GONE = 410,          /* RFC 9110 15.5.11 */
    STOP_POLL_MS = 5,
};

struct webhook {
    const struct webhook_settings *settings;
    slice url;
    struct event_sink sink;
    struct buffer body; /* of the request in hand */
    unsigned events;    /* in it */
    char id[ID_SIZE + 1];
    bool busy;    /* a request is in hand */
    bool failing; /* its last attempt failed */
};

/* Of this core. */
static _Thread_local struct {
    struct crew crew;
    struct webhook *hooks;
    unsigned count;
    struct tls_client *client; /* the same on all cores; NULL where no url needs it */
} here;

/* ---- One request ---- */

error webhook_sign(slice secret, slice id, slice timestamp, slice body, struct buffer *out)
{
    static const slice mark = {"whsec_", sizeof "whsec_" - 1};
    struct arena arena;
    slice key = secret;
    arena_init(&arena, SECRET_SIZE_MAX);
    error problem = OK;
    if (slice_starts(secret, mark))
        problem = base64_decode(&arena, slice_from(secret, mark.size), &key);
    if (!failed(problem)) {
        struct hmac hmac;
        uint8_t sum[32];
        hmac_init(&hmac, DIGEST_SHA256, key);
        hmac_add(&hmac, id);
        hmac_add(&hmac, SLICE("."));
        hmac_add(&hmac, timestamp);
        hmac_add(&hmac, SLICE("."));
        hmac_add(&hmac, body);
        hmac_finish(&hmac, sum);
        buffer_add_string(out, "v1,");
        base64_encode(out, slice_of(sum, sizeof sum));
    }
    arena_close(&arena);
    return problem;
}

/* WAITS. *out_status: what was answered; 0: nothing. */
static error ask(struct webhook *hook, struct arena *arena, struct buffer *signature,
                 unsigned *out_status)
{
    slice timestamp, body = buffer_slice(&hook->body), id = slice_from_string(hook->id);
    struct http_client_answer answer;
    TRY(arena_format(arena, &timestamp, "%lld", (long long)time_wall_seconds()));
    if (hook->settings->secret.size > 0)
        TRY(webhook_sign(hook->settings->secret, id, timestamp, body, signature));
    const struct http_client_field fields[] = {
        {SLICE("webhook-id"), id},
        {SLICE("webhook-timestamp"), timestamp},
        {SLICE("webhook-signature"), buffer_slice(signature)},
    };
    const struct http_client_request request = {
        .method = "POST",
        .url = hook->url,
        .fields = fields,
        .field_count = signature->size > 0 ? 3 : 2,
        .content_type = SLICE("application/json"),
        .body = body,
        .size_max = WEBHOOK_ANSWER_SIZE_MAX,
        .tls = here.client,
        .deadline = time_after(hook->settings->timeout),
    };
    TRY(http_client_ask(&request, arena, &answer));
    *out_status = answer.status;
    return answer.status / 100 == 2 ? OK : error_make(ERROR_TEMPORARY, "the receiver refused");
}

static void log_trouble(const struct webhook *hook, const char *event, unsigned status,
                        error problem)
{
    struct log_line line = log_begin(LOG_WARNING, event);
    log_text(&line, "url", hook->url);
    log_string(&line, "request", hook->id);
    log_number(&line, "events", hook->events);
    log_number(&line, "status", status);
    log_error(&line, problem);
    log_end(&line);
}

/* WAITS. One attempt; the log hears where trouble begins and ends, not of every try. */
static error attempt(struct webhook *hook, unsigned *out_status)
{
    struct arena arena;
    struct buffer signature;
    *out_status = 0;
    arena_init(&arena, ARENA_SIZE_MAX);
    buffer_init(&signature, SIGNATURE_SIZE_MAX);
    error problem = ask(hook, &arena, &signature, out_status);
    buffer_close(&signature);
    arena_close(&arena);
    if (problem.kind == ERROR_CANCELLED)
        return problem;
    metric_add(failed(problem) ? &failed_total : &sent_total, 1);
    if (failed(problem) != hook->failing)
        log_trouble(hook, failed(problem) ? "webhook.trouble" : "webhook.recovered", *out_status,
                    problem);
    hook->failing = failed(problem);
    return problem;
}

/* A quarter more or less, so that several servers do not come at once. */
static int64_t scattered(int64_t pause)
{
    return pause - pause / 4 + (int64_t)random_below((uint64_t)(pause / 2) + 1);
}

/* WAITS, until the request in hand was taken or is given up. */
static error deliver(struct webhook *hook)
{
    const struct webhook_settings *settings = hook->settings;
    instant last = time_after(settings->give_up_after);
    int64_t pause = settings->retry_min;
    for (;;) {
        unsigned status;
        error problem = attempt(hook, &status);
        if (!failed(problem)) {
            metric_add(&events_total, hook->events);
            return OK;
        }
        if (problem.kind == ERROR_CANCELLED)
            return problem;
        if (status == STATUS_GONE || problem.kind == ERROR_PERMANENT || time_now() >= last) {
            metric_add(&given_up_total, hook->events);
            log_trouble(hook, "webhook.given_up", status, problem);
            return OK;
        }
        TRY(fiber_sleep(scattered(pause)));
        pause = pause < settings->retry_max / 2 ? 2 * pause : settings->retry_max;
    }
}

/* ---- The loop ---- */

static bool has_room(const struct webhook *hook)
{
    const struct event_record *next = LIST_FIRST(&hook->sink.waiting, struct event_record, node);
    return next && hook->events < hook->settings->events_per_request &&
           (hook->events == 0 || hook->body.size + next->size + 2 <= WEBHOOK_BODY_SIZE_MAX);
}

/* WAITS for events, and a little for more of them. */
static error gather(struct webhook *hook)
{
    TRY(event_sink_wait(&hook->sink, TIME_NEVER));
    hook->busy = true;
    if (hook->sink.count < hook->settings->events_per_request && hook->settings->linger > 0)
        TRY(fiber_sleep(hook->settings->linger));
    char token[TOKEN_SIZE];
    random_token(token, sizeof token);
    snprintf(hook->id, sizeof hook->id, "msg_%.*s", TOKEN_SIZE, token);
    buffer_reset(&hook->body);
    hook->events = 0;
    while (has_room(hook)) {
        struct event_record *record = event_sink_take(&hook->sink);
        buffer_add_byte(&hook->body, hook->events++ == 0 ? '[' : ',');
        buffer_add(&hook->body, slice_of(record->text, record->size));
        free(record);
    }
    buffer_add_byte(&hook->body, ']');
    return buffer_check(&hook->body);
}

static void run(void *argument)
{
    struct webhook *hook = argument;
    error problem = OK;
    while (!failed(problem)) {
        problem = gather(hook);
        if (!failed(problem))
            problem = deliver(hook);
        else if (problem.kind == ERROR_LIMIT) /* no memory for a body: its events are gone */
            problem = fiber_sleep(hook->settings->retry_min);
        hook->busy = false;
    }
}

/* ---- Life ---- */

static error open_hook(const struct webhook_settings *settings, slice url, unsigned kinds)
{
    struct webhook *hook = &here.hooks[here.count];
    *hook = (struct webhook){
        .settings = settings,
        .url = url,
        .sink = {.name = "webhook", .label = url, .kinds = kinds, .size_max = settings->memory_max},
    };
    buffer_init(&hook->body, WEBHOOK_BODY_SIZE_MAX + EVENT_SIZE_MAX);
    TRY(event_sink_open(&hook->sink));
    here.count++;
    return fiber_start(&here.crew, "webhook", run, hook);
}

struct starting {
    const struct webhook_settings *settings;
    struct tls_client_options tls;
    struct tls_client *client;
};

static error start_core(void *argument)
{
    const struct starting *starting = argument;
    const struct webhook_settings *settings = starting->settings;
    unsigned kinds, count = (unsigned)settings->urls.count;
    if (!webhook_events_parse(&settings->events, &kinds))
        return error_make(ERROR_PERMANENT, "webhook.events names what is no event");
    crew_init(&here.crew, NULL);
    here.client = starting->client;
    here.hooks = calloc(WEBHOOK_URLS_MAX, sizeof *here.hooks);
    TRY_MEMORY(here.hooks);
    for (unsigned i = core_self(); i < count; i += core_count())
        TRY(open_hook(settings, settings->urls.items[i], kinds));
    return OK;
}

static bool needs_tls(const struct webhook_settings *settings)
{
    for (size_t i = 0; i < settings->urls.count; i++)
        if (slice_starts_nocase(settings->urls.items[i], SLICE("https:")))
            return true;
    return false;
}

static error make_client(void *argument)
{
    struct starting *starting = argument;
    return tls_client_create(&starting->tls, &starting->client);
}

error webhook_start(const struct webhook_options *options)
{
    const struct webhook_settings *settings = options->settings;
    struct starting starting = {
        .settings = settings,
        .tls = {.verify = true, .authority = options->authority, .version_min = TLS_1_2},
    };
    if (settings->urls.count == 0)
        return OK;
    if (settings->urls.count > WEBHOOK_URLS_MAX)
        return error_make(ERROR_PERMANENT, "webhook.urls has too many addresses");
    if (needs_tls(settings))
        TRY(worker_run(WORKER_FILE, make_client, &starting));
    return core_broadcast(start_core, &starting);
}

/* Is there something left that the receiver is likely to take? */
static bool is_draining(void)
{
    for (unsigned i = 0; i < here.count; i++)
        if (!here.hooks[i].failing && (here.hooks[i].busy || here.hooks[i].sink.count > 0))
            return true;
    return false;
}

static error stop_core(void *argument)
{
    const instant *deadline = argument;
    if (!here.hooks)
        return OK;
    while (is_draining() && time_now() < *deadline && !failed(fiber_sleep(STOP_POLL_MS * TIME_MS)))
        ;
    crew_close(&here.crew);
    for (unsigned i = 0; i < here.count; i++) {
        event_sink_close(&here.hooks[i].sink);
        buffer_close(&here.hooks[i].body);
    }
    free(here.hooks);
    here.hooks = NULL;
    here.count = 0;
    here.client = NULL;
    return OK;
}

void webhook_stop(instant deadline)
{
    struct tls_client *client = here.client;
    error_ignore(core_broadcast(stop_core, &deadline)); /* at the end there is nobody to tell */
    tls_client_destroy(&client);
}
