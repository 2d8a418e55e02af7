#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Received: field that a session puts before a mail (RFC 5321 4.4).
 */
#include "service/smtp/session.h"

/* In the transaction's arena, with CRLF. On submission the settings say how much it tells. */
error smtp_trace_make(struct smtp_session *session, slice id, slice *out_trace);
