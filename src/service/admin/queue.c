/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /queue: what waits, and what is to become of it. A selection is made of the parameters id,
 * sender, recipient, domain, site (values as the lists show them), state, older, held=1, max=N; or
 * all=1. An order without any is refused: it is too easily given by mistake. Lists come in pages:
 * after=ID, limit=N. What is wrong with a parameter is said in words; the command line shows them.
 */
#include "transport/queue/queue.h"
#include "base/cursor.h"
#include "format/json/write.h"
#include "runtime/body.h"
#include "service/admin/exchange.h"

enum {
    LIST_COUNT_DEFAULT = 1000,
    SITES_COUNT_DEFAULT = 100,
    COUNT_MAX = 1000000000,
    SHOWN_SIZE_MAX = 48 << 20,
    SHOWN_VALUE_SIZE_MAX = 100, /* of a parameter, in words of what is wrong with it */
};

static error refuse(struct admin_exchange *exchange, unsigned status, const char *why)
{
    exchange->status = status;
    exchange->content_type = "text/plain";
    buffer_add_string(exchange->answer, why);
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}

/* ---- Selections ---- */

/* 400, with what was said and what should have been. */
static error refuse_value(struct admin_exchange *exchange, slice value, const char *why)
{
    exchange->status = 400;
    exchange->content_type = "text/plain";
    buffer_add_byte(exchange->answer, '"');
    value = slice_sub(value, 0, SHOWN_VALUE_SIZE_MAX);
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        buffer_add_byte(exchange->answer, byte < ' ' || byte == 0x7f ? '?' : (char)byte);
    }
    buffer_format(exchange->answer, "\" %s\n", why);
    return OK;
}

static bool take_number(slice text, unsigned most, unsigned *out)
{
    struct cursor cursor = cursor_over(text);
    uint64_t number;
    if (!cursor_take_u64(&cursor, most, &number) || !cursor_done(&cursor))
        return false;
    *out = (unsigned)number;
    return true;
}

/* "90s", "30m", "12h", "5d", "2w": those that came before so long. */
static bool take_age(slice text, int64_t *out_before)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    struct cursor cursor = cursor_over(text);
    uint64_t number;
    if (!cursor_take_u64(&cursor, 1000000, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (slice_equal(cursor_rest(&cursor), slice_of(&units[i].unit, 1))) {
            *out_before = time_wall_seconds() - (int64_t)number * units[i].seconds;
            return true;
        }
    return false;
}

/* "waiting,held" */
static bool take_states(slice text, unsigned *out)
{
    slice word;
    while (text.size > 0) {
        enum queue_state state;
        slice_cut(text, ',', &word, &text);
        if (!queue_state_parse(slice_trim(word), &state))
            return false;
        *out |= state;
    }
    return *out != 0;
}

static const char id_wanted[] = "is not the id of a mail: 16 digits and letters from a to f, as "
                                "\"ringmail queue list\" shows them";

/* One parameter. NULL, or what is wrong with its value; *out_known: there is such a parameter. */
static const char *take_parameter(struct queue_selection *selection, slice name, slice value,
                                  bool *out_known)
{
    const struct {
        const char *name;
        slice *text;
    } texts[] = {{"sender", &selection->sender},
                 {"recipient", &selection->recipient},
                 {"domain", &selection->domain},
                 {"site", &selection->site}};
    *out_known = true;
    if (slice_equal(name, SLICE("id")))
        return queue_id_parse(value, &selection->id) && selection->id ? NULL : id_wanted;
    if (slice_equal(name, SLICE("after")))
        return queue_id_parse(value, &selection->after) ? NULL : id_wanted;
    if (slice_equal(name, SLICE("max")) || slice_equal(name, SLICE("limit")))
        return take_number(value, COUNT_MAX, &selection->count_max) ? NULL
                                                                    : "is not a number of mails";
    if (slice_equal(name, SLICE("state")))
        return take_states(value, &selection->states)
                   ? NULL
                   : "is not a state: there are waiting, active, held and deferred";
    if (slice_equal(name, SLICE("older")))
        return take_age(value, &selection->arrived_before)
                   ? NULL
                   : "is not an age: 90s, 30m, 12h, 5d and 2w are";
    if (slice_equal(name, SLICE("held"))) {
        selection->held_only = slice_equal(value, SLICE("1"));
        return selection->held_only ? NULL : "is not 1";
    }
    if (slice_equal(name, SLICE("all")))
        return slice_equal(value, SLICE("1")) ? NULL : "is not 1";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (slice_equal(name, slice_from_string(texts[i].name))) {
            *texts[i].text = value;
            return value.size > 0 ? NULL : "is empty: an address, a domain or a site is wanted";
        }
    *out_known = false;
    return "is not a parameter: there are id, after, limit, sender, recipient, domain, site, "
           "state, "
           "older, held, max and all";
}

/* False: refused, the answer says why. *out_any: something was said about what is meant. */
static bool take_selection(struct admin_exchange *exchange, struct queue_selection *out,
                           bool *out_any)
{
    slice rest = exchange->request.query, pair, name, value;
    *out = (struct queue_selection){0};
    *out_any = false;
    while (rest.size > 0) {
        slice_cut(rest, '&', &pair, &rest);
        slice_cut(pair, '=', &name, &value);
        size_t size = 0;
        bool known = true;
        char *decoded = arena_alloc_bytes(exchange->arena, value.size + 1);
        const char *wrong = "is not percent-encoded as it should be";
        if (decoded && !failed(http_percent_decode(value, true, decoded, &size))) {
            value = slice_of(decoded, size);
            wrong = take_parameter(out, name, value, &known);
        }
        if (wrong) {
            error_ignore(refuse_value(exchange, known ? value : name, wrong));
            return false;
        }
        *out_any =
            *out_any || (!slice_equal(name, SLICE("max")) && !slice_equal(name, SLICE("limit")));
    }
    return true;
}

/* ---- Looking ---- */

error admin_queue(struct admin_exchange *exchange)
{
    return queue_statistics(exchange->answer);
}

error admin_queue_mails(struct admin_exchange *exchange)
{
    struct queue_selection selection;
    bool any;
    if (!take_selection(exchange, &selection, &any))
        return OK;
    if (selection.count_max == 0)
        selection.count_max = LIST_COUNT_DEFAULT;
    return queue_list(&selection, exchange->answer);
}

error admin_queue_sites(struct admin_exchange *exchange)
{
    struct queue_selection selection;
    bool any;
    if (!take_selection(exchange, &selection, &any))
        return OK;
    return queue_sites(selection.count_max ? selection.count_max : SITES_COUNT_DEFAULT,
                       exchange->answer);
}

error admin_queue_mail(struct admin_exchange *exchange)
{
    struct queue_selection selection;
    bool any;
    struct body body;
    if (!take_selection(exchange, &selection, &any))
        return OK;
    if (selection.id == 0)
        return refuse(exchange, 400, "say which mail: id=");
    body_init(&body, SHOWN_SIZE_MAX);
    error problem = queue_show(selection.id, &body);
    if (!failed(problem)) {
        exchange->content_type = "message/rfc822";
        buffer_add(exchange->answer, body_slice(&body));
    }
    body_close(&body);
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_LIMIT)
        return refuse(exchange, problem.kind == ERROR_LIMIT ? 413 : 404, problem.text);
    return problem;
}

/* ---- Ordering ---- */

static error order(struct admin_exchange *exchange, enum queue_order kind)
{
    struct queue_selection selection;
    bool any;
    uint64_t count = 0;
    if (!take_selection(exchange, &selection, &any))
        return OK;
    if (!any)
        return refuse(
            exchange, 400,
            "say which mails: an id, sender, recipient, domain, site, state, older, held, "
            "or all (and max)");
    TRY(queue_order(kind, &selection, &count));
    struct json_writer json;
    json_begin(&json, exchange->answer);
    json_object_open(&json);
    json_member_number(&json, "mails", (int64_t)count);
    json_object_close(&json);
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}

error admin_queue_flush(struct admin_exchange *exchange)
{
    return order(exchange, QUEUE_FLUSH);
}

error admin_queue_hold(struct admin_exchange *exchange)
{
    return order(exchange, QUEUE_HOLD);
}

error admin_queue_release(struct admin_exchange *exchange)
{
    return order(exchange, QUEUE_RELEASE);
}

error admin_queue_delete(struct admin_exchange *exchange)
{
    return order(exchange, QUEUE_DELETE);
}

error admin_queue_bounce(struct admin_exchange *exchange)
{
    return order(exchange, QUEUE_BOUNCE);
}
