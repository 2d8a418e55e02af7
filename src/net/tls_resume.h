#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions of clients that can be resumed, so that the next connection to the same server needs no
 * certificates and no signatures. Each core has its own; a key says who the server is and how it
 * was checked, so that a session is never taken for more than it was. For the files of src/net
 * only.
 *
 * Bounds: TLS_RESUME_MAX per core, the longest unused goes first; TLS_RESUME_AGE_S.
 */
#include "net/tls_set.h"

enum {
    TLS_RESUME_MAX = 1024,
    TLS_RESUME_AGE_S = 3600, /* a certificate or TLSA record may be withdrawn meanwhile */
    TLS_RESUME_KEY_SIZE = 32,
};

/* Makes it the one that this engine's handshake resumes, where there is one. */
void tls_resume_apply(const uint8_t key[TLS_RESUME_KEY_SIZE], WOLFSSL *ssl);
/* Keeps what the engine has, for the next. */
void tls_resume_keep(const uint8_t key[TLS_RESUME_KEY_SIZE], WOLFSSL *ssl);
void tls_resume_forget(const uint8_t key[TLS_RESUME_KEY_SIZE]);
/* How many this core keeps. */
unsigned tls_resume_count(void);
