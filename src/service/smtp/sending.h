#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits on what an account sends, counted on its home core: exact, however many cores take its
 * mail. Asking is a hop, made only where a limit is set. Bounds: SMTP_SENDING_ACCOUNTS_MAX per
 * core; past it, whoever has been silent for longest is forgotten, if possible one whose count is
 * on disk.
 *
 * Counts outlive the process: each core writes those that changed to a file of its own
 * (sending_keep.c) every `save_interval` and when it stops. A crash or a power cut loses what was
 * counted since the last time: accounts may send that much more, never less. A disk that refuses
 * loses nothing while the server runs. Another number of cores reads all files and shares them out.
 */
#include "base/error.h"
#include "base/slice.h"
#include "service/smtp/allowance.h"

struct smtp_sending {
    bool refused;
    bool alert; /* refused, and nobody was told so within these five minutes */
    struct allowance_left left;
};
/* May a message to one recipient be sent now? Counts nothing. */
struct smtp_sending smtp_sending_ask(slice account, const struct smtp_settings *limits);
/* Counts a message to so many recipients, or nothing where that is refused. */
struct smtp_sending smtp_sending_take(slice account, const struct smtp_settings *limits,
                                      unsigned recipients);
/* The message was not sent after all. */
void smtp_sending_give(slice account, const struct smtp_settings *limits, unsigned recipients);

struct smtp_sending_options {
    const char *path;      /* directory of the files; made where there is none */
    int64_t save_interval; /* ns */
};
/* WAIT. By the boss, on one core's fiber, before and after all sessions. Without the first counts
 * are in memory only. */
error smtp_sending_start(const struct smtp_sending_options *options);
void smtp_sending_stop(void);
