#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Unpredictable bytes from the kernel, for keys, salts, nonces and tokens. Any thread.
 */
#include <stddef.h>
#include <stdint.h>

/* Always fills all of it; ends the program where the kernel has no random numbers, because nothing
 * secret could be made then. */
void random_bytes(void *out, size_t size);
/* `size` characters of [A-Za-z0-9_-], 6 bits each; no NUL is written. */
void random_token(char *out, size_t size);
