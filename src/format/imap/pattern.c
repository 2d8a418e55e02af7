/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/pattern.h"

#include "format/imap/limits.h"
#include "format/imap/mailbox.h"

enum { WORDS_MAX = IMAP_PATTERN_SIZE_MAX / 64 + 1 };

static void set_bit(uint64_t *words, uint32_t bit)
{
    words[bit / 64] |= 1ull << (bit % 64);
}

error imap_pattern_compile(slice pattern, char separator, struct arena *arena,
                           struct imap_pattern *out_pattern)
{
    if (pattern.size > IMAP_PATTERN_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the pattern is too long");
    uint32_t words = (uint32_t)(pattern.size + 1 + 63) / 64;
    uint64_t *memory = ARENA_ARRAY(arena, uint64_t, (256 + 2) * words);
    TRY_MEMORY(memory);
    struct imap_pattern compiled = {
        .literal = memory,
        .star = memory + 256 * words,
        .percent = memory + 257 * words,
        .words = words,
        .separator = separator,
    };
    for (size_t i = 0; i < pattern.size; i++) {
        char c = pattern.data[i];
        if (c == '*')
            set_bit(compiled.star, compiled.size);
        else if (c == '%')
            set_bit(compiled.percent, compiled.size);
        else
            set_bit(compiled.literal + (unsigned char)c * words, compiled.size++);
    }
    *out_pattern = compiled;
    return OK;
}

/* One byte: a state (so many literal bytes matched) stays where a wildcard swallows the byte, and
 * moves up where the byte is the next literal. False when no state is left. */
static bool step(const struct imap_pattern *p, uint64_t *states, char byte, bool fold)
{
    const uint64_t *same = p->literal + (unsigned char)byte * p->words;
    const uint64_t *lower =
        p->literal + (unsigned char)(fold ? ascii_lower(byte) : byte) * p->words;
    const uint64_t *upper =
        p->literal + (unsigned char)(fold ? ascii_upper(byte) : byte) * p->words;
    uint64_t carry = 0, any = 0;
    for (uint32_t i = 0; i < p->words; i++) {
        uint64_t moving = states[i] & (same[i] | lower[i] | upper[i]);
        uint64_t staying = states[i] & (p->star[i] | (byte != p->separator ? p->percent[i] : 0));
        states[i] = staying | moving << 1 | carry;
        carry = moving >> 63;
        any |= states[i];
    }
    return any != 0;
}

bool imap_pattern_matches(const struct imap_pattern *pattern, slice name)
{
    uint64_t states[WORDS_MAX] = {1};
    bool fold = imap_mailbox_is_inbox(name);
    for (size_t i = 0; i < name.size; i++)
        if (!step(pattern, states, name.data[i], fold))
            return false;
    return states[pattern->size / 64] >> (pattern->size % 64) & 1;
}
