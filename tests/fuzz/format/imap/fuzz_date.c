/* SPDX-License-Identifier: GPL-3.0-or-later
 * A date-time that is understood is written as one that means the same moment.
 */
#include "base/assert.h"
#include "format/imap/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_over(slice_of(data, size));
    int32_t days;
    int64_t seconds, again;
    error_ignore(imap_date_parse(&c, &days));
    c = cursor_over(slice_of(data, size));
    if (failed(imap_date_time_parse(&c, &seconds)))
        return 0;
    struct buffer text;
    buffer_init(&text, 64);
    imap_date_time_write(seconds, &text);
    c = cursor_over(buffer_slice(&text));
    ASSERT(!failed(imap_date_time_parse(&c, &again)) && cursor_done(&c));
    /* Zones may lead out of the years 1 to 9999, which is where writing stops. */
    ASSERT(again == seconds || seconds < -62135596800 || seconds > 253402300799);
    buffer_close(&text);
    return 0;
}
