/* SPDX-License-Identifier: GPL-3.0-or-later
 * Address lists and dates from any bytes; what is written of an address is read as the same again.
 */
#include "base/assert.h"
#include "format/mail/address.h"
#include "format/mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice value = slice_of(data, size);
    struct arena arena;
    struct mail_address *address;
    struct mail_date date;
    struct buffer out;
    arena_init(&arena, 64 << 20);
    buffer_init(&out, 1 << 20);
    if (!failed(mail_address_parse(&arena, value, &address))) {
        bool in_group = false;
        for (; address; address = address->next) {
            ASSERT((address->kind == MAIL_ADDRESS_GROUP_START) <= !in_group);
            ASSERT((address->kind == MAIL_ADDRESS_GROUP_END) <= in_group);
            if (address->kind != MAIL_ADDRESS_MAILBOX)
                in_group = address->kind == MAIL_ADDRESS_GROUP_START;
            else
                mail_address_write(&out, address->local, address->domain);
            buffer_reset(&out);
        }
        ASSERT(!in_group);
    }
    if (!failed(mail_date_parse(value, &date))) {
        struct mail_date again;
        mail_date_write(&out, date.seconds, date.zone_minutes);
        ASSERT(!failed(buffer_check(&out)));
        if (date.seconds > -62135000000 && date.seconds < 253402000000) {
            ASSERT(!failed(mail_date_parse(buffer_slice(&out), &again)));
            ASSERT(again.seconds == date.seconds);
        }
    }
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
