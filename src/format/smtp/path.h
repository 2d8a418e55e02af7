#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Paths of MAIL and RCPT (RFC 5321 4.1.2, RFC 6531 3.3): <local@domain>, source routes read and
 * dropped, quoted local parts, address literals, UTF-8.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum {
    /* RFC 5321 4.5.3.1.1 says 64 at least; senders that encode a return path in it need more. */
    SMTP_LOCAL_SIZE_MAX = 255,
    SMTP_DOMAIN_SIZE_MAX = 255, /* 4.5.3.1.2 */
};

struct smtp_path {
    slice local;        /* unquoted */
    slice domain;       /* as given; empty for <> and <postmaster>; literals with their brackets */
    slice domain_ascii; /* lower-case A-labels; a literal as it is */
    slice address;      /* local@domain_ascii, the local part quoted where it must be; "" for <> */
    bool literal;       /* domain is an address literal */
    bool utf8;          /* has bytes above 0x7f: only with SMTPUTF8 */
};

/* Takes "<...>". ERROR_MALFORMED: not a path; ERROR_LIMIT: a size above, or the arena. `empty`
 * allows <> (MAIL), otherwise <postmaster> without a domain is allowed (RCPT, RFC 5321 4.5.1). */
error smtp_path_take(struct arena *arena, struct cursor *c, bool empty, struct smtp_path *out_path);
/* A mailbox without brackets (VRFY, configuration); the domain is needed. */
error smtp_path_parse(struct arena *arena, slice mailbox, struct smtp_path *out_path);
