/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/line.h"

#include "base/assert.h"

#include <stdlib.h>

/* One submitter's items of one priority. */
struct line_party {
    struct line *line;
    struct list items;
    struct list turn; /* in line->levels */
    unsigned level;
    size_t key_size;
    char key[]; /* the level's byte and the name */
};

void line_init(struct line *line)
{
    *line = (struct line){0};
    map_init(&line->parties);
    for (unsigned i = 0; i < LINE_LEVELS; i++)
        list_init(&line->levels[i]);
}

void line_close(struct line *line)
{
    ASSERT(line->count == 0 && line->occupied == 0);
    map_close(&line->parties);
}

/* The account that submitted, else the sender's domain. */
static slice submitter_of(const struct queue_mail *mail)
{
    slice name = queue_mail_text(mail, mail->account), local, domain;
    if (name.size > 0)
        return slice_sub(name, 0, LINE_NAME_SIZE_MAX);
    slice sender = queue_mail_text(mail, mail->sender);
    if (slice_cut_last(sender, '@', &local, &domain))
        sender = domain;
    return slice_sub(sender, 0, LINE_NAME_SIZE_MAX);
}

static unsigned level_of(const struct queue_mail *mail)
{
    int priority = mail->priority;
    if (priority > LINE_PRIORITY_MAX)
        priority = LINE_PRIORITY_MAX;
    if (priority < -LINE_PRIORITY_MAX)
        priority = -LINE_PRIORITY_MAX;
    return (unsigned)(priority + LINE_PRIORITY_MAX);
}

static struct line_party *make_party(struct line *line, slice key)
{
    struct line_party *party = malloc(sizeof *party + key.size);
    if (!party)
        return NULL;
    *party = (struct line_party){.line = line, .key_size = key.size};
    memcpy(party->key, key.data, key.size);
    party->level = (unsigned char)key.data[0];
    list_init(&party->items);
    if (failed(map_put(&line->parties, slice_of(party->key, key.size), party))) {
        free(party);
        return NULL;
    }
    list_append(&line->levels[party->level], &party->turn);
    line->occupied |= 1u << party->level;
    return party;
}

static void drop_party(struct line_party *party)
{
    struct line *line = party->line;
    list_remove(&party->turn);
    if (list_is_empty(&line->levels[party->level]))
        line->occupied &= ~(1u << party->level);
    map_remove(&line->parties, slice_of(party->key, party->key_size));
    free(party);
}

error line_add(struct line *line, struct queue_item *item)
{
    char key[1 + LINE_NAME_SIZE_MAX];
    slice name = submitter_of(item->mail);
    key[0] = (char)level_of(item->mail);
    for (size_t i = 0; i < name.size; i++)
        key[1 + i] = ascii_lower(name.data[i]);
    slice whole = slice_of(key, 1 + name.size);
    struct line_party *party = map_get(&line->parties, whole);
    if (!party)
        party = make_party(line, whole);
    TRY_MEMORY(party);
    list_append(&party->items, &item->node);
    item->party = party;
    line->count++;
    return OK;
}

struct line *line_of(const struct queue_item *item)
{
    return item->party ? item->party->line : NULL;
}

void line_remove(struct queue_item *item)
{
    struct line_party *party = item->party;
    list_remove(&item->node);
    item->party = NULL;
    party->line->count--;
    if (list_is_empty(&party->items))
        drop_party(party);
}

struct queue_item *line_take(struct line *line)
{
    if (line->occupied == 0)
        return NULL;
    unsigned level = 31 - (unsigned)__builtin_clz(line->occupied);
    struct line_party *party = CONTAINER_OF(line->levels[level].next, struct line_party, turn);
    struct queue_item *item = CONTAINER_OF(party->items.next, struct queue_item, node);
    list_remove(&party->turn); /* to the end: the others' turn comes first */
    list_append(&line->levels[level], &party->turn);
    line_remove(item);
    return item;
}
