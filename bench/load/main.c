/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ringload: drives a mail server with a scenario and reports what it did.
 */
#include "base/random.h"
#include "load/letter.h"
#include "load/observe.h"
#include "load/report.h"
#include "load/run.h"
#include "load/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct options {
    const char *json, *csv, *html, *note;
    pid_t servers[LOAD_SERVERS_MAX];
    unsigned server_count;
    bool progress;
    bool any_address;
};

static struct options options = {.note = ""};
static struct load_usage server_begin, self_begin;

static const char usage_text[] =
    "usage: ringload [options] SCENARIO [KEY=VALUE | FLOW.KEY=VALUE | *.KEY=VALUE]...\n"
    "       ringload sink [options] ADDRESS:PORT      (where mail goes to be counted: ringload "
    "sink "
    "--help)\n"
    "Runs the scenario file (\"-\" reads standard input; bench/load/README.md describes it) and "
    "prints a table.\n\n"
    "  --json FILE     write the result as JSON      --csv FILE   as CSV\n"
    "  --html FILE     as one page with plots        --note TEXT  what is under test\n"
    "  --server PID    count CPU and memory of this process and its children; may be given again\n"
    "  --quiet         no progress line\n"
    "  --any-address   allow targets outside 127.0.0.0/8 and ::1 (yours, please)\n"
    "  --help\n\n"
    "exit: 0 all went well, 1 operations failed or a message was damaged, 2 usage, 3 trouble\n";

static int trouble(const char *what, error problem)
{
    fprintf(stderr, "ringload: %s: %s%s%s\n", what, problem.text ? problem.text : "",
            problem.os ? ": " : "", problem.os ? strerror(problem.os) : "");
    return 3;
}

static void show_progress(struct load_run *run, int second)
{
    uint64_t done = 0, failures = 0;
    static uint64_t before;
    for (unsigned i = 0; i < run->scenario->cores * run->scenario->flow_count; i++) {
        done += atomic_load_explicit(&run->tallies[i]->done, memory_order_relaxed);
        failures += atomic_load_explicit(&run->tallies[i]->failed, memory_order_relaxed);
    }
    if (second >= 0 && !server_begin.processes && options.server_count) {
        server_begin = load_observe(options.servers, options.server_count);
        self_begin = load_observe_self();
    }
    if (options.progress)
        fprintf(stderr, "\r%s %3d s  %8llu/s  %llu done  %llu failed   ",
                second < 0 ? "warming up" : "measuring", second,
                (unsigned long long)(done - before), (unsigned long long)done,
                (unsigned long long)failures);
    before = done;
}

static struct load_usage difference(struct load_usage end, struct load_usage begin)
{
    end.user_s -= begin.user_s;
    end.system_s -= begin.system_s;
    return end;
}

/* One run of the scenario into *result, whose tallies the caller frees. */
static error run_once(const struct load_scenario *scenario, struct load_result *result)
{
    struct load_run run = {.scenario = scenario, .id = random_u64()};
    server_begin = scenario->warmup ? (struct load_usage){0}
                                    : load_observe(options.servers, options.server_count);
    self_begin = load_observe_self();
    TRY(load_run_start(&run, show_progress));
    if (options.progress)
        fputc('\n', stderr);
    result->self = difference(load_observe_self(), self_begin);
    result->server = difference(load_observe(options.servers, options.server_count), server_begin);
    result->scenario = scenario;
    result->seconds = (double)(run.ended - run.window.begin) / TIME_S;
    if (result->seconds <= 0)
        result->seconds = 1e-9;
    for (unsigned i = 0; i < scenario->flow_count; i++)
        result->tallies[i] = load_run_tally(&run, i);
    load_run_close(&run);
    return OK;
}

static void forget(struct load_result *result)
{
    for (unsigned i = 0; i < result->scenario->flow_count; i++)
        load_tally_destroy(&result->tallies[i]);
}

/* Did this rate keep the target, with hardly a failure and the arrivals served? */
static struct load_ramp_point judge(const struct load_result *result, double rate)
{
    const struct load_scenario *scenario = result->scenario;
    struct load_ramp_point point = {.rate = rate};
    uint64_t done = 0, failures = 0;
    for (unsigned i = 0; i < scenario->flow_count; i++) {
        struct load_tally *tally = result->tallies[i];
        uint64_t latency =
            histogram_quantile(load_tally_phase(tally, "operation"), scenario->target_quantile);
        if ((int64_t)latency > point.latency)
            point.latency = (int64_t)latency;
        done += tally->done;
        failures += tally->failed;
    }
    point.done = (double)done / result->seconds;
    point.kept =
        point.latency <= scenario->target && failures * 1000 <= done && point.done >= 0.95 * rate;
    return point;
}

/* Doubles the rate until the target is missed, then narrows in to 5 %; the result kept is the best
 * one's. */
static error run_ramp(struct load_scenario *scenario, struct load_result *result,
                      struct arena *arena)
{
    double low = 0, high = 0, rate = scenario->rate > 0 ? scenario->rate : 100;
    struct load_result best = {0};
    unsigned count = 0;
    while (count < sizeof result->ramp / sizeof *result->ramp) {
        slice complaint;
        scenario->rate = rate;
        TRY(load_scenario_finish(scenario, arena, &complaint));
        TRY(run_once(scenario, result));
        struct load_ramp_point point = judge(result, rate);
        result->ramp[count++] = point;
        if (point.kept) {
            if (best.scenario)
                forget(&best);
            best = *result;
            low = rate;
        } else {
            high = rate;
            if (best.scenario || rate < 2)
                forget(result);
            else
                best = *result;
        }
        if ((high > 0 && high - low < 0.05 * high) || rate < 2)
            break;
        rate = high > 0 ? (low + high) / 2 : rate * 2;
    }
    memcpy(best.ramp, result->ramp, sizeof best.ramp);
    *result = best;
    result->ramp_count = count;
    return OK;
}

static error write_report(const char *path, const struct load_result *result,
                          void (*write)(const struct load_result *, FILE *))
{
    if (!path)
        return OK;
    FILE *file = strcmp(path, "-") ? fopen(path, "we") : stdout;
    if (!file)
        return error_system(errno, path);
    write(result, file);
    if (file != stdout && fclose(file) != 0)
        return error_system(errno, path);
    return OK;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (host[0] == '/' || !strcmp(host, "::1"))
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static int parse_options(int count, char **words)
{
    static const struct option known[] = {
        {"json", 1, NULL, 'j'},        {"csv", 1, NULL, 'c'},    {"html", 1, NULL, 'w'},
        {"note", 1, NULL, 'n'},        {"server", 1, NULL, 's'}, {"quiet", 0, NULL, 'q'},
        {"any-address", 0, NULL, 'a'}, {"help", 0, NULL, 'h'},   {NULL, 0, NULL, 0},
    };
    int letter;
    options.progress = isatty(STDERR_FILENO);
    while ((letter = getopt_long(count, words, "", known, NULL)) != -1) {
        switch (letter) {
        case 'j':
            options.json = optarg;
            break;
        case 'c':
            options.csv = optarg;
            break;
        case 'w':
            options.html = optarg;
            break;
        case 'n':
            options.note = optarg;
            break;
        case 's':
            if (options.server_count < LOAD_SERVERS_MAX)
                options.servers[options.server_count++] = atoi(optarg);
            break;
        case 'q':
            options.progress = false;
            break;
        case 'a':
            options.any_address = true;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        default:
            return 2;
        }
    }
    if (optind < count)
        return 0;
    fputs(usage_text, stderr);
    return 2;
}

static int read_scenario(int count, char **words, struct arena *arena,
                         struct load_scenario *scenario)
{
    static char text[LOAD_SCENARIO_SIZE_MAX + 1];
    slice complaint = SLICE("cannot be read");
    FILE *file = strcmp(words[optind], "-") ? fopen(words[optind], "re") : stdin;
    if (!file)
        return trouble(words[optind], error_system(errno, "open"));
    size_t size = fread(text, 1, sizeof text, file);
    if (file != stdin)
        fclose(file);
    error problem = load_scenario_parse(slice_of(text, size), arena, scenario, &complaint);
    for (int i = optind + 1; !failed(problem) && i < count; i++)
        problem = load_scenario_set(scenario, slice_from_string(words[i]), arena, &complaint);
    if (!failed(problem))
        problem = load_scenario_finish(scenario, arena, &complaint);
    if (failed(problem)) {
        fprintf(stderr, "ringload: %s: %.*s\n", words[optind], SLICE_ARG(complaint));
        return 2;
    }
    for (unsigned i = 0; i < scenario->flow_count; i++) {
        const char *mail = scenario->flows[i].mail_path;
        problem = mail ? load_letter_read(mail, arena, &scenario->flows[i].mail) : OK;
        if (failed(problem))
            return trouble(mail, problem);
    }
    for (unsigned i = 0; i < scenario->flow_count && !options.any_address; i++)
        if (!is_loopback(scenario->flows[i].host)) {
            fprintf(stderr, "ringload: %s is not a loopback address; --any-address allows it\n",
                    scenario->flows[i].host);
            return 2;
        }
    return 0;
}

int main(int count, char **words)
{
    struct arena arena;
    struct load_scenario scenario;
    struct load_result result = {0};
    struct rlimit files;
    arena_init(&arena, 4 << 20);
    signal(SIGPIPE, SIG_IGN);
    if (count > 1 && !strcmp(words[1], "sink"))
        return sink_main(count - 1, words + 1);
    int status = parse_options(count, words);
    if (status == 0)
        status = read_scenario(count, words, &arena, &scenario);
    if (status)
        return status;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    uint64_t size_max = 0;
    for (unsigned i = 0; i < scenario.flow_count; i++)
        for (unsigned j = 0; j < scenario.flows[i].size_count; j++)
            if (scenario.flows[i].sizes[j].high > size_max)
                size_max = scenario.flows[i].sizes[j].high;
    error problem = load_letter_prepare(scenario.seed, size_max);
    if (!failed(problem))
        problem =
            scenario.target ? run_ramp(&scenario, &result, &arena) : run_once(&scenario, &result);
    if (failed(problem))
        return trouble("run", problem);
    result.note = options.note;
    load_report_text(&result, stdout);
    problem = write_report(options.json, &result, load_report_json);
    if (!failed(problem))
        problem = write_report(options.csv, &result, load_report_csv);
    if (!failed(problem))
        problem = write_report(options.html, &result, load_report_html);
    if (failed(problem))
        return trouble("report", problem);
    for (unsigned i = 0; i < scenario.flow_count; i++)
        if (result.tallies[i]->failed || result.tallies[i]->damaged)
            status = 1;
    forget(&result);
    arena_close(&arena);
    return status;
}
