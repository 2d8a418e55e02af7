/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/address.h"

#include "base/buffer.h"
#include "format/mail/address.h"
#include "format/text/fold.h"
#include "format/text/idna.h"

enum { PATH_SIZE_MAX = 1000 };

error directory_address_join(struct arena *arena, slice local, slice domain, slice *out_whole)
{
    char *whole = arena_alloc_bytes(arena, local.size + 1 + domain.size);
    TRY_MEMORY(whole);
    if (local.size)
        memcpy(whole, local.data, local.size);
    whole[local.size] = '@';
    memcpy(whole + local.size + 1, domain.data, domain.size);
    *out_whole = slice_of(whole, local.size + 1 + domain.size);
    return OK;
}

/* RFC 5321 4.1.2 Quoted-string: the quotes and backslashes are not part of the name. */
static error unquote(slice local, struct arena *arena, slice *out_local)
{
    if (local.size < 2 || local.data[0] != '"' || local.data[local.size - 1] != '"') {
        *out_local = local;
        return OK;
    }
    char *plain = arena_alloc_bytes(arena, local.size);
    TRY_MEMORY(plain);
    size_t size = 0;
    for (size_t i = 1; i < local.size - 1; i++) {
        if (local.data[i] == '\\' && i + 1 < local.size - 1)
            i++;
        plain[size++] = local.data[i];
    }
    *out_local = slice_of(plain, size);
    return OK;
}

static bool local_is_possible(slice local)
{
    if (local.size == 0 || local.size > DIRECTORY_LOCAL_SIZE_MAX)
        return false;
    for (size_t i = 0; i < local.size; i++)
        if ((unsigned char)local.data[i] < ' ' || local.data[i] == 127)
            return false;
    return true;
}

static error fold_local(const struct directory_settings *settings, slice written,
                        struct arena *arena, struct directory_address *address)
{
    slice local, folded;
    TRY(unquote(written, arena, &local));
    error problem = text_fold(arena, local, &folded);
    if (problem.kind == ERROR_MALFORMED || (!failed(problem) && !local_is_possible(folded)))
        return error_make(ERROR_NOT_FOUND, "no account can have this local part");
    TRY(problem);
    TRY(directory_address_join(arena, folded, address->domain, &address->whole));
    address->local = slice_sub(address->whole, 0, folded.size);
    address->base = address->local;
    address->base_address = address->whole;
    address->detail = SLICE_EMPTY;
    if (settings->detail_separator.size == 0)
        return OK;
    slice base, detail;
    if (!slice_cut(local, settings->detail_separator.data[0], &base, &detail) || base.size == 0)
        return OK;
    TRY(text_fold(arena, base, &base));
    TRY(directory_address_join(arena, base, address->domain, &address->base_address));
    address->base = slice_sub(address->base_address, 0, base.size);
    return arena_copy(arena, detail, &address->detail);
}

error directory_address_extend(const struct directory_settings *settings, slice address,
                               slice detail, struct arena *arena, slice *out_extended)
{
    slice local, domain, extended;
    *out_extended = address;
    if (detail.size == 0 || settings->detail_separator.size == 0 ||
        !slice_cut_last(address, '@', &local, &domain))
        return OK;
    TRY(arena_format(arena, &extended, "%.*s%c%.*s@%.*s", SLICE_ARG(local),
                     settings->detail_separator.data[0], SLICE_ARG(detail), SLICE_ARG(domain)));
    size_t local_size = local.size + 1 + detail.size;
    if (local_size <= DIRECTORY_LOCAL_SIZE_MAX && extended.size <= DIRECTORY_ADDRESS_SIZE_MAX &&
        mail_address_local_is_plain(slice_sub(extended, 0, local_size)))
        *out_extended = extended;
    return OK;
}

error directory_address_parse(const struct directory_settings *settings, slice text,
                              struct arena *arena, struct directory_address *out_address)
{
    slice local = text, domain = settings->default_domain;
    if (text.size > DIRECTORY_ADDRESS_SIZE_MAX)
        return error_make(ERROR_MALFORMED, "address too long");
    if (slice_find_last_byte(text, '@') >= 0)
        slice_cut_last(text, '@', &local, &domain);
    if (domain.size == 0)
        return error_make(ERROR_MALFORMED, "address without a domain");
    struct directory_address address = {0};
    TRY(idna_to_ascii(arena, domain, &address.domain));
    error problem = fold_local(settings, local, arena, &address);
    if (problem.kind == ERROR_NONE || problem.kind == ERROR_NOT_FOUND)
        *out_address = address;
    return problem;
}

error directory_address_unicode(struct arena *arena, slice local, slice domain, bool *out_differs,
                                slice *out_domain, slice *out_whole)
{
    *out_differs = false;
    if (slice_find(domain, SLICE("xn--")) < 0)
        return OK;
    slice unicode;
    TRY(idna_to_unicode(arena, domain, &unicode));
    if (slice_equal(unicode, domain))
        return OK;
    TRY(directory_address_join(arena, local, unicode, out_whole));
    *out_domain = unicode;
    *out_differs = true;
    return OK;
}

static bool is_path_component(slice s)
{
    return slice_find_byte(s, '/') < 0 && slice_find_byte(s, 0) < 0 && s.size > 0 &&
           !slice_equal(s, SLICE(".")) && !slice_equal(s, SLICE(".."));
}

static error expand(slice pattern, slice local, slice domain, struct buffer *path)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] != '%') {
            buffer_add_byte(path, pattern.data[i]);
            continue;
        }
        char variable = ++i < pattern.size ? pattern.data[i] : 0;
        if (variable == 'n' || variable == 'u')
            buffer_add(path, local);
        if (variable == 'u')
            buffer_add_byte(path, '@');
        if (variable == 'd' || variable == 'u')
            buffer_add(path, domain);
        if (variable == '%')
            buffer_add_byte(path, '%');
        if (!variable || !strchr("nud%", variable))
            return error_make(ERROR_MALFORMED, "mail_home knows %d, %n, %u and %%");
    }
    return buffer_check(path);
}

error directory_path_expand(slice pattern, slice local, slice domain, struct arena *arena,
                            const char **out_path)
{
    if (!is_path_component(local) || !is_path_component(domain))
        return error_make(ERROR_MALFORMED, "address cannot name a directory");
    struct buffer path;
    buffer_init(&path, PATH_SIZE_MAX);
    error result = expand(pattern, local, domain, &path);
    if (!failed(result))
        result = arena_string(arena, buffer_slice(&path), out_path);
    buffer_close(&path);
    return result;
}
