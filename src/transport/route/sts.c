/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/sts.h"

#include "base/log.h"
#include "base/metric.h"
#include "net/dns/resolver.h"
#include "net/http/client.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/timer.h"
#include "transport/route/sts_cache.h"
#include "transport/route/tls_report.h"

#include <stdlib.h>

METRIC_COUNTER(metric_fetched, "ringmail_mta_sts_fetches_total", "result=\"ok\"",
               "MTA-STS policies asked for over HTTPS");
METRIC_COUNTER(metric_failed, "ringmail_mta_sts_fetches_total", "result=\"failed\"",
               "MTA-STS policies asked for over HTTPS");

enum {
    FETCH_MEMORY_MAX = 512 << 10,
    KEEPER_PAUSE_MAX_S = 30,
    REFRESHES_AT_ONCE = 8,
};

static _Thread_local struct {
    bool running;
    bool changed; /* since it was last written: core 0 */
    const struct route_settings *settings;
    const char *path; /* of the file; NULL: none */
    struct tls_client *tls;
    struct crew crew;
    unsigned fetches;
    struct sts_cache cache;
    struct arena arena;
} sts;

/* ---- Giving it to the others ---- */

struct gift {
    struct message message;
    struct sts_known *known;
};

static void accept_gift(struct message *message)
{
    struct gift *gift = CONTAINER_OF(message, struct gift, message);
    if (sts.running) {
        sts_cache_put(&sts.cache, gift->known);
        sts.changed = true;
    } else {
        free(gift->known);
    }
    free(gift);
}

static void give_to_others(const struct sts_known *known)
{
    for (unsigned core = 0; core < core_count(); core++) {
        struct gift *gift = core == core_self() ? NULL : calloc(1, sizeof *gift);
        if (!gift)
            continue;
        gift->message.run = accept_gift;
        gift->known = sts_known_copy(known);
        if (gift->known)
            core_post(core, &gift->message);
        else
            free(gift); /* that core will ask for itself */
    }
}

/* ---- Asking ---- */

/* RFC 8461 3.1: exactly one record of its kind, or there is none. */
static error find_record(slice domain, struct arena *arena, instant deadline, slice *out_id)
{
    struct dns_answer answer;
    slice name, id = SLICE_EMPTY;
    unsigned count = 0;
    TRY(arena_format(arena, &name, "_mta-sts.%.*s", SLICE_ARG(domain)));
    TRY(resolver_query(name, DNS_TXT, arena, deadline, &answer));
    for (unsigned i = 0; i < answer.count; i++)
        count += mta_sts_record_parse(answer.records[i].text, &id).kind != ERROR_NOT_FOUND;
    if (count != 1 || id.size == 0)
        return error_make(ERROR_NOT_FOUND, "no MTA-STS record");
    *out_id = id;
    return OK;
}

/* The whole answer must be there and say text/plain (RFC 8461 3.2, 3.3). */
static error download(slice domain, struct arena *arena, slice *out_text,
                      enum tls_report_result *out_result)
{
    struct http_client_answer answer;
    struct http_client_request request = {
        .method = "GET",
        .size_max = MTA_STS_POLICY_SIZE_MAX,
        .tls = sts.tls,
        .public_only = !sts.settings->private_addresses,
        .deadline = time_after(sts.settings->sts_timeout),
    };
    slice type, parameters;
    *out_result = TLS_REPORT_STS_POLICY_FETCH_ERROR;
    if (sts.settings->sts_port == 443)
        TRY(arena_format(arena, &request.url, "https://mta-sts.%.*s/.well-known/mta-sts.txt",
                         SLICE_ARG(domain)));
    else
        TRY(arena_format(arena, &request.url, "https://mta-sts.%.*s:%u/.well-known/mta-sts.txt",
                         SLICE_ARG(domain), sts.settings->sts_port));
    error problem = http_client_ask(&request, arena, &answer);
    if (problem.kind == ERROR_DENIED)
        *out_result = TLS_REPORT_STS_WEBPKI_INVALID;
    TRY(problem);
    if (answer.status != 200)
        return error_make(ERROR_NOT_FOUND, "the policy host has no policy");
    slice_cut(answer.content_type, ';', &type, &parameters);
    *out_result = TLS_REPORT_STS_POLICY_INVALID;
    if (!slice_equal_nocase(slice_trim(type), SLICE("text/plain")))
        return error_make(ERROR_MALFORMED, "an MTA-STS policy that is not text/plain");
    *out_text = answer.body;
    return OK;
}

static error fetch(slice domain, slice id, struct arena *arena, enum tls_report_result *out_result)
{
    struct sts_known *known;
    slice text;
    TRY(download(domain, arena, &text, out_result));
    *out_result = TLS_REPORT_STS_POLICY_INVALID;
    TRY(sts_known_make(domain, id, text, time_wall_seconds(), &known));
    give_to_others(known);
    sts_cache_put(&sts.cache, known);
    sts.changed = true;
    return OK;
}

static void log_fetch(slice domain, error problem)
{
    struct log_line line = log_begin(failed(problem) ? LOG_WARNING : LOG_INFO, "route.mta_sts");
    log_text(&line, "domain", domain);
    log_error(&line, problem);
    log_end(&line);
}

struct job {
    struct sts_entry *entry; /* held by `fetching` */
    slice id;
    char id_bytes[MTA_STS_ID_SIZE_MAX];
};

static void run_fetch(void *argument)
{
    struct job *job = argument;
    struct sts_entry *entry = job->entry;
    enum tls_report_result result;
    struct arena arena;
    arena_init(&arena, FETCH_MEMORY_MAX);
    error problem = fetch(entry->domain, job->id, &arena, &result);
    if (failed(problem) && problem.kind != ERROR_CANCELLED) {
        tls_report_note(&(struct tls_report_session){
            .domain = entry->domain,
            .policy = TLS_REPORT_STS,
            .result = result,
            .reason = slice_from_string(problem.text),
        });
        entry->pause_until = time_after(STS_FETCH_PAUSE_S * TIME_S);
    }
    metric_add(failed(problem) ? &metric_failed : &metric_fetched, 1);
    log_fetch(entry->domain, problem);
    entry->fetching = false;
    sts.fetches--;
    condition_wake_all(&entry->settled);
    arena_close(&arena);
    free(job);
}

/* Somebody else waits for it, or nobody: whoever asked may give up before it ends. */
static void start_fetch(struct sts_entry *entry, slice id)
{
    if (entry->fetching || sts.fetches == STS_FETCHES_MAX || timer_now() < entry->pause_until)
        return;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    memcpy(job->id_bytes, id.data, id.size);
    job->entry = entry;
    job->id = slice_of(job->id_bytes, id.size);
    entry->fetching = true;
    sts.fetches++;
    if (failed(fiber_start(&sts.crew, "mta-sts fetch", run_fetch, job))) {
        entry->fetching = false;
        sts.fetches--;
        free(job);
    }
}

static const struct sts_known *known_now(slice domain)
{
    const struct sts_entry *entry = sts_cache_find(&sts.cache, domain);
    bool counts = entry && entry->known && sts_known_end(entry->known) > time_wall_seconds();
    return counts ? entry->known : NULL;
}

static bool is_due(const struct sts_known *known)
{
    int64_t life = known->policy.max_age / 2, refresh = sts.settings->sts_refresh / TIME_S;
    return time_wall_seconds() >= known->fetched + (life < refresh ? life : refresh);
}

/* WAITS for a policy that is not known, or another one; not for one that is only old. */
static error learn(slice domain, slice id, instant deadline)
{
    const struct sts_known *known = known_now(domain);
    struct sts_entry *entry = sts_cache_open(&sts.cache, domain);
    error problem = OK;
    TRY_MEMORY(entry);
    bool same = known && slice_equal(known->id, id);
    if (same && !is_due(known))
        return OK;
    start_fetch(entry, id);
    if (same)
        return OK;
    entry->holders++;
    while (entry->fetching && !failed(problem))
        problem = condition_wait(&entry->settled, deadline);
    entry->holders--;
    return problem.kind == ERROR_TIMEOUT ? OK : problem;
}

static error copy_policy(const struct sts_known *known, struct arena *arena,
                         struct mta_sts_policy *out_policy)
{
    struct mta_sts_policy policy = known->policy;
    slice *mx = ARENA_ARRAY(arena, slice, policy.mx_count ? policy.mx_count : 1);
    TRY_MEMORY(mx);
    for (unsigned i = 0; i < policy.mx_count; i++)
        TRY(arena_copy(arena, policy.mx[i], &mx[i]));
    policy.mx = mx;
    *out_policy = policy;
    return OK;
}

error sts_find(slice domain, struct arena *arena, instant deadline,
               struct mta_sts_policy *out_policy)
{
    slice id;
    *out_policy = (struct mta_sts_policy){.mode = MTA_STS_NONE};
    if (!sts.running)
        return OK;
    error problem = find_record(domain, arena, deadline, &id);
    if (!failed(problem))
        problem = learn(domain, id, deadline);
    /* RFC 8461 3.3: without an answer, or without a new policy, the one that is known counts. */
    if (problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT)
        return problem;
    const struct sts_known *known = known_now(domain);
    return known ? copy_policy(known, arena, out_policy) : OK;
}

slice sts_text(slice domain)
{
    const struct sts_known *known = sts.running ? known_now(domain) : NULL;
    return known ? known->text : SLICE_EMPTY;
}

void sts_report_unnamed(slice domain, slice host)
{
    tls_report_note(&(struct tls_report_session){
        .domain = domain,
        .policy = TLS_REPORT_STS,
        .result = TLS_REPORT_VALIDATION_FAILURE,
        .policy_text = sts_text(domain),
        .host = host,
        .reason = SLICE("the policy does not name the host"),
    });
}

/* ---- Core 0 keeps them ---- */

static void save(void)
{
    struct buffer text;
    if (!sts.path || !sts.changed)
        return;
    sts.changed = false;
    buffer_init(&text, STS_FILE_SIZE_MAX);
    sts_cache_write(&sts.cache, time_wall_seconds(), &text);
    error problem = buffer_check(&text);
    if (!failed(problem))
        problem = file_replace(sts.path, buffer_slice(&text), 0600);
    buffer_close(&text);
    if (failed(problem)) {
        sts.changed = true;
        log_event(LOG_WARNING, "route.mta_sts_save", problem, slice_from_string(sts.path));
    }
}

/* A domain whose record is gone keeps its policy to the end, and no longer. */
static void refresh(slice domain)
{
    struct arena arena;
    slice id;
    arena_init(&arena, FETCH_MEMORY_MAX);
    error problem = find_record(domain, &arena, time_after(30 * TIME_S), &id);
    struct sts_entry *entry = sts_cache_find(&sts.cache, domain);
    if (!failed(problem) && entry)
        start_fetch(entry, id);
    else if (entry)
        entry->pause_until = time_after(STS_FETCH_PAUSE_S * TIME_S);
    arena_close(&arena);
}

/* RFC 8461 3.3: before they end. A few at a time, those used longest ago first: the list turns. */
static void refresh_some(void)
{
    char names[REFRESHES_AT_ONCE][256];
    size_t sizes[REFRESHES_AT_ONCE];
    unsigned count = 0;
    for (struct list *at = sts.cache.recent.previous;
         at != &sts.cache.recent && count < REFRESHES_AT_ONCE; at = at->previous) {
        const struct sts_entry *entry = CONTAINER_OF(at, struct sts_entry, recent);
        if (!entry->known || entry->fetching || timer_now() < entry->pause_until ||
            entry->domain.size > sizeof *names || !is_due(entry->known))
            continue;
        memcpy(names[count], entry->domain.data, entry->domain.size);
        sizes[count++] = entry->domain.size;
    }
    for (unsigned i = 0; i < count; i++)
        refresh(slice_of(names[i], sizes[i])); /* waits: each is looked up again */
}

static void keep(void *argument)
{
    (void)argument;
    int64_t pause = sts.settings->sts_refresh / 4;
    if (pause > KEEPER_PAUSE_MAX_S * TIME_S)
        pause = KEEPER_PAUSE_MAX_S * TIME_S;
    while (!failed(fiber_sleep(pause))) {
        refresh_some();
        save();
    }
}

/* ---- Life ---- */

static error load(slice folder)
{
    struct arena scratch;
    slice text;
    TRY(arena_format(&sts.arena, &text, "%.*s/mta-sts", SLICE_ARG(folder)));
    TRY(arena_string(&sts.arena, text, &sts.path));
    if (core_self() == 0) {
        const char *path;
        TRY(arena_string(&sts.arena, folder, &path));
        TRY(file_make_directories(path, 0700));
    }
    arena_init(&scratch, STS_FILE_SIZE_MAX + 4096);
    error problem = file_read(sts.path, STS_FILE_SIZE_MAX, &scratch, &text);
    if (!failed(problem))
        problem = sts_cache_read(&sts.cache, text, time_wall_seconds());
    arena_close(&scratch);
    if (failed(problem) && problem.kind != ERROR_NOT_FOUND) /* they will be fetched again */
        log_event(LOG_WARNING, "route.mta_sts_load", problem, slice_from_string(sts.path));
    return OK;
}

static error open_client(slice authority)
{
    struct tls_client_options options = {.verify = true, .version_min = TLS_1_2};
    if (authority.size)
        TRY(arena_string(&sts.arena, authority, &options.authority));
    return tls_client_create(&options, &sts.tls);
}

error sts_start(const struct sts_options *options)
{
    memset(&sts, 0, sizeof sts);
    if (!options->settings->mta_sts)
        return OK;
    sts.settings = options->settings;
    arena_init(&sts.arena, 64 << 10);
    sts_cache_init(&sts.cache, options->settings->sts_policies_max);
    crew_init(&sts.crew, NULL);
    sts.running = true;
    error problem = open_client(options->authority);
    if (!failed(problem) && options->state_path.size)
        problem = load(options->state_path);
    if (!failed(problem) && core_self() == 0)
        problem = fiber_start(&sts.crew, "mta-sts keeper", keep, NULL);
    if (failed(problem))
        sts_stop();
    return problem;
}

void sts_stop(void)
{
    if (!sts.running)
        return;
    crew_close(&sts.crew);
    if (core_self() == 0)
        save();
    sts.running = false;
    sts_cache_close(&sts.cache);
    tls_client_destroy(&sts.tls);
    arena_close(&sts.arena);
}
