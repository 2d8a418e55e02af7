#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DKIM of mail that comes in: every signature of a message, with keys from DNS (RFC 6376 6). What
 * the results are called in an Authentication-Results field: RFC 8601 2.7.1.
 */
#include "base/time.h"
#include "filter/authentic/dkim.h"
#include "filter/authentic/dmarc_author.h"

enum {
    DKIM_CHECKS_MAX = 8,                    /* signatures looked at, from the top */
    DKIM_CHECK_IN_PLACE_SIZE_MAX = 1 << 20, /* bytes to hash without a worker, in all */
};

/* Where key records come from: DNS, or a test. WAITS. ERROR_NOT_FOUND: there is none; anything else
 * is trouble that may pass. */
struct dkim_key_source {
    error (*find)(void *argument, slice name, struct arena *arena, instant deadline,
                  slice *out_record);
    void *argument;
    /* Asks ahead, does not wait; NULL: nothing is fetched ahead. */
    void (*expect)(void *argument, slice name);
};
/* net/dns of this core. */
extern const struct dkim_key_source dkim_keys_in_dns;

/* WAITS. The key of selector and domain. ERROR_NOT_FOUND: none, or revoked; ERROR_MALFORMED: not a
 * key; ERROR_TEMPORARY: nobody knows now. */
error dkim_key_find(const struct dkim_key_source *source, slice selector, slice domain,
                    struct arena *arena, instant deadline, struct dkim_key *out_key);

/* Does not wait: the key will be asked for. */
void dkim_key_expect(const struct dkim_key_source *source, slice selector, slice domain,
                     struct arena *arena);

enum dkim_result {
    DKIM_NONE,
    DKIM_PASS,
    DKIM_FAIL,      /* signed, and changed since */
    DKIM_POLICY,    /* signed, but by a key that is too short, or not to the body's end */
    DKIM_NEUTRAL,   /* a signature one cannot read */
    DKIM_TEMPERROR, /* the key cannot be had now */
    DKIM_PERMERROR, /* there is no such key, or it is of no use */
};
/* "none", "pass" ... */
const char *dkim_result_name(enum dkim_result result);

struct dkim_check {
    enum dkim_result result;
    struct dkim_signature signature; /* domain empty where it could not be read */
    bool testing;                    /* the key says t=y */
    const char *reason;              /* where it is not pass */
};

/* WAITS. One check per signature, in the order of the message; none: *out_count is 0. An error only
 * where checking itself was not possible (memory, cancelled). */
struct dkim_question {
    slice header, body;
    const struct dkim_key_source *source;
    /* Whose signatures decide: their keys are waited for first, so that nobody else's slow DNS uses
     * up the time for them. NULL: nobody's. */
    const struct dmarc_authors *authors;
    instant deadline;
    int64_t now; /* seconds */
};
error dkim_check_message(const struct dkim_question *question, struct arena *arena,
                         struct dkim_check out_checks[DKIM_CHECKS_MAX], unsigned *out_count);

struct auth_results;
/* What an Authentication-Results field says of it (RFC 8601 2.7.1). */
void dkim_check_write(const struct dkim_check *check, struct auth_results *results);
