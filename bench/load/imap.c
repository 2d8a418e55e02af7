/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * IMAP as a load test speaks it: one operation is the flow's steps in order. Every message fetched
 * by @verify is checked against the checksum it carries.
 */
#include "load/client.h"
#include "load/letter.h"
#include "load/run.h"
#include "runtime/fiber.h"

#include <stdlib.h>

/* "... {123}" at the end of a line announces a literal. */
static bool ends_with_literal(slice line, uint64_t *out_size)
{
    if (!slice_ends(line, SLICE("}")))
        return false;
    ptrdiff_t open = slice_find_last_byte(line, '{');
    if (open < 0)
        return false;
    uint64_t size = 0;
    for (size_t i = (size_t)open + 1; i + 1 < line.size; i++) {
        if (!ascii_is_digit(line.data[i]) || size > LOAD_LETTER_SIZE_MAX)
            return false;
        size = size * 10 + (uint64_t)(line.data[i] - '0');
    }
    *out_size = size;
    return true;
}

static void check_letter(struct load_client *client)
{
    uint64_t sequence;
    switch (load_letter_check(body_slice(&client->letter), 0, &sequence)) {
    case LOAD_LETTER_GOOD:
        client->tally->good++;
        break;
    case LOAD_LETTER_FOREIGN:
        client->tally->foreign++;
        break;
    case LOAD_LETTER_DAMAGED:
        client->tally->damaged++;
        break;
    }
}

/* One response with its literals; *out_line is its last piece. */
static error read_response(struct load_client *client, bool verify, uint64_t *bytes,
                           slice *out_line)
{
    uint64_t size;
    for (;;) {
        TRY(stream_read_line(client->stream, STREAM_LINE_TOLERANT, LOAD_LINE_SIZE_MAX,
                             load_client_deadline(), out_line));
        if (!ends_with_literal(*out_line, &size))
            return OK;
        *bytes += size;
        if (verify) {
            client->letter.size = 0;
            TRY(stream_read_body(client->stream, &client->letter, size, load_client_deadline()));
            check_letter(client);
        } else {
            TRY(stream_skip(client->stream, size, load_client_deadline()));
        }
    }
}

/* Up to the tagged reply; a continuation ("+") ends it too where wanted. */
static error read_replies(struct load_client *client, slice tag, bool want_continuation,
                          bool verify, uint64_t *bytes)
{
    for (unsigned i = 0; i < LOAD_REPLY_LINES_MAX; i++) {
        slice line;
        TRY(read_response(client, verify, bytes, &line));
        if (slice_starts(line, SLICE("* BYE")) && tag.size == 0)
            return OK;
        if (slice_starts(line, SLICE("+")))
            return want_continuation ? OK
                                     : error_make(ERROR_MALFORMED, "continuation not asked for");
        if (!slice_starts(line, tag))
            continue;
        slice status = slice_from(line, tag.size + 1);
        return slice_starts(status, SLICE("OK")) ? OK : load_client_refused(client, status);
    }
    return error_make(ERROR_LIMIT, "reply without end");
}

static slice next_tag(struct load_client *client, char room[24])
{
    size_t at = 23;
    uint64_t number = ++client->tag;
    do
        room[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    room[--at] = 'a';
    return slice_of(room + at, 23 - at);
}

static error command(struct load_client *client, const char *label, slice text, bool verify,
                     uint64_t *bytes)
{
    char room[24];
    slice tag = next_tag(client, room);
    instant begin = time_now();
    TRY(stream_format(client->stream, "%.*s %.*s\r\n", SLICE_ARG(tag), SLICE_ARG(text)));
    TRY(read_replies(client, tag, false, verify, bytes));
    load_client_phase(client, label, begin);
    return OK;
}

static error append(struct load_client *client, const struct load_step *step, uint64_t *bytes)
{
    char room[24], user[128];
    slice tag = next_tag(client, room), address = load_client_user(client, user);
    uint64_t sequence = atomic_fetch_add_explicit(&client->run->sequence, 1, memory_order_relaxed);
    struct load_letter letter;
    buffer_reset(&client->scratch);
    load_letter_make(&letter, &client->scratch, client->flow->sizes[0].low, client->run->id,
                     sequence, address, address);
    size_t size = client->scratch.size + letter.text.size + letter.tail_size;
    instant begin = time_now();
    TRY(stream_format(client->stream, "%.*s APPEND %.*s {%zu+}\r\n", SLICE_ARG(tag),
                      SLICE_ARG(step->text), size));
    TRY(stream_write(client->stream, buffer_slice(&client->scratch)));
    TRY(stream_write(client->stream, letter.text));
    TRY(stream_write(client->stream, slice_of(letter.tail, letter.tail_size)));
    TRY(stream_write(client->stream, SLICE("\r\n")));
    TRY(read_replies(client, tag, false, false, bytes));
    load_client_phase(client, step->label, begin);
    client->tally->accepted++;
    *bytes += size;
    return OK;
}

static error idle(struct load_client *client, const struct load_step *step, uint64_t *bytes)
{
    char room[24];
    slice tag = next_tag(client, room), line;
    TRY(stream_format(client->stream, "%.*s IDLE\r\n", SLICE_ARG(tag)));
    TRY(read_replies(client, tag, true, false, bytes));
    instant until = time_after(step->span);
    for (;;) {
        error waited = stream_wait_input(client->stream, until);
        if (waited.kind == ERROR_TIMEOUT)
            break;
        TRY(waited);
        TRY(stream_read_line(client->stream, STREAM_LINE_TOLERANT, LOAD_LINE_SIZE_MAX, until,
                             &line));
    }
    instant begin = time_now();
    TRY(stream_write(client->stream, SLICE("DONE\r\n")));
    TRY(read_replies(client, tag, false, false, bytes));
    load_client_phase(client, step->label, begin);
    return OK;
}

static error imap_open(struct load_client *client)
{
    char room[128];
    slice line, user = load_client_user(client, room);
    uint64_t bytes = 0;
    instant begin = time_now();
    TRY(read_response(client, false, &bytes, &line));
    if (!slice_starts(line, SLICE("* OK")))
        return load_client_refused(client, line);
    load_client_phase(client, "greeting", begin);
    if (client->flow->tls == LOAD_TLS_START && load_client_uses_tls(client)) {
        TRY(command(client, "starttls", SLICE("STARTTLS"), false, &bytes));
        TRY(load_client_start_tls(client));
    }
    buffer_reset(&client->scratch);
    buffer_format(&client->scratch, "LOGIN \"%.*s\" \"%.*s\"", SLICE_ARG(user),
                  SLICE_ARG(client->flow->password));
    return command(client, "login", buffer_slice(&client->scratch), false, &bytes);
}

static error imap_operate(struct load_client *client, uint64_t *out_bytes)
{
    for (unsigned i = 0; i < client->flow->step_count; i++) {
        const struct load_step *step = &client->flow->steps[i];
        switch (step->action) {
        case LOAD_APPEND:
            TRY(append(client, step, out_bytes));
            break;
        case LOAD_IDLE:
            TRY(idle(client, step, out_bytes));
            break;
        case LOAD_SLEEP:
            TRY(fiber_sleep(step->span));
            break;
        default:
            TRY(command(client, step->label, step->text, step->action == LOAD_VERIFY, out_bytes));
        }
    }
    return OK;
}

static error imap_quit(struct load_client *client)
{
    uint64_t bytes = 0;
    return command(client, "logout", SLICE("LOGOUT"), false, &bytes);
}

const struct load_driver load_imap_driver = {imap_open, imap_operate, imap_quit};
