#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The world of a session in memory, for unit tests and fuzz targets: a stream
 * (fake_stream.h), a store of one account (fake_store.h), a password check, a core.
 * Include in one file of a program: the linker then takes these functions instead of the library's.
 *
 * At each wait for the client world.meanwhile is called, so that a test can change the store as
 * another session would.
 */
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "service/fake_stream.h"
#include "service/imap/fake_store.h"
#include "service/login/fake_scram.h"
#include "service/login/login.h"
#include "service/session.h"

static struct {
    unsigned waits; /* packets the client has waited for */
    void (*meanwhile)(unsigned wait);
    struct stream *stream;
    unsigned core; /* where the session runs; accounts live on core 0 */
    bool ending;   /* the server is going down */
    struct message *posted;
    unsigned posted_to;
    unsigned secrets_left; /* responses of SASL that lay about in the stream's memory */
    fiber_function *started;
    void *started_argument;
} world;

/* ---- stream ---- */

static void fake_packet_opens(void)
{
    if (world.meanwhile)
        world.meanwhile(world.waits);
    world.waits++;
}

static void forget_line(struct stream *s)
{
    slice line = slice_of(s->line, s->line_size);
    world.secrets_left += slice_starts(line, SLICE("c2VjcmV0")); /* "secret" */
    free(s->line);
    s->line = NULL;
    s->line_size = 0;
}

error stream_read_line(struct stream *s, enum stream_line_end end, size_t size_max,
                       instant deadline, slice *out_line)
{
    size_t size = 0;
    (void)end;
    ASSERT(deadline < time_after(3600 * TIME_S)); /* no command may take for ever to be sent */
    forget_line(s); /* a buffer of its own for each: whoever keeps the last one is found out */
    s->line = malloc(size_max + 2);
    for (;;) {
        int byte = next_byte(s);
        if (byte < 0)
            return error_make(ERROR_CLOSED, "end of input");
        if (byte == '\n')
            break;
        if (size < size_max + 2)
            s->line[size] = (char)byte;
        size++;
    }
    if (size > size_max + 1)
        return error_make(ERROR_LIMIT, "line too long");
    s->line_size = size;
    *out_line = slice_of(s->line, size);
    if (slice_ends(*out_line, SLICE("\r")))
        out_line->size--;
    return out_line->size > size_max ? error_make(ERROR_LIMIT, "line too long") : OK;
}

error stream_read_exact(struct stream *s, void *data, size_t size, instant deadline)
{
    (void)deadline;
    for (size_t i = 0; i < size; i++) {
        int byte = next_byte(s);
        if (byte < 0)
            return error_make(ERROR_CLOSED, "end of input");
        ((char *)data)[i] = (char)byte;
    }
    return OK;
}

error stream_read_body(struct stream *s, struct body *body, size_t size, instant deadline)
{
    TRY(body_reserve(body, size));
    TRY(stream_read_exact(s, body->data + body->size, size, deadline));
    body->size += size;
    return OK;
}

error stream_send(struct stream *s, slice data, instant deadline)
{
    (void)deadline;
    return stream_write(s, data);
}

error stream_send_file(struct stream *s, int fd, off_t offset, uint64_t size, instant deadline)
{
    (void)deadline;
    char *room = buffer_reserve(&s->output, size);
    ASSERT(room && pread(fd, room, size, offset) == (ssize_t)size);
    buffer_commit(&s->output, size);
    return OK;
}

error stream_detach(struct stream *s, instant deadline)
{
    (void)deadline;
    s->detached = true;
    return OK;
}

void stream_attach(struct stream *s)
{
    s->detached = false;
}

void stream_close(struct stream **s)
{
    *s = NULL;
}

void stream_abort(struct stream **s)
{
    *s = NULL;
}

/* ---- runtime ---- */

unsigned core_self(void)
{
    return world.core;
}

void core_on_start(error (*start)(void), void (*end)(void))
{
    (void)start;
    (void)end;
}

void core_post(unsigned core, struct message *message)
{
    ASSERT(core != world.core);
    world.posted = message;
    world.posted_to = core;
}

error fiber_start(struct crew *crew, const char *name, fiber_function *function, void *argument)
{
    (void)crew;
    (void)name;
    world.started = function;
    world.started_argument = argument;
    return OK;
}

error fiber_yield(void)
{
    return OK;
}

void fiber_set_context(void *context)
{
    (void)context;
}

/* ---- the register of sessions ---- */

void session_enter(struct session *session, const char *protocol, struct stream *stream)
{
    session->protocol = protocol;
    session->stream = stream;
    session->since = time_now();
}

void session_leave(struct session *session)
{
    (void)session;
}

void session_set_account(struct session *session, slice address)
{
    (void)session;
    (void)address;
}

void session_id(const struct session *session, char out_id[SESSION_ID_SIZE])
{
    (void)session;
    memset(out_id, '0', SESSION_ID_SIZE);
    out_id[SESSION_ID_SIZE - 1] = '\0';
}

struct crew *session_crew(void)
{
    return NULL;
}

bool session_must_end(void)
{
    return world.ending;
}

/* ---- login: "secret" is everybody's password; "trouble" has trouble ---- */

error login_check(const struct login_attempt *attempt, struct arena *arena,
                  struct directory_account *out)
{
    (void)arena;
    if (slice_equal(attempt->name, SLICE("trouble")))
        return error_make(ERROR_TEMPORARY, "the database is away");
    if (slice_equal(attempt->name, SLICE("guessed")))
        return error_make(ERROR_BUSY, "too many failed logins from this address");
    if (!slice_equal(attempt->password, SLICE("secret")) || attempt->authorization.size)
        return error_make(ERROR_DENIED, "wrong name or password");
    *out = (struct directory_account){
        .address = attempt->name, .home = "/var/vmail/x", .maildir = "/var/vmail/x/Maildir"};
    return OK;
}

/* ---- a whole session ---- */

/* Plays the client's bytes to a session accepted on `core`, following it from core to core; what
 * the server said is in stream->output. Afterwards fake_session_close. */
static void fake_play(void (*serve)(struct stream **stream, void *service), void *service,
                      unsigned core, slice input, struct stream *stream)
{
    *stream =
        (struct stream){.input = input, .peer = {.family = ADDRESS_IPV4, .ip = {192, 0, 2, 1}}};
    buffer_init(&stream->output, 64 << 20);
    world.stream = stream;
    world.core = core;
    world.posted = NULL;
    struct stream *pointer = stream;
    serve(&pointer, service);
    ASSERT((pointer == NULL) == (world.posted != NULL));
    while (world.posted) {
        struct message *posted = world.posted;
        world.core = world.posted_to;
        world.posted = NULL;
        posted->run(posted);
        world.started(world.started_argument);
    }
}

static void fake_session_close(struct stream *stream)
{
    buffer_close(&stream->output);
    forget_line(stream);
}

/* A session of one protocol: its settings, and where it is accepted. */
#define FAKE_SESSION(protocol)                                                                     \
    struct fake_options {                                                                          \
        const struct protocol##_settings *settings;                                                \
        const struct login_settings *login;                                                        \
        bool offer_tls;                                                                            \
        unsigned core;                                                                             \
    };                                                                                             \
    static void fake_session(const struct fake_options *options, slice input,                      \
                             struct stream *stream)                                                \
    {                                                                                              \
        struct protocol##_service service = {                                                      \
            .tls = options->offer_tls ? (struct tls_server *)stream : NULL};                       \
        atomic_init(&service.settings, options->settings);                                         \
        atomic_init(&service.login, options->login);                                               \
        fake_play(protocol##_serve, &service, options->core, input, stream);                       \
    }
