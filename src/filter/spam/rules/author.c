/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who says to have written it, who is to be answered, who is to read it.
 */
#include "base/utf8.h"
#include "filter/spam/rules.h"
#include "format/mail/encoded.h"

enum { ADDRESSES_MANY = 50, NAME_SIZE_MAX = 512 };

static bool same_owner(slice a, slice b)
{
    return slice_equal_nocase(url_owner(a), url_owner(b));
}

/* The domain of the first thing in `text` that looks like an address. */
static bool find_address_domain(slice text, slice *out_domain)
{
    for (ptrdiff_t at; (at = slice_find_byte(text, '@')) >= 0;) {
        bool local =
            at > 0 && (ascii_is_alpha(text.data[at - 1]) || ascii_is_digit(text.data[at - 1]));
        text = slice_from(text, (size_t)at + 1);
        size_t size = 0;
        while (size < text.size &&
               (ascii_is_alpha(text.data[size]) || ascii_is_digit(text.data[size]) ||
                text.data[size] == '.' || text.data[size] == '-'))
            size++;
        slice domain = slice_sub(text, 0, size);
        while (domain.size > 0 && domain.data[domain.size - 1] == '.')
            domain.size--;
        if (local && slice_find_byte(domain, '.') > 0) {
            *out_domain = domain;
            return true;
        }
    }
    return false;
}

/* Does the name, as people see it, contain the domain one of the recipients is in? */
static bool names_recipient_domain(const struct spam_scan *scan, slice name)
{
    for (unsigned i = 0; i < scan->mail->recipient_count && i < 10; i++) {
        slice local, domain;
        if (slice_cut_last(scan->mail->recipients[i], '@', &local, &domain) &&
            slice_find_byte(domain, '.') > 0 && slice_find_nocase(name, domain) >= 0 &&
            !same_owner(domain, scan->from_domain))
            return true;
    }
    return false;
}

static bool mostly_digits(slice local)
{
    unsigned digits = 0;
    for (size_t i = 0; i < local.size; i++)
        digits += ascii_is_digit(local.data[i]);
    return digits >= 6 && digits * 2 > local.size;
}

static error judge_name(struct spam_scan *scan, slice raw)
{
    slice name, domain;
    TRY(mail_encoded_decode(scan->arena, slice_sub(raw, 0, NAME_SIZE_MAX), &name));
    if (find_address_domain(name, &domain)) {
        if (!same_owner(domain, scan->from_domain))
            SPAM_ADD(scan, FROM_NAME_ADDRESS, name);
    } else if (names_recipient_domain(scan, name)) {
        SPAM_ADD(scan, FROM_NAME_OURS, name);
    }
    return OK;
}

error spam_rule_author(struct spam_scan *scan)
{
    if (!scan->field[SPAM_FIELD_FROM].data) {
        SPAM_ADD(scan, FROM_MISSING, SLICE_EMPTY);
        return OK;
    }
    if (!scan->from) {
        SPAM_ADD(scan, FROM_NO_ADDRESS, slice_trim(scan->field[SPAM_FIELD_FROM]));
        return OK;
    }
    for (const struct mail_address *more = scan->from->next; more; more = more->next)
        if (more->kind == MAIL_ADDRESS_MAILBOX && !more->incomplete)
            SPAM_ADD(scan, FROM_SEVERAL, more->domain);
    if (mostly_digits(scan->from->local))
        SPAM_ADD(scan, FROM_DIGITS, scan->from->local);
    if (spam_domain_in(&scan->tables->freemail, scan->from_domain))
        SPAM_ADD(scan, FREEMAIL_FROM, scan->from_domain);
    slice local, domain;
    if (slice_cut_last(scan->mail->sender, '@', &local, &domain) &&
        !same_owner(domain, scan->from_domain))
        SPAM_ADD(scan, SENDER_OTHER, domain);
    return judge_name(scan, scan->from->name);
}

error spam_rule_replies(struct spam_scan *scan)
{
    if (!scan->field[SPAM_FIELD_REPLY_TO].data)
        return OK;
    struct mail_address *reply;
    TRY(spam_scan_addresses(scan, SPAM_FIELD_REPLY_TO, &reply));
    while (reply && (reply->kind != MAIL_ADDRESS_MAILBOX || reply->incomplete))
        reply = reply->next;
    if (!reply) {
        SPAM_ADD(scan, REPLY_TO_BROKEN, slice_trim(scan->field[SPAM_FIELD_REPLY_TO]));
        return OK;
    }
    if (!scan->from || !spam_domain_in(&scan->tables->freemail, reply->domain) ||
        SPAM_HAS(scan, MAILING_LIST))
        return OK;
    if (!SPAM_HAS(scan, FREEMAIL_FROM))
        SPAM_ADD(scan, REPLY_TO_FREEMAIL, reply->domain);
    else if (!slice_equal_nocase(reply->domain, scan->from->domain) ||
             !slice_equal_nocase(reply->local, scan->from->local))
        SPAM_ADD(scan, REPLY_TO_OTHER_FREEMAIL, reply->local);
    return OK;
}

static bool is_recipient(const struct spam_scan *scan, const struct mail_address *address)
{
    for (unsigned i = 0; i < scan->mail->recipient_count; i++) {
        slice local, domain;
        if (slice_cut_last(scan->mail->recipients[i], '@', &local, &domain) &&
            slice_equal_nocase(domain, address->domain) &&
            slice_starts_nocase(local, address->local))
            return true;
    }
    return false;
}

error spam_rule_recipients(struct spam_scan *scan)
{
    bool to = scan->field[SPAM_FIELD_TO].data, cc = scan->field[SPAM_FIELD_CC].data;
    if (!to && !cc) {
        SPAM_ADD(scan, TO_MISSING, SLICE_EMPTY);
        return OK;
    }
    static const enum spam_field fields[] = {SPAM_FIELD_TO, SPAM_FIELD_CC};
    unsigned count = 0;
    bool ours = false, undisclosed = false;
    for (unsigned i = 0; i < 2; i++) {
        struct mail_address *address;
        TRY(spam_scan_addresses(scan, fields[i], &address));
        for (; address; address = address->next) {
            undisclosed |= address->kind == MAIL_ADDRESS_GROUP_START;
            if (address->kind != MAIL_ADDRESS_MAILBOX || address->incomplete)
                continue;
            count++;
            ours = ours || (count <= ADDRESSES_MANY && is_recipient(scan, address));
        }
    }
    if (count == 0)
        SPAM_ADD(scan, TO_UNDISCLOSED, undisclosed ? SLICE("a group") : SLICE("no address"));
    else if (!ours && scan->mail->recipient_count > 0)
        SPAM_ADD(scan, TO_OTHERS, SLICE_EMPTY);
    if (count > ADDRESSES_MANY)
        SPAM_ADD(scan, TO_MANY, SLICE_EMPTY);
    return OK;
}
