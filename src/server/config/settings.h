#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of the program itself; those of a module lie beside the module.
 */
#include "base/log.h"
#include "base/setting.h"

struct server_settings {
    slice hostname;           /* empty: the machine's */
    const char *user;         /* NULL: stay who started us */
    const char *group;        /* NULL: the user's */
    int64_t shutdown_timeout; /* ns */
    uint32_t descriptors_max; /* 0: as many as allowed */
    bool sandbox;
    struct setting_list writable_paths;
};

struct core_settings {
    uint32_t count; /* 0: one per CPU */
    bool pin;
    size_t stack_size;            /* bytes; 0: the runtime's default */
    uint32_t fibers_max;          /* 0: the runtime's default */
    uint32_t receive_buffers;     /* per core; 0: the runtime's default */
    uint32_t receive_buffer_size; /* bytes; 0: the runtime's default */
    uint32_t workers;             /* per core and lane */
    int64_t spin;                 /* ns */
    size_t body_memory_max;       /* bytes of message bodies per core */
};

struct log_settings {
    enum log_level level;
    enum log_format format;
    const char *path; /* NULL: standard error */
};

struct listen_settings {
    struct setting_list smtp;
    struct setting_list submission;
    struct setting_list submissions;
    struct setting_list imap;
    struct setting_list imaps;
    struct setting_list pop3;
    struct setting_list pop3s;
    struct setting_list managesieve;
    struct setting_list http;
    struct setting_list https;
    struct setting_list admin;
    slice proxies; /* networks */
    uint32_t connections_max;
    uint32_t per_address_max;
};

struct tls_settings {
    struct setting_list certificates;
    struct setting_list keys;
    slice authority; /* PEM file; empty: the system's */
    int version_min; /* enum tls_version */
};

struct admin_settings {
    slice token;
};

extern const struct setting_table server_setting_table;
extern const struct setting_table core_setting_table;
extern const struct setting_table log_setting_table;
extern const struct setting_table listen_setting_table;
extern const struct setting_table tls_setting_table;
extern const struct setting_table admin_setting_table;
