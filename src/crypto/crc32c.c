/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The crc instruction takes 8 bytes with a latency of 3 cycles and a throughput of 1, so three
 * lanes side by side keep it busy. Lanes are joined by "shifting" a sum over LANE zero bytes, which
 * is a linear map, looked up byte by byte.
 */
#include "crypto/crc32c.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

enum { LANE = 1024, BLOCK = 3 * LANE };

static const uint32_t POLYNOMIAL = 0x82f63b78; /* reflected */

static uint32_t byte_table[8][256]; /* slicing by eight */
static uint32_t lane_table[4][256]; /* a sum, LANE zero bytes later */

typedef uint32_t crc32c_function(unsigned char *target, const unsigned char *source, size_t size,
                                 uint32_t crc);
static crc32c_function *crc32c_best;

static inline uint64_t load64(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline void store64(unsigned char *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

static uint32_t portable(unsigned char *target, const unsigned char *source, size_t size,
                         uint32_t crc)
{
    if (target)
        memcpy(target, source, size);
    crc = ~crc;
    for (; size >= 8; source += 8, size -= 8) {
        crc ^= (uint32_t)source[0] | (uint32_t)source[1] << 8 | (uint32_t)source[2] << 16 |
               (uint32_t)source[3] << 24;
        crc = byte_table[7][crc & 255] ^ byte_table[6][crc >> 8 & 255] ^
              byte_table[5][crc >> 16 & 255] ^ byte_table[4][crc >> 24] ^ byte_table[3][source[4]] ^
              byte_table[2][source[5]] ^ byte_table[1][source[6]] ^ byte_table[0][source[7]];
    }
    for (; size > 0; source++, size--)
        crc = byte_table[0][(crc ^ *source) & 255] ^ crc >> 8;
    return ~crc;
}

#if defined(__x86_64__)
#define HARDWARE __attribute__((target("sse4.2")))
#define STEP8(crc, word) ((uint32_t)__builtin_ia32_crc32di((crc), (word)))
#define STEP1(crc, byte) __builtin_ia32_crc32qi((crc), (byte))
#elif defined(__aarch64__)
#define HARDWARE __attribute__((target("+crc")))
#define STEP8(crc, word) __builtin_aarch64_crc32cx((crc), (word))
#define STEP1(crc, byte) __builtin_aarch64_crc32cb((crc), (byte))
#endif

#ifdef HARDWARE
static inline uint32_t shift_lane(uint32_t crc)
{
    return lane_table[0][crc & 255] ^ lane_table[1][crc >> 8 & 255] ^
           lane_table[2][crc >> 16 & 255] ^ lane_table[3][crc >> 24];
}

/* `copy` is a constant at both call sites: the compiler makes two loops of this one text. */
HARDWARE static inline __attribute__((always_inline)) uint32_t
hardware_loop(unsigned char *target, const unsigned char *source, size_t size, uint32_t crc,
              bool copy)
{
    uint32_t a = ~crc;
    for (; size >= BLOCK; source += BLOCK, size -= BLOCK) {
        uint32_t b = 0, c = 0;
        for (size_t i = 0; i < LANE; i += 8) {
            uint64_t x = load64(source + i);
            uint64_t y = load64(source + LANE + i);
            uint64_t z = load64(source + 2 * LANE + i);
            a = STEP8(a, x);
            b = STEP8(b, y);
            c = STEP8(c, z);
            if (copy) {
                store64(target + i, x);
                store64(target + LANE + i, y);
                store64(target + 2 * LANE + i, z);
            }
        }
        if (copy)
            target += BLOCK;
        a = shift_lane(shift_lane(a) ^ b) ^ c;
    }
    for (; size >= 32 && !copy; source += 32, size -= 32) { /* small records are many */
        a = STEP8(a, load64(source));
        a = STEP8(a, load64(source + 8));
        a = STEP8(a, load64(source + 16));
        a = STEP8(a, load64(source + 24));
    }
    for (; size >= 8; source += 8, size -= 8) {
        uint64_t x = load64(source);
        a = STEP8(a, x);
        if (copy) {
            store64(target, x);
            target += 8;
        }
    }
    for (; size > 0; source++, size--) {
        a = STEP1(a, *source);
        if (copy)
            *target++ = *source;
    }
    return ~a;
}

HARDWARE static uint32_t hardware(unsigned char *target, const unsigned char *source, size_t size,
                                  uint32_t crc)
{
    return target ? hardware_loop(target, source, size, crc, true)
                  : hardware_loop(NULL, source, size, crc, false);
}
#endif

static bool hardware_present(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__)
    return getauxval(AT_HWCAP) & (1UL << 7) /* HWCAP_CRC32 */;
#else
    return false;
#endif
}

/* Before main, so that no caller needs a check of its own. */
__attribute__((constructor)) static void crc32c_prepare(void)
{
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t crc = n;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        byte_table[0][n] = crc;
    }
    for (uint32_t n = 0; n < 256; n++)
        for (int k = 1; k < 8; k++)
            byte_table[k][n] =
                byte_table[0][byte_table[k - 1][n] & 255] ^ byte_table[k - 1][n] >> 8;
    uint32_t shifted[32]; /* each bit of a sum, LANE zero bytes later */
    for (int bit = 0; bit < 32; bit++) {
        uint32_t crc = 1u << bit;
        for (int i = 0; i < LANE; i++)
            crc = byte_table[0][crc & 255] ^ crc >> 8;
        shifted[bit] = crc;
    }
    for (int k = 0; k < 4; k++)
        for (uint32_t n = 0; n < 256; n++)
            for (int bit = 0; bit < 8; bit++)
                if (n >> bit & 1)
                    lane_table[k][n] ^= shifted[8 * k + bit];
#ifdef HARDWARE
    crc32c_best = hardware_present() ? hardware : portable;
#else
    (void)hardware_present;
    crc32c_best = portable;
#endif
}

uint32_t crc32c(uint32_t crc, slice data)
{
    return crc32c_best(NULL, (const unsigned char *)data.data, data.size, crc);
}

uint32_t crc32c_copy(void *target, const void *source, size_t size, uint32_t crc)
{
    return crc32c_best(target, source, size, crc);
}

uint32_t crc32c_portable(void *target, const void *source, size_t size, uint32_t crc)
{
    return portable(target, source, size, crc);
}
