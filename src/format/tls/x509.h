#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What must be read in a certificate (X.509 in DER, RFC 5280 4.1) beside what the TLS library
 * checks: the public key as TLSA records have it (RFC 6698 1.1.2), whose names it is good for
 * (RFC 6125), who it is by. Signatures and dates are not looked at. Pure.
 */
#include "base/error.h"
#include "base/slice.h"

struct x509 {
    slice key;         /* SubjectPublicKeyInfo, whole */
    slice issuer;      /* Name, whole */
    slice subject;     /* " */
    slice alternative; /* GeneralNames of subjectAltName; empty: none */
    slice common_name; /* of the subject; empty: none */
    bool authority;    /* basicConstraints says CA */
};

/* Views of `der`. ERROR_MALFORMED. What follows the certificate is not looked at. */
error x509_parse(slice der, struct x509 *out_x509);
/* The dNSNames, one after the other; *rest starts as alternative. False at the end. */
bool x509_next_name(slice *rest, slice *out_name);
/* Is it good for that host name (in A-labels)? By its alternative names; `*` stands for a whole
 * leftmost label (RFC 6125 6.4.3). `common_name_counts`: where there are no alternative names. */
bool x509_is_for(const struct x509 *x509, slice host, bool common_name_counts);
