/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/url.h"

#include "base/cursor.h"
#include "format/text/idna.h"
#include "net/address.h"

static bool is_slash(char byte)
{
    return byte == '/' || byte == '\\';
}

/* Bytes that end a link in running text. */
static bool ends_link(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' || c == '`' || c == '{' ||
           c == '}' || c == '|' || c == '^';
}

static bool is_host_byte(char byte)
{
    return ascii_is_alpha(byte) || ascii_is_digit(byte) || byte == '-' || byte == '.' ||
           byte == '_' || byte == '%' || byte & (char)0x80;
}

/* "host:port", "[::1]:port"; what stands before the first slash, question mark or hash. */
static bool parse_authority(slice authority, struct url *url)
{
    slice user, host;
    if (slice_cut_last(authority, '@', &user, &host))
        url->user = user;
    else
        host = authority;
    slice port = SLICE_EMPTY;
    if (host.size > 0 && host.data[0] == '[') {
        ptrdiff_t close = slice_find_byte(host, ']');
        if (close < 0)
            return false;
        port = slice_from(host, (size_t)close + 1);
        host = slice_sub(host, 0, (size_t)close + 1);
        if (port.size > 0 && port.data[0] == ':')
            port = slice_from(port, 1);
    } else {
        slice_cut(host, ':', &host, &port);
        for (size_t i = 0; i < host.size; i++)
            if (!is_host_byte(host.data[i]))
                return false;
    }
    uint64_t number;
    struct cursor at = cursor_over(port);
    if (cursor_take_u64(&at, 65535, &number) && cursor_done(&at))
        url->port = (unsigned)number;
    url->host = host;
    return host.size > 0;
}

bool url_parse(slice text, struct url *out_url)
{
    text = slice_trim(text);
    if (text.size > URL_SIZE_MAX)
        text.size = URL_SIZE_MAX;
    struct url url = {.text = text};
    slice rest = text;
    size_t scheme = 0;
    while (scheme < text.size && ascii_is_alpha(text.data[scheme]))
        scheme++;
    if (scheme > 0 && scheme < text.size && text.data[scheme] == ':') {
        url.scheme = slice_sub(text, 0, scheme);
        if (!slice_equal_nocase(url.scheme, SLICE("http")) &&
            !slice_equal_nocase(url.scheme, SLICE("https")) &&
            !slice_equal_nocase(url.scheme, SLICE("ftp")))
            return false;
        rest = slice_from(text, scheme + 1);
    } else if (!slice_starts_nocase(text, SLICE("www.")) &&
               !(text.size > 2 && is_slash(text.data[0]) && is_slash(text.data[1]))) {
        return false;
    }
    while (rest.size > 0 && is_slash(rest.data[0]))
        rest = slice_from(rest, 1);
    size_t end = 0;
    while (end < rest.size && !is_slash(rest.data[end]) && rest.data[end] != '?' &&
           rest.data[end] != '#')
        end++;
    url.rest = slice_from(rest, end);
    if (!parse_authority(slice_sub(rest, 0, end), &url))
        return false;
    *out_url = url;
    return true;
}

/* Punctuation that belongs to the sentence. */
static size_t without_tail(slice link)
{
    static const char tail[] = ".,;:!?)]'*_~";
    bool opens = slice_find_byte(link, '(') >= 0; /* no part of the tail: looked for once */
    size_t size = link.size;
    while (size > 0 && strchr(tail, link.data[size - 1]) && link.data[size - 1] != '\0') {
        if (link.data[size - 1] == ')' && opens)
            break;
        size--;
    }
    return size;
}

static size_t link_end(slice text, size_t start)
{
    size_t end = start;
    while (end < text.size && end - start < URL_SIZE_MAX && !ends_link(text.data[end]))
        end++;
    return end;
}

static size_t next_of(slice text, char byte, size_t from)
{
    ptrdiff_t found = slice_find_byte(slice_from(text, from), byte);
    return found < 0 ? text.size : from + (size_t)found;
}

void url_find_begin(struct url_finder *finder, slice text)
{
    *finder = (struct url_finder){
        .text = text, .colon = next_of(text, ':', 0), .dot = next_of(text, '.', 0)};
}

/* The letters before a colon that two slashes follow. */
static bool scheme_before(const struct url_finder *finder, size_t colon, size_t *out_start)
{
    slice text = finder->text;
    if (colon + 2 >= text.size || !is_slash(text.data[colon + 1]) ||
        !is_slash(text.data[colon + 2]))
        return false;
    size_t start = colon;
    while (start > finder->at && colon - start < 5 && ascii_is_alpha(text.data[start - 1]))
        start--;
    /* "xhttp://": what browsers and mail programs make a link of. */
    slice scheme = slice_sub(text, start, colon - start);
    if (slice_equal_nocase(scheme, SLICE("xhttp")))
        start++;
    *out_start = start;
    return start < colon;
}

static bool www_before(const struct url_finder *finder, size_t dot, size_t *out_start)
{
    slice text = finder->text;
    if (dot < finder->at + 3 || !slice_equal_nocase(slice_sub(text, dot - 3, 3), SLICE("www")))
        return false;
    *out_start = dot - 3;
    char before = dot > 3 ? text.data[dot - 4] : ' ';
    return !ascii_is_alpha(before) && !ascii_is_digit(before) && before != '.';
}

bool url_find_next(struct url_finder *finder, struct url *out_url)
{
    slice text = finder->text;
    while (finder->colon < text.size || finder->dot < text.size) {
        bool is_colon = finder->colon < finder->dot;
        size_t start = 0, here = is_colon ? finder->colon : finder->dot;
        bool starts = here >= finder->at && (is_colon ? scheme_before(finder, here, &start)
                                                      : www_before(finder, here, &start));
        if (is_colon)
            finder->colon = next_of(text, ':', here + 1);
        else
            finder->dot = next_of(text, '.', here + 1);
        if (!starts)
            continue;
        if (finder->tries++ == URL_TRIES_MAX)
            return false;
        slice link = slice_sub(text, start, link_end(text, start) - start);
        link.size = without_tail(link);
        if (url_parse(link, out_url)) {
            finder->at = start + link.size;
            return true;
        }
    }
    return false;
}

int url_hex_value(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

error url_host(struct arena *arena, const struct url *url, slice *out_host)
{
    slice host = url->host;
    if (host.size > IDNA_INPUT_SIZE_MAX)
        host.size = IDNA_INPUT_SIZE_MAX;
    char *plain = arena_alloc_bytes(arena, host.size + 1);
    TRY_MEMORY(plain);
    size_t size = 0;
    for (size_t i = 0; i < host.size; i++) {
        int high = host.data[i] == '%' && i + 2 < host.size ? url_hex_value(host.data[i + 1]) : -1;
        int low = high >= 0 ? url_hex_value(host.data[i + 2]) : -1;
        if (low >= 0) {
            plain[size++] = ascii_lower((char)(high << 4 | low));
            i += 2;
        } else {
            plain[size++] = ascii_lower(host.data[i]);
        }
    }
    while (size > 0 && plain[size - 1] == '.')
        size--;
    slice ascii = slice_of(plain, size);
    bool is_ascii = true;
    for (size_t i = 0; i < size; i++)
        is_ascii &= !(plain[i] & (char)0x80);
    if (!is_ascii)
        error_ignore(idna_to_ascii(arena, ascii, &ascii)); /* else as it was */
    *out_host = ascii;
    return OK;
}

/* One number as inet_aton reads it. */
static bool is_number(slice text)
{
    bool hex = text.size > 2 && text.data[0] == '0' && ascii_lower(text.data[1]) == 'x';
    for (size_t i = hex ? 2 : 0; i < text.size; i++)
        if (hex ? url_hex_value(text.data[i]) < 0 : !ascii_is_digit(text.data[i]))
            return false;
    return text.size > 0;
}

bool url_host_is_address(slice host)
{
    struct address address;
    if (!failed(address_parse_ip(host, &address)))
        return true;
    unsigned parts = 0;
    slice part;
    while (host.size > 0) {
        slice_cut(host, '.', &part, &host);
        if (!is_number(part) || ++parts > 4)
            return false;
    }
    return parts > 0;
}

/* Below these of two letters one registers the third name. */
static bool is_second_level(slice label)
{
    static const char *const names[] = {"co",  "com", "net", "org", "edu", "gov", "gob", "gouv",
                                        "ac",  "or",  "ne",  "go",  "mil", "nom", "ltd", "plc",
                                        "sch", "asn", "id",  "ind", "gen", "firm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equal_nocase(label, slice_from_string(names[i])))
            return true;
    return false;
}

slice url_owner(slice host)
{
    if (url_host_is_address(host))
        return host;
    slice rest = host, label, top;
    if (!slice_cut_last(rest, '.', &rest, &top))
        return host;
    size_t size = top.size;
    for (unsigned i = 0; i < 2; i++) {
        bool more = slice_cut_last(rest, '.', &rest, &label);
        if (!more)
            label = rest;
        size += 1 + label.size;
        if (!more || !(i == 0 && top.size == 2 && is_second_level(label)))
            break;
    }
    return slice_from(host, host.size - size);
}

/* "Report.pdf": a file that is not sent along but linked to. None of these is a top level. */
static bool is_file_name(slice name)
{
    static const char *const endings[] = {"pdf",  "doc",  "docx", "xls", "xlsx", "ppt", "pptx",
                                          "odt",  "ods",  "odp",  "txt", "csv",  "rtf", "jpg",
                                          "jpeg", "png",  "gif",  "svg", "heic", "mp3", "mp4",
                                          "html", "json", "xml",  "ics", "epub", "js",  "php"};
    slice left, ending;
    if (slice_cut_last(name, '.', &left, &ending))
        for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
            if (slice_equal_nocase(ending, slice_from_string(endings[i])))
                return true;
    return false;
}

bool url_shown_host(slice text, slice *out_host)
{
    struct url url;
    text = slice_trim(text);
    if (!url_parse(text, &url)) {
        /* "bank.example", "bank.example/login": one word with a dot, and a top level of letters. */
        url.host = SLICE_EMPTY;
        size_t end = 0;
        while (end < text.size && is_host_byte(text.data[end]) && text.data[end] != '%')
            end++;
        if (end < text.size && text.data[end] != '/' && text.data[end] != ':')
            return false;
        url.host = slice_sub(text, 0, end);
        for (size_t i = 0; i < text.size; i++)
            if (text.data[i] == ' ' || text.data[i] == '@')
                return false;
        if (is_file_name(url.host))
            return false;
    }
    slice left, top;
    if (!slice_cut_last(url.host, '.', &left, &top) || left.size == 0 || top.size < 2)
        return false;
    for (size_t i = 0; i < top.size; i++)
        if (!ascii_is_alpha(top.data[i]) && !(top.data[i] & (char)0x80))
            return false;
    *out_host = url.host;
    return true;
}
