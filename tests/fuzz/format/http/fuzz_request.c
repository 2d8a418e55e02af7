/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A request head, line by line as the session reads it; then the parts of its target.
 */
#include "base/assert.h"
#include "format/http/request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice rest = slice_of(data, size), line;
    struct http_request request;
    slice_cut(rest, '\n', &line, &rest);
    if (failed(http_request_line_parse(line, &request)))
        return 0;
    ASSERT(request.path.size > 0 && request.path.data[0] == '/');
    while (rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        if (failed(http_request_field_parse(line, &request)))
            break;
    }
    ASSERT(request.fields <= HTTP_FIELDS_MAX);
    if (!failed(http_request_check(&request)))
        ASSERT(!(request.has_length && request.chunked));
    char *decoded = malloc(request.query.size + 1);
    size_t decoded_size = 0;
    if (!failed(http_percent_decode(request.query, true, decoded, &decoded_size)))
        ASSERT(decoded_size <= request.query.size);
    free(decoded);
    slice value;
    if (http_query_find(request.query, SLICE("a"), &value))
        ASSERT(value.size <= request.query.size);
    return 0;
}
