/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The operator's help with DNS: dns show, dns check.
 */
#include "control/dns.h"

#include "format/dns/zone.h"
#include "format/json/write.h"
#include "net/dns/settings.h"
#include "runtime/core.h"

enum { RECORD_TTL_S = 3600, ZONE_DATA_SIZE_MAX = 16 << 10 };

static void zone_data(const struct dns_wish *wish, struct buffer *out)
{
    if (wish->type == DNS_TXT)
        zone_text(out, wish->data);
    else
        buffer_add(out, wish->data);
}

static void wish_json(struct json_writer *json, const struct dns_wish *wish)
{
    json_member_string(json, "purpose", dns_purpose_name(wish->purpose));
    json_member_text(json, "name", wish->name);
    json_member_string(json, "type", dns_type_name(wish->type));
    json_member_text(json, "value", wish->data);
    json_member_flag(json, "optional", wish->optional);
}

static void wish_zone(struct buffer *out, const struct dns_wish *wish)
{
    struct buffer data;
    buffer_init(&data, ZONE_DATA_SIZE_MAX);
    zone_data(wish, &data);
    zone_record(out, wish->name, RECORD_TTL_S, dns_type_name(wish->type), buffer_slice(&data));
    buffer_close(&data);
}

/* ---- dns show ---- */

enum control_exit control_dns_show(struct control *control)
{
    static struct dns_wishes wishes;
    struct arena arena;
    struct json_writer json;
    arena_init(&arena, DNS_ARENA_SIZE_MAX);
    enum control_exit exit = control_dns_wishes(control, &arena, &wishes);
    bool as_json = control->options[OPTION_JSON] && exit == CONTROL_DONE;
    json_begin(&json, &control->out);
    if (as_json)
        json_array_open(&json);
    for (unsigned i = 0; i < wishes.count && exit == CONTROL_DONE; i++) {
        if (!as_json) {
            wish_zone(&control->out, &wishes.items[i]);
            continue;
        }
        json_object_open(&json);
        wish_json(&json, &wishes.items[i]);
        json_object_close(&json);
    }
    if (as_json) {
        json_array_close(&json);
        buffer_add_byte(&control->out, '\n');
    }
    arena_close(&arena);
    return exit;
}

/* ---- dns check ---- */

struct check {
    struct control *control;
    struct arena *arena;
    const struct dns_wishes *wishes;
    struct dns_finding findings[DNS_WISHES_MAX + 1];
    unsigned count;
    error result;
};

static error check_all(struct check *check)
{
    struct resolver_options options;
    TRY(dns_resolver_options(&check->control->config->dns, check->arena, &options));
    TRY(resolver_start(&options));
    error problem = dns_check_host(check->wishes, check->arena, &check->findings[check->count++]);
    for (unsigned i = 0; i < check->wishes->count && !failed(problem); i++)
        problem = dns_check_wish(check->wishes, &check->wishes->items[i], check->arena,
                                 &check->findings[check->count++]);
    resolver_stop();
    return problem;
}

static void run_check(void *argument)
{
    struct check *check = argument;
    check->result = check_all(check);
}

/* What stops mail, and not only makes it worse. */
static bool is_bad(const struct dns_finding *finding)
{
    if (finding->state == DNS_STATE_WRONG)
        return true;
    return finding->state == DNS_STATE_MISSING && !finding->wish->optional;
}

static void finding_json(struct json_writer *json, const struct dns_wishes *wishes,
                         const struct dns_finding *finding)
{
    json_object_open(json);
    if (finding->wish->type == DNS_A) {
        json_member_string(json, "purpose", "host");
        json_member_text(json, "name", wishes->host);
    } else {
        wish_json(json, finding->wish);
    }
    json_member_string(json, "state", dns_state_name(finding->state));
    json_member_text(json, "found", finding->found);
    json_member_text(json, "advice", finding->text);
    json_object_close(json);
}

static void finding_text(struct buffer *out, const struct dns_wishes *wishes,
                         const struct dns_finding *finding)
{
    bool host = finding->wish->type == DNS_A;
    slice name = host ? wishes->host : finding->wish->name;
    bool is_advice = finding->wish->optional && finding->state == DNS_STATE_MISSING;
    buffer_format(out, "%-8s %-12s %.*s\n", is_advice ? "optional" : dns_state_name(finding->state),
                  host ? "host" : dns_purpose_name(finding->wish->purpose), SLICE_ARG(name));
    if (finding->state == DNS_STATE_OK)
        return;
    if (finding->found.size)
        buffer_format(out, "         there is: %.*s\n", SLICE_ARG(finding->found));
    buffer_format(out, "         %.*s\n", SLICE_ARG(finding->text));
    if (!host && (finding->state == DNS_STATE_MISSING || finding->state == DNS_STATE_WRONG)) {
        buffer_add(out, SLICE("         "));
        wish_zone(out, finding->wish);
    }
}

static enum control_exit report(struct control *control, const struct check *check)
{
    struct json_writer json;
    unsigned bad = 0, unknown = 0;
    json_begin(&json, &control->out);
    if (control->options[OPTION_JSON])
        json_array_open(&json);
    for (unsigned i = 0; i < check->count; i++) {
        bad += is_bad(&check->findings[i]);
        unknown += check->findings[i].state == DNS_STATE_UNKNOWN;
        if (control->options[OPTION_JSON])
            finding_json(&json, check->wishes, &check->findings[i]);
        else
            finding_text(&control->out, check->wishes, &check->findings[i]);
    }
    if (control->options[OPTION_JSON]) {
        json_array_close(&json);
        buffer_add_byte(&control->out, '\n');
    }
    if (unknown > 0 && bad == 0)
        return control_say(CONTROL_TROUBLE, "DNS did not answer about %u of %u records", unknown,
                           check->count);
    return bad ? control_say(CONTROL_REFUSED, "%u of %u records need attention", bad, check->count)
               : CONTROL_DONE;
}

enum control_exit control_dns_check(struct control *control)
{
    static struct dns_wishes wishes;
    static struct check check;
    struct arena arena;
    arena_init(&arena, DNS_ARENA_SIZE_MAX);
    enum control_exit exit = control_dns_wishes(control, &arena, &wishes);
    check = (struct check){.control = control, .arena = &arena, .wishes = &wishes};
    if (exit == CONTROL_DONE) {
        error problem = core_run_here(NULL, run_check, &check);
        if (!failed(problem))
            problem = check.result;
        exit = failed(problem)
                   ? control_say(CONTROL_TROUBLE, "DNS cannot be asked: %s", problem.text)
                   : report(control, &check);
    }
    arena_close(&arena);
    return exit;
}
