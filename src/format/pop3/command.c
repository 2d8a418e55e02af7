/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/pop3/command.h"

#include "base/cursor.h"

static const struct {
    slice name;
    const char *arguments;
} VERBS[] = {
#define X(name, arguments) {{#name, sizeof #name - 1}, arguments},
    POP3_VERBS(X)
#undef X
};

const char *pop3_verb_name(enum pop3_verb verb)
{
    return verb < POP3_VERB_COUNT ? VERBS[verb].name.data : "unknown";
}

/* Up to the next space or the end; false where there is nothing. */
static bool take_word(struct cursor *c, slice *out_word)
{
    slice rest = cursor_rest(c), word, behind;
    slice_cut(rest, ' ', &word, &behind);
    if (word.size == 0)
        return false;
    c->at += word.size;
    *out_word = word;
    return true;
}

static enum pop3_verb take_verb(struct cursor *c)
{
    slice word;
    if (take_word(c, &word))
        for (enum pop3_verb verb = 0; verb < POP3_VERB_COUNT; verb++)
            if (slice_equal_nocase(word, VERBS[verb].name))
                return verb;
    return POP3_VERB_UNKNOWN;
}

/* Digits only. A number that is too large is one that no message has. */
static bool read_number(slice word, uint32_t *out_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (!ascii_is_digit(word.data[i]))
            return false;
        number = number * 10 + (uint64_t)(word.data[i] - '0');
        if (number > UINT32_MAX)
            number = UINT32_MAX;
    }
    *out_number = (uint32_t)number;
    return true;
}

static error take_argument(struct cursor *c, char kind, struct pop3_command *command)
{
    slice *text = &command->texts[command->count];
    if (!cursor_take_byte(c, ' '))
        return error_make(ERROR_MALFORMED, "an argument is missing");
    if (kind == 'r') {
        *text = cursor_rest(c);
        c->at = c->end;
    } else if (!take_word(c, text)) {
        return error_make(ERROR_MALFORMED, "an argument is missing");
    }
    if (kind == 'n' && !read_number(*text, &command->numbers[command->count]))
        return error_make(ERROR_MALFORMED, "not a number");
    command->count++;
    return OK;
}

static bool only_blanks_are_left(struct cursor c)
{
    cursor_skip_blanks(&c);
    return cursor_done(&c);
}

error pop3_command_parse(slice line, struct pop3_command *out_command)
{
    struct cursor c = cursor_over(line);
    bool may_end = false;
    *out_command = (struct pop3_command){.verb = take_verb(&c)};
    if (out_command->verb == POP3_VERB_UNKNOWN)
        return error_make(ERROR_MALFORMED, "unknown command");
    if (slice_find_byte(line, '\0') >= 0)
        return error_make(ERROR_MALFORMED, "NUL in a command");
    for (const char *kind = VERBS[out_command->verb].arguments; *kind; kind++) {
        if (*kind == '|') {
            may_end = true;
            continue;
        }
        if (may_end && only_blanks_are_left(c))
            break;
        TRY(take_argument(&c, *kind, out_command));
    }
    return only_blanks_are_left(c) ? OK : error_make(ERROR_MALFORMED, "too many arguments");
}
