/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What would the running server make of a message, and why?
 */
#include "control/server.h"
#include "format/json/read.h"

enum { TARGET_ROOM = 16 << 10, MESSAGE_ROOM = 64 << 20 };

static void add_target(const struct control *control, struct buffer *out)
{
    static const struct {
        enum control_option option;
        const char *name;
    } rows[] = {
        {OPTION_FROM, "from"}, {OPTION_RCPT, "rcpt"}, {OPTION_IP, "ip"}, {OPTION_HELO, "helo"}};
    const char *mark = "?";
    buffer_add_string(out, "/spam/check");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (control->options[rows[i].option]) {
            buffer_format(out, "%s%s=", mark, rows[i].name);
            server_add_encoded(out, slice_from_string(control->options[rows[i].option]));
            mark = "&";
        }
}

/* ---- The answer in words ---- */

struct found {
    slice action, problem, engine, reply, spf, dmarc;
    double score, required;
    int64_t us;
    bool judged;
};

static void add_symbol(struct json_reader *json, struct buffer *out)
{
    slice member, name = SLICE_EMPTY, reason = SLICE_EMPTY;
    double score = 0;
    if (!json_read_object(json))
        return;
    while (json_read_member(json, &member)) {
        if (slice_equal(member, SLICE("name")))
            (void)json_read_text(json, &name);
        else if (slice_equal(member, SLICE("reason")))
            (void)json_read_text(json, &reason);
        else if (slice_equal(member, SLICE("score")))
            (void)json_read_decimal(json, &score);
    }
    buffer_format(out, "%8.2f  %-32.*s %.*s\n", score, SLICE_ARG(name), SLICE_ARG(reason));
}

static void read_member(struct json_reader *json, slice name, struct found *found,
                        struct buffer *symbols)
{
    const struct {
        const char *name;
        slice *text;
    } texts[] = {
        {"action", &found->action}, {"problem", &found->problem}, {"engine", &found->engine},
        {"reply", &found->reply},   {"spf", &found->spf},         {"dmarc", &found->dmarc},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (slice_equal(name, slice_from_string(texts[i].name)))
            (void)json_read_text(json, texts[i].text);
    if (slice_equal(name, SLICE("score")))
        (void)json_read_decimal(json, &found->score);
    else if (slice_equal(name, SLICE("required")))
        (void)json_read_decimal(json, &found->required);
    else if (slice_equal(name, SLICE("us")))
        (void)json_read_integer(json, &found->us);
    else if (slice_equal(name, SLICE("judged")))
        (void)json_read_flag(json, &found->judged);
    else if (slice_equal(name, SLICE("symbols")) && json_read_array(json))
        while (json_read_item(json))
            add_symbol(json, symbols);
}

static void add_verdict(const struct found *found, struct buffer *out)
{
    buffer_format(out, "%.*s", SLICE_ARG(found->action));
    if (found->judged)
        buffer_format(out, ": score %.2f, junk from %.2f", found->score, found->required);
    else if (found->problem.size)
        buffer_format(out, ", because it could not be judged: %.*s", SLICE_ARG(found->problem));
    else
        buffer_add_string(out, ", because nobody judges (spam.engine)");
    buffer_format(out, " (%.*s, %.1f ms)\n", SLICE_ARG(found->engine), (double)found->us / 1000);
    if (found->spf.size)
        buffer_format(out, "spf %.*s, dmarc %.*s\n", SLICE_ARG(found->spf),
                      SLICE_ARG(found->dmarc));
    if (found->reply.size)
        buffer_format(out, "the sender hears: %.*s\n", SLICE_ARG(found->reply));
}

static error explain(slice answer, struct buffer *out)
{
    struct arena arena;
    struct json_reader json;
    struct found found = {0};
    struct buffer symbols;
    slice name;
    arena_init(&arena, answer.size + 4096);
    buffer_init(&symbols, CONTROL_OUTPUT_SIZE_MAX);
    json_read_begin(&json, answer, &arena);
    if (json_read_object(&json))
        while (json_read_member(&json, &name))
            read_member(&json, name, &found, &symbols);
    error problem = json_read_end(&json);
    if (!failed(problem)) {
        add_verdict(&found, out);
        buffer_add(out, buffer_slice(&symbols));
    }
    buffer_close(&symbols);
    arena_close(&arena);
    return problem;
}

/* ---- The verb ---- */

static error ask(struct control *control, struct buffer *message, struct buffer *answer)
{
    struct buffer target;
    buffer_init(&target, TARGET_ROOM);
    add_target(control, &target);
    error problem = buffer_check(&target);
    if (!failed(problem))
        problem = buffer_check(message);
    if (!failed(problem))
        problem =
            server_post(control->config, buffer_slice(&target), buffer_slice(message), answer);
    buffer_close(&target);
    if (!failed(problem) && control->options[OPTION_JSON])
        buffer_add(&control->out, buffer_slice(answer));
    else if (!failed(problem))
        problem = explain(buffer_slice(answer), &control->out);
    return problem;
}

enum control_exit control_spam_check(struct control *control)
{
    struct buffer file, message, answer;
    buffer_init(&file, MESSAGE_ROOM);
    buffer_init(&message, 2 * MESSAGE_ROOM);
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = CONTROL_DONE;
    error problem = control_read_file(control->words[0], &file);
    if (failed(problem)) {
        exit = control_say(CONTROL_REFUSED, "%.*s: %s", SLICE_ARG(control->words[0]), problem.text);
    } else {
        control_add_crlf(&message, buffer_slice(&file));
        problem = ask(control, &message, &answer);
        if (problem.kind == ERROR_MALFORMED)
            exit = control_say(CONTROL_USAGE, "a message and good addresses are wanted: --ip "
                                              "192.0.2.1 --from a@example.org");
        else if (failed(problem))
            exit = server_say_trouble(control->config, problem);
    }
    buffer_close(&file);
    buffer_close(&message);
    buffer_close(&answer);
    return exit;
}
