/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/report.h"

static const struct {
    const char *name;
    double share;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
enum { QUANTILES = sizeof quantiles / sizeof *quantiles };

const char *load_report_time(uint64_t ns, char room[32])
{
    double value = (double)ns;
    const char *unit = value < 1e6 ? "µs" : value < 1e9 ? "ms" : "s";
    value /= value < 1e6 ? 1e3 : value < 1e9 ? 1e6 : 1e9;
    snprintf(room, 32, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, unit);
    return room;
}

/* Columns align by characters, not bytes ("µ" is two). */
static void print_right(FILE *out, const char *text, int width)
{
    int size = 0;
    for (const char *c = text; *c; c++)
        size += ((unsigned char)*c & 0xc0) != 0x80;
    fprintf(out, "%*s%s", width > size ? width - size : 0, "", text);
}

static void print_phase(const struct load_phase *phase, FILE *out)
{
    char room[32];
    fprintf(out, "    %-16s %9llu", phase->label, (unsigned long long)phase->times.count);
    for (unsigned q = 0; q < QUANTILES; q++)
        print_right(
            out, load_report_time(histogram_quantile(&phase->times, quantiles[q].share), room), 11);
    print_right(out, load_report_time(phase->times.max, room), 11);
    print_right(out, load_report_time(histogram_mean(&phase->times), room), 11);
    fputc('\n', out);
}

static void print_flow(const struct load_flow *flow, const struct load_tally *tally, double seconds,
                       FILE *out)
{
    fprintf(out, "\n  %s (%s, %u connections%s", flow->name, load_protocol_name(flow->protocol),
            flow->connections, flow->rate > 0 ? ", open loop" : "");
    if (flow->rate > 0)
        fprintf(out, " at %.0f/s", flow->rate);
    fprintf(out,
            ")\n    %.1f operations/s, %.2f MB/s, %llu done, %llu failed, %llu connections, %llu "
            "accepted\n",
            (double)tally->done / seconds, (double)tally->bytes / seconds / 1e6,
            (unsigned long long)tally->done, (unsigned long long)tally->failed,
            (unsigned long long)tally->connections, (unsigned long long)tally->accepted);
    if (tally->good + tally->foreign + tally->damaged)
        fprintf(out, "    checked: %llu good, %llu foreign, %llu DAMAGED\n",
                (unsigned long long)tally->good, (unsigned long long)tally->foreign,
                (unsigned long long)tally->damaged);
    fprintf(out, "    %-16s %9s %10s %10s %10s %10s %10s %10s\n", "phase", "count", "p50", "p90",
            "p99", "p99.9", "max", "mean");
    for (unsigned i = 0; i < tally->phase_count; i++)
        print_phase(tally->phases[i], out);
    for (unsigned i = 0; i < tally->failure_count; i++)
        fprintf(out, "    FAILED %llu times: %s\n", (unsigned long long)tally->failures[i].count,
                tally->failures[i].text);
}

static uint64_t all_done(const struct load_result *result)
{
    uint64_t done = 0;
    for (unsigned i = 0; i < result->scenario->flow_count; i++)
        done += result->tallies[i]->done;
    return done;
}

void load_report_text(const struct load_result *result, FILE *out)
{
    double own = result->self.user_s + result->self.system_s;
    double server = result->server.user_s + result->server.system_s;
    uint64_t done = all_done(result);
    fprintf(out, "%s%s%s: %.1f s measured, %.1f operations/s in all\n", result->scenario->name,
            result->note[0] ? " on " : "", result->note, result->seconds,
            (double)done / result->seconds);
    for (unsigned i = 0; i < result->scenario->flow_count; i++)
        print_flow(&result->scenario->flows[i], result->tallies[i], result->seconds, out);
    fprintf(out, "\n  load generator: %.2f CPU s (%.2f user, %.2f system)", own,
            result->self.user_s, result->self.system_s);
    if (result->server.processes)
        fprintf(out,
                ", %.0f %% of the server's\n  server: %.2f CPU s (%.2f user, %.2f system), %.3f s "
                "per 1,000 "
                "operations, %.1f MiB in %u processes",
                server > 0 ? 100 * own / server : 0, server, result->server.user_s,
                result->server.system_s, done ? server * 1000 / (double)done : 0,
                (double)result->server.memory / 1048576, result->server.processes);
    fputc('\n', out);
    for (unsigned i = 0; i < result->ramp_count; i++) {
        char room[32];
        const struct load_ramp_point *point = &result->ramp[i];
        fprintf(out, "  ramp: %9.0f/s asked, %9.1f/s done, p%g %s%s\n", point->rate, point->done,
                100 * result->scenario->target_quantile,
                load_report_time((uint64_t)point->latency, room),
                point->kept ? "" : "  (target missed)");
    }
}

static void json_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < ' ')
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    fputc('"', out);
}

static void json_phase(const struct load_phase *phase, FILE *out)
{
    json_string(phase->label, out);
    fprintf(out, ":{\"count\":%llu", (unsigned long long)phase->times.count);
    for (unsigned q = 0; q < QUANTILES; q++)
        fprintf(out, ",\"%s_ns\":%llu", quantiles[q].name,
                (unsigned long long)histogram_quantile(&phase->times, quantiles[q].share));
    fprintf(out, ",\"max_ns\":%llu,\"mean_ns\":%llu,\"buckets\":[",
            (unsigned long long)phase->times.max,
            (unsigned long long)histogram_mean(&phase->times));
    bool first = true;
    for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
        uint64_t count = phase->times.buckets[b];
        if (!count)
            continue;
        fprintf(out, "%s[%llu,%llu]", first ? "" : ",", (unsigned long long)histogram_bucket_low(b),
                (unsigned long long)count);
        first = false;
    }
    fputs("]}", out);
}

static void json_flow(const struct load_flow *flow, const struct load_tally *tally, double seconds,
                      FILE *out)
{
    fputs("{\"name\":", out);
    json_string(flow->name, out);
    fprintf(out,
            ",\"protocol\":\"%s\",\"connections\":%u,\"rate\":%g,\"done\":%llu,\"failed\":%llu,"
            "\"per_second\":%.2f,"
            "\"bytes\":%llu,\"connected\":%llu,\"accepted\":%llu,\"good\":%llu,\"foreign\":%llu,"
            "\"damaged\":%llu,"
            "\"phases\":{",
            load_protocol_name(flow->protocol), flow->connections, flow->rate,
            (unsigned long long)tally->done, (unsigned long long)tally->failed,
            (double)tally->done / seconds, (unsigned long long)tally->bytes,
            (unsigned long long)tally->connections, (unsigned long long)tally->accepted,
            (unsigned long long)tally->good, (unsigned long long)tally->foreign,
            (unsigned long long)tally->damaged);
    for (unsigned i = 0; i < tally->phase_count; i++) {
        fputs(i ? "," : "", out);
        json_phase(tally->phases[i], out);
    }
    fputs("},\"failures\":{", out);
    for (unsigned i = 0; i < tally->failure_count; i++) {
        fputs(i ? "," : "", out);
        json_string(tally->failures[i].text, out);
        fprintf(out, ":%llu", (unsigned long long)tally->failures[i].count);
    }
    fputs("},\"timeline\":[", out);
    unsigned last = (unsigned)(seconds + 0.999);
    for (unsigned s = 0; s < last && s < LOAD_SECONDS_MAX; s++) {
        const struct load_second *second = &tally->seconds[s];
        uint64_t p50 = second->times ? histogram_quantile(second->times, 0.5) : 0;
        uint64_t p99 = second->times ? histogram_quantile(second->times, 0.99) : 0;
        fprintf(out, "%s[%u,%u,%llu,%llu]", s ? "," : "", second->done, second->failed,
                (unsigned long long)p50, (unsigned long long)p99);
    }
    fputs("]}", out);
}

static void json_usage(const char *name, const struct load_usage *usage, FILE *out)
{
    fprintf(out, ",\"%s\":{\"user_s\":%.3f,\"system_s\":%.3f,\"memory\":%llu,\"processes\":%u}",
            name, usage->user_s, usage->system_s, (unsigned long long)usage->memory,
            usage->processes);
}

void load_report_json(const struct load_result *result, FILE *out)
{
    fputs("{\"scenario\":", out);
    json_string(result->scenario->name, out);
    fputs(",\"note\":", out);
    json_string(result->note, out);
    fprintf(out, ",\"seconds\":%.3f,\"done\":%llu,\"per_second\":%.2f", result->seconds,
            (unsigned long long)all_done(result), (double)all_done(result) / result->seconds);
    json_usage("generator", &result->self, out);
    json_usage("server", &result->server, out);
    fputs(",\"flows\":[", out);
    for (unsigned i = 0; i < result->scenario->flow_count; i++) {
        fputs(i ? "," : "", out);
        json_flow(&result->scenario->flows[i], result->tallies[i], result->seconds, out);
    }
    fprintf(out, "],\"target\":{\"quantile\":%g,\"latency_ns\":%lld},\"ramp\":[",
            result->scenario->target_quantile, (long long)result->scenario->target);
    for (unsigned i = 0; i < result->ramp_count; i++)
        fprintf(out, "%s{\"rate\":%.2f,\"done\":%.2f,\"latency_ns\":%lld,\"kept\":%s}",
                i ? "," : "", result->ramp[i].rate, result->ramp[i].done,
                (long long)result->ramp[i].latency, result->ramp[i].kept ? "true" : "false");
    fputs("]}\n", out);
}

void load_report_csv(const struct load_result *result, FILE *out)
{
    fputs("scenario,flow,phase,count,per_second,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,mean_ns\n",
          out);
    for (unsigned f = 0; f < result->scenario->flow_count; f++)
        for (unsigned i = 0; i < result->tallies[f]->phase_count; i++) {
            const struct load_phase *phase = result->tallies[f]->phases[i];
            fprintf(out, "%s,%s,%s,%llu,%.2f", result->scenario->name,
                    result->scenario->flows[f].name, phase->label,
                    (unsigned long long)phase->times.count,
                    (double)phase->times.count / result->seconds);
            for (unsigned q = 0; q < QUANTILES; q++)
                fprintf(out, ",%llu",
                        (unsigned long long)histogram_quantile(&phase->times, quantiles[q].share));
            fprintf(out, ",%llu,%llu\n", (unsigned long long)phase->times.max,
                    (unsigned long long)histogram_mean(&phase->times));
        }
}
