/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first byte chooses the type; the question is taken from the message itself, so that the
 * fuzzer need not guess it.
 */
#include "base/assert.h"
#include "format/dns/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t question_name(slice message, char text[DNS_NAME_SIZE_MAX])
{
    size_t at = 12, size = 0;
    while (at < message.size && message.data[at] > 0 && message.data[at] < 64) {
        size_t label = (size_t)message.data[at++];
        if (message.size - at < label || size + label + 1 > DNS_NAME_SIZE_MAX)
            break;
        if (size)
            text[size++] = '.';
        memcpy(text + size, message.data + at, label);
        size += label;
        at += label;
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A,   DNS_CNAME, DNS_PTR,  DNS_MX,
                                          DNS_TXT, DNS_AAAA,  DNS_TLSA, DNS_NS};
    if (size < 1)
        return 0;
    enum dns_type type = types[data[0] % 8];
    char *copy = malloc(size), text[DNS_NAME_SIZE_MAX];
    memcpy(copy, data + 1, size - 1);
    slice message = slice_of(copy, size - 1), name = slice_of(text, question_name(message, text));
    struct arena arena;
    struct dns_answer answer;
    arena_init(&arena, 1 << 20);
    if (!failed(dns_message_parse(message, name, type, &arena, &answer))) {
        ASSERT(answer.count <= DNS_RECORDS_MAX && answer.owner.size <= DNS_NAME_TEXT_MAX);
        for (unsigned i = 0; i < answer.count; i++)
            if (type == DNS_MX)
                ASSERT(answer.records[i].mx.host.size <= DNS_NAME_TEXT_MAX);
    }
    arena_close(&arena);
    free(copy);
    return 0;
}
