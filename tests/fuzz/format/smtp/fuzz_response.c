/* SPDX-License-Identifier: GPL-3.0-or-later
 * Lines of any bytes as a server's replies.
 */
#include "base/assert.h"
#include "format/smtp/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_response response;
    slice rest = slice_of(data, size), line;
    smtp_response_init(&response);
    for (bool more = true; more;) {
        more = slice_cut(rest, '\n', &line, &rest);
        if (response.finished)
            smtp_response_reset(&response);
        if (failed(smtp_response_add_line(&response, line))) {
            smtp_response_reset(&response);
            continue;
        }
        ASSERT(response.code >= 200 && response.code < 600);
        ASSERT(response.enhanced[0] == 0 || response.enhanced[0] == response.code / 100);
        smtp_response_keyword(&response, SLICE("SIZE"), NULL);
    }
    smtp_response_close(&response);
    return 0;
}
