/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/setting.h"

#include "base/assert.h"
#include "base/cursor.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: the writer takes the first that divides. */
static const struct unit byte_units[] = {
    {"T", 1LL << 40}, {"G", 1LL << 30}, {"M", 1LL << 20}, {"k", 1LL << 10}, {"", 1},
};
static const struct unit time_units[] = {
    {"w", 7 * 86400 * TIME_S},
    {"d", 86400 * TIME_S},
    {"h", 3600 * TIME_S},
    {"m", 60 * TIME_S},
    {"s", TIME_S},
    {"ms", TIME_MS},
    {"us", TIME_US},
    {"ns", 1},
};
enum { BYTE_UNITS = 5, TIME_UNITS = 8, THOUSAND = 1000 };

static void *field_of(const struct setting *setting, void *settings)
{
    return (char *)settings + setting->offset;
}

static void store_integer(const struct setting *setting, int64_t value, void *settings)
{
    void *field = field_of(setting, settings);
    if (setting->type == SETTING_TYPE_DECIMAL) {
        double decimal = (double)value / THOUSAND;
        ASSERT(setting->size == sizeof decimal);
        memcpy(field, &decimal, sizeof decimal);
        return;
    }
    /* Little-endian machines only, as everywhere: the low bytes come first. */
    ASSERT(setting->size <= sizeof value);
    memcpy(field, &value, setting->size);
}

static int64_t load_integer(const struct setting *setting, const void *settings)
{
    int64_t value = 0;
    if (setting->type == SETTING_TYPE_DECIMAL) {
        double decimal;
        memcpy(&decimal, (const char *)settings + setting->offset, sizeof decimal);
        return (int64_t)(decimal * THOUSAND + (decimal < 0 ? -0.5 : 0.5));
    }
    memcpy(&value, (const char *)settings + setting->offset, setting->size);
    /* Fields may be signed and small. */
    unsigned unused = (unsigned)(8 * (sizeof value - setting->size));
    return setting->min < 0 ? (int64_t)((uint64_t)value << unused) >> unused : value;
}

static slice load_text(const struct setting *setting, const void *settings)
{
    const char *field = (const char *)settings + setting->offset;
    if (setting->size == 1)
        return slice_of(field, *field != '\0');
    if (setting->size == sizeof(char *)) {
        const char *string;
        memcpy(&string, field, sizeof string);
        return slice_from_string(string);
    }
    slice text;
    ASSERT(setting->size == sizeof text);
    memcpy(&text, field, sizeof text);
    return text;
}

/* `string` is what `text` views, with its NUL. */
static void store_text(const struct setting *setting, const char *string, void *settings)
{
    slice text = slice_from_string(string);
    void *field = field_of(setting, settings);
    if (setting->size == 1) {
        *(char *)field = text.size ? text.data[0] : '\0';
    } else if (setting->size == sizeof(char *)) {
        const char *value = text.size ? string : NULL;
        memcpy(field, &value, sizeof value);
    } else {
        ASSERT(setting->size == sizeof text);
        memcpy(field, &text, sizeof text);
    }
}

/* A list's items, of either type. */
static struct setting_list load_list(const struct setting *setting, const void *settings,
                                     slice strings[SETTING_LIST_COUNT_MAX])
{
    const char *field = (const char *)settings + setting->offset;
    struct setting_list list;
    if (setting->type == SETTING_TYPE_LIST) {
        memcpy(&list, field, sizeof list);
        return list;
    }
    list = (struct setting_list){strings, 0};
    for (size_t at = 0; at < setting->size; at += sizeof(char *)) {
        const char *string;
        memcpy(&string, field + at, sizeof string);
        if (!string)
            break;
        strings[list.count++] = slice_from_string(string);
    }
    return list;
}

static error parse_flag(slice text, bool *out_flag)
{
    static const char *const yes[] = {"on", "yes", "true", "1"};
    static const char *const no[] = {"off", "no", "false", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (slice_equal_nocase(text, slice_from_string(yes[i]))) {
            *out_flag = true;
            return OK;
        }
        if (slice_equal_nocase(text, slice_from_string(no[i]))) {
            *out_flag = false;
            return OK;
        }
    }
    return error_make(ERROR_MALFORMED, "neither on nor off");
}

static bool parse_unit(slice name, enum setting_type type, int64_t *out_factor)
{
    if (type == SETTING_TYPE_DURATION) {
        if (name.size == 0 || slice_equal(name, SLICE("min"))) {
            *out_factor = name.size ? 60 * TIME_S : TIME_S;
            return true;
        }
        for (size_t i = 0; i < TIME_UNITS; i++)
            if (slice_equal(name, slice_from_string(time_units[i].name))) {
                *out_factor = time_units[i].factor;
                return true;
            }
        return false;
    }
    /* "M", "m", "MB", "MiB" all mean 1024 squared. */
    if (name.size > 1 && ascii_lower(name.data[name.size - 1]) == 'b')
        name.size--;
    if (name.size > 1 && ascii_lower(name.data[name.size - 1]) == 'i')
        name.size--;
    for (size_t i = 0; i < BYTE_UNITS; i++)
        if (slice_equal_nocase(name, slice_from_string(byte_units[i].name))) {
            *out_factor = byte_units[i].factor;
            return true;
        }
    return false;
}

static error parse_integer(const struct setting *setting, slice text, int64_t *out_value)
{
    struct cursor at = cursor_over(text);
    bool negative = cursor_take_byte(&at, '-');
    uint64_t number;
    if (!cursor_take_u64(&at, INT64_MAX, &number))
        return error_make(ERROR_MALFORMED, "not a number");
    int64_t factor = 1;
    cursor_skip_blanks(&at);
    if (setting->type == SETTING_TYPE_NUMBER
            ? !cursor_done(&at)
            : !parse_unit(cursor_rest(&at), setting->type, &factor))
        return error_make(ERROR_MALFORMED, "not a unit that is known here");
    int64_t value;
    if (__builtin_mul_overflow((int64_t)number, factor, &value))
        return error_make(ERROR_LIMIT, "outside its range");
    value = negative ? -value : value;
    if (value < setting->min || value > setting->max)
        return error_make(ERROR_LIMIT, "outside its range");
    *out_value = value;
    return OK;
}

/* In thousandths. */
static error parse_decimal(const struct setting *setting, slice text, int64_t *out_value)
{
    struct cursor at = cursor_over(text);
    bool negative = cursor_take_byte(&at, '-');
    uint64_t whole, fraction = 0;
    if (!cursor_take_u64(&at, INT32_MAX, &whole))
        return error_make(ERROR_MALFORMED, "not a number");
    if (cursor_take_byte(&at, '.')) {
        slice digits = cursor_rest(&at);
        if (digits.size > 3 || !cursor_take_u64(&at, THOUSAND - 1, &fraction))
            return error_make(ERROR_MALFORMED, "not a number of at most three decimals");
        for (size_t i = digits.size; i < 3; i++)
            fraction *= 10;
    }
    if (!cursor_done(&at))
        return error_make(ERROR_MALFORMED, "not a number");
    int64_t value = (int64_t)(whole * THOUSAND + fraction);
    value = negative ? -value : value;
    if (value < setting->min || value > setting->max)
        return error_make(ERROR_LIMIT, "outside its range");
    *out_value = value;
    return OK;
}

static error check_text(const struct setting *setting, slice text)
{
    if (slice_find_byte(text, '\0') >= 0)
        return error_make(ERROR_MALFORMED, "a text with a NUL in it");
    int64_t max = setting->size == 1 ? 1 : setting->max;
    if ((int64_t)text.size < setting->min || (int64_t)text.size > max)
        return error_make(ERROR_LIMIT, "a text of another size than allowed");
    return OK;
}

static error set_strings(const struct setting *setting, const slice *items, size_t count,
                         struct arena *arena, void *settings)
{
    const char *strings[SETTING_LIST_COUNT_MAX] = {NULL};
    for (size_t i = 0; i < count; i++) {
        TRY(check_text(setting, items[i]));
        TRY(arena_string(arena, items[i], &strings[i]));
    }
    memcpy(field_of(setting, settings), strings, setting->size);
    return OK;
}

error setting_set_list(const struct setting *setting, const slice *items, size_t count,
                       struct arena *arena, void *settings)
{
    bool is_array = setting->type == SETTING_TYPE_STRINGS;
    ASSERT(is_array || setting->size == sizeof(struct setting_list));
    if (count > (is_array ? setting->size / sizeof(char *) : SETTING_LIST_COUNT_MAX))
        return error_make(ERROR_LIMIT, "more items than the list may have");
    if (is_array)
        return set_strings(setting, items, count, arena, settings);
    slice *copies = NULL;
    if (count > 0) {
        copies = ARENA_ARRAY(arena, slice, count);
        TRY_MEMORY(copies);
    }
    for (size_t i = 0; i < count; i++) {
        TRY(check_text(setting, items[i]));
        TRY(arena_copy(arena, items[i], &copies[i]));
    }
    struct setting_list list = {copies, count};
    memcpy(field_of(setting, settings), &list, sizeof list);
    return OK;
}

error setting_set(const struct setting *setting, slice text, struct arena *arena, void *settings)
{
    switch (setting->type) {
    case SETTING_TYPE_FLAG: {
        bool flag;
        TRY(parse_flag(text, &flag));
        store_integer(setting, flag, settings);
        return OK;
    }
    case SETTING_TYPE_NUMBER:
    case SETTING_TYPE_BYTES:
    case SETTING_TYPE_DURATION: {
        int64_t value;
        TRY(parse_integer(setting, text, &value));
        store_integer(setting, value, settings);
        return OK;
    }
    case SETTING_TYPE_DECIMAL: {
        int64_t value;
        TRY(parse_decimal(setting, text, &value));
        store_integer(setting, value, settings);
        return OK;
    }
    case SETTING_TYPE_TEXT:
    case SETTING_TYPE_PATH: {
        const char *string;
        TRY(check_text(setting, text));
        TRY(arena_string(arena, text, &string));
        store_text(setting, string, settings);
        return OK;
    }
    case SETTING_TYPE_CHOICE:
        for (int i = 0; setting->choices[i]; i++)
            if (slice_equal(text, slice_from_string(setting->choices[i]))) {
                store_integer(setting, i, settings);
                return OK;
            }
        return error_make(ERROR_MALFORMED, "not one of the choices");
    case SETTING_TYPE_LIST:
    case SETTING_TYPE_STRINGS:
        return setting_set_list(setting, &text, 1, arena, settings);
    }
    return error_make(ERROR_BUG, "a setting of no type");
}

static error list_default(const struct setting *setting, struct arena *arena, void *settings)
{
    slice items[SETTING_LIST_COUNT_MAX];
    size_t count = 0;
    slice rest = slice_from_string(setting->fallback_text);
    while (rest.size > 0) {
        slice item;
        slice_cut(rest, ' ', &item, &rest);
        ASSERT(count < SETTING_LIST_COUNT_MAX);
        if (item.size > 0)
            items[count++] = item;
    }
    return setting_set_list(setting, items, count, arena, settings);
}

error settings_default(const struct setting_table *table, struct arena *arena, void *settings)
{
    memset(settings, 0, table->struct_size);
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->rows[i];
        if (setting->type == SETTING_TYPE_LIST || setting->type == SETTING_TYPE_STRINGS) {
            TRY(list_default(setting, arena, settings));
        } else if (setting->type == SETTING_TYPE_TEXT || setting->type == SETTING_TYPE_PATH) {
            store_text(setting, setting->fallback_text, settings);
        } else {
            store_integer(setting, setting->fallback, settings);
        }
    }
    return OK;
}

const struct setting *setting_find(const struct setting_table *table, slice name)
{
    for (size_t i = 0; i < table->count; i++)
        if (slice_equal(name, slice_from_string(table->rows[i].name)))
            return &table->rows[i];
    return NULL;
}

unsigned setting_distance(slice a, slice b)
{
    enum { NAME_SIZE_MAX = 64 };
    if (a.size > NAME_SIZE_MAX || b.size > NAME_SIZE_MAX)
        return NAME_SIZE_MAX;
    /* Levenshtein, one row at a time. */
    unsigned row[NAME_SIZE_MAX + 1];
    for (unsigned j = 0; j <= b.size; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned above = row[j];
            unsigned best = diagonal + (a.data[i - 1] != b.data[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b.size];
}

const struct setting *setting_nearest(const struct setting_table *table, slice name)
{
    const struct setting *nearest = NULL;
    unsigned least = name.size < 4 ? 2 : (unsigned)name.size / 2; /* further off helps nobody */
    for (size_t i = 0; i < table->count; i++) {
        unsigned distance = setting_distance(name, slice_from_string(table->rows[i].name));
        if (distance < least) {
            least = distance;
            nearest = &table->rows[i];
        }
    }
    return nearest;
}

static void write_units(int64_t value, const struct unit *units, size_t count, struct buffer *out)
{
    for (size_t i = 0; value != 0 && i < count; i++)
        if (value % units[i].factor == 0) {
            buffer_add_i64(out, value / units[i].factor);
            buffer_add_string(out, units[i].name);
            return;
        }
    buffer_add_i64(out, value);
}

static void write_decimal(int64_t value, struct buffer *out)
{
    if (value < 0)
        buffer_add_byte(out, '-');
    uint64_t size = (uint64_t)(value < 0 ? -value : value), fraction = size % THOUSAND;
    buffer_add_u64(out, size / THOUSAND);
    if (fraction == 0)
        return;
    buffer_add_byte(out, '.');
    for (uint64_t digit = THOUSAND / 10; fraction > 0; digit /= 10) {
        buffer_add_byte(out, (char)('0' + fraction / digit));
        fraction %= digit;
    }
}

static void write_integer(const struct setting *setting, int64_t value, struct buffer *out)
{
    if (setting->type == SETTING_TYPE_BYTES)
        write_units(value, byte_units, BYTE_UNITS, out);
    else if (setting->type == SETTING_TYPE_DURATION)
        write_units(value, time_units, TIME_UNITS, out);
    else if (setting->type == SETTING_TYPE_DECIMAL)
        write_decimal(value, out);
    else
        buffer_add_i64(out, value);
}

void setting_expectation(const struct setting *setting, struct buffer *out)
{
    switch (setting->type) {
    case SETTING_TYPE_FLAG:
        buffer_add_string(out, "on or off");
        return;
    case SETTING_TYPE_NUMBER:
    case SETTING_TYPE_BYTES:
    case SETTING_TYPE_DURATION:
    case SETTING_TYPE_DECIMAL:
        buffer_add_string(out, setting->type == SETTING_TYPE_BYTES      ? "a size from "
                               : setting->type == SETTING_TYPE_DURATION ? "a duration from "
                                                                        : "a number from ");
        write_integer(setting, setting->min, out);
        buffer_add_string(out, " to ");
        write_integer(setting, setting->max, out);
        return;
    case SETTING_TYPE_TEXT:
        if (setting->size == 1)
            buffer_add_string(out, "one character or none");
        else
            buffer_format(out, "a text of %lld to %lld bytes", (long long)setting->min,
                          (long long)setting->max);
        return;
    case SETTING_TYPE_PATH:
        buffer_add_string(out, "a path");
        return;
    case SETTING_TYPE_CHOICE:
        buffer_add_string(out, "one of: ");
        for (size_t i = 0; setting->choices[i]; i++) {
            buffer_add_string(out, i ? ", " : "");
            buffer_add_string(out, setting->choices[i]);
        }
        return;
    case SETTING_TYPE_LIST:
    case SETTING_TYPE_STRINGS:
        buffer_format(out, "a list of at most %zu texts",
                      setting->type == SETTING_TYPE_LIST ? (size_t)SETTING_LIST_COUNT_MAX
                                                         : setting->size / sizeof(char *));
        return;
    }
}

static void write_text(slice text, struct buffer *out)
{
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '"' || byte == '\\') {
            buffer_add_byte(out, '\\');
            buffer_add_byte(out, (char)byte);
        } else if (byte < 0x20) {
            buffer_format(out, "\\u%04x", byte);
        } else {
            buffer_add_byte(out, (char)byte);
        }
    }
    buffer_add_byte(out, '"');
}

void setting_write(const struct setting *setting, const void *settings, struct buffer *out)
{
    switch (setting->type) {
    case SETTING_TYPE_FLAG:
        buffer_add_string(out, load_integer(setting, settings) ? "on" : "off");
        return;
    case SETTING_TYPE_CHOICE:
        buffer_add_string(out, setting->choices[load_integer(setting, settings)]);
        return;
    case SETTING_TYPE_NUMBER:
    case SETTING_TYPE_BYTES:
    case SETTING_TYPE_DURATION:
    case SETTING_TYPE_DECIMAL:
        write_integer(setting, load_integer(setting, settings), out);
        return;
    case SETTING_TYPE_TEXT:
    case SETTING_TYPE_PATH: {
        slice text = load_text(setting, settings);
        bool hidden = setting->flags & SETTING_SECRET && text.size > 0;
        write_text(hidden ? SLICE("***") : text, out);
        return;
    }
    case SETTING_TYPE_LIST:
    case SETTING_TYPE_STRINGS: {
        slice strings[SETTING_LIST_COUNT_MAX];
        struct setting_list list = load_list(setting, settings, strings);
        buffer_add_byte(out, '[');
        for (size_t i = 0; i < list.count; i++) {
            buffer_add_string(out, i ? ", " : "");
            write_text(setting->flags & SETTING_SECRET ? SLICE("***") : list.items[i], out);
        }
        buffer_add_byte(out, ']');
        return;
    }
    }
}

void setting_write_default(const struct setting *setting, struct buffer *out)
{
    if (setting->type == SETTING_TYPE_TEXT || setting->type == SETTING_TYPE_PATH) {
        write_text(slice_from_string(setting->fallback_text), out);
    } else if (setting->type == SETTING_TYPE_LIST || setting->type == SETTING_TYPE_STRINGS) {
        slice rest = slice_from_string(setting->fallback_text), item;
        buffer_add_byte(out, '[');
        for (bool more = false; rest.size > 0; more = true) {
            slice_cut(rest, ' ', &item, &rest);
            buffer_add_string(out, more ? ", " : "");
            write_text(item, out);
        }
        buffer_add_byte(out, ']');
    } else if (setting->type == SETTING_TYPE_FLAG) {
        buffer_add_string(out, setting->fallback ? "on" : "off");
    } else if (setting->type == SETTING_TYPE_CHOICE) {
        buffer_add_string(out, setting->choices[setting->fallback]);
    } else {
        write_integer(setting, setting->fallback, out);
    }
}
