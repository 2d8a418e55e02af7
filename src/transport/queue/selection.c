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

static bool has_recipient(const struct queue_mail *mail, slice wanted)
{
    for (uint32_t i = 0; i < mail->recipient_count; i++)
        if (mail->recipients[i].outcome == QUEUE_OPEN &&
            address_matches(wanted, queue_mail_text(mail, mail->recipients[i].address)))
            return true;
    return wanted.size == 0;
}

static bool has_site(const struct queue_mail *mail, slice wanted)
{
    uint32_t mark = site_mark(wanted);
    for (uint32_t i = 0; i < mail->item_count; i++)
        if (mail->items[i].state != QUEUE_ITEM_DONE && mail->items[i].site == mark)
            return true;
    return wanted.size == 0;
}

bool queue_selection_matches(const struct queue_selection *selection, const struct queue_mail *mail)
{
    return (selection->id == 0 || selection->id == mail->id) &&
           (!selection->held_only || mail->held) &&
           address_matches(selection->sender, queue_mail_text(mail, mail->sender)) &&
           has_recipient(mail, selection->recipient) && has_site(mail, selection->site);
}
