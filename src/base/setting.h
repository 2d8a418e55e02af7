#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings live in a table beside the module that obeys them; a row names a field of the module's
 * own struct, so the code reads plain typed fields:
 *
 *     struct smtp_settings {
 *         int64_t message_size_max; // bytes
 *         int64_t command_timeout;  // ns
 *         slice hostname;
 *     };
 *     static const struct setting rows[] = {
 *         SETTING_BYTES(struct smtp_settings, message_size_max, 50 << 20, 1 << 10, 1LL << 32,
 *                       SETTING_RELOADABLE, "largest mail that is accepted"),
 *         ...
 *     };
 *     const struct setting_table smtp_setting_table = SETTING_TABLE("smtp", struct smtp_settings,
 * rows);
 *
 * server/config fills the struct from the configuration file, once before the cores start and again
 * on SIGHUP; a filled struct never changes, so every core may read it. Texts and lists live in the
 * arena it was filled from.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/time.h"

enum setting_type {
    SETTING_TYPE_FLAG,     /* bool: on, off, yes, no, true, false */
    SETTING_TYPE_NUMBER,   /* any integer field */
    SETTING_TYPE_BYTES,    /* any integer field: 512, 64k, 50M, 2G (powers of 1024) */
    SETTING_TYPE_DURATION, /* any integer field, in ns: 500ms, 30s, 5m, 2h, 7d, 1w; bare: seconds */
    SETTING_TYPE_DECIMAL,  /* double: 3, -0.5, 2.75; fallback, min and max in thousandths */
    SETTING_TYPE_TEXT,    /* slice; const char *, NULL where empty; or one char, '\0' where empty */
    SETTING_TYPE_PATH,    /* slice or const char * */
    SETTING_TYPE_CHOICE,  /* int-sized enum; the index into choices */
    SETTING_TYPE_LIST,    /* struct setting_list of texts */
    SETTING_TYPE_STRINGS, /* an array of const char *; NULL behind the last where there is room */
};

enum setting_flags {
    SETTING_RELOADABLE = 1, /* obeyed after SIGHUP; the others need a restart */
    SETTING_SECRET = 2,     /* shown as *** */
    SETTING_MUST_EXIST = 4, /* a path (or list of paths) that is there at start; empty is fine */
};

struct setting_list {
    const slice *items;
    size_t count;
};

struct setting {
    const char *name; /* without the section; dots are part of it */
    enum setting_type type;
    unsigned flags;
    size_t offset; /* of the field */
    size_t size;   /* of the field, bytes */
    int64_t fallback;
    int64_t min; /* for texts, paths and list items: least and greatest size in bytes */
    int64_t max;
    const char *fallback_text;  /* texts and paths; lists: items separated by one space */
    const char *const *choices; /* ends with NULL */
    const char *help;           /* one line */
};

struct setting_table {
    const char *section; /* "smtp"; dots nest: "directory.mariadb" */
    const struct setting *rows;
    size_t count;
    size_t struct_size; /* bytes */
};

#define SETTING_ROW_(owner, field, type_, flags_, ...)                                             \
    {                                                                                              \
        .name = #field, .type = (type_), .flags = (flags_), .offset = offsetof(owner, field),      \
        .size = sizeof(((owner *)0)->field), __VA_ARGS__                                           \
    }
#define SETTING_FLAG(owner, field, fallback_, flags_, help_)                                       \
    SETTING_ROW_(owner, field, SETTING_TYPE_FLAG, flags_, .fallback = (fallback_), .max = 1,       \
                 .help = (help_))
#define SETTING_INTEGER_(owner, field, type_, fallback_, min_, max_, flags_, help_)                \
    SETTING_ROW_(owner, field, type_, flags_, .fallback = (fallback_), .min = (min_),              \
                 .max = (max_), .help = (help_))
#define SETTING_NUMBER(owner, field, fallback_, min_, max_, flags_, help_)                         \
    SETTING_INTEGER_(owner, field, SETTING_TYPE_NUMBER, fallback_, min_, max_, flags_, help_)
#define SETTING_BYTES(owner, field, fallback_, min_, max_, flags_, help_)                          \
    SETTING_INTEGER_(owner, field, SETTING_TYPE_BYTES, fallback_, min_, max_, flags_, help_)
/* Fallback, min and max in ns: 5 * 60 * TIME_S. */
#define SETTING_DURATION(owner, field, fallback_, min_, max_, flags_, help_)                       \
    SETTING_INTEGER_(owner, field, SETTING_TYPE_DURATION, fallback_, min_, max_, flags_, help_)
/* Fallback, min and max in thousandths: 2500 is 2.5. */
#define SETTING_DECIMAL(owner, field, fallback_, min_, max_, flags_, help_)                        \
    SETTING_INTEGER_(owner, field, SETTING_TYPE_DECIMAL, fallback_, min_, max_, flags_, help_)
#define SETTING_TEXT(owner, field, fallback_, flags_, help_)                                       \
    SETTING_ROW_(owner, field, SETTING_TYPE_TEXT, flags_, .fallback_text = (fallback_),            \
                 .max = SETTING_TEXT_SIZE_MAX, .help = (help_))
#define SETTING_PATH(owner, field, fallback_, flags_, help_)                                       \
    SETTING_ROW_(owner, field, SETTING_TYPE_PATH, flags_, .fallback_text = (fallback_),            \
                 .max = SETTING_PATH_SIZE_MAX, .help = (help_))
#define SETTING_CHOICE(owner, field, fallback_, choices_, flags_, help_)                           \
    SETTING_ROW_(owner, field, SETTING_TYPE_CHOICE, flags_, .fallback = (fallback_),               \
                 .choices = (choices_), .help = (help_))
#define SETTING_LIST(owner, field, fallback_, flags_, help_)                                       \
    SETTING_ROW_(owner, field, SETTING_TYPE_LIST, flags_, .fallback_text = (fallback_),            \
                 .max = SETTING_TEXT_SIZE_MAX, .help = (help_))
#define SETTING_STRINGS(owner, field, fallback_, flags_, help_)                                    \
    SETTING_ROW_(owner, field, SETTING_TYPE_STRINGS, flags_, .fallback_text = (fallback_),         \
                 .max = SETTING_TEXT_SIZE_MAX, .help = (help_))
#define SETTING_TABLE(section_, owner, rows_)                                                      \
    {                                                                                              \
        (section_), (rows_), sizeof(rows_) / sizeof((rows_)[0]), sizeof(owner)                     \
    }

enum {
    SETTING_TEXT_SIZE_MAX = 4096,
    SETTING_PATH_SIZE_MAX = 1024,
    SETTING_LIST_COUNT_MAX = 1000,
};

/* Every field gets its default. `settings` points at the table's struct. Texts are borrowed from
 * the table; ERROR_LIMIT where the arena has no room for lists. */
error settings_default(const struct setting_table *table, struct arena *arena, void *settings);

/* The row of that name, or NULL. */
const struct setting *setting_find(const struct setting_table *table, slice name);
/* The row whose name is nearest in spelling, or NULL where none is near. */
const struct setting *setting_nearest(const struct setting_table *table, slice name);

/* How many letters must change to make one name of the other. */
unsigned setting_distance(slice a, slice b);

/* Reads a value as a person wrote it. ERROR_MALFORMED (not of its type) or ERROR_LIMIT (outside its
 * range); setting_expectation says what would be right. The field is untouched on failure. A list
 * becomes that one item. */
error setting_set(const struct setting *setting, slice text, struct arena *arena, void *settings);
/* Replaces a list (or array of strings) by `count` items, which are copied. */
error setting_set_list(const struct setting *setting, const slice *items, size_t count,
                       struct arena *arena, void *settings);

/* "a duration from 1s to 1h", "one of: journal, fsync, none". */
void setting_expectation(const struct setting *setting, struct buffer *out);
/* As it would be written in the file; texts quoted, lists in brackets, secrets as "***". */
void setting_write(const struct setting *setting, const void *settings, struct buffer *out);
/* The same for the default. */
void setting_write_default(const struct setting *setting, struct buffer *out);
