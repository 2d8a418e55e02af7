#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits on what an account sends, counted on its home core: exact, however many cores take its
 * mail. Asking is a hop, made only where a limit is set. Counts are not kept over restarts. Bounds:
 * SMTP_SENDING_ACCOUNTS_MAX per core; past it, whoever has been silent for longest is forgotten.
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
