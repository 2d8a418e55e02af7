/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole session over any bytes, in every state it can reach. The first byte chooses settings and
 * where it begins (a stranger or logged in); the rest is what a client sends (0xfe: it waits here,
 * and meanwhile another session changes the mailbox). Whatever comes: the session ends, all it said
 * is lines, and nothing is deleted without DELE and QUIT.
 */
#include "base/assert.h"
#include "base/log.h"
#include "service/pop3/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_said(slice said)
{
    ASSERT(slice_starts(said, SLICE("+OK ")));
    while (said.size) {
        ptrdiff_t end = slice_find(said, SLICE("\r\n"));
        ASSERT(end >= 0);
        ASSERT(slice_find_byte(slice_sub(said, 0, (size_t)end), '\n') < 0);
        said = slice_from(said, (size_t)end + 2);
    }
}

static void meanwhile(unsigned wait)
{
    struct mailbox *inbox = fake_find(SLICE("INBOX"));
    if (wait % 2 == 0)
        fake_deliver(inbox, SLICE("Subject: new\n\n.new\n"), 0);
    else if (inbox->count)
        fake_remove(inbox, inbox->mails[wait % inbox->count].mail.uid);
}

/* Waits within a word are none of it. */
static bool says(slice input, const char *word)
{
    struct buffer said;
    buffer_init(&said, input.size + 1);
    for (size_t i = 0; i < input.size; i++)
        if ((uint8_t)input.data[i] != FAKE_PACKET_END)
            buffer_add_byte(&said, input.data[i]);
    bool found = slice_find_nocase(buffer_slice(&said), slice_from_string(word)) >= 0;
    buffer_close(&said);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pop3_settings settings;
    struct login_settings login;
    struct arena arena;
    struct buffer input;
    struct stream stream;
    if (size == 0)
        return 0;
    log_configure(2, LOG_ERROR + 1, LOG_LOGFMT);
    arena_init(&arena, 1 << 20);
    buffer_init(&input, size + 100);
    ASSERT(!failed(settings_default(&pop3_setting_table, &arena, &settings)));
    ASSERT(!failed(settings_default(&login_setting_table, &arena, &login)));
    settings.plaintext_login = !(data[0] & 2);
    if (data[0] & 16)
        settings.messages_max = 1;
    if (data[0] & 32)
        settings.uidl_format = SLICE("%f");
    memset(&world, 0, sizeof world);
    fake_store_open();
    struct mailbox *inbox = fake_find(SLICE("INBOX"));
    fake_deliver(inbox, SLICE("Subject: one\r\n\r\n.\r\n..\r\nbody\r\n"), MAIL_SEEN);
    fake_deliver(inbox, SLICE("From: a@b\nTo: c@d\n\nbody"), 0);
    if (data[0] & 64)
        world.meanwhile = meanwhile;
    if (data[0] & 1)
        buffer_add_string(&input, "USER u\r\nPASS secret\r\n");
    buffer_add(&input, slice_of(data + 1, size - 1));
    fake_session(&(struct fake_options){&settings, &login, data[0] & 4, data[0] & 8 ? 1 : 0},
                 buffer_slice(&input), &stream);
    check_said(buffer_slice(&stream.output));
    if (!world.meanwhile &&
        !(says(buffer_slice(&input), "dele ") && says(buffer_slice(&input), "quit")))
        ASSERT(inbox->count == 2);
    fake_session_close(&stream);
    fake_store_close();
    buffer_close(&input);
    arena_close(&arena);
    return 0;
}
