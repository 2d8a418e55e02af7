/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mail for domains of ours, with a directory and mailboxes by script: the local part is a number
 * (fakes.h) and a word.
 *
 *     1box   a mailbox                   2nobody  no such user
 *     3full  a mailbox that is full      4trouble the directory cannot be asked, at first
 *     5list  boxes 50box and 51full, and 52@good.example outside
 *     6away  60@good.example outside     7loop    goes in circles
 */
#define FAKES_OWN_SUBMIT 1
#include "fakes.h"

#include "data/directory/directory.h"
#include "transport/deliver/local.h"

static _Atomic unsigned boxes_filled, asked_in_trouble;
static struct {
    unsigned refusals; /* to come */
    _Atomic unsigned count;
    char sender[64], recipients[200];
    unsigned notify;
    bool final;
} submitted;

struct directory *directory_here(void)
{
    return NULL;
}

static error account(slice address, struct arena *arena, struct directory_account *out)
{
    char folded[64];
    *out = (struct directory_account){0};
    for (size_t i = 0; i < address.size; i++)
        folded[i] = ascii_lower(address.data[i]);
    return arena_copy(arena, slice_of(folded, address.size), &out->address);
}

error directory_mailbox(struct directory *directory, slice address, struct arena *arena,
                        struct directory_target *out)
{
    (void)directory;
    slice local, domain, detail, base = address;
    *out = (struct directory_target){0};
    if (slice_find(address, SLICE("nobody")) >= 0)
        return error_make(ERROR_NOT_FOUND, "no such account");
    if (slice_cut_last(address, '@', &local, &domain) && slice_cut(local, '+', &local, &detail)) {
        out->detail = detail;
        TRY(arena_format(arena, &base, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(domain)));
    }
    TRY(account(base, arena, &out->account));
    out->address = out->account.address;
    return OK;
}

error directory_resolve(struct directory *directory, slice address, struct arena *arena,
                        struct directory_resolution *out)
{
    (void)directory;
    struct directory_target *targets = ARENA_ARRAY(arena, struct directory_target, 3);
    *out = (struct directory_resolution){.answer = DIRECTORY_FOUND, .count = 1, .targets = targets};
    if (slice_find(address, SLICE("nobody")) >= 0) {
        out->answer = DIRECTORY_NO_SUCH_USER;
        return OK;
    }
    if (slice_find(address, SLICE("loop")) >= 0) {
        out->answer = DIRECTORY_ALIAS_LOOP;
        return OK;
    }
    if (slice_find(address, SLICE("trouble")) >= 0 && asked_in_trouble++ == 0)
        return error_make(ERROR_TEMPORARY, "database down");
    if (slice_find(address, SLICE("away")) >= 0) {
        targets[0] =
            (struct directory_target){.outside = true, .address = SLICE("60@good.example")};
        return OK;
    }
    if (slice_find(address, SLICE("list")) >= 0) {
        out->count = 3;
        targets[2] =
            (struct directory_target){.outside = true, .address = SLICE("52@good.example")};
        TRY(account(SLICE("50box@ours.example"), arena, &targets[0].account));
        targets[0].detail = SLICE("x");
        targets[0].extended = SLICE("50box+x@ours.example");
        return account(SLICE("51full@ours.example"), arena, &targets[1].account);
    }
    return account(address, arena, &targets[0].account);
}

error deliver_local(struct deliver_local *delivery, struct arena *arena)
{
    (void)arena;
    TRY(hold_up(TIME_MS));
    assert_slice(delivery->message, "text\n");
    for (unsigned i = 0; i < delivery->count; i++) {
        slice address = delivery->targets[i].account->address;
        for (unsigned j = 0; j < i; j++) /* no account twice */
            assert_false(slice_equal(address, delivery->targets[j].account->address));
        if (slice_find(address, SLICE("full")) >= 0) {
            delivery->targets[i].result = error_make(ERROR_LIMIT, "over quota");
            continue;
        }
        delivery->targets[i].result = OK;
        if (slice_starts(address, SLICE("12box")))
            assert_slice(delivery->targets[i].detail, "News");
        take_delivery(address);
        boxes_filled++;
    }
    return OK;
}

error queue_submit(struct queue_submission *submission)
{
    if (submitted.refusals > 0) {
        submitted.refusals--;
        return error_make(ERROR_TEMPORARY, "no room");
    }
    const struct queue_envelope *envelope = submission->envelopes;
    assert_int_equal(submission->count, 1);
    assert_slice(body_slice(submission->body), "text\n");
    snprintf(submitted.sender, sizeof submitted.sender, "%.*s", SLICE_ARG(envelope->sender));
    size_t size = 0;
    for (unsigned i = 0; i < envelope->recipient_count; i++)
        size += (size_t)snprintf(submitted.recipients + size, sizeof submitted.recipients - size,
                                 "%.*s%s ", SLICE_ARG(envelope->recipients[i].address),
                                 envelope->recipients[i].final ? "!" : "");
    submitted.notify = envelope->recipients[0].notify;
    submitted.count++;
    body_close(submission->body);
    return OK;
}

static void submit(const char *recipient, unsigned notify, bool final)
{
    const struct queue_recipient to = {
        .address = slice_from_string(recipient), .notify = notify, .final = final};
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"), .recipients = &to, .recipient_count = 1};
    queue_schedule_add(mail_make(&envelope, 2));
}

static void deliver_each(void)
{
    submit("1box@ours.example", SMTP_NOTIFY_SUCCESS, false);
    submit("2nobody@ours.example", 0, false);
    submit("8nobody@ours.example", 0, true);
    submit("3full@ours.example", 0, false);
    submit("4trouble@ours.example", 0, false);
    submit("7loop@ours.example", 0, false);
    submit("9list@ours.example", 0, true); /* final: no alias is followed */
    submit("12box+News@ours.example", 0, true);
    sim_wait(10);
    assert_int_equal(world.ledger[1].delivered, 1);
    assert_int_equal(world.ledger[1].reported, 1);
    assert_int_equal(world.ledger[2].bounced, 1);
    assert_int_equal(world.ledger[8].bounced, 1);
    assert_int_equal(world.ledger[3].bounced, 1); /* full until it expired */
    assert_int_equal(world.ledger[4].delivered, 1);
    assert_int_equal(asked_in_trouble, 2);
    assert_int_equal(world.ledger[7].bounced, 1);
    assert_int_equal(world.ledger[9].delivered, 1);
    assert_int_equal(world.ledger[12].delivered, 1);
    assert_int_equal(submitted.count, 0);
}

static void test_one_mailbox(void **state)
{
    (void)state;
    sim_defaults();
    asked_in_trouble = 0;
    sim_run(2, deliver_each);
}

static void follow_aliases(void)
{
    submit("6away@ours.example", SMTP_NOTIFY_SUCCESS, false);
    sim_wait(5);
    assert_int_equal(submitted.count, 1);
    assert_string_equal(submitted.recipients, "60@good.example ");
    assert_int_equal(submitted.notify, SMTP_NOTIFY_SUCCESS); /* the next one tells */
    assert_int_equal(world.ledger[6].reported, 0);
    submit("5list@ours.example", SMTP_NOTIFY_SUCCESS, false);
    sim_wait(5);
    assert_int_equal(submitted.count, 2); /* all of them, each on his own from then on */
    assert_string_equal(submitted.recipients,
                        "50box+x@ours.example! 51full@ours.example! 52@good.example ");
    assert_string_equal(submitted.sender, "a@x.example");
    assert_int_equal(submitted.notify, SMTP_NOTIFY_NEVER); /* success was told from here */
    assert_int_equal(world.ledger[5].expanded, 1);
    assert_int_equal(world.ledger[5].reported, 1);
    assert_int_equal(world.ledger[50].delivered, 0);
}

static void test_aliases(void **state)
{
    (void)state;
    sim_defaults();
    submitted.count = 0;
    sim_run(1, follow_aliases);
}

/* Where they cannot be sent to, nobody has it yet; who has a mailbox of his own gets it once all
 * the same, even where he is in the list, and the list waits for its directory or for room. */
static void send_on_in_trouble(void)
{
    submitted.refusals = 2;
    boxes_filled = 0;
    const struct queue_recipient to[] = {{.address = SLICE("5list@ours.example")},
                                         {.address = SLICE("50box+y@Ours.example")},
                                         {.address = SLICE("1box@ours.example")}};
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"), .recipients = to, .recipient_count = 3};
    queue_schedule_add(mail_make(&envelope, 5));
    sim_wait(10);
    assert_int_equal(submitted.refusals, 0);
    assert_int_equal(submitted.count, 1);
    assert_string_equal(submitted.recipients, "51full@ours.example! 52@good.example ");
    assert_int_equal(boxes_filled, 2);
    assert_int_equal(world.ledger[50].delivered, 1);
    assert_int_equal(world.ledger[1].delivered, 1);
}

static void test_aliases_in_trouble(void **state)
{
    (void)state;
    sim_defaults();
    submitted.count = 0;
    sim_run(1, send_on_in_trouble);
}

/* One mail, several recipients of one domain: each mailbox once, each recipient his own answer. */
static void deliver_several(void)
{
    const struct queue_recipient to[] = {{.address = SLICE("1box@ours.example")},
                                         {.address = SLICE("1box@OURS.example")},
                                         {.address = SLICE("2nobody@ours.example")},
                                         {.address = SLICE("3box@ours.example")}};
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"), .recipients = to, .recipient_count = 4};
    boxes_filled = 0;
    queue_schedule_add(mail_make(&envelope, 5));
    sim_wait(5);
    assert_int_equal(world.ledger[2].bounced, 1);
    assert_int_equal(world.ledger[3].delivered, 1);
    assert_int_equal(boxes_filled, 2);
}

static void test_several(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, deliver_several);
}

static void fill_many(void)
{
    enum { MAILS = 5 * QUEUE_LOCALS_MAX };
    boxes_filled = 0;
    world.held = true;
    for (unsigned i = 100; i < 100 + MAILS; i++) {
        char address[64];
        snprintf(address, sizeof address, "%ubox@ours.example", i);
        submit(address, 0, false);
    }
    sim_fill(&queue_owner.local_fibers, QUEUE_LOCALS_MAX);
    sim_wait(10);
    assert_int_equal(boxes_filled, MAILS);
}

static void test_locals_max(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, fill_many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_mailbox),        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_aliases_in_trouble), cmocka_unit_test(test_several),
        cmocka_unit_test(test_locals_max),
    };
    setenv("CMOCKA_TEST_ABORT", "1", 0); /* these fail on other threads than the runner's */
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
