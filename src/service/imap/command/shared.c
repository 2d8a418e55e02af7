/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pieces that several commands share.
 */
#include "format/imap/status.h"
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

error imap_command_take_mailbox(struct imap_session *s, slice *out_name)
{
    struct cursor *c = &s->command.arguments;
    TRY(imap_take_space(c));
    TRY(imap_mailbox_parse(c, &s->base.arena, s->name_form, out_name));
    return imap_take_end(c);
}

error imap_command_check_writable(const struct imap_session *s)
{
    return s->view.read_only ? error_make(ERROR_DENIED, "the mailbox is selected read-only") : OK;
}

uint8_t imap_command_stored_flags(uint32_t system)
{
    return (uint8_t)((system & IMAP_FLAG_ANSWERED ? MAIL_ANSWERED : 0) |
                     (system & IMAP_FLAG_FLAGGED ? MAIL_FLAGGED : 0) |
                     (system & IMAP_FLAG_DELETED ? MAIL_DELETED : 0) |
                     (system & IMAP_FLAG_SEEN ? MAIL_SEEN : 0) |
                     (system & IMAP_FLAG_DRAFT ? MAIL_DRAFT : 0));
}

error imap_command_store_flags(struct imap_session *s, const struct imap_flags *flags, bool create,
                               struct flag_change *change)
{
    change->flags = imap_command_stored_flags(flags->system);
    change->keywords = 0;
    for (uint32_t i = 0; i < flags->keyword_count; i++) {
        unsigned bit;
        error problem = mailbox_keyword(s->view.mailbox, flags->keywords[i], create, &bit);
        if (problem.kind == ERROR_NOT_FOUND && !create)
            continue;
        if (problem.kind == ERROR_LIMIT)
            return imap_refuse(s, IMAP_CODE_LIMIT, problem);
        TRY(problem);
        change->keywords |= 1ull << bit;
    }
    return OK;
}

error imap_command_uids(struct imap_session *s, const uint32_t *indexes, uint32_t count,
                        uint32_t **out_uids)
{
    uint32_t *uids = ARENA_ARRAY(&s->base.arena, uint32_t, count ? count : 1);
    TRY_MEMORY(uids);
    for (uint32_t i = 0; i < count; i++)
        uids[i] = s->view.uids[indexes[i]];
    *out_uids = uids;
    return OK;
}

error imap_command_write_status(struct imap_session *s, slice name, uint32_t items)
{
    struct mailbox *mailbox;
    TRY(mailbox_open(s->account, name, &mailbox));
    struct mailbox_status status = mailbox_status(mailbox);
    mailbox_close(&mailbox);
    const uint64_t values[IMAP_STATUS_ITEM_COUNT] = {
        [IMAP_STATUS_INDEX_MESSAGES] = status.messages,
        [IMAP_STATUS_INDEX_RECENT] = status.recent,
        [IMAP_STATUS_INDEX_UIDNEXT] = status.uid_next,
        [IMAP_STATUS_INDEX_UIDVALIDITY] = status.uid_validity,
        [IMAP_STATUS_INDEX_UNSEEN] = status.unseen,
        [IMAP_STATUS_INDEX_DELETED] = status.deleted,
        [IMAP_STATUS_INDEX_SIZE] = status.bytes,
    };
    imap_status_write(name, s->name_form, items, values, &s->base.out);
    return OK;
}
