/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/settings.h"

#include "base/cursor.h"

#include "format/mail/dsn_text.h"

#define S struct queue_settings
#define R SETTING_RELOADABLE
enum { DAYS = 86400, WEEKS = 7 * DAYS };
static const char *const languages[] = {
    [DSN_ENGLISH] = "en", [DSN_GERMAN] = "de", [DSN_FRENCH] = "fr", [DSN_SPANISH] = "es", NULL};
static const struct setting rows[] = {
    SETTING_PATH(S, path, "", 0, "where waiting mail lies; empty: \"queue\" under store.path"),
    SETTING_NUMBER(S, mails_max, 10000000, 1, 1000000000, R,
                   "mails in the queue; more are refused for now (4xx)"),
    SETTING_BYTES(S, memory_max, 256 << 20, 0, 1LL << 40, R,
                  "bodies of queued mail held in memory, per core; others go to the spool at once"),
    SETTING_DURATION(S, memory_age, 2 * TIME_S, 0, 3600 * TIME_S, R,
                     "after this long a body goes to the spool"),
    SETTING_BYTES(S, spool_segment_size, 64 << 20, 1 << 20, 1LL << 32, 0,
                  "size of one file of the spool"),
    SETTING_DURATION(S, retry_min, 300 * TIME_S, 10 * TIME_MS, DAYS *TIME_S, R,
                     "the pause after a first failure; it doubles with each further one"),
    SETTING_DURATION(S, retry_max, 4 * 3600 * TIME_S, 10 * TIME_MS, WEEKS *TIME_S, R,
                     "the longest pause between two attempts"),
    SETTING_DURATION(S, lifetime, 5 * DAYS * TIME_S, TIME_S, 30 * WEEKS * TIME_S, R,
                     "mail that could not be delivered for so long goes back to its sender"),
    SETTING_DURATION(S, bounce_lifetime, 2 * DAYS * TIME_S, TIME_S, 30 * WEEKS * TIME_S, R,
                     "the same for reports, which go nowhere then"),
    SETTING_DURATION(S, warn_after, 4 * 3600 * TIME_S, 0, 30 * WEEKS * TIME_S, R,
                     "the sender is told of the delay after so long; 0: never"),
    SETTING_NUMBER(S, concurrency, 20, 1, 10000, R, "connections to one site"),
    SETTING_NUMBER(S, concurrency_first, 5, 1, 10000, R,
                   "where a site begins that is new (never more than concurrency)"),
    SETTING_NUMBER(S, connections_max, 1000, 1, 1000000, R,
                   "connections to other servers, per core"),
    SETTING_NUMBER(S, mails_per_connection, 1000, 1, 1000000000, R,
                   "mails sent over one connection"),
    SETTING_NUMBER(S, recipients_per_mail, 100, 1, 1000, R, "recipients of one transaction"),
    SETTING_DURATION(S, idle_timeout, 5 * TIME_S, 0, 300 * TIME_S, R,
                     "how long a connection without work is kept"),
    SETTING_NUMBER(S, rate_per_site, 0, 0, 1000000000, R,
                   "transactions a minute to one site; 0: no limit"),
    SETTING_LIST(S, rates, "", R,
                 "exceptions: \"domain=number\", the domain of recipients or of their hosts"),
    SETTING_NUMBER(S, failures_to_pause, 3, 1, 1000, R,
                   "connections failing one after another until a site is left alone for a while"),
    SETTING_TEXT(S, postmaster, "", R,
                 "gets what can neither be delivered nor sent back; empty: nobody"),
    SETTING_CHOICE(S, report_language, DSN_ENGLISH, languages, R,
                   "of reports to senders whose mail does not tell theirs"),
    SETTING_BYTES(S, report_size_max, 1 << 20, 0, 1LL << 30, R,
                  "a larger mail is returned by its header only, even if all of it was asked for"),
};

const struct setting_table queue_setting_table = SETTING_TABLE("queue", S, rows);

error queue_rate_parse(slice text, slice *out_domain, uint32_t *out_rate)
{
    slice domain, number;
    uint64_t rate;
    if (!slice_cut_last(text, '=', &domain, &number))
        return error_make(ERROR_MALFORMED, "a rate needs a domain and a number");
    domain = slice_trim(domain);
    struct cursor cursor = cursor_over(slice_trim(number));
    if (domain.size == 0 || !cursor_take_u64(&cursor, UINT32_MAX, &rate) || !cursor_done(&cursor))
        return error_make(ERROR_MALFORMED, "a rate needs a domain and a number");
    *out_domain = domain;
    *out_rate = (uint32_t)rate;
    return OK;
}
