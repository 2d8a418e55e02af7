/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any line as a command, and what it holds as a reply's text. Arguments lie within the line; a
 * reply is one line that is not too long.
 */
#include "base/assert.h"
#include "format/pop3/command.h"
#include "format/pop3/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice line = slice_of(data, size);
    struct pop3_command command;
    struct buffer out;
    error problem = pop3_command_parse(line, &command);
    ASSERT(!failed(problem) || (problem.kind == ERROR_MALFORMED && problem.text));
    ASSERT(command.count <= POP3_ARGUMENTS_MAX && command.verb <= POP3_VERB_COUNT);
    for (unsigned i = 0; i < command.count; i++)
        ASSERT(command.texts[i].data >= line.data &&
               command.texts[i].data + command.texts[i].size <= line.data + line.size);
    buffer_init(&out, 2 * POP3_REPLY_SIZE_MAX);
    pop3_reply_write(&(struct pop3_reply){.failed = failed(problem),
                                          .code = (enum pop3_code)(size % POP3_CODE_COUNT),
                                          .text = line},
                     &out);
    slice said = buffer_slice(&out);
    ASSERT(said.size <= POP3_REPLY_SIZE_MAX && said.size > 0 &&
           slice_find_byte(said, '\n') == (ptrdiff_t)said.size - 1);
    ASSERT(slice_ends(said, SLICE("\r\n")));
    buffer_close(&out);
    return 0;
}
