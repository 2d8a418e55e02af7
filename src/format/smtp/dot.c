/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/dot.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK_SIZE = 64 };

void dot_reader_init(struct dot_reader *reader)
{
    *reader = (struct dot_reader){.state = DOT_LINE_START};
}

/* One bit per byte of a block. */
struct masks {
    uint64_t cr;
    uint64_t lf;
    uint64_t dot;
};

/* What the byte before a block was. */
struct carry {
    uint64_t cr;         /* 0 or 1 */
    uint64_t line_start; /* 0 or 1 */
};

/* True where nothing in the block needs a closer look: all line ends are whole, no line begins with
 * a dot. Only then is the carry moved on. */
static inline bool block_is_plain(const struct masks *m, struct carry *carry)
{
    uint64_t line_start = m->lf << 1 | carry->line_start;
    if (m->lf != (m->cr << 1 | carry->cr) || (line_start & m->dot))
        return false;
    carry->cr = m->cr >> 63;
    carry->line_start = m->lf >> 63;
    return true;
}

/* The same without a look at dots. */
static inline bool block_is_whole(const struct masks *m, struct carry *carry)
{
    if (m->lf != (m->cr << 1 | carry->cr))
        return false;
    carry->cr = m->cr >> 63;
    return true;
}

/* No line begins with a dot, whatever ends lines. */
static inline bool block_is_undotted(const struct masks *m, struct carry *carry)
{
    if ((m->lf << 1 | carry->line_start) & m->dot)
        return false;
    carry->line_start = m->lf >> 63;
    return true;
}

#define DEFINE_SKIP(name, attributes, masks_of, block_passes)                                      \
    attributes static size_t name(const char *data, size_t size, struct carry *carry)              \
    {                                                                                              \
        size_t at = 0;                                                                             \
        for (; size - at >= BLOCK_SIZE; at += BLOCK_SIZE) {                                        \
            struct masks m = masks_of(data + at);                                                  \
            if (!block_passes(&m, carry))                                                          \
                break;                                                                             \
        }                                                                                          \
        return at;                                                                                 \
    }
#define DEFINE_SKIP_PLAIN(name, attributes, masks_of)                                              \
    DEFINE_SKIP(name, attributes, masks_of, block_is_plain)
#define DEFINE_SKIP_WHOLE(name, attributes, masks_of)                                              \
    DEFINE_SKIP(name, attributes, masks_of, block_is_whole)
#define DEFINE_SKIP_UNDOTTED(name, attributes, masks_of)                                           \
    DEFINE_SKIP(name, attributes, masks_of, block_is_undotted)

#if defined(__x86_64__)

static inline uint64_t equal_sse2(const __m128i v[4], char byte)
{
    __m128i wanted = _mm_set1_epi8(byte);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], wanted)) << (16 * i);
    return mask;
}

static inline struct masks masks_sse2(const char *data)
{
    __m128i v[4];
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
    return (struct masks){equal_sse2(v, '\r'), equal_sse2(v, '\n'), equal_sse2(v, '.')};
}

__attribute__((target("avx2"))) static inline uint64_t equal_avx2(__m256i low, __m256i high,
                                                                  char byte)
{
    __m256i wanted = _mm256_set1_epi8(byte);
    unsigned low_mask = (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    unsigned high_mask = (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return (uint64_t)high_mask << 32 | low_mask;
}

__attribute__((target("avx2"))) static inline struct masks masks_avx2(const char *data)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)data);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32));
    return (struct masks){equal_avx2(low, high, '\r'), equal_avx2(low, high, '\n'),
                          equal_avx2(low, high, '.')};
}

DEFINE_SKIP_PLAIN(skip_plain_sse2, , masks_sse2)
DEFINE_SKIP_PLAIN(skip_plain_avx2, __attribute__((target("avx2"))), masks_avx2)
DEFINE_SKIP_WHOLE(skip_whole_sse2, , masks_sse2)
DEFINE_SKIP_WHOLE(skip_whole_avx2, __attribute__((target("avx2"))), masks_avx2)
DEFINE_SKIP_UNDOTTED(skip_undotted_sse2, , masks_sse2)
DEFINE_SKIP_UNDOTTED(skip_undotted_avx2, __attribute__((target("avx2"))), masks_avx2)

static size_t skip_whole(const char *data, size_t size, struct carry *carry)
{
    return __builtin_cpu_supports("avx2") ? skip_whole_avx2(data, size, carry)
                                          : skip_whole_sse2(data, size, carry);
}

static size_t skip_undotted(const char *data, size_t size, struct carry *carry)
{
    return __builtin_cpu_supports("avx2") ? skip_undotted_avx2(data, size, carry)
                                          : skip_undotted_sse2(data, size, carry);
}

static size_t skip_plain(const char *data, size_t size, struct carry *carry)
{
    return __builtin_cpu_supports("avx2") ? skip_plain_avx2(data, size, carry)
                                          : skip_plain_sse2(data, size, carry);
}

#else

static inline struct masks masks_portable(const char *data)
{
    struct masks m = {0};
    for (unsigned i = 0; i < BLOCK_SIZE; i++) {
        m.cr |= (uint64_t)(data[i] == '\r') << i;
        m.lf |= (uint64_t)(data[i] == '\n') << i;
        m.dot |= (uint64_t)(data[i] == '.') << i;
    }
    return m;
}

DEFINE_SKIP_PLAIN(skip_plain, , masks_portable)
DEFINE_SKIP_WHOLE(skip_whole, , masks_portable)
DEFINE_SKIP_UNDOTTED(skip_undotted, , masks_portable)

#endif

/* One byte of the automaton. Returns how many bytes it keeps, written to out (at most 2). */
static unsigned step(struct dot_reader *r, char byte, char out[2])
{
    unsigned kept = 0;
    switch (r->state) {
    case DOT_DOT_CR:
        if (byte == '\n') { /* CR LF . CR LF */
            r->finished = true;
            return 0;
        }
        out[kept++] = '\r';
        r->malformed = true;
        break;
    case DOT_DOT:
        if (byte == '\r') {
            r->state = DOT_DOT_CR;
            return 0;
        }
        break; /* RFC 5321 4.5.2: the first dot of a longer line is not the sender's */
    case DOT_CR:
        if (byte == '\n') {
            r->state = DOT_LINE_START;
            out[0] = '\n';
            return 1;
        }
        r->malformed = true;
        break;
    case DOT_LINE_START:
        if (byte == '.') {
            r->state = DOT_DOT;
            return 0;
        }
        break;
    case DOT_MIDDLE:
        break;
    }
    if (byte == '\n')
        r->malformed = true; /* bare: it ends no line */
    r->state = byte == '\r' ? DOT_CR : DOT_MIDDLE;
    out[kept++] = byte;
    return kept;
}

static enum dot_state state_after(const struct carry *carry)
{
    return carry->cr ? DOT_CR : carry->line_start ? DOT_LINE_START : DOT_MIDDLE;
}

void dot_reader_feed(struct dot_reader *r, char *data, size_t size, size_t *out_consumed,
                     size_t *out_kept)
{
    size_t at = 0, kept = 0;
    while (at < size && !r->finished) {
        if (r->state <= DOT_CR) {
            struct carry carry = {r->state == DOT_CR, r->state == DOT_LINE_START};
            size_t run = skip_plain(data + at, size - at, &carry);
            if (kept != at && !r->discard && run)
                memmove(data + kept, data + at, run);
            kept += run;
            at += run;
            r->state = state_after(&carry);
        }
        /* The block that was not plain, or the tail. */
        size_t end = size - at < BLOCK_SIZE ? size : at + BLOCK_SIZE;
        while (at < end && !r->finished) {
            char out[2];
            unsigned count = step(r, data[at++], out);
            r->discard |= r->malformed;
            for (unsigned i = 0; i < count && !r->discard; i++)
                data[kept++] = out[i];
        }
    }
    *out_consumed = at;
    *out_kept = r->discard ? 0 : kept;
}

size_t dot_next_stuffing(slice message, size_t at)
{
    struct carry carry = {.line_start = at == 0 || message.data[at - 1] == '\n'};
    while (at < message.size) {
        at += skip_undotted(message.data + at, message.size - at, &carry);
        /* The tail, or the block with a dot in it. */
        size_t end = message.size - at < BLOCK_SIZE ? message.size : at + BLOCK_SIZE;
        for (; at < end; at++) {
            if (carry.line_start && message.data[at] == '.')
                return at;
            carry.line_start = message.data[at] == '\n';
        }
    }
    return message.size;
}

bool dot_lines_are_whole(slice message)
{
    struct carry carry = {0};
    size_t at = skip_whole(message.data, message.size, &carry);
    bool after_cr = carry.cr;
    /* The tail, or the block that did not pass: the first bad byte ends it. */
    for (; at < message.size; at++) {
        if ((message.data[at] == '\n') != after_cr)
            return false;
        after_cr = message.data[at] == '\r';
    }
    return !after_cr;
}
