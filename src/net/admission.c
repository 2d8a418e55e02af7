/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/admission.h"

#include <stdlib.h>

error admission_create(uint32_t connections_max, uint32_t per_address_max,
                       struct admission **out_admission)
{
    struct admission *admission = calloc(1, sizeof *admission);
    TRY_MEMORY(admission);
    if (per_address_max) {
        admission->sketch = calloc(ADMISSION_ROWS * ADMISSION_COLUMNS, sizeof *admission->sketch);
        if (!admission->sketch) {
            free(admission);
            return error_make(ERROR_LIMIT, "out of memory");
        }
    }
    admission->connections_max = connections_max;
    admission->per_address_max = per_address_max < UINT16_MAX ? per_address_max : UINT16_MAX;
    atomic_init(&admission->references, 1);
    *out_admission = admission;
    return OK;
}

static void unref(struct admission *admission)
{
    if (atomic_fetch_sub_explicit(&admission->references, 1, memory_order_acq_rel) != 1)
        return;
    free(admission->sketch);
    free(admission);
}

void admission_release(struct admission **admission)
{
    if (*admission)
        unref(*admission);
    *admission = NULL;
}

enum admission_answer admission_enter(struct admission *admission,
                                      struct admission_ticket *out_ticket)
{
    unsigned now = atomic_fetch_add_explicit(&admission->connections, 1, memory_order_relaxed);
    if (admission->connections_max && now >= admission->connections_max) {
        atomic_fetch_sub_explicit(&admission->connections, 1, memory_order_relaxed);
        return ADMISSION_FULL;
    }
    atomic_fetch_add_explicit(&admission->references, 1, memory_order_relaxed);
    *out_ticket = (struct admission_ticket){.admission = admission};
    return ADMISSION_OK;
}

static _Atomic(uint16_t) *counter(const struct admission_ticket *ticket, unsigned row)
{
    return &ticket->admission->sketch[row * ADMISSION_COLUMNS + ticket->column[row]];
}

static void leave_address(struct admission_ticket *ticket)
{
    for (unsigned row = 0; row < ADMISSION_ROWS; row++)
        atomic_fetch_sub_explicit(counter(ticket, row), 1, memory_order_relaxed);
    ticket->by_address = false;
}

enum admission_answer admission_enter_address(struct admission_ticket *ticket,
                                              const struct address *address)
{
    struct admission *admission = ticket->admission;
    if (!admission || !admission->sketch || !address_is_ip(address))
        return ADMISSION_OK;
    size_t size = address->family == ADDRESS_IPV4 ? 4 : 8; /* a /64 is one customer */
    uint64_t hash = slice_hash(slice_of(address->ip, size));
    unsigned least = UINT16_MAX;
    for (unsigned row = 0; row < ADMISSION_ROWS; row++) {
        ticket->column[row] = (uint32_t)(hash >> (32 * row)) % ADMISSION_COLUMNS;
        unsigned before = atomic_fetch_add_explicit(counter(ticket, row), 1, memory_order_relaxed);
        least = before < least ? before : least;
    }
    ticket->by_address = true;
    if (least < admission->per_address_max)
        return ADMISSION_OK;
    leave_address(ticket);
    return ADMISSION_ADDRESS_FULL;
}

void admission_leave(struct admission_ticket *ticket)
{
    struct admission *admission = ticket->admission;
    if (!admission)
        return;
    if (ticket->by_address)
        leave_address(ticket);
    atomic_fetch_sub_explicit(&admission->connections, 1, memory_order_relaxed);
    ticket->admission = NULL;
    unref(admission);
}
