/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/command.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "format/smtp/parameter.h"
#include "format/smtp/xtext.h"

static const char *const verb_names[SMTP_VERBS] = {[SMTP_VERB_UNKNOWN] = "unknown",
#define X(name) [SMTP_VERB_##name] = #name,
                                                   SMTP_VERB_TABLE(X)
#undef X
};

const char *smtp_verb_name(enum smtp_verb verb)
{
    return verb < SMTP_VERBS ? verb_names[verb] : "unknown";
}

enum smtp_verb smtp_command_verb(slice line)
{
    slice word, rest;
    slice_cut(line, ' ', &word, &rest);
    for (int verb = SMTP_VERB_UNKNOWN + 1; verb < SMTP_VERBS; verb++)
        if (slice_equal_nocase(word, slice_from_string(verb_names[verb])))
            return (enum smtp_verb)verb;
    return SMTP_VERB_UNKNOWN;
}

/* No command holds a control byte; bytes above 0x7f must be UTF-8 (RFC 6531 3.3). */
static bool line_is_clean(slice line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.data[i] < ' ' || line.data[i] == 0x7f)
            return false;
    return utf8_is_valid(line);
}

static enum smtp_reply reply_to_path(error problem, enum smtp_reply syntax)
{
    return failed(problem) ? syntax : SMTP_REPLY_NONE;
}

/* Blanks around the path are no part of the grammar; half the world's scripts send them. */
static enum smtp_reply parse_mail(struct arena *arena, slice argument,
                                  const struct smtp_command_options *options,
                                  struct smtp_mail *mail)
{
    struct cursor c = cursor_over(argument);
    if (!cursor_take_nocase(&c, SLICE("FROM:")))
        return SMTP_REPLY_MAIL_SYNTAX;
    cursor_skip_blanks(&c);
    if (cursor_peek(&c) != '<')
        return SMTP_REPLY_MAIL_SYNTAX;
    enum smtp_reply reply = reply_to_path(smtp_path_take(arena, &c, true, &mail->sender),
                                          SMTP_REPLY_BAD_SENDER_ADDRESS);
    if (reply == SMTP_REPLY_NONE)
        reply = smtp_parameters_mail(arena, &c, options->parameters, mail);
    if (reply == SMTP_REPLY_NONE && mail->sender.utf8 && !mail->utf8)
        reply = SMTP_REPLY_UTF8_NEEDED; /* RFC 6531 3.5 */
    return reply;
}

static enum smtp_reply parse_rcpt(struct arena *arena, slice argument,
                                  const struct smtp_command_options *options,
                                  struct smtp_rcpt *rcpt)
{
    struct cursor c = cursor_over(argument);
    if (!cursor_take_nocase(&c, SLICE("TO:")))
        return SMTP_REPLY_RCPT_SYNTAX;
    cursor_skip_blanks(&c);
    if (cursor_peek(&c) != '<')
        return SMTP_REPLY_RCPT_SYNTAX;
    enum smtp_reply reply = reply_to_path(smtp_path_take(arena, &c, false, &rcpt->recipient),
                                          SMTP_REPLY_BAD_RECIPIENT_ADDRESS);
    if (reply == SMTP_REPLY_NONE)
        reply = smtp_parameters_rcpt(arena, &c, options->parameters, rcpt);
    if (reply == SMTP_REPLY_NONE && rcpt->recipient.utf8 && !options->utf8)
        reply = SMTP_REPLY_UTF8_NEEDED;
    return reply;
}

/* A name or an address literal; what stands in it is not checked (RFC 5321 4.1.4: mail is not
 * refused for it), only that it is one printable word. */
static enum smtp_reply parse_hello(slice argument)
{
    bool fine = argument.size && argument.size <= SMTP_HELO_SIZE_MAX &&
                slice_find_byte(argument, ' ') < 0 && utf8_is_ascii(argument);
    return fine ? SMTP_REPLY_NONE : SMTP_REPLY_HELO_SYNTAX;
}

/* RFC 3030 2 */
static enum smtp_reply parse_bdat(slice argument, struct smtp_bdat *bdat)
{
    struct cursor c = cursor_over(argument);
    if (!cursor_take_u64(&c, INT64_MAX, &bdat->size))
        return SMTP_REPLY_BDAT_SYNTAX;
    if (cursor_take_byte(&c, ' ')) {
        cursor_skip_blanks(&c);
        bdat->last = cursor_take_nocase(&c, SLICE("LAST"));
    }
    return cursor_done(&c) ? SMTP_REPLY_NONE : SMTP_REPLY_BDAT_SYNTAX;
}

/* RFC 4954 4 */
static enum smtp_reply parse_auth(slice argument, struct smtp_auth *auth)
{
    slice initial;
    bool has_initial = slice_cut(argument, ' ', &auth->mechanism, &initial);
    if (auth->mechanism.size == 0 || auth->mechanism.size > SMTP_MECHANISM_SIZE_MAX)
        return SMTP_REPLY_BAD_ARGUMENT;
    for (size_t i = 0; i < auth->mechanism.size; i++) {
        char byte = auth->mechanism.data[i];
        if (!ascii_is_alpha(byte) && !ascii_is_digit(byte) && byte != '-' && byte != '_')
            return SMTP_REPLY_BAD_ARGUMENT;
    }
    if (!has_initial)
        return SMTP_REPLY_NONE;
    auth->initial = initial;
    bool fine = initial.size && slice_find_byte(initial, ' ') < 0;
    return fine ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_ARGUMENT;
}

/* attribute=xtext ...; "[UNAVAILABLE]" and "[TEMPUNAVAIL]" say that there is none. */
static enum smtp_reply parse_xclient(struct arena *arena, slice argument, struct smtp_xclient *x)
{
    const struct {
        const char *name;
        slice *value;
    } names[] = {{"NAME", &x->name},
                 {"ADDR", &x->address},
                 {"PORT", &x->port},
                 {"PROTO", &x->proto},
                 {"HELO", &x->helo},
                 {"LOGIN", &x->login},
                 {"DESTADDR", &x->destination_address},
                 {"DESTPORT", &x->destination_port}};
    slice word, name, value;
    for (bool more = true; more;) {
        more = slice_cut(argument, ' ', &word, &argument);
        if (!slice_cut(word, '=', &name, &value))
            return SMTP_REPLY_BAD_ARGUMENT;
        slice *into = NULL;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (slice_equal_nocase(name, slice_from_string(names[i].name)))
                into = names[i].value;
        if (!into)
            return SMTP_REPLY_BAD_ARGUMENT;
        if (slice_equal_nocase(value, SLICE("[UNAVAILABLE]")) ||
            slice_equal_nocase(value, SLICE("[TEMPUNAVAIL]")))
            continue;
        if (failed(smtp_xtext_decode(arena, value, into)))
            return SMTP_REPLY_BAD_ARGUMENT;
    }
    return SMTP_REPLY_NONE;
}

enum smtp_reply smtp_command_parse(struct arena *arena, slice line,
                                   const struct smtp_command_options *options,
                                   struct smtp_command *out_command)
{
    slice word, argument;
    *out_command = (struct smtp_command){.verb = smtp_command_verb(line)};
    if (!line_is_clean(line))
        return SMTP_REPLY_BAD_LINE;
    slice_cut(line, ' ', &word, &argument);
    argument = slice_trim(argument);
    out_command->argument = argument;
    switch (out_command->verb) {
    case SMTP_VERB_HELO:
    case SMTP_VERB_EHLO:
    case SMTP_VERB_LHLO:
        return parse_hello(argument);
    case SMTP_VERB_MAIL:
        return parse_mail(arena, argument, options, &out_command->mail);
    case SMTP_VERB_RCPT:
        return parse_rcpt(arena, argument, options, &out_command->rcpt);
    case SMTP_VERB_BDAT:
        return parse_bdat(argument, &out_command->bdat);
    case SMTP_VERB_AUTH:
        return parse_auth(argument, &out_command->auth);
    case SMTP_VERB_XCLIENT:
        return parse_xclient(arena, argument, &out_command->xclient);
    case SMTP_VERB_DATA:
    case SMTP_VERB_RSET:
    case SMTP_VERB_QUIT:
    case SMTP_VERB_STARTTLS:
        return argument.size ? SMTP_REPLY_NO_ARGUMENT : SMTP_REPLY_NONE;
    case SMTP_VERB_VRFY:
    case SMTP_VERB_EXPN:
        return argument.size ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_ARGUMENT;
    case SMTP_VERB_NOOP:
    case SMTP_VERB_HELP:
        return SMTP_REPLY_NONE;
    default:
        return SMTP_REPLY_UNKNOWN_COMMAND;
    }
}
