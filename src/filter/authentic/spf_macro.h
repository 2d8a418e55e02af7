#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Macros of SPF records and explanations (RFC 7208 7): "%{ir}.%{l1r+}._spf.%{d2}". Pure.
 */
#include "base/buffer.h"
#include "net/address.h"

/* Where a macro-string stands: %{c}, %{r}, %{t} and blanks are for explanations alone (7.2). */
enum spf_macro_place { SPF_MACRO_IN_DOMAIN, SPF_MACRO_IN_EXPLANATION };

struct spf_macro_values {
    const struct address *peer; /* IPv4 or IPv6: %{i}, %{v}, %{c} */
    slice local, sender_domain; /* %{l}, %{o}; both: %{s} */
    slice domain;               /* %{d}: whose record this is */
    slice helo;                 /* %{h} */
    slice validated;            /* %{p}; empty: "unknown" */
    slice host;                 /* %{r}; empty: "unknown" */
    int64_t now;                /* %{t}: seconds since 1970 */
};

/* False where it is no macro-string. *out_tail (may be NULL): where what follows the last macro
 * begins. */
bool spf_macro_check(slice text, enum spf_macro_place place, size_t *out_tail);
/* Does a valid text name that macro ('p'), in either case? */
bool spf_macro_uses(slice text, char letter);
/* Appends the text with its macros replaced; of a text that is not valid, nothing after the
 * mistake: check first. */
void spf_macro_expand(slice text, enum spf_macro_place place, const struct spf_macro_values *values,
                      struct buffer *out);
