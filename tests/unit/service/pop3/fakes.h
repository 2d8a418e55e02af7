#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A POP3 session in a world of memory (service/fake_world.h). Include in one file of a program.
 */
#include "service/fake_world.h"
#include "service/pop3/limits.h"
#include "service/pop3/serve.h"

struct fake_options {
    const struct pop3_settings *settings;
    const struct login_settings *login;
    bool offer_tls;
    unsigned core; /* it is accepted on */
};

/* Plays the client's bytes, following the session to its home; what the server said is in
 * stream->output. Afterwards fake_session_close. */
static void fake_session(const struct fake_options *options, slice input, struct stream *stream)
{
    struct pop3_service service = {.tls = options->offer_tls ? (struct tls_server *)stream : NULL};
    atomic_init(&service.settings, options->settings);
    atomic_init(&service.login, options->login);
    *stream =
        (struct stream){.input = input, .peer = {.family = ADDRESS_IPV4, .ip = {192, 0, 2, 1}}};
    buffer_init(&stream->output, 64 << 20);
    world.stream = stream;
    world.core = options->core;
    world.posted = NULL;
    struct stream *pointer = stream;
    pop3_serve(&pointer, &service);
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
