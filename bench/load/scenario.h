#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a load test does, read from a small text file: one `key value` a line, `#` comments, sizes
 * with k/m/g, times with us/ms/s/m. Keys before the first `flow NAME` describe the run, those after
 * it the flow. README.md lists them all.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    LOAD_FLOWS_MAX = 16,
    LOAD_STEPS_MAX = 24,
    LOAD_SIZES_MAX = 8,
    LOAD_SCENARIO_SIZE_MAX = 256 * 1024
};

enum load_protocol { LOAD_SMTP, LOAD_SUBMISSION, LOAD_LMTP, LOAD_IMAP, LOAD_POP3, LOAD_PROTOCOLS };
enum load_tls { LOAD_TLS_NONE, LOAD_TLS_START, LOAD_TLS_IMPLICIT };

/* Sizes are drawn band by band: the band by weight, then evenly within it. */
struct load_size {
    double weight;
    uint64_t low, high; /* bytes of the whole message */
};

enum load_action { LOAD_COMMAND, LOAD_APPEND, LOAD_IDLE, LOAD_VERIFY, LOAD_SLEEP };

/* One step of an IMAP or POP3 flow. */
struct load_step {
    const char *label; /* names its phase in the report */
    enum load_action action;
    slice text;   /* the command without tag, or the mailbox of an append */
    int64_t span; /* ns: of LOAD_IDLE and LOAD_SLEEP */
};

struct load_flow {
    const char *name;
    enum load_protocol protocol;
    const char *host; /* address, or a path for a Unix socket */
    uint16_t port;
    enum load_tls tls;
    double tls_share;        /* 0..1 of the connections use TLS */
    unsigned connections;    /* over all cores */
    uint64_t per_connection; /* operations before it reconnects; 0: never */
    double rate;             /* operations per second, open loop; 0: closed loop */
    double weight;           /* share of the run's rate; 0: not in the mix */
    int64_t think;           /* ns between operations of a closed loop */
    unsigned recipients;     /* per message */
    slice user;              /* "user%04d@example.org": % takes the number */
    unsigned user_first, user_last;
    slice password;
    slice sender;
    slice login; /* submission: who logs in and sends, "user%04d@example.org"; empty: `user` */
    struct load_size sizes[LOAD_SIZES_MAX];
    unsigned size_count;
    struct load_step steps[LOAD_STEPS_MAX];
    unsigned step_count;
    bool pipeline; /* SMTP: MAIL, RCPT and DATA in one write */
    bool refusals; /* SMTP: a mail refused after its dot is an operation done, not a failure */
    const char *mail_path; /* SMTP: what is sent instead of letters made up; NULL: those */
    slice mail;            /* its content as it goes over the wire; load_letter_read fills it */
};

struct load_scenario {
    const char *name;
    int64_t duration; /* ns measured, after the warm-up */
    int64_t warmup;   /* ns */
    uint64_t count;   /* operations of all flows; 0: by duration */
    double rate;      /* of the whole mix, shared out by weight */
    unsigned cores;
    uint64_t seed;
    int64_t target;         /* ns: the latency a ramp must keep; 0: no ramp */
    double target_quantile; /* 0.99 */
    struct load_flow flows[LOAD_FLOWS_MAX];
    unsigned flow_count;
};

/* Pure. ERROR_MALFORMED, with the line number and what is wrong with it in *out_complaint (in the
 * arena). */
error load_scenario_parse(slice text, struct arena *arena, struct load_scenario *out_scenario,
                          slice *out_complaint);
/* The same for one "key value" from the command line ("smtp.rate=100", "duration=5s"). */
error load_scenario_set(struct load_scenario *scenario, slice assignment, struct arena *arena,
                        slice *out_complaint);
/* Shares the mix's rate out over the flows; checks that nothing is missing. */
error load_scenario_finish(struct load_scenario *scenario, struct arena *arena,
                           slice *out_complaint);

/* The name of user `number` of the flow (number counts from 0, wraps). */
slice load_flow_user(const struct load_flow *flow, uint64_t number, char *room, size_t room_size);
/* Who logs in for a submission: `login` where it is given. */
slice load_flow_login(const struct load_flow *flow, uint64_t number, char *room, size_t room_size);
const char *load_protocol_name(enum load_protocol protocol);
