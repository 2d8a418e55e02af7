#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The file of what was learned: a hash table of fixed size from features (hashed pairs of words) to
 * how many wanted and unwanted mails had them, and the digests of the last mails that were learned,
 * behind a header with a checksum. Written whole to a new file and renamed, so readers never see
 * half of one. Files without digests are read as well, and get room for them when they are written.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum spam_model_limits {
    SPAM_MODEL_WINDOW = 5,          /* words that a pair may span */
    SPAM_MODEL_FEATURES_MAX = 8192, /* of one mail */
    SPAM_MODEL_PROBES_MAX = 16,     /* slots a feature may lie in, after its own */
    SPAM_MODEL_SLOTS = 1 << 19,     /* of a new file: 4 MiB */
    SPAM_MODEL_SLOTS_MAX = 1 << 24, /* of a file that is read */
    SPAM_MODEL_KNOWN = 1 << 16,     /* mails that are remembered: 512 KiB */
    SPAM_MODEL_KNOWN_WAYS = 16,     /* of digests that begin alike, the last so many */
};

struct spam_model_slot {
    uint32_t feature; /* 0: free */
    uint16_t ham, spam;
};

struct spam_model_header {
    char magic[8];
    uint32_t slot_count;  /* a power of two */
    uint32_t ham, spam;   /* mails */
    uint32_t checksum;    /* CRC-32C of all that follows */
    uint32_t known_count; /* digests behind the slots: 0 or SPAM_MODEL_KNOWN */
    uint32_t reserved[9];
};

struct spam_model {
    struct spam_model_header *header;
    struct spam_model_slot *slots;
    uint64_t *known; /* in rows of SPAM_MODEL_KNOWN_WAYS, the newest first; bit 0: was spam */
    size_t size;     /* bytes of all */
};

/* Reads the file into memory: whatever happens to it later. ERROR_NOT_FOUND; ERROR_MALFORMED where
 * it is none of ours or damaged. */
error spam_model_map(const char *path, struct spam_model *out_model);
/* A copy in memory that may be changed; an empty one where there is no file. */
error spam_model_load(const char *path, uint32_t slot_count, struct spam_model *out_model);
/* Written beside, synced, renamed. */
error spam_model_save(const struct spam_model *model, const char *path);
/* Of either kind. Harmless where it is all zero. */
void spam_model_close(struct spam_model *model);

/* NULL where the feature was never learned. */
const struct spam_model_slot *spam_model_find(const struct spam_model *model, uint32_t feature);
/* One more mail with these features, each once. Where all slots a feature may lie in are taken, the
 * one that was seen least makes room. */
void spam_model_learn(struct spam_model *model, const uint32_t *features, unsigned count,
                      bool is_spam);

/* Takes that back: one mail of that kind less. */
void spam_model_unlearn(struct spam_model *model, const uint32_t *features, unsigned count,
                        bool was_spam);

/* Was a mail with this digest learned, and as what? Of a loaded one only. */
bool spam_model_recall(const struct spam_model *model, uint64_t digest, bool *out_was_spam);
/* From now on it was, as that. */
void spam_model_remember(struct spam_model *model, uint64_t digest, bool is_spam);

/* The features of a mail, each once. */
error spam_model_features(struct arena *arena, const uint32_t *words, unsigned word_count,
                          uint32_t **out_features, unsigned *out_count);
