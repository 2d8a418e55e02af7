#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An IMAP session in a world of memory (service/fake_world.h). Include in one file of a program.
 */
#include "service/fake_world.h"
#include "service/imap/lesson.h"
#include "service/imap/limits.h"
#include "service/imap/serve.h"

/* Nobody learns from what a test moves. */
enum imap_lesson imap_lesson_of(slice from, slice to)
{
    (void)from;
    (void)to;
    return IMAP_LESSON_NONE;
}

void imap_lesson_copied(enum imap_lesson lesson, struct mailbox *target, const uint32_t *copies,
                        uint32_t count, bool move)
{
    (void)lesson;
    (void)target;
    (void)copies;
    (void)count;
    (void)move;
}

void imap_lesson_appended(struct account *account, slice mailbox, uint32_t uid)
{
    (void)account;
    (void)mailbox;
    (void)uid;
}

struct fake_options {
    const struct imap_settings *settings;
    const struct login_settings *login;
    bool offer_tls;
    unsigned core; /* it is accepted on */
};

/* Plays the client's bytes, following the session to its home; what the server said is in
 * stream->output. Afterwards fake_session_close. */
static void fake_session(const struct fake_options *options, slice input, struct stream *stream)
{
    struct imap_service service = {.tls = options->offer_tls ? (struct tls_server *)stream : NULL};
    atomic_init(&service.settings, options->settings);
    atomic_init(&service.login, options->login);
    *stream =
        (struct stream){.input = input, .peer = {.family = ADDRESS_IPV4, .ip = {192, 0, 2, 1}}};
    buffer_init(&stream->output, 64 << 20);
    world.stream = stream;
    world.core = options->core;
    world.posted = NULL;
    struct stream *pointer = stream;
    imap_serve(&pointer, &service);
    ASSERT((pointer == NULL) == (world.posted != NULL));
    if (world.posted) {
        world.core = 0;
        world.posted->run(world.posted);
        world.started(world.started_argument);
    }
}

static void fake_session_close(struct stream *stream)
{
    buffer_close(&stream->output);
    free(stream->line);
}
