/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* Tells the news and waits for more, or for the client. */
static error idle_until_input(struct imap_session *s, instant end)
{
    for (;;) {
        if (s->base.state == IMAP_STATE_SELECTED)
            TRY(imap_view_tell(s, true));
        if (s->base.finished)
            return OK;
        TRY(user_send(&s->base));
        /* The command's arena and frame are not needed any more; its tag is. */
        buffer_close(&s->base.out);
        instant now = time_now();
        instant wake = now + s->settings->keepalive < end ? now + s->settings->keepalive : end;
        s->view.idling = true;
        error waited = stream_wait_input(s->base.stream, wake);
        s->view.idling = false;
        if (waited.kind == ERROR_BUSY && !session_must_end())
            continue;
        if (waited.kind == ERROR_TIMEOUT && wake < end) {
            buffer_add(&s->base.out, SLICE("* OK still here\r\n"));
            continue;
        }
        if (waited.kind == ERROR_BUSY || waited.kind == ERROR_TIMEOUT) {
            imap_say(s, SLICE_EMPTY,
                     (struct imap_response){.kind = IMAP_BYE,
                                            .text = waited.kind == ERROR_BUSY
                                                        ? SLICE("the server is going down")
                                                        : SLICE("idle for too long")});
            s->base.finished = true;
            return OK;
        }
        return user_lost(&s->base, waited);
    }
}

/* RFC 2177 */
error imap_command_idle(struct imap_session *s)
{
    slice line;
    TRY(imap_take_end(&s->command.arguments));
    buffer_add(&s->base.out, SLICE("+ idling\r\n"));
    TRY(idle_until_input(s, time_after(s->settings->idle_timeout)));
    if (s->base.finished)
        return OK;
    TRY(user_read_line(&s->base, IMAP_LINE_SIZE_BEFORE_LOGIN_MAX, &line));
    return slice_equal_nocase(line, SLICE("DONE")) ? OK
                                                   : error_make(ERROR_MALFORMED, "expected DONE");
}
