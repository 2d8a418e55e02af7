/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/json/write.h"
#include "server/config/config.h"

void config_write(const struct config *config, bool commented, struct buffer *out)
{
    for (size_t i = 0; i < config_section_count; i++) {
        const struct setting_table *table = config_sections[i].table;
        buffer_format(out, "%s%s {\n", i ? "\n" : "", table->section);
        for (size_t j = 0; j < table->count; j++) {
            const struct setting *row = &table->rows[j];
            if (commented) {
                buffer_format(out, "%s    # %s (", j ? "\n" : "", row->help);
                setting_expectation(row, out);
                buffer_format(out, "%s)\n", row->flags & SETTING_RELOADABLE ? "; reloadable" : "");
            }
            buffer_format(out, "    %s = ", row->name);
            setting_write(row, config_section_of(config, i), out);
            buffer_add_string(out, ";\n");
        }
        buffer_add_string(out, "}\n");
    }
}

/* Numbers, flags and lists as such; sizes, durations and choices as the text one would write. */
static void write_value(const struct setting *row, slice text, struct json_writer *json)
{
    switch (row->type) {
    case SETTING_TYPE_FLAG:
        json_flag(json, slice_equal(text, SLICE("on")));
        return;
    case SETTING_TYPE_BYTES:
    case SETTING_TYPE_DURATION:
    case SETTING_TYPE_CHOICE:
        json_text(json, text);
        return;
    default: /* quoted texts, numbers and lists are written alike in both languages */
        json_raw(json, text);
    }
}

void config_write_json(const struct config *config, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, CONFIG_PROBLEMS_SIZE_MAX);
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    for (size_t i = 0; i < config_section_count; i++) {
        const struct setting_table *table = config_sections[i].table;
        json_member_object_open(&json, table->section);
        for (size_t j = 0; j < table->count; j++) {
            const struct setting *row = &table->rows[j];
            json_member_object_open(&json, row->name);
            buffer_reset(&text);
            setting_write(row, config_section_of(config, i), &text);
            json_member(&json, SLICE("value"));
            write_value(row, buffer_slice(&text), &json);
            buffer_reset(&text);
            setting_write_default(row, &text);
            json_member(&json, SLICE("default"));
            write_value(row, buffer_slice(&text), &json);
            buffer_reset(&text);
            setting_expectation(row, &text);
            json_member_text(&json, "expects", buffer_slice(&text));
            json_member_string(&json, "help", row->help);
            json_member_flag(&json, "reloadable", row->flags & SETTING_RELOADABLE);
            json_object_close(&json);
        }
        json_object_close(&json);
    }
    json_object_close(&json);
    buffer_close(&text);
}
