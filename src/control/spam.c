/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What our own spam rules are told by an operator, and what they say of themselves.
 */
#include "control/control.h"
#include "filter/spam/learn.h"
#include "filter/spam/tables.h"
#include "format/json/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16 }; /* folders in folders */

struct lesson {
    struct spam_learning learning;
    bool is_spam;
    unsigned skipped; /* empty, too long */
};

static error learn_open_file(struct lesson *lesson, int fd, const struct stat *status)
{
    error problem =
        spam_learning_add_file(&lesson->learning, fd, (uint64_t)status->st_size, lesson->is_spam);
    if (problem.kind != ERROR_LIMIT)
        return problem;
    lesson->skipped++; /* more parts than are looked at, too: one mail does not matter */
    return OK;
}

static error learn_from(struct lesson *lesson, int folder, const char *name, unsigned depth);

static error learn_folder(struct lesson *lesson, int fd, unsigned depth)
{
    DIR *entries = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    if (!entries) {
        close(fd);
        return depth < DEPTH_MAX ? error_system(errno, "cannot be read")
                                 : error_make(ERROR_LIMIT, "has too many folders in each other");
    }
    error problem = OK;
    struct dirent *entry;
    while (!failed(problem) && (entry = readdir(entries)))
        if (entry->d_name[0] != '.')
            problem = learn_from(lesson, fd, entry->d_name, depth + 1);
    closedir(entries);
    return problem;
}

static error learn_from(struct lesson *lesson, int folder, const char *name, unsigned depth)
{
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0) {
        if (fd >= 0)
            close(fd);
        /* gone since the folder was read, or a link: not what was meant */
        bool passed_by = depth > 0 && (errno == ENOENT || errno == ELOOP);
        return passed_by ? OK : error_system(errno, "cannot be read");
    }
    if (S_ISDIR(status.st_mode))
        return learn_folder(lesson, fd, depth);
    error problem = S_ISREG(status.st_mode) ? learn_open_file(lesson, fd, &status) : OK;
    close(fd);
    return problem;
}

static void report(struct control *control, const struct lesson *lesson, uint32_t ham,
                   uint32_t spam)
{
    unsigned learned = lesson->is_spam ? lesson->learning.spam : lesson->learning.ham;
    if (!control->options[OPTION_JSON]) {
        buffer_format(&control->out,
                      "learned %u, known before %u, skipped %u; in all %u wanted and %u unwanted\n",
                      learned, lesson->learning.known, lesson->skipped, ham, spam);
        return;
    }
    struct json_writer json;
    json_begin(&json, &control->out);
    json_object_open(&json);
    json_member_number(&json, "learned", learned);
    json_member_number(&json, "known", lesson->learning.known);
    json_member_number(&json, "skipped", lesson->skipped);
    json_member_number(&json, "ham", ham);
    json_member_number(&json, "spam", spam);
    json_object_close(&json);
    buffer_add_byte(&control->out, '\n');
}

enum control_exit control_spam_learn(struct control *control)
{
    struct lesson lesson = {.is_spam = slice_equal(control->words[0], SLICE("spam"))};
    char text[SPAM_LEARNED_PATH_SIZE];
    if (!lesson.is_spam && !slice_equal(control->words[0], SLICE("ham")))
        return control_say(CONTROL_USAGE, "mail is \"ham\" (wanted) or \"spam\", not \"%.*s\"",
                           SLICE_ARG(control->words[0]));
    slice path = spam_learned_path(&control->config->spam_rules,
                                   slice_from_string(control->config->store.path), text);
    error problem = spam_learning_open(&lesson.learning, path);
    if (failed(problem))
        return control_say(CONTROL_TROUBLE, "%.*s: %s%s%s", SLICE_ARG(path), problem.text,
                           problem.os ? ": " : "", problem.os ? strerror(problem.os) : "");
    for (unsigned i = 1; i < control->count && !failed(problem); i++) {
        problem = learn_from(&lesson, AT_FDCWD, control->words[i].data, 0);
        if (failed(problem))
            control_say(CONTROL_TROUBLE, "%.*s %s%s%s; nothing was learned",
                        SLICE_ARG(control->words[i]), problem.text, problem.os ? ": " : "",
                        problem.os ? strerror(problem.os) : "");
    }
    uint32_t ham = lesson.learning.model.header->ham, spam = lesson.learning.model.header->spam;
    bool keep = !failed(problem);
    problem = spam_learning_close(&lesson.learning, keep);
    if (failed(problem))
        return control_say(CONTROL_TROUBLE, "%.*s: %s", SLICE_ARG(path), problem.text);
    if (!keep)
        return CONTROL_TROUBLE;
    report(control, &lesson, ham, spam);
    return CONTROL_DONE;
}

enum control_exit control_spam_rules(struct control *control)
{
    const double *scores = (const double *)&control->config->spam_scores;
    struct json_writer json;
    json_begin(&json, &control->out);
    if (control->options[OPTION_JSON])
        json_array_open(&json);
    for (unsigned id = 0; id < SPAM_SYMBOL_COUNT; id++) {
        char score[32];
        snprintf(score, sizeof score, "%.3g", scores[id]);
        if (!control->options[OPTION_JSON]) {
            buffer_format(&control->out, "%-26.*s %6s  %s\n", SLICE_ARG(spam_symbol_name(id)),
                          score, spam_symbol_help(id));
            continue;
        }
        json_object_open(&json);
        json_member_text(&json, "name", spam_symbol_name(id));
        json_member_decimal(&json, "score", scores[id]);
        json_member_string(&json, "meaning", spam_symbol_help(id));
        json_object_close(&json);
    }
    if (control->options[OPTION_JSON]) {
        json_array_close(&json);
        buffer_add_byte(&control->out, '\n');
    }
    return CONTROL_DONE;
}
