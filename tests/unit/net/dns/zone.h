#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A DNS server of the test's own, UDP and TCP, on the test's core: it answers what zone_* put in,
 * follows CNAMEs as a recursive server does, says NXDOMAIN to the rest, and misbehaves by name.
 */
#include "net/pair.h"

#include "net/dns/resolver.h"
#include "runtime/ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { ZONE_RECORDS_MAX = 2000, ZONE_DATA_MAX = 600, ZONE_MESSAGE_MAX = 65535 };

enum zone_flag {
    ZONE_SILENT = 1,    /* no answer at all */
    ZONE_BROKEN = 2,    /* SERVFAIL */
    ZONE_SIGNED = 4,    /* AD */
    ZONE_TRUNCATED = 8, /* over UDP only a truncated answer */
    ZONE_WRONG = 16,    /* another question than was asked */
    ZONE_LOOP = 32,     /* a CNAME that leads to itself */
};

struct zone_record {
    char name[256];
    unsigned type; /* 0: flags */
    unsigned flags;
    unsigned size;
    uint8_t data[ZONE_DATA_MAX];
};

static struct {
    int udp, tcp;
    char address[32];
    unsigned questions, tcp_questions;
    unsigned patience; /* ms that the resolver waits for an answer; 0: as long as it takes */
    unsigned count;
    struct crew crew;
    struct zone_record records[ZONE_RECORDS_MAX];
} zone;

static inline size_t zone_put_name(uint8_t *out, const char *name)
{
    size_t size = 0;
    while (*name && strcmp(name, ".") != 0) {
        size_t label = strcspn(name, ".");
        out[size++] = (uint8_t)label;
        memcpy(out + size, name, label);
        size += label;
        name += label + (name[label] == '.');
    }
    out[size++] = 0;
    return size;
}

static inline struct zone_record *zone_add(const char *name, enum dns_type type)
{
    assert_true(zone.count < ZONE_RECORDS_MAX);
    struct zone_record *record = &zone.records[zone.count++];
    memset(record, 0, sizeof *record);
    snprintf(record->name, sizeof record->name, "%s", name);
    record->type = (unsigned)type;
    return record;
}

static inline void zone_flags(const char *name, unsigned flags)
{
    zone_add(name, (enum dns_type)0)->flags = flags;
}

static inline void zone_a(const char *name, const char *ip)
{
    struct zone_record *record = zone_add(name, strchr(ip, ':') ? DNS_AAAA : DNS_A);
    record->size = record->type == DNS_A ? 4 : 16;
    assert_int_equal(inet_pton(record->type == DNS_A ? AF_INET : AF_INET6, ip, record->data), 1);
}

static inline void zone_mx(const char *name, unsigned preference, const char *host)
{
    struct zone_record *record = zone_add(name, DNS_MX);
    record->data[0] = (uint8_t)(preference >> 8);
    record->data[1] = (uint8_t)preference;
    record->size = 2 + (unsigned)zone_put_name(record->data + 2, host);
}

static inline void zone_cname(const char *name, const char *target)
{
    struct zone_record *record = zone_add(name, DNS_CNAME);
    record->size = (unsigned)zone_put_name(record->data, target);
}

static inline void zone_txt(const char *name, const char *text)
{
    struct zone_record *record = zone_add(name, DNS_TXT);
    assert_true(strlen(text) < 256);
    record->data[0] = (uint8_t)strlen(text);
    memcpy(record->data + 1, text, strlen(text));
    record->size = 1 + (unsigned)strlen(text);
}

static inline void zone_tlsa(const char *name, const char data[35], unsigned size)
{
    struct zone_record *record = zone_add(name, DNS_TLSA);
    memcpy(record->data, data, size);
    record->size = size;
}

/* Everything about the name goes. */
static inline void zone_remove(const char *name)
{
    for (unsigned i = 0; i < zone.count; i++)
        if (strcasecmp(zone.records[i].name, name) == 0)
            zone.records[i].name[0] = '\0';
}

static inline unsigned zone_flags_of(const char *name)
{
    unsigned flags = 0;
    for (unsigned i = 0; i < zone.count; i++)
        if (strcasecmp(zone.records[i].name, name) == 0)
            flags |= zone.records[i].flags;
    return flags;
}

static inline size_t zone_put_record(uint8_t *message, size_t size, const char *name, unsigned type,
                                     const uint8_t *data, unsigned data_size)
{
    assert_true(size + 300 + data_size < ZONE_MESSAGE_MAX);
    size += zone_put_name(message + size, name);
    const uint8_t fixed[10] = {
        (uint8_t)(type >> 8),      (uint8_t)type,      0, 1, 0, 0, 1, 0,
        (uint8_t)(data_size >> 8), (uint8_t)data_size,
    };
    memcpy(message + size, fixed, sizeof fixed);
    size += sizeof fixed;
    memcpy(message + size, data, data_size);
    unsigned count = ((unsigned)message[6] << 8 | message[7]) + 1;
    message[6] = (uint8_t)(count >> 8);
    message[7] = (uint8_t)count;
    return size + data_size;
}

/* Records of the type; true where the name exists at all. */
static inline bool zone_put_all(uint8_t *message, size_t *size, char *name, unsigned type)
{
    bool exists = false;
    for (unsigned hops = 0; hops < 20; hops++) {
        const struct zone_record *alias = NULL;
        for (unsigned i = 0; i < zone.count; i++) {
            const struct zone_record *record = &zone.records[i];
            if (strcasecmp(record->name, name) != 0)
                continue;
            exists = true;
            if (record->type == type)
                *size = zone_put_record(message, *size, name, type, record->data, record->size);
            else if (record->type == DNS_CNAME)
                alias = record;
        }
        if (!alias)
            return exists;
        *size = zone_put_record(message, *size, name, DNS_CNAME, alias->data, alias->size);
        size_t at = 0, text = 0;
        while (alias->data[at]) {
            if (text)
                name[text++] = '.';
            memcpy(name + text, alias->data + at + 1, alias->data[at]);
            text += alias->data[at];
            at += 1u + alias->data[at];
        }
        name[text] = '\0';
    }
    return exists;
}

/* Turns the question into the reply; 0: stay silent. */
static inline size_t zone_answer(uint8_t *message, size_t size, bool udp)
{
    char name[1024] = "", asked[1024];
    size_t at = 12;
    zone.questions++;
    zone.tcp_questions += !udp;
    while (at < size && message[at]) {
        if (name[0])
            strcat(name, ".");
        strncat(name, (char *)message + at + 1, message[at]);
        at += 1u + message[at];
    }
    unsigned type = (unsigned)message[at + 1] << 8 | message[at + 2];
    size_t reply = at + 5;
    strcpy(asked, name);
    unsigned flags = zone_flags_of(name);
    if (flags & ZONE_SILENT)
        return 0;
    message[2] = 0x81;
    message[3] = (uint8_t)(0x80 | (flags & ZONE_SIGNED ? 0x20 : 0));
    memset(message + 6, 0, 6);
    if (flags & ZONE_BROKEN) {
        message[3] |= 2;
        return reply;
    }
    if (udp && flags & ZONE_TRUNCATED) {
        message[2] |= 2;
        return reply;
    }
    if (flags & ZONE_LOOP) {
        uint8_t self[300];
        return zone_put_record(message, reply, asked, DNS_CNAME, self,
                               (unsigned)zone_put_name(self, asked));
    }
    if (!zone_put_all(message, &reply, name, type))
        message[3] |= 3;
    if (flags & ZONE_WRONG)
        message[13] ^= 1;
    if (udp && reply > RESOLVER_UDP_SIZE) {
        message[2] |= 2;
        memset(message + 6, 0, 6);
        return at + 5;
    }
    return reply;
}

static inline void zone_serve_udp(void *argument)
{
    (void)argument;
    static uint8_t message[ZONE_MESSAGE_MAX];
    short events;
    while (!failed(ring_poll(zone.udp, POLLIN, TIME_NEVER, &events))) {
        struct sockaddr_in from;
        socklen_t from_size = sizeof from;
        ssize_t size = recvfrom(zone.udp, message, 512, MSG_DONTWAIT, (void *)&from, &from_size);
        size_t reply = size < 12 ? 0 : zone_answer(message, (size_t)size, true);
        if (reply)
            sendto(zone.udp, message, reply, 0, (void *)&from, from_size);
    }
}

static inline void zone_serve_tcp(void *argument)
{
    (void)argument;
    static uint8_t message[2 + ZONE_MESSAGE_MAX];
    short events;
    while (!failed(ring_poll(zone.tcp, POLLIN, TIME_NEVER, &events))) {
        int fd = accept4(zone.tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        size_t had = 0, got;
        while (fd >= 0 && (had < 2 || had < 2u + ((size_t)message[0] << 8 | message[1])) &&
               !failed(ring_receive(fd, message + had, 600 - had, soon(), &got)))
            had += got;
        size_t reply = had > 14 ? zone_answer(message + 2, had - 2, false) : 0;
        message[0] = (uint8_t)(reply >> 8);
        message[1] = (uint8_t)reply;
        if (reply)
            error_ignore(ring_send(fd, slice_of(message, reply + 2), soon()));
        if (fd >= 0)
            close(fd);
    }
}

/* One port for both. */
static inline void zone_bind(void)
{
    for (int tries = 0; tries < 50; tries++) {
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof own;
        zone.udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        zone.tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(zone.udp, (void *)&own, size), 0);
        assert_int_equal(getsockname(zone.udp, (void *)&own, &size), 0);
        snprintf(zone.address, sizeof zone.address, "127.0.0.1:%u", ntohs(own.sin_port));
        if (bind(zone.tcp, (void *)&own, size) == 0 && listen(zone.tcp, 16) == 0)
            return;
        close(zone.udp);
        close(zone.tcp);
    }
    fail_msg("no port for both UDP and TCP");
}

/* The server, and this core's resolver asking it. */
static inline void zone_start(bool trust_authentic, const char *hosts)
{
    zone.count = zone.questions = zone.tcp_questions = 0;
    zone_bind();
    crew_init(&zone.crew, NULL);
    assert_ok(fiber_start(&zone.crew, "zone udp", zone_serve_udp, NULL));
    assert_ok(fiber_start(&zone.crew, "zone tcp", zone_serve_tcp, NULL));
    const struct resolver_options options = {
        .servers = zone.address,
        .trust_authentic = trust_authentic,
        .hosts = hosts,
        .timeout_ms = zone.patience ? zone.patience : 10000,
        .tries = 2,
    };
    assert_ok(resolver_start(&options));
}

static inline void zone_stop(void)
{
    zone.patience = 0;
    resolver_stop();
    crew_close(&zone.crew);
    close(zone.udp);
    close(zone.tcp);
}
