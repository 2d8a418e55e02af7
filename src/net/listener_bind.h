#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a listener is made of: for the files of src/net only. The struct is written before the cores
 * start; afterwards each core touches only its own share.
 */
#include "net/admission.h"
#include "net/listener.h"
#include "runtime/crew.h"

#include <stdatomic.h>

/* One core's part. */
struct listener_share {
    struct listener *listener;
    int socket;
    int reserve; /* a descriptor to give up when there is no other */
    bool running;
    struct crew *sessions;
    struct crew acceptor;
};

struct listener {
    struct listener_options options;
    struct address address; /* as bound; a path is in path */
    char path[108];
    bool shared;    /* all shares have the same socket */
    bool inherited; /* from systemd: its file is not ours to remove */
    atomic_uint accepting;
    struct admission *admission;
    unsigned share_count;
    struct listener_share shares[];
};
