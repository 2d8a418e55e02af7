/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Actions: noted, in order, for whoever delivers.
 */
#include "base/buffer.h"
#include "base/utf8.h"
#include "filter/sieve/check.h"
#include "filter/sieve/run.h"

static error flags_copy(struct sieve_run *run, const struct sieve_flags *flags,
                        struct sieve_target *to)
{
    if (flags->count == 0)
        return OK;
    slice *copy = ARENA_ARRAY(run->arena, slice, flags->count);
    TRY_MEMORY(copy);
    memcpy(copy, flags->flags, flags->count * sizeof *copy);
    to->flags = copy;
    to->flag_count = flags->count;
    return OK;
}

/* Where a mail goes, by the tags of fileinto, keep, :fcc. `own_flags`: without :flags it gets those
 * of the internal variable (RFC 5232 5). */
static error target_of(struct sieve_run *run, const struct sieve_meaning *meaning, bool own_flags,
                       struct sieve_target *to)
{
    const struct sieve_argument *said = meaning->tags[SIEVE_TAG_FLAGS];
    struct sieve_flags flags = {0};
    to->create = meaning->tags[SIEVE_TAG_CREATE] != NULL;
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_SPECIALUSE], &to->special_use));
    if (said) {
        const slice *strings;
        TRY(sieve_expand_list(run, said, &strings));
        TRY(sieve_flags_add(run, &flags, strings, said->count));
        return flags_copy(run, &flags, to);
    }
    return own_flags ? flags_copy(run, &run->flags, to) : OK;
}

static error check_mailbox(struct sieve_run *run, slice mailbox)
{
    if (mailbox.size == 0 || !utf8_is_valid(mailbox))
        return sieve_run_fail(run, "\"%.*s\" cannot be the name of a mailbox", SLICE_ARG(mailbox));
    for (size_t i = 0; i < mailbox.size; i++)
        if ((unsigned char)mailbox.data[i] < ' ')
            return sieve_run_fail(run, "the name of a mailbox has a control character");
    return OK;
}

static struct sieve_action *find(struct sieve_run *run, enum sieve_action_kind kind)
{
    for (unsigned i = 0; i < run->result->count; i++)
        if (run->result->actions[i].kind == kind)
            return &run->result->actions[i];
    return NULL;
}

/* RFC 5429 2.4 (reject beside what delivers), RFC 5230 4.7 (vacation twice, vacation and reject) */
static error check_conflict(struct sieve_run *run, enum sieve_action_kind kind)
{
    static const char *const names[] = {"keep",   "fileinto", "redirect", "discard",
                                        "reject", "vacation", "notify"};
    bool rejects = kind == SIEVE_ACTION_REJECT;
    for (unsigned i = 0; i < run->result->count; i++) {
        enum sieve_action_kind other = run->result->actions[i].kind;
        bool harmless = other == SIEVE_ACTION_DISCARD || other == SIEVE_ACTION_NOTIFY;
        if (rejects && !harmless)
            return sieve_run_fail(run, "reject cannot stand beside %s", names[other]);
        if (other == SIEVE_ACTION_REJECT && kind != SIEVE_ACTION_DISCARD &&
            kind != SIEVE_ACTION_NOTIFY)
            return sieve_run_fail(run, "%s cannot stand beside reject", names[kind]);
        if (other == SIEVE_ACTION_VACATION && kind == SIEVE_ACTION_VACATION)
            return sieve_run_fail(run, "a second vacation");
    }
    return OK;
}

static error add(struct sieve_run *run, const struct sieve_action *action)
{
    struct sieve_result *result = run->result;
    TRY(check_conflict(run, action->kind));
    if (result->count >= run->actions_max)
        return sieve_run_fail(run, "more than %u actions", run->actions_max);
    if (result->count == run->room) {
        unsigned room = run->room ? run->room * 2 : 4;
        struct sieve_action *actions = ARENA_ARRAY(run->arena, struct sieve_action, room);
        TRY_MEMORY(actions);
        if (result->count)
            memcpy(actions, result->actions, result->count * sizeof *actions);
        result->actions = actions;
        run->room = room;
    }
    struct sieve_action *added = &result->actions[result->count];
    *added = *action;
    added->line = run->line;
    TRY(sieve_header_text(run, &added->header));
    result->count++;
    return OK;
}

static bool same_target(const struct sieve_target *a, const struct sieve_target *b)
{
    bool inbox = slice_equal_nocase(a->mailbox, SLICE("INBOX")) &&
                 slice_equal_nocase(b->mailbox, SLICE("INBOX"));
    return (inbox || slice_equal(a->mailbox, b->mailbox)) &&
           slice_equal(a->special_use, b->special_use);
}

/* keep and fileinto. What is there already is not put there again (RFC 5228 2.10.3); the flags are
 * those said last, a keep stays a keep. */
static error store(struct sieve_run *run, struct sieve_action *action)
{
    struct sieve_result *result = run->result;
    slice header;
    TRY(check_mailbox(run, action->to.mailbox));
    TRY(sieve_header_text(run, &header));
    action->text = action->to.mailbox;
    if (!action->copy)
        run->keep_cancelled = true;
    for (unsigned i = 0; i < result->count; i++) {
        struct sieve_action *known = &result->actions[i];
        if ((known->kind != SIEVE_ACTION_KEEP && known->kind != SIEVE_ACTION_FILEINTO) ||
            !same_target(&known->to, &action->to) || known->header.data != header.data)
            continue;
        if (!action->implicit) {
            action->to.create |= known->to.create;
            known->to = action->to;
        }
        if (action->kind == SIEVE_ACTION_KEEP)
            known->kind = SIEVE_ACTION_KEEP;
        return OK;
    }
    return add(run, action);
}

static error run_store(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    bool keep = meaning->verb == SIEVE_VERB_KEEP;
    struct sieve_action action = {
        .kind = keep ? SIEVE_ACTION_KEEP : SIEVE_ACTION_FILEINTO,
        .copy = meaning->tags[SIEVE_TAG_COPY] != NULL,
        .to.mailbox = SLICE("INBOX"),
    };
    TRY(target_of(run, meaning, true, &action.to));
    if (!keep)
        TRY(sieve_expand_argument(run, meaning->positional[0], &action.to.mailbox));
    return store(run, &action);
}

error sieve_run_implicit_keep(struct sieve_run *run)
{
    struct sieve_action action = {
        .kind = SIEVE_ACTION_KEEP, .implicit = true, .to.mailbox = SLICE("INBOX")};
    if (run->keep_cancelled)
        return OK;
    run->line = 0;
    TRY(flags_copy(run, &run->flags, &action.to));
    return store(run, &action);
}

static error run_redirect(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    struct sieve_action action = {.kind = SIEVE_ACTION_REDIRECT,
                                  .copy = meaning->tags[SIEVE_TAG_COPY] != NULL};
    TRY(sieve_expand_argument(run, meaning->positional[0], &action.text));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_NOTIFY], &action.dsn_notify));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_RET], &action.dsn_ret));
    if (!sieve_address_is_one(run->arena, action.text))
        return sieve_run_fail(run, "\"%.*s\" is no address to redirect to", SLICE_ARG(action.text));
    for (unsigned i = 0; i < run->result->count; i++)
        if (run->result->actions[i].kind == SIEVE_ACTION_REDIRECT &&
            slice_equal(run->result->actions[i].text, action.text)) {
            run->keep_cancelled |= !action.copy;
            return OK;
        }
    if (++run->redirects > run->redirects_max) /* RFC 5228 10 */
        return sieve_run_fail(run, "more than %u redirects", run->redirects_max);
    TRY(add(run, &action));
    run->keep_cancelled |= !action.copy;
    return OK;
}

static error run_reject(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    struct sieve_action action = {.kind = SIEVE_ACTION_REJECT,
                                  .ereject = meaning->verb == SIEVE_VERB_EREJECT};
    TRY(sieve_expand_argument(run, meaning->positional[0], &action.text));
    TRY(add(run, &action));
    run->keep_cancelled = true;
    return OK;
}

static error run_discard(struct sieve_run *run)
{
    struct sieve_action action = {.kind = SIEVE_ACTION_DISCARD};
    run->keep_cancelled = true;
    return find(run, SIEVE_ACTION_DISCARD) ? OK : add(run, &action);
}

/* ---- vacation, notify ---- */

static error list_of(struct sieve_run *run, const struct sieve_argument *list,
                     struct sieve_action *action)
{
    if (!list)
        return OK;
    action->address_count = list->count;
    return sieve_expand_list(run, list, &action->addresses);
}

static error fcc_of(struct sieve_run *run, const struct sieve_meaning *meaning,
                    struct sieve_target *fcc)
{
    if (!meaning->tags[SIEVE_TAG_FCC])
        return OK;
    TRY(target_of(run, meaning, false, fcc));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_FCC], &fcc->mailbox));
    return check_mailbox(run, fcc->mailbox);
}

/* RFC 5230 4.7: without :handle, what is said decides which replies count as one. */
static error make_handle(struct sieve_run *run, struct sieve_action *action)
{
    if (action->handle.data)
        return OK;
    return arena_format(run->arena, &action->handle, "%.*s\n%.*s\n%d\n%.*s",
                        SLICE_ARG(action->subject), SLICE_ARG(action->from), action->mime,
                        SLICE_ARG(action->message));
}

static error run_vacation(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    const struct sieve_argument *days = meaning->tags[SIEVE_TAG_DAYS],
                                *seconds = meaning->tags[SIEVE_TAG_SECONDS];
    struct sieve_action action = {.kind = SIEVE_ACTION_VACATION,
                                  .mime = meaning->tags[SIEVE_TAG_MIME] != NULL,
                                  .seconds = -1};
    uint64_t time = seconds ? seconds->number : days ? days->number : 0;
    if (days || seconds)
        action.seconds = (int64_t)(time < INT32_MAX ? time : INT32_MAX) * (days ? 86400 : 1);
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_SUBJECT], &action.subject));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_FROM], &action.from));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_HANDLE], &action.handle));
    TRY(sieve_expand_argument(run, meaning->positional[0], &action.message));
    if (action.from.data && !sieve_address_is_one(run->arena, action.from))
        return sieve_run_fail(run, "vacation: \"%.*s\" is no address", SLICE_ARG(action.from));
    if (slice_find_byte(action.subject, '\n') >= 0)
        return sieve_run_fail(run, "vacation: the subject has more than one line");
    TRY(list_of(run, meaning->tags[SIEVE_TAG_ADDRESSES], &action));
    TRY(fcc_of(run, meaning, &action.fcc));
    TRY(make_handle(run, &action));
    return add(run, &action);
}

static error run_notify(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    struct sieve_action action = {.kind = SIEVE_ACTION_NOTIFY, .seconds = -1};
    TRY(sieve_expand_argument(run, meaning->positional[0], &action.text));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_FROM], &action.from));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_MESSAGE], &action.message));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_IMPORTANCE], &action.importance));
    if (!slice_starts_nocase(action.text, SLICE("mailto:")))
        return sieve_run_fail(run, "notify knows only \"mailto:\"");
    if (action.importance.size == 0)
        action.importance = SLICE("2"); /* RFC 5435 3.4 */
    TRY(list_of(run, meaning->tags[SIEVE_TAG_OPTIONS], &action));
    TRY(fcc_of(run, meaning, &action.fcc));
    return add(run, &action);
}

error sieve_run_action(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    switch (meaning->verb) {
    case SIEVE_VERB_KEEP:
    case SIEVE_VERB_FILEINTO:
        return run_store(run, meaning);
    case SIEVE_VERB_REDIRECT:
        return run_redirect(run, meaning);
    case SIEVE_VERB_DISCARD:
        return run_discard(run);
    case SIEVE_VERB_REJECT:
    case SIEVE_VERB_EREJECT:
        return run_reject(run, meaning);
    case SIEVE_VERB_VACATION:
        return run_vacation(run, meaning);
    case SIEVE_VERB_NOTIFY:
        return run_notify(run, meaning);
    default:
        return sieve_run_fail(run, "a command that is none");
    }
}
