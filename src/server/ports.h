#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The addresses the server listens on, and who serves what comes in there. Bound once by the main
 * thread; each core starts and stops its own share.
 */
#include "base/error.h"

struct crew;
struct listener;
struct server;

enum { PORTS_MAX = 256 };

struct ports {
    struct listener *listeners[PORTS_MAX];
    unsigned count;
};

/* Binds every address of section "listen". Complains itself where one cannot be had. */
error ports_bind(struct server *server);
/* On each core, in a fiber. */
error ports_start(struct ports *ports, struct crew *crew);
/* On each core, WAITS. */
void ports_stop(struct ports *ports);
void ports_close(struct ports *ports);
