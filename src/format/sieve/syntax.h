#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sieve's grammar (RFC 5228 8): a script as a tree of commands and tests, with their arguments as
 * they stand. What the words mean, which there are and what they need, is filter/sieve's. The tree
 * lies in the arena and points into it, not into the text. Bounds: sieve_syntax_limits; time is
 * linear.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum sieve_syntax_limits {
    SIEVE_NESTING_MAX = 32,   /* of blocks and tests; RFC 5228 2.10.5 asks for 15 */
    SIEVE_NODES_MAX = 100000, /* commands and tests of a script */
    SIEVE_ARGUMENTS_MAX = 32, /* of one command or test */
};

enum sieve_argument_kind { SIEVE_STRING, SIEVE_LIST, SIEVE_NUMBER, SIEVE_TAG };

struct sieve_argument {
    enum sieve_argument_kind kind;
    unsigned line;
    /* STRING: one; LIST: `count`; TAG: the word without ":" */
    const slice *strings;
    unsigned count;
    uint64_t number;
};

/* A command, or a test. */
struct sieve_node {
    struct sieve_node *next; /* in its block or list of tests */
    slice name;              /* as written: compare without case */
    unsigned line;
    const struct sieve_argument *arguments;
    unsigned argument_count;
    struct sieve_node *tests; /* one, or a list in parentheses */
    struct sieve_node *block; /* first command of it */
    bool has_block;
    bool tests_listed;   /* in parentheses */
    const void *meaning; /* whoever gives the tree one puts it here */
};

struct sieve_fault {
    unsigned line;
    const char *text; /* static */
};

/* ERROR_MALFORMED with a fault, or ERROR_LIMIT (with one, too, where it is the script's). An empty
 * script gives NULL. */
error sieve_parse(slice text, struct arena *arena, struct sieve_node **out_first,
                  struct sieve_fault *out_fault);
