/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/store/store.h"
#include "service/smtp/allowance.h"

#define MALFORMED error_make(ERROR_MALFORMED, "not a record of what an account has sent")

/* Then a slot for each bit of the masks, those of the hour first, then the account. */
struct record_head {
    int64_t written, hour_newest, day_newest, alerted;
    uint32_t hour_mask, day_mask;
    uint16_t account_size, reserved[3];
};
_Static_assert(sizeof(struct record_head) == 48, "kept on disk");

struct record_slot {
    uint32_t messages, recipients;
};
_Static_assert(sizeof(struct record_slot) == 8, "kept on disk");

enum { SLOT_S_MIN = 300 };

static uint32_t mask_of(const struct allowance_window *window, unsigned slots)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < slots; i++)
        if (window->messages[i] || window->recipients[i])
            mask |= 1U << i;
    return mask;
}

static void write_slots(struct buffer *out, const struct allowance_window *window, uint32_t mask)
{
    for (unsigned i = 0; mask >> i; i++) {
        const struct record_slot slot = {window->messages[i], window->recipients[i]};
        if (mask >> i & 1)
            buffer_add(out, slice_of(&slot, sizeof slot));
    }
}

void allowance_record_write(struct buffer *out, uint32_t salt,
                            const struct allowance_record *record)
{
    const struct allowance_count *count = &record->count;
    slice account = record->account;
    const struct record_head head = {
        .written = record->written,
        .hour_newest = count->hour.newest,
        .day_newest = count->day.newest,
        .alerted = count->alerted,
        .hour_mask = mask_of(&count->hour, ALLOWANCE_HOUR_SLOTS),
        .day_mask = mask_of(&count->day, ALLOWANCE_DAY_SLOTS),
        .account_size = (uint16_t)account.size,
    };
    if (account.size > STORE_ACCOUNT_ID_SIZE_MAX)
        return; /* no account is called so */
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(&head, sizeof head));
    write_slots(out, &count->hour, head.hour_mask);
    write_slots(out, &count->day, head.day_mask);
    buffer_add(out, account);
    frame_end(out, begin, ALLOWANCE_ACCOUNT, salt);
}

static slice read_slots(slice bytes, struct allowance_window *window, uint32_t mask)
{
    for (unsigned i = 0; mask >> i; i++) {
        struct record_slot slot;
        if (!(mask >> i & 1))
            continue;
        memcpy(&slot, bytes.data, sizeof slot);
        window->messages[i] = slot.messages;
        window->recipients[i] = slot.recipients;
        bytes = slice_from(bytes, sizeof slot);
    }
    return bytes;
}

static bool is_time(int64_t slot)
{
    return slot >= 0 && slot <= INT64_MAX / SLOT_S_MIN / 2;
}

error allowance_record_read(slice payload, struct allowance_record *out_record)
{
    struct record_head head;
    if (payload.size < sizeof head)
        return MALFORMED;
    memcpy(&head, payload.data, sizeof head);
    slice rest = slice_from(payload, sizeof head);
    size_t slots = (size_t)(__builtin_popcount(head.hour_mask) + __builtin_popcount(head.day_mask));
    if (head.hour_mask >> ALLOWANCE_HOUR_SLOTS || head.day_mask >> ALLOWANCE_DAY_SLOTS ||
        !is_time(head.hour_newest) || !is_time(head.day_newest) || !is_time(head.alerted) ||
        head.account_size == 0 || head.account_size > STORE_ACCOUNT_ID_SIZE_MAX ||
        rest.size != slots * sizeof(struct record_slot) + head.account_size)
        return MALFORMED;
    struct allowance_record record = {.written = head.written, .count.alerted = head.alerted};
    record.count.hour.newest = head.hour_newest;
    record.count.day.newest = head.day_newest;
    rest = read_slots(rest, &record.count.hour, head.hour_mask);
    record.account = read_slots(rest, &record.count.day, head.day_mask);
    *out_record = record;
    return OK;
}
