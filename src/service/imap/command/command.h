#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One file per verb, one row per verb. A command reads its arguments from s->command, writes
 * untagged lines to s->base.out, may set s->response (code, argument, text) and returns what went
 * wrong; the session answers. What a command returns after it lost the connection does not matter.
 */
#include "base/metric.h"
#include "format/imap/command.h"
#include "service/imap/session.h"

struct imap_command_row {
    unsigned states; /* enum imap_state: where it may be used */
    bool expunges;   /* the client may be told of expunges before the answer (RFC 3501 7.4.1) */
    error (*run)(struct imap_session *s); /* WAITS */
    struct metric *seconds;
    slice done; /* what OK says */
};

extern const struct imap_command_row imap_command_table[IMAP_VERB_COUNT];

error imap_command_capability(struct imap_session *s);
error imap_command_noop(struct imap_session *s);
error imap_command_logout(struct imap_session *s);
error imap_command_id(struct imap_session *s);
error imap_command_starttls(struct imap_session *s);
error imap_command_authenticate(struct imap_session *s);
error imap_command_login(struct imap_session *s);
error imap_command_enable(struct imap_session *s);
error imap_command_namespace(struct imap_session *s);
error imap_command_select(struct imap_session *s); /* and EXAMINE */
error imap_command_create(struct imap_session *s);
error imap_command_delete(struct imap_session *s);
error imap_command_rename(struct imap_session *s);
error imap_command_subscribe(struct imap_session *s); /* and UNSUBSCRIBE */
error imap_command_list(struct imap_session *s);
error imap_command_lsub(struct imap_session *s);
error imap_command_status(struct imap_session *s);
error imap_command_append(struct imap_session *s);
error imap_command_idle(struct imap_session *s);
error imap_command_check(struct imap_session *s);
error imap_command_close(struct imap_session *s); /* and UNSELECT */
error imap_command_expunge(struct imap_session *s);
error imap_command_search(struct imap_session *s);
error imap_command_fetch(struct imap_session *s);
error imap_command_store(struct imap_session *s);
error imap_command_copy(struct imap_session *s); /* and MOVE */

/* Pieces that several commands share. */

/* SP mailbox; and nothing more. */
error imap_command_take_mailbox(struct imap_session *s, slice *out_name);
/* Selected and not by EXAMINE. */
error imap_command_check_writable(const struct imap_session *s);
/* System flags as the store has them. */
uint8_t imap_command_stored_flags(uint32_t system);
/* Flags as the store has them. Keywords that do not exist yet are made where `create`; otherwise
 * they are left out. */
error imap_command_store_flags(struct imap_session *s, const struct imap_flags *flags, bool create,
                               struct flag_change *change);
/* WAITS. Removes those with \Deleted, of `uids` (resolved) only where it is not NULL; tells
 * nothing. */
error imap_command_expunge_deleted(struct imap_session *s, const struct imap_set *uids);
/* UIDs at these indexes, in the arena. */
error imap_command_uids(struct imap_session *s, const uint32_t *indexes, uint32_t count,
                        uint32_t **out_uids);
/* WAITS. One line of STATUS. ERROR_NOT_FOUND. */
error imap_command_write_status(struct imap_session *s, slice name, uint32_t items);
