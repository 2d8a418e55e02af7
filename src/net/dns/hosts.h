#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hosts file (hosts(5)): addresses of names known before DNS is asked. Read once, when the
 * core's resolver starts.
 */
#include "base/map.h"
#include "net/address.h"

enum {
    DNS_HOSTS_FILE_SIZE_MAX = 1 << 20,
    DNS_HOSTS_MAX = 10000, /* names; what comes after is not read */
};

struct dns_host {
    slice name; /* in small letters, as is the map's key */
    struct address address;
    struct dns_host *next; /* of the same name */
};

struct dns_hosts {
    struct arena arena;
    struct map names;
    unsigned count;
};

/* Nothing is in it. */
void dns_hosts_init(struct dns_hosts *hosts);
void dns_hosts_close(struct dns_hosts *hosts);
/* Pure. Lines that make no sense are skipped. ERROR_LIMIT only when out of memory. */
error dns_hosts_add(struct dns_hosts *hosts, slice text);
/* WAITS. A file that is not there is no error. */
error dns_hosts_read(struct dns_hosts *hosts, const char *path);
/* NULL: not in it. Any case. */
const struct dns_host *dns_hosts_find(const struct dns_hosts *hosts, slice name);

/* Of this core's resolver; NULL where none runs. */
const struct dns_hosts *resolver_hosts(void);
