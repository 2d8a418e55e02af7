/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dmarc_author.h"

#include "filter/authentic/psl.h"
#include "format/dns/message.h"
#include "format/mail/address.h"
#include "format/mail/header.h"
#include "format/text/idna.h"

static void complain(struct dmarc_authors *authors, bool hostile, const char *mistake)
{
    if (!authors->mistake || (hostile && !authors->hostile))
        authors->mistake = mistake;
    authors->hostile |= hostile;
}

/* In A-labels. People are shown "a@-x.example.org" as well, and DNS has an answer for it, though it
 * is no name of a host: its owner decides about it like about any other. */
static error read_domain(slice domain, struct arena *arena, slice *out_ascii)
{
    error problem = idna_to_ascii(arena, domain, out_ascii);
    if (problem.kind != ERROR_MALFORMED || !dns_name_is_valid(domain) || domain.data[0] == '[')
        return problem;
    if (slice_ends(domain, SLICE(".")))
        domain.size--;
    char *lower = arena_alloc_bytes(arena, domain.size);
    TRY_MEMORY(lower);
    for (size_t i = 0; i < domain.size; i++)
        lower[i] = ascii_lower(domain.data[i]);
    *out_ascii = slice_of(lower, domain.size);
    return OK;
}

static error add_domain(struct dmarc_authors *authors, slice domain, struct arena *arena)
{
    slice ascii;
    error problem = read_domain(domain, arena, &ascii);
    if (problem.kind == ERROR_MALFORMED || (!failed(problem) && ascii.data[0] == '[')) {
        complain(authors, false, "From: names a domain that is none");
        return OK;
    }
    TRY(problem);
    for (unsigned i = 0; i < authors->count; i++)
        if (slice_equal(authors->domains[i], ascii))
            return OK;
    if (authors->count == DMARC_AUTHORS_MAX)
        complain(authors, true, "From: names too many domains");
    else
        authors->domains[authors->count++] = ascii;
    return OK;
}

static error add_field(struct dmarc_authors *authors, slice value, struct arena *arena)
{
    struct mail_address *address;
    TRY(mail_address_parse(arena, value, &address));
    for (; address; address = address->next) {
        if (address->kind != MAIL_ADDRESS_MAILBOX)
            continue;
        if (address->incomplete)
            complain(authors, false, "From: names an address without a domain");
        else
            TRY(add_domain(authors, address->domain, arena));
    }
    return OK;
}

/* Not the line end of a field that was cut at a limit. */
static bool is_header_end(slice header, size_t at)
{
    return at >= header.size ||
           (mail_line_end_size(header, at) > 0 && (at == 0 || header.data[at - 1] == '\n'));
}

bool dmarc_is_aligned(slice domain, slice author, bool strict)
{
    if (domain.size == 0)
        return false;
    return strict ? slice_equal_nocase(domain, author)
                  : slice_equal_nocase(psl_organization(domain), psl_organization(author));
}

error dmarc_authors_read(slice header, struct arena *arena, struct dmarc_authors *out_authors)
{
    struct dmarc_authors authors = {0};
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field)) {
        if (!slice_equal_nocase(field.name, SLICE("From")))
            continue;
        authors.fields++;
        if (authors.count < DMARC_AUTHORS_MAX || !authors.hostile)
            TRY(add_field(&authors, field.value, arena));
    }
    /* Past the limits of format/mail/header.h a reader might find another From. */
    if (!is_header_end(header, iterator.at))
        complain(&authors, true, "the header is too large to be read");
    if (authors.fields == 0)
        complain(&authors, false, "no From: field");
    else if (authors.count == 0)
        complain(&authors, false, "From: names no domain");
    *out_authors = authors;
    return OK;
}
