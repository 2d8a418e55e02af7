/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Words and options to a verb. GNU habits: options anywhere, --name value or --name=value, -- ends
 * them.
 */
#include "base/log.h"
#include "base/version.h"
#include "control/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONFIG_PATH_DEFAULT "/etc/ringmail/ringmail.conf"

static const struct {
    const char *name;
    bool takes_value;
    const char *help;
} options[OPTION_COUNT] = {
    [OPTION_CONFIG] = {"config", true,
                       "FILE  the server's configuration (" CONFIG_PATH_DEFAULT
                       ", or $RINGMAIL_CONFIG)"},
    [OPTION_JSON] = {"json", false, "      answer in JSON"},
    [OPTION_FORCE] = {"force", false, "     also what depends on it"},
    [OPTION_HASH] = {"hash", true, "HASH    a ready password hash with its {SCHEME}"},
    [OPTION_SCHEME] = {"scheme", true,
                       "NAME  BLF-CRYPT (default), ARGON2ID, SHA512-CRYPT, SHA256-CRYPT, PLAIN"},
    [OPTION_QUOTA] = {"quota", true, "SIZE   bytes of mail: 500M, 5G, none"},
    [OPTION_MESSAGES] = {"messages", true, "COUNT  number of messages: 100000, none"},
    [OPTION_BATCH] = {"batch", false,
                      "     many at once from standard input: ADDRESS, a blank, password or hash"},
    [OPTION_DEFAULTS] = {"defaults", false, "  every setting at its default, explained"},
    [OPTION_SELECTOR] = {"selector", true, "NAME  of the key (ringmail, or ringmail-ed25519)"},
    [OPTION_TYPE] = {"type", true, "TYPE     rsa (default) or ed25519"},
    [OPTION_BITS] = {"bits", true, "BITS     of an RSA key (2048)"},
    [OPTION_PATH] = {"path", true, "FILE     where the key goes (as dkim.path says)"},
    [OPTION_SENDER] = {"sender", true, "WHO    mails from an address, or @domain"},
    [OPTION_RECIPIENT] = {"recipient", true, "WHO mails for an address, or @domain"},
    [OPTION_SITE] = {"site", true, "SITE     mails that go to a site, as queue sites names it"},
    [OPTION_DOMAIN] = {"domain", true, "NAME   mails for recipients of a domain"},
    [OPTION_STATE] = {"state", true,
                      "STATE   waiting, active, held, deferred; several with commas"},
    [OPTION_OLDER] = {"older", true, "AGE     mails that came before so long: 30m, 12h, 5d"},
    [OPTION_AFTER] = {"after", true, "ID      the page behind this mail"},
    [OPTION_LIMIT] = {"limit", true, "COUNT   so many at most (1000)"},
    [OPTION_HELD] = {"held", false, "      mails that are held"},
    [OPTION_MAX] = {"max", true, "COUNT     so many at most"},
    [OPTION_ALL] = {"all", false, "       every mail there is"},
    [OPTION_HELP] = {"help", false, "      this"},
};

enum {
    LIST_OPTIONS = OPTION_BIT(OPTION_JSON),
    SECRET_OPTIONS = OPTION_BIT(OPTION_HASH) | OPTION_BIT(OPTION_SCHEME),
    SELECT_OPTIONS = OPTION_BIT(OPTION_SENDER) | OPTION_BIT(OPTION_RECIPIENT) |
                     OPTION_BIT(OPTION_SITE) | OPTION_BIT(OPTION_DOMAIN) |
                     OPTION_BIT(OPTION_STATE) | OPTION_BIT(OPTION_OLDER) | OPTION_BIT(OPTION_HELD) |
                     OPTION_BIT(OPTION_MAX),
    PAGE_OPTIONS = OPTION_BIT(OPTION_AFTER) | OPTION_BIT(OPTION_LIMIT),
    ORDER_OPTIONS = SELECT_OPTIONS | OPTION_BIT(OPTION_ALL) | OPTION_BIT(OPTION_JSON),
    QUOTA_OPTIONS = OPTION_BIT(OPTION_QUOTA) | OPTION_BIT(OPTION_MESSAGES),
};

static const struct control_verb verbs[] = {
    {"domain", "add", "DOMAIN...", "Receive mail for a domain", 1, CONTROL_ARGUMENTS_MAX, 0,
     control_domain_add},
    {"domain", "list", "", "Show the domains", 0, 0, LIST_OPTIONS, control_domain_list},
    {"domain", "remove", "DOMAIN", "Forget a domain; --force: with its users and aliases", 1, 1,
     OPTION_BIT(OPTION_FORCE), control_domain_remove},
    {"user", "add", "ADDRESS", "Make an account; the password is asked for or read from stdin", 0,
     1, SECRET_OPTIONS | QUOTA_OPTIONS | OPTION_BIT(OPTION_BATCH), control_user_add},
    {"user", "list", "[DOMAIN]", "Show the accounts", 0, 1, LIST_OPTIONS, control_user_list},
    {"user", "remove", "ADDRESS", "Remove an account; its mail stays on disk", 1, 1, 0,
     control_user_remove},
    {"user", "password", "ADDRESS", "Change a password; it is asked for or read from stdin", 1, 1,
     SECRET_OPTIONS, control_user_password},
    {"user", "quota", "ADDRESS", "Change how much an account may hold", 1, 1, QUOTA_OPTIONS,
     control_user_quota},
    {"alias", "add", "SOURCE DESTINATION...",
     "Lead mail for SOURCE (or @domain: all the rest) elsewhere", 2, CONTROL_ARGUMENTS_MAX, 0,
     control_alias_add},
    {"alias", "list", "[DOMAIN]", "Show the aliases", 0, 1, LIST_OPTIONS, control_alias_list},
    {"alias", "remove", "SOURCE [DESTINATION]", "Remove one destination of an alias, or all", 1, 2,
     0, control_alias_remove},
    {"sender", "add", "ACCOUNT SENDER...",
     "Let an account write as another address, or as any of @domain", 2, CONTROL_ARGUMENTS_MAX, 0,
     control_sender_add},
    {"sender", "list", "[DOMAIN]", "Show as whom accounts may write beside themselves", 0, 1,
     LIST_OPTIONS, control_sender_list},
    {"sender", "remove", "ACCOUNT [SENDER]", "Take back one such address, or all", 1, 2, 0,
     control_sender_remove},
    {"directory", "init", "", "Make the tables that are missing in the database", 0, 0, 0,
     control_directory_init},
    {"directory", "invalidate", "[SUBJECT]",
     "Make the running server forget an address, a domain or everything", 0, 1, 0,
     control_directory_invalidate},
    {"hash", "", "", "Print a password's hash; the password is asked for or read from stdin", 0, 0,
     OPTION_BIT(OPTION_SCHEME), control_hash},
    {"stats", "", "", "What the running server counts", 0, 0, LIST_OPTIONS, control_stats},
    {"queue", "list", "[ID]", "Show the mails that wait, the oldest first, in pages", 0, 1,
     LIST_OPTIONS | SELECT_OPTIONS | PAGE_OPTIONS, control_queue_list},
    {"queue", "sites", "", "Where mail waits to go, how much, since when, and why", 0, 0,
     LIST_OPTIONS | OPTION_BIT(OPTION_LIMIT), control_queue_sites},
    {"queue", "show", "ID", "Print a mail as it would be sent", 1, 1, 0, control_queue_show},
    {"queue", "flush", "[ID]", "Try mails now, pauses of their sites notwithstanding", 0, 1,
     ORDER_OPTIONS, control_queue_flush},
    {"queue", "hold", "[ID]", "Keep mails until they are released; they expire all the same", 0, 1,
     ORDER_OPTIONS, control_queue_hold},
    {"queue", "release", "[ID]", "Undo hold, and what senders wanted to go later", 0, 1,
     ORDER_OPTIONS, control_queue_release},
    {"queue", "delete", "[ID]", "Forget mails without telling anybody", 0, 1, ORDER_OPTIONS,
     control_queue_delete},
    {"queue", "bounce", "[ID]", "Give mails up and tell their senders", 0, 1, ORDER_OPTIONS,
     control_queue_bounce},
    {"queue", "stats", "", "The queue in numbers, and where mail waits", 0, 0, LIST_OPTIONS,
     control_queue_stats},
    {"dkim", "create", "DOMAIN", "Make a key that signs a domain's mail; print its DNS record", 1,
     1,
     LIST_OPTIONS | OPTION_BIT(OPTION_SELECTOR) | OPTION_BIT(OPTION_TYPE) |
         OPTION_BIT(OPTION_BITS) | OPTION_BIT(OPTION_PATH),
     control_dkim_create},
    {"dkim", "show", "DOMAIN", "The DNS records of a domain's keys", 1, 1, LIST_OPTIONS,
     control_dkim_show},
    {"dns", "show", "DOMAIN", "Every DNS record the domain needs", 1, 1, LIST_OPTIONS,
     control_dns_show},
    {"dns", "check", "DOMAIN", "Ask DNS for them, and say what is missing or wrong", 1, 1,
     LIST_OPTIONS, control_dns_check},
    {"config", "show", "", "The configuration as the server reads it", 0, 0,
     LIST_OPTIONS | OPTION_BIT(OPTION_DEFAULTS), control_config_show},
    {"config", "check", "", "Check the configuration file", 0, 0, 0, control_config_check},
};
enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

enum control_exit control_say(enum control_exit exit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("ringmail: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return exit;
}

static bool of_group(const struct control_verb *verb, const char *group)
{
    return !group || strcmp(verb->group, group) == 0;
}

/* group NULL: of all. */
static void print_help(FILE *to, const char *group)
{
    unsigned used = OPTION_BIT(OPTION_CONFIG) | OPTION_BIT(OPTION_HELP);
    fputs("Usage: ringmail [--config FILE] COMMAND [OPTION]...\n\nCommands:\n", to);
    for (int i = 0; i < VERB_COUNT; i++) {
        if (!of_group(&verbs[i], group))
            continue;
        char name[80];
        snprintf(name, sizeof name, "%s%s%s %s", verbs[i].group, verbs[i].verb[0] ? " " : "",
                 verbs[i].verb, verbs[i].usage);
        fprintf(to, "  %-38s %s\n", name, verbs[i].help);
        used |= verbs[i].options;
    }
    fputs("\nOptions:\n", to);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (used & OPTION_BIT(i))
            fprintf(to, "  --%s %s\n", options[i].name, options[i].help);
    fputs("\nExit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 trouble (try later).\n",
          to);
}

static void print_verb_help(FILE *to, const struct control_verb *verb)
{
    fprintf(to, "Usage: ringmail %s%s%s %s\n\n%s.\n\nOptions:\n", verb->group,
            verb->verb[0] ? " " : "", verb->verb, verb->usage, verb->help);
    unsigned used = verb->options | OPTION_BIT(OPTION_CONFIG) | OPTION_BIT(OPTION_HELP);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (used & OPTION_BIT(i))
            fprintf(to, "  --%s %s\n", options[i].name, options[i].help);
}

/* ---- reading the command line ---- */

struct line {
    const char *options[OPTION_COUNT];
    unsigned count;
    const char *words[CONTROL_ARGUMENTS_MAX + 2];
};

static int find_option(slice name)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (slice_equal(name, slice_from_string(options[i].name)))
            return i;
    return -1;
}

/* One option at arguments[*at]; *at moves over a value of its own. */
static bool take_option(char **arguments, int count, int *at, struct line *line)
{
    slice text = slice_from_string(arguments[*at] + 2), name = text, value = SLICE_EMPTY;
    bool has_value = slice_cut(text, '=', &name, &value);
    int option = find_option(name);
    if (option < 0) {
        control_say(CONTROL_USAGE, "there is no option --%.*s; see ringmail --help",
                    SLICE_ARG(name));
        return false;
    }
    if (!options[option].takes_value) {
        line->options[option] = "";
        if (has_value)
            control_say(CONTROL_USAGE, "--%s takes no value", options[option].name);
        return !has_value;
    }
    if (!has_value && *at + 1 == count) {
        control_say(CONTROL_USAGE, "--%s needs a value", options[option].name);
        return false;
    }
    line->options[option] = has_value ? value.data : arguments[++*at];
    return true;
}

static bool read_line(char **arguments, int count, struct line *line)
{
    bool only_words = false;
    for (int i = 1; i < count; i++) {
        if (!only_words && strcmp(arguments[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(arguments[i], "-h") == 0) {
            line->options[OPTION_HELP] = "";
        } else if (!only_words && strncmp(arguments[i], "--", 2) == 0) {
            if (!take_option(arguments, count, &i, line))
                return false;
        } else if (line->count == CONTROL_ARGUMENTS_MAX + 2) {
            control_say(CONTROL_USAGE, "too many arguments; do it in several calls");
            return false;
        } else {
            line->words[line->count++] = arguments[i];
        }
    }
    return true;
}

/* *out_used: words that name the verb. */
static const struct control_verb *find_verb(const struct line *line, unsigned *out_used)
{
    for (int i = 0; i < VERB_COUNT; i++) {
        bool whole_group = verbs[i].verb[0] == 0;
        if (line->count < 1 || strcmp(line->words[0], verbs[i].group) != 0)
            continue;
        if (!whole_group && (line->count < 2 || strcmp(line->words[1], verbs[i].verb) != 0))
            continue;
        *out_used = whole_group ? 1 : 2;
        return &verbs[i];
    }
    return NULL;
}

static enum control_exit no_verb(const struct line *line)
{
    const char *group = NULL;
    for (int i = 0; line->count > 0 && i < VERB_COUNT; i++)
        if (strcmp(line->words[0], verbs[i].group) == 0)
            group = verbs[i].group;
    bool wants_help = line->options[OPTION_HELP] && (group || line->count == 0);
    if (!wants_help && line->count > (group ? 1 : 0))
        return control_say(CONTROL_USAGE, "there is no command \"%s%s%s\"; see ringmail%s%s --help",
                           line->words[0], group ? " " : "", group ? line->words[1] : "",
                           group ? " " : "", group ? group : "");
    print_help(wants_help ? stdout : stderr, group);
    return wants_help ? CONTROL_DONE : CONTROL_USAGE;
}

static bool check_usage(const struct control_verb *verb, const struct line *line, unsigned used)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (line->options[i] && i != OPTION_CONFIG && i != OPTION_HELP &&
            !(verb->options & OPTION_BIT(i))) {
            control_say(CONTROL_USAGE, "%s %s does not take --%s", verb->group, verb->verb,
                        options[i].name);
            return false;
        }
    if (line->count - used >= verb->words_min && line->count - used <= verb->words_max)
        return true;
    control_say(CONTROL_USAGE, "usage: ringmail %s%s%s %s", verb->group, verb->verb[0] ? " " : "",
                verb->verb, verb->usage);
    return false;
}

/* ---- running ---- */

static enum control_exit load_config(const char *path, struct config **out_config)
{
    struct buffer problems;
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    error result = config_load(path, NULL, &problems, out_config);
    slice lines = buffer_slice(&problems);
    if (failed(result))
        fprintf(stderr, "%.*s", SLICE_ARG(lines));
    buffer_close(&problems);
    if (failed(result))
        return control_say(CONTROL_TROUBLE, "the configuration %s cannot be used: %s", path,
                           result.text);
    return CONTROL_DONE;
}

static enum control_exit write_out(struct buffer *out)
{
    if (failed(buffer_check(out)))
        return control_say(CONTROL_TROUBLE, "the answer is too large");
    if (fwrite(out->data ? out->data : "", 1, out->size, stdout) != out->size ||
        fflush(stdout) != 0)
        return CONTROL_TROUBLE; /* who reads is gone */
    return CONTROL_DONE;
}

static enum control_exit run(const struct control_verb *verb, struct line *line, unsigned used)
{
    struct control control = {.count = line->count - used};
    struct config *config = NULL;
    bool needs_config = verb->run != control_hash && !line->options[OPTION_DEFAULTS];
    memcpy(control.options, line->options, sizeof control.options);
    for (unsigned i = 0; i < control.count; i++)
        control.words[i] = slice_from_string(line->words[used + i]);
    if (!control.options[OPTION_CONFIG])
        control.options[OPTION_CONFIG] = getenv("RINGMAIL_CONFIG");
    if (!control.options[OPTION_CONFIG])
        control.options[OPTION_CONFIG] = CONFIG_PATH_DEFAULT;
    if (needs_config) {
        enum control_exit problem = load_config(control.options[OPTION_CONFIG], &config);
        if (problem != CONTROL_DONE)
            return problem;
    }
    control.config = config;
    buffer_init(&control.out, CONTROL_OUTPUT_SIZE_MAX);
    enum control_exit exit = verb->run(&control);
    enum control_exit written = write_out(&control.out);
    buffer_close(&control.out);
    config_destroy(&config);
    return exit != CONTROL_DONE ? exit : written;
}

int main(int count, char **arguments)
{
    struct line line = {0};
    unsigned used = 0;
    log_configure(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
    if (count == 2 && strcmp(arguments[1], "--version") == 0) {
        puts("ringmail " RINGMAIL_VERSION);
        return CONTROL_DONE;
    }
    if (!read_line(arguments, count, &line))
        return CONTROL_USAGE;
    const struct control_verb *verb = find_verb(&line, &used);
    if (!verb)
        return (int)no_verb(&line);
    if (line.options[OPTION_HELP]) {
        print_verb_help(stdout, verb);
        return CONTROL_DONE;
    }
    if (!check_usage(verb, &line, used))
        return CONTROL_USAGE;
    enum control_exit exit = run(verb, &line, used);
    log_flush();
    return (int)exit;
}
