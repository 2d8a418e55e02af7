/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message with a chain of any shape, checked with a key record of any shape (the first line),
 * then sealed once more; the words a stranger's results begin with are looked through as well.
 */
#include "base/assert.h"
#include "filter/authentic/arc.h"
#include "format/mail/auth_results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static error find_record(void *argument, slice name, struct arena *arena, instant deadline,
                         slice *out_record)
{
    (void)name, (void)arena, (void)deadline;
    *out_record = *(const slice *)argument;
    return OK;
}

static struct signing_key *the_key(void)
{
    static struct signing_key *key;
    if (!key)
        ASSERT(!failed(signing_key_make(SIGNATURE_ED25519_SHA256, 0, &key)));
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arc_chain chain;
    struct arena arena;
    struct arc_check check;
    slice record, message;
    arena_init(&arena, 8 << 20);
    slice_cut(slice_of(data, size), '\n', &record, &message);
    size_t header_size = mail_header_size(message);
    slice header = slice_sub(message, 0, header_size), body = slice_from(message, header_size);
    arc_chain_read(header, &chain);
    ASSERT(chain.count <= ARC_SETS_MAX);
    const struct dkim_key_source source = {.find = find_record, .argument = &record};
    bool in_place = chain.count <= 8; /* there is no worker here */
    if (in_place &&
        !failed(arc_check_chain(&chain, header, body, &source, &arena, TIME_NEVER, 0, &check))) {
        const struct dkim_signer signer = {the_key(), SLICE("x.example"), SLICE("s")};
        struct buffer fields;
        buffer_init(&fields, 1 << 20);
        unsigned before = chain.count;
        if (!failed(arc_seal(&chain, header, body, check.result, SLICE("x; none"), &signer, 1,
                             &fields))) {
            arc_chain_read(buffer_slice(&fields), &chain);
            ASSERT(chain.count == before + 1);
        }
        buffer_close(&fields);
    }
    (void)auth_results_mention(message, SLICE("dkim"));
    arena_close(&arena);
    return 0;
}
