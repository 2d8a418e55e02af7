/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"
#include "control/secret.h"
#include "crypto/password.h"
#include "format/json/write.h"

#include <stdio.h>

static bool read_quota(const struct control *control, uint64_t *out_bytes, uint64_t *out_messages)
{
    const char *bytes = control->options[OPTION_QUOTA];
    const char *messages = control->options[OPTION_MESSAGES];
    return (!bytes || control_parse_bytes(bytes, out_bytes)) &&
           (!messages || control_parse_count(messages, out_messages));
}

/* One transaction: all lines or none. The batch's passwords are hashed one after the other. */
static enum control_exit add_batch(struct control *control, struct directory_edit *edit,
                                   struct directory_edit_user *user)
{
    char line[CONTROL_LINE_SIZE_MAX];
    struct buffer hash;
    enum control_exit exit = control_outcome(edit, directory_edit_begin(edit));
    buffer_init(&hash, PASSWORD_HASH_SIZE_MAX);
    for (unsigned number = 1; exit == CONTROL_DONE && fgets(line, sizeof line, stdin); number++) {
        slice text = slice_trim(slice_from_string(line)), secret = SLICE_EMPTY;
        if (strlen(line) == sizeof line - 1 && line[sizeof line - 2] != '\n') {
            exit = control_say(CONTROL_USAGE, "line %u is too long: nothing was added", number);
            break;
        }
        if (text.size == 0 || text.data[0] == '#')
            continue;
        for (size_t i = 0; i < text.size; i++)
            if (line[text.data - line + (ptrdiff_t)i] == '\t')
                line[text.data - line + (ptrdiff_t)i] = ' ';
        slice_cut(text, ' ', &user->address, &secret);
        buffer_reset(&hash);
        exit = control_secret_of(control, slice_trim(secret), &hash);
        user->hash = buffer_slice(&hash);
        if (exit == CONTROL_DONE)
            exit = control_outcome(edit, directory_edit_user_add(edit, user));
        if (exit != CONTROL_DONE)
            control_say(exit, "line %u: %.*s: nothing was added", number, SLICE_ARG(user->address));
    }
    buffer_close(&hash);
    return exit != CONTROL_DONE ? exit : control_outcome(edit, directory_edit_commit(edit));
}

static enum control_exit add_one(struct control *control, struct directory_edit *edit,
                                 struct directory_edit_user *user)
{
    struct buffer hash;
    char whose[320];
    snprintf(whose, sizeof whose, "%.*s", SLICE_ARG(control->words[0]));
    buffer_init(&hash, PASSWORD_HASH_SIZE_MAX);
    user->address = control->words[0];
    enum control_exit exit =
        control_outcome(edit, directory_edit_user_may_add(edit, user->address));
    if (exit == CONTROL_DONE)
        exit = control_secret_read(control, whose, &hash);
    user->hash = buffer_slice(&hash);
    if (exit == CONTROL_DONE)
        exit = control_outcome(edit, directory_edit_user_add(edit, user));
    buffer_close(&hash);
    return exit;
}

enum control_exit control_user_add(struct control *control)
{
    struct directory_edit *edit;
    struct directory_edit_user user = {0};
    bool batch = control->options[OPTION_BATCH];
    if (batch == (control->count == 1) || (batch && control->options[OPTION_HASH]))
        return control_say(CONTROL_USAGE,
                           "usage: ringmail user add ADDRESS, or ringmail user add --batch < FILE");
    if (!read_quota(control, &user.quota_bytes, &user.quota_messages))
        return CONTROL_USAGE;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = batch ? add_batch(control, edit, &user) : add_one(control, edit, &user);
    if (exit == CONTROL_DONE)
        control_invalidate(control, batch ? SLICE_EMPTY : control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_user_remove(struct control *control)
{
    struct directory_edit *edit;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_user_remove(edit, control->words[0]));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_user_password(struct control *control)
{
    struct directory_edit *edit;
    struct buffer hash;
    char whose[320];
    snprintf(whose, sizeof whose, "%.*s", SLICE_ARG(control->words[0]));
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    buffer_init(&hash, PASSWORD_HASH_SIZE_MAX);
    exit = control_outcome(edit, directory_edit_user_exists(edit, control->words[0]));
    if (exit == CONTROL_DONE)
        exit = control_secret_read(control, whose, &hash);
    if (exit == CONTROL_DONE)
        exit = control_outcome(
            edit, directory_edit_user_password(edit, control->words[0], buffer_slice(&hash)));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    buffer_close(&hash);
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_user_quota(struct control *control)
{
    struct directory_edit *edit;
    uint64_t bytes = 0, messages = 0;
    const char *has_bytes = control->options[OPTION_QUOTA];
    const char *has_messages = control->options[OPTION_MESSAGES];
    if (!has_bytes && !has_messages)
        return control_say(CONTROL_USAGE, "say what to change: --quota SIZE, --messages COUNT");
    if (!read_quota(control, &bytes, &messages))
        return CONTROL_USAGE;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_user_quota(edit, control->words[0],
                                                           has_bytes ? &bytes : NULL,
                                                           has_messages ? &messages : NULL));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

static error add_text(void *argument, const struct directory_edit_row *row)
{
    struct control *control = argument;
    struct buffer *out = &control->out;
    buffer_format(out, "%-40.*s ", SLICE_ARG(row->name));
    control_add_bytes(out, row->quota_bytes);
    buffer_add_byte(out, ' ');
    if (row->quota_messages)
        buffer_add_u64(out, row->quota_messages);
    else
        buffer_add_byte(out, '-');
    buffer_format(out, " %.*s\n", SLICE_ARG(row->scheme));
    return buffer_check(out);
}

static error add_json(void *argument, const struct directory_edit_row *row)
{
    struct json_writer *json = argument;
    json_object_open(json);
    json_member_text(json, "address", row->name);
    json_member_text(json, "scheme", row->scheme);
    json_member_number(json, "quota_bytes", (int64_t)row->quota_bytes);
    json_member_number(json, "quota_messages", (int64_t)row->quota_messages);
    json_object_close(json);
    return buffer_check(json->out);
}

enum control_exit control_user_list(struct control *control)
{
    slice domain = control->count ? control->words[0] : SLICE_EMPTY;
    return control_edit_list(control, DIRECTORY_EDIT_USERS, domain, add_text, add_json);
}
