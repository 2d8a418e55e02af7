#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One run of a script over one mail: what the runner's files share. Inside filter/sieve only.
 * Everything lives in the run's arena. An error means that the script fails, and `problem` says why
 * where it is the script's fault.
 */
#include "filter/sieve/words.h"
#include "format/mail/mime.h"

struct buffer;

enum { SIEVE_NAME_SHOWN_MAX = 60 }; /* bytes of an included script's name, in a problem */

struct sieve_variable {
    slice name, value;
    bool global; /* its value is among sieve_run.globals (RFC 6609 3.4.1) */
};

struct sieve_variables {
    struct sieve_variable items[SIEVE_VARIABLES_MAX];
    unsigned count;
};

/* A script at work, and what is its alone (RFC 6609 3.4). */
struct sieve_scope {
    const struct sieve_script *script;
    struct sieve_scope *includer; /* NULL: nobody, it is the one that was asked */
    slice name;                   /* as `include` named it */
    bool global;                  /* by :global */
    bool returned;
    struct sieve_variables variables;
    slice matched[SIEVE_MATCH_VALUES_MAX];
    unsigned matched_count;
};

/* That a script was included, for :once. */
struct sieve_included {
    struct sieve_included *next;
    slice name;
    bool global;
};

struct sieve_field {
    slice name, value; /* value as written, after the colon */
    slice raw;         /* the whole field with its line end */
};

struct sieve_flags {
    slice flags[SIEVE_FLAGS_MAX];
    unsigned count;
};

/* A part's text, decoded once for all tests; data NULL: not yet. */
struct sieve_body {
    slice decoded, stripped;
};

struct sieve_run {
    struct sieve_scope *scope; /* the script at work */
    const struct sieve_input *input;
    struct arena *arena;
    struct sieve_result *result;
    unsigned room; /* for actions */
    unsigned actions_max, redirects_max, redirects;
    unsigned line; /* of the command at work */
    uint64_t steps;
    unsigned depth; /* blocks within blocks, of included scripts as well */
    bool stopped, keep_cancelled;
    struct sieve_variables globals; /* RFC 6609 3.4 */
    struct sieve_included *included;
    unsigned included_count;
    struct sieve_flags flags;
    struct sieve_field *fields; /* NULL until asked for */
    unsigned field_count, field_room, fields_added;
    bool edited;
    slice edited_header; /* as of the last edit; data NULL: to be made */
    struct mime_message mime;
    struct sieve_body *bodies; /* of each part, in the order of a walk */
};

/* ---- run.c ---- */

/* The script fails: why. */
error sieve_run_fail(struct sieve_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Charges work: one step, and one more for every 256 bytes. */
error sieve_run_charge(struct sieve_run *run, size_t bytes);
/* Runs a block, or a whole script. */
error sieve_run_commands(struct sieve_run *run, const struct sieve_node *first);
/* Decides a test. test.c */
error sieve_test(struct sieve_run *run, const struct sieve_node *node, bool *out_true);

/* ---- value.c: strings, variables ---- */

/* With its variables put in (RFC 5229 3). */
error sieve_expand(struct sieve_run *run, slice text, slice *out_text);
error sieve_expand_list(struct sieve_run *run, const struct sieve_argument *list,
                        const slice **out_strings);
/* NULL argument: data NULL. */
error sieve_expand_argument(struct sieve_run *run, const struct sieve_argument *argument,
                            slice *out_text);
error sieve_variable_set(struct sieve_run *run, slice name, slice value);
slice sieve_variable_get(struct sieve_run *run, slice name);
error sieve_run_set(struct sieve_run *run, const struct sieve_meaning *meaning);
/* RFC 6609 3.4.1 */
error sieve_run_global(struct sieve_run *run, const struct sieve_meaning *meaning);

/* ---- include.c (RFC 6609) ---- */

/* WAITS as its world does. */
error sieve_run_include(struct sieve_run *run, const struct sieve_meaning *meaning);

/* ---- flags.c (RFC 5232) ---- */

/* Each of the strings may be several flags with blanks between; doubles are dropped. */
error sieve_flags_add(struct sieve_run *run, struct sieve_flags *flags, const slice *strings,
                      unsigned count);
error sieve_run_flags(struct sieve_run *run, const struct sieve_meaning *meaning);
error sieve_flags_of(struct sieve_run *run, const struct sieve_argument *variables,
                     struct sieve_flags *out_flags);

/* ---- match.c ---- */

struct sieve_matching {
    struct sieve_run *run;
    const struct sieve_meaning *meaning;
    const slice *keys;
    unsigned key_count, count; /* values so far */
    bool matched;
    bool keep_captures; /* of :matches, as ${1} ... */
};

error sieve_match_begin(struct sieve_run *run, const struct sieve_meaning *meaning,
                        const struct sieve_argument *keys, struct sieve_matching *out_matching);
error sieve_match_value(struct sieve_matching *matching, slice value);
/* For :count, which needs them all. */
error sieve_match_end(struct sieve_matching *matching, bool *out_matched);

/* ---- header.c: the header as edited, tests of it ---- */

error sieve_header_open(struct sieve_run *run);
/* The header as it is now; data NULL: never edited. */
error sieve_header_text(struct sieve_run *run, slice *out_header);
error sieve_run_add_header(struct sieve_run *run, const struct sieve_meaning *meaning);
error sieve_run_delete_header(struct sieve_run *run, const struct sieve_meaning *meaning);
/* The field of that name that :index selects, without it the first; NULL: none. */
const struct sieve_field *sieve_header_select(struct sieve_run *run,
                                              const struct sieve_meaning *meaning, slice name);
error sieve_test_header(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true);
error sieve_test_address(struct sieve_run *run, const struct sieve_meaning *meaning,
                         bool *out_true);
error sieve_test_envelope(struct sieve_run *run, const struct sieve_meaning *meaning,
                          bool *out_true);
error sieve_test_exists(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true);

/* ---- body.c (RFC 5173), date.c (RFC 5260), action.c ---- */

error sieve_test_body(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true);
error sieve_test_date(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true);
error sieve_run_action(struct sieve_run *run, const struct sieve_meaning *meaning);
/* At the end of a script: the keep that nothing cancelled. */
error sieve_run_implicit_keep(struct sieve_run *run);
