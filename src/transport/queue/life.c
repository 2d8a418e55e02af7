/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/life.h"

#include "runtime/core.h"
#include "runtime/message.h"
#include "transport/queue/keep.h"
#include "transport/queue/outlet.h"
#include "transport/queue/owner.h"
#include "transport/queue/site.h"

#include <stdatomic.h>

enum { RECORD_TIMEOUT_S = 10 }; /* for what the world knows already to be written down */

static _Atomic(const struct queue_settings *) settings;
static _Atomic(const struct remote_settings *) remote_settings;
static slice hostname;

const struct queue_settings *queue_settings_now(void)
{
    return atomic_load_explicit(&settings, memory_order_acquire);
}

const struct remote_settings *queue_remote_settings(void)
{
    return atomic_load_explicit(&remote_settings, memory_order_acquire);
}

slice queue_hostname(void)
{
    return hostname;
}

static void publish(const struct queue_settings *fresh, const struct remote_settings *fresh_remote)
{
    atomic_store_explicit(&settings, fresh, memory_order_release);
    atomic_store_explicit(&remote_settings, fresh_remote, memory_order_release);
}

void queue_set_settings(const struct queue_settings *fresh,
                        const struct remote_settings *fresh_remote)
{
    publish(fresh, fresh_remote);
    queue_keep_set_settings(fresh);
}

static error open_core(void *argument)
{
    (void)argument;
    queue_owner_open();
    sites_open();
    return OK;
}

error queue_load(const struct queue_options *options)
{
    publish(options->settings, options->remote);
    hostname = options->hostname;
    TRY(core_broadcast(open_core, NULL));
    return queue_keep_load(options->settings, options->path);
}

static error start_core(void *argument)
{
    (void)argument;
    queue_owner.running = true;
    return queue_keep_open();
}

error queue_start(void)
{
    queue_open_outlet();
    return core_broadcast(start_core, NULL);
}

static error stop_core(void *argument)
{
    (void)argument;
    queue_owner.running = false;
    sites_stop();
    return OK;
}

static error close_sites(void *argument)
{
    const instant *deadline = argument;
    sites_close(*deadline);
    return OK;
}

static error close_owner(void *argument)
{
    const instant *deadline = argument;
    instant least = time_after(RECORD_TIMEOUT_S * TIME_S);
    queue_owner_close(*deadline > least ? *deadline : least);
    return OK;
}

static error close_keep(void *argument)
{
    (void)argument;
    return queue_keep_close();
}

/* Each step on all cores before the next: what one core's connections tell, another records. */
error queue_stop(instant deadline)
{
    TRY(core_broadcast(stop_core, NULL));
    TRY(core_broadcast(close_sites, &deadline));
    TRY(core_broadcast(close_owner, &deadline));
    return core_broadcast(close_keep, NULL);
}
