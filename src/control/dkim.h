#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The DKIM keys of a domain, as the server would sign with them.
 */
#include "control/control.h"
#include "filter/authentic/dkim.h"

struct control_dkim_record {
    slice selector, path; /* path empty: from the directory */
    const char *type;     /* "rsa", "ed25519" */
    slice name;           /* "SELECTOR._domainkey.DOMAIN" */
    slice text;           /* what the TXT record says; empty: the key cannot be read */
};

/* Of files and directory. Says what is wrong; CONTROL_DONE with none is fine. In the arena. */
enum control_exit control_dkim_records(const struct control *control, slice domain,
                                       struct arena *arena,
                                       struct control_dkim_record out_records[DKIM_SIGNERS_MAX],
                                       unsigned *out_count);
