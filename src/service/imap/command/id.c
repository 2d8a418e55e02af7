/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/id.h"

#include "base/log.h"
#include "service/imap/command/command.h"

/* Which clients are out there, for whoever has to help their users. */
static void log_client(const struct imap_session *s, const struct imap_id *id)
{
    char session[SESSION_ID_SIZE];
    session_id(&s->base.session, session);
    struct log_line line = log_begin(LOG_DEBUG, "imap.client");
    log_string(&line, "session", session);
    log_text(&line, "name", imap_id_value(id, SLICE("name")));
    log_text(&line, "version", imap_id_value(id, SLICE("version")));
    log_end(&line);
}

/* RFC 2971 3.1. No version: a stranger has no use for it but one. */
error imap_command_id(struct imap_session *s)
{
    static const struct imap_id_field US[] = {{{"name", 4}, {"Ringmail", 8}}};
    struct imap_id id;
    TRY(imap_id_parse(&s->command.arguments, &s->base.arena, &id));
    if (log_enabled(LOG_DEBUG))
        log_client(s, &id);
    imap_id_write(US, 1, &s->base.out);
    return OK;
}
