#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From what scripts answered (filter/sieve/sieve.h) to a plan. On the account's home core.
 */
#include "data/scripts/settings.h"
#include "filter/sieve/sieve.h"
#include "transport/deliver/local.h"
#include "transport/deliver/sieve/plan.h"

/* One asking of an account's scripts. */
struct sieve_asking {
    const struct deliver_local *delivery;
    const struct deliver_local_target *target;
    const struct sieve_settings *settings;
    slice whole; /* the mail with the fields that are put before it */
    struct arena *arena;
    struct sieve_plan *plan;
    struct account *account; /* opened where a script wants to know of mailboxes; NULL */
};

/* WAITS. Adds what an action does. */
error sieve_decide(struct sieve_asking *asking, const struct sieve_action *action);
/* Where a target of a script lies; the place keeps nothing of the script. */
error sieve_place_of(struct sieve_asking *asking, const struct sieve_target *to, bool usual,
                     struct sieve_place *out_place);
/* A line in the owner's log. */
void sieve_tell_owner(const struct sieve_asking *asking, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* WAITS. NULL where it cannot be opened. */
struct account *sieve_asking_account(struct sieve_asking *asking);
/* RFC 6154's name ("\\Junk") as the store knows it; 0: none. */
enum mailbox_attribute sieve_special_use(slice name);

/* ---- answer.c ---- */

/* Room for one more; ERROR_LIMIT. */
error sieve_outgoing_add(struct sieve_asking *asking, struct sieve_outgoing outgoing);
/* The reply to a vacation command, where the mail may have one (RFC 5230 4.5, 4.6). */
error sieve_decide_vacation(struct sieve_asking *asking, const struct sieve_action *action);
/* RFC 5436: mailto. */
error sieve_decide_notify(struct sieve_asking *asking, const struct sieve_action *action);
