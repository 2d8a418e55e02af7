#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is this mail wanted? Asked once per message that comes in, while the client waits for its reply.
 * The setting spam.engine says who answers: nobody, our own rules (filter/spam/engine.h) or an
 * rspamd beside us (filter/spam/rspamd.h). Whoever it is gives symbols with scores; what follows
 * from their sum is decided here, by spam.junk_score, delay_score and refuse_score.
 *
 * Runs on the accepting core. A mail that cannot be judged in time is treated as spam.on_failure
 * says; it is never lost.
 */
#include "base/arena.h"
#include "base/time.h"
#include "filter/authentic/authentic.h"
#include "net/address.h"

enum spam_limits {
    SPAM_SYMBOLS_MAX = 256,         /* of a verdict; more are counted in its score only */
    SPAM_SYMBOL_NAME_SIZE_MAX = 64, /* bytes */
    SPAM_SYMBOL_REASON_SIZE_MAX = 256,
    SPAM_FIELDS_SIZE_MAX = 8 << 10, /* of what is put before the message */
    SPAM_REPLY_SIZE_MAX = 400,      /* of the text that is said with a refusal */
    SPAM_SCORE_MAX = 100000,        /* of one symbol, either way; more is cut */
};

enum spam_action {
    SPAM_ACCEPT,
    SPAM_JUNK,   /* delivered into the mailbox for junk */
    SPAM_DELAY,  /* 4xx: come again later */
    SPAM_REFUSE, /* 5xx */
};

struct spam_mail {
    slice id;            /* for logs */
    struct address peer; /* ADDRESS_NONE: nobody knows (an operator asks) */
    slice helo;
    slice host;    /* our name */
    slice sender;  /* reverse path; empty: <> */
    slice account; /* who logged in; empty: a stranger */
    const slice *recipients;
    unsigned recipient_count;
    slice message; /* contiguous, CRLF, as it came */
    bool tls;
    slice tls_version, tls_cipher;     /* empty without TLS */
    const struct authentic *authentic; /* NULL: nobody asked */
    instant deadline; /* of whoever asks; spam.timeout may end sooner; 0: that alone */
};

/* One thing that speaks for (score below 0) or against a mail. */
struct spam_symbol {
    slice name;   /* "SPF_FAIL" */
    slice reason; /* "192.0.2.1 for example.org"; may be empty */
    double score;
};

struct spam_verdict {
    enum spam_action action;
    bool judged;   /* false: off, too large, or it could not be asked; then `action` is a setting */
    error problem; /* why not; OK where nobody was to be asked */
    double score;  /* sum of all symbols */
    double required; /* from which a mail is junk; 0: none is */
    struct spam_symbol *symbols;
    unsigned symbol_count;
    slice reply;  /* text for DELAY and REFUSE; empty: the reply table's */
    slice fields; /* header fields to put before the message, each with its CRLF; may be empty */
};

/* The settings are borrowed for good. */
struct spam_settings;
struct spam_engine_settings;
struct spam_options {
    const struct spam_settings *settings;
    const struct spam_engine_settings *engine;
    slice learned; /* the classifier's file; empty: none */
};
/* On each core, with the settings that hold from now on (again at a reload). */
error spam_start(const struct spam_options *options);
/* WAITS. When no session is left on the core. */
void spam_stop(void);
/* NULL: nothing was started here. */
const struct spam_settings *spam_settings_here(void);

/* Is mail of this client judged? Not where spam.engine is none, nor in spam.trusted; what our
 * accounts submit only with spam.submission. */
bool spam_is_wanted(const struct address *peer, bool submission);

/* WAITS. OK whatever becomes of the question; an error only for memory and cancellation. Everything
 * in the verdict lies in the arena. */
error spam_judge(const struct spam_mail *mail, struct arena *arena,
                 struct spam_verdict *out_verdict);

/* What a score means: of the thresholds it reaches (0: there is none) the highest decides. Pure. */
enum spam_action spam_decide(const struct spam_settings *settings, double score);
/* For engines: the symbol, copied and cut, and its score; past SPAM_SYMBOLS_MAX its score only. */
error spam_verdict_add(struct spam_verdict *verdict, const struct spam_symbol *symbol,
                       struct arena *arena);

/* For logs: "accept", "junk" ... */
const char *spam_action_name(enum spam_action action);
