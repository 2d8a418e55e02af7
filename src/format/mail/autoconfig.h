#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What mail programs ask to set themselves up: Thunderbird's autoconfig (clientConfig 1.1) and
 * Outlook's autodiscover (POX, responseschema 2006a). Pure.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum {
    AUTOCONFIG_SERVERS_MAX = 8,
    AUTOCONFIG_REQUEST_SIZE_MAX = 16 << 10, /* bytes of an autodiscover request */
    AUTOCONFIG_ADDRESS_SIZE_MAX = 320,
};

enum autoconfig_protocol { AUTOCONFIG_IMAP, AUTOCONFIG_POP3, AUTOCONFIG_SMTP };

struct autoconfig_server {
    enum autoconfig_protocol protocol;
    uint16_t port;
    bool tls_implicit; /* else STARTTLS */
};

struct autoconfig {
    slice domain;
    slice host;    /* of all servers */
    slice address; /* of the user; may be empty for Thunderbird */
    struct autoconfig_server servers[AUTOCONFIG_SERVERS_MAX];
    unsigned count;
};

void autoconfig_thunderbird_write(const struct autoconfig *config, struct buffer *out);
void autoconfig_outlook_write(const struct autoconfig *config, struct buffer *out);

/* The address in an autodiscover request; in the arena. ERROR_MALFORMED where it is none or names
 * none, ERROR_LIMIT past the sizes above. Declarations of entities are refused, nothing they could
 * name is ever looked up. */
error autoconfig_outlook_parse(slice request, struct arena *arena, slice *out_address);
