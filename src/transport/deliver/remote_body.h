#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message as one server gets it: converted where that server lacks what it needs, its line ends
 * whole, otherwise the very bytes of the queue. For the files remote_*.c only.
 */
#include "transport/deliver/remote_state.h"

struct remote_body {
    slice prefix, body;      /* of the mail, or of `converted` */
    struct buffer converted; /* empty where nothing had to change */
    enum smtp_body type;
    bool utf8;     /* SMTPUTF8 must be said */
    bool chunked;  /* goes by BDAT, else by DATA */
    bool end_line; /* a CRLF must be put behind */
    size_t size;   /* bytes, as SIZE= and BDAT have it */
};

/* OK, or an error with the answer for every recipient; then there is nothing to close. */
error remote_body_init(struct remote_body *body, const struct remote *remote,
                       const struct remote_mail *mail, struct remote_answer *out_answer);
void remote_body_close(struct remote_body *body);
/* WAITS. "BDAT size LAST" and the message. */
error remote_body_send_chunk(const struct remote_body *body, struct stream *stream,
                             instant deadline);
/* WAITS. What follows 354: dots doubled, and the final one. */
error remote_body_send_data(const struct remote_body *body, struct stream *stream,
                            instant deadline);
