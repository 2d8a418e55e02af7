#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The queue: mail that was accepted and is on its way, to other servers, through a transport, or
 * into a mailbox of ours (mail with a delivery report to make, or for mailboxes and strangers at
 * once). What queue_submit said OK to is delivered once or comes back as a bounce, whatever stops
 * in between. How: README.md beside this file.
 *
 * The core that accepts a mail owns it: its journal made it durable, its spool and log keep it.
 * Each destination (site) has a core of its own, which alone knows its concurrency, connections and
 * pauses. Bounds: queue_limits and the settings.
 */
#include "base/slice.h"
#include "base/time.h"
#include "format/smtp/command.h"
#include "runtime/body.h"
#include "transport/queue/settings.h"

struct remote_settings;

typedef uint64_t queue_id; /* unique, also over restarts; shown as 16 hex digits */

enum queue_limits {
    QUEUE_RECIPIENTS_MAX = 5000,       /* of one mail */
    QUEUE_ENVELOPES_MAX = 16,          /* of one submission */
    QUEUE_ENVELOPE_SIZE_MAX = 4 << 20, /* bytes of one mail's texts */
    QUEUE_PREFIX_SIZE_MAX = 64 << 10,  /* bytes of header fields put before the body */
    QUEUE_RESPONSE_SIZE_MAX = 512,     /* bytes kept of a remote server's last words */
    QUEUE_ID_TEXT_SIZE = 17,           /* 16 hex digits and the NUL */
    QUEUE_LIST_COUNT_MAX = 10000,      /* mails of one page of a list */
    QUEUE_SITES_COUNT_MAX = 10000,     /* destinations that are told apart in a list of them */
    QUEUE_SITES_ASKED_MAX = 100,       /* of those, routes asked for to name them, for at most: */
    QUEUE_SITES_ASKED_MS = 2000,
};

struct queue_recipient {
    slice address;   /* local@domain, domain in A-labels */
    bool final;      /* an account's own address, +detail or not: no alias is followed any more */
    unsigned notify; /* enum smtp_notify bits (RFC 3461 4.1) */
    slice orcpt_type, orcpt_address; /* RFC 3461 4.2, decoded; empty: none was given */
};

/* One mail: an envelope over the submission's body. Borrowed until queue_submit returns. */
struct queue_envelope {
    slice sender; /* reverse path; empty: <> */
    slice prefix; /* header fields of this mail alone, each with CRLF: Received:, DKIM-Signature: */
    const struct queue_recipient *recipients;
    unsigned recipient_count;
    enum smtp_body body;
    bool utf8;             /* SMTPUTF8 */
    enum smtp_return ret;  /* RFC 3461 4.3 */
    slice envid;           /* decoded; empty: none */
    bool require_tls;      /* RFC 8689 */
    bool tls_optional;     /* "TLS-Required: No": policies of the domain need not hold (8689 5) */
    int priority;          /* RFC 6710: -9..9 */
    int64_t hold_until;    /* seconds since 1970, RFC 4865; 0: at once */
    int64_t deliver_by;    /* seconds since 1970, RFC 2852; 0: no limit but the settings' */
    char deliver_by_mode;  /* 'N', 'R'; 0 */
    bool deliver_by_trace; /* RFC 2852 4: report relaying */
    slice account; /* who submitted it: its share of a busy site; empty: by sender's domain */
    slice origin;  /* for logs: id of the mail in its session */
    queue_id id;   /* result */
};

struct queue_submission {
    struct queue_envelope *envelopes; /* all or none are taken */
    unsigned count;
    struct body *body; /* CRLF; on success it is the queue's and *body is empty */
    instant deadline;  /* for room in the journal; 0: 60 s */
};

/* WAITS until durable (group commit). OK: the mails are the queue's. Any error: none is.
 * ERROR_TEMPORARY: no room or the disk fails; ERROR_LIMIT: past queue_limits; ERROR_BUSY: the queue
 * has queue.mails_max. Any core, in a fiber. */
error queue_submit(struct queue_submission *submission);

/* WAITS. Life, by the server's boss, on one core's fiber while all cores run. queue_load before
 * store_start (reads the logs, and takes part in the journals' replay); queue_start after it;
 * queue_stop when no session is left and before store_stop: attempts in flight get until `deadline`
 * to end, then are cut. */
struct queue_options {
    const struct queue_settings *settings;
    const struct remote_settings *remote; /* of connections */
    slice hostname;                       /* HELO, Reporting-MTA */
    slice path; /* of spool and log where settings->path is empty: store.path/queue */
};
error queue_load(const struct queue_options *options);
error queue_start(void);
error queue_stop(instant deadline);
/* After a reload: from now on these settings; the old ones stay alive. */
void queue_set_settings(const struct queue_settings *settings,
                        const struct remote_settings *remote);

/* ---- For operators. All WAIT: they visit every core. ---- */

/* What is meant: empty fields match everything. */
struct queue_selection {
    queue_id id;            /* 0: any */
    queue_id after;         /* those with higher ids, which came later */
    slice sender;           /* address, or @domain */
    slice recipient;        /* address, or @domain: mails with such a recipient still open */
    slice domain;           /* the same by domain alone */
    slice site;             /* as queue_sites shows it: where its route led last, since it was first
                               looked for, whatever was restarted meanwhile */
    unsigned states;        /* bits of enum queue_state: a recipient still open is in one of them */
    int64_t arrived_before; /* seconds since 1970; 0: whenever */
    bool held_only;
    unsigned count_max; /* 0: no bound */
};
enum queue_state {
    QUEUE_STATE_WAITING = 1 << 0,  /* for its next try */
    QUEUE_STATE_ACTIVE = 1 << 1,   /* its route is looked for, it is in line, or being sent */
    QUEUE_STATE_HELD = 1 << 2,     /* for the operator */
    QUEUE_STATE_DEFERRED = 1 << 3, /* tried before, in vain; whatever it does now */
};
/* "waiting", ...; false: there is no such. */
bool queue_state_parse(slice name, enum queue_state *out_state);
enum queue_order {
    QUEUE_FLUSH,   /* try now, but for what FUTURERELEASE holds */
    QUEUE_HOLD,    /* not before released; expiry goes on */
    QUEUE_RELEASE, /* undo hold, and FUTURERELEASE */
    QUEUE_DELETE,  /* forget without a word */
    QUEUE_BOUNCE,  /* give up and tell the sender */
};
/* *out_count: mails it was done to. Durable when it returns. */
error queue_order(enum queue_order order, const struct queue_selection *selection,
                  uint64_t *out_count);
/* JSON: {"mails": [...], "next": id or null}: a page of the mails of all cores in the order of ids
 * (which is that of time), up to count_max and QUEUE_LIST_COUNT_MAX of them, fewer where they are
 * large. The next page is that `after` next. Each with sender, size, arrived, expires, held,
 * recipients with state, next try, attempts and last answer. Memory is that of a page; reading all
 * pages one after another walks over the mails once. */
error queue_list(const struct queue_selection *selection, struct buffer *out);
/* Header and body of one mail as it would be sent; ERROR_NOT_FOUND. */
error queue_show(queue_id id, struct body *out_body);
/* JSON: totals by state and age, and per site: ready, active, connections, concurrency, paused
 * until, last answer. */
error queue_statistics(struct buffer *out);

/* JSON: destinations, those with most mail first, `count_max` of them at most: site, a domain
 * served there, recipients by state, when the oldest came, what the site is doing, its last error.
 * A walk over all mails. */
error queue_sites(unsigned count_max, struct buffer *out);

void queue_id_format(queue_id id, char out_text[QUEUE_ID_TEXT_SIZE]);
bool queue_id_parse(slice text, queue_id *out_id);
