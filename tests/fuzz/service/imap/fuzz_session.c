/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole session over any bytes, in every state it can reach. The first byte chooses settings and
 * where it begins (a stranger, logged in, with a mailbox selected); the rest is what a client sends
 * (0xfe: it waits here, and meanwhile another session changes the mailbox). Whatever comes: the
 * session ends, all it said is lines with literals in step, and the view never contradicts itself.
 */
#include "base/assert.h"
#include "base/cursor.h"
#include "base/log.h"
#include "format/imap/frame.h"
#include "service/imap/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t exists; /* as the client counts */

static void count(slice line)
{
    struct cursor c = cursor_over(line);
    uint64_t number;
    if (!cursor_take(&c, SLICE("* ")) || !cursor_take_u64(&c, UINT32_MAX, &number))
        return;
    if (slice_equal(cursor_rest(&c), SLICE(" EXISTS")))
        exists = (uint32_t)number;
    else if (slice_equal(cursor_rest(&c), SLICE(" EXPUNGE"))) {
        ASSERT(number >= 1 && number <= exists);
        exists--;
    } else if (slice_starts(cursor_rest(&c), SLICE(" FETCH (")))
        ASSERT(number >= 1 && number <= exists);
}

/* Everything said is lines, and literals as announced; each line of ours ends in CRLF. */
static void check_said(slice said)
{
    exists = 0;
    while (said.size) {
        ptrdiff_t end = slice_find(said, SLICE("\r\n"));
        struct imap_literal literal;
        ASSERT(end >= 0);
        slice line = slice_sub(said, 0, (size_t)end);
        count(line);
        said = slice_from(said, (size_t)end + 2);
        if (imap_literal_announced(line, &literal)) {
            ASSERT(literal.size <= said.size);
            said = slice_from(said, literal.size);
        }
    }
}

static void meanwhile(unsigned wait)
{
    static const struct flag_change flag = {FLAGS_ADD, MAIL_FLAGGED, 0, UINT64_MAX};
    struct mailbox *inbox = fake_find(SLICE("INBOX"));
    if (!inbox)
        return;
    if (wait % 3 == 0)
        fake_deliver(inbox, SLICE("Subject: new\n\nnew\n"), 0);
    if (wait % 3 == 1 && inbox->count)
        fake_remove(inbox, inbox->mails[wait % inbox->count].mail.uid);
    if (wait % 3 == 2 && inbox->count)
        error_ignore(mailbox_flags(inbox, inbox->mails[0].mail.uid, &flag)); /* it is there */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const BEGINNINGS[4] = {"", "l LOGIN u secret\r\n",
                                              "l LOGIN u secret\r\ns SELECT INBOX\r\n",
                                              "l LOGIN u secret\r\ns EXAMINE INBOX\r\n"};
    struct imap_settings settings;
    struct login_settings login;
    struct arena arena;
    struct buffer input;
    struct stream stream;
    if (size == 0)
        return 0;
    log_configure(2, LOG_ERROR + 1, LOG_LOGFMT);
    arena_init(&arena, 1 << 20);
    buffer_init(&input, size + 100);
    ASSERT(!failed(settings_default(&imap_setting_table, &arena, &settings)));
    ASSERT(!failed(settings_default(&login_setting_table, &arena, &login)));
    settings.plaintext_login = !(data[0] & 4);
    settings.message_size_max = 64 << 10;
    memset(&world, 0, sizeof world);
    world.meanwhile = meanwhile;
    fake_store_open();
    fake_deliver(
        fake_find(SLICE("INBOX")),
        SLICE("Subject: =?utf-8?q?a?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
              "--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n"
              "\r\ntwo\r\n--b--\r\n"),
        MAIL_SEEN);
    fake_deliver(fake_find(SLICE("INBOX")), SLICE("From: a@b\nTo: c@d\n\nbody\n"), 0);
    buffer_add_string(&input, BEGINNINGS[data[0] & 3]);
    buffer_add(&input, slice_of(data + 1, size - 1));
    fake_session(&(struct fake_options){&settings, &login, data[0] & 8, data[0] & 16 ? 1 : 0},
                 buffer_slice(&input), &stream);
    check_said(buffer_slice(&stream.output));
    fake_session_close(&stream);
    fake_store_close();
    buffer_close(&input);
    arena_close(&arena);
    return 0;
}
