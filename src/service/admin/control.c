/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What changes something, and the small answers.
 */
#include "data/directory/directory.h"
#include "format/json/write.h"
#include "service/admin/exchange.h"
#include "service/session.h"

error admin_health(struct admin_exchange *exchange)
{
    bool stopping = session_must_end();
    exchange->content_type = "text/plain";
    exchange->status = stopping ? 503 : 200;
    buffer_add_string(exchange->answer, stopping ? "stopping\n" : "ok\n");
    return OK;
}

error admin_config(struct admin_exchange *exchange)
{
    TRY(exchange->options->config_write(exchange->options->argument, exchange->answer));
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}

/* {"ok": true} or {"ok": false, "problems": [line ...]}; a line may be a note beside success. */
static error answer_lines(struct admin_exchange *exchange, error outcome,
                          const struct buffer *lines)
{
    if (failed(outcome) && outcome.kind != ERROR_MALFORMED)
        return outcome;
    exchange->status = failed(outcome) ? 422 : 200;
    struct json_writer json;
    json_begin(&json, exchange->answer);
    json_object_open(&json);
    json_member_flag(&json, "ok", !failed(outcome));
    json_member_array_open(&json, failed(outcome) ? "problems" : "notes");
    slice rest = buffer_slice(lines), line;
    while (rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        json_text(&json, line);
    }
    json_array_close(&json);
    json_object_close(&json);
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}

enum { LINES_SIZE_MAX = 64 << 10 };

error admin_config_change(struct admin_exchange *exchange)
{
    struct buffer lines;
    buffer_init(&lines, LINES_SIZE_MAX);
    error outcome =
        exchange->options->config_change(exchange->options->argument, exchange->body, &lines);
    error problem = answer_lines(exchange, outcome, &lines);
    buffer_close(&lines);
    return problem;
}

error admin_reload(struct admin_exchange *exchange)
{
    struct buffer lines;
    buffer_init(&lines, LINES_SIZE_MAX);
    error outcome = exchange->options->reload(exchange->options->argument, &lines);
    error problem = answer_lines(exchange, outcome, &lines);
    buffer_close(&lines);
    return problem;
}

error admin_invalidate(struct admin_exchange *exchange)
{
    slice encoded = SLICE_EMPTY;
    char subject[HTTP_LINE_SIZE_MAX];
    size_t size = 0;
    (void)http_query_find(exchange->request.query, SLICE("subject"), &encoded);
    if (failed(http_percent_decode(encoded, true, subject, &size))) {
        exchange->status = 400;
        return OK;
    }
    TRY(directory_invalidate_everywhere(slice_of(subject, size)));
    buffer_add_string(exchange->answer, "{\"ok\":true}\n");
    return OK;
}
