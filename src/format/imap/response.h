#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Status responses: "A1 NO [CODE argument] text" (RFC 3501 7.1, codes also of RFC 5530 and 4315).
 */
#include "base/buffer.h"
#include "base/slice.h"

#define IMAP_CODES(X)                                                                              \
    X(ALERT, "ALERT")                                                                              \
    X(ALREADYEXISTS, "ALREADYEXISTS")                                                              \
    X(APPENDUID, "APPENDUID")                                                                      \
    X(AUTHENTICATIONFAILED, "AUTHENTICATIONFAILED")                                                \
    X(AUTHORIZATIONFAILED, "AUTHORIZATIONFAILED")                                                  \
    X(BADCHARSET, "BADCHARSET")                                                                    \
    X(CANNOT, "CANNOT")                                                                            \
    X(CAPABILITY, "CAPABILITY")                                                                    \
    X(CLIENTBUG, "CLIENTBUG")                                                                      \
    X(CLOSED, "CLOSED")                                                                            \
    X(COPYUID, "COPYUID")                                                                          \
    X(EXPUNGEISSUED, "EXPUNGEISSUED")                                                              \
    X(HASCHILDREN, "HASCHILDREN")                                                                  \
    X(INUSE, "INUSE")                                                                              \
    X(LIMIT, "LIMIT")                                                                              \
    X(NONEXISTENT, "NONEXISTENT")                                                                  \
    X(NOPERM, "NOPERM")                                                                            \
    X(OVERQUOTA, "OVERQUOTA")                                                                      \
    X(PERMANENTFLAGS, "PERMANENTFLAGS")                                                            \
    X(PRIVACYREQUIRED, "PRIVACYREQUIRED")                                                          \
    X(READ_ONLY, "READ-ONLY")                                                                      \
    X(READ_WRITE, "READ-WRITE")                                                                    \
    X(SERVERBUG, "SERVERBUG")                                                                      \
    X(TOOBIG, "TOOBIG")                                                                            \
    X(TRYCREATE, "TRYCREATE")                                                                      \
    X(UIDNEXT, "UIDNEXT")                                                                          \
    X(UIDNOTSTICKY, "UIDNOTSTICKY")                                                                \
    X(UIDVALIDITY, "UIDVALIDITY")                                                                  \
    X(UNAVAILABLE, "UNAVAILABLE")                                                                  \
    X(UNSEEN, "UNSEEN")

enum imap_code {
    IMAP_CODE_NONE,
#define X(name, text) IMAP_CODE_##name,
    IMAP_CODES(X)
#undef X
};

enum imap_status_kind { IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_PREAUTH };

struct imap_response {
    enum imap_status_kind kind;
    enum imap_code code;
    slice argument; /* behind the code, as it is to be written; may be empty */
    slice text;     /* for people, never empty */
};

/* With CRLF; an empty tag is written "*". */
void imap_response_write(slice tag, const struct imap_response *response, struct buffer *out);
