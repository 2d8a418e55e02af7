#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The `ringmail` command: what its verbs share. A verb reads its arguments from `struct control`,
 * does its work blocking (there are no cores here) and returns an exit code. Answers go to standard
 * output, everything else to standard error.
 */
#include "base/buffer.h"
#include "data/directory/edit.h"
#include "server/config/config.h"

/* Scripts may rely on these. */
enum control_exit {
    CONTROL_DONE = 0,
    CONTROL_REFUSED = 1, /* not found, there already, would do too much */
    CONTROL_USAGE = 2,   /* wrong arguments */
    CONTROL_TROUBLE = 3, /* configuration, database, server: trying later may help */
};

#define CONTROL_CONFIG_DEFAULT "/etc/ringmail/ringmail.conf"

enum control_limits {
    CONTROL_ARGUMENTS_MAX = 64,
    CONTROL_OUTPUT_SIZE_MAX = 256 << 20,
    CONTROL_LINE_SIZE_MAX = 4096,
};

enum control_option {
    OPTION_CONFIG,
    OPTION_JSON,
    OPTION_FORCE,
    OPTION_HASH,
    OPTION_SCHEME,
    OPTION_QUOTA,
    OPTION_MESSAGES,
    OPTION_BATCH,
    OPTION_DEFAULTS,
    OPTION_SELECTOR,
    OPTION_TYPE,
    OPTION_BITS,
    OPTION_PATH,
    OPTION_SENDER,
    OPTION_RECIPIENT,
    OPTION_SITE,
    OPTION_HELD,
    OPTION_DOMAIN,
    OPTION_STATE,
    OPTION_OLDER,
    OPTION_AFTER,
    OPTION_LIMIT,
    OPTION_FROM,
    OPTION_RCPT,
    OPTION_IP,
    OPTION_HELO,
    OPTION_MAX,
    OPTION_ALL,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT
};

struct control {
    const struct config *config;
    const char *options[OPTION_COUNT]; /* "" for a switch; NULL where it was not given */
    unsigned count;                    /* words after group and verb */
    slice words[CONTROL_ARGUMENTS_MAX];
    struct buffer out; /* written to standard output when the verb is done */
};

struct control_verb {
    const char *group;
    const char *verb;
    const char *usage; /* after "ringmail GROUP VERB" */
    const char *help;  /* one line, without its full stop */
    const char *more;  /* lines for its own --help; NULL: none */
    unsigned words_min, words_max;
    unsigned options; /* bits of those it takes, beside --config and --help */
    enum control_exit (*run)(struct control *control);
};

#define OPTION_BIT(option) (1u << (option))

/* The verbs, one file per group. */
enum control_exit control_domain_add(struct control *control),
    control_domain_list(struct control *control), control_domain_remove(struct control *control),
    control_user_add(struct control *control), control_user_list(struct control *control),
    control_user_remove(struct control *control), control_user_password(struct control *control),
    control_user_quota(struct control *control), control_alias_add(struct control *control),
    control_alias_list(struct control *control), control_alias_remove(struct control *control),
    control_sender_add(struct control *control), control_sender_list(struct control *control),
    control_sender_remove(struct control *control), control_directory_init(struct control *control),
    control_directory_invalidate(struct control *control), control_hash(struct control *control),
    control_queue_list(struct control *control), control_queue_show(struct control *control),
    control_queue_flush(struct control *control), control_queue_hold(struct control *control),
    control_queue_release(struct control *control), control_queue_delete(struct control *control),
    control_queue_bounce(struct control *control), control_queue_stats(struct control *control),
    control_queue_sites(struct control *control), control_stats(struct control *control),
    control_config_show(struct control *control), control_config_check(struct control *control),
    control_dkim_create(struct control *control), control_dkim_show(struct control *control),
    control_dns_show(struct control *control), control_dns_check(struct control *control),
    control_spam_learn(struct control *control), control_spam_rules(struct control *control);

enum control_exit control_spam_check(struct control *control);
enum control_exit control_sieve_check(struct control *control),
    control_sieve_test(struct control *control);

/* A whole file ("-": standard input). */
error control_read_file(slice name, struct buffer *out);
/* Mail as it would come by SMTP: a file may have bare line ends. */
void control_add_crlf(struct buffer *out, slice text);

/* "ringmail: ..." on standard error; returns `exit`. */
enum control_exit control_say(enum control_exit exit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The exit code of an error of edit.h, said with its words. CONTROL_DONE for OK. */
enum control_exit control_outcome(const struct directory_edit *edit, error problem);
/* Opens the database of the configuration; says what is wrong where it cannot. */
enum control_exit control_edit_open(struct control *control, struct directory_edit **out_edit);
/* Tells the running server to forget (subject empty: everything). That no server runs is fine; that
 * one could not be told is a warning, not a failure: its cache ends by itself. */
void control_invalidate(const struct control *control, slice subject);

/* Verbs on a table of pairs (aliases, senders): the first word with each of the others, all or
 * none; the first word with the second, or with all it has; a row as text. */
typedef error control_edit_pair(struct directory_edit *edit, slice first, slice second);
enum control_exit control_edit_pairs_add(struct control *control, control_edit_pair *add);
enum control_exit control_edit_pairs_remove(struct control *control, control_edit_pair *remove);
error control_edit_pair_text(void *argument, const struct directory_edit_row *row);

/* A list verb: each row of the domain (empty: of all) by add_text with the control as argument, or,
 * with
 * --json, by add_json with the json_writer, inside one array. */
enum control_exit control_edit_list(struct control *control, enum directory_edit_list list,
                                    slice domain, directory_edit_visit *add_text,
                                    directory_edit_visit *add_json);

/* 5G, 512M, 1000, none. Says what is wrong. */
bool control_parse_bytes(const char *text, uint64_t *out_bytes);
bool control_parse_count(const char *text, uint64_t *out_count);
/* "5G" where it is a round number, else digits; "-" for 0. */
void control_add_bytes(struct buffer *out, uint64_t bytes);
