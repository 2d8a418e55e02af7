/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/answer.h"

#include "base/map.h"

#include <stdlib.h>

struct answer {
    size_t references;
    size_t size;
    char text[]; /* ends with a NUL */
};

static _Thread_local struct map answers; /* by text */

static struct answer *find_or_make(slice text)
{
    struct answer *answer = map_get(&answers, text);
    if (answer)
        return answer;
    answer = calloc(1, sizeof *answer + text.size + 1);
    if (!answer)
        return NULL;
    memcpy(answer->text, text.data, text.size);
    answer->size = text.size;
    if (!failed(map_put(&answers, slice_of(answer->text, answer->size), answer)))
        return answer;
    free(answer);
    return NULL;
}

static void drop(struct answer *answer)
{
    if (--answer->references > 0)
        return;
    map_remove(&answers, slice_of(answer->text, answer->size));
    free(answer);
    if (answers.count == 0)
        map_close(&answers);
}

void queue_item_remember(struct queue_item *item, slice text)
{
    struct answer *answer = text.size > 0 ? find_or_make(text) : NULL;
    if (!answer)
        return;
    answer->references++; /* before the old one goes: it may be the same */
    queue_item_forget(item);
    item->response = answer->text;
    item->response_shared = true;
}

void queue_item_forget(struct queue_item *item)
{
    if (item->response && item->response_shared)
        drop((struct answer *)(void *)(item->response - offsetof(struct answer, text)));
    else if (item->response)
        free(item->response);
    item->response = NULL;
    item->response_shared = false;
}
