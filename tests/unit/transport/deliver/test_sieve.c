/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is done with what scripts answer. The language is filter/sieve's; here a script is its
 * answer, an action a line: "fileinto X", "keep", "redirect a@b", "reject words", "vacation text",
 * "wrong". "include X" and "global X" are another script's only action.
 */
#include "check.h"

#include "base/log.h"
#include "base/metric.h"
#include "cores.h"
#include "data/scripts/settings.h"
#include "data/store/delivery.h"
#include "filter/authentic/signer.h"
#include "filter/sieve/sieve.h"
#include "scratch.h"
#include "transport/deliver/local.h"
#include "transport/deliver/outlet.h"
#include "transport/deliver/sieve/log.h"

#include <stdlib.h>

/* ---- The language ---- */

struct sieve_script {
    char text[400];
};
static unsigned compiled;

error sieve_compile(slice text, struct sieve_script **out_script, struct sieve_problem *out_problem)
{
    compiled++;
    if (slice_starts(text, SLICE("wrong"))) {
        *out_problem = (struct sieve_problem){.line = 7, .text = "it is wrong"};
        return error_make(ERROR_MALFORMED, "wrong");
    }
    *out_script = calloc(1, sizeof **out_script);
    memcpy((*out_script)->text, text.data, text.size);
    return OK;
}

void sieve_script_destroy(struct sieve_script **script)
{
    if (*script)
        memset((*script)->text, '?', sizeof(*script)->text);
    free(*script);
    *script = NULL;
}

static bool seen_before;
static error included;

error sieve_run(const struct sieve_script *script, const struct sieve_input *input,
                unsigned actions_max, unsigned redirects_max, struct arena *arena,
                struct sieve_result *out_result)
{
    slice rest = slice_from_string(script->text), line, word;
    *out_result = (struct sieve_result){.actions = ARENA_ARRAY(arena, struct sieve_action, 300)};
    (void)actions_max;
    (void)redirects_max;
    while (slice_cut(rest, '\n', &line, &rest), line.size) {
        struct sieve_action action = {.seconds = -1};
        slice_cut(line, ' ', &word, &action.text);
        if (slice_equal(word, SLICE("include")) || slice_equal(word, SLICE("global"))) {
            const struct sieve_script *other = NULL;
            struct sieve_problem problem = {0};
            included = input->world.include(input->world.context, action.text,
                                            slice_equal(word, SLICE("global")), &other, &problem);
            if (failed(included))
                continue;
            slice_cut(slice_from_string(other->text), '\n', &line, &(slice){0});
            slice_cut(line, ' ', &word, &action.text);
        }
        static const char *const names[] = {"keep",   "fileinto", "redirect", "discard",
                                            "reject", "vacation", "notify"};
        if (slice_equal(word, SLICE("seen"))) {
            seen_before = input->world.is_duplicate(input->world.context, SLICE("h"), action.text,
                                                    1000, false);
            continue;
        }
        for (unsigned i = 0; i < 7; i++)
            if (slice_equal(word, slice_from_string(names[i])))
                action.kind = i;
        action.to.mailbox = action.text;
        if (action.kind == SIEVE_ACTION_VACATION)
            action.message = action.handle = action.text;
        if (slice_equal(action.message, SLICE("filed")))
            action.fcc.mailbox = SLICE("Sent");
        action.dsn_notify = SLICE("NEVER");
        if (slice_starts(action.text, SLICE("X-Edited")))
            action.header = action.text;
        out_result->keeps |= action.kind == SIEVE_ACTION_KEEP;
        out_result->actions[out_result->count++] = action;
    }
    return OK;
}

/* ---- The world ---- */

static char stored[8][200], sent[8][2000];
static unsigned stored_count, sent_count;
static error store_says, outlet_says;
static const char *missing;     /* a mailbox that cannot be */
static void (*meanwhile)(void); /* what others do while it is stored */

error store_deliver(struct store_delivery *delivery)
{
    if (meanwhile) {
        void (*function)(void) = meanwhile;
        meanwhile = NULL;
        function();
    }
    for (unsigned i = 0; i < delivery->recipient_count; i++) {
        struct store_recipient *to = &delivery->recipients[i];
        to->result = store_says;
        if (missing && slice_equal(to->mailbox, slice_from_string(missing)))
            to->result = error_make(ERROR_NOT_FOUND, "no such mailbox");
        if (!failed(to->result))
            snprintf(stored[stored_count++ % 8], sizeof stored[0], "%.*s/%.*s/%s",
                     SLICE_ARG(to->account.id), SLICE_ARG(to->mailbox),
                     slice_find(delivery->parts[0], SLICE("X-Edited")) >= 0 ? "edited" : "");
    }
    return OK;
}

static error take_mail(const struct outlet_mail *mail)
{
    if (failed(outlet_says))
        return outlet_says;
    snprintf(sent[sent_count++ % 8], sizeof sent[0], "<%.*s> <%.*s>%s\n%.*s%.*s",
             SLICE_ARG(mail->sender), SLICE_ARG(mail->recipient), mail->final ? " final" : "",
             SLICE_ARG(mail->prefix), SLICE_ARG(mail->message));
    return OK;
}

error signer_sign(slice domain, slice prefix, slice body, struct arena *arena,
                  struct buffer *fields)
{
    (void)domain, (void)prefix, (void)body, (void)arena;
    buffer_add(fields, SLICE("DKIM-Signature: x\r\n"));
    return OK;
}

static struct scratch scratch;
static struct arena arena;
static struct sieve_settings settings;
static char home[2][200], maildir[2][200];
static struct directory_account accounts[2];
static struct deliver_local_target targets[2];

static void script(unsigned account, const char *text)
{
    char path[300], fresh[300];
    snprintf(path, sizeof path, "%s/.dovecot.sieve", home[account]);
    snprintf(fresh, sizeof fresh, "%s/.new", home[account]);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(fresh, path), 0);
}

static struct deliver_local delivery(unsigned count)
{
    stored_count = sent_count = 0;
    for (unsigned i = 0; i < count; i++)
        targets[i] = (struct deliver_local_target){.account = &accounts[i]};
    return (struct deliver_local){
        .id = SLICE("id"),
        .sender = SLICE("Friend@example.net"),
        .trace = SLICE("Received: x\r\n"),
        .message = SLICE("To: a@example.org\r\nMessage-ID: <1@x>\r\nSubject: y\r\n\r\nbody\r\n"),
        .targets = targets,
        .count = count,
    };
}

static void deliver(unsigned count)
{
    struct deliver_local d = delivery(count);
    assert_ok(deliver_local(&d, &arena));
}

static void assert_stored(unsigned index, const char *expected)
{
    assert_true(index < stored_count);
    assert_string_equal(stored[index], expected);
}

static void assert_sent(unsigned index, const char *part)
{
    assert_true(index < sent_count);
    if (!strstr(sent[index], part))
        fail_msg("\"%s\" is not in %s", part, sent[index]);
}

static int setup(void **state)
{
    (void)state;
    log_configure(2, LOG_ERROR + 1, LOG_LOGFMT);
    scratch_make(&scratch);
    arena_init(&arena, 64 << 20);
    assert_ok(settings_default(&sieve_setting_table, &arena, &settings));
    sieve_set_settings(&settings);
    outlet_set(take_mail);
    store_says = outlet_says = OK;
    missing = NULL;
    static const slice names[2] = {{"a@example.org", 13}, {"b@example.org", 13}};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(home[i], sizeof home[i], "%s/%u", scratch.path, i);
        snprintf(maildir[i], sizeof maildir[i], "%s/%u/Maildir", scratch.path, i);
        assert_int_equal(mkdir(home[i], 0700), 0);
        accounts[i] = (struct directory_account){.address = names[i],
                                                 .domain = SLICE("example.org"),
                                                 .home = home[i],
                                                 .maildir = maildir[i]};
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sieve_set_settings(NULL);
    arena_close(&arena);
    scratch_remove(&scratch);
    return 0;
}

/* ---- Tests ---- */

static int64_t filed(void)
{
    return metric_value(
        metric_find(SLICE("ringmail_sieve_actions_total"), SLICE("action=\"fileinto\"")));
}

static void sorting(void *argument)
{
    (void)argument;
    deliver(1); /* no script */
    assert_stored(0, "a@example.org//");
    script(0, "fileinto Work\nfileinto Work\nfileinto Other\n");
    deliver(2);
    assert_int_equal(stored_count, 3);
    assert_stored(0, "b@example.org//");
    assert_stored(1, "a@example.org/Work/");
    assert_stored(2, "a@example.org/Other/");
    script(0, "discard\n");
    deliver(1);
    assert_int_equal(stored_count, 0);
    assert_ok(targets[0].result);
    missing = "Work";
    script(0, "fileinto Work\n");
    deliver(1);
    assert_int_equal(stored_count, 1);
    assert_stored(0, "a@example.org//");
    int64_t before = filed();
    script(0, "keep X-Edited: y\nfileinto Plain\n");
    deliver(1);
    assert_int_equal(filed() - before, 1);
    assert_int_equal(stored_count, 2);
    assert_stored(0, "a@example.org/Plain/");
    assert_stored(1, "a@example.org//edited");
    script(0, "fileinto X-Edited: y\nkeep\n");
    before = filed();
    deliver(1);
    assert_int_equal(filed() - before, 1);
    store_says = error_make(ERROR_LIMIT, "full");
    deliver(1);
    assert_error(targets[0].result, ERROR_LIMIT);
}

static void caching(void *argument)
{
    (void)argument;
    script(0, "keep\n");
    compiled = 0;
    deliver(1);
    deliver(1);
    assert_int_equal(compiled, 1);
    script(0, "discard\n");
    deliver(1);
    assert_int_equal(compiled, 2);
    assert_int_equal(stored_count, 0);
    script(0, "wrong\n");
    deliver(1);
    deliver(1);
    assert_int_equal(compiled, 3);
    assert_stored(0, "a@example.org//");
    settings.enabled = false;
    script(0, "discard\n");
    deliver(1);
    assert_int_equal(stored_count, 1);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[400];
    (void)mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/%s.sieve", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void including(void *argument)
{
    (void)argument;
    char own[300], all[300];
    snprintf(own, sizeof own, "%s/sieve", home[0]);
    snprintf(all, sizeof all, "%s/all", scratch.path);
    write_file(own, "lib", "fileinto Mine\n");
    write_file(own, "bad", "wrong\n");
    write_file(all, "lib", "fileinto Everybody's\n");
    script(0, "include lib\nglobal lib\n");
    deliver(1);
    assert_error(included, ERROR_NOT_FOUND); /* sieve.global is empty */
    assert_stored(0, "a@example.org/Mine/");
    settings.global = slice_from_string(all);
    compiled = 0;
    deliver(1);
    deliver(1);
    assert_int_equal(stored_count, 2);
    assert_stored(1, "a@example.org/Everybody's/");
    assert_int_equal(compiled, 1); /* the others are kept */
    write_file(own, "lib", "fileinto Other\n# later\n");
    deliver(1);
    assert_stored(0, "a@example.org/Other/");
    script(0, "include bad\n");
    deliver(1);
    assert_error(included, ERROR_MALFORMED);
    script(0, "include ../.dovecot\n");
    deliver(1);
    assert_error(included, ERROR_MALFORMED);
    script(0, "include none\n");
    deliver(1);
    assert_error(included, ERROR_NOT_FOUND);
}

static void replace_script(void)
{
    static struct deliver_local_target target;
    script(0, "discard\n");
    target = (struct deliver_local_target){.account = &accounts[0]};
    struct deliver_local d = {.message = SLICE("\r\n"), .targets = &target, .count = 1};
    assert_ok(deliver_local(&d, &arena));
}

/* A plan does not need the script any more that made it. */
static void replacing(void *argument)
{
    (void)argument;
    script(0, "fileinto Work\n");
    meanwhile = replace_script;
    deliver(1);
    assert_int_equal(stored_count, 1);
    assert_stored(0, "a@example.org/Work/");
}

static void redirects(void *argument)
{
    (void)argument;
    script(0, "redirect c@example.com\nredirect C@example.com\nkeep\n");
    deliver(1);
    assert_int_equal(sent_count, 1);
    assert_sent(0, "<Friend@example.net> <c@example.com>\nReceived: x\r\n"
                   "X-Sieve-Redirected-From: a@example.org\r\nTo: a@example.org\r\n");
    /* the same mail again, as after a 4xx: not sent twice */
    deliver(1);
    assert_int_equal(sent_count, 0);
    assert_int_equal(stored_count, 1);
    /* where it cannot be sent on, nothing is stored, and it is tried again */
    script(0, "redirect d@example.com\nkeep\n");
    outlet_says = error_make(ERROR_LIMIT, "the queue is full");
    deliver(1);
    assert_error(targets[0].result, ERROR_TEMPORARY);
    assert_int_equal(stored_count, 0);
    outlet_says = OK;
    deliver(1);
    assert_ok(targets[0].result);
    assert_int_equal(sent_count, 1);
    /* what came back, and what is no address: kept */
    struct deliver_local d = delivery(1);
    d.message = SLICE("X-Sieve-Redirected-From: A@example.org\r\n\r\n");
    assert_ok(deliver_local(&d, &arena));
    assert_int_equal(sent_count, 0);
    assert_stored(0, "a@example.org//");
    script(0, "redirect nobody\n");
    deliver(1);
    assert_stored(0, "a@example.org//");
    /* more Received: fields than HOPS_MAX */
    static char loop[3000];
    for (unsigned i = 0; i < 51; i++)
        strcat(loop, "Received: from x by y; date\r\n");
    script(0, "redirect c@example.com\n");
    d = delivery(1);
    d.message = slice_from_string(strcat(loop, "\r\n"));
    assert_ok(deliver_local(&d, &arena));
    assert_int_equal(sent_count, 0);
    assert_int_equal(stored_count, 1);
}

static void refusals(void *argument)
{
    (void)argument;
    script(0, "reject go\taway  now\n");
    deliver(1);
    assert_true(targets[0].refused && failed(targets[0].result));
    assert_slice(targets[0].refusal, "go away now");
    assert_int_equal(stored_count, 0);
    /* not for the other one: he has it, the refusal goes through the queue */
    deliver(2);
    assert_false(targets[0].refused);
    assert_ok(targets[0].result);
    assert_int_equal(stored_count, 1);
    assert_sent(0, "<Friend@example.net> <a@example.org> final\nReceived: x\r\nTo: ");
    /* the queue can tell of each by itself */
    struct deliver_local d = delivery(2);
    d.each = true;
    assert_ok(deliver_local(&d, &arena));
    assert_true(targets[0].refused && !targets[1].refused);
    assert_int_equal(sent_count, 0);
    /* both refuse */
    script(1, "reject neither\n");
    deliver(2);
    assert_true(targets[0].refused && targets[1].refused);
    /* SIEVE_REASON_SIZE_MAX */
    static char many[800] = "reject ";
    memset(many + 7, 'x', 390);
    script(0, many);
    deliver(1);
    assert_int_equal(targets[0].refusal.size, 390);
}

static void answers(void *argument)
{
    (void)argument;
    script(0, "vacation gone\nkeep\n");
    deliver(1);
    assert_int_equal(sent_count, 1);
    assert_sent(0, "<> <Friend@example.net>\nDKIM-Signature: x\r\nFrom: a@example.org\r\n"
                   "To: Friend@example.net\r\n");
    assert_sent(0, "In-Reply-To: <1@x>\r\n");
    deliver(1);
    assert_int_equal(sent_count, 0); /* he knows */
    script(0, "vacation other words\nkeep\n");
    struct deliver_local d = delivery(1);
    d.junk = true; /* (no mailbox for junk is looked for: it is kept nowhere) */
    script(0, "vacation third words\ndiscard\n");
    assert_ok(deliver_local(&d, &arena));
    assert_int_equal(sent_count, 0);
    /* not sent: not remembered, and the mail is there all the same */
    script(0, "vacation fourth words\nkeep\n");
    outlet_says = error_make(ERROR_TEMPORARY, "no room");
    deliver(1);
    assert_ok(targets[0].result);
    assert_int_equal(stored_count, 1);
    outlet_says = OK;
    deliver(1);
    assert_int_equal(sent_count, 1);
    script(0, "notify mailto:o%40example.org?subject=Hi%20you&body=b\nkeep\n");
    deliver(1);
    assert_sent(0, "<> <o@example.org>\n");
    assert_sent(0, "Subject: Hi you\r\n");
    script(0, "vacation filed\nkeep\n");
    deliver(1);
    assert_stored(0, "a@example.org//");
    assert_stored(1, "a@example.org/Sent/");
    script(0, "notify tel:123\nkeep\n");
    deliver(1);
    assert_int_equal(sent_count, 0);
}

static void duplicates(void *argument)
{
    (void)argument;
    script(0, "seen one\nkeep\n");
    store_says = error_make(ERROR_LIMIT, "full");
    deliver(1);
    assert_false(seen_before);
    store_says = OK;
    deliver(1); /* tried again: it was not delivered yet */
    assert_false(seen_before);
    deliver(1);
    assert_true(seen_before);
}

static void logs(void *argument)
{
    (void)argument;
    char path[300], before[310];
    struct stat facts;
    snprintf(path, sizeof path, "%s/.dovecot.sieve.log", home[0]);
    snprintf(before, sizeof before, "%s.0", path);
    settings.log_size_max = 4096;
    script(0, "wrong\n");
    for (unsigned i = 0; i < 300; i++)
        deliver(1);
    assert_int_equal(stat(path, &facts), 0);
    assert_true(facts.st_size <= 4096 + SIEVE_LOG_LINE_SIZE_MAX);
    assert_int_equal(stat(before, &facts), 0);
    assert_true(facts.st_size <= 4096 + SIEVE_LOG_LINE_SIZE_MAX);
}

#define ON_A_CORE(name)                                                                            \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_cores(1, name);                                                                         \
    }
ON_A_CORE(sorting)
ON_A_CORE(caching)
ON_A_CORE(including)
ON_A_CORE(replacing)
ON_A_CORE(redirects)
ON_A_CORE(refusals)
ON_A_CORE(answers)
ON_A_CORE(duplicates)
ON_A_CORE(logs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sorting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_caching, setup, teardown),
        cmocka_unit_test_setup_teardown(test_including, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replacing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_duplicates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_logs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
