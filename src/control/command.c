/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/command.h"
#include "crypto/password.h"

const struct control_option_row control_options[OPTION_COUNT] = {
    [OPTION_CONFIG] = {"config", "FILE",
                       "the server's configuration (" CONTROL_CONFIG_DEFAULT
                       ", or $RINGMAIL_CONFIG)"},
    [OPTION_JSON] = {"json", NULL, "answer in JSON"},
    [OPTION_FORCE] = {"force", NULL, "do it in spite of what speaks against it"},
    [OPTION_HASH] = {"hash", "HASH", "a ready password hash with its {SCHEME}"},
    [OPTION_SCHEME] = {"scheme", "NAME", PASSWORD_MADE_SCHEMES},
    [OPTION_QUOTA] = {"quota", "SIZE", "bytes of mail: 500M, 5G, none"},
    [OPTION_MESSAGES] = {"messages", "COUNT", "number of messages: 100000, none"},
    [OPTION_BATCH] = {"batch", NULL,
                      "many at once from standard input: ADDRESS, a blank, password or hash"},
    [OPTION_DEFAULTS] = {"defaults", NULL, "every setting at its default, explained"},
    [OPTION_SELECTOR] = {"selector", "NAME", "of the key (ringmail, or ringmail-ed25519)"},
    [OPTION_TYPE] = {"type", "TYPE", "rsa (default) or ed25519"},
    [OPTION_BITS] = {"bits", "BITS", "of an RSA key (2048)"},
    [OPTION_PATH] = {"path", "FILE", "where the key goes (as dkim.path says)"},
    [OPTION_SENDER] = {"sender", "WHO", "mails from an address, or @domain"},
    [OPTION_RECIPIENT] = {"recipient", "WHO", "mails for an address, or @domain"},
    [OPTION_SITE] = {"site", "SITE", "mails that go to a site, as queue sites names it"},
    [OPTION_DOMAIN] = {"domain", "NAME", "mails for recipients of a domain"},
    [OPTION_STATE] = {"state", "STATE", "waiting, active, held, deferred; several with commas"},
    [OPTION_OLDER] = {"older", "AGE", "mails that came before so long: 30m, 12h, 5d"},
    [OPTION_AFTER] = {"after", "ID", "the page behind this mail"},
    [OPTION_LIMIT] = {"limit", "COUNT", "so many at most (1000)"},
    [OPTION_HELD] = {"held", NULL, "mails that are held"},
    [OPTION_FROM] = {"from", "SENDER", "who it is from, as MAIL FROM says"},
    [OPTION_RCPT] = {"rcpt", "ADDRESS", "whom it is for"},
    [OPTION_IP] = {"ip", "ADDRESS", "of the client; without it nobody asks SPF, DKIM and DMARC"},
    [OPTION_HELO] = {"helo", "NAME", "as the client says hello"},
    [OPTION_MAX] = {"max", "COUNT", "so many at most"},
    [OPTION_ALL] = {"all", NULL, "every mail there is"},
    [OPTION_HELP] = {"help", NULL, "this"},
    [OPTION_VERSION] = {"version", NULL, "name and version"},
};

const struct control_group control_groups[] = {
    {"domain", "Domains that have mail here"},
    {"user", "Accounts"},
    {"alias", "Addresses that lead elsewhere"},
    {"sender", "As whom accounts may write beside themselves"},
    {"directory", "The database behind them"},
    {"hash", "Password hashes"},
    {"queue", "Mail on its way"},
    {"spam", "What mail is wanted"},
    {"sieve", "Scripts that sort mail"},
    {"dkim", "Keys that sign mail"},
    {"dns", "What DNS must say"},
    {"config", "The configuration"},
    {"stats", "The running server"},
    {NULL, NULL},
};

enum {
    LIST_OPTIONS = OPTION_BIT(OPTION_JSON),
    SECRET_OPTIONS = OPTION_BIT(OPTION_HASH) | OPTION_BIT(OPTION_SCHEME),
    CHECK_OPTIONS = OPTION_BIT(OPTION_FROM) | OPTION_BIT(OPTION_RCPT) | OPTION_BIT(OPTION_IP) |
                    OPTION_BIT(OPTION_HELO) | OPTION_BIT(OPTION_JSON),
    SELECT_OPTIONS = OPTION_BIT(OPTION_SENDER) | OPTION_BIT(OPTION_RECIPIENT) |
                     OPTION_BIT(OPTION_SITE) | OPTION_BIT(OPTION_DOMAIN) |
                     OPTION_BIT(OPTION_STATE) | OPTION_BIT(OPTION_OLDER) | OPTION_BIT(OPTION_HELD) |
                     OPTION_BIT(OPTION_MAX),
    PAGE_OPTIONS = OPTION_BIT(OPTION_AFTER) | OPTION_BIT(OPTION_LIMIT),
    ORDER_OPTIONS = SELECT_OPTIONS | OPTION_BIT(OPTION_ALL) | OPTION_BIT(OPTION_JSON),
    QUOTA_OPTIONS = OPTION_BIT(OPTION_QUOTA) | OPTION_BIT(OPTION_MESSAGES),
    KEY_OPTIONS = OPTION_BIT(OPTION_SELECTOR) | OPTION_BIT(OPTION_TYPE) | OPTION_BIT(OPTION_BITS) |
                  OPTION_BIT(OPTION_PATH) | OPTION_BIT(OPTION_FORCE),
};

#define PASSWORD_WORDS                                                                             \
    "On a terminal the password is asked for twice; else it is the first line of standard\n"       \
    "input. It never stands on the command line, where others could see it.\n"

static const char user_add_more[] =
    PASSWORD_WORDS "\n"
                   "  ringmail user add anna@example.org --quota 5G\n"
                   "  ringmail user add anna@example.org --hash '{BLF-CRYPT}$2y$10$...'\n"
                   "  ringmail user add --batch < accounts.txt       all of them or none\n";
static const char secret_more[] = PASSWORD_WORDS;
static const char stats_more[] =
    "One line for each count that is not zero since the server started, summed over its cores:\n"
    "the name, its labels in braces, the value. Times are in seconds; a name that ends in _sum\n"
    "divided by the one in _count is the average. With --json: the same with percentiles, cores,\n"
    "memory and the queue. The live dashboard and /metrics for Prometheus are at listen.admin.\n"
    "\n"
    "  ringmail stats | grep smtp_\n"
    "  ringmail stats --json | jq .queue\n";
static const char queue_more[] =
    "Which mails: an ID as \"ringmail queue list\" shows it, or those that all the options given\n"
    "fit; an order wants one of them, or --all. Needs the running server.\n"
    "\n"
    "  ringmail queue hold --sender @bulk.example\n"
    "  ringmail queue flush --site mx.example.net\n";
static const char dkim_create_more[] =
    "The key goes into a file of the server's, which uses it after a reload; what must be\n"
    "published is printed as a line of a zone file. A key that is there already is kept, and its\n"
    "record printed again. A domain that the directory does not know is refused, because it is\n"
    "misspelt, most of the time; --force makes a key for one that accounts only write as\n"
    "(ringmail sender add).\n";
static const char config_show_more[] =
    "  ringmail config show --defaults | grep -A1 login    what a setting means and its default\n";

static const char sieve_test_more[] =
    "One action a line, in the order in which they would be carried out. The envelope is that of\n"
    "--from and --rcpt; without them the mail's Return-Path: and Delivered-To: fields say it. "
    "What\n"
    "a script asks of the account (which mailboxes there are, what was seen before) is not known\n"
    "here: there is only INBOX. Scripts that it includes are looked for beside SCRIPT.\n";

static const char spam_learn_more[] =
    "PATH is a file with one mail, or a folder (a Maildir's cur, say) with such files, and with\n"
    "folders of them. A server that runs sees what was learned within half a minute; it counts\n"
    "from spam.rules.learn_minimum mails of each kind on.\n"
    "  ringmail spam learn spam /var/vmail/example.org/anna/Maildir/.Junk/cur\n";

const struct control_verb control_verbs[] = {
    {"domain", "add", "DOMAIN...", "Receive mail for a domain", NULL, 1, CONTROL_ARGUMENTS_MAX, 0,
     control_domain_add},
    {"domain", "list", "", "Show the domains", NULL, 0, 0, LIST_OPTIONS, control_domain_list},
    {"domain", "remove", "DOMAIN", "Forget a domain; --force: with its users and aliases", NULL, 1,
     1, OPTION_BIT(OPTION_FORCE), control_domain_remove},
    {"user", "add", "ADDRESS", "Make an account; the password is asked for or read from stdin",
     user_add_more, 0, 1, SECRET_OPTIONS | QUOTA_OPTIONS | OPTION_BIT(OPTION_BATCH),
     control_user_add},
    {"user", "list", "[DOMAIN]", "Show the accounts", NULL, 0, 1, LIST_OPTIONS, control_user_list},
    {"user", "remove", "ADDRESS", "Remove an account; its mail stays on disk", NULL, 1, 1, 0,
     control_user_remove},
    {"user", "password", "ADDRESS", "Change a password; it is asked for or read from stdin",
     secret_more, 1, 1, SECRET_OPTIONS, control_user_password},
    {"user", "quota", "ADDRESS", "Change how much an account may hold", NULL, 1, 1, QUOTA_OPTIONS,
     control_user_quota},
    {"alias", "add", "SOURCE DESTINATION...",
     "Lead mail for SOURCE (or @domain: all the rest) elsewhere", NULL, 2, CONTROL_ARGUMENTS_MAX, 0,
     control_alias_add},
    {"alias", "list", "[DOMAIN]", "Show the aliases", NULL, 0, 1, LIST_OPTIONS, control_alias_list},
    {"alias", "remove", "SOURCE [DESTINATION]", "Remove one destination of an alias, or all", NULL,
     1, 2, 0, control_alias_remove},
    {"sender", "add", "ACCOUNT SENDER...",
     "Let an account write as another address, or as any of @domain", NULL, 2,
     CONTROL_ARGUMENTS_MAX, 0, control_sender_add},
    {"sender", "list", "[DOMAIN]", "Show as whom accounts may write beside themselves", NULL, 0, 1,
     LIST_OPTIONS, control_sender_list},
    {"sender", "remove", "ACCOUNT [SENDER]", "Take back one such address, or all", NULL, 1, 2, 0,
     control_sender_remove},
    {"directory", "init", "", "Make the tables that are missing in the database", NULL, 0, 0, 0,
     control_directory_init},
    {"directory", "invalidate", "[SUBJECT]",
     "Make the running server forget an address, a domain or everything", NULL, 0, 1, 0,
     control_directory_invalidate},
    {"hash", "", "", "Print a password's hash; it is asked for or read from stdin", secret_more, 0,
     0, OPTION_BIT(OPTION_SCHEME), control_hash},
    {"stats", "", "", "What the running server counts", stats_more, 0, 0, LIST_OPTIONS,
     control_stats},
    {"queue", "list", "[ID]", "Show the mails that wait, the oldest first, in pages", queue_more, 0,
     1, LIST_OPTIONS | SELECT_OPTIONS | PAGE_OPTIONS, control_queue_list},
    {"queue", "sites", "", "Where mail waits to go, how much, since when, and why", NULL, 0, 0,
     LIST_OPTIONS | OPTION_BIT(OPTION_LIMIT), control_queue_sites},
    {"queue", "show", "ID", "Print a mail as it would be sent", NULL, 1, 1, 0, control_queue_show},
    {"queue", "flush", "[ID]", "Try mails now, pauses of their sites notwithstanding", queue_more,
     0, 1, ORDER_OPTIONS, control_queue_flush},
    {"queue", "hold", "[ID]", "Keep mails until they are released; they expire all the same",
     queue_more, 0, 1, ORDER_OPTIONS, control_queue_hold},
    {"queue", "release", "[ID]", "Undo hold, and what senders wanted to go later", queue_more, 0, 1,
     ORDER_OPTIONS, control_queue_release},
    {"queue", "delete", "[ID]", "Forget mails without telling anybody", queue_more, 0, 1,
     ORDER_OPTIONS, control_queue_delete},
    {"queue", "bounce", "[ID]", "Give mails up and tell their senders", queue_more, 0, 1,
     ORDER_OPTIONS, control_queue_bounce},
    {"queue", "stats", "", "The queue in numbers, and where mail waits", NULL, 0, 0, LIST_OPTIONS,
     control_queue_stats},
    {"spam", "check", "FILE", "What would become of a message (\"-\": standard input), and why",
     NULL, 1, 1, CHECK_OPTIONS, control_spam_check},
    {"spam", "learn", "ham|spam PATH...", "Learn from mail that was wanted, or was not",
     spam_learn_more, 2, CONTROL_ARGUMENTS_MAX, LIST_OPTIONS, control_spam_learn},
    {"spam", "rules", "", "What our own rules can say of a mail, and their scores", NULL, 0, 0,
     LIST_OPTIONS, control_spam_rules},
    {"sieve", "check", "FILE...", "Is there a mistake in a script (\"-\": standard input)", NULL, 1,
     CONTROL_ARGUMENTS_MAX, 0, control_sieve_check},
    {"sieve", "test", "SCRIPT MAIL", "What a script would do with a mail; nothing is done",
     sieve_test_more, 2, 2, OPTION_BIT(OPTION_FROM) | OPTION_BIT(OPTION_RCPT), control_sieve_test},
    {"dkim", "create", "DOMAIN", "Make a key that signs a domain's mail; print its DNS record",
     dkim_create_more, 1, 1, LIST_OPTIONS | KEY_OPTIONS, control_dkim_create},
    {"dkim", "show", "DOMAIN", "The DNS records of a domain's keys", NULL, 1, 1, LIST_OPTIONS,
     control_dkim_show},
    {"dns", "show", "DOMAIN", "Every DNS record the domain needs", NULL, 1, 1, LIST_OPTIONS,
     control_dns_show},
    {"dns", "check", "DOMAIN", "Ask DNS for them, and say what is missing or wrong", NULL, 1, 1,
     LIST_OPTIONS, control_dns_check},
    {"config", "show", "", "The configuration as the server reads it", config_show_more, 0, 0,
     LIST_OPTIONS | OPTION_BIT(OPTION_DEFAULTS), control_config_show},
    {"config", "check", "", "Check the configuration file", NULL, 0, 0, 0, control_config_check},
    {NULL},
};
