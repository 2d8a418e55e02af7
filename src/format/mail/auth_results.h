#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes the value of an Authentication-Results field (RFC 8601 2.2) or what an
 * ARC-Authentication-Results field says behind its i= (RFC 8617 4.1.1), folded, one method a line:
 *
 *     mx.example.org;
 *             dkim=pass header.d=example.com header.s=s1;
 *             arc=none
 */
#include "base/buffer.h"

enum {
    AUTH_RESULTS_VALUE_SIZE_MAX = 320
}; /* bytes as written: any address; lines stay below 998 */

struct auth_results {
    struct buffer *out;
    bool any;
};

/* `host`: the authserv-id. */
void auth_results_begin(struct auth_results *results, slice host, struct buffer *out);
/* "dkim", "pass", and why in plain words (NULL: nothing). */
void auth_results_add(struct auth_results *results, const char *method, const char *result,
                      const char *reason);
/* Of the method added last: "header.d", "smtp.mailfrom". Values from strangers are quoted, what
 * cannot be is left out; empty and over-long ones too. */
void auth_results_property(struct auth_results *results, const char *name, slice value);
/* "none" where nothing was added. */
void auth_results_end(struct auth_results *results);

/* Does a written value say anything about this method? */
bool auth_results_mention(slice value, slice method);
/* Does it say that this method had this result? "dmarc", "fail". */
bool auth_results_says(slice value, slice method, slice result);

/* Whose results a field's value gives (its authserv-id, without quotes and comments): false where
 * that cannot be read. A view of the value. */
bool auth_results_host(slice value, slice *out_host);
/* Takes out the Authentication-Results fields that claim to be ours, or whose author cannot be read
 * (RFC 8601 5), in place; what follows moves down. Returns the new size. */
size_t auth_results_clean(char *message, size_t size, slice host);
