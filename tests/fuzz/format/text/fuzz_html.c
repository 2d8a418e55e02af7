/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes are HTML: tokens are views of the input in order, none is empty text, attributes lie in
 * their tag, and decoding never makes text longer than three bytes for one.
 */
#include "base/assert.h"
#include "format/text/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(slice inner, slice outer)
{
    ASSERT(!inner.data || inner.size == 0 ||
           (inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size), name, value;
    struct html_reader reader;
    struct html_token token;
    size_t before = 0;
    html_begin(&reader, text);
    while (html_next(&reader, &token)) {
        ASSERT(reader.at > before && reader.at <= size); /* always further */
        before = reader.at;
        ASSERT(token.kind != HTML_TEXT || token.text.size > 0);
        check_inside(token.name, text);
        check_inside(token.text, text);
        struct html_attributes attributes = html_attributes_of(&token);
        unsigned count = 0;
        while (token.kind == HTML_OPEN && html_attribute_next(&attributes, &name, &value)) {
            ASSERT(name.size > 0 && ++count <= HTML_ATTRIBUTE_COUNT_MAX);
            check_inside(name, token.attributes);
            check_inside(value, token.attributes);
        }
    }
    ASSERT(reader.at == size);
    struct buffer out;
    buffer_init(&out, 4 * size + 16);
    html_decode(text, &out);
    ASSERT(!out.overflow);
    buffer_close(&out);
    return 0;
}
