#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The world of an SMTP session in memory, for its unit test and its fuzz target: a stream
 * (service/fake_stream.h), a directory and a store that answer by the name of the address. Include
 * in one file of a program: the linker then takes these functions instead of the library's.
 */
#include "base/buffer.h"
#include "base/log.h"
#include "data/directory/directory.h"
#include "data/store/delivery.h"
#include "filter/authentic/signer.h"
#include "filter/spam/settings.h"
#include "filter/spam/spam.h"
#include "format/smtp/dot.h"
#include "service/fake_stream.h"
#include "service/login/fake_scram.h"
#include "service/login/login.h"
#include "service/smtp/limits.h"
#include "service/smtp/sending.h"
#include "service/smtp/smtp.h"
#include "transport/event.h"
#include "transport/forward.h"
#include "transport/queue/queue.h"
#include "transport/route/route.h"

#include <stdio.h>

struct fake_world {
    enum smtp_role role; /* 0: port 25 */
    bool tls_implicit;
    struct forward_settings forward;
    unsigned logins, logins_failed;
    error login_result;  /* of a right password */
    error queue_result;  /* of queue_submit */
    error signer_result; /* of signer_sign */
    error sender_result; /* of directory_may_send */
    unsigned queued;     /* submissions */
    struct buffer queue; /* what they were, in words */
    struct allowance_count allowance;
    unsigned events;          /* transport_event */
    unsigned deliveries;      /* that were stored */
    struct buffer last;       /* the last message with its header, as it would be a file */
    unsigned recipients_last; /* of it */
    error store_result;       /* of store_deliver */
    int64_t store_takes;      /* ns that store_deliver would need */
    error recipient_result;   /* of each recipient, where store_deliver itself succeeds */
    const struct spam_verdict *verdict; /* of every mail; NULL: nobody judges */
    unsigned judged;
};
static struct fake_world world;

/* ---- stream ---- */

static void fake_packet_opens(void)
{
}

error stream_read_line(struct stream *s, enum stream_line_end end, size_t size_max,
                       instant deadline, slice *out_line)
{
    static char line[SMTP_LINE_SIZE_MAX + 2];
    size_t size = 0, kept = 0;
    bool bare = false, after_cr = false;
    (void)end;
    (void)deadline;
    for (;;) {
        int byte = next_byte(s);
        if (byte < 0)
            return error_make(ERROR_CLOSED, "end of input");
        if (byte == '\n')
            break;
        bare |= after_cr;
        after_cr = byte == '\r';
        if (kept < sizeof line)
            line[kept++] = (char)byte;
        size++;
    }
    if (bare || !after_cr)
        return error_make(ERROR_MALFORMED, "bare CR or LF");
    if (size - 1 > size_max)
        return error_make(ERROR_LIMIT, "line too long");
    *out_line = slice_of(line, size - 1);
    return OK;
}

error stream_read_body(struct stream *s, struct body *body, size_t size, instant deadline)
{
    bool fits = size <= body->size_max - body->size;
    (void)deadline;
    for (; size; size--) {
        int byte = next_byte(s);
        if (byte < 0)
            return error_make(ERROR_CLOSED, "end of input");
        char one = (char)byte;
        if (fits)
            TRY(body_append(body, slice_of(&one, 1)));
    }
    return fits ? OK : error_make(ERROR_LIMIT, "too large");
}

error stream_read_body_dot(struct stream *s, struct body *body, size_t size_max, instant deadline)
{
    struct dot_reader reader;
    (void)deadline;
    dot_reader_init(&reader);
    while (!reader.finished) {
        int byte = next_byte(s);
        if (byte < 0)
            return error_make(ERROR_CLOSED, "end of input");
        char one = (char)byte;
        size_t consumed, kept;
        dot_reader_feed(&reader, &one, 1, &consumed, &kept);
        if (body->size < size_max + 1)
            TRY(body_append(body, slice_of(&one, kept)));
    }
    if (reader.malformed)
        return error_make(ERROR_MALFORMED, "bare CR or LF");
    if (body->size <= size_max)
        return OK;
    body->size = size_max;
    return error_make(ERROR_LIMIT, "too large");
}

void stream_set_timeouts(struct stream *s, int64_t read_ns, int64_t write_ns)
{
    (void)s;
    (void)read_ns;
    (void)write_ns;
}

/* ---- directory: user*@ is a mailbox, both@ is two, small@ has a quota of 1000 bytes, away@ leads
 * elsewhere, mixed@ here and there, moved@ where no mail goes, broken@ nowhere. Who logs in is
 * user@, with "secret", and may write as user*@ too ---- */

struct directory *directory_here(void)
{
    return NULL;
}

static void fake_account(struct directory_target *target, const char *address, uint64_t quota)
{
    target->address = slice_from_string(address);
    target->account = (struct directory_account){
        .address = target->address, .maildir = "/var/vmail/x", .quota_bytes = quota};
}

error directory_resolve(struct directory *directory, slice address, struct arena *arena,
                        struct directory_resolution *out)
{
    (void)directory;
    slice local, domain;
    *out = (struct directory_resolution){.answer = DIRECTORY_NO_SUCH_USER};
    slice_cut_last(address, '@', &local, &domain);
    if (domain.size && !slice_equal(domain, SLICE("example.org"))) {
        out->answer = DIRECTORY_NOT_OURS;
        return OK;
    }
    if (slice_equal(local, SLICE("trouble")))
        return error_make(ERROR_TEMPORARY, "the database is away");
    if (slice_equal(local, SLICE("loop"))) {
        out->answer = DIRECTORY_ALIAS_LOOP;
        return OK;
    }
    out->targets = ARENA_ARRAY(arena, struct directory_target, 2);
    TRY_MEMORY(out->targets);
    if (slice_starts(local, SLICE("user")) || slice_equal_nocase(local, SLICE("postmaster")))
        fake_account(&out->targets[out->count++], "user@example.org", 0);
    else if (slice_equal(local, SLICE("small")))
        fake_account(&out->targets[out->count++], "small@example.org", 1000);
    else if (slice_equal(local, SLICE("both"))) {
        fake_account(&out->targets[out->count++], "user@example.org", 0);
        fake_account(&out->targets[out->count++], "other@example.org", 0);
    } else if (slice_equal(local, SLICE("away")) || slice_equal(local, SLICE("mixed"))) {
        if (local.data[0] == 'm')
            fake_account(&out->targets[out->count++], "user@example.org", 0);
        out->targets[out->count++] =
            (struct directory_target){.outside = true, .address = SLICE("Far@AWAY.example")};
    } else if (slice_equal(local, SLICE("moved")))
        out->targets[out->count++] =
            (struct directory_target){.outside = true, .address = SLICE("x@refused.example")};
    else if (slice_equal(local, SLICE("broken")))
        out->targets[out->count++] =
            (struct directory_target){.outside = true, .address = SLICE("far away@")};
    if (out->count)
        out->answer = DIRECTORY_FOUND;
    return OK;
}

/* Mail for refused.example goes nowhere. */
error route_refuses(slice domain, struct arena *arena, struct route *out_route, bool *out_refused)
{
    (void)arena;
    *out_refused = slice_equal(domain, SLICE("refused.example"));
    *out_route = (struct route){
        .kind = ROUTE_REFUSE, .code = 550, .enhanced = {5, 1, 6}, .text = SLICE("moved away")};
    return OK;
}

error directory_domain(struct directory *directory, slice domain, bool *out_ours)
{
    (void)directory;
    *out_ours = slice_equal(domain, SLICE("example.org"));
    return OK;
}

error directory_may_send(struct directory *directory, slice account, slice sender,
                         bool *out_allowed)
{
    (void)directory;
    *out_allowed = slice_equal(account, SLICE("user@example.org")) &&
                   slice_starts(sender, SLICE("user")) && slice_ends(sender, SLICE("@example.org"));
    return world.sender_result;
}

error login_check(const struct login_attempt *attempt, struct arena *arena,
                  struct directory_account *out_account)
{
    (void)arena;
    if (!slice_equal(attempt->name, SLICE("user")) ||
        !slice_equal(attempt->password, SLICE("secret"))) {
        world.logins_failed++;
        return error_make(ERROR_DENIED, "wrong name or password");
    }
    world.logins += !failed(world.login_result);
    *out_account = (struct directory_account){.address = SLICE("user@example.org")};
    return world.login_result;
}

/* ---- spam: what the test says ---- */

const struct spam_settings *spam_settings_here(void)
{
    static const struct spam_settings settings;
    return &settings;
}

bool spam_is_wanted(const struct address *peer, bool submission)
{
    (void)peer;
    return world.verdict && !submission;
}

error spam_judge(const struct spam_mail *mail, struct arena *arena,
                 struct spam_verdict *out_verdict)
{
    (void)mail;
    (void)arena;
    world.judged++;
    *out_verdict = *world.verdict;
    return OK;
}

const char *spam_action_name(enum spam_action action)
{
    static const char *const names[] = {"accept", "junk", "delay", "refuse"};
    return names[action];
}

/* ---- limits: the account's counts, without a core to keep them ---- */

static struct smtp_sending fake_allowance(const struct smtp_settings *limits, int messages,
                                          unsigned recipients)
{
    struct smtp_sending answer = {.left = allowance_left(&world.allowance, limits, 1000000)};
    answer.refused = answer.left.messages == 0 || answer.left.recipients < recipients;
    answer.alert = answer.refused;
    if (!answer.refused)
        allowance_add(&world.allowance, messages, messages * (int)recipients, 1000000);
    return answer;
}

struct smtp_sending smtp_sending_ask(slice account, const struct smtp_settings *limits)
{
    (void)account;
    return fake_allowance(limits, 0, 1);
}

struct smtp_sending smtp_sending_take(slice account, const struct smtp_settings *limits,
                                      unsigned recipients)
{
    (void)account;
    return fake_allowance(limits, 1, recipients);
}

void smtp_sending_give(slice account, const struct smtp_settings *limits, unsigned recipients)
{
    (void)account;
    (void)limits;
    allowance_add(&world.allowance, -1, -(int)recipients, 1000000);
}

/* ---- queue, keys, events ---- */

static void fake_envelope(const struct queue_envelope *e)
{
    struct buffer *out = &world.queue;
    buffer_format(out, "from <%.*s> ret %d envid '%.*s' account '%.*s'", SLICE_ARG(e->sender),
                  (int)e->ret, SLICE_ARG(e->envid), SLICE_ARG(e->account));
    buffer_format(out, "%s%s%s priority %d by %c\n", e->utf8 ? " utf8" : "",
                  e->require_tls ? " require_tls" : "", e->tls_optional ? " tls_optional" : "",
                  e->priority, e->deliver_by_mode ? e->deliver_by_mode : '-');
    if (e->hold_until)
        buffer_format(out, "held %d\n", (int)(e->hold_until - time_wall_seconds()));
    for (unsigned i = 0; i < e->recipient_count; i++) {
        const struct queue_recipient *r = &e->recipients[i];
        buffer_format(out, "%s <%.*s> notify %u orcpt %.*s;%.*s\n", r->final ? "final" : "to",
                      SLICE_ARG(r->address), r->notify, SLICE_ARG(r->orcpt_type),
                      SLICE_ARG(r->orcpt_address));
    }
}

error queue_submit(struct queue_submission *submission)
{
    if (failed(world.queue_result))
        return world.queue_result;
    world.queued++;
    buffer_reset(&world.queue);
    for (unsigned i = 0; i < submission->count; i++)
        fake_envelope(&submission->envelopes[i]);
    buffer_reset(&world.last);
    buffer_add(&world.last, submission->envelopes[submission->count - 1].prefix);
    buffer_add(&world.last, body_slice(submission->body));
    body_close(submission->body);
    return OK;
}

void queue_id_format(queue_id id, char out_text[QUEUE_ID_TEXT_SIZE])
{
    snprintf(out_text, QUEUE_ID_TEXT_SIZE, "%016llx", (unsigned long long)id);
}

error signer_sign(slice domain, slice prefix, slice body, struct arena *arena,
                  struct buffer *fields)
{
    (void)arena;
    buffer_format(fields, "DKIM-Signature: %.*s %zu+%zu\r\n", SLICE_ARG(domain), prefix.size,
                  body.size);
    return world.signer_result;
}

error signer_seal(slice domain, slice prefix, slice body, slice results, struct arena *arena,
                  struct buffer *fields)
{
    (void)results;
    (void)arena;
    buffer_format(fields, "ARC-Seal: %.*s %zu+%zu\r\n", SLICE_ARG(domain), prefix.size, body.size);
    return world.signer_result;
}

void transport_event(const struct transport_event *event)
{
    world.events += event->kind == TRANSPORT_LIMITED;
}

/* ---- store ---- */

error store_quota_check(const struct store_account_key *account, uint64_t size)
{
    return size > account->quota_bytes / 2 ? error_make(ERROR_LIMIT, "over quota") : OK;
}

error store_deliver(struct store_delivery *delivery)
{
    if (failed(world.store_result))
        return world.store_result;
    if (delivery->deadline && world.store_takes > delivery->deadline - time_now())
        return error_make(ERROR_TIMEOUT, "the mailbox takes too long");
    buffer_reset(&world.last);
    for (unsigned i = 0; i < delivery->part_count; i++)
        buffer_add(&world.last, delivery->parts[i]);
    for (unsigned i = 0; i < delivery->recipient_count; i++)
        delivery->recipients[i].result = world.recipient_result;
    world.recipients_last = delivery->recipient_count;
    world.deliveries += !failed(world.recipient_result);
    return OK;
}

/* ---- a whole session ---- */

/* Plays the client's bytes; what the server said is in stream->output, to be closed by the caller.
 */
static void fake_session(const struct smtp_settings *settings, bool tls, slice input,
                         struct stream *stream)
{
    static struct login_settings login;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    error_ignore(settings_default(&login_setting_table, &arena, &login));
    struct smtp_service service = {.role = world.role ? world.role : SMTP_ROLE_MX,
                                   .hostname = SLICE("mx.example.org"),
                                   .tls = tls ? (struct tls_server *)stream : NULL};
    atomic_init(&service.settings, settings);
    atomic_init(&service.login, &login);
    forward_set_settings(&world.forward, service.hostname);
    *stream = (struct stream){.input = input,
                              .tls = world.tls_implicit,
                              .peer = {.family = ADDRESS_IPV4, .ip = {192, 0, 2, 1}}};
    buffer_init(&stream->output, 16 << 20);
    struct stream *pointer = stream;
    smtp_serve(&pointer, &service);
    arena_close(&arena);
}
