#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The messages of SCRAM (RFC 5802 5 and 7, RFC 7677) as a server reads and writes them. Pure: keys,
 * nonces and channel bindings come from the caller. Views into what is given, or into the arena.
 */
#include "base/arena.h"
#include "base/error.h"
#include "crypto/scram.h"

enum scram_limits {
    SCRAM_CLIENT_NONCE_SIZE_MAX = 512,
    SCRAM_SERVER_NONCE_SIZE = 24, /* characters of 6 bits */
};

enum scram_binding {
    SCRAM_BINDING_NONE,      /* "n": the client cannot */
    SCRAM_BINDING_UNOFFERED, /* "y": it could, but believes that we cannot */
    SCRAM_BINDING_EXPORTER,  /* "p=tls-exporter", RFC 9266 */
    SCRAM_BINDING_END_POINT, /* "p=tls-server-end-point", RFC 5929 4 */
};

struct scram_first {
    enum scram_binding binding;
    slice header;        /* the GS2 header as sent: the final message repeats it */
    slice bare;          /* what follows it */
    slice authorization; /* decoded; may be empty */
    slice name;          /* decoded */
    slice nonce;
};

struct scram_final {
    slice header_and_binding; /* c=, decoded */
    slice nonce;
    slice proof;    /* decoded */
    slice unproved; /* the message up to ",p=" */
};

/* ERROR_MALFORMED, also for bindings and mandatory extensions that we do not know; ERROR_LIMIT. */
error scram_first_parse(slice message, struct arena *arena, struct scram_first *out_first);
error scram_final_parse(slice message, struct arena *arena, struct scram_final *out_final);

/* r=,s=,i= */
error scram_challenge_write(const struct scram_first *first, const char *server_nonce,
                            const struct scram_keys *keys, struct arena *arena, slice *out_message);

/* Is it the client of the first message, over this channel (`binding`: its bytes, empty where none
 * is used), and does it know the password? ERROR_DENIED, or OK and the server's own proof: v= */
error scram_answer_write(const struct scram_first *first, slice challenge,
                         const struct scram_final *final, slice binding,
                         const struct scram_keys *keys, struct arena *arena, slice *out_message);
