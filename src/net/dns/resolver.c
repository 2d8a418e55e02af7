/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * c-ares keeps sockets, retries and servers; each of its sockets is watched by a small fiber, its
 * clock is one timer. Its callbacks only store and wake.
 */
#include "net/dns/resolver.h"

#include "base/metric.h"
#include "crypto/random.h"
#include "net/dns/cache.h"
#include "net/dns/hosts.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"
#include "runtime/timer.h"

#include <ares.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

METRIC_COUNTER(metric_sent, "ringmail_dns_questions_total", "", "Questions sent to DNS servers");
METRIC_COUNTER(metric_hits, "ringmail_dns_cache_hits_total", "", "Questions answered by the cache");
METRIC_COUNTER(metric_failed, "ringmail_dns_failures_total", "",
               "Questions that no server answered properly");
METRIC_HISTOGRAM(metric_duration, "ringmail_dns_answer_seconds", "",
                 "Time from a question's first try to its answer");

enum { ANSWER_ARENA_MAX = 1 << 20 };

static _Thread_local struct {
    bool running;
    bool trust_authentic;
    ares_channel channel;
    struct crew crew;
    struct list watchers;
    struct timer timer;
    struct dns_cache cache;
    struct dns_hosts hosts;
} resolver;

/* ---- Sockets and time ---- */

struct watcher {
    struct list node;
    int fd;
    short events;
    bool gone; /* c-ares closes or has closed the socket */
    struct fiber *fiber;
};

static void set_timer(void)
{
    struct timeval room, *left = ares_timeout(resolver.channel, NULL, &room);
    timer_set(&resolver.timer,
              left ? time_now() + left->tv_sec * TIME_S + left->tv_usec * TIME_US : TIME_NEVER);
}

static void timer_fired(struct timer *timer)
{
    (void)timer;
    ares_process_fd(resolver.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer();
}

static void watch(void *argument)
{
    struct watcher *watcher = argument;
    watcher->fiber = fiber_self();
    while (!watcher->gone) {
        short events;
        error problem = ring_poll(watcher->fd, watcher->events, TIME_NEVER, &events);
        if (problem.kind == ERROR_BUSY)
            continue; /* other events are wanted, or none */
        if (failed(problem))
            break;
        if (watcher->gone)
            break;
        bool broken = events & (POLLERR | POLLHUP);
        ares_process_fd(resolver.channel, broken || events & POLLIN ? watcher->fd : ARES_SOCKET_BAD,
                        broken || events & POLLOUT ? watcher->fd : ARES_SOCKET_BAD);
        set_timer();
    }
    list_remove(&watcher->node);
    free(watcher);
}

static struct watcher *find_watcher(int fd)
{
    struct watcher *watcher;
    LIST_EACH (&resolver.watchers, watcher, node)
        if (watcher->fd == fd && !watcher->gone)
            return watcher;
    return NULL;
}

static void socket_changed(void *data, ares_socket_t fd, int readable, int writable)
{
    (void)data;
    struct watcher *watcher = find_watcher(fd);
    short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    if (!watcher && events && (watcher = calloc(1, sizeof *watcher))) {
        watcher->fd = fd;
        watcher->events = events;
        list_append(&resolver.watchers, &watcher->node);
        if (failed(fiber_start(&resolver.crew, "dns socket", watch, watcher))) {
            /* The question will time out, and be tried on another socket. */
            list_remove(&watcher->node);
            free(watcher);
        }
    } else if (watcher && watcher->events != events) {
        watcher->events = events;
        watcher->gone = events == 0;
        if (watcher->fiber)
            ring_interrupt(watcher->fiber);
    }
}

/* ---- Life ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_result;

static void start_library(void)
{
    library_result = ares_library_init(ARES_LIB_INIT_ALL);
}

static size_t or_default(size_t value, size_t standard)
{
    return value ? value : standard;
}

error resolver_start(const struct resolver_options *options)
{
    if (resolver.running)
        return error_make(ERROR_BUG, "the resolver runs already");
    pthread_once(&library_once, start_library);
    struct ares_options settings = {
        .timeout = (int)or_default(options->timeout_ms, RESOLVER_TIMEOUT_MS),
        .tries = (int)or_default(options->tries, RESOLVER_TRIES),
        .sock_state_cb = socket_changed,
    };
    if (library_result != ARES_SUCCESS ||
        ares_init_options(&resolver.channel, &settings,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                              ARES_OPT_ROTATE) != ARES_SUCCESS)
        return error_make(ERROR_PERMANENT, "the DNS resolver does not start");
    if (options->servers &&
        ares_set_servers_ports_csv(resolver.channel, options->servers) != ARES_SUCCESS) {
        ares_destroy(resolver.channel);
        return error_make(ERROR_MALFORMED, "DNS servers are addresses separated by commas");
    }
    dns_hosts_init(&resolver.hosts);
    error problem = options->hosts ? dns_hosts_read(&resolver.hosts, options->hosts) : OK;
    if (failed(problem)) {
        dns_hosts_close(&resolver.hosts);
        ares_destroy(resolver.channel);
        return problem;
    }
    crew_init(&resolver.crew, NULL);
    list_init(&resolver.watchers);
    timer_init(&resolver.timer, timer_fired);
    dns_cache_init(&resolver.cache, or_default(options->cache_entries_max, RESOLVER_CACHE_ENTRIES),
                   or_default(options->cache_bytes_max, RESOLVER_CACHE_BYTES));
    resolver.trust_authentic = options->trust_authentic;
    resolver.running = true;
    return OK;
}

void resolver_stop(void)
{
    if (!resolver.running)
        return;
    resolver.running = false;
    ares_destroy(resolver.channel); /* answers every open question with ARES_EDESTRUCTION */
    timer_cancel(&resolver.timer);
    crew_close(&resolver.crew);
    dns_cache_close(&resolver.cache);
    dns_hosts_close(&resolver.hosts);
}

const struct dns_hosts *resolver_hosts(void)
{
    return resolver.running ? &resolver.hosts : NULL;
}

void resolver_flush(void)
{
    if (resolver.running)
        dns_cache_flush(&resolver.cache);
}

/* ---- Questions ---- */

static void settle_failure(struct dns_entry *entry, error failure, uint32_t seconds)
{
    metric_add(&metric_failed, 1);
    dns_cache_settle(&resolver.cache, entry, failure, SLICE_EMPTY, true, seconds);
}

/* How long it may be kept, and that it can be read at all. */
static void settle_answer(struct dns_entry *entry, slice message)
{
    struct arena arena;
    struct dns_answer answer = {0};
    arena_init(&arena, ANSWER_ARENA_MAX);
    error problem = dns_message_parse(message, dns_entry_name(entry), entry->type, &arena, &answer);
    arena_close(&arena);
    bool negative = answer.count == 0;
    uint32_t most = negative ? RESOLVER_NEGATIVE_MAX_S : RESOLVER_TTL_MAX_S;
    uint32_t ttl = answer.ttl < RESOLVER_TTL_MIN_S ? RESOLVER_TTL_MIN_S : answer.ttl;
    if (failed(problem))
        settle_failure(entry, error_make(ERROR_TEMPORARY, "an unreadable DNS answer"),
                       RESOLVER_FAILURE_S);
    else if (answer.code != DNS_NO_ERROR && answer.code != DNS_NO_SUCH_NAME)
        settle_failure(entry, error_make(ERROR_TEMPORARY, "the DNS servers refuse to answer"),
                       RESOLVER_FAILURE_S);
    else
        dns_cache_settle(&resolver.cache, entry, OK, message, negative, ttl < most ? ttl : most);
}

static void answered(void *argument, int status, int timeouts, unsigned char *data, int size)
{
    (void)timeouts;
    struct dns_entry *entry = argument;
    metric_observe(&metric_duration, (uint64_t)(time_now() - entry->asked_at));
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        dns_cache_settle(&resolver.cache, entry, error_make(ERROR_CANCELLED, "cancelled"),
                         SLICE_EMPTY, true, 0);
    else if (data && size > 0)
        settle_answer(entry, slice_of(data, (size_t)size));
    else
        settle_failure(entry,
                       error_make(ERROR_TEMPORARY, status == ARES_ETIMEOUT
                                                       ? "the DNS servers do not answer"
                                                       : "the DNS servers cannot be asked"),
                       RESOLVER_FAILURE_S);
}

static error ask(struct dns_entry *entry)
{
    unsigned char *question;
    int size;
    unsigned short id;
    random_bytes(&id, sizeof id); /* RFC 5452 4.3: not to be guessed */
    if (ares_create_query(entry->key + DNS_KEY_NAME, 1, (int)entry->type, id, 1, &question, &size,
                          RESOLVER_UDP_SIZE) != ARES_SUCCESS)
        return error_make(ERROR_MALFORMED, "not a DNS name");
    question[3] |= 0x20; /* RFC 6840 5.7: AD in the question asks for AD in the answer */
    entry->asked_at = time_now();
    dns_cache_flight(&resolver.cache, entry);
    metric_add(&metric_sent, 1);
    ares_send(resolver.channel, question, size, answered, entry); /* may answer at once */
    ares_free_string(question);
    set_timer();
    return OK;
}

static error deliver(const struct dns_entry *entry, struct arena *arena,
                     struct dns_answer *out_answer)
{
    struct dns_answer answer;
    TRY(entry->failure);
    TRY(dns_message_parse(entry->message, dns_entry_name(entry), entry->type, arena, &answer));
    answer.authentic &= resolver.trust_authentic;
    *out_answer = answer;
    return answer.code == DNS_NO_SUCH_NAME ? error_make(ERROR_NOT_FOUND, "no such DNS name") : OK;
}

void resolver_prefetch(slice name, enum dns_type type)
{
    struct dns_entry *entry;
    if (!resolver.running || !dns_name_is_valid(name) ||
        failed(dns_cache_open(&resolver.cache, name, type, &entry)))
        return;
    if (!entry->in_flight && entry->expires <= timer_now())
        error_ignore(ask(entry)); /* whoever needs it will ask again and hear */
    dns_cache_release(&resolver.cache, entry);
}

error resolver_query(slice name, enum dns_type type, struct arena *arena, instant deadline,
                     struct dns_answer *out_answer)
{
    if (!resolver.running)
        return error_make(ERROR_BUG, "no resolver runs on this core");
    if (!dns_name_is_valid(name))
        return error_make(ERROR_MALFORMED, "not a DNS name");
    struct dns_entry *entry;
    TRY(dns_cache_open(&resolver.cache, name, type, &entry));
    error problem = OK;
    if (!entry->in_flight && entry->expires > timer_now())
        metric_add(&metric_hits, 1);
    else if (!entry->in_flight)
        problem = ask(entry);
    while (entry->in_flight && !failed(problem))
        problem = condition_wait(&entry->settled, deadline);
    if (!failed(problem))
        problem = deliver(entry, arena, out_answer);
    dns_cache_release(&resolver.cache, entry);
    return problem;
}
