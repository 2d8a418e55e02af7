/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any text, taken apart by asking for each value as what it is, then once more passing over it:
 * both must come to the same end.
 */
#include "base/assert.h"
#include "format/json/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_value(struct json_reader *json)
{
    slice text;
    double decimal;
    int64_t integer;
    bool flag;
    switch (json_read_type(json)) {
    case JSON_OBJECT:
        (void)json_read_object(json);
        return;
    case JSON_ARRAY:
        (void)json_read_array(json);
        return;
    case JSON_TEXT:
        if (json_read_text(json, &text))
            ASSERT(text.size <= (size_t)(json->at.end - text.data) || text.data != NULL);
        return;
    case JSON_NUMBER:
        if (json_read_integer(json, &integer))
            return;
        (void)json_read_decimal(json, &decimal);
        return;
    case JSON_FLAG:
        (void)json_read_flag(json, &flag);
        return;
    default:
        (void)json_read_null(json);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct json_reader json;
    slice name;
    arena_init(&arena, size + 4096);
    json_read_begin(&json, slice_of(data, size), &arena);
    take_value(&json);
    while (json.depth > 0 && !failed(json.problem))
        if (json_read_item(&json) || json_read_member(&json, &name))
            take_value(&json);
    error taken = json_read_end(&json);
    json_read_begin(&json, slice_of(data, size), &arena);
    error passed = json_read_end(&json);
    if (taken.kind != ERROR_LIMIT && passed.kind != ERROR_LIMIT)
        ASSERT(taken.kind == passed.kind);
    arena_close(&arena);
    return 0;
}
