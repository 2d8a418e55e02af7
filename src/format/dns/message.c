/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/dns/message.h"

enum { HEADER_SIZE = 12, CLASS_IN = 1, POINTER = 0xc0 };

/* A position in the message: names may point back into all of it. */
struct reader {
    slice message;
    size_t at;
};

static error malformed(void)
{
    return error_make(ERROR_MALFORMED, "a malformed DNS message");
}

static unsigned byte_at(const struct reader *reader, size_t at)
{
    return (unsigned char)reader->message.data[at];
}

static bool has(const struct reader *reader, size_t size)
{
    return reader->message.size - reader->at >= size;
}

static bool take_u16(struct reader *reader, unsigned *out)
{
    if (!has(reader, 2))
        return false;
    *out = byte_at(reader, reader->at) << 8 | byte_at(reader, reader->at + 1);
    reader->at += 2;
    return true;
}

static bool take_u32(struct reader *reader, uint32_t *out)
{
    unsigned high, low;
    if (!has(reader, 4) || !take_u16(reader, &high) || !take_u16(reader, &low))
        return false;
    *out = (uint32_t)high << 16 | low;
    return true;
}

/* ---- Names ---- */

static void add_escaped(unsigned char byte, char *text, size_t *size)
{
    text[(*size)++] = '\\';
    text[(*size)++] = (char)('0' + byte / 100);
    text[(*size)++] = (char)('0' + byte / 10 % 10);
    text[(*size)++] = (char)('0' + byte % 10);
}

static void add_decimal(unsigned char byte, char *text, size_t *size)
{
    if (byte >= 100)
        text[(*size)++] = (char)('0' + byte / 100);
    if (byte >= 10)
        text[(*size)++] = (char)('0' + byte / 10 % 10);
    text[(*size)++] = (char)('0' + byte % 10);
}

/* One label as text behind *size: letters small, what would confuse a reader as \DDD (RFC 1035
 * 5.1). */
static void add_label(const char *label, size_t label_size, char *text, size_t *size)
{
    if (*size)
        text[(*size)++] = '.';
    for (size_t i = 0; i < label_size; i++) {
        unsigned char byte = (unsigned char)label[i];
        if (byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\')
            text[(*size)++] = ascii_lower((char)byte);
        else
            add_escaped(byte, text, size);
    }
}

/* RFC 1035 4.1.4. Pointers must lead backwards, so that no loop can be built. */
static bool take_name(struct reader *reader, char text[DNS_NAME_TEXT_MAX + 1], size_t *out_size)
{
    size_t at = reader->at, size = 0, wire = 0, least = reader->at;
    bool jumped = false;
    for (unsigned pointers = 0;;) {
        if (at >= reader->message.size)
            return false;
        unsigned head = byte_at(reader, at);
        if (head == 0)
            break;
        if ((head & POINTER) == POINTER) {
            if (at + 1 >= reader->message.size || ++pointers > DNS_POINTERS_MAX)
                return false;
            size_t target = (head & ~(unsigned)POINTER) << 8 | byte_at(reader, at + 1);
            if (target >= least)
                return false;
            if (!jumped)
                reader->at = at + 2;
            jumped = true;
            at = least = target;
            continue;
        }
        if (head & POINTER || reader->message.size - at - 1 < head)
            return false;
        wire += head + 1;
        if (wire > DNS_NAME_SIZE_MAX + 1)
            return false;
        add_label(reader->message.data + at + 1, head, text, &size);
        at += head + 1;
    }
    if (!jumped)
        reader->at = at + 1;
    *out_size = size;
    return true;
}

static error take_name_kept(struct reader *reader, struct arena *arena, slice *out_name)
{
    char text[DNS_NAME_TEXT_MAX + 1];
    size_t size;
    if (!take_name(reader, text, &size))
        return malformed();
    return arena_copy(arena, slice_of(text, size), out_name);
}

bool dns_name_is_valid(slice name)
{
    size_t label = 0;
    if (slice_ends(name, SLICE(".")))
        name.size--;
    if (name.size == 0 || name.size > DNS_NAME_SIZE_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == 0 || name.data[i] == '\\')
            return false;
        label = name.data[i] == '.' ? 0 : label + 1;
        if (label > 63 || (label == 0 && (i == 0 || name.data[i - 1] == '.')))
            return false;
    }
    return label > 0;
}

slice dns_reverse_name(const uint8_t *ip, size_t ip_size, char text[DNS_REVERSE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    slice zone = ip_size == 4 ? SLICE("in-addr.arpa") : SLICE("ip6.arpa");
    size_t size = 0;
    for (size_t i = ip_size; i-- > 0;) {
        if (ip_size == 4) {
            add_decimal(ip[i], text, &size);
        } else {
            text[size++] = digits[ip[i] & 15];
            text[size++] = '.';
            text[size++] = digits[ip[i] >> 4];
        }
        text[size++] = '.';
    }
    memcpy(text + size, zone.data, zone.size);
    return slice_of(text, size + zone.size);
}

/* ---- Records ---- */

struct entry {
    char owner[DNS_NAME_TEXT_MAX + 1];
    size_t owner_size;
    unsigned type, class, data_size;
    uint32_t ttl;
    size_t data; /* where it begins */
};

/* The next resource record; the reader stands behind it afterwards. */
static bool take_entry(struct reader *reader, struct entry *entry)
{
    if (!take_name(reader, entry->owner, &entry->owner_size) || !take_u16(reader, &entry->type) ||
        !take_u16(reader, &entry->class) || !take_u32(reader, &entry->ttl) ||
        !take_u16(reader, &entry->data_size) || !has(reader, entry->data_size))
        return false;
    if (entry->ttl > INT32_MAX) /* RFC 2181 8 */
        entry->ttl = 0;
    entry->data = reader->at;
    reader->at += entry->data_size;
    return true;
}

/* Character-strings (RFC 1035 3.3), each with its size before it, joined. */
static error join_strings(slice data, struct arena *arena, slice *out_text)
{
    char *text = arena_alloc_bytes(arena, data.size ? data.size : 1);
    size_t size = 0;
    TRY_MEMORY(text);
    while (data.size) {
        size_t part = (unsigned char)data.data[0];
        if (data.size - 1 < part)
            return malformed();
        memcpy(text + size, data.data + 1, part);
        size += part;
        data = slice_from(data, part + 1);
    }
    *out_text = slice_of(text, size);
    return OK;
}

static error read_tlsa(slice data, struct arena *arena, struct dns_record *record)
{
    if (data.size < 3)
        return malformed();
    record->tlsa.usage = (uint8_t)data.data[0];
    record->tlsa.selector = (uint8_t)data.data[1];
    record->tlsa.matching = (uint8_t)data.data[2];
    return arena_copy(arena, slice_from(data, 3), &record->tlsa.data);
}

static error read_srv(struct reader *reader, struct arena *arena, struct dns_record *record)
{
    unsigned priority, weight, port;
    if (!take_u16(reader, &priority) || !take_u16(reader, &weight) || !take_u16(reader, &port))
        return malformed();
    record->srv.priority = (uint16_t)priority;
    record->srv.weight = (uint16_t)weight;
    record->srv.port = (uint16_t)port;
    return take_name_kept(reader, arena, &record->srv.host);
}

static error read_record(slice message, const struct entry *entry, struct arena *arena,
                         struct dns_record *record)
{
    /* Names in the data may be compressed: they are read in the whole message, to its data's end.
     */
    struct reader reader = {slice_sub(message, 0, entry->data + entry->data_size), entry->data};
    slice data = slice_sub(message, entry->data, entry->data_size);
    unsigned preference;
    record->ttl = entry->ttl;
    switch (entry->type) {
    case DNS_A:
    case DNS_AAAA:
        if (data.size != (entry->type == DNS_A ? 4 : 16))
            return malformed();
        memset(record->ip, 0, sizeof record->ip);
        memcpy(record->ip, data.data, data.size);
        return OK;
    case DNS_MX:
        if (!take_u16(&reader, &preference))
            return malformed();
        record->mx.preference = (uint16_t)preference;
        return take_name_kept(&reader, arena, &record->mx.host);
    case DNS_TXT:
        return join_strings(data, arena, &record->text);
    case DNS_TLSA:
        return read_tlsa(data, arena, record);
    case DNS_SRV:
        return read_srv(&reader, arena, record);
    default:
        return take_name_kept(&reader, arena, &record->name);
    }
}

/* ---- The answer ---- */

struct header {
    unsigned questions, answers, authorities;
};

static error read_header(struct reader *reader, struct dns_answer *answer, struct header *header)
{
    unsigned id, flags, additional;
    if (!take_u16(reader, &id) || !take_u16(reader, &flags) ||
        !take_u16(reader, &header->questions) || !take_u16(reader, &header->answers) ||
        !take_u16(reader, &header->authorities) || !take_u16(reader, &additional))
        return malformed();
    if (!(flags & 0x8000) || header->questions != 1) /* QR: a reply, to one question */
        return malformed();
    answer->code = (enum dns_code)(flags & 15);
    answer->truncated = flags & 0x0200;
    answer->authentic = flags & 0x0020;
    return OK;
}

static error read_question(struct reader *reader, slice name, enum dns_type type,
                           struct arena *arena, struct dns_answer *answer)
{
    unsigned asked, class;
    if (slice_ends(name, SLICE(".")))
        name.size--;
    TRY(take_name_kept(reader, arena, &answer->owner));
    if (!take_u16(reader, &asked) || !take_u16(reader, &class) || asked != (unsigned)type ||
        class != CLASS_IN || !slice_equal_nocase(answer->owner, name))
        return malformed();
    return OK;
}

/* Where a CNAME of the present owner leads; false where there is none. */
static error follow(slice message, struct reader start, unsigned count, struct arena *arena,
                    struct dns_answer *answer, bool *out_found)
{
    struct entry entry;
    *out_found = false;
    for (unsigned i = 0; i < count && !*out_found; i++) {
        if (!take_entry(&start, &entry))
            return malformed();
        if (entry.type != DNS_CNAME || entry.class != CLASS_IN ||
            !slice_equal(slice_of(entry.owner, entry.owner_size), answer->owner))
            continue;
        struct dns_record alias;
        TRY(read_record(message, &entry, arena, &alias));
        answer->owner = alias.name;
        answer->ttl = alias.ttl < answer->ttl ? alias.ttl : answer->ttl;
        *out_found = true;
    }
    return OK;
}

/* The records of the owner; *out_end stands behind the answer section. */
static error collect(slice message, struct reader *reader, unsigned count, enum dns_type type,
                     struct arena *arena, struct dns_answer *answer)
{
    struct entry entry;
    for (unsigned i = 0; i < count; i++) {
        if (!take_entry(reader, &entry))
            return malformed();
        if (entry.type != (unsigned)type || entry.class != CLASS_IN ||
            !slice_equal(slice_of(entry.owner, entry.owner_size), answer->owner))
            continue;
        if (answer->count == DNS_RECORDS_MAX)
            return error_make(ERROR_LIMIT, "too many records in a DNS answer");
        if (!answer->records)
            answer->records = ARENA_ARRAY(arena, struct dns_record,
                                          count < DNS_RECORDS_MAX ? count : DNS_RECORDS_MAX);
        TRY_MEMORY(answer->records);
        TRY(read_record(message, &entry, arena, &answer->records[answer->count]));
        answer->count++;
        answer->ttl = entry.ttl < answer->ttl ? entry.ttl : answer->ttl;
    }
    return OK;
}

/* RFC 2308 5: the lesser of the SOA's own TTL and its last field. */
static error negative_ttl(struct reader *reader, unsigned count, struct dns_answer *answer)
{
    struct entry entry;
    uint32_t ttl = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!take_entry(reader, &entry))
            return malformed();
        if (entry.type != DNS_SOA || entry.class != CLASS_IN || entry.data_size < 22)
            continue;
        struct reader minimum = {reader->message, entry.data + entry.data_size - 4};
        (void)take_u32(&minimum, &ttl);
        ttl = entry.ttl < ttl ? entry.ttl : ttl;
        break;
    }
    answer->ttl = ttl < answer->ttl ? ttl : answer->ttl;
    return OK;
}

error dns_message_parse(slice message, slice name, enum dns_type type, struct arena *arena,
                        struct dns_answer *out_answer)
{
    struct dns_answer answer = {.ttl = INT32_MAX};
    struct reader reader = {message, 0};
    struct header header;
    TRY(read_header(&reader, &answer, &header));
    TRY(read_question(&reader, name, type, arena, &answer));
    bool found = type != DNS_CNAME;
    for (unsigned hops = 0; found; hops++) {
        if (hops > DNS_CHAIN_MAX)
            return error_make(ERROR_LIMIT, "too many CNAMEs after each other");
        TRY(follow(message, reader, header.answers, arena, &answer, &found));
    }
    TRY(collect(message, &reader, header.answers, type, arena, &answer));
    if (answer.count == 0)
        TRY(negative_ttl(&reader, header.authorities, &answer));
    *out_answer = answer;
    return OK;
}
