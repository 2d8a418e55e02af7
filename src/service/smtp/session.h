#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One SMTP connection: its state, and the loop over its commands. Lives in the fiber that serves
 * it, on the core that accepted it. Bounds: service/smtp/limits.h and the settings.
 */
#include "base/arena.h"
#include "format/smtp/command.h"
#include "net/stream.h"
#include "service/login/mechanism.h"
#include "service/session.h"
#include "service/smtp/limits.h"
#include "service/smtp/smtp.h"
#include "service/smtp/transaction.h"

struct smtp_session {
    struct session base;
    struct stream *stream;
    const struct smtp_service *service;
    const struct smtp_settings *settings;
    const struct login_settings *login;
    struct arena arena;         /* of the session: who logged in */
    struct arena command_arena; /* of the present command */
    slice account;              /* canonical address; data NULL: nobody logged in */
    unsigned login_failures;
    char helo[SMTP_HELO_SIZE_MAX];
    uint16_t helo_size; /* 0: no hello yet */
    bool esmtp;         /* EHLO: may pipeline, use parameters */
    bool finished;
    const char *end; /* why it ended, for the log: static */
    struct smtp_transaction transaction;
    unsigned commands, transactions, errors, unknown_recipients;
    unsigned mails, recipients; /* accepted */
    uint64_t mail_bytes;        /* of accepted mails */
};

/* WAITS. From greeting to goodbye. An error means that the connection is gone. */
error smtp_session_run(struct smtp_session *session);

/* WAITS. One line of the client, or in *out_reply what stands for it. */
error smtp_session_read_line(struct smtp_session *session, size_t size_max, slice *out_line,
                             enum smtp_reply *out_reply);
/* May a password be sent now? */
bool smtp_session_may_login(const struct smtp_session *session);
/* For service/login. */
struct login_party smtp_session_login_party(const struct smtp_session *session);
static inline bool smtp_session_is_submission(const struct smtp_session *session)
{
    return session->service->role == SMTP_ROLE_SUBMISSION;
}

/* The parameters of MAIL and RCPT that EHLO offers here. */
unsigned smtp_session_parameters(const struct smtp_session *session);
slice smtp_session_helo(const struct smtp_session *session);
/* "192.0.2.1", "IPv6:2001:db8::1", "unix"; written into text. */
slice smtp_session_peer(const struct smtp_session *session, char text[ADDRESS_TEXT_SIZE + 8]);
/* No command is read after the reply that is being written; `why` is static. */
void smtp_session_finish(struct smtp_session *session, const char *why);
