/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The head of an answer, line by line as the client reads it; the rest as chunk sizes; and the
 * whole as a URL.
 */
#include "base/assert.h"
#include "format/http/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice rest = slice_of(data, size), line;
    struct http_answer answer;
    struct http_url url;
    if (!failed(http_url_parse(rest, &url))) {
        ASSERT(url.host.size > 0 && url.port > 0);
        ASSERT(url.target.size > 0 && url.target.data[0] == '/');
    }
    slice_cut(rest, '\n', &line, &rest);
    if (failed(http_answer_line_parse(line, &answer)))
        return 0;
    ASSERT(answer.status >= 100 && answer.status <= 599);
    while (rest.size) {
        slice_cut(rest, '\n', &line, &rest);
        if (line.size == 0 || failed(http_answer_field_parse(line, &answer)))
            break;
    }
    ASSERT(answer.fields <= HTTP_ANSWER_FIELDS_MAX);
    while (http_answer_framing(&answer, false) == HTTP_BODY_CHUNKED && rest.size) {
        uint64_t chunk;
        slice_cut(rest, '\n', &line, &rest);
        if (failed(http_chunk_size_parse(line, &chunk)))
            break;
    }
    return 0;
}
