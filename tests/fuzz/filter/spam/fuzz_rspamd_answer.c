/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What rspamd says, or whoever answers in its place; then the fields that are written of it.
 */
#include "base/assert.h"
#include "filter/spam/fields.h"
#include "filter/spam/rspamd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct spam_verdict verdict = {0};
    enum spam_action action = SPAM_ACCEPT;
    arena_init(&arena, 4 << 20);
    if (!failed(spam_rspamd_answer_parse(slice_of(data, size), &arena, &verdict, &action))) {
        struct buffer fields;
        ASSERT(verdict.symbol_count <= SPAM_SYMBOLS_MAX);
        ASSERT(verdict.reply.size <= SPAM_REPLY_SIZE_MAX);
        ASSERT(action <= SPAM_REFUSE);
        buffer_init(&fields, SPAM_FIELDS_SIZE_MAX);
        spam_fields_write(&verdict, 6, &fields);
        ASSERT(!failed(buffer_check(&fields)));
        slice rest = buffer_slice(&fields), line;
        while (slice_cut(rest, '\n', &line, &rest)) {
            bool ours = slice_starts(line, SLICE("X-Spam-")) || slice_starts(line, SLICE("\t"));
            ASSERT(ours && slice_ends(line, SLICE("\r")));
        }
        buffer_close(&fields);
    }
    arena_close(&arena);
    return 0;
}
