/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/selection.h"

#include "transport/queue/site.h"

/* "local@domain", or "@domain" for all of a domain. */
static bool address_matches(slice wanted, slice address)
{
    if (wanted.size == 0)
        return true;
    if (wanted.data[0] != '@')
        return slice_equal_nocase(wanted, address);
    return address.size >= wanted.size &&
           slice_equal_nocase(slice_from(address, address.size - wanted.size), wanted);
}

static bool domain_matches(slice wanted, slice address)
{
    slice local, domain;
    return wanted.size == 0 ||
           (slice_cut_last(address, '@', &local, &domain) && slice_equal_nocase(domain, wanted));
}

bool queue_state_parse(slice name, enum queue_state *out_state)
{
    static const struct {
        const char *name;
        enum queue_state state;
    } rows[] = {{"waiting", QUEUE_STATE_WAITING},
                {"active", QUEUE_STATE_ACTIVE},
                {"held", QUEUE_STATE_HELD},
                {"deferred", QUEUE_STATE_DEFERRED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (slice_equal(name, slice_from_string(rows[i].name))) {
            *out_state = rows[i].state;
            return true;
        }
    return false;
}

static unsigned states_of(const struct queue_item *item)
{
    static const unsigned states[] = {
        [QUEUE_ITEM_WAITING] = QUEUE_STATE_WAITING,
        [QUEUE_ITEM_OUT] = QUEUE_STATE_ACTIVE,
        [QUEUE_ITEM_HELD] = QUEUE_STATE_HELD,
        [QUEUE_ITEM_DONE] = 0,
    };
    return states[item->state] | (item->attempts > 0 ? QUEUE_STATE_DEFERRED : 0);
}

/* What never had a route stands under its domain, which queue_sites shows for it. */
static bool site_matches(const struct queue_selection *selection, const struct queue_item *item,
                         uint32_t mark)
{
    return !mark || (item->site ? item->site == mark
                                : slice_equal_nocase(queue_item_domain(item), selection->site));
}

/* All that is said of a recipient holds for one and the same. */
static bool item_matches(const struct queue_selection *selection, const struct queue_item *item,
                         uint32_t mark)
{
    const struct queue_mail *mail = item->mail;
    if (item->state == QUEUE_ITEM_DONE || !site_matches(selection, item, mark) ||
        (selection->states && !(selection->states & states_of(item))))
        return false;
    for (uint32_t i = item->first; i < item->first + item->count; i++) {
        slice address = queue_mail_text(mail, mail->recipients[i].address);
        if (mail->recipients[i].outcome == QUEUE_OPEN &&
            address_matches(selection->recipient, address) &&
            domain_matches(selection->domain, address))
            return true;
    }
    return false;
}

bool queue_selection_matches(const struct queue_selection *selection, const struct queue_mail *mail)
{
    uint32_t mark = selection->site.size ? site_mark(selection->site) : 0;
    bool by_item = mark || selection->recipient.size || selection->domain.size || selection->states;
    if ((selection->id != 0 && selection->id != mail->id) || mail->id <= selection->after ||
        (selection->held_only && !mail->held) ||
        (selection->arrived_before && mail->arrived >= selection->arrived_before) ||
        !address_matches(selection->sender, queue_mail_text(mail, mail->sender)))
        return false;
    for (uint32_t i = 0; by_item && i < mail->item_count; i++)
        if (item_matches(selection, &mail->items[i], mark))
            return true;
    return !by_item;
}
