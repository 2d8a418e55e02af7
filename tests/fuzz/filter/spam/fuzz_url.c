/* SPDX-License-Identifier: GPL-3.0-or-later
 * Links in any text: parts are views of it, in order, one behind the other.
 */
#include "base/assert.h"
#include "filter/spam/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct url *url)
{
    struct arena arena;
    slice host;
    arena_init(&arena, 1 << 20);
    ASSERT(url->host.size > 0 && url->text.size <= URL_SIZE_MAX && url->port <= 65535);
    ASSERT(url->host.data >= url->text.data &&
           url->rest.data + url->rest.size == url->text.data + url->text.size);
    ASSERT(!failed(url_host(&arena, url, &host)));
    slice owner = url_owner(host);
    ASSERT(owner.size <= host.size && slice_ends(host, owner));
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size), host;
    struct url url;
    if (url_parse(text, &url))
        check(&url);
    if (url_shown_host(text, &host))
        ASSERT(host.size > 2);
    url_host_is_address(text);
    struct url_finder finder;
    const char *before = text.data;
    url_find_begin(&finder, text);
    while (url_find_next(&finder, &url)) {
        ASSERT(url.text.data >= before);
        before = url.text.data + url.text.size;
        ASSERT(before <= text.data + text.size);
        check(&url);
    }
    return 0;
}
