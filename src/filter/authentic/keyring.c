/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/keyring.h"

#include "base/assert.h"
#include "crypto/constant.h"
#include "crypto/signature.h"
#include "filter/authentic/dkim.h"
#include "format/text/idna.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct keyring {
    _Atomic unsigned references;
    struct arena arena;
    struct keyring_key *keys; /* by domain, then selector; in the arena */
    unsigned count, capacity;
};

/* What reading needs to know. */
struct reading {
    struct keyring *ring;
    const struct keyring *before;
    struct buffer *problems;
};

/* ---- Names ---- */

error keyring_item_parse(slice item, slice *out_domain, slice *out_selector, slice *out_path)
{
    slice domain, selector, path;
    if (!slice_cut(item, '=', &domain, &path) || !slice_cut(path, ':', &selector, &path) ||
        domain.size == 0 || selector.size == 0 || !slice_starts(path, SLICE("/")))
        return error_make(ERROR_MALFORMED, "not of the form DOMAIN=SELECTOR:/PATH");
    *out_domain = slice_trim(domain);
    *out_selector = slice_trim(selector);
    *out_path = path;
    return OK;
}

error keyring_path_check(slice pattern)
{
    unsigned domains = 0, selectors = 0;
    if (!slice_starts(pattern, SLICE("/")))
        return error_make(ERROR_MALFORMED, "the path must begin with /");
    while (pattern.size) {
        slice name;
        slice_cut(pattern, '/', &name, &pattern);
        ptrdiff_t domain = slice_find(name, SLICE("%d")), selector = slice_find(name, SLICE("%s"));
        if (domain >= 0 && selector >= 0)
            return error_make(ERROR_MALFORMED, "%d and %s stand in the same name");
        domains += domain >= 0;
        selectors += selector >= 0;
        if (slice_find(slice_from(name, (size_t)(domain + 1)), SLICE("%d")) >= 0 && domain >= 0)
            domains++;
    }
    if (domains != 1 || selectors != 1)
        return error_make(ERROR_MALFORMED, "%d and %s must occur once each");
    return OK;
}

error keyring_path_of(slice pattern, slice domain, slice selector, struct arena *arena,
                      const char **out_path)
{
    struct buffer path;
    buffer_init(&path, SETTING_PATH_SIZE_MAX);
    for (size_t i = 0; i < pattern.size; i++) {
        bool variable = pattern.data[i] == '%' && i + 1 < pattern.size;
        if (variable && pattern.data[i + 1] == 'd')
            buffer_add(&path, domain);
        else if (variable && pattern.data[i + 1] == 's')
            buffer_add(&path, selector);
        else {
            buffer_add_byte(&path, pattern.data[i]);
            continue;
        }
        i++;
    }
    error problem = buffer_check(&path);
    if (!failed(problem))
        problem = arena_string(arena, buffer_slice(&path), out_path);
    buffer_close(&path);
    return problem;
}

/* ---- Reading ---- */

static void complain(const struct reading *reading, slice path, error problem)
{
    buffer_format(reading->problems, "%.*s: %s%s%s\n", SLICE_ARG(path), problem.text,
                  problem.os ? ": " : "", problem.os ? strerror(problem.os) : "");
}

static error read_text(const char *path, struct arena *arena, slice *out_text)
{
    char text[SIGNATURE_KEY_TEXT_SIZE_MAX + 1];
    size_t size = 0;
    error problem = OK;
    ASSERT(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "the key cannot be read");
    while (size < sizeof text) {
        ssize_t got = read(fd, text + size, sizeof text - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            problem = error_system(errno, "the key cannot be read");
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    close(fd);
    struct signing_key *key = NULL;
    if (!failed(problem))
        problem = signing_key_parse(slice_of(text, size), &key); /* also refuses what is too long */
    if (!failed(problem))
        problem = arena_copy(arena, slice_of(text, size), out_text);
    signing_key_destroy(&key);
    constant_wipe(text, sizeof text);
    return problem;
}

static error grow(struct keyring *ring)
{
    if (ring->count == KEYRING_KEYS_MAX)
        return error_make(ERROR_LIMIT, "too many DKIM keys");
    if (ring->count < ring->capacity)
        return OK;
    unsigned capacity = ring->capacity ? 2 * ring->capacity : 16;
    struct keyring_key *keys = ARENA_ARRAY(&ring->arena, struct keyring_key, capacity);
    TRY_MEMORY(keys);
    if (ring->count)
        memcpy(keys, ring->keys, ring->count * sizeof *keys);
    ring->keys = keys;
    ring->capacity = capacity;
    return OK;
}

static slice text_before(const struct keyring *before, slice domain, slice selector)
{
    unsigned count = 0;
    const struct keyring_key *keys = before ? keyring_find(before, domain, &count) : NULL;
    for (unsigned i = 0; i < count; i++)
        if (slice_equal(keys[i].selector, selector))
            return keys[i].text;
    return SLICE_EMPTY;
}

static error add_key(const struct reading *reading, slice domain, slice selector, slice path)
{
    struct arena *arena = &reading->ring->arena;
    struct keyring_key key = {0};
    const char *string = "";
    if (failed(idna_to_ascii(arena, domain, &key.domain))) {
        complain(reading, path, error_make(ERROR_MALFORMED, "its domain is none"));
        return OK;
    }
    TRY(grow(reading->ring));
    TRY(arena_copy(arena, selector, &key.selector));
    TRY(arena_string(arena, path, &string));
    key.path = slice_from_string(string);
    error problem = read_text(string, arena, &key.text);
    slice known = text_before(reading->before, key.domain, key.selector);
    if (failed(problem) && known.size && problem.os) {
        problem.text = "the key is kept as it was: it cannot be read again";
        TRY(arena_copy(arena, known, &key.text));
    }
    if (failed(problem))
        complain(reading, path, problem);
    reading->ring->keys[reading->ring->count++] = key;
    return OK;
}

static error read_items(const struct reading *reading, const struct setting_list *items)
{
    for (size_t i = 0; i < items->count; i++) {
        slice domain, selector, path;
        error problem = keyring_item_parse(items->items[i], &domain, &selector, &path);
        if (failed(problem))
            complain(reading, items->items[i], problem);
        else
            TRY(add_key(reading, domain, selector, path));
    }
    return OK;
}

/* ---- The folders behind dkim.path ---- */

struct found {
    slice domain, selector;
};

/* Does a name fit "prefix%dsuffix"? *out_middle is what stands for the variable. */
static bool fits(slice name, slice pattern, size_t at, slice *out_middle)
{
    slice prefix = slice_sub(pattern, 0, at), suffix = slice_from(pattern, at + 2);
    if (name.size <= prefix.size + suffix.size || !slice_starts(name, prefix) ||
        !slice_ends(name, suffix) || name.data[0] == '.')
        return false;
    *out_middle = slice_sub(name, at, name.size - prefix.size - suffix.size);
    return true;
}

static error scan(const struct reading *reading, slice base, slice rest, struct found found);

static error scan_folder(const struct reading *reading, slice base, slice pattern, slice rest,
                         struct found found)
{
    char path[SETTING_PATH_SIZE_MAX + 1];
    bool is_domain = slice_find(pattern, SLICE("%d")) >= 0;
    size_t at = (size_t)slice_find(pattern, is_domain ? SLICE("%d") : SLICE("%s"));
    if (base.size >= sizeof path)
        return OK;
    memcpy(path, base.data, base.size);
    path[base.size] = '\0';
    DIR *folder = opendir(path);
    if (!folder) {
        if (errno != ENOENT && errno != ENOTDIR)
            complain(reading, base, error_system(errno, "the folder of keys cannot be read"));
        return OK;
    }
    error problem = OK;
    struct dirent *entry;
    while (!failed(problem) && (entry = readdir(folder))) {
        struct found more = found;
        slice next, name = slice_from_string(entry->d_name);
        if (!fits(name, pattern, at, is_domain ? &more.domain : &more.selector))
            continue;
        problem =
            arena_format(&reading->ring->arena, &next, "%.*s%s", SLICE_ARG(base), entry->d_name);
        if (!failed(problem))
            problem = scan(reading, next, rest, more);
    }
    closedir(folder);
    return problem;
}

/* `base` is there (with its final slash, or the file itself); `rest` is still a pattern. */
static error scan(const struct reading *reading, slice base, slice rest, struct found found)
{
    if (rest.size == 0)
        return add_key(reading, found.domain, found.selector, base);
    slice name, behind, next;
    bool is_last = !slice_cut(rest, '/', &name, &behind);
    if (base.size && base.data[base.size - 1] != '/') {
        TRY(arena_format(&reading->ring->arena, &next, "%.*s/", SLICE_ARG(base)));
        base = next;
    }
    if (slice_find_byte(name, '%') >= 0)
        return scan_folder(reading, base, name, behind, found);
    TRY(arena_format(&reading->ring->arena, &next, "%.*s%.*s", SLICE_ARG(base), SLICE_ARG(name)));
    if (is_last) {
        const char *path;
        TRY(arena_string(&reading->ring->arena, next, &path));
        return access(path, F_OK) == 0 ? add_key(reading, found.domain, found.selector, next) : OK;
    }
    return scan(reading, next, behind, found);
}

/* What the folder held before stays where it cannot be listed any more. */
static error keep_unlisted(const struct reading *reading, const struct dkim_settings *settings)
{
    const struct keyring *before = reading->before;
    for (unsigned i = 0; before && i < before->count; i++) {
        const struct keyring_key *key = &before->keys[i];
        struct arena scratch;
        const char *path;
        arena_init(&scratch, 8 << 10);
        bool ours =
            !failed(keyring_path_of(settings->path, key->domain, key->selector, &scratch, &path)) &&
            slice_equal(key->path, slice_from_string(path)) && access(path, F_OK) != 0 &&
            errno == EACCES;
        arena_close(&scratch);
        if (ours)
            TRY(add_key(reading, key->domain, key->selector, key->path));
    }
    return OK;
}

/* ---- Order ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct keyring_key *x = a, *y = b;
    int order = slice_compare(x->domain, y->domain);
    return order ? order : slice_compare(x->selector, y->selector);
}

static void sort(const struct reading *reading)
{
    struct keyring *ring = reading->ring;
    if (ring->count == 0)
        return;
    qsort(ring->keys, ring->count, sizeof *ring->keys, compare_keys);
    unsigned kept = 1, of_domain = 1;
    for (unsigned i = 1; i < ring->count; i++) {
        struct keyring_key *last = &ring->keys[kept - 1], *key = &ring->keys[i];
        bool same_domain = slice_equal(last->domain, key->domain);
        if (same_domain && slice_equal(last->selector, key->selector)) {
            if (!slice_equal(last->path, key->path))
                complain(reading, key->path,
                         error_make(ERROR_EXISTS, "another key has this domain and selector"));
            continue;
        }
        of_domain = same_domain ? of_domain + 1 : 1;
        if (of_domain > DKIM_SIGNERS_MAX)
            complain(reading, key->path,
                     error_make(ERROR_LIMIT, "too many selectors for one domain"));
        else
            ring->keys[kept++] = *key;
    }
    ring->count = kept;
}

error keyring_read(const struct dkim_settings *settings, const struct keyring *before,
                   struct buffer *problems, struct keyring **out_keyring)
{
    struct keyring *ring = calloc(1, sizeof *ring);
    TRY_MEMORY(ring);
    ring->references = 1;
    arena_init(&ring->arena, KEYRING_SIZE_MAX);
    const struct reading reading = {ring, before, problems};
    error problem = read_items(&reading, &settings->keys);
    if (!failed(problem) && settings->path.size)
        problem = scan(&reading, SLICE("/"), slice_from(settings->path, 1), (struct found){0});
    if (!failed(problem) && settings->path.size)
        problem = keep_unlisted(&reading, settings);
    if (failed(problem)) {
        keyring_unref(&ring);
        return problem;
    }
    sort(&reading);
    *out_keyring = ring;
    return OK;
}

/* ---- Life and look-up ---- */

struct keyring *keyring_ref(struct keyring *keyring)
{
    if (keyring)
        atomic_fetch_add_explicit(&keyring->references, 1, memory_order_relaxed);
    return keyring;
}

void keyring_unref(struct keyring **keyring)
{
    struct keyring *ring = *keyring;
    *keyring = NULL;
    if (!ring || atomic_fetch_sub_explicit(&ring->references, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < ring->count; i++)
        constant_wipe((void *)(uintptr_t)ring->keys[i].text.data, ring->keys[i].text.size);
    arena_close(&ring->arena);
    free(ring);
}

unsigned keyring_count(const struct keyring *keyring)
{
    return keyring->count;
}

const struct keyring_key *keyring_find(const struct keyring *keyring, slice domain,
                                       unsigned *out_count)
{
    unsigned low = 0, high = keyring->count;
    *out_count = 0;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (slice_compare(keyring->keys[middle].domain, domain) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + *out_count < keyring->count &&
           slice_equal(keyring->keys[low + *out_count].domain, domain))
        ++*out_count;
    return *out_count ? &keyring->keys[low] : NULL;
}
