#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sieve (RFC 5228 and extensions: sieve_capabilities): a script is compiled once, and asked of each
 * mail what is to become of it. It does nothing by itself: the answer is a list of actions, in the
 * order of the script, which whoever delivers carries out (transport/deliver/sieve). A compiled
 * script never changes while it runs, may be cached, and belongs to its core. Bounds: sieve_limits.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct sieve_script;

enum sieve_limits {
    SIEVE_SCRIPT_SIZE_MAX = 1 << 20,    /* bytes of a script */
    SIEVE_SCRIPT_MEMORY_MAX = 16 << 20, /* of a compiled script */
    SIEVE_RUN_MEMORY_MAX = 64 << 20,    /* of one run; the mail's decoded parts are in it */
    SIEVE_STEPS_MAX = 1000000,   /* work of one run: commands, tests and comparisons, more for long
                                    texts */
    SIEVE_ACTIONS_MAX = 256,     /* where the caller allows more */
    SIEVE_REDIRECTS_DEFAULT = 4, /* where the caller says nothing */
    SIEVE_VARIABLES_MAX = 128,   /* RFC 5229 6: at least 128 */
    SIEVE_VARIABLE_SIZE_MAX = 4096,     /* bytes; RFC 5229 6: at least 4000 */
    SIEVE_MATCH_VALUES_MAX = 32,        /* ${0} .. ${31}; RFC 5229 6: at least ${9} */
    SIEVE_FLAGS_MAX = 64,               /* of one mail */
    SIEVE_HEADERS_ADDED_MAX = 64,       /* by editheader */
    SIEVE_ADDED_HEADER_SIZE_MAX = 4096, /* bytes of one of them */
    SIEVE_INCLUDE_DEPTH_MAX = 10,       /* scripts that include each other (RFC 6609) */
    SIEVE_INCLUDES_MAX = 100,           /* scripts that one run includes */
    SIEVE_BLOCKS_MAX = 64, /* blocks within blocks at work, those of included scripts counted */
    SIEVE_PROBLEM_SIZE_MAX = 200,
};

struct sieve_problem {
    unsigned line;
    char text[SIEVE_PROBLEM_SIZE_MAX]; /* one line */
};

/* ERROR_MALFORMED where the script is wrong: *out_problem says what and where. ERROR_LIMIT:
 * likewise, or no memory. Keeps nothing of `text`. */
error sieve_compile(slice text, struct sieve_script **out_script,
                    struct sieve_problem *out_problem);
void sieve_script_destroy(struct sieve_script **script);
/* What a script may require, separated by spaces, as ManageSieve says it. Static. */
slice sieve_capabilities(void);
/* The same for NOTIFY (RFC 5804 1.7). Static. */
slice sieve_notify_methods(void);

enum sieve_action_kind {
    SIEVE_ACTION_KEEP,
    SIEVE_ACTION_FILEINTO,
    SIEVE_ACTION_REDIRECT,
    SIEVE_ACTION_DISCARD,
    SIEVE_ACTION_REJECT,   /* RFC 5429 */
    SIEVE_ACTION_VACATION, /* RFC 5230 */
    SIEVE_ACTION_NOTIFY,   /* RFC 5435, 5436 */
};

/* Where a mail goes, or a copy of what is sent (RFC 8580). */
struct sieve_target {
    slice mailbox;      /* UTF-8; INBOX for keep; data NULL: none */
    bool create;        /* RFC 5490 */
    slice special_use;  /* RFC 8579: goes before `mailbox` where there is one of it; empty: none */
    const slice *flags; /* RFC 5232: "\\Seen", keywords */
    unsigned flag_count;
};

struct sieve_action {
    enum sieve_action_kind kind;
    unsigned line;
    slice text;    /* mailbox, address, reason, or notify's method (mailto:...) */
    slice header;  /* as it is now with its empty line, where the script edited it (RFC 5293);
                      data NULL: it did not */
    bool implicit; /* keep that no command asked for */
    bool copy;     /* RFC 3894: did not cancel the implicit keep */
    bool ereject;  /* RFC 5429 2.1: inside the dialogue, if at all possible */
    struct sieve_target to;    /* keep, fileinto */
    slice dsn_notify, dsn_ret; /* redirect (RFC 6009): "NEVER", "FAILURE,DELAY"; "FULL", "HDRS" */
    /* vacation, notify */
    slice subject;    /* vacation: as said; data NULL: not said (RFC 5230 4.6 makes one) */
    slice from;       /* data NULL: not said */
    slice handle;     /* vacation: which replies count as one (RFC 5230 4.2, 4.7) */
    slice message;    /* vacation: the reason, or with `mime` a MIME entity; notify: :message */
    slice importance; /* notify: "1", "2", "3" */
    bool mime;
    int64_t seconds;        /* between two replies; -1: not said; 0: always (RFC 6131) */
    const slice *addresses; /* vacation: :addresses; notify: :options */
    unsigned address_count;
    struct sieve_target fcc; /* where a copy of the reply goes; mailbox.data NULL: nowhere */
};

/* What a script may ask of the world; each may WAIT. NULL functions: no, never. */
struct sieve_world {
    void *context;
    bool (*mailbox_exists)(void *context, slice name);
    /* `mailbox` empty: has any mailbox that use? */
    bool (*special_use_exists)(void *context, slice use, slice mailbox);
    /* RFC 7352: was it seen within `seconds`? Notes that it was now; with `last` the time counts
     * from the last one seen. */
    bool (*is_duplicate)(void *context, slice handle, slice id, int64_t seconds, bool last);
    /* RFC 6609: the account's script of that name, or with `global` that of everybody, compiled;
     * it stays as long as the actions are looked at. ERROR_NOT_FOUND; another error: it cannot be
     * read, or does not compile: *out_problem says why. */
    error (*include)(void *context, slice name, bool global, const struct sieve_script **out_script,
                     struct sieve_problem *out_problem);
};

enum sieve_virus { /* RFC 5235 3 */
                   SIEVE_VIRUS_UNTESTED = 0,
                   SIEVE_VIRUS_NONE = 1,
                   SIEVE_VIRUS_CURED = 3,
                   SIEVE_VIRUS_MAYBE = 4,
                   SIEVE_VIRUS_FOUND = 5,
};

struct sieve_input {
    slice message;                              /* CRLF */
    slice from;                                 /* reverse path */
    slice to;                                   /* as RCPT named it */
    slice auth;                                 /* who logged in to send it, or empty */
    int64_t now;                                /* seconds since 1970 */
    int zone_minutes;                           /* of the host, east of UTC */
    slice host, domain, remote_host, remote_ip; /* environment (RFC 5183 4.1) */
    bool spam_tested;
    double spam_percent; /* 0 .. 100 (RFC 5235 2) */
    enum sieve_virus virus;
    struct sieve_world world;
};

struct sieve_result {
    struct sieve_action *actions;
    unsigned count;
    bool keeps; /* mail is kept: a keep is among the actions, implicit or not */
    /* A script that failed: the actions are one implicit keep (RFC 5228 2.10.6). */
    bool failed;
    struct sieve_problem problem;
};

/* WAITS as its world does. In the arena. Beyond `actions_max` and `redirects_max` the script
 * fails. ERROR_LIMIT only where the arena is full. */
error sieve_run(const struct sieve_script *script, const struct sieve_input *input,
                unsigned actions_max, unsigned redirects_max, struct arena *arena,
                struct sieve_result *out_result);

/* "fileinto \"Junk\" :flags \"\\Seen\"\n" ..., one line an action: for people and tests. */
struct buffer;
void sieve_result_write(const struct sieve_result *result, struct buffer *out);
