#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A POP3 session in a world of memory (service/fake_world.h). Include in one file of a program.
 */
#include "service/fake_world.h"
#include "service/pop3/limits.h"
#include "service/pop3/serve.h"

FAKE_SESSION(pop3)
