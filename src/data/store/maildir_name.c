/* SPDX-License-Identifier: GPL-3.0-or-later
 * Maildir file names, read and written. */
#include "data/store/maildir_name.h"

#include "base/assert.h"
#include "base/cursor.h"
#include "data/store/mailbox.h"

static const struct {
    char letter;
    uint32_t bit;
} letters[] = {
    /* in ASCII order */
    {'D', MAIL_DRAFT},    {'F', MAIL_FLAGGED}, {'P', MAILDIR_PASSED},
    {'R', MAIL_ANSWERED}, {'S', MAIL_SEEN},    {'T', MAIL_DELETED},
};

static uint32_t letter_bit(char c)
{
    if (c >= 'a' && c <= 'z')
        return 1u << (MAILDIR_KEYWORD_SHIFT + c - 'a');
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (letters[i].letter == c)
            return letters[i].bit;
    return 0;
}

static size_t flags_write(uint32_t flags, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (flags & letters[i].bit)
            out[size++] = letters[i].letter;
    for (unsigned i = 0; i < MAILDIR_KEYWORDS_MAX; i++)
        if (flags >> (MAILDIR_KEYWORD_SHIFT + i) & 1)
            out[size++] = (char)('a' + i);
    return size;
}

/* ",S=123" somewhere behind the first dot-separated parts; ends at ',' or the end. */
static uint64_t size_of(slice base, char key)
{
    slice rest = base, field;
    while (slice_cut(rest, ',', &field, &rest)) {
        slice value;
        slice unused;
        slice_cut(rest, ',', &value, &unused);
        struct cursor c = cursor_over(value);
        uint64_t number;
        if (cursor_take_byte(&c, key) && cursor_take_byte(&c, '=') &&
            cursor_take_u64(&c, INT64_MAX, &number) && cursor_done(&c))
            return number;
    }
    return 0;
}

/* "1795364123.M371387P14153C0Q1.host,S=536,W=536" (store_core.c) */
static bool is_own(slice base)
{
    static const char *const before[] = {"", ".M", "P", "C", "Q"}; /* each number */
    struct cursor c = cursor_over(base);
    uint64_t number;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (!cursor_take(&c, slice_from_string(before[i])) ||
            !cursor_take_u64(&c, INT64_MAX, &number))
            return false;
    return cursor_peek(&c) == '.';
}

bool maildir_is_torn(const struct maildir_name *name, uint64_t file_size)
{
    return name->own && name->size != 0 && name->size != file_size;
}

bool maildir_name_parse(slice file_name, struct maildir_name *out_name)
{
    if (file_name.size == 0 || file_name.data[0] == '.' ||
        file_name.size > MAILDIR_FILE_NAME_SIZE_MAX)
        return false;
    slice base, info;
    bool has_info = slice_cut(file_name, ':', &base, &info);
    if (base.size == 0 || memchr(base.data, '/', base.size) || memchr(base.data, 0, base.size))
        return false;
    struct maildir_name name = {.base = base, .canonical = true};
    if (has_info && slice_starts(info, SLICE("2,"))) {
        slice flags = slice_from(info, 2);
        for (size_t i = 0; i < flags.size; i++)
            name.flags |= letter_bit(flags.data[i]);
        char canonical[32];
        size_t size = flags_write(name.flags, canonical);
        name.canonical = slice_equal(flags, slice_of(canonical, size));
    } else if (has_info) {
        name.canonical = false;
    }
    name.size = size_of(base, 'S');
    name.virtual_size = size_of(base, 'W');
    name.own = is_own(base);
    *out_name = name;
    return true;
}

void maildir_path_write(slice base, bool in_cur, uint32_t flags, char out[MAILDIR_PATH_SIZE_MAX])
{
    ASSERT(base.size <= MAILDIR_FILE_NAME_SIZE_MAX);
    memcpy(out, in_cur ? "cur/" : "new/", 4);
    memcpy(out + 4, base.data, base.size);
    size_t at = 4 + base.size;
    char info[40] = ":2,";
    size_t size = in_cur ? 3 + flags_write(flags, info + 3) : 0;
    if (at + size > MAILDIR_PATH_SIZE_MAX - 1) /* a name that never fits is never found */
        size = MAILDIR_PATH_SIZE_MAX - 1 - at;
    memcpy(out + at, info, size);
    out[at + size] = '\0';
}

uint32_t maildir_flags(uint8_t flags, uint64_t keywords, uint32_t old_flags)
{
    return (flags & MAIL_FLAGS) | (old_flags & MAILDIR_PASSED) |
           (uint32_t)(keywords & ((1u << MAILDIR_KEYWORDS_MAX) - 1)) << MAILDIR_KEYWORD_SHIFT;
}
