/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /queue: what waits, and what is to become of it. A selection is made of the parameters id,
 * sender, recipient, site (values as the lists show them), held=1, max=N; or all=1. An order
 * without any is refused: it is too easily given by mistake.
 */
#include "transport/queue/queue.h"
#include "base/cursor.h"
#include "format/json/write.h"
#include "runtime/body.h"
#include "service/admin/exchange.h"

enum { LIST_COUNT_DEFAULT = 1000, LIST_COUNT_MAX = 100000, SHOWN_SIZE_MAX = 48 << 20 };

static error refuse(struct admin_exchange *exchange, unsigned status, const char *why)
{
    exchange->status = status;
    exchange->content_type = "text/plain";
    buffer_add_string(exchange->answer, why);
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}

/* ---- Selections ---- */

static bool take_number(slice text, unsigned *out)
{
    struct cursor cursor = cursor_over(text);
    uint64_t number;
    if (!cursor_take_u64(&cursor, LIST_COUNT_MAX, &number) || !cursor_done(&cursor))
        return false;
    *out = (unsigned)number;
    return true;
}

/* One parameter; false where there is no such, or its value is of no use. */
static bool take_parameter(struct queue_selection *selection, slice name, slice value)
{
    if (slice_equal(name, SLICE("id")))
        return queue_id_parse(value, &selection->id) && selection->id != 0;
    if (slice_equal(name, SLICE("max")))
        return take_number(value, &selection->count_max);
    if (slice_equal(name, SLICE("held")))
        return (selection->held_only = slice_equal(value, SLICE("1")));
    slice *text = slice_equal(name, SLICE("sender"))      ? &selection->sender
                  : slice_equal(name, SLICE("recipient")) ? &selection->recipient
                  : slice_equal(name, SLICE("site"))      ? &selection->site
                                                          : NULL;
    if (text)
        *text = value;
    if (!text)
        return slice_equal(name, SLICE("all")) && slice_equal(value, SLICE("1"));
    return value.size > 0;
}

/* False: malformed. *out_any: something was said about what is meant. */
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
        char *decoded = arena_alloc_bytes(exchange->arena, value.size + 1);
        if (!decoded || failed(http_percent_decode(value, true, decoded, &size)) ||
            !take_parameter(out, name, slice_of(decoded, size)))
            return false;
        *out_any = *out_any || !slice_equal(name, SLICE("max"));
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
        return refuse(exchange, 400, "parameters: id, sender, recipient, site, held=1, max");
    if (selection.count_max == 0)
        selection.count_max = LIST_COUNT_DEFAULT;
    return queue_list(&selection, exchange->answer);
}

error admin_queue_mail(struct admin_exchange *exchange)
{
    struct queue_selection selection;
    bool any;
    struct body body;
    if (!take_selection(exchange, &selection, &any) || selection.id == 0)
        return refuse(exchange, 400, "parameter: id");
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
    if (!take_selection(exchange, &selection, &any) || !any)
        return refuse(exchange, 400,
                      "say which: id, sender, recipient, site, held=1, or all=1 (and max)");
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
