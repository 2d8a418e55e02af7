/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first line is the DMARC record of every domain, the rest a header: who its authors are, and
 * what their policies make of it. Fields that claim to be our results are cut from it as well.
 */
#include "base/assert.h"
#include "filter/authentic/dmarc.h"
#include "filter/authentic/psl.h"
#include "format/mail/auth_results.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static error answer(void *argument, slice name, enum dns_type type, struct arena *arena,
                    instant deadline, struct dns_answer *out_answer)
{
    (void)deadline;
    ASSERT(dns_name_is_valid(name));
    *out_answer = (struct dns_answer){.count = type == DNS_TXT};
    out_answer->records = ARENA_NEW(arena, struct dns_record);
    TRY_MEMORY(out_answer->records);
    out_answer->records->text = *(const slice *)argument;
    return OK;
}

static void judge(const struct dmarc_owners *owners)
{
    struct dmarc_check check;
    const struct dkim_check dkim = {.result = DKIM_PASS, .signature.domain = SLICE("x.co.uk")};
    const struct dmarc_evidence evidence = {
        .spf = SPF_PASS, .spf_domain = SLICE("a.b.example"), .dkim = &dkim, .dkim_count = 1};
    dmarc_judge(owners, &evidence, &check);
    ASSERT(owners->authors.count <= DMARC_AUTHORS_MAX);
    ASSERT(owners->authors.count > 0 || check.result == DMARC_PERMERROR);
    ASSERT(check.policy == DMARC_POLICY_NONE || check.result == DMARC_FAIL ||
           check.result == DMARC_PERMERROR);
    for (unsigned i = 0; i < owners->authors.count; i++) {
        slice domain = owners->authors.domains[i];
        ASSERT(slice_ends(domain, psl_organization(domain)));
    }
}

/* None is left, and the rest is as it was. */
static void clean(slice message)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    slice host;
    char *copy = malloc(message.size + 1);
    ASSERT(copy);
    if (message.size)
        memcpy(copy, message.data, message.size);
    size_t size = auth_results_clean(copy, message.size, SLICE("mx.example.org"));
    ASSERT(size <= message.size);
    ASSERT(slice_equal(slice_from(slice_of(copy, size), mail_header_size(slice_of(copy, size))),
                       slice_from(message, mail_header_size(message))) ||
           size != message.size);
    mail_header_begin(&iterator, slice_of(copy, size));
    if (message.size < MAIL_HEADER_SIZE_MAX)
        while (iterator.field_count < MAIL_HEADER_FIELD_COUNT_MAX / 2 &&
               mail_header_next(&iterator, &field))
            if (slice_equal_nocase(field.name, SLICE("Authentication-Results")))
                ASSERT(auth_results_host(field.value, &host) &&
                       !slice_equal_nocase(host, SLICE("mx.example.org")));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct dmarc_record record;
    struct dmarc_owners owners = {0};
    slice text, header;
    error_ignore(psl_open()); /* without a list, every domain is its own */
    arena_init(&arena, 16 << 20);
    slice_cut(slice_of(data, size), '\n', &text, &header);
    if (!failed(dmarc_record_parse(text, &record)))
        ASSERT(record.percent <= 100);
    const struct dns_source source = {.query = answer, .argument = &text};
    if (!failed(dmarc_authors_read(header, &arena, &owners.authors)) &&
        !failed(dmarc_discover(&source, &arena, TIME_NEVER, &owners)))
        judge(&owners);
    clean(header);
    (void)auth_results_says(header, SLICE("dmarc"), SLICE("fail"));
    arena_close(&arena);
    return 0;
}
