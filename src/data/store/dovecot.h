#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Dovecot keeps beside a Maildir, read when a mailbox is opened for the first time: so that
 * UIDs, UIDVALIDITY, keywords and subscriptions stay as the clients know them. Pure parsers over
 * file contents; what is damaged is skipped.
 */
#include "base/arena.h"
#include "base/cursor.h"
#include "base/error.h"

#include <stdint.h>

enum { DOVECOT_FILE_SIZE_MAX = 256 << 20 }; /* of a dovecot-uidlist */

/* dovecot-uidlist, versions 1 and 3. */
struct dovecot_uidlist {
    struct cursor rest;
    uint32_t uid_validity, uid_next;
    uint32_t last_uid;
};
struct dovecot_uid {
    uint32_t uid;
    slice base;            /* of the file name, without flags */
    slice pop3_uidl;       /* P, empty: none */
    uint64_t virtual_size; /* W, 0: unknown */
    uint64_t size;         /* S, 0: unknown */
};
/* ERROR_MALFORMED where the first line is not a uidlist's. */
error dovecot_uidlist_begin(struct dovecot_uidlist *list, slice content);
/* UIDs rise strictly; lines that break that are skipped. False at the end. */
bool dovecot_uidlist_next(struct dovecot_uidlist *list, struct dovecot_uid *out_uid);

/* dovecot-keywords: "0 $Forwarded" per line: the number is the letter in file names, 0 = a. */
bool dovecot_keywords_next(struct cursor *content, unsigned *out_letter, slice *out_name);

/* subscriptions: one name per line in modified UTF-7 with '.', or after a first line "V<tab>2" with
 * levels separated by tabs and escaped. Names come out as UTF-8 with STORE_SEPARATOR in the arena.
 */
struct dovecot_subscriptions {
    struct cursor rest;
    bool version_2;
};
void dovecot_subscriptions_begin(struct dovecot_subscriptions *list, slice content);
bool dovecot_subscriptions_next(struct dovecot_subscriptions *list, struct arena *arena,
                                slice *out_name);
