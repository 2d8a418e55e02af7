/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SPF records of any shape: the first line is what every TXT question brings, the others are its
 * explanation, and hosts and addresses. Whatever they say, a check ends, within its limits.
 */
#include "base/assert.h"
#include "filter/authentic/spf_macro.h"
#include "filter/authentic/spf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    slice record, explanation, host;
    unsigned asked;
};

static error answer(void *argument, slice name, enum dns_type type, struct arena *arena,
                    instant deadline, struct dns_answer *out_answer)
{
    struct world *world = argument;
    (void)deadline;
    world->asked++;
    ASSERT(dns_name_is_valid(name));
    *out_answer = (struct dns_answer){.count = 1};
    out_answer->records = ARENA_NEW(arena, struct dns_record);
    TRY_MEMORY(out_answer->records);
    switch (type) {
    case DNS_TXT:
        out_answer->records->text = name.size % 2 ? world->record : world->explanation;
        break;
    case DNS_MX:
        out_answer->records->mx.host = world->host;
        break;
    case DNS_PTR:
        out_answer->records->name = world->host;
        break;
    default:
        memset(out_answer->records->ip, (int)name.size, sizeof out_answer->records->ip);
    }
    return name.size % 7 == 6 ? error_make(ERROR_TIMEOUT, "fuzz") : OK;
}

/* What is a macro-string can be expanded, and what was expanded has no more than it may have. */
static void expand(slice text, const struct spf_macro_values *values)
{
    struct buffer out;
    size_t tail;
    if (!spf_macro_check(text, SPF_MACRO_IN_EXPLANATION, &tail))
        return;
    ASSERT(tail <= text.size);
    (void)spf_macro_uses(text, 'p');
    buffer_init(&out, SPF_EXPANSION_SIZE_MAX);
    spf_macro_expand(text, SPF_MACRO_IN_EXPLANATION, values, &out);
    ASSERT(out.size <= SPF_EXPANSION_SIZE_MAX);
    buffer_close(&out);
}

static void parse(slice text, struct arena *arena)
{
    struct spf_record record;
    if (failed(spf_record_parse(text, arena, &record)))
        return;
    ASSERT(record.count <= SPF_TERMS_MAX);
    for (unsigned i = 0; i < record.count; i++) {
        const struct spf_directive *directive = &record.directives[i];
        ASSERT(directive->ip4_bits <= 32 && directive->ip6_bits <= 128);
        ASSERT(spf_macro_check(directive->domain, SPF_MACRO_IN_DOMAIN, NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct spf_check check;
    struct world world = {0};
    slice rest = slice_of(data, size), sender;
    arena_init(&arena, 1 << 20);
    slice_cut(rest, '\n', &world.record, &rest);
    slice_cut(rest, '\n', &world.explanation, &rest);
    slice_cut(rest, '\n', &world.host, &sender);
    struct spf_question question = {.local = sender,
                                    .domain = SLICE("a.example"),
                                    .helo = world.host,
                                    .host = SLICE("mx.example"),
                                    .explain = true};
    question.peer.family = size % 2 ? ADDRESS_IPV6 : ADDRESS_IPV4;
    memset(question.peer.ip, 9, size % 2 ? 16 : 4);
    parse(world.record, &arena);
    const struct spf_macro_values values = {.peer = &question.peer,
                                            .local = sender,
                                            .sender_domain = question.domain,
                                            .domain = question.domain,
                                            .helo = world.host};
    expand(world.explanation, &values);
    const struct dns_source source = {.query = answer, .argument = &world};
    if (!failed(spf_check(&question, &source, &arena, TIME_NEVER, &check))) {
        ASSERT(check.explanation.size <= SPF_EXPLANATION_SIZE_MAX);
        ASSERT(world.asked <= 2 + SPF_LOOKUPS_MAX * (1 + SPF_NAMES_MAX));
    }
    arena_close(&arena);
    return 0;
}
