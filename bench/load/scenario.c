/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/scenario.h"

#include "base/cursor.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const protocol_names[LOAD_PROTOCOLS] = {"smtp", "submission", "lmtp", "imap",
                                                           "pop3"};

const char *load_protocol_name(enum load_protocol protocol)
{
    return protocol_names[protocol];
}

struct reader {
    struct load_scenario *scenario;
    struct load_flow *flow; /* NULL: the run's own keys */
    struct arena *arena;
};

/* A number with an optional unit from a table; the whole of s. */
struct unit {
    const char *name;
    double factor;
};

static const struct unit size_units[] = {
    {"", 1}, {"k", 1024}, {"m", 1048576}, {"g", 1073741824}, {NULL, 0}};
static const struct unit time_units[] = {
    {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"", 1e9}, {NULL, 0},
};
static const struct unit plain_units[] = {{"", 1}, {NULL, 0}};
static const struct unit share_units[] = {{"%", 0.01}, {"", 1}, {NULL, 0}};

static bool read_number(slice s, const struct unit *units, double *out_number)
{
    char digits[40];
    size_t size = 0;
    while (size < s.size && (ascii_is_digit(s.data[size]) || s.data[size] == '.'))
        size++;
    if (size == 0 || size >= sizeof digits)
        return false;
    memcpy(digits, s.data, size);
    digits[size] = '\0';
    char *end;
    double number = strtod(digits, &end);
    if (*end)
        return false;
    slice unit = slice_from(s, size);
    for (; units->name; units++)
        if (slice_equal_nocase(unit, slice_from_string(units->name))) {
            *out_number = number * units->factor;
            return true;
        }
    return false;
}

static error bad(const char *text)
{
    return error_make(ERROR_MALFORMED, text);
}

static error take_count(slice value, uint64_t max, uint64_t *out)
{
    double number;
    if (!read_number(value, plain_units, &number) || number > (double)max)
        return bad("not a whole number, or too large");
    *out = (uint64_t)number;
    return OK;
}

static error take_unsigned(slice value, unsigned max, unsigned *out)
{
    uint64_t number;
    TRY(take_count(value, max, &number));
    *out = (unsigned)number;
    return OK;
}

static error take_span(slice value, int64_t *out)
{
    double number;
    if (!read_number(value, time_units, &number))
        return bad("not a time (us, ms, s, m)");
    *out = (int64_t)number;
    return OK;
}

static error take_rate(slice value, double *out)
{
    return read_number(value, plain_units, out) ? OK : bad("not a rate (operations per second)");
}

static slice next_word(slice *rest)
{
    slice word;
    *rest = slice_trim(*rest);
    slice_cut(*rest, ' ', &word, rest);
    return word;
}

/* "4k", "4k-64k", "4k:70 64k:25 1m-4m:5" */
static error take_sizes(slice value, struct load_flow *flow)
{
    flow->size_count = 0;
    while (slice_trim(value).size) {
        slice word = next_word(&value), band, weight, low, high;
        double number, from, to;
        if (flow->size_count == LOAD_SIZES_MAX)
            return bad("too many sizes");
        if (!slice_cut(word, ':', &band, &weight))
            weight = SLICE("1");
        if (!slice_cut(band, '-', &low, &high))
            high = low;
        if (!read_number(weight, share_units, &number) || !read_number(low, size_units, &from) ||
            !read_number(high, size_units, &to) || to < from || to > 1e9)
            return bad("not a size (4k, 4k-64k, 4k:70 64k:30)");
        flow->sizes[flow->size_count++] = (struct load_size){number, (uint64_t)from, (uint64_t)to};
    }
    return flow->size_count ? OK : bad("no size");
}

/* "user%04d@example.org 1-100" */
static error take_users(slice value, struct load_flow *flow, struct arena *arena)
{
    slice pattern = next_word(&value), first, last;
    if (!slice_cut(slice_trim(value), '-', &first, &last))
        last = first;
    if (first.size) {
        TRY(take_unsigned(first, 100000000, &flow->user_first));
        TRY(take_unsigned(last, 100000000, &flow->user_last));
    }
    if (flow->user_last < flow->user_first)
        return bad("users: the last comes before the first");
    return arena_copy(arena, pattern, &flow->user);
}

static error take_tls(slice value, struct load_flow *flow)
{
    slice kind = next_word(&value), share = slice_trim(value);
    flow->tls_share = 1;
    if (slice_equal(kind, SLICE("none")))
        flow->tls = LOAD_TLS_NONE;
    else if (slice_equal(kind, SLICE("starttls")))
        flow->tls = LOAD_TLS_START;
    else if (slice_equal(kind, SLICE("implicit")))
        flow->tls = LOAD_TLS_IMPLICIT;
    else
        return bad("tls is none, starttls or implicit, then a share");
    if (share.size && (!read_number(share, share_units, &flow->tls_share) || flow->tls_share > 1))
        return bad("not a share (50%)");
    return OK;
}

/* "LABEL COMMAND...", or with @append MAILBOX, @idle TIME, @sleep TIME, @verify for the command */
static error take_step(slice value, struct load_flow *flow, struct arena *arena)
{
    if (flow->step_count == LOAD_STEPS_MAX)
        return bad("too many steps");
    slice label = next_word(&value);
    slice text = slice_trim(value);
    struct load_step step = {.action = LOAD_COMMAND};
    if (!label.size || !text.size)
        return bad("a step has a label and a command");
    if (text.data[0] == '@') {
        slice verb = next_word(&text);
        text = slice_trim(text);
        if (slice_equal(verb, SLICE("@append")))
            step.action = LOAD_APPEND;
        else if (slice_equal(verb, SLICE("@verify")))
            step.action = LOAD_VERIFY;
        else if (slice_equal(verb, SLICE("@idle")))
            step.action = LOAD_IDLE;
        else if (slice_equal(verb, SLICE("@sleep")))
            step.action = LOAD_SLEEP;
        else
            return bad("steps with @ are @append, @verify, @idle, @sleep");
        if (step.action == LOAD_IDLE || step.action == LOAD_SLEEP)
            TRY(take_span(text, &step.span));
    }
    TRY(arena_string(arena, label, &step.label));
    TRY(arena_copy(arena, text, &step.text));
    flow->steps[flow->step_count++] = step;
    return OK;
}

static error take_protocol(slice value, struct load_flow *flow)
{
    for (unsigned i = 0; i < LOAD_PROTOCOLS; i++)
        if (slice_equal(value, slice_from_string(protocol_names[i]))) {
            flow->protocol = (enum load_protocol)i;
            return OK;
        }
    return bad("protocol is smtp, submission, lmtp, imap or pop3");
}

static error set_of_flow(struct reader *reader, slice key, slice value)
{
    struct load_flow *flow = reader->flow;
    uint64_t number;
    if (slice_equal(key, SLICE("protocol")))
        return take_protocol(value, flow);
    if (slice_equal(key, SLICE("host")))
        return arena_string(reader->arena, value, &flow->host);
    if (slice_equal(key, SLICE("port"))) {
        TRY(take_count(value, 65535, &number));
        flow->port = (uint16_t)number;
        return OK;
    }
    if (slice_equal(key, SLICE("tls")))
        return take_tls(value, flow);
    if (slice_equal(key, SLICE("connections")))
        return take_unsigned(value, 1000000, &flow->connections);
    if (slice_equal(key, SLICE("per-connection")))
        return take_count(value, UINT64_MAX / 2, &flow->per_connection);
    if (slice_equal(key, SLICE("rate")))
        return take_rate(value, &flow->rate);
    if (slice_equal(key, SLICE("weight")))
        return read_number(value, share_units, &flow->weight) ? OK : bad("not a weight");
    if (slice_equal(key, SLICE("think")))
        return take_span(value, &flow->think);
    if (slice_equal(key, SLICE("recipients")))
        return take_unsigned(value, 1000, &flow->recipients);
    if (slice_equal(key, SLICE("users")))
        return take_users(value, flow, reader->arena);
    if (slice_equal(key, SLICE("password")))
        return arena_copy(reader->arena, value, &flow->password);
    if (slice_equal(key, SLICE("sender")))
        return arena_copy(reader->arena, value, &flow->sender);
    if (slice_equal(key, SLICE("login")))
        return arena_copy(reader->arena, value, &flow->login);
    if (slice_equal(key, SLICE("size")))
        return take_sizes(value, flow);
    if (slice_equal(key, SLICE("step")))
        return take_step(value, flow, reader->arena);
    if (slice_equal(key, SLICE("mail")))
        return arena_string(reader->arena, value, &flow->mail_path);
    if (slice_equal(key, SLICE("refusals"))) {
        flow->refusals = slice_equal(value, SLICE("count"));
        return flow->refusals || slice_equal(value, SLICE("fail")) ? OK
                                                                   : bad("refusals fail, or count");
    }
    if (slice_equal(key, SLICE("pipeline"))) {
        flow->pipeline = slice_equal(value, SLICE("yes"));
        return OK;
    }
    return bad("unknown key for a flow");
}

static error set_of_run(struct reader *reader, slice key, slice value)
{
    struct load_scenario *scenario = reader->scenario;
    if (slice_equal(key, SLICE("name")))
        return arena_string(reader->arena, value, &scenario->name);
    if (slice_equal(key, SLICE("duration")))
        return take_span(value, &scenario->duration);
    if (slice_equal(key, SLICE("warmup")))
        return take_span(value, &scenario->warmup);
    if (slice_equal(key, SLICE("count")))
        return take_count(value, UINT64_MAX / 2, &scenario->count);
    if (slice_equal(key, SLICE("rate")))
        return take_rate(value, &scenario->rate);
    if (slice_equal(key, SLICE("cores")))
        return take_unsigned(value, 64, &scenario->cores);
    if (slice_equal(key, SLICE("seed")))
        return take_count(value, UINT64_MAX / 2, &scenario->seed);
    if (slice_equal(key, SLICE("target"))) {
        slice quantile = next_word(&value);
        double number;
        if (!slice_starts(quantile, SLICE("p")) ||
            !read_number(slice_from(quantile, 1), plain_units, &number) || number >= 100)
            return bad("target is pNN TIME, as in: p99 10ms");
        scenario->target_quantile = number / 100;
        return take_span(slice_trim(value), &scenario->target);
    }
    return bad("unknown key for a run (keys of a flow come after `flow NAME`)");
}

static error begin_flow(struct reader *reader, slice name)
{
    struct load_scenario *scenario = reader->scenario;
    if (scenario->flow_count == LOAD_FLOWS_MAX)
        return bad("too many flows");
    reader->flow = &scenario->flows[scenario->flow_count++];
    *reader->flow = (struct load_flow){
        .host = "127.0.0.1",
        .tls_share = 1,
        .connections = 1,
        .recipients = 1,
        .user = SLICE("user%04d@example.org"),
        .user_first = 1,
        .user_last = 10,
        .password = SLICE("secret"),
        .sender = SLICE("ringload@example.net"),
        .sizes = {{1, 4096, 4096}},
        .size_count = 1,
        .pipeline = true,
    };
    return arena_string(reader->arena, name, &reader->flow->name);
}

static error complain(error problem, unsigned line, slice text, struct arena *arena,
                      slice *out_complaint)
{
    TRY(arena_format(arena, out_complaint, "line %u: %s: %.*s", line, problem.text,
                     SLICE_ARG(text)));
    return problem;
}

error load_scenario_parse(slice text, struct arena *arena, struct load_scenario *out_scenario,
                          slice *out_complaint)
{
    struct reader reader = {.scenario = out_scenario, .arena = arena};
    *out_scenario = (struct load_scenario){
        .name = "unnamed",
        .duration = 10 * TIME_S,
        .warmup = 2 * TIME_S,
        .cores = 1,
        .seed = 1,
    };
    if (text.size > LOAD_SCENARIO_SIZE_MAX)
        return complain(bad("the file is too large"), 0, SLICE_EMPTY, arena, out_complaint);
    for (unsigned number = 1; text.size; number++) {
        slice line, key, value, comment;
        slice_cut(text, '\n', &line, &text);
        slice_cut(line, '#', &line, &comment);
        value = line = slice_trim(line);
        if (!line.size)
            continue;
        key = next_word(&value);
        value = slice_trim(value);
        error problem;
        if (slice_equal(key, SLICE("flow")))
            problem = begin_flow(&reader, value);
        else
            problem =
                reader.flow ? set_of_flow(&reader, key, value) : set_of_run(&reader, key, value);
        if (failed(problem))
            return complain(problem, number, line, arena, out_complaint);
    }
    return OK;
}

error load_scenario_set(struct load_scenario *scenario, slice assignment, struct arena *arena,
                        slice *out_complaint)
{
    struct reader reader = {.scenario = scenario, .arena = arena};
    slice key, value, flow_name, flow_key;
    if (!slice_cut(assignment, '=', &key, &value))
        return complain(bad("a setting is KEY=VALUE or FLOW.KEY=VALUE"), 0, assignment, arena,
                        out_complaint);
    if (!slice_cut(key, '.', &flow_name, &flow_key)) {
        error problem = set_of_run(&reader, key, value);
        return failed(problem) ? complain(problem, 0, assignment, arena, out_complaint) : OK;
    }
    bool met = false;
    for (unsigned i = 0; i < scenario->flow_count; i++) {
        reader.flow = &scenario->flows[i];
        bool all = slice_equal(flow_name, SLICE("*"));
        if (!all && !slice_equal(flow_name, slice_from_string(reader.flow->name)))
            continue;
        met = true;
        error problem = set_of_flow(&reader, flow_key, value);
        if (failed(problem))
            return complain(problem, 0, assignment, arena, out_complaint);
    }
    return met ? OK : complain(bad("no such flow"), 0, assignment, arena, out_complaint);
}

error load_scenario_finish(struct load_scenario *scenario, struct arena *arena,
                           slice *out_complaint)
{
    static const uint16_t ports[LOAD_PROTOCOLS] = {25, 587, 24, 143, 110};
    double weights = 0;
    if (scenario->flow_count == 0)
        return complain(bad("the scenario has no flow"), 0, SLICE_EMPTY, arena, out_complaint);
    for (unsigned i = 0; i < scenario->flow_count; i++)
        weights += scenario->flows[i].weight;
    for (unsigned i = 0; i < scenario->flow_count; i++) {
        struct load_flow *flow = &scenario->flows[i];
        if (scenario->rate > 0 && weights > 0)
            flow->rate = scenario->rate * flow->weight / weights;
        else if (scenario->rate > 0)
            flow->rate = scenario->rate / scenario->flow_count;
        if (!flow->port)
            flow->port = ports[flow->protocol];
        bool scripted = flow->protocol == LOAD_IMAP || flow->protocol == LOAD_POP3;
        if (scripted && flow->step_count == 0)
            return complain(bad("an IMAP or POP3 flow needs steps"), 0,
                            slice_from_string(flow->name), arena, out_complaint);
    }
    return OK;
}

static slice numbered(slice pattern, const struct load_flow *flow, uint64_t number, char *room,
                      size_t room_size)
{
    slice before, after;
    unsigned user =
        flow->user_first + (unsigned)(number % (flow->user_last - flow->user_first + 1));
    if (!slice_cut(pattern, '%', &before, &after))
        return pattern;
    /* "04d": the width, then d */
    int width = 0;
    while (after.size && ascii_is_digit(after.data[0])) {
        width = width * 10 + (after.data[0] - '0');
        after = slice_from(after, 1);
    }
    if (slice_starts(after, SLICE("d")))
        after = slice_from(after, 1);
    int size = snprintf(room, room_size, "%.*s%0*u%.*s", SLICE_ARG(before), width > 20 ? 20 : width,
                        user, SLICE_ARG(after));
    return slice_of(room, size > 0 && (size_t)size < room_size ? (size_t)size : 0);
}

slice load_flow_user(const struct load_flow *flow, uint64_t number, char *room, size_t room_size)
{
    return numbered(flow->user, flow, number, room, room_size);
}

slice load_flow_login(const struct load_flow *flow, uint64_t number, char *room, size_t room_size)
{
    return numbered(flow->login.size ? flow->login : flow->user, flow, number, room, room_size);
}
