#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A crew is a set of fibers on one core that can be cancelled and joined together. Crews nest;
 * cancelling one cancels those below. A cancelled fiber's waits return ERROR_CANCELLED until it
 * ends. Each core has a root crew; shutdown cancels it.
 */
#include "base/error.h"
#include "base/list.h"
#include "base/time.h"
#include "runtime/wait.h"

struct crew {
    struct list fibers;
    struct list children;
    struct list sibling; /* in parent's children */
    struct crew *parent;
    struct condition changed; /* no fiber is left in it and below */
    unsigned count;           /* living fibers, children's not included */
    unsigned count_below;     /* living fibers, children's included */
    bool cancelled;
};

/* The core's root crew. */
struct crew *crew_root(void);
/* parent NULL means the root crew. Starts cancelled where the parent is. */
void crew_init(struct crew *crew, struct crew *parent);
/* Wakes every wait of every fiber in it and below with ERROR_CANCELLED. Does not wait. */
void crew_cancel(struct crew *crew);
/* WAITS until no fiber is left in it and below: OK or ERROR_TIMEOUT. Not ended by cancellation of
 * the caller, who must not belong to the crew. */
error crew_join(struct crew *crew, instant deadline);
/* WAITS. Cancels, joins without a deadline, unlinks. Close those below first. */
void crew_close(struct crew *crew);
