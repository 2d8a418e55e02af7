/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any autodiscover request is refused or names an address, which then stands escaped in the answer.
 */
#include "base/assert.h"
#include "format/mail/autoconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buffer out;
    slice address, again;
    arena_init(&arena, 1 << 20);
    buffer_init(&out, 1 << 16);
    if (!failed(autoconfig_outlook_parse(slice_of(data, size), &arena, &address))) {
        const struct autoconfig config = {.domain = SLICE("x.example"),
                                          .host = SLICE("x.example"),
                                          .address = address,
                                          .servers = {{AUTOCONFIG_IMAP, 993, true}},
                                          .count = 1};
        autoconfig_outlook_write(&config, &out);
        ASSERT(!failed(buffer_check(&out)));
        ptrdiff_t at = slice_find(buffer_slice(&out), SLICE("<LoginName>"));
        slice rest = slice_from(buffer_slice(&out), (size_t)at + 11), login;
        slice_cut(rest, '<', &login, &rest);
        slice request;
        ASSERT(!failed(
            arena_format(&arena, &request, "<EMailAddress>%.*s</EMailAddress>", SLICE_ARG(login))));
        ASSERT(!failed(autoconfig_outlook_parse(request, &arena, &again)));
        ASSERT(slice_equal(address, again));
    }
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
