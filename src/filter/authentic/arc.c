/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading and checking chains.
 */
#include "filter/authentic/arc.h"

#include "base/cursor.h"
#include "filter/authentic/arc_digest.h"
#include "filter/authentic/dkim_fields.h"
#include "runtime/worker.h"

const char *arc_result_name(enum arc_result result)
{
    static const char *const names[] = {
        [ARC_NONE] = "none", [ARC_PASS] = "pass", [ARC_FAIL] = "fail"};
    return names[result];
}

enum { SETS_IN_PLACE_MAX = 8 }; /* seals checked without a worker: an RSA check takes 30 µs */

/* ---- Reading ---- */

/* RFC 8617 4.2.1: 1 to 50. */
static bool take_instance(slice text, unsigned *out_instance)
{
    struct cursor cursor = cursor_over(text);
    uint64_t number;
    if (!cursor_take_u64(&cursor, ARC_SETS_MAX, &number) || !cursor_done(&cursor) || number == 0)
        return false;
    *out_instance = (unsigned)number;
    return true;
}

/* RFC 8617 4.1.1: "i=1; host; ..." */
static bool results_instance(slice value, unsigned *out_instance)
{
    slice first, rest, name, number;
    return slice_cut(value, ';', &first, &rest) && slice_cut(first, '=', &name, &number) &&
           slice_equal(slice_trim(name), SLICE("i")) &&
           take_instance(slice_trim(number), out_instance);
}

/* The i= of a tag list; what else is wrong with it shows when it is checked. */
static bool tagged_instance(slice value, unsigned *out_instance)
{
    struct mail_tag_list tags;
    return mail_tag_list_parse(value, &tags) &&
           take_instance(mail_tag_value(&tags, SLICE("i")), out_instance);
}

static void take_field(struct arc_chain *chain, const struct mail_header_field *field)
{
    static const struct {
        const char *name;
        size_t offset;
        bool (*instance)(slice value, unsigned *out_instance);
    } kinds[] = {
        {"ARC-Authentication-Results", offsetof(struct arc_set, results), results_instance},
        {"ARC-Message-Signature", offsetof(struct arc_set, message), tagged_instance},
        {"ARC-Seal", offsetof(struct arc_set, seal), tagged_instance},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned instance;
        if (!slice_equal_nocase(field->name, slice_from_string(kinds[i].name)))
            continue;
        if (!kinds[i].instance(field->value, &instance)) {
            chain->mistake = "a field of the chain cannot be read";
            chain->count = chain->count ? chain->count : 1;
            return;
        }
        struct mail_header_field *place =
            (void *)((char *)&chain->sets[instance - 1] + kinds[i].offset);
        if (place->name.size)
            chain->mistake = "a field of the chain occurs twice";
        *place = *field;
        if (instance > chain->count)
            chain->count = instance;
    }
}

static slice seal_validity(const struct arc_set *set, struct mail_tag_list *tags)
{
    return mail_tag_list_parse(set->seal.value, tags) ? mail_tag_value(tags, SLICE("cv"))
                                                      : SLICE_EMPTY;
}

/* RFC 8617 5.2 steps 2 and 3 */
static const char *find_mistake(const struct arc_chain *chain)
{
    struct mail_tag_list tags;
    for (unsigned i = 0; i < chain->count; i++) {
        const struct arc_set *set = &chain->sets[i];
        if (!set->results.name.size || !set->message.name.size || !set->seal.name.size)
            return "a set of the chain is not complete";
        slice validity = seal_validity(set, &tags);
        if (!slice_equal(validity, i == 0 ? SLICE("none") : SLICE("pass")))
            return "a seal says that the chain is broken, or begins there";
    }
    return NULL;
}

void arc_chain_read(slice header, struct arc_chain *out_chain)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    struct mail_tag_list tags;
    *out_chain = (struct arc_chain){0};
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        take_field(out_chain, &field);
    if (out_chain->count)
        out_chain->sealed_failed = slice_equal(
            seal_validity(&out_chain->sets[out_chain->count - 1], &tags), SLICE("fail"));
    if (!out_chain->mistake)
        out_chain->mistake = find_mistake(out_chain);
}

/* ---- Checking ---- */

struct checking {
    const struct arc_chain *chain;
    slice header, body;
    int64_t now;
    struct dkim_signature message; /* of the newest set */
    struct dkim_key message_key;
    struct dkim_signature seals[ARC_SETS_MAX];
    struct dkim_key seal_keys[ARC_SETS_MAX];
};

static error verify_seal(const struct checking *c, unsigned index)
{
    struct digest digest;
    uint8_t sum[32];
    const struct dkim_signature *seal = &c->seals[index];
    const struct dkim_key *key = &c->seal_keys[index];
    if (key->algorithm != seal->algorithm)
        return error_make(ERROR_DENIED, "a seal's key is for another algorithm");
    digest_init(&digest, DIGEST_SHA256);
    arc_digest_sets(c->chain, 0, index + 1, c->header, &digest);
    canonical_own_field(CANONICAL_RELAXED, seal->name, seal->value, seal->hole, &digest);
    digest_finish(&digest, sum);
    return signature_verify(key->algorithm, key->public_key, sum, seal->signature);
}

/* RFC 8617 5.2 steps 4 and 6. */
static error verify_all(void *argument)
{
    struct checking *c = argument;
    TRY(dkim_verify_parts(c->header, c->body, &c->message, &c->message_key, c->now));
    for (unsigned i = c->chain->count; i-- > 0;)
        TRY(verify_seal(c, i));
    return OK;
}

static bool names_seal(slice names)
{
    while (names.size) {
        slice name;
        slice_cut(names, ':', &name, &names);
        if (slice_equal_nocase(slice_trim(name), SLICE("ARC-Seal")))
            return true;
    }
    return false;
}

/* RFC 8617 4.1.3: neither h= nor what comes with it. */
static error read_seal(const struct arc_set *set, struct arena *arena, struct dkim_signature *out)
{
    struct mail_tag_list tags;
    TRY(dkim_field_parse(DKIM_FIELD_ARC_SEAL, set->seal.name, set->seal.value, arena, out, &tags));
    if (mail_tag_find(&tags, SLICE("h")))
        return error_make(ERROR_MALFORMED, "a seal has h=");
    return OK;
}

/* RFC 8617 4.1.2: every set's message signature must be readable, only the newest is verified. */
static error read_message(const struct arc_set *set, struct arena *arena,
                          struct dkim_signature *out)
{
    struct mail_tag_list tags;
    TRY(dkim_field_parse(DKIM_FIELD_ARC_MESSAGE, set->message.name, set->message.value, arena, out,
                         &tags));
    if (names_seal(out->field_names))
        return error_make(ERROR_MALFORMED, "a message signature covers a seal");
    return OK;
}

/* WAITS. */
static error check(struct checking *c, const struct dkim_key_source *source, struct arena *arena,
                   instant deadline)
{
    const struct arc_chain *chain = c->chain;
    for (unsigned i = 0; i < chain->count; i++)
        TRY(read_seal(&chain->sets[i], arena, &c->seals[i]));
    TRY(read_message(&chain->sets[chain->count - 1], arena, &c->message));
    dkim_key_expect(source, c->message.selector, c->message.domain, arena);
    for (unsigned i = 0; i < chain->count; i++)
        dkim_key_expect(source, c->seals[i].selector, c->seals[i].domain, arena);
    TRY(dkim_key_find(source, c->message.selector, c->message.domain, arena, deadline,
                      &c->message_key));
    for (unsigned i = 0; i < chain->count; i++)
        TRY(dkim_key_find(source, c->seals[i].selector, c->seals[i].domain, arena, deadline,
                          &c->seal_keys[i]));
    if (chain->count > SETS_IN_PLACE_MAX || c->body.size > DKIM_CHECK_IN_PLACE_SIZE_MAX)
        return worker_run(WORKER_COMPUTE, verify_all, c);
    return verify_all(c);
}

error arc_check_chain(const struct arc_chain *chain, slice header, slice body,
                      const struct dkim_key_source *source, struct arena *arena, instant deadline,
                      int64_t now, struct arc_check *out_check)
{
    struct arc_check result = {.result = ARC_NONE, .count = chain->count};
    if (chain->count == 0) {
        *out_check = result;
        return OK;
    }
    error problem = error_make(ERROR_MALFORMED, chain->mistake);
    if (!chain->mistake) {
        struct checking *c = ARENA_NEW(arena, struct checking);
        TRY_MEMORY(c);
        *c = (struct checking){.chain = chain, .header = header, .body = body, .now = now};
        problem = check(c, source, arena, deadline);
        result.domain = c->seals[chain->count - 1].domain;
    }
    switch (problem.kind) {
    case ERROR_TEMPORARY:
    case ERROR_CANCELLED:
    case ERROR_BUSY:
    case ERROR_SYSTEM:
        return problem;
    default:
        result.result = failed(problem) ? ARC_FAIL : ARC_PASS;
        result.reason = problem.text;
        *out_check = result;
        return OK;
    }
}
