/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/config/config.h"

#include "base/cursor.h"
#include "format/ucl/parse.h"
#include "server/config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SECTION(name)                                                                              \
    {                                                                                              \
        &name##_setting_table, offsetof(struct config, name)                                       \
    }
const struct config_section config_sections[] = {
    SECTION(server),     SECTION(core),        SECTION(listen),    SECTION(tls),
    SECTION(log),        SECTION(admin),       SECTION(smtp),      SECTION(submission),
    SECTION(forward),    SECTION(imap),        SECTION(pop3),      SECTION(managesieve),
    SECTION(sieve),      SECTION(login),       SECTION(directory), SECTION(store),
    SECTION(queue),      SECTION(remote),      SECTION(dns),       SECTION(route),
    SECTION(dkim),       SECTION(http),        SECTION(sts),       SECTION(webhook),
    SECTION(tls_report), SECTION(authentic),   SECTION(spf),       SECTION(dmarc),
    SECTION(spam),       SECTION(spam_scores), SECTION(spam_caps), SECTION(spam_rules),
    SECTION(spam_lists),
};
const size_t config_section_count = sizeof config_sections / sizeof *config_sections;

static void *section_of(struct config *config, size_t section)
{
    return (char *)config + config_sections[section].offset;
}

/* "smtp.size_max" under section "smtp" is "size_max"; false where the path lies elsewhere. */
static bool name_in_section(slice path, size_t section, slice *out_name)
{
    slice name = slice_from_string(config_sections[section].table->section);
    if (!slice_starts(path, name) || path.size == name.size || path.data[name.size] != '.')
        return false;
    *out_name = slice_from(path, name.size + 1);
    return true;
}

const struct setting *config_find(slice path, size_t *out_section)
{
    for (size_t i = 0; i < config_section_count; i++) {
        slice name;
        if (!name_in_section(path, i, &name))
            continue;
        const struct setting *row = setting_find(config_sections[i].table, name);
        if (row) {
            *out_section = i;
            return row;
        }
    }
    return NULL;
}

/* Which known name was meant? First within the section, then the same name elsewhere, then the
 * section itself. */
static void suggest(slice path, struct buffer *out)
{
    slice section_name, name, known;
    for (size_t i = 0; i < config_section_count; i++) {
        if (!name_in_section(path, i, &name))
            continue;
        const struct setting *row = setting_nearest(config_sections[i].table, name);
        if (row) {
            buffer_format(out, "; did you mean %s.%s?", config_sections[i].table->section,
                          row->name);
            return;
        }
    }
    if (!slice_cut_last(path, '.', &section_name, &name))
        name = path;
    for (size_t i = 0; i < config_section_count; i++)
        if (setting_find(config_sections[i].table, name)) {
            buffer_format(out, "; did you mean %s.%.*s?", config_sections[i].table->section,
                          SLICE_ARG(name));
            return;
        }
    slice_cut(path, '.', &section_name, &name);
    for (size_t i = 0; i < config_section_count; i++) {
        known = slice_from_string(config_sections[i].table->section);
        if (setting_distance(section_name, known) <= 2 &&
            setting_find(config_sections[i].table, name)) {
            buffer_format(out, "; did you mean %.*s.%.*s?", SLICE_ARG(known), SLICE_ARG(name));
            return;
        }
    }
}

static error read_file(const char *path, struct arena *arena, slice *out_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "the configuration file cannot be opened");
    char *text = arena_alloc_bytes(arena, UCL_TEXT_SIZE_MAX + 1);
    size_t size = 0;
    error problem = text ? OK : error_make(ERROR_LIMIT, "out of memory for this task");
    while (!failed(problem) && size <= UCL_TEXT_SIZE_MAX) {
        ssize_t got = read(fd, text + size, UCL_TEXT_SIZE_MAX + 1 - size);
        if (got < 0 && errno != EINTR)
            problem = error_system(errno, "the configuration file cannot be read");
        if (got == 0)
            break;
        if (got > 0)
            size += (size_t)got;
    }
    close(fd);
    TRY(problem);
    *out_text = slice_of(text, size);
    return OK;
}

static error apply_values(const struct setting *row, const slice *values, size_t count,
                          bool is_list, struct arena *arena, void *settings)
{
    bool takes_list = row->type == SETTING_TYPE_LIST || row->type == SETTING_TYPE_STRINGS;
    if (takes_list)
        return setting_set_list(row, values, count, arena, settings);
    if (is_list)
        return error_make(ERROR_MALFORMED, "a list where one value is wanted");
    return setting_set(row, values[0], arena, settings);
}

static void apply_entry(struct config *config, const struct ucl_entry *entry,
                        struct buffer *problems)
{
    size_t section;
    const struct setting *row = config_find(entry->path, &section);
    if (!row) {
        buffer_format(problems, "%s:%u: %.*s is not a setting", config->path, entry->line,
                      SLICE_ARG(entry->path));
        suggest(entry->path, problems);
        buffer_add_byte(problems, '\n');
        return;
    }
    error problem = apply_values(row, entry->values, entry->count, entry->is_list, &config->arena,
                                 section_of(config, section));
    if (failed(problem)) {
        buffer_format(problems, "%s:%u: %.*s wants ", config->path, entry->line,
                      SLICE_ARG(entry->path));
        setting_expectation(row, problems);
        if (!entry->is_list && !(row->flags & SETTING_SECRET))
            buffer_format(problems, ", not \"%.*s\"", SLICE_ARG(entry->values[0]));
        buffer_format(problems, " (%s)\n", problem.text);
    }
}

static void apply_entries(struct config *config, const struct ucl_entry *entries,
                          struct buffer *problems)
{
    for (const struct ucl_entry *entry = entries; entry; entry = entry->next) {
        const struct ucl_entry *first = entries;
        while (!slice_equal(first->path, entry->path))
            first = first->next;
        if (first != entry)
            buffer_format(problems, "%s:%u: %.*s was set before, on line %u\n", config->path,
                          entry->line, SLICE_ARG(entry->path), first->line);
        else
            apply_entry(config, entry, problems);
    }
}

static void apply_overrides(struct config *config, const struct config_overrides *overrides,
                            struct buffer *problems)
{
    for (unsigned i = 0; overrides && i < overrides->count; i++) {
        struct ucl_entry entry = {
            .path = overrides->items[i].path, .count = 1, .values = &overrides->items[i].value};
        apply_entry(config, &entry, problems);
    }
}

static error load(struct config *config, const struct config_overrides *overrides,
                  struct buffer *problems)
{
    for (size_t i = 0; i < config_section_count; i++)
        TRY(settings_default(config_sections[i].table, &config->arena, section_of(config, i)));
    struct ucl_entry *entries = NULL;
    if (config->path) {
        slice text;
        struct ucl_problem where = {0};
        error problem = read_file(config->path, &config->arena, &text);
        if (!failed(problem))
            problem = ucl_parse(text, &config->arena, &entries, &where);
        if (failed(problem)) {
            if (where.line > 0)
                buffer_format(problems, "%s:%u: %s\n", config->path, where.line, problem.text);
            else
                buffer_format(problems, "%s: %s%s%s\n", config->path, problem.text,
                              problem.os ? ": " : "", problem.os ? strerror(problem.os) : "");
            return problem;
        }
    }
    apply_entries(config, entries, problems);
    apply_overrides(config, overrides, problems);
    config_check(config, entries, problems);
    if (problems->size > 0)
        return error_make(ERROR_MALFORMED, "the configuration has mistakes");
    return OK;
}

error config_load(const char *path, const struct config_overrides *overrides,
                  struct buffer *problems, struct config **out_config)
{
    struct config *config = calloc(1, sizeof *config);
    TRY_MEMORY(config);
    arena_init(&config->arena, CONFIG_MEMORY_MAX);
    if (path) {
        error copied = arena_string(&config->arena, slice_from_string(path), &config->path);
        if (failed(copied)) {
            config_destroy(&config);
            return copied;
        }
    }
    error problem = load(config, overrides, problems);
    if (failed(problem)) {
        config_destroy(&config);
        return problem;
    }
    *out_config = config;
    return OK;
}

void config_destroy(struct config **config)
{
    if (!*config)
        return;
    arena_close(&(*config)->arena);
    free(*config);
    *config = NULL;
}

void config_keep_fixed(struct config *fresh, const struct config *running, struct buffer *notes)
{
    struct buffer old, new;
    buffer_init(&old, CONFIG_PROBLEMS_SIZE_MAX);
    buffer_init(&new, CONFIG_PROBLEMS_SIZE_MAX);
    for (size_t i = 0; i < config_section_count; i++) {
        const struct setting_table *table = config_sections[i].table;
        for (size_t j = 0; j < table->count; j++) {
            const struct setting *row = &table->rows[j];
            if (row->flags & SETTING_RELOADABLE)
                continue;
            const char *field = (const char *)config_section_of(running, i) + row->offset;
            buffer_reset(&old);
            buffer_reset(&new);
            setting_write(row, config_section_of(running, i), &old);
            setting_write(row, config_section_of(fresh, i), &new);
            if (!slice_equal(buffer_slice(&old), buffer_slice(&new)))
                buffer_format(notes, "%s.%s stays %.*s until a restart\n", table->section,
                              row->name, SLICE_ARG(buffer_slice(&old)));
            memcpy((char *)section_of(fresh, i) + row->offset, field, row->size);
        }
    }
    buffer_close(&old);
    buffer_close(&new);
}
