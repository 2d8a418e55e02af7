#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTML as mail contains it, cut into tags and text. Not a parser: no tree, nothing is put right;
 * but tags, attributes, comments, raw text (script, style ...) and what is not closed end where
 * browsers end them (WHATWG HTML 13.2.5, in short). Tokens are views of the input. Pure, linear.
 */
#include "base/buffer.h"
#include "base/slice.h"

enum html_limits {
    HTML_NAME_SIZE_MAX = 32,        /* of a tag or an attribute that is told apart */
    HTML_ATTRIBUTE_COUNT_MAX = 128, /* of one tag; later ones are not looked at */
};

enum html_token_kind {
    HTML_TEXT, /* with its character references: html_decode */
    HTML_OPEN,
    HTML_CLOSE,
    HTML_COMMENT, /* and declarations */
    HTML_RAW,     /* what stands within script, style, title, textarea ...; `name` is the tag */
};

struct html_token {
    enum html_token_kind kind;
    slice name;       /* of a tag, as written */
    slice text;       /* of text, comment and raw text */
    slice attributes; /* of an opening tag */
    bool empty;       /* "<br/>" */
};

struct html_reader {
    slice text;
    size_t at;
    slice raw;     /* the tag whose raw text comes next; empty: none */
    bool unclosed; /* a tag, comment or raw text was not closed until the end */
};

void html_begin(struct html_reader *reader, slice text);
bool html_next(struct html_reader *reader, struct html_token *out_token);

struct html_attributes {
    slice rest;
    unsigned count;
};

static inline struct html_attributes html_attributes_of(const struct html_token *token)
{
    return (struct html_attributes){token->attributes, 0};
}
/* Name and value as written, without quotes; no value: data NULL. */
bool html_attribute_next(struct html_attributes *attributes, slice *out_name, slice *out_value);

/* Appends text with its character references replaced; unknown ones stay. */
void html_decode(slice text, struct buffer *out);
