#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first message of a TLS client (RFC 8446 4.1.2, RFC 5246 7.4.1.2), read before the TLS library
 * sees it, to choose the certificate: which name, which kinds of signature, which protocols. Pure.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum { TLS_CLIENT_HELLO_SIZE_MAX = 16 << 10 };

struct tls_client_hello {
    slice server_name; /* RFC 6066 3, as sent; empty where absent */
    slice protocols; /* RFC 7301 3.1: the ProtocolNameList's content, checked; empty where absent */
    bool version_1_3; /* offered */
    bool version_1_2;
    bool ecdsa; /* can verify an ECDSA P-256 or P-384 certificate */
    bool rsa;   /* can verify an RSA certificate */
};

/* `records` is what has arrived so far. OK with *out_wanted == 0: understood, and everything of it
 * is in records (more may follow). OK with *out_wanted > 0: call again with at least so many bytes.
 * The slices point into records, or into `joined` where the message is spread over several records.
 * ERROR_MALFORMED, ERROR_LIMIT. */
error tls_client_hello_parse(slice records, struct buffer *joined,
                             struct tls_client_hello *out_hello, size_t *out_wanted);
/* Iterates over the protocol names: false at the end. *rest starts as hello->protocols. */
bool tls_client_hello_protocol(slice *rest, slice *out_name);
