/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/run.h"

#include "base/assert.h"
#include "base/random.h"
#include "load/client.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <stdlib.h>
#include <unistd.h>

enum { RETRY_MS = 50, GRACE_S = 5 };

/* The arrivals of one flow on this core. */
static _Thread_local struct arrivals {
    double interval_ns; /* 0: closed loop */
    double next;        /* ns since the run's start */
} arrivals[LOAD_FLOWS_MAX];

static instant run_begin(const struct load_run *run)
{
    return run->window.begin - run->scenario->warmup;
}

bool load_run_next(struct load_run *run, unsigned flow, instant *out_start)
{
    instant now = time_now();
    if (now >= run->window.end || fiber_is_cancelled())
        return false;
    if (run->scenario->count &&
        atomic_fetch_add_explicit(&run->taken, 1, memory_order_relaxed) >= run->scenario->count)
        return false;
    struct arrivals *mine = &arrivals[flow];
    *out_start = now;
    if (mine->interval_ns <= 0)
        return true;
    instant due = run_begin(run) + (int64_t)mine->next;
    mine->next += mine->interval_ns;
    due = (due + TIME_MS - 1) / TIME_MS * TIME_MS;
    if (due >= run->window.end)
        return false;
    if (due > now && failed(fiber_sleep(due - now)))
        return false;
    *out_start = due;
    return true;
}

static void note_failure(struct load_client *client, error problem)
{
    slice text =
        slice_from_string(client->failure[0] ? client->failure : error_kind_name(problem.kind));
    load_failure_add(client->tally, &client->run->window, text);
    client->failure[0] = '\0';
}

static error open_session(struct load_client *client, const struct load_driver *driver)
{
    TRY(load_client_connect(client));
    return driver->open(client);
}

/* One connection's life; false when the run is over. */
static bool run_connection(struct load_client *client, unsigned flow)
{
    const struct load_driver *driver = load_driver_of(client->flow->protocol);
    struct load_run *run = client->run;
    bool whole_session = client->flow->per_connection == 1;
    instant start;
    if (whole_session && !load_run_next(run, flow, &start))
        return false;
    error problem = open_session(client, driver);
    bool going = true;
    for (uint64_t n = 0;
         !failed(problem) && (n < client->flow->per_connection || !client->flow->per_connection);
         n++) {
        if (!whole_session && !(going = load_run_next(run, flow, &start)))
            break;
        uint64_t bytes = 0;
        problem = driver->operate(client, &bytes);
        if (!failed(problem) && whole_session)
            problem = driver->quit(client);
        if (!failed(problem))
            load_operation_add(client->tally, &run->window, start, time_now(), bytes);
        if (client->flow->think && failed(fiber_sleep(client->flow->think)))
            break;
    }
    if (failed(problem))
        note_failure(client, problem);
    else if (!whole_session)
        error_ignore(driver->quit(client)); /* what counts was counted */
    load_client_disconnect(client, failed(problem));
    if (failed(problem))
        going = !failed(fiber_sleep(RETRY_MS * TIME_MS)) && time_now() < run->window.end;
    return going;
}

struct connection {
    struct load_client client;
    unsigned flow;
};

static void connection_main(void *argument)
{
    struct connection *connection = argument;
    struct load_client *client = &connection->client;
    unsigned stride = client->flow->connections;
    while (run_connection(client, connection->flow))
        client->number += stride; /* another user's turn */
    load_client_disconnect(client, true);
    buffer_close(&client->scratch);
    body_close(&client->letter);
    free(connection);
}

static void start_flow(struct load_run *run, struct crew *crew, unsigned flow_index)
{
    const struct load_flow *flow = &run->scenario->flows[flow_index];
    unsigned cores = core_count(), core = core_self();
    arrivals[flow_index] = (struct arrivals){
        .interval_ns = flow->rate > 0 ? 1e9 * cores / flow->rate : 0,
        .next = flow->rate > 0 ? 1e9 / flow->rate * core : 0,
    };
    for (unsigned n = core; n < flow->connections; n += cores) {
        struct connection *connection = calloc(1, sizeof *connection);
        ASSERT(connection);
        connection->flow = flow_index;
        struct load_client *client = &connection->client;
        client->flow = flow;
        client->run = run;
        client->number = n;
        client->tally = run->tallies[core * run->scenario->flow_count + flow_index];
        buffer_init(&client->scratch, 1 << 20);
        body_init(&client->letter, 256 << 20);
        if (failed(fiber_start(crew, "connection", connection_main, connection)))
            free(connection);
    }
}

static void core_main(void *argument)
{
    struct load_run *run = argument;
    struct crew crew;
    random_seed(run->scenario->seed + core_self());
    crew_init(&crew, NULL);
    for (unsigned i = 0; i < run->scenario->flow_count; i++)
        start_flow(run, &crew, i);
    error_ignore(
        crew_join(&crew, run->window.end + GRACE_S * TIME_S)); /* what hangs is cancelled below */
    crew_close(&crew);
    atomic_fetch_add(&run->cores_done, 1);
}

error load_run_start(struct load_run *run, void (*progress)(struct load_run *run, int second))
{
    const struct load_scenario *scenario = run->scenario;
    unsigned tally_count = scenario->cores * scenario->flow_count;
    struct tls_client_options tls = {.verify = false, .version_min = TLS_1_2};
    struct core_options options = {.count = scenario->cores, .pin = false};
    TRY(tls_start());
    TRY(tls_client_create(&tls, &run->tls));
    run->tallies = calloc(tally_count, sizeof *run->tallies);
    TRY_MEMORY(run->tallies);
    for (unsigned i = 0; i < tally_count; i++)
        run->tallies[i] = load_tally_create();
    run->window.begin = time_now() + scenario->warmup;
    run->window.end = run->window.begin + scenario->duration;
    TRY(cores_start(&options, core_main, run));
    for (int tick = 1; atomic_load(&run->cores_done) < scenario->cores; tick++) {
        usleep(100000);
        if (tick % 10 == 0 && progress)
            progress(run, (int)((time_now() - run->window.begin) / TIME_S));
    }
    run->ended = time_now() < run->window.end ? time_now() : run->window.end;
    cores_stop();
    cores_join();
    return OK;
}

struct load_tally *load_run_tally(struct load_run *run, unsigned flow)
{
    struct load_tally *merged = load_tally_create();
    for (unsigned core = 0; core < run->scenario->cores; core++)
        load_tally_merge(merged, run->tallies[core * run->scenario->flow_count + flow]);
    return merged;
}

void load_run_close(struct load_run *run)
{
    for (unsigned i = 0; run->tallies && i < run->scenario->cores * run->scenario->flow_count; i++)
        load_tally_destroy(&run->tallies[i]);
    free(run->tallies);
    run->tallies = NULL;
    tls_client_destroy(&run->tls);
}
