#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Delivery's part on the home core: file, index, quota. Called through runtime/message.h.
 */
#include "data/store/delivery.h"

enum { DELIVERED_PATH_SIZE = STORE_PATH_SIZE_MAX + 600 };

struct local_delivery {
    const struct store_delivery *delivery;
    struct store_recipient *to;
    slice base;
    uint64_t size, virtual_size;
    bool sync;        /* make the file durable by itself: the journal has no record of it */
    const char *link; /* an earlier recipient's file, absolute; NULL: write one */
    char *out_path;   /* DELIVERED_PATH_SIZE bytes, or NULL: where the file lies */
};

/* Does not wait: ERROR_BUSY, nothing done, where it would have to. */
error deliver_here_at_once(void *local_delivery);
/* WAITS. */
error deliver_here(void *local_delivery);
/* WAITS. Takes a delivery back: the journal refused. */
error deliver_undo(void *local_delivery);
