#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole message has arrived: is it wanted, where does it go, and what is the sender told?
 */
#include "service/smtp/session.h"

/* WAITS. Takes the transaction's message to its end and answers; the transaction is over then. */
error smtp_receive(struct smtp_session *session);
