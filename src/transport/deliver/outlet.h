#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a delivery puts mail that it sends on: redirects and answers of Sieve scripts. It is the
 * queue, which lies above this folder and announces itself here when it starts.
 */
#include "base/error.h"
#include "base/slice.h"

struct outlet_mail {
    slice sender;    /* reverse path; empty: <> */
    slice recipient; /* local@domain */
    bool final;      /* an account's own address: aliases are followed no more */
    bool silent;     /* nobody wants to hear what becomes of it (NOTIFY=NEVER) */
    slice notify;    /* as NOTIFY would say it (RFC 3461 4.1); empty: not said */
    slice prefix;    /* header fields before the message, each with CRLF */
    slice message;   /* CRLF */
    slice origin;    /* for logs: id of the mail that was delivered */
};

/* WAITS until it is durable. Any core. */
typedef error outlet_function(const struct outlet_mail *mail);

void outlet_set(outlet_function *function);
/* WAITS. ERROR_TEMPORARY where there is no outlet. */
error outlet_submit(const struct outlet_mail *mail);
