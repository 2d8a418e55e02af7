/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/tlsrpt.h"

#include "format/mail/address.h"
#include "format/mail/tag_list.h"

static int hex_digit(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1. What is not printable is no part of an address or URL. */
static error decode(slice text, struct arena *arena, slice *out_text)
{
    char *out = arena_alloc_bytes(arena, text.size ? text.size : 1);
    size_t size = 0;
    TRY_MEMORY(out);
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return error_make(ERROR_MALFORMED, "a broken escape");
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if ((unsigned char)byte <= ' ' || (unsigned char)byte >= 0x7f || byte == '<' || byte == '>')
            return error_make(ERROR_MALFORMED, "a character that no address has");
        out[size++] = byte;
    }
    *out_text = slice_of(out, size);
    return OK;
}

static bool is_printable(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] <= ' ' || (unsigned char)text.data[i] >= 0x7f)
            return false;
    return true;
}

/* In A-labels: others would have to be escaped twice. */
static bool is_domain(slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '-' &&
            name.data[i] != '.')
            return false;
    return name.size > 0;
}

/* A URI of another scheme, or a broken one, is passed over. */
static error take_target(slice uri, struct arena *arena, struct tlsrpt_record *record)
{
    struct tlsrpt_target target = {.kind = TLSRPT_MAIL};
    slice address, headers, local, domain;
    if (record->count == TLSRPT_TARGETS_MAX)
        return OK;
    if (slice_starts_nocase(uri, SLICE("https://"))) {
        if (!is_printable(uri))
            return OK;
        target.kind = TLSRPT_HTTPS;
        TRY(arena_copy(arena, uri, &target.address));
    } else if (slice_starts_nocase(uri, SLICE("mailto:"))) {
        slice_cut(slice_from(uri, 7), '?', &address, &headers);
        error problem = decode(address, arena, &target.address);
        if (problem.kind == ERROR_MALFORMED)
            return OK;
        TRY(problem);
        if (!slice_cut_last(target.address, '@', &local, &domain) ||
            !mail_address_local_is_plain(local) || !is_domain(domain))
            return OK;
    } else {
        return OK;
    }
    record->targets[record->count++] = target;
    return OK;
}

error tlsrpt_record_parse(slice text, struct arena *arena, struct tlsrpt_record *out_record)
{
    struct mail_tag_list list;
    struct tlsrpt_record record = {0};
    slice version, rest;
    slice_cut(text, ';', &version, &rest);
    if (!slice_equal(slice_trim(version), SLICE("v=TLSRPTv1")))
        return error_make(ERROR_NOT_FOUND, "not a TLSRPT record");
    if (!mail_tag_list_parse(text, &list))
        return error_make(ERROR_MALFORMED, "a TLSRPT record with broken fields");
    slice uris = mail_tag_value(&list, SLICE("rua"));
    while (uris.size) {
        slice uri;
        slice_cut(uris, ',', &uri, &uris); /* commas within are escaped, RFC 8460 3 */
        TRY(take_target(slice_trim(uri), arena, &record));
    }
    if (record.count == 0)
        return error_make(ERROR_MALFORMED, "a TLSRPT record without a target");
    *out_record = record;
    return OK;
}
