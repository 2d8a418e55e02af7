#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a stranger becomes a user: from a password, however it came, to a session at home.
 */
#include "base/error.h"
#include "base/slice.h"
#include "service/login/mechanism.h"

struct user_session;

/* For service/login. */
struct login_party user_login_party(const struct user_session *s);
/* ERROR_DENIED where a password would be read by others. */
error user_check_privacy(const struct user_session *s);
/* WAITS. A password as it is, which is overwritten. Logs in, here, or by moving to the account's
 * home core first (s->moving: answered there). ERROR_DENIED, ERROR_BUSY: as the protocol refuses
 * it; after too many failures the session ends. */
error user_log_in(struct user_session *s, slice name, slice password);
/* WAITS. The same by a mechanism of SASL. initial NULL: the client sent no response along; it is
 * overwritten. ERROR_MALFORMED where the client broke it off. */
error user_authenticate(struct user_session *s, enum login_mechanism mechanism,
                        const slice *initial);
/* WAITS. A struct user_protocol's, for those whose challenge is a line that begins with "+ ". */
error user_ask(struct user_session *s, slice challenge, slice *out_response);
/* WAITS. At home, after a password was right. */
error user_settle(struct user_session *s);
/* Back to where it began. */
void user_log_out(struct user_session *s);
