#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Landlock: a list of folders that may be read or written, and nothing else of the file system from
 * then on. Inherited by every thread started afterwards, so it is closed before there are any.
 */
#include "base/error.h"

struct sandbox {
    int ruleset; /* -1: the kernel has no Landlock */
    int abi;
};

enum sandbox_access { SANDBOX_READ, SANDBOX_WRITE };

/* ERROR_NOT_FOUND where the kernel has no Landlock: nothing is confined then. */
error sandbox_open(struct sandbox *sandbox);
/* A path that is not there is no error: there is nothing to allow. NULL is fine. */
error sandbox_allow(struct sandbox *sandbox, enum sandbox_access access, const char *path);
/* From now on. Needs no_new_privs. */
error sandbox_close(struct sandbox *sandbox);
