/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <errno.h>

static enum error_kind kind_of(int os)
{
    switch (os) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EIO:
    case EROFS:
    case ECONNREFUSED:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return ERROR_TEMPORARY;
    case ENOENT:
        return ERROR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERROR_EXISTS;
    case EACCES:
    case EPERM:
        return ERROR_DENIED;
    case ETIMEDOUT:
        return ERROR_TIMEOUT;
    case EAGAIN:
    case EBUSY:
        return ERROR_BUSY;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
        return ERROR_CLOSED;
    case ECANCELED:
        return ERROR_CANCELLED;
    default:
        return ERROR_SYSTEM;
    }
}

error error_system(int os, const char *text)
{
    if (os < 0)
        os = -os;
    return (error){kind_of(os), os, text};
}

const char *error_kind_name(enum error_kind kind)
{
    static const char *const names[ERROR_KINDS] = {
        "none",      "closed", "timeout", "cancelled", "limit",     "malformed", "denied",
        "not found", "exists", "busy",    "temporary", "permanent", "system",    "bug",
    };
    return kind < ERROR_KINDS ? names[kind] : "unknown";
}
