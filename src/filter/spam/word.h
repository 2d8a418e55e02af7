#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hash that stands for a word: FNV-1a over its bytes, ASCII letters in lower case, 0 for no
 * word. It is written into the classifier's file: never change it.
 */
#include "base/slice.h"

struct spam_word_hash {
    uint32_t value;
};
#define SPAM_WORD_HASH_START ((struct spam_word_hash){2166136261u})

static inline void spam_word_hash_add(struct spam_word_hash *hash, char byte)
{
    hash->value = (hash->value ^ (unsigned char)ascii_lower(byte)) * 16777619u;
}
static inline uint32_t spam_word_hash_end(const struct spam_word_hash *hash)
{
    return hash->value ? hash->value : 1;
}
static inline uint32_t spam_word_hash_of(slice word)
{
    struct spam_word_hash hash = SPAM_WORD_HASH_START;
    for (size_t i = 0; i < word.size; i++)
        spam_word_hash_add(&hash, word.data[i]);
    return spam_word_hash_end(&hash);
}
