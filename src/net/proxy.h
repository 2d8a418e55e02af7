#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The PROXY protocol, versions 1 and 2, on an accepted stream: reads the header (grammar:
 * format/proxy/header.h) and gives the stream the addresses it names. The listener calls it for
 * connections from networks it was told to trust, and for no others.
 */
#include "base/error.h"
#include "net/stream.h"

/* WAITS. ERROR_MALFORMED where the connection does not begin with a valid header. A LOCAL or
 * UNKNOWN header leaves the addresses as they are. */
error proxy_accept(struct stream *stream, instant deadline);
