/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A framed command to the grammar of its verb. What is understood is written back where there is a
 * writer, and must then be understood again.
 */
#include "base/assert.h"
#include "format/imap/append.h"
#include "format/imap/authenticate.h"
#include "format/imap/command.h"
#include "format/imap/fetch.h"
#include "format/imap/id.h"
#include "format/imap/list.h"
#include "format/imap/search.h"
#include "format/imap/status.h"
#include "format/imap/store.h"
#include "format/imap/token.h"

static struct arena arena;
static struct buffer text;

static void check_set(struct imap_set *set)
{
    imap_set_resolve(set, 1000);
    buffer_reset(&text);
    imap_set_write(set, &text);
    struct cursor c = cursor_over(buffer_slice(&text));
    struct imap_set again;
    ASSERT(set->count == 0 || !failed(imap_set_parse(&c, &arena, &again)));
    ASSERT(cursor_done(&c));
    for (uint32_t i = 1; i < set->count; i++)
        ASSERT(set->ranges[i].first > set->ranges[i - 1].last);
}

static void check_fetch(struct cursor *c)
{
    struct imap_fetch fetch;
    if (failed(imap_fetch_parse(c, &arena, &fetch)))
        return;
    check_set(&fetch.set);
    for (uint32_t i = 0; i < fetch.body_count; i++) {
        struct imap_section again;
        buffer_reset(&text);
        imap_section_write(&fetch.bodies[i].section, &text);
        struct cursor section = cursor_over(buffer_slice(&text));
        ASSERT(!failed(imap_section_parse(&section, &arena, &again)) && cursor_done(&section));
        ASSERT(again.kind == fetch.bodies[i].section.kind);
    }
}

static void walk(const struct imap_search_node *node)
{
    if (node->kind == IMAP_SEARCH_NOT)
        ASSERT(node->children && !node->children->next);
    if (node->kind == IMAP_SEARCH_OR)
        ASSERT(node->children && node->children->next && !node->children->next->next);
    for (const struct imap_search_node *child = node->children; child; child = child->next)
        walk(child);
}

static void check_mailbox(struct cursor *c)
{
    slice name, again;
    if (failed(imap_take_space(c)) || failed(imap_mailbox_parse(c, &arena, IMAP_NAME_UTF7, &name)))
        return;
    buffer_reset(&text);
    imap_mailbox_write(name, IMAP_NAME_UTF7, &text);
    struct cursor written = cursor_over(buffer_slice(&text));
    ASSERT(!failed(imap_mailbox_parse(&written, &arena, IMAP_NAME_UTF7, &again)));
    ASSERT(slice_equal(name, again) && cursor_done(&written));
}

static void parse(struct imap_command *command)
{
    struct cursor *c = &command->arguments;
    struct imap_search search;
    struct imap_store store;
    struct imap_append append;
    struct imap_list list;
    struct imap_status status;
    struct imap_id id;
    struct imap_authenticate authenticate;
    switch (command->verb) {
    case IMAP_FETCH:
        check_fetch(c);
        break;
    case IMAP_SEARCH:
        if (!failed(imap_search_parse(c, &arena, &search)) && search.root)
            walk(search.root);
        break;
    case IMAP_STORE:
        if (!failed(imap_store_parse(c, &arena, &store)))
            check_set(&store.set);
        break;
    case IMAP_APPEND:
        error_ignore(imap_append_parse(c, &arena, IMAP_NAME_UTF7, &append)); /* any outcome */
        break;
    case IMAP_LIST:
        error_ignore(imap_list_parse(c, &arena, IMAP_NAME_UTF7, &list)); /* any outcome */
        break;
    case IMAP_LSUB:
        error_ignore(imap_lsub_parse(c, &arena, IMAP_NAME_UTF8, &list)); /* any outcome */
        break;
    case IMAP_STATUS:
        error_ignore(imap_status_parse(c, &arena, IMAP_NAME_UTF7, &status)); /* any outcome */
        break;
    case IMAP_ID:
        error_ignore(imap_id_parse(c, &arena, &id)); /* any outcome */
        break;
    case IMAP_AUTHENTICATE:
        error_ignore(imap_authenticate_parse(c, &authenticate)); /* any outcome */
        break;
    default:
        check_mailbox(c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena_init(&arena, 8 << 20);
    buffer_init(&text, 1 << 20);
    struct imap_command command;
    if (!failed(imap_command_parse(slice_of(data, size), &command)))
        parse(&command);
    arena_close(&arena);
    buffer_close(&text);
    return 0;
}
