/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An ARC set for mail that is passed on: what came with it is checked, then said and sealed.
 */
#include "filter/authentic/arc.h"
#include "filter/authentic/signer.h"
#include "filter/authentic/signer_keys.h"

#include "base/log.h"
#include "base/metric.h"
#include "format/mail/auth_results.h"

METRIC_COUNTER(metric_sealed, "ringmail_arc_sealed_total", "", "Mails passed on with an ARC set");

enum { RESULTS_SIZE_MAX = 16 << 10, SEAL_DNS_TIMEOUT_S = 15 };

struct sealing {
    struct arc_chain chain;
    struct arc_check check;
    slice results;
};

/* WAITS. What was known before, and what is found out here. */
static error write_results(const struct arc_check *chain, slice known, slice domain, slice header,
                           slice body, struct arena *arena, struct buffer *out)
{
    struct auth_results results;
    struct dkim_check checks[DKIM_CHECKS_MAX];
    unsigned count = 0;
    known = slice_trim(known);
    if (slice_ends(known, SLICE("; none")))
        known.size -= sizeof "; none" - 1;
    bool has_dkim = auth_results_mention(known, SLICE("dkim"));
    bool has_arc = auth_results_mention(known, SLICE("arc"));
    auth_results_begin(&results, known.size ? SLICE_EMPTY : domain, out);
    if (known.size) {
        buffer_reset(out);
        buffer_add(out, known);
        results.any = slice_find_byte(known, '=') >= 0;
    }
    if (!has_dkim) {
        const struct dkim_question question = {
            .header = header,
            .body = body,
            .source = &dkim_keys_in_dns,
            .deadline = time_after(SEAL_DNS_TIMEOUT_S * TIME_S),
            .now = time_wall_seconds(),
        };
        TRY(dkim_check_message(&question, arena, checks, &count));
        for (unsigned i = 0; i < count; i++)
            dkim_check_write(&checks[i], &results);
        if (count == 0)
            auth_results_add(&results, "dkim", "none", NULL);
    }
    if (!has_arc)
        auth_results_add(&results, "arc", arc_result_name(chain->result), chain->reason);
    auth_results_end(&results);
    return buffer_check(out);
}

/* RSA where there is one: RFC 8617 knows nothing else. */
static const struct signer_key *choose_key(const struct signer_keys *keys)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (signing_key_algorithm(keys->keys[i].key) == SIGNATURE_RSA_SHA256)
            return &keys->keys[i];
    return &keys->keys[0];
}

static error run_seal(const struct signer_work *work)
{
    const struct sealing *sealing = work->argument;
    const struct signer_key *key = choose_key(work->keys);
    const struct dkim_signer signer = {key->key, work->keys->domain, key->selector};
    return arc_seal(&sealing->chain, work->header, work->body, sealing->check.result,
                    sealing->results, &signer, work->time, work->fields);
}

/* WAITS. */
static error seal(struct signer_keys *keys, slice prefix, slice body, slice known,
                  struct arena *arena, struct buffer *fields)
{
    struct signer_work work = {
        .run = run_seal, .keys = keys, .time = time_wall_seconds(), .fields = fields};
    struct sealing *sealing = ARENA_NEW(arena, struct sealing);
    struct buffer results;
    slice from;
    TRY_MEMORY(sealing);
    TRY(signer_join(prefix, body, arena, &work.header, &work.body));
    arc_chain_read(work.header, &sealing->chain);
    if (sealing->chain.count >= ARC_SETS_MAX || sealing->chain.sealed_failed ||
        !mail_header_find(work.header, SLICE("From"), &from))
        return OK;
    TRY(arc_check_chain(&sealing->chain, work.header, work.body, &dkim_keys_in_dns, arena,
                        time_after(SEAL_DNS_TIMEOUT_S * TIME_S), work.time, &sealing->check));
    buffer_init(&results, RESULTS_SIZE_MAX);
    error problem = write_results(&sealing->check, known, keys->domain, work.header, work.body,
                                  arena, &results);
    sealing->results = buffer_slice(&results);
    work.argument = sealing;
    work.is_long = keys->has_rsa || work.body.size > SIGNER_IN_PLACE_SIZE_MAX;
    size_t before = fields->size;
    if (!failed(problem))
        problem = signer_compute(&work);
    if (failed(problem))
        buffer_truncate(fields, before);
    else
        metric_add(&metric_sealed, 1);
    buffer_close(&results);
    return problem;
}

error signer_seal(slice domain, slice prefix, slice body, slice results, struct arena *arena,
                  struct buffer *fields)
{
    struct signer_keys *keys = NULL;
    error problem = signer_keys_open(domain, arena, &keys);
    if (!failed(problem) && keys)
        problem = seal(keys, prefix, body, results, arena, fields);
    signer_keys_release(&keys);
    if (failed(problem) && problem.kind != ERROR_CANCELLED) {
        /* A chain nobody can check now is a help that is missing, no reason to keep mail. */
        log_event(LOG_WARNING, "arc.seal", problem, domain);
        return OK;
    }
    return problem;
}
