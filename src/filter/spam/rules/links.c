/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where links lead, and whether they say so. Bulk mail sends its readers through a counter, so a
 * link that shows another host weighs little where the sender is known and lets go.
 */
#include "base/utf8.h"
#include "filter/spam/rules.h"
#include "format/text/idna.h"

enum { HOSTS_MANY = 25, WORDS_FEW = 6 };

static bool mixes_scripts(slice label)
{
    bool latin = false, other = false;
    for (slice rest = label; rest.size > 0;) {
        uint32_t point;
        size_t size = utf8_decode(rest, &point);
        if (size == 0)
            return false;
        latin |= point < 0x80 ? ascii_is_alpha((char)point) : point >= 0xc0 && point < 0x250;
        other |= point >= 0x370 && point < 0x530;
        rest = slice_from(rest, size);
    }
    return latin && other;
}

/* Cyrillic and Greek letters that look like Latin ones: a name of nothing else is a disguise. */
static bool all_lookalikes(slice label)
{
    static const uint32_t points[] = {0x430, 0x435, 0x43e, 0x440, 0x441, 0x443, 0x445, 0x455,
                                      0x456, 0x458, 0x501, 0x51b, 0x51d, 0x4bb, 0x3bf, 0x3b1};
    unsigned letters = 0;
    for (slice rest = label; rest.size > 0;) {
        uint32_t point;
        size_t size = utf8_decode(rest, &point), i = 0;
        if (size == 0)
            return false;
        while (i < sizeof points / sizeof *points && points[i] != point)
            i++;
        if (i == sizeof points / sizeof *points && point != '-' && !ascii_is_digit((char)point))
            return false;
        letters += point >= 0x80;
        rest = slice_from(rest, size);
    }
    return letters > 0;
}

static error judge_name(struct spam_scan *scan, slice host)
{
    if (slice_find_nocase(host, SLICE("xn--")) < 0)
        return OK;
    SPAM_ADD(scan, URL_PUNYCODE, host);
    slice unicode, label;
    TRY(idna_to_unicode(scan->arena, host, &unicode));
    slice rest = unicode;
    while (rest.size > 0) {
        bool more = slice_cut(rest, '.', &label, &rest);
        if (mixes_scripts(label) || (more && all_lookalikes(label)))
            SPAM_ADD(scan, URL_LOOKALIKE, host);
    }
    return OK;
}

static bool carries_another(const struct url *url)
{
    static const slice starts[] = {
        {"http://", 7}, {"https://", 8}, {"http%3a%2f%2f", 13}, {"https%3a%2f%2f", 14}};
    slice rest = url->rest, left;
    while (slice_cut(rest, '=', &left, &rest))
        for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
            if (slice_starts_nocase(rest, starts[i]))
                return true;
    return false;
}

static error judge_link(struct spam_scan *scan, const struct spam_link *link)
{
    const struct url *url = &link->url;
    if (link->wrapped)
        SPAM_ADD(scan, URL_WRAPPED, link->host);
    if (url_host_is_address(link->host) || link->host.data[0] == '[')
        SPAM_ADD(scan, URL_ADDRESS, url->text);
    if (spam_domain_in(&scan->tables->shorteners, link->host))
        SPAM_ADD(scan, URL_SHORTENER, url->text);
    if (carries_another(url))
        SPAM_ADD(scan, URL_REDIRECT, url->text);
    if (url->port != 0 && url->port != 80 && url->port != 443 && url->port != 8080 &&
        url->port != 8443)
        SPAM_ADD(scan, URL_PORT, url->text);
    if (url->user.data)
        SPAM_ADD(scan, URL_USER, url->text);
    if (slice_find_byte(url->host, '%') >= 0)
        SPAM_ADD(scan, URL_ESCAPED, url->text);
    return judge_name(scan, link->host);
}

static error judge_shown(struct spam_scan *scan, const struct spam_html_link *link)
{
    struct url target, seen;
    struct spam_link leads, shows;
    slice shown;
    if (!url_shown_host(link->shown, &shown) || !url_parse(link->target, &target))
        return OK;
    if (!url_parse(link->shown, &seen)) /* no more than a host */
        seen = (struct url){.host = shown};
    TRY(spam_scan_link(scan, &target, &leads));
    TRY(spam_scan_link(scan, &seen, &shows));
    slice host = leads.host;
    shown = shows.host;
    if (slice_equal_nocase(url_owner(shown), url_owner(host)) || leads.sealed)
        return OK;
    slice reason;
    TRY(arena_format(scan->arena, &reason, "shows %.*s, leads to %.*s", SLICE_ARG(shown),
                     SLICE_ARG(host)));
    bool known = SPAM_HAS(scan, LIST_UNSUBSCRIBE) &&
                 (SPAM_HAS(scan, DMARC_PASS) || SPAM_HAS(scan, DKIM_PASS));
    spam_scan_add(scan, SPAM_LINK_SHOWS_OTHER_FOUND, known ? 0.2 : 1, reason);
    return OK;
}

/* Different ones, by hash. */
static bool has_many_hosts(const struct spam_scan *scan)
{
    uint32_t met[HOSTS_MANY + 1];
    unsigned count = 0;
    for (unsigned i = 0; i < scan->link_count && count <= HOSTS_MANY; i++) {
        uint32_t hash = spam_word_hash_of(url_owner(scan->links[i].host));
        unsigned j = 0;
        while (j < count && met[j] != hash)
            j++;
        if (j == count)
            met[count++] = hash;
    }
    return count > HOSTS_MANY;
}

error spam_rule_links(struct spam_scan *scan)
{
    TRY(spam_scan_links(scan));
    for (unsigned i = 0; i < scan->link_count; i++)
        TRY(judge_link(scan, &scan->links[i]));
    unsigned shown = 0;
    for (unsigned i = 0; i < scan->text_count; i++)
        for (unsigned j = 0; scan->texts[i].html && j < scan->texts[i].html->link_count; j++)
            if (shown++ < SPAM_URLS_MAX)
                TRY(judge_shown(scan, &scan->texts[i].html->links[j]));
    if (scan->links_cut)
        SPAM_ADD(scan, URL_CUT, SLICE_EMPTY);
    if (has_many_hosts(scan))
        SPAM_ADD(scan, URL_MANY_HOSTS, SLICE_EMPTY);
    TRY(spam_scan_words(scan));
    size_t letters = 0;
    for (unsigned i = 0; i < scan->text_count; i++)
        letters += slice_trim(scan->texts[i].visible).size;
    if (scan->link_count == 1 && scan->text_count == 1 &&
        letters < scan->links[0].url.text.size + WORDS_FEW * 5)
        SPAM_ADD(scan, URL_ONLY, scan->links[0].url.text);
    return OK;
}
