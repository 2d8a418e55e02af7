#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * System calls a mail server never makes answer EPERM: programs, other processes, mounts, modules,
 * keys, tracing. A list of what is forbidden, not of what is allowed, because libraries change what
 * they call; it closes the usual ways on from a bug, Landlock closes the files.
 */
#include "base/error.h"

/* The sanitizers run a symbolizer to say where a mistake is, and trace the process to find leaks:
 * programs and tracing are forbidden in every other build. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECCOMP_FORBIDS_TRACING 0
#else
#define SECCOMP_FORBIDS_TRACING 1
#endif

/* For this thread and all that it starts; needs no_new_privs. */
error seccomp_forbid(void);
