/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns/hosts.h"

#include "format/dns/message.h"
#include "runtime/file.h"

enum { HOSTS_MEMORY_MAX = 8 << 20 };

void dns_hosts_init(struct dns_hosts *hosts)
{
    *hosts = (struct dns_hosts){0};
    arena_init(&hosts->arena, HOSTS_MEMORY_MAX);
    map_init(&hosts->names);
}

void dns_hosts_close(struct dns_hosts *hosts)
{
    map_close(&hosts->names);
    arena_close(&hosts->arena);
}

static slice take_word(slice *line)
{
    size_t end = 0;
    *line = slice_trim(*line);
    while (end < line->size && line->data[end] != ' ' && line->data[end] != '\t')
        end++;
    slice word = slice_sub(*line, 0, end);
    *line = slice_from(*line, end);
    return word;
}

static slice lower(slice name, char room[DNS_NAME_SIZE_MAX + 1])
{
    if (slice_ends(name, SLICE(".")))
        name.size--;
    for (size_t i = 0; i < name.size; i++)
        room[i] = ascii_lower(name.data[i]);
    return slice_of(room, name.size);
}

static error add_name(struct dns_hosts *hosts, slice name, const struct address *address)
{
    char room[DNS_NAME_SIZE_MAX + 1];
    if (!dns_name_is_valid(name) || hosts->count == DNS_HOSTS_MAX)
        return OK;
    struct dns_host *host = ARENA_NEW(&hosts->arena, struct dns_host);
    TRY_MEMORY(host);
    TRY(arena_copy(&hosts->arena, lower(name, room), &host->name));
    host->address = *address;
    hosts->count++;
    struct dns_host *first = map_get(&hosts->names, host->name);
    if (!first)
        return map_put(&hosts->names, host->name, host);
    while (first->next)
        first = first->next;
    first->next = host;
    return OK;
}

error dns_hosts_add(struct dns_hosts *hosts, slice text)
{
    while (text.size) {
        slice line, comment;
        struct address address;
        slice_cut(text, '\n', &line, &text);
        slice_cut(line, '#', &line, &comment);
        if (failed(address_parse_ip(take_word(&line), &address)))
            continue;
        for (slice name = take_word(&line); name.size; name = take_word(&line))
            TRY(add_name(hosts, name, &address));
    }
    return OK;
}

error dns_hosts_read(struct dns_hosts *hosts, const char *path)
{
    struct arena scratch;
    slice text;
    arena_init(&scratch, 2 * DNS_HOSTS_FILE_SIZE_MAX);
    error problem = file_read(path, DNS_HOSTS_FILE_SIZE_MAX, &scratch, &text);
    if (!failed(problem))
        problem = dns_hosts_add(hosts, text);
    arena_close(&scratch);
    return problem.kind == ERROR_NOT_FOUND ? OK : problem;
}

const struct dns_host *dns_hosts_find(const struct dns_hosts *hosts, slice name)
{
    char room[DNS_NAME_SIZE_MAX + 1];
    return dns_name_is_valid(name) ? map_get(&hosts->names, lower(name, room)) : NULL;
}
