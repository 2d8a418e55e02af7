#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one way to fail. An error is a small value that must be looked at; its kind decides what a
 * protocol answers (4xx, 5xx, NO, BAD) in one place per protocol. Lower layers return it, whoever
 * owns the work logs it.
 */
#include <stdbool.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_CLOSED,    /* the other side is gone, or the end of the input was reached */
    ERROR_TIMEOUT,   /* a deadline passed */
    ERROR_CANCELLED, /* the crew was told to stop */
    ERROR_LIMIT,     /* a named limit was met */
    ERROR_MALFORMED, /* the input is not of its grammar */
    ERROR_DENIED,    /* who asks may not */
    ERROR_NOT_FOUND,
    ERROR_EXISTS,    /* what should be made is there already */
    ERROR_BUSY,      /* try again at once or soon */
    ERROR_TEMPORARY, /* try again later: database, disk, DNS trouble */
    ERROR_PERMANENT, /* trying again will not help */
    ERROR_SYSTEM,    /* a system call failed; os says how */
    ERROR_BUG,       /* an invariant of ours was broken */
    ERROR_KINDS
};

typedef struct [[nodiscard]] error {
    enum error_kind kind;
    int os;           /* errno, 0 if none */
    const char *text; /* static: never freed, never NULL where kind is set; no secrets, no input */
} error;

#define OK ((error){ERROR_NONE, 0, NULL})

static inline error error_make(enum error_kind kind, const char *text)
{
    return (error){kind, 0, text};
}

/* From errno: ENOSPC, EDQUOT, EMFILE and the like become ERROR_TEMPORARY, ENOENT ERROR_NOT_FOUND,
 * EEXIST ERROR_EXISTS, EACCES/EPERM ERROR_DENIED, ETIMEDOUT ERROR_TIMEOUT, ECONNRESET/EPIPE
 * ERROR_CLOSED, ECANCELED ERROR_CANCELLED, everything else ERROR_SYSTEM. `os` may be negative (as
 * io_uring gives it). */
error error_system(int os, const char *text);

/* "timeout", "not found" ... */
const char *error_kind_name(enum error_kind kind);

static inline bool failed(error e)
{
    return e.kind != ERROR_NONE;
}

/* Where an outcome truly does not matter; say why beside it. */
static inline void error_ignore(error e)
{
    (void)e;
}

#define TRY(expression)                                                                            \
    do {                                                                                           \
        error try_error_ = (expression);                                                           \
        if (__builtin_expect(try_error_.kind != ERROR_NONE, 0))                                    \
            return try_error_;                                                                     \
    } while (0)

/* Returns ERROR_LIMIT where an arena or allocator gave NULL. */
#define TRY_MEMORY(pointer)                                                                        \
    do {                                                                                           \
        if (__builtin_expect((pointer) == NULL, 0))                                                \
            return error_make(ERROR_LIMIT, "out of memory for this task");                         \
    } while (0)

/* Marks functions that may park the calling fiber: after one, trust no pointer into shared state.
 */
#define WAITS
