#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Carries out what a plan sends away. On the delivering core, around the storing of the mail:
 * redirects before it, for mail that cannot be sent on must be tried again as a whole; answers
 * after it, for their failure is no failure of the mail's.
 */
#include "transport/deliver/local.h"
#include "transport/deliver/sieve/plan.h"

/* WAITS until they are durable in the queue. What was redirected already (a retry) is passed over:
 * it is remembered once it was sent. */
error sieve_redirect(const struct deliver_local *delivery,
                     const struct deliver_local_target *target, const struct sieve_plan *plan);
/* WAITS. Vacation, notifications. */
void sieve_answer(const struct deliver_local *delivery, const struct deliver_local_target *target,
                  const struct sieve_plan *plan);
/* WAITS. One of several recipients refuses (RFC 5429 2.1): the others' mail was taken, so that the
 * sender hears of it by a report. The mail goes to the refusing account through the queue, which
 * asks its script again and reports. */
error sieve_refuse_later(const struct deliver_local *delivery,
                         const struct deliver_local_target *target);
