/* SPDX-License-Identifier: GPL-3.0-or-later
 * Logs that are torn, damaged, rewritten, or of cores that are no more; and many lives against a
 * model, from a seed (QUEUE_TEST_SEED).
 */
#include "in_queue.h"

#include "base/random.h"

enum { FEW = 8, MODEL_MAILS = 4000, MODEL_LIVES = 24, MODEL_STEPS = 120 };

/* What the killed children leave to their parent. */
static struct shared {
    queue_id ids[FEW];
    uint64_t sizes[FEW + 1]; /* of the log, before and behind each record */
    struct model_mail {
        queue_id id;
        uint32_t seed, size;
        uint8_t outcomes[3], count;
        uint16_t attempts;
        bool gone;
    } mails[MODEL_MAILS];
    unsigned count;
    uint64_t seed;
    bool killed;
    _Atomic unsigned seen;
} * shared;

static int set_up_shared(void **state)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return set_up(state);
}

static int tear_down_shared(void **state)
{
    munmap(shared, sizeof *shared);
    return tear_down(state);
}

static void flip_byte(const char *path, off_t at)
{
    char byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x55;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run_shell(const char *format, ...)
{
    char command[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

/* ---- A torn tail, at every place ---- */

static void log_few(void)
{
    shared->sizes[0] = keep_here.log.size;
    for (unsigned i = 0; i < FEW; i++) {
        shared->ids[i] = submit("a@one.example", "text");
        queue_keep_state(find(shared->ids[i]), NULL);
        MUST(queue_keep_sync());
        shared->sizes[i + 1] = keep_here.log.size;
    }
    killed();
}

static unsigned whole; /* records before the cut */

static void check_few(void)
{
    assert_int_equal(queue_keep_count(), whole);
    for (unsigned i = 0; i < whole; i++)
        assert_content(find(shared->ids[i]), "Received: x\r\n", "text");
    submit("a@one.example", "text"); /* what is appended behind the cut is read, too */
    whole++;
}

static void check_count(void)
{
    assert_int_equal(queue_keep_count(), whole);
}

static void test_torn_tails(void **state)
{
    (void)state;
    char before[64];
    with_queue_killed(log_few);
    assert_int_equal(size_of_file(in_root("state/queue/log-000")), shared->sizes[FEW]);
    run_shell("rm -r %s/state/journal", root.path); /* else it would give all back */
    snprintf(before, sizeof before, "%.60s", root.path);
    for (unsigned step = 0; step < 12; step++) {
        unsigned at = (unsigned)random_below(FEW);
        uint64_t size = shared->sizes[at + 1] - shared->sizes[at];
        bool zeros = step % 3 == 0; /* which would mend a record that ends with some */
        uint64_t cut = shared->sizes[at] + random_below(zeros ? size - 32 : size + 1);
        snprintf(root.path, sizeof root.path, "%s/%u", before, step);
        run_shell("mkdir %s; cp -a %s/state %s/", root.path, before, root.path);
        const char *path = in_root("state/queue/log-000");
        assert_int_equal(truncate(path, (off_t)cut), 0);
        if (zeros) /* as a power cut leaves it */
            assert_int_equal(truncate(path, (off_t)cut + 4096), 0);
        for (whole = 0; whole < FEW && shared->sizes[whole + 1] <= cut;)
            whole++;
        with_queue(check_few);
        assert_int_equal(keep_shared.damaged, 0);
        with_queue(check_count);
        strcpy(root.path, before);
    }
}

static void check_damaged(void)
{
    assert_int_equal(keep_shared.damaged, 1);
    assert_int_equal(queue_keep_count(), FEW - 1);
    assert_null(queue_keep_find(shared->ids[3]));
    for (unsigned i = 0; i < FEW; i++)
        if (i != 3)
            assert_content(find(shared->ids[i]), "Received: x\r\n", "text");
}

static void check_mended(void)
{
    assert_int_equal(keep_shared.damaged, 0); /* it was rewritten */
    assert_int_equal(queue_keep_count(), FEW - 1);
}

static void test_damage_costs_one_mail(void **state)
{
    (void)state;
    with_queue_killed(log_few);
    run_shell("rm -r %s/state/journal", root.path);
    flip_byte(in_root("state/queue/log-000"), (off_t)shared->sizes[3] + 60);
    with_queue(check_damaged);
    with_queue(check_mended);
}

static void check_put_aside(void)
{
    assert_int_equal(keep_shared.damaged, 1);
    assert_int_equal(queue_keep_count(), 0);
    shared->ids[0] = submit("a@one.example", "text");
}

static void check_after_put_aside(void)
{
    assert_int_equal(queue_keep_count(), 1);
    run_shell("ls %s/state/queue/log-000.damaged-* >/dev/null", root.path);
}

static void test_a_log_without_a_header_is_put_aside(void **state)
{
    (void)state;
    with_queue_killed(log_few);
    run_shell("rm -r %s/state/journal", root.path);
    flip_byte(in_root("state/queue/log-000"), 12);
    with_queue(check_put_aside);
    with_queue(check_after_put_aside);
}

/* ---- Rewriting ---- */

enum { STATES = 120000 };

static void grow_log(void)
{
    for (unsigned i = 0; i < FEW; i++) {
        shared->ids[i] = submit("a@one.example", "text");
        queue_keep_state(find(shared->ids[i]), NULL);
    }
    MUST(queue_keep_sync());
    uint64_t generation = keep_here.log.generation;
    for (unsigned i = 0; i < STATES; i++) {
        struct queue_mail *mail = queue_keep_find(shared->ids[i % FEW]);
        if (i == STATES / 2 && mail)
            finish(shared->ids[i % FEW]);
        else if (mail)
            defer(mail, 0, "mx: 450 greylisted, come again later please");
        if (i % 5000 == 0)
            assert_ok(fiber_sleep(TIME_MS)); /* rounds and the rewriting go on meanwhile */
    }
    instant patience = time_after(20 * TIME_S);
    do {
        assert_true(time_now() < patience);
        MUST(queue_keep_sync());
        assert_ok(fiber_sleep(TIME_MS));
    } while (keep_here.log.rewriting || keep_here.log.size >= QUEUE_LOG_REWRITE_MIN + (1 << 20));
    assert_true(keep_here.log.generation > generation);
    for (unsigned i = 0; i < FEW; i++) {
        struct queue_mail *mail = queue_keep_find(shared->ids[i]);
        shared->sizes[i] = mail ? mail->items[0].attempts : 0;
    }
    killed();
}

static void check_grown(void)
{
    assert_int_equal(keep_shared.damaged, 0);
    assert_int_equal(queue_keep_count(), FEW - 1);
    for (unsigned i = 0; i < FEW; i++) {
        struct queue_mail *mail = queue_keep_find(shared->ids[i]);
        assert_int_equal(mail ? mail->items[0].attempts : 0, shared->sizes[i]);
        if (mail)
            assert_content(mail, "Received: x\r\n", "text");
    }
}

static void test_the_log_is_rewritten(void **state)
{
    (void)state;
    with_queue_killed(grow_log);
    with_queue(check_grown);
    assert_true(size_of_file(in_root("state/queue/log-000")) < QUEUE_LOG_REWRITE_MIN + (1 << 20));
}

/* ---- More records waiting than may ---- */

static void overflow(void)
{
    for (unsigned i = 0; i < FEW; i++) {
        shared->ids[i] = submit("a@one.example", "text");
        queue_keep_state(find(shared->ids[i]), NULL);
    }
    MUST(queue_keep_sync());
    keep_here.log.staged.size_max = keep_here.log.writing.size_max = 20000;
    for (unsigned i = 0; i < 1000; i++) /* without a wait: nothing is written meanwhile */
        defer(find(shared->ids[i % FEW]), 0, "mx: 450 greylisted, come again later please");
    assert_true(keep_here.log.staged.overflow);
    decide(find(shared->ids[0]), 0, QUEUE_RELAYED); /* its record is lost for the file, too */
    uint64_t generation = keep_here.log.generation;
    instant patience = time_after(20 * TIME_S);
    while (failed(queue_keep_sync())) {
        assert_true(time_now() < patience);
        assert_ok(fiber_sleep(TIME_MS));
    }
    assert_true(keep_here.log.generation > generation);
    assert_int_equal(keep_here.log.writing_tickets.count, 0);
    assert_int_equal(keep_here.log.staged_tickets.count, 0);
    killed();
}

static void check_overflown(void)
{
    assert_int_equal(queue_keep_count(), FEW);
    for (unsigned i = 0; i < FEW; i++)
        assert_int_equal(find(shared->ids[i])->items[0].attempts, 1000 / FEW);
    assert_int_equal(find(shared->ids[0])->open_count, 0);
    assert_int_equal(find(shared->ids[1])->open_count, 1);
}

/* The bound itself, with records as large as they come. */
static void stage_to_the_bound(void)
{
    struct queue_recipient *to = calloc(QUEUE_RECIPIENTS_MAX, sizeof *to);
    for (unsigned i = 0; i < QUEUE_RECIPIENTS_MAX; i++)
        to[i].address = SLICE("somebody@one.example");
    struct queue_envelope envelope = {.sender = SLICE("sender@example.org"),
                                      .recipients = to,
                                      .recipient_count = QUEUE_RECIPIENTS_MAX};
    struct body body;
    body_init(&body, 100);
    MUST(body_append(&body, SLICE("text")));
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = &body};
    MUST(queue_submit(&submission));
    free(to);
    struct queue_mail *mail = find(envelope.id);
    queue_keep_state(mail, NULL);
    MUST(queue_keep_sync());
    for (uint32_t i = 0; i < QUEUE_RECIPIENTS_MAX; i++)
        mail->recipients[i].outcome = QUEUE_RELAYED;
    mail->open_count = 0;
    uint64_t generation = keep_here.log.generation, wanted = 0;
    while (!keep_here.log.staged.overflow) { /* without a wait */
        size_t before = keep_here.log.staged.size;
        struct journal_ticket none = {0};
        queue_log_outcomes(&keep_here.log, mail, NULL, &none);
        assert_true(keep_here.log.staged.size <= QUEUE_LOG_STAGED_MAX);
        if (!keep_here.log.staged.overflow)
            wanted = keep_here.log.staged.size + (keep_here.log.staged.size - before);
    }
    assert_true(wanted > QUEUE_LOG_STAGED_MAX);
    instant patience = time_after(20 * TIME_S);
    while (keep_here.log.generation == generation) { /* dropped, and the log is rewritten */
        assert_true(time_now() < patience);
        error_ignore(queue_keep_sync());
        MUST(fiber_sleep(TIME_MS));
    }
    MUST(queue_keep_sync());
    queue_keep_finish(&mail);
}

static void test_the_bound_of_waiting_records(void **state)
{
    (void)state;
    with_queue(stage_to_the_bound);
}

static void test_too_many_records_wait(void **state)
{
    (void)state;
    with_queue_killed(overflow);
    run_shell("rm -r %s/state/journal", root.path); /* the log alone must say it */
    with_queue(check_overflown);
}

/* ---- Other numbers of cores ---- */

static error submit_here(void *unused)
{
    (void)unused;
    unsigned core = core_self();
    shared->ids[core] = submit("a@one.example", core % 2 ? "odd" : "even");
    if (core % 2 == 0)
        return OK; /* that one is in the journal only */
    queue_keep_state(find(shared->ids[core]), NULL);
    return queue_keep_sync();
}

static void submit_everywhere(void)
{
    MUST(core_broadcast(submit_here, NULL));
}

static void submit_everywhere_and_die(void)
{
    submit_everywhere();
    killed();
}

static error look_here(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < FEW; i++) {
        struct queue_mail *mail = queue_keep_find(shared->ids[i]);
        if (!mail)
            continue;
        assert_int_equal(mail->owner, core_self());
        assert_content(mail, "Received: x\r\n", i % 2 ? "odd" : "even");
        atomic_fetch_add(&shared->seen, 1);
    }
    return OK;
}

static void look_everywhere(void)
{
    atomic_store(&shared->seen, 0);
    MUST(core_broadcast(look_here, NULL));
    assert_int_equal(shared->seen, 5);
}

static void look_everywhere_and_die(void)
{
    look_everywhere();
    killed();
}

static void test_other_numbers_of_cores(void **state)
{
    (void)state;
    test_cores = 5;
    with_queue_killed(submit_everywhere_and_die);
    test_cores = 2;
    with_queue_killed(look_everywhere_and_die);
    test_cores = 1;
    with_queue(look_everywhere);
    assert_int_equal(size_of_file(in_root("state/queue/log-001")), -1);
    test_cores = 4;
    with_queue(look_everywhere);
    test_cores = 3;
    with_queue(look_everywhere);
}

/* ---- Against a model ---- */

static char *text_of(uint32_t seed, uint32_t size)
{
    char *text = malloc(size + 1u);
    for (uint32_t i = 0; i < size; i++)
        text[i] = (char)('a' + (seed + i * 7) % 26);
    text[size] = '\0';
    return text;
}

static struct model_mail *model_of(queue_id id)
{
    for (unsigned i = 0; i < shared->count; i++)
        if (shared->mails[i].id == id)
            return &shared->mails[i];
    return NULL;
}

static void model_add(void)
{
    static const char *const addresses[] = {"a@one.example", "b@two.example", "c@three.example"};
    assert_true(shared->count < MODEL_MAILS);
    struct model_mail mail = {.seed = (uint32_t)random_below(1000),
                              .size = (uint32_t)random_below(random_below(8) ? 2000 : 60000),
                              .count = (uint8_t)(1 + random_below(3))};
    char *text = text_of(mail.seed, mail.size);
    MUST(submit_to(addresses, mail.count, "P: q\r\n", text, &mail.id));
    free(text);
    shared->mails[shared->count++] = mail;
}

/* Any mail of this core; NULL where it has none. */
static struct queue_mail *model_pick(void)
{
    uint64_t count = queue_keep_count();
    struct queue_mail *mail = NULL;
    for (uint64_t i = count ? random_below(count) + 1 : 0; i > 0; i--)
        mail = queue_keep_next(mail);
    return mail;
}

static void model_decide(struct queue_mail *mail, struct model_mail *model)
{
    unsigned item = (unsigned)random_below(mail->item_count);
    if (mail->recipients[item].outcome != QUEUE_OPEN)
        return;
    enum queue_outcome outcome = (enum queue_outcome)(1 + random_below(RECORD_OUTCOME_LAST));
    decide(mail, item, outcome);
    model->outcomes[item] = (uint8_t)outcome;
    if (mail->open_count > 0)
        return;
    model->gone = true;
    queue_keep_finish(&mail);
}

static error model_step(void *unused)
{
    (void)unused;
    struct queue_mail *mail = model_pick();
    struct model_mail *model = mail ? model_of(mail->id) : NULL;
    assert_true(!mail || model);
    switch (random_below(12)) {
    case 0:
        return queue_keep_sync();
    case 1:
        return fiber_sleep((int64_t)random_below(20) * TIME_MS);
    case 2:
    case 3:
        if (mail) {
            unsigned item = (unsigned)random_below(mail->item_count);
            defer(mail, item, "mx: 450 later");
            model->attempts++;
        }
        return OK;
    case 4:
    case 5:
    case 6:
    case 7:
        if (mail)
            model_decide(mail, model);
        return OK;
    default:
        model_add();
        return OK;
    }
}

static error model_check_here(void *unused)
{
    (void)unused;
    struct queue_mail *next = queue_keep_next(NULL);
    while (next) {
        struct queue_mail *mail = next;
        next = queue_keep_next(mail);
        struct model_mail *model = model_of(mail->id);
        assert_non_null(model);
        unsigned attempts = 0;
        for (unsigned i = 0; i < model->count; i++) {
            assert_int_equal(mail->recipients[i].outcome, model->outcomes[i]);
            attempts += mail->items[i].attempts;
        }
        if (model->gone) { /* its DONE was lost, its outcomes were not */
            assert_true(shared->killed);
            assert_int_equal(mail->open_count, 0);
            queue_keep_finish(&mail);
            continue;
        }
        assert_true(attempts <= model->attempts);
        if (!shared->killed)
            assert_int_equal(attempts, model->attempts);
        model->attempts = (uint16_t)attempts;
        char *text = text_of(model->seed, model->size);
        assert_content(mail, "P: q\r\n", text);
        free(text);
        atomic_fetch_add(&shared->seen, 1);
    }
    return OK;
}

static error commit_here(void *unused)
{
    (void)unused;
    commit();
    return OK;
}

static void model_life(void)
{
    unsigned living = 0;
    atomic_store(&shared->seen, 0);
    for (unsigned i = 0; i < shared->count; i++)
        living += !shared->mails[i].gone;
    MUST(core_broadcast(model_check_here, NULL));
    assert_int_equal(shared->seen, living);
    random_seed(shared->seed);
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        MUST(core_call((unsigned)random_below(core_count()), model_step, NULL));
        shared->seed = shared->seed * 6364136223846793005u + 1442695040888963407u;
    }
    MUST(core_broadcast(commit_here, NULL));
    if (stop_cleanly)
        return;
    killed();
}

static void model_process(bool cleanly)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        error problem = run_queue(model_life, cleanly);
        _exit(failed(problem) ? 2 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %d; seed %llu", status, (unsigned long long)shared->seed);
    shared->killed = !cleanly;
}

static void test_many_lives(void **state)
{
    (void)state;
    const char *seed = getenv("QUEUE_TEST_SEED");
    shared->seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)time_now();
    printf("QUEUE_TEST_SEED=%llu\n", (unsigned long long)shared->seed);
    test_settings.memory_age = 10 * TIME_MS;
    test_settings.spool_segment_size = 64 << 10;
    for (unsigned life = 0; life < MODEL_LIVES; life++) {
        uint64_t dice = shared->seed * 0x9e3779b97f4a7c15u + life;
        test_cores = 1 + (unsigned)(dice >> 33) % 3;
        model_process((dice >> 41) % 4 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down_shared)
        TEST(test_torn_tails),
        TEST(test_damage_costs_one_mail),
        TEST(test_a_log_without_a_header_is_put_aside),
        TEST(test_the_log_is_rewritten),
        TEST(test_too_many_records_wait),
        TEST(test_the_bound_of_waiting_records),
        TEST(test_other_numbers_of_cores),
        TEST(test_many_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
