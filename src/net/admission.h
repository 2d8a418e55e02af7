#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who may come in: counts of connections, in all and per address. One admission per listener,
 * shared by the cores, atomic counters only. For the files of src/net.
 *
 * Per address the count is a count-min sketch: two rows of counters, picked by two parts of a
 * seeded hash of the address (IPv6: its /64); the smaller of the two is the estimate. It never
 * counts too low; it counts too high only where both counters are shared with other addresses.
 */
#include "base/error.h"
#include "net/address.h"

#include <stdatomic.h>

enum { ADMISSION_ROWS = 2, ADMISSION_COLUMNS = 1 << 15 };

struct admission {
    uint32_t connections_max, per_address_max; /* 0: no limit */
    atomic_uint connections;
    _Atomic(uint16_t) *sketch; /* ADMISSION_ROWS * ADMISSION_COLUMNS; NULL without a limit */
    atomic_uint references;    /* the listener and each connection */
};

/* A connection's place in the counts; embedded in its stream. */
struct admission_ticket {
    struct admission *admission; /* NULL: not counted */
    uint32_t column[ADMISSION_ROWS];
    bool by_address;
};

enum admission_answer { ADMISSION_OK, ADMISSION_FULL, ADMISSION_ADDRESS_FULL };

error admission_create(uint32_t connections_max, uint32_t per_address_max,
                       struct admission **out_admission);
/* The listener's reference; the rest goes when the last connection leaves. */
void admission_release(struct admission **admission);

/* Counts in all (before anything is read). */
enum admission_answer admission_enter(struct admission *admission,
                                      struct admission_ticket *out_ticket);
/* Counts by address, once it is known. Unix sockets always may. */
enum admission_answer admission_enter_address(struct admission_ticket *ticket,
                                              const struct address *address);
/* Takes it out of both. Harmless on an empty ticket. Any core. */
void admission_leave(struct admission_ticket *ticket);
