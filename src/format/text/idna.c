/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/idna.h"

#include "base/utf8.h"

#include <idn2.h>

enum { LABEL_SIZE_MAX = 63 }; /* RFC 1035 2.3.4 */

/* Letters, digits, hyphens inside, underscores (service names); 1 to 63 bytes. */
static bool label_is_valid(slice label)
{
    if (label.size == 0 || label.size > LABEL_SIZE_MAX || label.data[0] == '-' ||
        label.data[label.size - 1] == '-')
        return false;
    for (size_t i = 0; i < label.size; i++) {
        char byte = label.data[i];
        if (!ascii_is_alpha(byte) && !ascii_is_digit(byte) && byte != '-' && byte != '_')
            return false;
    }
    return true;
}

static error check_ascii(slice domain)
{
    if (domain.size == 0 || domain.size > IDNA_DOMAIN_SIZE_MAX)
        return error_make(ERROR_MALFORMED, "a domain name has 1 to 253 bytes");
    slice label, rest = domain;
    bool more = true;
    while (more) {
        more = slice_cut(rest, '.', &label, &rest);
        if (!label_is_valid(label))
            return error_make(ERROR_MALFORMED, "not a domain name");
    }
    return OK;
}

static error lower_copy(struct arena *arena, slice s, slice *out_copy)
{
    char *copy = arena_alloc_bytes(arena, s.size);
    TRY_MEMORY(copy);
    for (size_t i = 0; i < s.size; i++)
        copy[i] = ascii_lower(s.data[i]);
    *out_copy = (slice){copy, s.size};
    return OK;
}

error idna_to_ascii(struct arena *arena, slice domain, slice *out_ascii)
{
    if (domain.size > 1 && domain.data[domain.size - 1] == '.')
        domain.size--;
    if (utf8_is_ascii(domain)) {
        TRY(check_ascii(domain));
        return lower_copy(arena, domain, out_ascii);
    }
    if (domain.size > IDNA_INPUT_SIZE_MAX || !utf8_is_valid(domain))
        return error_make(ERROR_MALFORMED, "not a domain name");
    const char *input;
    TRY(arena_string(arena, domain, &input));
    char *output = NULL;
    int result = idn2_to_ascii_8z(input, &output, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (result == IDN2_MALLOC)
        return error_make(ERROR_LIMIT, "out of memory for a domain name");
    if (result != IDN2_OK)
        return error_make(ERROR_MALFORMED, "not an internationalised domain name");
    slice ascii = slice_from_string(output);
    error problem = check_ascii(ascii);
    if (!failed(problem))
        problem = lower_copy(arena, ascii, out_ascii);
    idn2_free(output);
    return problem;
}

error idna_to_unicode(struct arena *arena, slice domain, slice *out_unicode)
{
    if (slice_find_nocase(slice_sub(domain, 0, IDNA_INPUT_SIZE_MAX), SLICE("xn--")) < 0 ||
        domain.size > IDNA_INPUT_SIZE_MAX || slice_find_byte(domain, '\0') >= 0) {
        *out_unicode = domain;
        return OK;
    }
    const char *input;
    TRY(arena_string(arena, domain, &input));
    char *output = NULL;
    if (idn2_to_unicode_8z8z(input, &output, IDN2_NONTRANSITIONAL) != IDN2_OK) {
        *out_unicode = domain;
        return OK;
    }
    error problem = arena_copy(arena, slice_from_string(output), out_unicode);
    idn2_free(output);
    return problem;
}
