/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SMTP, submission and LMTP as a load test speaks them: one operation is one message.
 */
#include "base/random.h"
#include "load/client.h"
#include "load/letter.h"
#include "load/run.h"

#include "format/text/base64.h"

#include <stdio.h>

/* One reply, to its last line; refused unless it begins with `class` ('2', '3'). */
static error read_reply(struct load_client *client, char class)
{
    slice line;
    do {
        TRY(stream_read_line(client->stream, STREAM_LINE_TOLERANT, LOAD_LINE_SIZE_MAX,
                             load_client_deadline(), &line));
        if (line.size < 3)
            return error_make(ERROR_MALFORMED, "no reply code");
        if (slice_starts(slice_from(line, 3), SLICE("-SIZE")) ||
            slice_starts(slice_from(line, 3), SLICE(" SIZE")))
            client->says_size = true;
    } while (line.size > 3 && line.data[3] == '-');
    return line.data[0] == class ? OK : load_client_refused(client, line);
}

static error command(struct load_client *client, const char *label, char class, slice text)
{
    instant begin = time_now();
    TRY(stream_write(client->stream, text));
    TRY(read_reply(client, class));
    load_client_phase(client, label, begin);
    return OK;
}

static error hello(struct load_client *client)
{
    bool lmtp = client->flow->protocol == LOAD_LMTP;
    return command(client, "ehlo", '2',
                   lmtp ? SLICE("LHLO ringload.invalid\r\n") : SLICE("EHLO ringload.invalid\r\n"));
}

static error authenticate(struct load_client *client)
{
    char room[128], plain[400];
    slice user = load_client_user(client, room);
    slice password = client->flow->password;
    if (user.size + password.size + 2 > sizeof plain)
        return error_make(ERROR_LIMIT, "user or password too long");
    plain[0] = '\0';
    memcpy(plain + 1, user.data, user.size);
    plain[1 + user.size] = '\0';
    memcpy(plain + 2 + user.size, password.data, password.size);
    buffer_reset(&client->scratch);
    buffer_add(&client->scratch, SLICE("AUTH PLAIN "));
    base64_encode(&client->scratch, slice_of(plain, user.size + password.size + 2));
    buffer_add(&client->scratch, SLICE("\r\n"));
    return command(client, "auth", '2', buffer_slice(&client->scratch));
}

static error smtp_open(struct load_client *client)
{
    instant begin = time_now();
    TRY(read_reply(client, '2'));
    load_client_phase(client, "greeting", begin);
    TRY(hello(client));
    if (client->flow->tls == LOAD_TLS_START && load_client_uses_tls(client)) {
        TRY(command(client, "starttls", '2', SLICE("STARTTLS\r\n")));
        TRY(load_client_start_tls(client));
        TRY(hello(client));
    }
    return client->flow->protocol == LOAD_SUBMISSION ? authenticate(client) : OK;
}

static uint64_t draw_size(const struct load_flow *flow)
{
    double sum = 0;
    for (unsigned i = 0; i < flow->size_count; i++)
        sum += flow->sizes[i].weight;
    double drawn = (double)(random_u64() >> 11) * 0x1p-53 * sum;
    unsigned band = 0;
    while (band + 1 < flow->size_count && (drawn -= flow->sizes[band].weight) >= 0)
        band++;
    const struct load_size *size = &flow->sizes[band];
    return size->low + random_below(size->high - size->low + 1);
}

static slice recipient(struct load_client *client, uint64_t number, char room[128])
{
    return load_flow_user(client->flow, number, room, 128);
}

/* MAIL, RCPT and DATA: in one write where pipelined. */
static error send_envelope(struct load_client *client, slice sender, uint64_t first, uint64_t size)
{
    const struct load_flow *flow = client->flow;
    char room[128];
    instant begin = time_now(), all = begin;
    for (unsigned i = 0; i < flow->recipients + 2; i++) {
        if (i == 0 && client->says_size) /* RFC 1870, as every server that relays does */
            TRY(stream_format(client->stream, "MAIL FROM:<%.*s> SIZE=%llu\r\n", SLICE_ARG(sender),
                              (unsigned long long)size));
        else if (i == 0)
            TRY(stream_format(client->stream, "MAIL FROM:<%.*s>\r\n", SLICE_ARG(sender)));
        else if (i <= flow->recipients)
            TRY(stream_format(client->stream, "RCPT TO:<%.*s>\r\n",
                              SLICE_ARG(recipient(client, first + i - 1, room))));
        else
            TRY(stream_write(client->stream, SLICE("DATA\r\n")));
        if (!flow->pipeline) {
            TRY(read_reply(client, i == flow->recipients + 1 ? '3' : '2'));
            begin = load_client_phase(client,
                                      i == 0                  ? "mail"
                                      : i <= flow->recipients ? "rcpt"
                                                              : "data",
                                      begin);
        }
    }
    for (unsigned i = 0; flow->pipeline && i < flow->recipients + 2; i++)
        TRY(read_reply(client, i == flow->recipients + 1 ? '3' : '2'));
    load_client_phase(client, "envelope", all);
    return OK;
}

/* Its header to scratch, the rest to *letter. A mail from a file gets a line of its own, so that no
 * two are the same. */
static error write_letter(struct load_client *client, struct load_letter *letter, uint64_t size,
                          slice sender, slice to)
{
    uint64_t sequence = atomic_fetch_add_explicit(&client->run->sequence, 1, memory_order_relaxed);
    buffer_reset(&client->scratch);
    if (client->flow->mail_path) {
        *letter = (struct load_letter){.text = client->flow->mail};
        buffer_format(&client->scratch, "X-Ringload-Copy: %016llx.%llu\r\n",
                      (unsigned long long)client->run->id, (unsigned long long)sequence);
    } else {
        load_letter_make(letter, &client->scratch, size, client->run->id, sequence, sender, to);
    }
    return buffer_check(&client->scratch);
}

/* What became of the mail: a reply, or one for each recipient. */
static error read_verdicts(struct load_client *client)
{
    const struct load_flow *flow = client->flow;
    bool accepted = true;
    for (unsigned i = 0; i < (flow->protocol == LOAD_LMTP ? flow->recipients : 1); i++) {
        error problem = read_reply(client, '2');
        if (problem.kind != ERROR_PERMANENT || !flow->refusals)
            TRY(problem);
        client->failure[0] = '\0';
        accepted &= !failed(problem);
    }
    client->tally->accepted += accepted;
    return OK;
}

static error smtp_operate(struct load_client *client, uint64_t *out_bytes)
{
    const struct load_flow *flow = client->flow;
    uint64_t first = random_below(flow->user_last - flow->user_first + 1);
    uint64_t size = flow->mail_path ? flow->mail.size : draw_size(flow);
    char own[128], room[128];
    slice sender = flow->protocol == LOAD_SUBMISSION ? load_client_user(client, own) : flow->sender;
    TRY(send_envelope(client, sender, first, size));

    struct load_letter letter;
    TRY(write_letter(client, &letter, size, sender, recipient(client, first, room)));
    *out_bytes = client->scratch.size + letter.text.size + letter.tail_size;
    instant begin = time_now();
    TRY(stream_write(client->stream, buffer_slice(&client->scratch)));
    if (letter.text.size > STREAM_OUTPUT_MAX / 2)
        TRY(stream_send(client->stream, letter.text, load_client_deadline()));
    else
        TRY(stream_write(client->stream, letter.text));
    TRY(stream_write(client->stream, slice_of(letter.tail, letter.tail_size)));
    TRY(stream_write(client->stream, SLICE(".\r\n")));
    TRY(stream_flush(client->stream, load_client_deadline()));
    begin = load_client_phase(client, "send", begin);
    TRY(read_verdicts(client));
    load_client_phase(client, "accept", begin);
    return OK;
}

static error smtp_quit(struct load_client *client)
{
    return command(client, "quit", '2', SLICE("QUIT\r\n"));
}

const struct load_driver load_smtp_driver = {smtp_open, smtp_operate, smtp_quit};
