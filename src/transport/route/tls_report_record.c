/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/tls_report_record.h"

#define MALFORMED error_make(ERROR_MALFORMED, "not a record of a TLS report")

/* Then the domain, the policy's text, and the failures: each its head, the host, the reason. */
struct entry_head {
    uint64_t successes, failures;
    uint32_t policy_text_size;
    uint16_t domain_size;
    uint8_t policy, failure_count;
};
_Static_assert(sizeof(struct entry_head) == 24, "kept on disk");

struct failure_head {
    uint64_t count;
    uint8_t local[16], peer[16];
    uint16_t host_size, reason_size;
    uint8_t result, local_family, peer_family, reserved;
};
_Static_assert(sizeof(struct failure_head) == 48, "kept on disk");

/* ---- Writing ---- */

static uint8_t write_address(const struct address *address, uint8_t ip[16])
{
    if (!address_is_ip(address))
        return ADDRESS_NONE;
    memcpy(ip, address->ip, sizeof address->ip);
    return address->family;
}

static void write_failure(struct buffer *out, const struct tls_report_failure *failure)
{
    slice host = slice_sub(failure->host, 0, TLS_REPORT_DOMAIN_SIZE_MAX);
    slice reason = slice_sub(failure->reason, 0, TLS_REPORT_REASON_SIZE_MAX);
    struct failure_head head = {
        .count = failure->count,
        .host_size = (uint16_t)host.size,
        .reason_size = (uint16_t)reason.size,
        .result = (uint8_t)failure->result,
    };
    head.local_family = write_address(&failure->local, head.local);
    head.peer_family = write_address(&failure->peer, head.peer);
    buffer_add(out, slice_of(&head, sizeof head));
    buffer_add(out, host);
    buffer_add(out, reason);
}

void tls_report_entry_write(struct buffer *out, uint32_t salt, const struct tls_report_entry *entry)
{
    slice text = slice_sub(entry->policy_text, 0, TLS_REPORT_POLICY_SIZE_MAX);
    const struct entry_head head = {
        .successes = entry->successes,
        .failures = entry->failures,
        .policy_text_size = (uint32_t)text.size,
        .domain_size = (uint16_t)entry->domain.size,
        .policy = (uint8_t)entry->policy,
        .failure_count = (uint8_t)entry->failure_count,
    };
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(&head, sizeof head));
    buffer_add(out, entry->domain);
    buffer_add(out, text);
    for (const struct tls_report_failure *one = entry->details; one; one = one->next)
        write_failure(out, one);
    frame_end(out, begin, TLS_REPORT_ENTRY, salt);
}

void tls_report_done_write(struct buffer *out, uint32_t salt, slice domain)
{
    size_t begin = frame_begin(out);
    buffer_add(out, domain);
    frame_end(out, begin, TLS_REPORT_DONE, salt);
}

/* ---- Reading ---- */

static bool take_bytes(slice *rest, size_t size, slice *out)
{
    if (rest->size < size)
        return false;
    *out = slice_sub(*rest, 0, size);
    *rest = slice_from(*rest, size);
    return true;
}

static bool read_address(uint8_t family, const uint8_t ip[16], struct address *out)
{
    if (family != ADDRESS_NONE && family != ADDRESS_IPV4 && family != ADDRESS_IPV6)
        return false;
    *out = (struct address){.family = family};
    if (family != ADDRESS_NONE)
        memcpy(out->ip, ip, family == ADDRESS_IPV4 ? 4 : 16);
    return true;
}

static bool read_failure(slice *rest, struct tls_report_failure *out)
{
    struct failure_head head;
    slice bytes;
    if (!take_bytes(rest, sizeof head, &bytes))
        return false;
    memcpy(&head, bytes.data, sizeof head);
    *out = (struct tls_report_failure){
        .count = head.count,
        .result = (enum tls_report_result)head.result,
    };
    return head.result > TLS_REPORT_SUCCESS && head.result < TLS_REPORT_RESULTS &&
           head.host_size <= TLS_REPORT_DOMAIN_SIZE_MAX &&
           head.reason_size <= TLS_REPORT_REASON_SIZE_MAX &&
           read_address(head.local_family, head.local, &out->local) &&
           read_address(head.peer_family, head.peer, &out->peer) &&
           take_bytes(rest, head.host_size, &out->host) &&
           take_bytes(rest, head.reason_size, &out->reason);
}

error tls_report_entry_read(slice payload, struct arena *arena, struct tls_report_entry *out_entry)
{
    struct entry_head head;
    slice rest = payload, bytes;
    if (!take_bytes(&rest, sizeof head, &bytes))
        return MALFORMED;
    memcpy(&head, bytes.data, sizeof head);
    struct tls_report_entry entry = {
        .policy = (enum tls_report_policy)head.policy,
        .successes = head.successes,
        .failures = head.failures,
        .failure_count = head.failure_count,
    };
    if (head.policy >= TLS_REPORT_POLICIES || head.failure_count > TLS_REPORT_FAILURES_MAX ||
        head.domain_size == 0 || head.domain_size > TLS_REPORT_DOMAIN_SIZE_MAX ||
        head.policy_text_size > TLS_REPORT_POLICY_SIZE_MAX ||
        !take_bytes(&rest, head.domain_size, &entry.domain) ||
        !take_bytes(&rest, head.policy_text_size, &entry.policy_text))
        return MALFORMED;
    struct tls_report_failure **at = &entry.details;
    for (unsigned i = 0; i < head.failure_count; i++, at = &(*at)->next) {
        *at = ARENA_NEW(arena, struct tls_report_failure);
        TRY_MEMORY(*at);
        if (!read_failure(&rest, *at))
            return MALFORMED;
    }
    if (rest.size > 0)
        return MALFORMED;
    *out_entry = entry;
    return OK;
}

error tls_report_done_read(slice payload, slice *out_domain)
{
    if (payload.size == 0 || payload.size > TLS_REPORT_DOMAIN_SIZE_MAX)
        return MALFORMED;
    *out_domain = payload;
    return OK;
}
