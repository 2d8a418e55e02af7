#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The words of IMAP (RFC 3501 9, RFC 9051 9): atoms, strings, numbers. All read from a cursor over
 * one framed command (format/imap/frame.h), in which a literal stands as it came: "{5}" CRLF and
 * five bytes. Each advances only on success and fails with ERROR_MALFORMED and a text fit for a BAD
 * response, or with ERROR_LIMIT. What they give points into the command, or into the arena where it
 * had to be unescaped.
 */
#include "base/arena.h"
#include "base/cursor.h"
#include "base/error.h"

/* ATOM-CHAR; the same with "]"; the same with "]", "%", "*" and bytes above 0x7f (list-char). */
extern const uint64_t IMAP_ATOM_SET[4];
extern const uint64_t IMAP_ASTRING_SET[4];
extern const uint64_t IMAP_LIST_SET[4];

error imap_take_space(struct cursor *c);
/* The end of the command. */
error imap_take_end(struct cursor *c);
error imap_take_open(struct cursor *c);  /* "(" */
error imap_take_close(struct cursor *c); /* ")" */
/* ")" : false, or SP and another item : true. For loops over lists. */
error imap_take_next_in_list(struct cursor *c, bool *out_more);

error imap_take_atom(struct cursor *c, slice *out_atom);
/* An atom that is `word`, in any case; false (and no move) otherwise. */
bool imap_try_word(struct cursor *c, slice word);
/* quoted / literal. Quoted strings may hold UTF-8 (RFC 9051 4.3); NUL, CR and LF are refused in
 * quoted, NUL in literals. */
error imap_take_string(struct cursor *c, struct arena *arena, slice *out_string);
/* 1*ASTRING-CHAR / string; bytes above 0x7f are let through in the bare form as well. */
error imap_take_astring(struct cursor *c, struct arena *arena, slice *out_string);
/* string / NIL; NIL gives a slice whose data is NULL. */
error imap_take_nstring(struct cursor *c, struct arena *arena, slice *out_string);
/* 1*list-char / string (RFC 3501 list-mailbox). */
error imap_take_list_mailbox(struct cursor *c, struct arena *arena, slice *out_string);

error imap_take_number(struct cursor *c, uint64_t max, uint64_t *out_number);
/* 1 .. UINT32_MAX, no leading zero */
error imap_take_nz_number(struct cursor *c, uint32_t *out_number);
