/* SPDX-License-Identifier: GPL-3.0-or-later
 * Flags, keywords, and what else is kept for a message. */
#include "base/log.h"
#include "data/store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

error mailbox_flags(struct mailbox *mailbox, uint32_t uid, const struct flag_change *change)
{
    TRY(mailbox_ready(mailbox));
    const struct mail *mail = index_find(&mailbox->index, uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    if (mail->modseq > change->unchanged_since) /* RFC 7162 3.1.3 */
        return error_make(ERROR_BUSY, "the message was changed since");
    uint8_t flags = change->flags & MAIL_FLAGS;
    uint64_t keywords = change->keywords;
    if (change->mode == FLAGS_ADD) {
        flags |= mail->flags;
        keywords |= mail->keywords;
    } else if (change->mode == FLAGS_REMOVE) {
        flags = mail->flags & (uint8_t)~flags;
        keywords = mail->keywords & ~keywords;
    }
    if (flags == mail->flags && keywords == mail->keywords)
        return OK;
    TRY(index_set_flags(&mailbox->index, uid, flags, keywords));
    mail = index_find(&mailbox->index, uid);
    if (mail->internal & MAIL_NAME_STALE)
        mailbox_note_stale(mailbox, uid);
    mailbox_touch(mailbox);
    mailbox_note_change(mailbox, MAILBOX_CHANGE_FLAGS, uid);
    return OK;
}

slice mailbox_keyword_name(const struct mailbox *mailbox, unsigned bit)
{
    if (!mailbox->index.keywords || bit >= mailbox->index.header.keyword_count)
        return SLICE_EMPTY;
    return slice_from_string(mailbox->index.keywords[bit]);
}

unsigned mailbox_keyword_count(const struct mailbox *mailbox)
{
    return mailbox->index.header.keyword_count;
}

/* So that Dovecot and its friends can read the letters: their file, one line more. */
static void write_dovecot_keyword(const struct mailbox *mailbox, unsigned bit, slice name)
{
    char line[STORE_KEYWORD_SIZE_MAX + 16];
    int size = snprintf(line, sizeof line, "%u %.*s\n", bit, SLICE_ARG(name));
    int fd = openat(mailbox->directory, "dovecot-keywords",
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line, (size_t)size) != size)
        log_event(LOG_WARNING, "store.keywords", error_system(errno, "cannot write keywords"),
                  slice_from_string(mailbox->name));
    if (fd >= 0)
        close(fd);
}

/* RFC 9051 flag-keyword: an atom. */
static bool is_atom(slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\]", c))
            return false;
    }
    return name.size > 0;
}

error mailbox_keyword(struct mailbox *mailbox, slice name, bool create, unsigned *out_bit)
{
    unsigned count = mailbox->index.header.keyword_count, bit = count;
    for (unsigned i = 0; i < count; i++) {
        slice have = mailbox_keyword_name(mailbox, i);
        if (slice_equal_nocase(have, name)) {
            *out_bit = i;
            return OK;
        }
        if (have.size == 0 && bit == count)
            bit = i;
    }
    if (!create)
        return error_make(ERROR_NOT_FOUND, "no such keyword");
    if (!is_atom(name))
        return error_make(ERROR_MALFORMED, "not a keyword");
    if (name.size > STORE_KEYWORD_SIZE_MAX || bit >= STORE_KEYWORDS_MAX)
        return error_make(ERROR_LIMIT, "too many keywords in the mailbox");
    TRY(mailbox_ready(mailbox));
    TRY(index_set_keyword(&mailbox->index, bit, name));
    mailbox_touch(mailbox);
    if (bit < MAILDIR_KEYWORDS_MAX)
        write_dovecot_keyword(mailbox, bit, name);
    *out_bit = bit;
    return OK;
}

/* What can be computed again: losing it is no failure. */
void mailbox_cache_set(struct mailbox *mailbox, uint32_t uid, slice blob)
{
    if (mailbox->gone || blob.size == 0 || blob.size > STORE_CACHE_BLOB_SIZE_MAX ||
        !index_find(&mailbox->index, uid))
        return;
    if (!failed(index_set_cache(&mailbox->index, uid, blob)))
        mailbox_touch(mailbox);
}

void mailbox_thread_set(struct mailbox *mailbox, uint32_t uid, uint64_t thread_id)
{
    if (mailbox->gone || !index_find(&mailbox->index, uid))
        return;
    if (!failed(index_set_thread(&mailbox->index, uid, thread_id)))
        mailbox_touch(mailbox);
}
