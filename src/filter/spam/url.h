#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Links as people and browsers read them (RFC 3986, and what browsers forgive), found in text or
 * taken apart. Views of the input; nothing is decoded but by url_host. Pure, linear.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum url_limits {
    URL_SIZE_MAX = 2048,  /* bytes that are looked at */
    URL_TRIES_MAX = 4096, /* places of one text that look like the start of a link */
};

struct url {
    slice text;    /* all of it */
    slice scheme;  /* as written; empty where the text begins with "www." */
    slice user;    /* before the '@'; data NULL: none */
    slice host;    /* as written, brackets included */
    unsigned port; /* 0: none is named, or none that could be */
    slice rest;    /* path, query and fragment */
};

/* "http://", "https://", "ftp://", "//host", "www.": false for all else and where there is no host.
 * Blanks at the ends and backslashes in place of slashes are forgiven, as browsers do. */
bool url_parse(slice text, struct url *out_url);

/* Links in plain text. */
struct url_finder {
    slice text;
    size_t at;         /* behind the last link */
    size_t colon, dot; /* the next of each; text.size: none */
    unsigned tries;
};
void url_find_begin(struct url_finder *finder, slice text);
/* The next one; false at the end, and past URL_TRIES_MAX. */
bool url_find_next(struct url_finder *finder, struct url *out_url);

/* Of a percent-escape; -1: it is none. */
int url_hex_value(char c);
/* Lower case, percent-escapes undone, no final dot, A-labels where that is possible. */
error url_host(struct arena *arena, const struct url *url, slice *out_host);
/* An IP address, also in the forms that browsers read as one: 0x7f000001, 2130706433, 0177.1. */
bool url_host_is_address(slice host);

/* Which part of a name somebody registered: "example.co.uk" of "www.example.co.uk". By shape, not
 * by the list of public suffixes: good enough to say whether two hosts belong together. */
slice url_owner(slice host);
/* Does a text that people see look like a link or a host name? Gives its host. */
bool url_shown_host(slice text, slice *out_host);
