/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POP3 as a load test speaks it: one operation is the flow's steps in order; @verify fetches every
 * message and checks it.
 */
#include "load/client.h"
#include "load/letter.h"
#include "runtime/fiber.h"

#include <stdio.h>

static error read_status(struct load_client *client, slice *out_line)
{
    TRY(stream_read_line(client->stream, STREAM_LINE_TOLERANT, LOAD_LINE_SIZE_MAX,
                         load_client_deadline(), out_line));
    return slice_starts(*out_line, SLICE("+OK")) ? OK : load_client_refused(client, *out_line);
}

/* RFC 1939 3: what answers with several lines. */
static bool is_multiline(slice text)
{
    static const char *const verbs[] = {"LIST", "UIDL", "CAPA"};
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (slice_equal_nocase(text, slice_from_string(verbs[i])))
            return true;
    return slice_starts_nocase(text, SLICE("RETR ")) || slice_starts_nocase(text, SLICE("TOP "));
}

static error command(struct load_client *client, const char *label, slice text, uint64_t *bytes,
                     slice *out_line)
{
    instant begin = time_now();
    TRY(stream_format(client->stream, "%.*s\r\n", SLICE_ARG(text)));
    TRY(read_status(client, out_line));
    if (is_multiline(text)) {
        client->letter.size = 0;
        TRY(stream_read_body_dot(client->stream, &client->letter, LOAD_LETTER_SIZE_MAX,
                                 load_client_deadline()));
        *bytes += client->letter.size;
    }
    load_client_phase(client, label, begin);
    return OK;
}

static error verify(struct load_client *client, const struct load_step *step, uint64_t *bytes)
{
    slice line;
    unsigned long messages = 0;
    TRY(command(client, "stat", SLICE("STAT"), bytes, &line));
    char text[64];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(line));
    if (sscanf(text, "+OK %lu", &messages) != 1)
        return error_make(ERROR_MALFORMED, "no count in the answer to STAT");
    for (unsigned long i = 1; i <= messages; i++) {
        int size = snprintf(text, sizeof text, "RETR %lu", i);
        TRY(command(client, step->label, slice_of(text, (size_t)size), bytes, &line));
        uint64_t sequence;
        enum load_letter_verdict verdict =
            load_letter_check(body_slice(&client->letter), 0, &sequence);
        client->tally->good += verdict == LOAD_LETTER_GOOD;
        client->tally->foreign += verdict == LOAD_LETTER_FOREIGN;
        client->tally->damaged += verdict == LOAD_LETTER_DAMAGED;
    }
    return OK;
}

static error pop3_open(struct load_client *client)
{
    char room[128], text[300];
    slice line, user = load_client_user(client, room);
    uint64_t bytes = 0;
    instant begin = time_now();
    TRY(read_status(client, &line));
    begin = load_client_phase(client, "greeting", begin);
    if (client->flow->tls == LOAD_TLS_START && load_client_uses_tls(client)) {
        TRY(command(client, "starttls", SLICE("STLS"), &bytes, &line));
        TRY(load_client_start_tls(client));
        begin = time_now();
    }
    int size = snprintf(text, sizeof text, "USER %.*s", SLICE_ARG(user));
    TRY(command(client, "user", slice_of(text, (size_t)size), &bytes, &line));
    size = snprintf(text, sizeof text, "PASS %.*s", SLICE_ARG(client->flow->password));
    TRY(command(client, "pass", slice_of(text, (size_t)size), &bytes, &line));
    load_client_phase(client, "login", begin);
    return OK;
}

static error pop3_operate(struct load_client *client, uint64_t *out_bytes)
{
    for (unsigned i = 0; i < client->flow->step_count; i++) {
        const struct load_step *step = &client->flow->steps[i];
        slice line;
        if (step->action == LOAD_SLEEP)
            TRY(fiber_sleep(step->span));
        else if (step->action == LOAD_VERIFY)
            TRY(verify(client, step, out_bytes));
        else
            TRY(command(client, step->label, step->text, out_bytes, &line));
    }
    return OK;
}

static error pop3_quit(struct load_client *client)
{
    slice line;
    uint64_t bytes = 0;
    return command(client, "quit", SLICE("QUIT"), &bytes, &line);
}

const struct load_driver load_pop3_driver = {pop3_open, pop3_operate, pop3_quit};
