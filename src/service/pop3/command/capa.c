/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"
#include "service/user/login.h"

/* Before login: by which mechanisms (RFC 5034 3). */
static void write_ways_in(struct pop3_session *s)
{
    const struct login_party party = user_login_party(&s->base);
    if (s->base.tls && !stream_is_tls(s->base.stream)) /* RFC 2595 4 */
        buffer_add(&s->base.out, SLICE("STLS\r\n"));
    if (failed(user_check_privacy(&s->base)))
        return;
    buffer_add(&s->base.out, SLICE("USER\r\nSASL"));
    for (enum login_mechanism m = 0; m < LOGIN_MECHANISM_COUNT; m++)
        if (login_mechanism_is_offered(m, &party))
            buffer_format(&s->base.out, " %s", login_mechanism_name(m));
    buffer_add(&s->base.out, SLICE("\r\n"));
}

/* RFC 2449 5, 6 */
error pop3_command_capa(struct pop3_session *s)
{
    pop3_say(s, s->reply);
    if (s->base.state == POP3_STATE_STRANGER)
        write_ways_in(s);
    buffer_add(&s->base.out, SLICE("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"
                                   "EXPIRE NEVER\r\n"));
    if (s->settings->login_delay)
        buffer_format(&s->base.out, "LOGIN-DELAY %lld\r\n",
                      (long long)((s->settings->login_delay + TIME_S - 1) / TIME_S));
    /* RFC 6856 2.1, 3.1 */
    buffer_add(&s->base.out, SLICE("UTF8 USER\r\nLANG\r\nIMPLEMENTATION Ringmail\r\n"));
    return pop3_end_listing(s);
}
