/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SCRAM messages of a client that never knew the password: whatever it says is refused, in bounds.
 * The input is the first message, a NUL, the final one.
 */
#include "base/assert.h"
#include "service/login/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(slice whole, slice part)
{
    ASSERT(part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

static void converse(slice first_text, slice final_text, struct arena *arena)
{
    struct scram_keys keys = {.kind = DIGEST_SHA256, .rounds = 4096, .salt_size = 16};
    struct scram_first first;
    struct scram_final final;
    slice challenge, message = SLICE_EMPTY;
    if (failed(scram_first_parse(first_text, arena, &first)))
        return;
    ASSERT(first.header.size + first.bare.size == first_text.size);
    ASSERT(first.name.size > 0 && first.nonce.size > 0);
    check_inside(first_text, first.nonce);
    if (failed(scram_challenge_write(&first, "0123456789abcdefghijklmn", &keys, arena, &challenge)))
        return;
    if (failed(scram_final_parse(final_text, arena, &final)))
        return;
    check_inside(final_text, final.unproved);
    ASSERT(
        failed(scram_answer_write(&first, challenge, &final, SLICE_EMPTY, &keys, arena, &message)));
    ASSERT(message.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size), first, final;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    slice_cut(text, '\0', &first, &final);
    converse(first, final, &arena);
    arena_close(&arena);
    return 0;
}
