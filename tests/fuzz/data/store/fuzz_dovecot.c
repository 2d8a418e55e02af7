/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as dovecot-uidlist, dovecot-keywords and subscriptions.
 */
#include "data/store/dovecot.h"

#include "data/store/account.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice content = slice_of(data, size), name;
    struct dovecot_uidlist list;
    struct dovecot_uid uid;
    uint32_t last = 0;
    if (!failed(dovecot_uidlist_begin(&list, content)))
        while (dovecot_uidlist_next(&list, &uid)) {
            if (uid.uid <= last || uid.base.size == 0)
                abort();
            last = uid.uid;
        }
    struct cursor c = cursor_over(content);
    unsigned letter;
    while (dovecot_keywords_next(&c, &letter, &name))
        if (letter > 25 || name.size == 0 || name.size > STORE_KEYWORD_SIZE_MAX)
            abort();
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct dovecot_subscriptions subscriptions;
    dovecot_subscriptions_begin(&subscriptions, content);
    while (dovecot_subscriptions_next(&subscriptions, &arena, &name))
        if (failed(mailbox_name_check(name)))
            abort();
    arena_close(&arena);
    return 0;
}
