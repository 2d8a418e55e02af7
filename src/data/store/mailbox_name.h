#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mailbox names and their directories: Maildir++ keeps "Work.2024" in ".Work.2024" beside INBOX's
 * cur, new and tmp, in modified UTF-7 as Dovecot does by default. Pure.
 */
#include "base/buffer.h"
#include "data/store/account.h"

enum { MAILBOX_DIRECTORY_SIZE_MAX = 255 };

bool mailbox_name_is_inbox(slice name);
/* NUL-terminated directory name relative to the Maildir: "." for INBOX. `name` passed
 * mailbox_name_check; ERROR_LIMIT where the encoding is too long. */
error mailbox_name_to_directory(slice name, char out_directory[MAILBOX_DIRECTORY_SIZE_MAX + 1]);
/* The UTF-8 name of a directory ".X"; ERROR_MALFORMED where it is not one of ours. Appends to out.
 */
error mailbox_name_from_directory(slice directory, struct buffer *out);
