/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS lists. All questions of a mail are asked at once, before the other rules run, and heard at
 * the end; answers that are not there at the deadline do not count. Mail from private networks and
 * loopback is nobody's business.
 */
#include "base/metric.h"
#include "filter/spam/rules.h"
#include "net/dns/resolver.h"

METRIC_COUNTER(metric_refused, "ringmail_spam_list_refusals_total", "",
               "Answers of DNS lists that they do not serve us");
METRIC_COUNTER(metric_unheard, "ringmail_spam_list_failures_total", "",
               "Questions to DNS lists without an answer in time");

static void ask(struct spam_scan *scan, const struct dns_list *list, slice name, slice about)
{
    slice copy;
    if (name.size == 0 || scan->question_count == SPAM_QUESTIONS_MAX)
        return;
    for (unsigned i = 0; i < scan->question_count; i++)
        if (slice_equal(scan->questions[i].name, name))
            return;
    if (failed(arena_copy(scan->arena, name, &copy)))
        return;
    scan->questions[scan->question_count++] = (struct spam_question){list, copy, about};
    resolver_prefetch(copy, DNS_A);
}

static void ask_about_address(struct spam_scan *scan)
{
    char text[DNS_LIST_NAME_SIZE], peer[ADDRESS_TEXT_SIZE];
    slice about;
    if (failed(arena_copy(scan->arena, address_format_ip(&scan->mail->peer, peer), &about)))
        return;
    for (unsigned i = 0; i < scan->tables->list_count; i++) {
        const struct dns_list *list = &scan->tables->lists[i];
        if (!list->domains)
            ask(scan, list, dns_list_address_name(list, &scan->mail->peer, text), about);
    }
}

static void ask_about_domain(struct spam_scan *scan, slice domain)
{
    char text[DNS_LIST_NAME_SIZE];
    slice owner = url_owner(domain);
    if (slice_find_byte(owner, '.') < 0 || url_host_is_address(owner) ||
        spam_domain_in(&scan->tables->skip, owner) ||
        spam_domain_in(&scan->tables->freemail, owner) ||
        scan->domains_asked == SPAM_LIST_DOMAINS_MAX)
        return;
    unsigned before = scan->question_count;
    for (unsigned i = 0; i < scan->tables->list_count; i++) {
        const struct dns_list *list = &scan->tables->lists[i];
        if (list->domains)
            ask(scan, list, dns_list_domain_name(list, owner, text), owner);
    }
    scan->domains_asked += scan->question_count > before;
}

error spam_rule_list_ask(struct spam_scan *scan)
{
    if (!scan->tables->lists_enabled || !address_is_public(&scan->mail->peer))
        return OK;
    ask_about_address(scan);
    TRY(spam_scan_links(scan));
    ask_about_domain(scan, scan->from_domain);
    ask_about_domain(scan, scan->mail->helo);
    const struct authentic *authentic = scan->mail->authentic;
    for (unsigned i = 0; authentic && i < authentic->dkim_count; i++)
        if (authentic->dkim[i].result == DKIM_PASS)
            ask_about_domain(scan, authentic->dkim[i].signature.domain);
    for (unsigned i = 0; i < scan->link_count; i++)
        ask_about_domain(scan, scan->links[i].host);
    return OK;
}

static void hear(struct spam_scan *scan, const struct spam_question *question,
                 const struct dns_answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++) {
        unsigned symbol;
        slice reason;
        if (dns_list_is_refusal(answer->records[i].ip))
            metric_add(&metric_refused, 1);
        else if (dns_list_means(question->list, answer->records[i].ip, &symbol) &&
                 !failed(arena_format(scan->arena, &reason, "%.*s in %.*s",
                                      SLICE_ARG(question->about), SLICE_ARG(question->list->zone))))
            spam_scan_add(scan, symbol, 1, reason);
    }
}

/* WAITS */
error spam_rule_list_answers(struct spam_scan *scan)
{
    instant deadline = time_after(scan->tables->lists_timeout);
    if (deadline > scan->mail->deadline)
        deadline = scan->mail->deadline;
    for (unsigned i = 0; i < scan->question_count; i++) {
        struct dns_answer answer;
        error problem =
            resolver_query(scan->questions[i].name, DNS_A, scan->arena, deadline, &answer);
        if (problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT)
            return problem;
        if (!failed(problem))
            hear(scan, &scan->questions[i], &answer);
        else if (problem.kind != ERROR_NOT_FOUND)
            metric_add(&metric_unheard, 1);
    }
    return OK;
}
