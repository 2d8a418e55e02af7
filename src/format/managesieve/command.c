/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/managesieve/command.h"

#include "format/imap/token.h"

static const struct {
    slice name;
    const char *arguments;
} VERBS[] = {
#define X(name, arguments) {{#name, sizeof #name - 1}, arguments},
    MANAGESIEVE_VERBS(X)
#undef X
};

const char *managesieve_verb_name(enum managesieve_verb verb)
{
    return verb < MANAGESIEVE_VERB_COUNT ? VERBS[verb].name.data : "unknown";
}

static enum managesieve_verb take_verb(struct cursor *c)
{
    slice word;
    if (!cursor_take_set(c, IMAP_ATOM_SET, &word))
        return MANAGESIEVE_VERB_UNKNOWN;
    for (enum managesieve_verb verb = 0; verb < MANAGESIEVE_VERB_COUNT; verb++)
        if (slice_equal_nocase(word, VERBS[verb].name))
            return verb;
    return MANAGESIEVE_VERB_UNKNOWN;
}

enum managesieve_verb managesieve_verb_of(slice text)
{
    struct cursor c = cursor_over(text);
    return take_verb(&c);
}

static error take_string(struct cursor *c, struct arena *arena, slice *out_string)
{
    bool quoted = cursor_peek(c) == '"';
    const char *start = c->at;
    slice string;
    TRY(imap_take_string(c, arena, &string));
    if (quoted && (size_t)(c->at - start) > 2 * MANAGESIEVE_QUOTED_SIZE_MAX + 2)
        return error_make(ERROR_LIMIT, "the quoted string is too long");
    if (quoted && string.size > MANAGESIEVE_QUOTED_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the quoted string is too long");
    *out_string = string;
    return OK;
}

static error take_number(struct cursor *c, uint32_t *out_number)
{
    uint64_t number;
    TRY(imap_take_number(c, MANAGESIEVE_NUMBER_MAX, &number));
    *out_number = (uint32_t)number;
    return OK;
}

error managesieve_command_parse(slice text, struct arena *arena,
                                struct managesieve_command *out_command)
{
    struct cursor c = cursor_over(text);
    bool may_end = false;
    *out_command = (struct managesieve_command){.verb = take_verb(&c)};
    if (out_command->verb == MANAGESIEVE_VERB_UNKNOWN)
        return error_make(ERROR_MALFORMED, "unknown command");
    for (const char *kind = VERBS[out_command->verb].arguments; *kind; kind++) {
        if (*kind == '|') {
            may_end = true;
            continue;
        }
        if (may_end && cursor_done(&c))
            break;
        TRY(imap_take_space(&c));
        TRY(*kind == 'n' ? take_number(&c, &out_command->number)
                         : take_string(&c, arena, &out_command->strings[out_command->count]));
        out_command->count += *kind == 's';
    }
    return imap_take_end(&c);
}

error managesieve_string_parse(slice text, struct arena *arena, slice *out_string)
{
    struct cursor c = cursor_over(text);
    slice string;
    TRY(imap_take_string(&c, arena, &string));
    TRY(imap_take_end(&c));
    *out_string = string;
    return OK;
}
