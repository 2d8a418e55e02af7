/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The queue of the running server, by its admin endpoint. The server answers in JSON, one mail a
 * line; for people it is turned into columns here. What is looked for in a line ("name": with its
 * quotes) cannot occur inside a value, where quotes are escaped.
 */
#include "base/cursor.h"
#include "control/server.h"
#include "format/mail/date.h"

#include <stdio.h>

enum { TARGET_SIZE_MAX = 8192 };

/* ---- Asking ---- */

static void add_parameter(struct buffer *target, const char *name, slice value)
{
    buffer_add_byte(target, slice_find_byte(buffer_slice(target), '?') < 0 ? '?' : '&');
    buffer_add_string(target, name);
    buffer_add_byte(target, '=');
    server_add_encoded(target, value);
}

/* The words of the command line that say which mails. */
static void add_selection(const struct control *control, struct buffer *target)
{
    static const struct {
        enum control_option option;
        const char *name;
    } rows[] = {
        {OPTION_SENDER, "sender"}, {OPTION_RECIPIENT, "recipient"}, {OPTION_DOMAIN, "domain"},
        {OPTION_SITE, "site"},     {OPTION_STATE, "state"},         {OPTION_OLDER, "older"},
        {OPTION_AFTER, "after"},   {OPTION_LIMIT, "limit"},         {OPTION_MAX, "max"}};
    if (control->count > 0)
        add_parameter(target, "id", control->words[0]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (control->options[rows[i].option])
            add_parameter(target, rows[i].name,
                          slice_from_string(control->options[rows[i].option]));
    if (control->options[OPTION_HELD])
        add_parameter(target, "held", SLICE("1"));
    if (control->options[OPTION_ALL])
        add_parameter(target, "all", SLICE("1"));
}

static enum control_exit ask(const struct control *control, const char *method, const char *path,
                             struct buffer *out_answer)
{
    struct buffer target;
    buffer_init(&target, TARGET_SIZE_MAX);
    buffer_add_string(&target, path);
    add_selection(control, &target);
    error problem = buffer_check(&target);
    if (!failed(problem))
        problem = server_request(control->config, method, buffer_slice(&target), out_answer);
    buffer_close(&target);
    switch (problem.kind) {
    case ERROR_NONE:
        return CONTROL_DONE;
    case ERROR_NOT_FOUND:
        return control_say(CONTROL_REFUSED, "there is no mail %.*s in the queue",
                           SLICE_ARG(control->count ? control->words[0] : SLICE("like that")));
    case ERROR_MALFORMED: /* the server's words */
        return control_say(CONTROL_USAGE, "%.*s", SLICE_ARG(slice_trim(buffer_slice(out_answer))));
    default:
        return server_say_trouble(control->config, problem);
    }
}

/* ---- Reading the answer ---- */

/* From where the member's value begins; empty where the line has no such member. */
static slice after_member(slice line, const char *name)
{
    char quoted[64];
    int size = snprintf(quoted, sizeof quoted, "\"%s\":", name);
    ptrdiff_t at = slice_find(line, slice_of(quoted, (size_t)size));
    return at < 0 ? SLICE_EMPTY : slice_from(line, (size_t)at + (size_t)size);
}

/* A string without its quotes, escapes as they are; or a number, a word. */
static slice member(slice line, const char *name)
{
    slice rest = after_member(line, name);
    size_t end = 0;
    if (rest.size == 0 || rest.data[0] != '"') {
        while (end < rest.size && !strchr(",}]", rest.data[end]))
            end++;
        return slice_sub(rest, 0, end);
    }
    for (end = 1; end < rest.size && rest.data[end] != '"'; end++)
        end += rest.data[end] == '\\';
    return slice_sub(rest, 1, end - 1);
}

static int64_t number(slice line, const char *name)
{
    struct cursor cursor = cursor_over(member(line, name));
    uint64_t value = 0;
    (void)cursor_take_u64(&cursor, INT64_MAX, &value);
    return (int64_t)value;
}

static bool flag(slice line, const char *name)
{
    return slice_equal(member(line, name), SLICE("true"));
}

static void add_moment(struct buffer *out, int64_t seconds)
{
    struct mail_date_fields f;
    mail_date_split(seconds, 0, &f);
    buffer_format(out, "%04d-%02d-%02d %02d:%02d:%02dZ", f.year, f.month, f.day, f.hour, f.minute,
                  f.second);
}

/* ---- Mails ---- */

static void add_recipient(slice object, struct buffer *out)
{
    slice answer = member(object, "answer");
    int64_t attempts = number(object, "attempts"), next = number(object, "next_try");
    buffer_format(out, "    %.*s  %.*s", SLICE_ARG(member(object, "address")),
                  SLICE_ARG(member(object, "state")));
    if (attempts > 0)
        buffer_format(out, ", %lld attempt%s", (long long)attempts, attempts == 1 ? "" : "s");
    if (next > 0) {
        buffer_add_string(out, ", next ");
        add_moment(out, next);
    }
    if (answer.size > 0)
        buffer_format(out, "\n        %.*s", SLICE_ARG(answer));
    buffer_add_byte(out, '\n');
}

static void add_mail(slice line, struct buffer *out)
{
    slice sender = member(line, "sender"), rest = after_member(line, "recipients");
    buffer_format(out, "%.*s  %lld  ", SLICE_ARG(member(line, "id")),
                  (long long)number(line, "size"));
    add_moment(out, number(line, "arrived"));
    buffer_format(out, "  %.*s%s\n", SLICE_ARG(sender.size ? sender : SLICE("<>")),
                  flag(line, "held") ? "  (held)" : "");
    for (;;) {
        rest = after_member(rest, "address");
        if (rest.size == 0)
            return;
        /* back over the name, so that the object's own members are found, up to the next one */
        slice object =
            slice_of(rest.data - sizeof "\"address\":" + 1, rest.size + sizeof "\"address\":" - 1);
        ptrdiff_t end = slice_find(rest, SLICE("{\"address\":"));
        if (end >= 0)
            object.size = (size_t)(rest.data + end - object.data);
        add_recipient(object, out);
    }
}

/* Where the page is not the end. */
static void tell_next(slice answer)
{
    slice next = member(answer, "next");
    if (next.size > 0 && !slice_equal(next, SLICE("null")))
        control_say(CONTROL_DONE, "there are more: --after %.*s", SLICE_ARG(next));
}

enum control_exit control_queue_list(struct control *control)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = ask(control, "GET", "/queue/mails", &answer);
    slice rest = buffer_slice(&answer), line;
    if (exit == CONTROL_DONE && !control->options[OPTION_JSON])
        tell_next(rest);
    if (exit == CONTROL_DONE && control->options[OPTION_JSON])
        buffer_add(&control->out, rest);
    while (exit == CONTROL_DONE && !control->options[OPTION_JSON] && rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        if (slice_starts(line, SLICE("{\"id\":")))
            add_mail(line, &control->out);
    }
    buffer_close(&answer);
    return exit;
}

enum control_exit control_queue_show(struct control *control)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = ask(control, "GET", "/queue/mail", &answer);
    if (exit == CONTROL_DONE)
        buffer_add(&control->out, buffer_slice(&answer));
    buffer_close(&answer);
    return exit;
}

/* ---- Orders ---- */

/* Why nothing was done about the mail that was named. */
static enum control_exit explain_nothing(const struct control *control)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = ask(control, "GET", "/queue/mails", &answer);
    bool there = slice_find(buffer_slice(&answer), SLICE("\"sender\":")) >= 0;
    buffer_close(&answer);
    if (exit != CONTROL_DONE)
        return exit;
    return there ? control_say(CONTROL_REFUSED,
                               "there is nothing to be done about mail %.*s: it is "
                               "so already, or its recipients have had their end",
                               SLICE_ARG(control->words[0]))
                 : control_say(CONTROL_REFUSED,
                               "there is no mail %.*s in the queue: it was "
                               "delivered, or has come back to its sender",
                               SLICE_ARG(control->words[0]));
}

/* Nothing to be done is not a failure, except where one mail was named. */
static enum control_exit order(struct control *control, const char *path, const char *done)
{
    struct buffer answer;
    buffer_init(&answer, TARGET_SIZE_MAX);
    enum control_exit exit = ask(control, "POST", path, &answer);
    int64_t mails = number(buffer_slice(&answer), "mails");
    if (exit == CONTROL_DONE && control->options[OPTION_JSON])
        buffer_add(&control->out, buffer_slice(&answer));
    else if (exit == CONTROL_DONE)
        buffer_format(&control->out, "%lld mail%s %s\n", (long long)mails, mails == 1 ? "" : "s",
                      done);
    buffer_close(&answer);
    if (exit == CONTROL_DONE && mails == 0 && control->count > 0)
        exit = explain_nothing(control);
    return exit;
}

enum control_exit control_queue_flush(struct control *control)
{
    return order(control, "/queue/flush", "will be tried now");
}

enum control_exit control_queue_hold(struct control *control)
{
    return order(control, "/queue/hold", "held");
}

enum control_exit control_queue_release(struct control *control)
{
    return order(control, "/queue/release", "released");
}

enum control_exit control_queue_delete(struct control *control)
{
    return order(control, "/queue/delete", "deleted");
}

enum control_exit control_queue_bounce(struct control *control)
{
    return order(control, "/queue/bounce", "given up");
}

/* ---- Numbers ---- */

static void add_numbers(slice all, struct buffer *out)
{
    static const char *const ages[] = {"1m", "10m", "1h", "6h", "1d", "3d", "older"};
    slice items = after_member(all, "items"), by_age = after_member(all, "ages");
    buffer_format(out, "mails %lld, held %lld, in memory %lld bytes, in the spool %lld bytes\n",
                  (long long)number(all, "mails"), (long long)number(all, "held"),
                  (long long)number(all, "memory_bytes"), (long long)number(all, "spool_bytes"));
    buffer_format(out, "items waiting %lld, active %lld, held %lld; connections %lld\n",
                  (long long)number(items, "waiting"), (long long)number(items, "active"),
                  (long long)number(items, "held"), (long long)number(all, "connections"));
    buffer_add_string(out, "mails younger than");
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
        buffer_format(out, "%s %s: %lld", i ? "," : "", ages[i],
                      (long long)number(by_age, ages[i]));
    buffer_add_byte(out, '\n');
}

static void add_site(slice object, struct buffer *out)
{
    slice answer = member(object, "answer");
    buffer_format(out, "%7lld %7lld %6lld/%-5lld %.*s%s", (long long)number(object, "ready"),
                  (long long)number(object, "active"), (long long)number(object, "connections"),
                  (long long)number(object, "concurrency"), SLICE_ARG(member(object, "site")),
                  flag(object, "paused") ? "  paused until " : "");
    if (flag(object, "paused"))
        add_moment(out, number(object, "paused_until"));
    if (answer.size > 0)
        buffer_format(out, "  (%.*s)", SLICE_ARG(answer));
    buffer_add_byte(out, '\n');
}

static void add_sites(slice rest, struct buffer *out)
{
    static const char begin[] = "{\"site\":";
    ptrdiff_t at = slice_find(rest, SLICE(begin));
    if (at >= 0)
        buffer_add_string(out, "  ready  active  connections site\n");
    while (at >= 0) {
        rest = slice_from(rest, (size_t)at);
        ptrdiff_t next = slice_find(slice_from(rest, 1), SLICE(begin));
        add_site(next >= 0 ? slice_sub(rest, 0, (size_t)next) : rest, out);
        at = next >= 0 ? next + 1 : -1;
    }
}

enum control_exit control_queue_stats(struct control *control)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = ask(control, "GET", "/queue", &answer);
    slice all = buffer_slice(&answer);
    if (exit == CONTROL_DONE && control->options[OPTION_JSON]) {
        buffer_add(&control->out, all);
    } else if (exit == CONTROL_DONE) {
        add_numbers(all, &control->out);
        add_sites(all, &control->out);
    }
    buffer_close(&answer);
    return exit;
}

/* ---- Destinations ---- */

static void add_destination(slice line, struct buffer *out)
{
    slice site = member(line, "site"), domain = member(line, "domain");
    slice answer = member(line, "answer");
    buffer_format(out, "%7lld %7lld %6lld  ", (long long)number(line, "waiting"),
                  (long long)number(line, "active"), (long long)number(line, "held"));
    add_moment(out, number(line, "oldest"));
    buffer_format(out, "  %-8.*s %.*s", SLICE_ARG(member(line, "state")), SLICE_ARG(domain));
    if (site.size > 0)
        buffer_format(out, "  %.*s", SLICE_ARG(site));
    if (number(line, "paused_until") > 0) {
        buffer_add_string(out, "  until ");
        add_moment(out, number(line, "paused_until"));
    }
    if (answer.size > 0)
        buffer_format(out, "\n        %.*s", SLICE_ARG(answer));
    buffer_add_byte(out, '\n');
}

enum control_exit control_queue_sites(struct control *control)
{
    struct buffer answer, *out = &control->out;
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = ask(control, "GET", "/queue/sites", &answer);
    slice all = buffer_slice(&answer), rest = all, line;
    if (exit == CONTROL_DONE && control->options[OPTION_JSON]) {
        buffer_add(out, all);
        rest = SLICE_EMPTY;
    } else if (exit == CONTROL_DONE && number(all, "count") > 0) {
        buffer_add_string(out,
                          "waiting  active   held  oldest                state    destination\n");
    }
    while (exit == CONTROL_DONE && rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        if (slice_starts(line, SLICE("{\"site\":")) && slice_find(line, SLICE("\"domain\":")) >= 0)
            add_destination(line, out);
    }
    if (exit == CONTROL_DONE && !control->options[OPTION_JSON] && number(all, "others") > 0)
        buffer_format(out, "%7lld more for destinations that are not shown\n",
                      (long long)number(all, "others"));
    buffer_close(&answer);
    return exit;
}
