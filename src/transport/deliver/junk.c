/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/junk.h"

#include "data/store/account.h"
#include "runtime/message.h"

enum { LIST_MEMORY = 4 << 20 }; /* of one account's mailboxes */

const slice junk_keywords[JUNK_KEYWORD_COUNT] = {{"$Junk", 5}};

/* One account, asked on its home core. */
struct junk_question {
    struct core_job job;
    const struct store_account_key *account;
    slice named;
    size_t size;
    char name[STORE_MAILBOX_NAME_SIZE_MAX];
};

static void answer(struct junk_question *question, slice name)
{
    if (name.size > sizeof question->name)
        return;
    memcpy(question->name, name.data, name.size);
    question->size = name.size;
}

/* WAITS. */
static error look(struct account *account, struct junk_question *question, struct arena *arena)
{
    slice special;
    bool exists;
    TRY(account_provision(account));
    if (mailbox_exists(account, question->named))
        return OK;
    TRY(account_special(account, MAILBOX_JUNK, arena, &special, &exists));
    if (exists) {
        answer(question, special);
        return OK;
    }
    return mailbox_subscribe(account, question->named, true);
}

/* WAITS, on the home core. */
static error ask(void *argument)
{
    struct junk_question *question = argument;
    struct account *account;
    struct arena arena;
    TRY(account_open(question->account, true, &account));
    arena_init(&arena, LIST_MEMORY);
    error problem = look(account, question, &arena);
    arena_close(&arena);
    account_close(&account);
    return problem;
}

error junk_find_mailboxes(struct store_recipient *recipients, unsigned count, slice named,
                          struct arena *arena)
{
    struct core_batch batch;
    struct junk_question *questions = ARENA_ARRAY(arena, struct junk_question, count);
    TRY_MEMORY(questions);
    core_batch_init(&batch);
    for (unsigned i = 0; i < count; i++) {
        struct junk_question *question = &questions[i];
        question->account = &recipients[i].account;
        question->named = named;
        answer(question, named);
        question->job.function = ask;
        question->job.argument = question;
        core_batch_start(&batch, store_home_core(recipients[i].account.id), &question->job);
    }
    core_batch_join(&batch);
    for (unsigned i = 0; i < count; i++) {
        recipients[i].mailbox = slice_of(questions[i].name, questions[i].size);
        recipients[i].mailbox_create = true;
        recipients[i].keywords = junk_keywords;
        recipients[i].keyword_count = JUNK_KEYWORD_COUNT;
    }
    return OK;
}
