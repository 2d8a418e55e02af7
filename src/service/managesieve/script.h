#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where this service asks filter/sieve: is a script one that could be run?
 */
#include "base/error.h"
#include "base/slice.h"

struct managesieve_session;

/* What the SIEVE capability says. Static. */
slice managesieve_script_extensions(void);
/* Checks s's script. A script with errors: NO with what is wrong and where; one with warnings:
 * the response bears them (RFC 5804 2.6). */
error managesieve_script_check(struct managesieve_session *s, slice text);
