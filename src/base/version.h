#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the programs call themselves; packagers may say otherwise.
 */
#ifndef RINGMAIL_VERSION
#define RINGMAIL_VERSION "0.1"
#endif
