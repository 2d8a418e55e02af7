/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/search.h"

#include "runtime/fiber.h"
#include "service/imap/command/command.h"
#include "service/imap/match.h"
#include "service/imap/reply.h"

enum { TURN = 4096 }; /* messages looked at before others may run */

/* WAITS. */
static error find(struct imap_session *s, const struct imap_search_node *root, uint32_t *found,
                  uint32_t *out_count)
{
    struct arena scratch;
    uint32_t count = 0;
    error problem = OK;
    arena_init(&scratch, IMAP_SCRATCH_SIZE_MAX);
    for (uint32_t i = 0; i < s->view.count && !failed(problem); i++) {
        bool matches = false;
        problem = imap_match(s, root, i, &scratch, &matches);
        if (!failed(problem) && matches)
            found[count++] = i;
        if (!failed(problem) && i % TURN == TURN - 1)
            problem = fiber_yield();
    }
    arena_close(&scratch);
    *out_count = count;
    return problem;
}

/* RFC 3501 6.4.4, 7.2.5 */
error imap_command_search(struct imap_session *s)
{
    struct imap_search search;
    uint32_t count;
    TRY(imap_search_parse(&s->command.arguments, &s->base.arena, &search));
    if (search.bad_charset) {
        error problem =
            imap_refuse(s, IMAP_CODE_BADCHARSET, error_make(ERROR_PERMANENT, "unknown charset"));
        s->response.argument = SLICE("(US-ASCII UTF-8)");
        return problem;
    }
    TRY(imap_match_prepare(s, search.root));
    uint32_t *found = ARENA_ARRAY(&s->base.arena, uint32_t, s->view.count ? s->view.count : 1);
    TRY_MEMORY(found);
    TRY(find(s, search.root, found, &count));
    buffer_add(&s->base.out, SLICE("* SEARCH"));
    for (uint32_t i = 0; i < count; i++) {
        buffer_add_byte(&s->base.out, ' ');
        buffer_add_u64(&s->base.out, s->command.uid ? s->view.uids[found[i]] : found[i] + 1);
        TRY(user_send_some(&s->base));
    }
    buffer_add(&s->base.out, SLICE("\r\n"));
    return OK;
}
