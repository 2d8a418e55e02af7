#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the checker's files share. Inside filter/sieve only.
 */
#include "filter/sieve/words.h"

struct sieve_checker {
    struct sieve_script *script;
    struct sieve_problem *problem;
    struct sieve_meaning *meaning; /* of the command or test at hand, to be filled */
    const struct sieve_word *word;
    bool past_require;
};

/* ERROR_MALFORMED, and says so. */
error sieve_check_fail(struct sieve_checker *c, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Was it required? `what` and `extension` make the message. */
error sieve_check_required(struct sieve_checker *c, unsigned line, const char *what,
                           enum sieve_extension extension);
/* Gives c->meaning the arguments of `node`, and checks each by itself. */
error sieve_check_arguments(struct sieve_checker *c, struct sieve_node *node);
/* Checks what one verb wants of its arguments together. */
error sieve_check_verb(struct sieve_checker *c, struct sieve_node *node);

/* RFC 5228 2.4.2.4: ${hex: 40 41}, ${unicode: 40}. */
error sieve_check_encoded(struct sieve_checker *c, unsigned line, slice text, slice *out_text);

/* True where `text` may hold a reference to a variable. */
bool sieve_check_is_variable(const struct sieve_checker *c, slice text);
/* RFC 5229 3: identifier; with include also one behind "global." */
bool sieve_name_is_variable(const struct sieve_script *script, slice name);
/* RFC 6609 3.4.2: takes "global." off. */
bool sieve_name_take_global(const struct sieve_script *script, slice *name);
/* Of a header field (RFC 5322 2.2). */
bool sieve_name_is_header(slice name);
/* One address with local part and domain, and nothing else. */
bool sieve_address_is_one(struct arena *arena, slice text);
