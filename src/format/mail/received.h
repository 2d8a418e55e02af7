#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Trace headers (RFC 5321 4.4): Received: of this host, Return-Path: and Delivered-To: of a final
 * delivery, and the counting of them by which mail loops are found (RFC 5321 6.3).
 */
#include "base/buffer.h"
#include "base/slice.h"

struct mail_received {
    slice helo;           /* what the client called itself; empty, and no address: not told */
    slice client_name;    /* its verified name, or empty */
    slice client_address; /* "192.0.2.1" or "IPv6:2001:db8::1" */
    slice user;           /* who logged in, or empty */
    slice tls;            /* "TLSv1.3 with cipher TLS_AES_128_GCM_SHA256", or empty */
    slice by;             /* this host */
    slice with;           /* "ESMTPS" (RFC 3848, RFC 6531 4.3) */
    slice id;
    slice recipient;      /* only where there is exactly one (RFC 5321 7.2: others would be told) */
    int64_t time_seconds; /* since 1970 UTC */
    int zone_minutes;
};

/* Folded, lines below 998 bytes, closed by CRLF; bytes that could break a header are replaced. */
void mail_received_write(struct buffer *buffer, const struct mail_received *received);
/* "Return-Path: <address>\r\n"; an empty address is written <>. */
void mail_return_path_write(struct buffer *buffer, slice address);
void mail_delivered_to_write(struct buffer *buffer, slice address);

/* How many Received: fields the header has. */
unsigned mail_received_count(slice text);
/* True where a Delivered-To: names the address (ASCII case ignored). */
bool mail_delivered_to_has(slice text, slice address);
