/* SPDX-License-Identifier: GPL-3.0-or-later
 * The first byte chooses what is offered; the rest is a line. What is accepted keeps the promises
 * of command.h and path.h.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct arena *arena, const struct smtp_path *path, bool utf8)
{
    struct smtp_path again;
    ASSERT(path->local.size <= SMTP_LOCAL_SIZE_MAX && path->domain.size <= SMTP_DOMAIN_SIZE_MAX);
    ASSERT(utf8 || !path->utf8);
    ASSERT(utf8_is_ascii(path->domain_ascii));
    for (size_t i = 0; i < path->address.size; i++)
        ASSERT((unsigned char)path->address.data[i] >= ' ' && path->address.data[i] != 0x7f);
    if (path->domain.size) {
        error problem = smtp_path_parse(arena, path->address, &again);
        ASSERT(!failed(problem) || problem.kind == ERROR_LIMIT);
        ASSERT(failed(problem) || slice_equal(again.local, path->local));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct smtp_command_options options = {.parameters = data[0] & 1 ? ~0u : 0,
                                           .utf8 = data[0] & 2};
    struct smtp_command command;
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    slice line = slice_of(data + 1, size - 1);
    if (smtp_command_parse(&arena, line, &options, &command) == SMTP_REPLY_NONE) {
        ASSERT(command.verb != SMTP_VERB_UNKNOWN);
        if (command.verb == SMTP_VERB_MAIL)
            check_path(&arena, &command.mail.sender, command.mail.utf8);
        if (command.verb == SMTP_VERB_RCPT)
            check_path(&arena, &command.rcpt.recipient, options.utf8);
    }
    arena_close(&arena);
    return 0;
}
