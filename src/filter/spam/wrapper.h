#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Links that a filter or a program on the sender's way put in place of those that were written:
 * Microsoft Safe Links, Proofpoint URL Defense, Barracuda, Cisco, Mimecast, Google and the like.
 * Honest mail that was answered or forwarded is full of them, so that what counts is where they
 * lead. A table of hosts, paths and forms; pure, linear. Bounds: URL_SIZE_MAX (url.h).
 */
#include "filter/spam/url.h"

enum { URL_WRAPPERS_MAX = 3 /* around each other: a mail may pass several filters */ };

enum url_wrapping {
    URL_BARE,
    URL_WRAPPING, /* *out_inner says where it leads */
    URL_SEALED,   /* a wrapper that keeps to itself where it leads */
};

/* `host` as url_host gives it. One wrapper is taken off; untouched but for URL_WRAPPING. */
error url_unwrap(struct arena *arena, const struct url *url, slice host, struct url *out_inner,
                 enum url_wrapping *out_wrapping);
