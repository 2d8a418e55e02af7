/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the verbs that change the directory share.
 */
#include "control/control.h"

#include "format/json/write.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

enum control_exit control_outcome(const struct directory_edit *edit, error problem)
{
    const char *words = directory_edit_words(edit);
    if (problem.kind == ERROR_NONE)
        return CONTROL_DONE;
    bool refused = problem.kind == ERROR_EXISTS || problem.kind == ERROR_NOT_FOUND ||
                   problem.kind == ERROR_DENIED || problem.kind == ERROR_MALFORMED;
    return control_say(refused ? CONTROL_REFUSED : CONTROL_TROUBLE, "%s",
                       words[0] ? words : problem.text);
}

/* A file that root made must be the server's: readers of a WAL write beside it. */
static void give_to_server(const struct control *control)
{
    const struct config *config = control->config;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    if (config->directory.backend != DIRECTORY_SQLITE || geteuid() != 0 || !config->server.user)
        return;
    const struct passwd *user = getpwnam(config->server.user);
    for (int i = 0; user && i < 3; i++) {
        char path[SETTING_PATH_SIZE_MAX + 8];
        snprintf(path, sizeof path, "%.*s%s", SLICE_ARG(config->directory.path), suffixes[i]);
        if (chown(path, user->pw_uid, user->pw_gid) != 0 && errno != ENOENT)
            control_say(CONTROL_DONE, "%s cannot be given to %s: %s", path, config->server.user,
                        strerror(errno));
    }
}

enum control_exit control_edit_open(struct control *control, struct directory_edit **out_edit)
{
    error problem = directory_edit_open(&control->config->directory, out_edit);
    if (!failed(problem)) {
        give_to_server(control);
        return CONTROL_DONE;
    }
    return control_say(CONTROL_TROUBLE, "the directory cannot be opened: %s",
                       directory_edit_words(NULL));
}

/* A row of our own, to read sizes as the configuration writes them. */
struct amount {
    int64_t bytes;
};

bool control_parse_bytes(const char *text, uint64_t *out_bytes)
{
    static const struct setting row = SETTING_BYTES(struct amount, bytes, 0, 0, INT64_MAX, 0, "");
    struct amount amount = {0};
    struct arena unused;
    if (strcmp(text, "none") == 0) {
        *out_bytes = 0;
        return true;
    }
    arena_init(&unused, 0);
    if (failed(setting_set(&row, slice_from_string(text), &unused, &amount))) {
        control_say(CONTROL_USAGE, "\"%s\" is not a size; it should look like 500M, 5G or none",
                    text);
        return false;
    }
    *out_bytes = (uint64_t)amount.bytes;
    return true;
}

bool control_parse_count(const char *text, uint64_t *out_count)
{
    static const struct setting row = SETTING_NUMBER(struct amount, bytes, 0, 0, INT64_MAX, 0, "");
    struct amount amount = {0};
    struct arena unused;
    if (strcmp(text, "none") == 0) {
        *out_count = 0;
        return true;
    }
    arena_init(&unused, 0);
    if (failed(setting_set(&row, slice_from_string(text), &unused, &amount))) {
        control_say(CONTROL_USAGE, "\"%s\" is not a number of messages, nor none", text);
        return false;
    }
    *out_count = (uint64_t)amount.bytes;
    return true;
}

void control_add_bytes(struct buffer *out, uint64_t bytes)
{
    static const struct {
        char suffix;
        unsigned shift;
    } units[] = {{'T', 40}, {'G', 30}, {'M', 20}, {'k', 10}};
    if (bytes == 0) {
        buffer_add_byte(out, '-');
        return;
    }
    for (int i = 0; i < 4; i++)
        if (bytes % (1ULL << units[i].shift) == 0) {
            buffer_format(out, "%llu%c", (unsigned long long)(bytes >> units[i].shift),
                          units[i].suffix);
            return;
        }
    buffer_add_u64(out, bytes);
}

enum control_exit control_edit_list(struct control *control, enum directory_edit_list list,
                                    slice domain, directory_edit_visit *add_text,
                                    directory_edit_visit *add_json)
{
    struct directory_edit *edit;
    struct json_writer json;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    if (control->options[OPTION_JSON]) {
        json_begin(&json, &control->out);
        json_array_open(&json);
        exit = control_outcome(edit, directory_edit_list(edit, list, domain, add_json, &json));
        json_array_close(&json);
        buffer_add_byte(&control->out, '\n');
    } else {
        exit = control_outcome(edit, directory_edit_list(edit, list, domain, add_text, control));
    }
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_edit_pairs_add(struct control *control, control_edit_pair *add)
{
    struct directory_edit *edit;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_begin(edit)); /* all of them or none */
    for (unsigned i = 1; i < control->count && exit == CONTROL_DONE; i++)
        exit = control_outcome(edit, add(edit, control->words[0], control->words[i]));
    if (exit == CONTROL_DONE)
        exit = control_outcome(edit, directory_edit_commit(edit));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

enum control_exit control_edit_pairs_remove(struct control *control, control_edit_pair *remove)
{
    struct directory_edit *edit;
    slice second = control->count > 1 ? control->words[1] : SLICE_EMPTY;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, remove(edit, control->words[0], second));
    if (exit == CONTROL_DONE)
        control_invalidate(control, control->words[0]);
    directory_edit_close(&edit);
    return exit;
}

error control_edit_pair_text(void *argument, const struct directory_edit_row *row)
{
    struct control *control = argument;
    buffer_format(&control->out, "%-40.*s %.*s\n", SLICE_ARG(row->name),
                  SLICE_ARG(row->destination));
    return buffer_check(&control->out);
}
