#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is this chain of certificates the server's that we meant? By the names in it, or by TLSA records
 * (DANE, RFC 6698, 7671, 7672). Never waits. For the files of src/net, and for tests.
 */
#include "format/dns/message.h"
#include "net/tls.h"

/* Certificates of a server. wolfSSL ends the handshake where there are more (MAX_CHAIN_DEPTH). */
enum { TLS_CHAIN_MAX = 9 };

struct tls_chain {
    slice certificates[TLS_CHAIN_MAX]; /* DER, the server's own first */
    unsigned count;
};

/* Is the first certificate good for one of the names? TLS_VERDICT_GOOD or _WRONG_NAME. */
enum tls_verdict tls_verify_names(const struct tls_chain *chain, const slice *names,
                                  unsigned name_count);
/* By those of the records that are usable for mail (RFC 7672 3.1): DANE-TA(2), whose certificate
 * must sign the way down to the server's and be good for a name, and DANE-EE(3), where nothing else
 * counts, not even the date. */
enum tls_verdict tls_verify_dane(const struct tls_chain *chain, const struct dns_record *records,
                                 unsigned record_count, const slice *names, unsigned name_count);
