#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mailbox names on the wire and inside. Inside they are UTF-8; INBOX is always spelled so. On the
 * wire they are modified UTF-7 (RFC 3501 5.1.3), with raw UTF-8 let through, or plain UTF-8 where
 * the client enabled it (RFC 6855, RFC 9051).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum imap_name_form { IMAP_NAME_UTF7, IMAP_NAME_UTF8 };

/* Any spelling of "inbox" (RFC 3501 5.1). */
bool imap_mailbox_is_inbox(slice name);
/* astring -> UTF-8 name in the arena or the command. ERROR_MALFORMED where it is empty, holds
 * control characters or is no valid encoding; ERROR_LIMIT past IMAP_MAILBOX_NAME_SIZE_MAX. */
error imap_mailbox_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                         slice *out_name);
/* list-mailbox -> UTF-8 pattern, which may be empty. */
error imap_mailbox_pattern_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                                 slice *out_pattern);
/* LIST's reference: an astring that may be empty. */
error imap_mailbox_reference_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                                   slice *out_reference);
/* As an astring. */
void imap_mailbox_write(slice name, enum imap_name_form form, struct buffer *out);
