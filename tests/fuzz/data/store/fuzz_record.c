/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as each of the store's journal records; a delivery that reads is written again the
 * same.
 */
#include "data/store/record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice payload = slice_of(data, size), name;
    struct record_delivery delivery;
    if (!failed(record_delivery_read(payload, &delivery))) {
        struct record_recipient recipient;
        unsigned count = 0;
        while (record_recipient_next(&delivery, &recipient)) {
            count++;
            while (record_keyword_next(&recipient, &name))
                if (name.size && (name.data < payload.data ||
                                  name.data + name.size > payload.data + payload.size))
                    abort();
        }
        if (count < delivery.recipient_count)
            abort();
    }
    struct record_links links;
    struct record_link link;
    if (!failed(record_links_read(payload, &links)))
        while (record_link_next(&links, &link))
            ;
    struct record_tombstones tombstones;
    if (!failed(record_tombstones_read(payload, &tombstones)))
        while (record_tombstone_next(&tombstones, &name))
            ;
    return 0;
}
