#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Becoming less: called by the main thread once ports are bound and keys are read, before any other
 * thread exists.
 */
#include "base/error.h"

struct config;

/* As many descriptors as asked for or allowed. Never fails: says what it got. */
unsigned long privilege_raise_descriptors(unsigned long wanted);
/* User and group of the configuration, no supplementary groups but the user's own; no way back. A
 * warning where we stay root. */
error privilege_drop(const struct config *config);
/* No new privileges; no system calls that a mail server never makes (seccomp); files only where the
 * configuration says that mail and settings lie (Landlock, where the kernel has it). */
error privilege_confine(const struct config *config);
