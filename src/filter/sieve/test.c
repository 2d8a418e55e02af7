/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests: what decides an if (RFC 5228 5 and extensions).
 */
#include "base/version.h"
#include "filter/sieve/run.h"
#include "format/mail/encoded.h"

#include <stdio.h>

enum { DUPLICATE_SECONDS_DEFAULT = 7 * 86400 }; /* RFC 7352 3.3 */

/* Matches one text against the keys. */
static error match_one(struct sieve_run *run, const struct sieve_meaning *meaning, slice value,
                       const struct sieve_argument *keys, bool *out_true)
{
    struct sieve_matching matching;
    TRY(sieve_match_begin(run, meaning, keys, &matching));
    TRY(sieve_match_value(&matching, value));
    return sieve_match_end(&matching, out_true);
}

static error test_several(struct sieve_run *run, const struct sieve_node *node, bool all,
                          bool *out_true)
{
    bool is_true = all;
    for (const struct sieve_node *test = node->tests; test && is_true == all; test = test->next)
        TRY(sieve_test(run, test, &is_true));
    *out_true = is_true;
    return OK;
}

static error test_size(const struct sieve_run *run, const struct sieve_meaning *meaning,
                       bool *out_true)
{
    uint64_t limit = meaning->positional[0]->number, size = run->input->message.size;
    *out_true = meaning->tags[SIEVE_TAG_OVER] ? size > limit : size < limit;
    return OK;
}

/* RFC 5232 4 */
static error test_flags(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    struct sieve_flags flags, keys = {0};
    struct sieve_matching matching;
    TRY(sieve_flags_of(run, meaning->positional[0], &flags));
    TRY(sieve_match_begin(run, meaning, meaning->positional[1], &matching));
    if (meaning->match == SIEVE_IS) { /* a key may be several flags */
        TRY(sieve_flags_add(run, &keys, matching.keys, matching.key_count));
        matching.keys = keys.flags;
        matching.key_count = keys.count;
    }
    for (unsigned i = 0; i < flags.count; i++)
        TRY(sieve_match_value(&matching, flags.flags[i]));
    return sieve_match_end(&matching, out_true);
}

/* RFC 5229 5 */
static error test_string(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    struct sieve_matching matching;
    const slice *sources;
    TRY(sieve_expand_list(run, meaning->positional[0], &sources));
    TRY(sieve_match_begin(run, meaning, meaning->positional[1], &matching));
    for (unsigned i = 0; i < meaning->positional[0]->count; i++)
        if (meaning->match != SIEVE_COUNT || sources[i].size)
            TRY(sieve_match_value(&matching, sources[i]));
    return sieve_match_end(&matching, out_true);
}

/* RFC 7352 3 */
static error test_duplicate(struct sieve_run *run, const struct sieve_meaning *meaning,
                            bool *out_true)
{
    const struct sieve_argument *header = meaning->tags[SIEVE_TAG_HEADER],
                                *seconds = meaning->tags[SIEVE_TAG_SECONDS];
    const struct sieve_world *world = &run->input->world;
    static const struct sieve_meaning any = {0};
    slice id, handle, name = SLICE("Message-ID");
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_HANDLE], &handle));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_UNIQUEID], &id));
    if (header)
        TRY(sieve_expand_argument(run, header, &name));
    if (!meaning->tags[SIEVE_TAG_UNIQUEID]) {
        TRY(sieve_header_open(run));
        const struct sieve_field *field = sieve_header_select(run, &any, name);
        if (field)
            TRY(mail_encoded_decode(run->arena, field->value, &id));
        id = slice_trim(id);
    }
    uint64_t time = seconds ? seconds->number : DUPLICATE_SECONDS_DEFAULT;
    *out_true = id.size > 0 && world->is_duplicate &&
                world->is_duplicate(world->context, handle, id,
                                    time < INT32_MAX ? (int64_t)time : INT32_MAX,
                                    meaning->tags[SIEVE_TAG_LAST] != NULL);
    return OK;
}

/* Is it so for every string of the list? */
static error test_each(struct sieve_run *run, const struct sieve_argument *list,
                       bool (*ask)(void *context, slice text), bool *out_true)
{
    const slice *strings;
    TRY(sieve_expand_list(run, list, &strings));
    bool all = ask != NULL;
    for (unsigned i = 0; i < list->count && all; i++) {
        TRY(sieve_run_charge(run, 256 * 16)); /* may be a look at a disk */
        all = ask(run->input->world.context, strings[i]);
    }
    *out_true = all;
    return OK;
}

/* RFC 8579 3 */
static error test_special_use(struct sieve_run *run, const struct sieve_meaning *meaning,
                              bool *out_true)
{
    const struct sieve_world *world = &run->input->world;
    const slice *uses;
    slice mailbox;
    TRY(sieve_expand_argument(run, meaning->positional[0], &mailbox));
    TRY(sieve_expand_list(run, meaning->positional[1], &uses));
    bool all = world->special_use_exists != NULL;
    for (unsigned i = 0; i < meaning->positional[1]->count && all; i++)
        all = world->special_use_exists(world->context, uses[i], mailbox);
    *out_true = all;
    return OK;
}

static error test_ihave(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    const struct sieve_argument *list = meaning->positional[0];
    (void)run;
    *out_true = true;
    for (unsigned i = 0; i < list->count; i++)
        *out_true &= sieve_extension_find(list->strings[i]) != SIEVE_EXTENSION_NONE;
    return OK;
}

/* RFC 5183 4.1 */
static error test_environment(struct sieve_run *run, const struct sieve_meaning *meaning,
                              bool *out_true)
{
    const struct sieve_input *input = run->input;
    const struct {
        slice name, value;
    } items[] = {
        {SLICE("domain"), input->domain},       {SLICE("host"), input->host},
        {SLICE("location"), SLICE("MDA")},      {SLICE("name"), SLICE("Ringmail")},
        {SLICE("phase"), SLICE("during")},      {SLICE("remote-host"), input->remote_host},
        {SLICE("remote-ip"), input->remote_ip}, {SLICE("version"), SLICE(RINGMAIL_VERSION)},
    };
    slice name;
    TRY(sieve_expand_argument(run, meaning->positional[0], &name));
    *out_true = false;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (slice_equal_nocase(name, items[i].name) && items[i].value.size)
            return match_one(run, meaning, items[i].value, meaning->positional[1], out_true);
    return OK;
}

/* RFC 5235 2, 3: "0" is not tested; a score is 1 to 10, or with :percent 0 to 100. */
static error test_score(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    const struct sieve_input *input = run->input;
    bool spam = meaning->verb == SIEVE_VERB_SPAMTEST;
    bool tested = spam ? input->spam_tested : input->virus != SIEVE_VIRUS_UNTESTED;
    double percent = input->spam_percent < 0     ? 0
                     : input->spam_percent > 100 ? 100
                                                 : input->spam_percent;
    int score = !spam ? (int)input->virus : 0;
    if (spam && tested)
        score = meaning->tags[SIEVE_TAG_PERCENT] ? (int)percent : 1 + (int)(percent * 9 / 100);
    struct sieve_matching matching;
    char text[16];
    int size = snprintf(text, sizeof text, "%d", score);
    TRY(sieve_match_begin(run, meaning, meaning->positional[0], &matching));
    if (tested || meaning->match != SIEVE_COUNT)
        TRY(sieve_match_value(&matching, slice_of(text, (size_t)size)));
    return sieve_match_end(&matching, out_true);
}

static bool is_method(void *context, slice method)
{
    (void)context;
    return slice_starts_nocase(method, SLICE("mailto:")) && slice_find_byte(method, '@') > 7;
}

/* RFC 5435 5: whether somebody is online is not known of a mailbox. */
static error test_capability(struct sieve_run *run, const struct sieve_meaning *meaning,
                             bool *out_true)
{
    slice method, name;
    TRY(sieve_expand_argument(run, meaning->positional[0], &method));
    TRY(sieve_expand_argument(run, meaning->positional[1], &name));
    *out_true = false;
    if (!is_method(NULL, method) || !slice_equal_nocase(name, SLICE("online")))
        return OK;
    return match_one(run, meaning, SLICE("maybe"), meaning->positional[2], out_true);
}

error sieve_test(struct sieve_run *run, const struct sieve_node *node, bool *out_true)
{
    const struct sieve_meaning *meaning = sieve_meaning_of(node);
    const struct sieve_world *world = &run->input->world;
    TRY(sieve_run_charge(run, 0));
    switch (meaning->verb) {
    case SIEVE_VERB_ADDRESS:
        return sieve_test_address(run, meaning, out_true);
    case SIEVE_VERB_ALLOF:
        return test_several(run, node, true, out_true);
    case SIEVE_VERB_ANYOF:
        return test_several(run, node, false, out_true);
    case SIEVE_VERB_ENVELOPE:
        return sieve_test_envelope(run, meaning, out_true);
    case SIEVE_VERB_EXISTS:
        return sieve_test_exists(run, meaning, out_true);
    case SIEVE_VERB_HEADER:
        return sieve_test_header(run, meaning, out_true);
    case SIEVE_VERB_NOT:
        TRY(sieve_test(run, node->tests, out_true));
        *out_true = !*out_true;
        return OK;
    case SIEVE_VERB_SIZE:
        return test_size(run, meaning, out_true);
    case SIEVE_VERB_TRUE:
    case SIEVE_VERB_FALSE:
        *out_true = meaning->verb == SIEVE_VERB_TRUE;
        return OK;
    case SIEVE_VERB_HASFLAG:
        return test_flags(run, meaning, out_true);
    case SIEVE_VERB_STRING:
        return test_string(run, meaning, out_true);
    case SIEVE_VERB_BODY:
        return sieve_test_body(run, meaning, out_true);
    case SIEVE_VERB_DATE:
    case SIEVE_VERB_CURRENTDATE:
        return sieve_test_date(run, meaning, out_true);
    case SIEVE_VERB_DUPLICATE:
        return test_duplicate(run, meaning, out_true);
    case SIEVE_VERB_MAILBOXEXISTS:
        return test_each(run, meaning->positional[0], world->mailbox_exists, out_true);
    case SIEVE_VERB_VALID_NOTIFY_METHOD:
        return test_each(run, meaning->positional[0], is_method, out_true);
    case SIEVE_VERB_NOTIFY_METHOD_CAPABILITY:
        return test_capability(run, meaning, out_true);
    case SIEVE_VERB_SPECIALUSE_EXISTS:
        return test_special_use(run, meaning, out_true);
    case SIEVE_VERB_IHAVE:
        return test_ihave(run, meaning, out_true);
    case SIEVE_VERB_ENVIRONMENT:
        return test_environment(run, meaning, out_true);
    case SIEVE_VERB_SPAMTEST:
    case SIEVE_VERB_VIRUSTEST:
        return test_score(run, meaning, out_true);
    default:
        return sieve_run_fail(run, "a test that is none");
    }
}
