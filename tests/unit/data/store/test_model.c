/* SPDX-License-Identifier: GPL-3.0-or-later
 * Random operations on three mailboxes against a simple model, in rounds that end by SIGKILL at a
 * random moment or by a clean stop. After each round the store must hold what the model holds, give
 * or take the one operation that was under way. Seeded: RINGMAIL_TEST_SEED repeats a run. */
#include "in_store.h"

#include "base/random.h"

#include <signal.h>
#include <sys/mman.h>

enum { MAILBOXES = 3, ENTRIES_MAX = 4000, ROUNDS = 16, OPERATIONS_MAX = 150 };

static const char *const names[MAILBOXES] = {"INBOX", "Work", "Work.Old"};

struct entry {
    uint32_t number, uid;
    uint8_t flags;
    bool alive;
};

enum kind { NOTHING, DELIVER, FLAGS, EXPUNGE, COPY, MOVE };

/* Shared with the process that is killed. */
static struct model {
    uint32_t numbers;
    uint32_t uid_validity[MAILBOXES];
    uint32_t uid_high[MAILBOXES]; /* the highest ever told */
    unsigned counts[MAILBOXES];
    struct entry entries[MAILBOXES][ENTRIES_MAX];
    struct {
        enum kind kind;
        unsigned mailbox, target, entry;
        uint32_t number;
        uint8_t flags;
    } pending;
    uint64_t seed;
} * model;

static size_t text_of(uint32_t number, char out[3000])
{
    size_t size = (size_t)snprintf(out, 64, "Subject: %06u\r\n\r\n", number);
    size_t body = number * 7919 % 2500;
    memset(out + size, (int)('a' + number % 26), body);
    out[size + body] = '\0';
    return size + body;
}

static void add_entry(unsigned mailbox, uint32_t number, uint32_t uid, uint8_t flags)
{
    assert_true(uid > model->uid_high[mailbox]);
    model->uid_high[mailbox] = uid;
    assert_true(model->counts[mailbox] < ENTRIES_MAX);
    model->entries[mailbox][model->counts[mailbox]++] = (struct entry){number, uid, flags, true};
}

static struct entry *some_entry(unsigned mailbox)
{
    for (int tries = 0; tries < 20 && model->counts[mailbox] > 0; tries++) {
        struct entry *entry = &model->entries[mailbox][random_below(model->counts[mailbox])];
        if (entry->alive)
            return entry;
    }
    return NULL;
}

static void do_deliver(unsigned mailbox)
{
    char text[3000];
    uint32_t number = ++model->numbers;
    text_of(number, text);
    model->pending.number = number;
    model->pending.flags = 0;
    uint32_t uid = deliver("anna", names[mailbox], text);
    add_entry(mailbox, number, uid, 0);
}

static void do_copy(struct mailbox **open, unsigned mailbox, unsigned target, bool move)
{
    struct entry *entry = some_entry(mailbox);
    uint32_t uid;
    if (!entry || (move && mailbox == target))
        return;
    model->pending.number = entry->number;
    model->pending.flags = entry->flags;
    model->pending.entry = (unsigned)(entry - model->entries[mailbox]);
    MUST(mailbox_copy(open[mailbox], &entry->uid, 1, open[target], move, &uid));
    if (move)
        entry->alive = false;
    add_entry(target, entry->number, uid, entry->flags);
}

static void do_flags(struct mailbox *mailbox, unsigned number)
{
    struct entry *entry = some_entry(number);
    if (!entry)
        return;
    struct flag_change change = {FLAGS_REPLACE, (uint8_t)(random_u64() & MAIL_FLAGS), 0,
                                 UINT64_MAX};
    model->pending.entry = (unsigned)(entry - model->entries[number]);
    model->pending.flags = change.flags;
    MUST(mailbox_flags(mailbox, entry->uid, &change));
    MUST(fiber_sleep(TIME_MS)); /* written at the end of the turn */
    entry->flags = change.flags;
}

static void do_expunge(struct mailbox *mailbox, unsigned number)
{
    struct entry *entry = some_entry(number);
    if (!entry)
        return;
    model->pending.entry = (unsigned)(entry - model->entries[number]);
    MUST(mailbox_expunge(mailbox, &entry->uid, 1, NULL));
    entry->alive = false;
}

static void operate(void)
{
    struct mailbox *open[MAILBOXES];
    for (unsigned i = 0; i < MAILBOXES; i++)
        open[i] = open_mailbox("anna", names[i]);
    random_seed(model->seed);
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        unsigned mailbox = (unsigned)random_below(MAILBOXES);
        unsigned target = (unsigned)random_below(MAILBOXES);
        unsigned dice = (unsigned)random_below(10);
        enum kind kind = dice < 4   ? DELIVER
                         : dice < 6 ? FLAGS
                         : dice < 7 ? EXPUNGE
                         : dice < 8 ? COPY
                                    : MOVE;
        model->pending.mailbox = mailbox;
        model->pending.target = target;
        model->pending.entry = ENTRIES_MAX;
        model->pending.number = 0;
        model->pending.kind = kind;
        if (kind == DELIVER)
            do_deliver(mailbox);
        else if (kind == FLAGS)
            do_flags(open[mailbox], mailbox);
        else if (kind == EXPUNGE)
            do_expunge(open[mailbox], mailbox);
        else
            do_copy(open, mailbox, target, kind == MOVE);
        model->pending.kind = NOTHING;
    }
    for (unsigned i = 0; i < MAILBOXES; i++)
        mailbox_close(&open[i]);
}

static uint32_t number_of(struct mailbox *mailbox, uint32_t uid)
{
    struct body body;
    char text[3000];
    MUST(mail_load(mailbox, uid, &body));
    assert_true(body.size > 13 + 15);
    uint32_t number = (uint32_t)strtoul(body.data + 13 + 9, NULL, 10);
    size_t size = text_of(number, text);
    assert_int_equal(body.size, 13 + size);
    assert_memory_equal(body.data + 13, text, size);
    body_close(&body);
    return number;
}

static struct entry *entry_with_uid(unsigned mailbox, uint32_t uid)
{
    for (unsigned i = 0; i < model->counts[mailbox]; i++)
        if (model->entries[mailbox][i].uid == uid)
            return &model->entries[mailbox][i];
    return NULL;
}

static bool is_pending(enum kind kind, unsigned mailbox, const struct entry *entry)
{
    return model->pending.kind == kind && model->pending.mailbox == mailbox &&
           entry == &model->entries[mailbox][model->pending.entry];
}

static unsigned found_pending;

static void check_one(struct mailbox *open, unsigned mailbox, uint32_t uid)
{
    uint32_t number = number_of(open, uid);
    const struct mail *mail = mailbox_find(open, uid);
    struct entry *entry = entry_with_uid(mailbox, uid);
    if (!entry) { /* only what was under way may be new, once */
        enum kind kind = model->pending.kind;
        assert_true((kind == DELIVER && model->pending.mailbox == mailbox) ||
                    ((kind == COPY || kind == MOVE) && model->pending.target == mailbox));
        assert_int_equal(number, model->pending.number);
        assert_int_equal(found_pending++, 0);
        add_entry(mailbox, number, uid, mail->flags);
        return;
    }
    assert_int_equal(entry->number, number);
    assert_true(entry->alive);
    if (mail->flags != entry->flags) {
        if (!is_pending(FLAGS, mailbox, entry))
            print_message("uid %u has %x, not %x; pending %d\n", uid, mail->flags, entry->flags,
                          model->pending.kind);
        assert_true(is_pending(FLAGS, mailbox, entry));
        assert_int_equal(mail->flags, model->pending.flags);
        entry->flags = mail->flags;
    }
}

static void check(void)
{
    found_pending = 0;
    unsigned missing_moved = 0;
    for (unsigned i = 0; i < MAILBOXES; i++) {
        struct mailbox *open = open_mailbox("anna", names[i]);
        struct mailbox_status status = mailbox_status(open);
        if (!model->uid_validity[i])
            model->uid_validity[i] = status.uid_validity;
        assert_int_equal(status.uid_validity, model->uid_validity[i]);
        assert_true(status.uid_next > model->uid_high[i]);
        for (const struct mail *mail = mailbox_next_from(open, 1); mail;) {
            uint32_t uid = mail->uid;
            check_one(open, i, uid);
            mail = mailbox_next_from(open, uid + 1);
        }
        unsigned alive = 0;
        for (unsigned k = 0; k < model->counts[i]; k++) {
            struct entry *entry = &model->entries[i][k];
            if (entry->alive && !mailbox_find(open, entry->uid)) {
                assert_true(is_pending(EXPUNGE, i, entry) || is_pending(MOVE, i, entry));
                missing_moved += is_pending(MOVE, i, entry);
                entry->alive = false;
            }
            alive += entry->alive;
        }
        assert_int_equal(status.messages, alive);
        mailbox_close(&open);
    }
    assert_true(missing_moved <= found_pending); /* moved, not lost */
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(count_files("anna", "new") + count_files("anna", "cur"),
                     mailbox_status(inbox).messages);
    mailbox_close(&inbox);
    model->pending.kind = NOTHING;
}

static void create(void)
{
    struct mailbox *inbox = open_mailbox("anna", names[0]);
    for (unsigned i = 1; i < MAILBOXES; i++)
        MUST(mailbox_create(mailbox_account(inbox), slice_from_string(names[i])));
    mailbox_close(&inbox);
}

static void operate_to_the_end(void)
{
    operate();
    error_ignore(store_stop());
    killed();
}

static void test_random_operations_against_a_model(void **state)
{
    (void)state;
    const char *wanted = getenv("RINGMAIL_TEST_SEED");
    uint64_t seed = wanted ? strtoull(wanted, NULL, 0) : random_u64();
    print_message("RINGMAIL_TEST_SEED=%llu\n", (unsigned long long)seed);
    random_seed(seed);
    with_store(create);
    for (int round = 0; round < ROUNDS; round++) {
        model->seed = seed + (uint64_t)round;
        random_seed(model->seed ^ 0x5555);
        useconds_t life = (useconds_t)random_below(150000);
        bool cleanly = random_below(4) == 0;
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            error_ignore(run_store(operate_to_the_end, false));
            _exit(1);
        }
        if (!cleanly) {
            usleep(life);
            kill(child, SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        with_store(check);
    }
    print_message("%u messages delivered\n", model->numbers);
    assert_true(model->numbers > ROUNDS);
}

static int make_mailboxes(void **state)
{
    memset(model, 0, sizeof *model);
    return set_up(state);
}

int main(void)
{
    model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_operations_against_a_model, make_mailboxes,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
