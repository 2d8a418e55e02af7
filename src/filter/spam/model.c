/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/model.h"

#include "crypto/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = {'R', 'M', 'S', 'P', 'A', 'M', '1', '\n'};

_Static_assert(sizeof(struct spam_model_header) == 64, "the file has this form");
_Static_assert(sizeof(struct spam_model_slot) == 8, "the file has this form");

static size_t size_of(uint32_t slot_count, uint32_t known_count)
{
    return sizeof(struct spam_model_header) + slot_count * sizeof(struct spam_model_slot) +
           known_count * sizeof(uint64_t);
}

static uint32_t checksum_of(const struct spam_model *model)
{
    return crc32c(0, slice_of(model->slots, model->size - sizeof *model->header));
}

static void place(struct spam_model *model, void *memory, size_t size)
{
    model->header = memory;
    model->slots = (struct spam_model_slot *)(model->header + 1);
    model->known = NULL;
    model->size = size;
}

/* Once the header says how many slots there are. */
static void place_known(struct spam_model *model)
{
    if (model->header->known_count > 0)
        model->known = (uint64_t *)(void *)(model->slots + model->header->slot_count);
}

static error check(const struct spam_model *model)
{
    const struct spam_model_header *header = model->header;
    if (memcmp(header->magic, magic, sizeof magic) != 0 || header->slot_count == 0 ||
        header->slot_count > SPAM_MODEL_SLOTS_MAX ||
        (header->slot_count & (header->slot_count - 1)) != 0 ||
        (header->known_count != 0 && header->known_count != SPAM_MODEL_KNOWN) ||
        size_of(header->slot_count, header->known_count) != model->size)
        return error_make(ERROR_MALFORMED, "not a file of what was learned");
    if (checksum_of(model) != header->checksum)
        return error_make(ERROR_MALFORMED, "the file of what was learned is damaged");
    return OK;
}

static error read_all(int fd, char *to, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, to, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_system(errno, "the file of what was learned cannot be read");
        if (got == 0)
            return error_make(ERROR_MALFORMED, "the file of what was learned is damaged");
        to += got;
        size -= (size_t)got;
    }
    return OK;
}

/* Not the file itself: who copies another over it would cut it short under us. */
static error map_file(int fd, struct spam_model *out_model)
{
    struct stat status;
    struct spam_model model;
    if (fstat(fd, &status) != 0)
        return error_system(errno, "the file of what was learned cannot be read");
    if (status.st_size < (off_t)sizeof(struct spam_model_header) ||
        status.st_size > (off_t)size_of(SPAM_MODEL_SLOTS_MAX, SPAM_MODEL_KNOWN))
        return error_make(ERROR_MALFORMED, "not a file of what was learned");
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return error_system(errno, "no memory for what was learned");
    place(&model, memory, (size_t)status.st_size);
    error problem = read_all(fd, memory, model.size);
    if (!failed(problem))
        problem = check(&model);
    if (failed(problem)) {
        spam_model_close(&model);
        return problem;
    }
    place_known(&model);
    *out_model = model;
    return OK;
}

error spam_model_map(const char *path, struct spam_model *out_model)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "the file of what was learned cannot be opened");
    error problem = map_file(fd, out_model);
    close(fd);
    return problem;
}

error spam_model_load(const char *path, uint32_t slot_count, struct spam_model *out_model)
{
    struct spam_model old = {0}, model;
    error problem = spam_model_map(path, &old);
    if (failed(problem) && problem.kind != ERROR_NOT_FOUND)
        return problem;
    if (!failed(problem))
        slot_count = old.header->slot_count;
    size_t size = size_of(slot_count, SPAM_MODEL_KNOWN);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        spam_model_close(&old);
        return error_system(errno, "no memory for what was learned");
    }
    place(&model, memory, size);
    if (old.header) {
        memcpy(memory, old.header, old.size); /* which may be without digests */
    } else {
        memcpy(model.header->magic, magic, sizeof magic);
        model.header->slot_count = slot_count;
    }
    model.header->known_count = SPAM_MODEL_KNOWN;
    place_known(&model);
    spam_model_close(&old);
    *out_model = model;
    return OK;
}

static error write_all(int fd, const char *at, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, at, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return error_system(errno, "what was learned cannot be written");
        at += wrote;
        size -= (size_t)wrote;
    }
    return OK;
}

error spam_model_save(const struct spam_model *model, const char *path)
{
    char fresh[4096];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return error_make(ERROR_LIMIT, "the path of what was learned is too long");
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_system(errno, "what was learned cannot be written");
    model->header->checksum = checksum_of(model);
    error problem = write_all(fd, (const char *)model->header, model->size);
    if (!failed(problem) && fsync(fd) != 0)
        problem = error_system(errno, "what was learned cannot be written");
    close(fd);
    if (!failed(problem) && rename(fresh, path) != 0)
        problem = error_system(errno, "what was learned cannot be put in its place");
    if (failed(problem))
        unlink(fresh);
    return problem;
}

void spam_model_close(struct spam_model *model)
{
    if (model->header)
        munmap(model->header, model->size);
    *model = (struct spam_model){0};
}

static struct spam_model_slot *find(const struct spam_model *model, uint32_t feature)
{
    uint32_t mask = model->header->slot_count - 1;
    for (unsigned i = 0; i < SPAM_MODEL_PROBES_MAX; i++) {
        struct spam_model_slot *slot = &model->slots[(feature + i) & mask];
        if (slot->feature == feature)
            return slot;
        if (slot->feature == 0)
            return NULL;
    }
    return NULL;
}

const struct spam_model_slot *spam_model_find(const struct spam_model *model, uint32_t feature)
{
    return find(model, feature);
}

static struct spam_model_slot *slot_for(struct spam_model *model, uint32_t feature)
{
    uint32_t mask = model->header->slot_count - 1;
    struct spam_model_slot *least = NULL;
    for (unsigned i = 0; i < SPAM_MODEL_PROBES_MAX; i++) {
        struct spam_model_slot *slot = &model->slots[(feature + i) & mask];
        if (slot->feature == feature)
            return slot;
        if (slot->feature == 0) {
            slot->feature = feature;
            return slot;
        }
        if (!least || slot->ham + slot->spam < least->ham + least->spam)
            least = slot;
    }
    *least = (struct spam_model_slot){.feature = feature};
    return least;
}

void spam_model_learn(struct spam_model *model, const uint32_t *features, unsigned count,
                      bool is_spam)
{
    for (unsigned i = 0; i < count; i++) {
        struct spam_model_slot *slot = slot_for(model, features[i]);
        uint16_t *seen = is_spam ? &slot->spam : &slot->ham;
        if (*seen < UINT16_MAX)
            (*seen)++;
    }
    if (is_spam)
        model->header->spam++;
    else
        model->header->ham++;
}

void spam_model_unlearn(struct spam_model *model, const uint32_t *features, unsigned count,
                        bool was_spam)
{
    for (unsigned i = 0; i < count; i++) {
        /* What was seen as often as can be counted was seen more often than that. */
        struct spam_model_slot *slot = find(model, features[i]);
        if (!slot)
            continue; /* it made room for others */
        uint16_t *seen = was_spam ? &slot->spam : &slot->ham;
        if (*seen > 0 && *seen < UINT16_MAX)
            (*seen)--;
    }
    uint32_t *mails = was_spam ? &model->header->spam : &model->header->ham;
    if (*mails > 0)
        (*mails)--;
}

/* Bit 0 says as what; 0 is free. */
static uint64_t known_key(uint64_t digest)
{
    return (digest & ~1ULL) ? digest & ~1ULL : 2;
}

static uint64_t *known_row(const struct spam_model *model, uint64_t key)
{
    return &model->known[(key >> 32) % (SPAM_MODEL_KNOWN / SPAM_MODEL_KNOWN_WAYS) *
                         SPAM_MODEL_KNOWN_WAYS];
}

bool spam_model_recall(const struct spam_model *model, uint64_t digest, bool *out_was_spam)
{
    uint64_t key = known_key(digest);
    const uint64_t *row = known_row(model, key);
    for (unsigned i = 0; i < SPAM_MODEL_KNOWN_WAYS; i++)
        if ((row[i] & ~1ULL) == key) {
            *out_was_spam = row[i] & 1;
            return true;
        }
    return false;
}

void spam_model_remember(struct spam_model *model, uint64_t digest, bool is_spam)
{
    uint64_t key = known_key(digest);
    uint64_t *row = known_row(model, key);
    unsigned at = 0;
    while (at < SPAM_MODEL_KNOWN_WAYS - 1 && (row[at] & ~1ULL) != key)
        at++;
    memmove(row + 1, row, at * sizeof *row);
    row[0] = key | is_spam;
}

/* Two words and how far apart they stand; a word alone has itself at distance 0. */
static uint32_t mix(uint32_t first, uint32_t second, unsigned distance)
{
    uint64_t both = ((uint64_t)first << 32 | second) + distance * 0x9e3779b97f4a7c15ULL;
    both ^= both >> 29;
    both *= 0xbf58476d1ce4e5b9ULL;
    both ^= both >> 32;
    return (uint32_t)both ? (uint32_t)both : 1;
}

enum { SET_SIZE = 2 * SPAM_MODEL_FEATURES_MAX }; /* half full at most; a power of two */

static bool set_add(uint32_t *set, uint32_t feature)
{
    uint32_t at = feature * 2654435769u % SET_SIZE;
    while (set[at] != 0) {
        if (set[at] == feature)
            return false;
        at = (at + 1) % SET_SIZE;
    }
    set[at] = feature;
    return true;
}

error spam_model_features(struct arena *arena, const uint32_t *words, unsigned word_count,
                          uint32_t **out_features, unsigned *out_count)
{
    uint32_t *set = ARENA_ARRAY(arena, uint32_t, SET_SIZE);
    uint32_t *features = ARENA_ARRAY(arena, uint32_t, SPAM_MODEL_FEATURES_MAX);
    TRY_MEMORY(set);
    TRY_MEMORY(features);
    unsigned count = 0;
    for (unsigned i = 0; i < word_count; i++) {
        /* 0 stands between texts: no pair reaches over it */
        for (unsigned distance = 0; distance < SPAM_MODEL_WINDOW && i + distance < word_count &&
                                    words[i + distance] != 0 && count < SPAM_MODEL_FEATURES_MAX;
             distance++) {
            uint32_t feature = mix(words[i], words[i + distance], distance);
            if (set_add(set, feature))
                features[count++] = feature;
        }
    }
    *out_features = features;
    *out_count = count;
    return OK;
}
