/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/wrapper.h"

enum form {
    FORM_PARAMETER, /* percent-encoded, in a parameter of the query */
    FORM_DASHES,    /* the same with - for % and _ for / (Proofpoint 2) */
    FORM_BARS,      /* between __ and __; in the path (Proofpoint 3) */
    FORM_PATH,      /* percent-encoded, the last part of the path */
    FORM_SEALED,
};

static const struct wrapper {
    const char *host; /* this one and those below it */
    const char *path; /* how it begins */
    enum form form;
    const char *parameter; /* with its '=' */
} wrappers[] = {
    {"safelinks.protection.outlook.com", "/", FORM_PARAMETER, "url="},
    {"safelinks.protection.office365.us", "/", FORM_PARAMETER, "url="},
    {"urldefense.com", "/v3/__", FORM_BARS, NULL},
    {"urldefense.us", "/v3/__", FORM_BARS, NULL},
    {"urldefense.proofpoint.com", "/v1/url", FORM_PARAMETER, "u="},
    {"urldefense.proofpoint.com", "/v2/url", FORM_DASHES, "u="},
    {"linkprotect.cudasvc.com", "/url", FORM_PARAMETER, "a="},
    {"secure-web.cisco.com", "/", FORM_PATH, NULL},
    {"mimecast.com", "/s/", FORM_SEALED, NULL},
    {"mimecastprotect.com", "/s/", FORM_SEALED, NULL},
    {"www.google.com", "/url", FORM_PARAMETER, "q="},
    {"www.google.com", "/url", FORM_PARAMETER, "url="},
    {"google.com", "/url", FORM_PARAMETER, "q="},
    {"l.facebook.com", "/l.php", FORM_PARAMETER, "u="},
    {"www.youtube.com", "/redirect", FORM_PARAMETER, "q="},
    {"www.linkedin.com", "/safety/go", FORM_PARAMETER, "url="},
};

static bool is_below(slice host, slice top)
{
    return slice_equal(host, top) || (host.size > top.size && slice_ends(host, top) &&
                                      host.data[host.size - top.size - 1] == '.');
}

/* Up to the next '&': "q=" of "?sa=t&q=https..." */
static slice find_parameter(slice rest, slice name)
{
    slice left, one;
    ptrdiff_t query = slice_find_byte(rest, '?');
    if (query < 0)
        return SLICE_EMPTY;
    left = slice_from(rest, (size_t)query + 1);
    while (left.size > 0) {
        slice_cut(left, '&', &one, &left);
        if (slice_starts_nocase(one, SLICE("amp;"))) /* "&amp;" in plain text */
            one = slice_from(one, 4);
        if (slice_starts_nocase(one, name))
            return slice_from(one, name.size);
    }
    return SLICE_EMPTY;
}

static error unescape(struct arena *arena, slice text, bool dashes, slice *out_plain)
{
    char *plain = arena_alloc_bytes(arena, text.size + 1);
    TRY_MEMORY(plain);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool escape = text.data[i] == (dashes ? '-' : '%') && i + 2 < text.size;
        int high = escape ? url_hex_value(text.data[i + 1]) : -1;
        int low = high >= 0 ? url_hex_value(text.data[i + 2]) : -1;
        char byte = dashes && text.data[i] == '_' ? '/' : text.data[i];
        if (low >= 0) {
            byte = (char)(high * 16 + low);
            i += 2;
        }
        plain[size++] = byte;
    }
    *out_plain = slice_of(plain, size);
    return OK;
}

static slice between_bars(slice rest, slice start)
{
    slice inner = slice_from(rest, start.size);
    ptrdiff_t end = slice_find(inner, SLICE("__;"));
    return end < 0 ? inner : slice_sub(inner, 0, (size_t)end);
}

static error unwrap(struct arena *arena, const struct wrapper *wrapper, slice rest,
                    slice *out_inner)
{
    slice left;
    switch (wrapper->form) {
    case FORM_PARAMETER:
    case FORM_DASHES:
        return unescape(arena, find_parameter(rest, slice_from_string(wrapper->parameter)),
                        wrapper->form == FORM_DASHES, out_inner);
    case FORM_BARS:
        *out_inner = between_bars(rest, slice_from_string(wrapper->path));
        return OK;
    case FORM_PATH:
        *out_inner = SLICE_EMPTY;
        return slice_cut_last(rest, '/', &left, &rest) ? unescape(arena, rest, false, out_inner)
                                                       : OK;
    case FORM_SEALED:
        break;
    }
    *out_inner = SLICE_EMPTY;
    return OK;
}

error url_unwrap(struct arena *arena, const struct url *url, slice host, struct url *out_inner,
                 enum url_wrapping *out_wrapping)
{
    *out_wrapping = URL_BARE;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        const struct wrapper *wrapper = &wrappers[i];
        slice text;
        if (!is_below(host, slice_from_string(wrapper->host)) ||
            !slice_starts_nocase(url->rest, slice_from_string(wrapper->path)))
            continue;
        if (wrapper->form == FORM_SEALED) {
            *out_wrapping = URL_SEALED;
            return OK;
        }
        TRY(unwrap(arena, wrapper, url->rest, &text));
        /* "www.x" is none here: what is wrapped is whole */
        if (!slice_starts_nocase(text, SLICE("http")) || !url_parse(text, out_inner))
            continue;
        *out_wrapping = URL_WRAPPING;
        return OK;
    }
    return OK;
}
