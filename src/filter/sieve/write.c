/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Actions as a person reads them: much as they would stand in a script.
 */
#include "base/buffer.h"
#include "filter/sieve/sieve.h"

static void add_string(struct buffer *out, slice text)
{
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\r')
            continue;
        if (c == '"' || c == '\\')
            buffer_add_byte(out, '\\');
        if (c == '\n')
            buffer_add_string(out, "\\n");
        else
            buffer_add_byte(out, c);
    }
    buffer_add_byte(out, '"');
}

static void add_tag(struct buffer *out, const char *tag, slice value)
{
    if (!value.data || (value.size == 0 && tag[0] != 's'))
        return;
    buffer_format(out, " :%s ", tag);
    add_string(out, value);
}

static void add_list(struct buffer *out, const char *tag, const slice *strings, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (i == 0)
            buffer_format(out, " :%s [", tag);
        else
            buffer_add_string(out, ", ");
        add_string(out, strings[i]);
    }
    if (count)
        buffer_add_byte(out, ']');
}

static void add_target(struct buffer *out, const struct sieve_target *to)
{
    if (to->create)
        buffer_add_string(out, " :create");
    add_tag(out, "specialuse", to->special_use);
    add_list(out, "flags", to->flags, to->flag_count);
}

static void add_reply(struct buffer *out, const struct sieve_action *action)
{
    bool vacation = action->kind == SIEVE_ACTION_VACATION;
    if (vacation && action->seconds >= 0)
        buffer_format(out, " :seconds %lld", (long long)action->seconds);
    add_tag(out, "subject", action->subject);
    add_tag(out, "from", action->from);
    add_list(out, vacation ? "addresses" : "options", action->addresses, action->address_count);
    if (action->mime)
        buffer_add_string(out, " :mime");
    add_tag(out, "importance", action->importance);
    if (!vacation)
        add_tag(out, "message", action->message);
    if (action->fcc.mailbox.data) {
        add_tag(out, "fcc", action->fcc.mailbox);
        add_target(out, &action->fcc);
    }
    buffer_add_byte(out, ' ');
    add_string(out, vacation ? action->message : action->text);
}

static void add_action(struct buffer *out, const struct sieve_action *action)
{
    static const char *const names[] = {"keep",   "fileinto", "redirect", "discard",
                                        "reject", "vacation", "notify"};
    buffer_add_string(out, action->ereject ? "ereject" : names[action->kind]);
    if (action->copy)
        buffer_add_string(out, " :copy");
    add_target(out, &action->to);
    add_tag(out, "notify", action->dsn_notify);
    add_tag(out, "ret", action->dsn_ret);
    if (action->kind == SIEVE_ACTION_VACATION || action->kind == SIEVE_ACTION_NOTIFY) {
        add_reply(out, action);
    } else if (action->kind != SIEVE_ACTION_KEEP && action->kind != SIEVE_ACTION_DISCARD) {
        buffer_add_byte(out, ' ');
        add_string(out, action->text);
    }
    if (action->implicit)
        buffer_add_string(out, " (implicit)");
    if (action->header.data)
        buffer_add_string(out, " (edited)");
    buffer_add_byte(out, '\n');
}

void sieve_result_write(const struct sieve_result *result, struct buffer *out)
{
    if (result->failed)
        buffer_format(out, "failed: line %u: %s\n", result->problem.line, result->problem.text);
    for (unsigned i = 0; i < result->count; i++)
        add_action(out, &result->actions[i]);
}
