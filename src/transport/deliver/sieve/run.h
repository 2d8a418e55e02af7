#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks an account's Sieve scripts what is to become of a mail: those of sieve.before, the account's
 * active one (or sieve.fallback), those of sieve.after, as Pigeonhole does: the next is asked where
 * the one before it keeps the mail. They run on the account's home core, which keeps them compiled
 * (cache.h); whether there are any is seen here by one stat.
 */
#include "runtime/body.h"
#include "transport/deliver/local.h"
#include "transport/deliver/sieve/plan.h"

/* WAITS where there is a script. Trouble with a script (it does not compile, it fails, a limit) is
 * no error: the mail is kept, the owner finds it in the log. `whole`: what scripts look at, the
 * fields that are put before the message included (what SPF and the spam filter said); made for
 * the first account that needs it, for all of the mail's accounts; empty before. The plan points
 * into it. */
error sieve_plan_make(const struct deliver_local *delivery,
                      const struct deliver_local_target *target, struct body *whole,
                      struct arena *arena, struct sieve_plan *out_plan);
