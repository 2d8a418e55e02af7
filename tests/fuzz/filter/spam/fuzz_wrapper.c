/* SPDX-License-Identifier: GPL-3.0-or-later
 * Links within links: what comes out is a link with a host, and no longer than what went in.
 */
#include "base/assert.h"
#include "filter/spam/wrapper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct url url, inner;
    struct arena arena;
    enum url_wrapping wrapping = URL_WRAPPING;
    bool is_link = url_parse(slice_of(data, size), &url);
    arena_init(&arena, 1 << 20);
    while (is_link && wrapping == URL_WRAPPING) {
        slice host;
        ASSERT(!failed(url_host(&arena, &url, &host)));
        ASSERT(!failed(url_unwrap(&arena, &url, host, &inner, &wrapping)));
        if (wrapping != URL_WRAPPING)
            break;
        ASSERT(inner.host.size > 0 && inner.text.size < url.text.size);
        url = inner;
    }
    arena_close(&arena);
    return 0;
}
