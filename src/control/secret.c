/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/secret.h"

#include "crypto/constant.h"
#include "crypto/password.h"
#include "format/text/saslprep.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* Without the line end; false at the end of input. */
static bool read_line(char *line, size_t capacity, slice *out_text)
{
    if (!fgets(line, (int)capacity, stdin))
        return false;
    size_t size = strlen(line);
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    *out_text = slice_of(line, size);
    return true;
}

static bool ask(const char *prompt, const char *whose, char *line, size_t capacity, slice *out_text)
{
    struct termios shown, hidden;
    bool changed = tcgetattr(STDIN_FILENO, &shown) == 0;
    fprintf(stderr, "%s %s: ", prompt, whose);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (changed)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool got = read_line(line, capacity, out_text);
    if (changed)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return got;
}

static enum control_exit make(const struct control *control, slice password,
                              struct buffer *out_hash)
{
    char room[SASLPREP_SIZE_MAX];
    slice scheme = slice_from_string(control->options[OPTION_SCHEME]);
    if (slice_starts_nocase(scheme, SLICE("SCRAM-"))) /* RFC 5802 2.2; else as it is */
        error_ignore(saslprep(password, room, &password));
    error problem = password_make(scheme, password, out_hash);
    constant_wipe(room, sizeof room);
    if (problem.kind == ERROR_NOT_FOUND)
        return control_say(CONTROL_USAGE, "--scheme is one of " PASSWORD_MADE_SCHEMES);
    if (failed(problem))
        return control_say(CONTROL_USAGE, "%s", problem.text);
    return CONTROL_DONE;
}

static enum control_exit take_hash(slice hash, struct buffer *out_hash)
{
    error problem = password_check_hash(hash);
    if (failed(problem))
        return control_say(CONTROL_USAGE,
                           "%s; `ringmail hash` makes one, `ringmail user add --help` says more",
                           problem.text);
    buffer_add(out_hash, hash);
    return CONTROL_DONE;
}

enum control_exit control_secret_of(const struct control *control, slice word,
                                    struct buffer *out_hash)
{
    if (word.size > 0 && (word.data[0] == '{' || word.data[0] == '$'))
        return take_hash(word, out_hash);
    return make(control, word, out_hash);
}

static enum control_exit read_password(const char *whose, char *first, char *second, slice *out)
{
    slice again;
    if (!isatty(STDIN_FILENO)) {
        if (!read_line(first, CONTROL_LINE_SIZE_MAX, out))
            return control_say(CONTROL_USAGE, "no password on standard input");
        return CONTROL_DONE;
    }
    if (!ask("Password for", whose, first, CONTROL_LINE_SIZE_MAX, out) ||
        !ask("Again, password for", whose, second, CONTROL_LINE_SIZE_MAX, &again))
        return control_say(CONTROL_USAGE, "no password given");
    if (!slice_equal(*out, again))
        return control_say(CONTROL_USAGE, "the two passwords differ; nothing was changed");
    return CONTROL_DONE;
}

enum control_exit control_secret_read(const struct control *control, const char *whose,
                                      struct buffer *out_hash)
{
    char first[CONTROL_LINE_SIZE_MAX], second[CONTROL_LINE_SIZE_MAX];
    slice password = SLICE_EMPTY;
    if (control->options[OPTION_HASH] && control->options[OPTION_SCHEME])
        return control_say(CONTROL_USAGE, "--hash and --scheme do not go together");
    if (control->options[OPTION_HASH])
        return take_hash(slice_from_string(control->options[OPTION_HASH]), out_hash);
    enum control_exit exit = read_password(whose, first, second, &password);
    if (exit == CONTROL_DONE)
        exit = make(control, password, out_hash);
    constant_wipe(first, sizeof first);
    constant_wipe(second, sizeof second);
    return exit;
}

enum control_exit control_hash(struct control *control)
{
    enum control_exit exit = control_secret_read(control, "the hash", &control->out);
    if (exit == CONTROL_DONE)
        buffer_add_byte(&control->out, '\n');
    return exit;
}
