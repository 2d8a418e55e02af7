/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/html.h"

#include <stdio.h>

/* One line a token: "open a href=x", "text hello". */
static void describe(const char *text, char *out, size_t size)
{
    struct html_reader reader;
    struct html_token token;
    static const char *const kinds[] = {"text", "open", "close", "comment", "raw"};
    size_t at = 0;
    html_begin(&reader, slice_from_string(text));
    out[0] = '\0';
    while (html_next(&reader, &token)) {
        slice shown = token.kind == HTML_OPEN || token.kind == HTML_CLOSE ? token.name : token.text;
        at +=
            (size_t)snprintf(out + at, size - at, "%s[%.*s]", kinds[token.kind], SLICE_ARG(shown));
        struct html_attributes attributes = html_attributes_of(&token);
        slice name, value;
        while (token.kind == HTML_OPEN && html_attribute_next(&attributes, &name, &value))
            at += (size_t)snprintf(out + at, size - at, " %.*s%s%.*s", SLICE_ARG(name),
                                   value.data ? "=" : "", SLICE_ARG(value));
        at += (size_t)snprintf(out + at, size - at, "%s;", token.empty ? "/" : "");
    }
    if (reader.unclosed)
        snprintf(out + at, size - at, "unclosed");
}

static const struct {
    const char *html, *tokens;
} cases[] = {
    {"", ""},
    {"hello", "text[hello];"},
    {"<p>a</p>", "open[p];text[a];close[p];"},
    {"<A HREF=\"x>y\">t</A>", "open[A] HREF=x>y;text[t];close[A];"},
    {"<a href='x' b=c d>", "open[a] href=x b=c d;"},
    {"<a href = x>", "open[a] href=x;"},
    {"<br/><br />", "open[br]/;open[br]/;"},
    {"a < b & c <3", "text[a < b & c <3];"},
    {"<", "text[<];"},
    {"a<", "text[a<];"},
    {"</", "text[</];"},
    {"<!-- <b> -->x", "comment[ <b> ];text[x];"},
    {"<!-->x", "comment[];text[x];"},
    {"<!DOCTYPE html>x", "comment[DOCTYPE html];text[x];"},
    {"<?xml ?>x", "comment[xml ?];text[x];"},
    {"<script>a<b</script>x", "open[script];raw[a<b];close[script];text[x];"},
    {"<STYLE>a</style>", "open[STYLE];raw[a];close[style];"},
    {"<script></script>x", "open[script];close[script];text[x];"},
    {"<style>p{}", "open[style];raw[p{}];unclosed"},
    {"<a href=\"x", "open[a] href=x;unclosed"},
    {"<b", "open[b];unclosed"},
    {"<!-- x", "comment[ x];unclosed"},
    {"<img alt=\"it's\" src='a\"b'>", "open[img] alt=it's src=a\"b;"},
    {"<p =x>", "open[p] =x;"},
    /* what is shown, and what is not */
    {"<noscript><a href=x>y</a></noscript>",
     "open[noscript];open[a] href=x;text[y];close[a];close[noscript];"},
    {"<style/>a</style>b", "open[style]/;raw[a];close[style];text[b];"},
    {"<style>a</styles>b</style >c", "open[style];raw[a</styles>b];close[style];text[c];"},
    {"<script>a</script", "open[script];raw[a</script];unclosed"},
    {"<iframe><b></iframe>", "open[iframe];raw[<b>];close[iframe];"},
    {"<!-- a --!>b", "comment[ a ];text[b];"},
    {"<!--a--->b", "comment[a-];text[b];"},
    {"<!--a--", "comment[a--];unclosed"},
};

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[1000];
        describe(cases[i].html, out, sizeof out);
        assert_string_equal(out, cases[i].tokens);
    }
}

static void test_character_references(void **state)
{
    (void)state;
    static const struct {
        const char *html, *text;
    } rows[] = {
        {"a &amp; b", "a & b"},
        {"&lt;b&gt;", "<b>"},
        {"&#65;&#x42;&#X43;", "ABC"},
        {"&amp", "&"},
        {"&unknown;", "&unknown;"},
        {"&", "&"},
        {"&#;", "&#;"},
        {"&nbsp;", "\xc2\xa0"},
        {"&#1114112;", "\xef\xbf\xbd"},
        {"&#99999999999999999999;", "\xef\xbf\xbd"},
        {"&#xd800;", "\xef\xbf\xbd"},
        {"&zwnj;", "\xe2\x80\x8c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        html_decode(slice_from_string(rows[i].html), &out);
        buffer_add_byte(&out, '\0');
        assert_string_equal(out.data, rows[i].text);
        buffer_close(&out);
    }
}

static void test_attributes_have_a_limit(void **state)
{
    (void)state;
    struct buffer text;
    struct html_reader reader;
    struct html_token token;
    buffer_init(&text, 10000);
    buffer_add_string(&text, "<p");
    for (int i = 0; i < HTML_ATTRIBUTE_COUNT_MAX + 10; i++)
        buffer_format(&text, " a%d=b", i);
    buffer_add_string(&text, ">x");
    html_begin(&reader, buffer_slice(&text));
    assert_true(html_next(&reader, &token));
    struct html_attributes attributes = html_attributes_of(&token);
    slice name, value;
    unsigned count = 0;
    while (html_attribute_next(&attributes, &name, &value))
        count++;
    assert_int_equal(count, HTML_ATTRIBUTE_COUNT_MAX);
    assert_true(html_next(&reader, &token));
    assert_slice(token.text, "x");
    buffer_close(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_character_references),
        cmocka_unit_test(test_attributes_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
