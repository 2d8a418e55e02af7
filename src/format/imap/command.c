/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/command.h"

#include "format/imap/limits.h"
#include "format/imap/token.h"

static const struct {
    slice name;
    bool uid;
} VERBS[] = {
#define X(name, uid) {{#name, sizeof #name - 1}, uid},
    IMAP_VERBS(X)
#undef X
};

const char *imap_verb_name(enum imap_verb verb)
{
    return verb < IMAP_VERB_COUNT ? VERBS[verb].name.data : "unknown";
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static bool take_tag(struct cursor *c, slice *out_tag)
{
    struct cursor ahead = *c;
    if (!cursor_take_set(&ahead, IMAP_ASTRING_SET, out_tag) || out_tag->size > IMAP_TAG_SIZE_MAX ||
        slice_find_byte(*out_tag, '+') >= 0 || (cursor_peek(&ahead) != ' ' && !cursor_done(&ahead)))
        return false;
    *c = ahead;
    return true;
}

static enum imap_verb find_verb(slice word, bool uid)
{
    for (enum imap_verb verb = 0; verb < IMAP_VERB_COUNT; verb++)
        if ((!uid || VERBS[verb].uid) && slice_equal_nocase(word, VERBS[verb].name))
            return verb;
    return IMAP_VERB_UNKNOWN;
}

error imap_command_parse(slice text, struct imap_command *out_command)
{
    struct cursor c = cursor_over(text);
    struct imap_command command = {.verb = IMAP_VERB_UNKNOWN};
    if (!take_tag(&c, &command.tag))
        return error_make(ERROR_MALFORMED, "no valid tag");
    slice word;
    if (cursor_take_byte(&c, ' ') && cursor_take_set(&c, IMAP_ATOM_SET, &word)) {
        command.uid = slice_equal_nocase(word, SLICE("UID")) && cursor_take_byte(&c, ' ') &&
                      cursor_take_set(&c, IMAP_ATOM_SET, &word);
        command.verb = find_verb(word, command.uid);
    }
    command.arguments = c;
    *out_command = command;
    return OK;
}
