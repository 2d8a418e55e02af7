#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The world of a ManageSieve session in memory: streams, cores and passwords are those of every
 * session (service/fake_world.h); scripts of one account, and a language whose scripts are good
 * unless they begin with "bad". Include in one file of a program.
 */
#include "data/scripts/scripts.h"
#include "data/scripts/settings.h"
#include "filter/sieve/sieve.h"
#include "service/fake_world.h"
#include "service/managesieve/serve.h"

enum { FAKE_SCRIPTS_MAX = 8 };

static struct {
    char name[SCRIPT_NAME_SIZE_MAX];
    size_t name_size;
    char *text;
    size_t size;
    bool active;
} fake_scripts[FAKE_SCRIPTS_MAX];
static unsigned fake_script_count;

static void fake_scripts_forget(void)
{
    while (fake_script_count)
        free(fake_scripts[--fake_script_count].text);
}

static int fake_script_find(slice name)
{
    for (unsigned i = 0; i < fake_script_count; i++)
        if (slice_equal(name, slice_of(fake_scripts[i].name, fake_scripts[i].name_size)))
            return (int)i;
    return -1;
}

error script_place_make(const struct sieve_settings *settings, const char *home,
                        struct arena *arena, struct script_place *out_place)
{
    (void)settings, (void)arena;
    *out_place = (struct script_place){home, home};
    return OK;
}

error script_name_check(slice name)
{
    return name.size && name.size <= SCRIPT_NAME_SIZE_MAX
               ? OK
               : error_make(ERROR_MALFORMED, "a script cannot have this name");
}

struct script_quota script_quota_of(const struct sieve_settings *settings)
{
    return (struct script_quota){settings->script_size_max, FAKE_SCRIPTS_MAX, 0};
}

error script_list(const struct script_place *place, struct arena *arena,
                  const struct script_entry **out_entries, size_t *out_count)
{
    (void)place;
    struct script_entry *entries = ARENA_ARRAY(arena, struct script_entry, FAKE_SCRIPTS_MAX);
    TRY_MEMORY(entries);
    for (unsigned i = 0; i < fake_script_count; i++)
        entries[i] =
            (struct script_entry){slice_of(fake_scripts[i].name, fake_scripts[i].name_size),
                                  fake_scripts[i].size, fake_scripts[i].active};
    *out_entries = entries;
    *out_count = fake_script_count;
    return OK;
}

error script_read(const struct script_place *place, slice name, struct arena *arena,
                  slice *out_text)
{
    (void)place;
    int found = fake_script_find(name);
    if (found < 0)
        return error_make(ERROR_NOT_FOUND, "there is no such script");
    return arena_copy(arena, slice_of(fake_scripts[found].text, fake_scripts[found].size),
                      out_text);
}

error script_check_space(const struct script_place *place, slice name, uint64_t size,
                         const struct script_quota *quota, enum script_bound *out_bound)
{
    (void)place;
    TRY(script_name_check(name));
    *out_bound = size > quota->size_max ? SCRIPT_BOUND_SIZE : SCRIPT_BOUND_COUNT;
    bool fits = size <= quota->size_max &&
                (fake_script_find(name) >= 0 || fake_script_count < quota->count_max);
    return fits ? OK : error_make(ERROR_LIMIT, "there is no room");
}

error script_write(const struct script_place *place, slice name, slice text,
                   const struct script_quota *quota, enum script_bound *out_bound)
{
    TRY(script_check_space(place, name, text.size, quota, out_bound));
    int at = fake_script_find(name);
    if (at < 0) {
        at = (int)fake_script_count++;
        memcpy(fake_scripts[at].name, name.data, name.size);
        fake_scripts[at].name_size = name.size;
        fake_scripts[at].text = NULL;
        fake_scripts[at].active = false;
    }
    free(fake_scripts[at].text);
    fake_scripts[at].text = malloc(text.size + 1);
    memcpy(fake_scripts[at].text, text.size ? text.data : "", text.size);
    fake_scripts[at].size = text.size;
    return OK;
}

error script_remove(const struct script_place *place, slice name)
{
    (void)place;
    int found = fake_script_find(name);
    if (found < 0)
        return error_make(ERROR_NOT_FOUND, "there is no such script");
    if (fake_scripts[found].active)
        return error_make(ERROR_BUSY, "the script is active");
    free(fake_scripts[found].text);
    fake_scripts[found] = fake_scripts[--fake_script_count];
    return OK;
}

error script_rename(const struct script_place *place, slice from, slice to)
{
    (void)place;
    int found = fake_script_find(from);
    TRY(script_name_check(to));
    if (found < 0 || fake_script_find(to) >= 0)
        return error_make(found < 0 ? ERROR_NOT_FOUND : ERROR_EXISTS, "cannot be renamed");
    memcpy(fake_scripts[found].name, to.data, to.size);
    fake_scripts[found].name_size = to.size;
    return OK;
}

error script_activate(const struct script_place *place, slice name)
{
    (void)place;
    int found = fake_script_find(name);
    if (name.size && found < 0)
        return error_make(ERROR_NOT_FOUND, "there is no such script");
    for (int i = 0; i < (int)fake_script_count; i++)
        fake_scripts[i].active = i == found;
    return OK;
}

slice sieve_capabilities(void)
{
    return SLICE("fileinto enotify");
}

error sieve_compile(slice text, struct sieve_script **out_script, struct sieve_problem *out_problem)
{
    (void)out_script;
    *out_problem = (struct sieve_problem){.line = 3, .text = "no \"good\""};
    return slice_starts(text, SLICE("bad")) ? error_make(ERROR_MALFORMED, "bad") : OK;
}

void sieve_script_destroy(struct sieve_script **script)
{
    *script = NULL;
}

FAKE_SESSION(managesieve)
