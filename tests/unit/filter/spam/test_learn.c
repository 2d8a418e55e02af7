/* SPDX-License-Identifier: GPL-3.0-or-later
 * Learning and asking, with mail made of two vocabularies that share most words.
 */
#include "filter/spam/spam_mail.h"

#include "base/random.h"
#include "crypto/crc32c.h"
#include "filter/spam/classifier.h"
#include "filter/spam/learn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static char path[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/ringmail-test-learn-%d", (int)getpid());
    unlink(path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char lock[80];
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(lock);
    unlink(path);
    return 0;
}

static const char *const common[] = {"the",  "and",   "you",  "we",   "for",  "with",  "this",
                                     "that", "have",  "from", "your", "will", "can",   "about",
                                     "time", "today", "here", "all",  "more", "please"};
static const char *const ham_words[] = {"meeting", "minutes", "patch",   "review", "invoice",
                                        "lunch",   "draft",   "release", "ticket", "train"};
static const char *const spam_words[] = {"winner", "bonus",  "casino", "pills", "crypto",
                                         "offer",  "unlock", "cheap",  "debt",  "miracle"};

/* 60 words, one in four of the kind's own. */
static slice make_mail(struct buffer *out, bool is_spam)
{
    buffer_reset(out);
    buffer_add_string(out, "From: a@b.example\r\nSubject: hello\r\n\r\n");
    for (int i = 0; i < 60; i++) {
        const char *const *own = is_spam ? spam_words : ham_words;
        buffer_add_string(out,
                          random_below(4) == 0 ? own[random_below(10)] : common[random_below(20)]);
        buffer_add_byte(out, ' ');
    }
    return buffer_slice(out);
}

static void learn(unsigned count, bool is_spam)
{
    struct spam_learning learning;
    struct buffer mail;
    buffer_init(&mail, 65536);
    assert_ok(spam_learning_open(&learning, slice_from_string(path)));
    for (unsigned i = 0; i < count; i++)
        assert_ok(spam_learning_add(&learning, make_mail(&mail, is_spam), is_spam));
    assert_int_equal(is_spam ? learning.spam : learning.ham, count);
    assert_ok(spam_learning_close(&learning, true));
    buffer_close(&mail);
}

static void judge(struct spam_test *test, bool is_spam)
{
    struct buffer mail;
    buffer_init(&mail, 65536);
    test->mail.message = make_mail(&mail, is_spam);
    test->verdict = (struct spam_verdict){.score = 0};
    assert_ok(spam_engine_start(&test->settings, slice_from_string(path)));
    assert_ok(spam_engine_judge(&test->mail, &test->arena, &test->verdict));
    buffer_close(&mail);
}

static void test_tells_kinds_apart(void **state)
{
    (void)state;
    struct spam_test test;
    random_seed(7);
    learn(150, false);
    learn(150, true);
    spam_test_open(&test);
    test.rules.learn_minimum = 151; /* says nothing before enough was learned */
    judge(&test, true);
    spam_test_expect(&test, "-LEARNED_SPAM -LEARNED_HAM");
    test.rules.learn_minimum = 150;
    unsigned right = 0, wrong = 0;
    for (unsigned i = 0; i < 200; i++) {
        bool is_spam = i % 2;
        judge(&test, is_spam);
        right += spam_test_find(&test, is_spam ? "LEARNED_SPAM" : "LEARNED_HAM") != NULL;
        wrong += spam_test_find(&test, is_spam ? "LEARNED_HAM" : "LEARNED_SPAM") != NULL;
    }
    assert_true(right >= 195);
    assert_int_equal(wrong, 0);
    assert_true(spam_test_find(&test, "LEARNED_SPAM")->score > 2);
    spam_test_close(&test);
}

static void test_unknown_words_say_nothing(void **state)
{
    (void)state;
    struct spam_test test;
    random_seed(8);
    learn(20, false);
    learn(20, true);
    spam_test_open(&test);
    test.rules.learn_minimum = 10;
    test.mail.message = SLICE("Subject: x\r\n\r\nlorem ipsum dolor sit amet consectetur "
                              "adipiscing elit sed do eiusmod tempor incididunt\r\n");
    assert_ok(spam_engine_start(&test.settings, slice_from_string(path)));
    assert_ok(spam_engine_judge(&test.mail, &test.arena, &test.verdict));
    spam_test_expect(&test, "-LEARNED_SPAM -LEARNED_HAM");
    spam_test_close(&test);
}

static void test_adds_to_what_was_learned(void **state)
{
    (void)state;
    struct spam_model model;
    learn(3, false);
    learn(2, true);
    learn(4, false);
    assert_ok(spam_model_map(path, &model));
    assert_int_equal(model.header->ham, 7);
    assert_int_equal(model.header->spam, 2);
    assert_int_equal(model.header->slot_count, SPAM_MODEL_SLOTS);
    spam_model_close(&model);
}

/* The same mail again says nothing; as the other kind it is taken back first. */
static void test_a_mail_is_learned_once(void **state)
{
    (void)state;
    struct spam_learning learning;
    struct spam_model model;
    const slice mail = SLICE("Subject: x\r\n\r\nunlock your casino bonus\r\n");
    const slice other = SLICE("Subject: y\r\n\r\nunlock your casino bonus\r\n");
    for (unsigned round = 0; round < 2; round++) { /* also by who comes later */
        assert_ok(spam_learning_open(&learning, slice_from_string(path)));
        for (unsigned i = 0; i < 3; i++)
            assert_ok(spam_learning_add(&learning, mail, true));
        assert_ok(spam_learning_add(&learning, other, true));
        assert_int_equal(learning.spam, round == 0 ? 2 : 0);
        assert_int_equal(learning.known, round == 0 ? 2 : 4);
        assert_ok(spam_learning_close(&learning, true));
    }
    assert_ok(spam_learning_open(&learning, slice_from_string(path)));
    assert_ok(spam_learning_add(&learning, mail, false));
    assert_int_equal(learning.ham, 1);
    assert_ok(spam_learning_close(&learning, true));
    assert_ok(spam_model_map(path, &model));
    assert_int_equal(model.header->ham, 1);
    assert_int_equal(model.header->spam, 1);
    unsigned both = 0, alone = 0;
    for (uint32_t i = 0; i < model.header->slot_count; i++) {
        const struct spam_model_slot *slot = &model.slots[i];
        assert_true(slot->ham <= 1 && slot->spam <= 1);
        both += slot->ham == 1 && slot->spam == 1;
        alone += slot->ham != slot->spam;
    }
    assert_int_equal(both, 10); /* four words: 4 + 3 + 2 + 1 pairs */
    assert_int_equal(alone, 2); /* the subjects */
    spam_model_close(&model);
}

/* SPAM_MODEL_KNOWN_WAYS digests that begin alike are remembered, and no more. */
static void test_digests_have_a_limit(void **state)
{
    (void)state;
    struct spam_model model;
    bool was_spam;
    assert_ok(spam_model_load(path, 64, &model));
    for (uint64_t i = 0; i <= SPAM_MODEL_KNOWN_WAYS; i++) {
        assert_false(spam_model_recall(&model, 4 + (i << 1), &was_spam));
        spam_model_remember(&model, 4 + (i << 1), i % 2);
        spam_model_remember(&model, 4 + (i << 1), i % 2); /* takes no second place */
    }
    assert_false(spam_model_recall(&model, 4, &was_spam));
    for (uint64_t i = 1; i <= SPAM_MODEL_KNOWN_WAYS; i++) {
        assert_true(spam_model_recall(&model, 4 + (i << 1), &was_spam));
        assert_int_equal(was_spam, i % 2);
    }
    spam_model_close(&model);
}

/* A file of before there were digests. */
static void test_old_files_are_read(void **state)
{
    (void)state;
    struct spam_model model;
    learn(3, true);
    assert_ok(spam_model_map(path, &model));
    size_t size = sizeof *model.header + SPAM_MODEL_SLOTS * sizeof *model.slots;
    model.header->known_count = 0;
    model.header->checksum = crc32c(0, slice_of(model.slots, size - sizeof *model.header));
    int fd = open(path, O_RDWR | O_TRUNC);
    assert_int_equal(write(fd, model.header, size), size);
    close(fd);
    spam_model_close(&model);
    assert_ok(spam_model_map(path, &model));
    assert_null(model.known);
    spam_model_close(&model);
    learn(2, false);
    assert_ok(spam_model_map(path, &model));
    assert_int_equal(model.header->spam, 3);
    assert_int_equal(model.header->ham, 2);
    assert_non_null(model.known);
    spam_model_close(&model);
}

static void test_a_file_cut_short_later_does_no_harm(void **state)
{
    (void)state;
    struct spam_model model;
    learn(1, true);
    assert_ok(spam_model_map(path, &model));
    assert_int_equal(truncate(path, 0), 0);
    for (uint32_t feature = 1; feature < 10000; feature++)
        (void)spam_model_find(&model, feature * 2654435761u);
    assert_int_equal(model.header->spam, 1);
    spam_model_close(&model);
}

static void test_one_learns_at_a_time(void **state)
{
    (void)state;
    struct spam_learning one, two;
    assert_ok(spam_learning_open(&one, slice_from_string(path)));
    assert_error(spam_learning_open(&two, slice_from_string(path)), ERROR_BUSY);
    assert_ok(spam_learning_close(&one, false));
    assert_int_equal(access(path, F_OK), -1); /* nothing was kept */
}

static void test_damaged_files_are_refused(void **state)
{
    (void)state;
    struct spam_model model;
    learn(1, true);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 5000), 1);
    assert_error(spam_model_map(path, &model), ERROR_MALFORMED);
    assert_int_equal(ftruncate(fd, 5000), 0);
    assert_error(spam_model_map(path, &model), ERROR_MALFORMED);
    assert_int_equal(ftruncate(fd, 3), 0);
    assert_error(spam_model_map(path, &model), ERROR_MALFORMED);
    close(fd);
    unlink(path);
    assert_error(spam_model_map(path, &model), ERROR_NOT_FOUND);
}

static void test_a_full_table_forgets_what_is_rare(void **state)
{
    (void)state;
    struct spam_model model;
    uint32_t often = 5;
    assert_ok(spam_model_load(path, 64, &model));
    for (unsigned i = 0; i < 20; i++)
        spam_model_learn(&model, &often, 1, true);
    for (uint32_t feature = 100; feature < 2000; feature++)
        spam_model_learn(&model, &feature, 1, false);
    assert_non_null(spam_model_find(&model, often));
    assert_int_equal(spam_model_find(&model, often)->spam, 20);
    assert_non_null(spam_model_find(&model, 1999));
    assert_null(spam_model_find(&model, 100));
    spam_model_close(&model);
}

static void test_features_have_a_limit(void **state)
{
    (void)state;
    struct arena arena;
    static uint32_t words[SPAM_WORDS_MAX];
    uint32_t *features;
    unsigned count;
    arena_init(&arena, 1 << 20);
    for (uint32_t i = 0; i < SPAM_WORDS_MAX; i++)
        words[i] = i + 1;
    assert_ok(spam_model_features(&arena, words, SPAM_WORDS_MAX, &features, &count));
    assert_int_equal(count, SPAM_MODEL_FEATURES_MAX);
    static const uint32_t apart[] = {1, 0, 2}; /* no pair over the end of a text */
    assert_ok(spam_model_features(&arena, apart, 3, &features, &count));
    assert_int_equal(count, 2);
    static const uint32_t again[] = {1, 1, 1, 1};
    assert_ok(spam_model_features(&arena, again, 4, &features, &count));
    assert_int_equal(count, 4); /* distances 0 to 3, each once */
    arena_close(&arena);
}

/* SPAM_MODEL_PROBES_MAX features whose own slot is the same find a place; for one more the one
 * that was seen least makes room. */
static void test_slots_beside_have_a_limit(void **state)
{
    (void)state;
    enum { SLOTS = 1024 };
    struct spam_model model;
    uint32_t features[SPAM_MODEL_PROBES_MAX + 1];
    assert_ok(spam_model_load(path, SLOTS, &model));
    for (unsigned i = 0; i <= SPAM_MODEL_PROBES_MAX; i++)
        features[i] = 7 + i * SLOTS;
    spam_model_learn(&model, features, SPAM_MODEL_PROBES_MAX, true);
    for (unsigned i = 0; i < SPAM_MODEL_PROBES_MAX; i++) {
        assert_non_null(spam_model_find(&model, features[i]));
        if (i != 5)
            spam_model_learn(&model, &features[i], 1, true);
    }
    spam_model_learn(&model, &features[SPAM_MODEL_PROBES_MAX], 1, true);
    for (unsigned i = 0; i <= SPAM_MODEL_PROBES_MAX; i++)
        assert_int_equal(spam_model_find(&model, features[i]) == NULL, i == 5);
    spam_model_close(&model);
}

/* SPAM_MODEL_SLOTS_MAX: a file as large as may be (of holes), and twice that. */
static void test_files_have_a_limit(void **state)
{
    (void)state;
    struct spam_model model;
    for (unsigned times = 1; times <= 2; times++) {
        struct spam_model_header header = {.magic = "RMSPAM1", .slot_count = SPAM_MODEL_SLOTS_MAX};
        header.magic[7] = '\n';
        header.slot_count *= times;
        size_t size = sizeof header + header.slot_count * sizeof(struct spam_model_slot);
        char zeros[4096] = {0};
        for (size_t left = header.slot_count * sizeof(struct spam_model_slot); left > 0;
             left -= sizeof zeros)
            header.checksum = crc32c(header.checksum, slice_of(zeros, sizeof zeros));
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        close(fd);
        if (times == 1) {
            assert_ok(spam_model_map(path, &model));
            assert_int_equal(model.header->slot_count, SPAM_MODEL_SLOTS_MAX);
            spam_model_close(&model);
        } else {
            assert_error(spam_model_map(path, &model), ERROR_MALFORMED);
        }
    }
}

/* SPAM_LEARN_MESSAGE_SIZE_MAX */
static void test_mails_to_learn_have_a_limit(void **state)
{
    (void)state;
    struct spam_learning learning;
    size_t size = SPAM_LEARN_MESSAGE_SIZE_MAX + 1;
    char *mail = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(mail, MAP_FAILED);
    assert_ok(spam_learning_open(&learning, slice_from_string(path)));
    assert_error(spam_learning_add(&learning, slice_of(mail, size), true), ERROR_LIMIT);
    assert_int_equal(learning.spam, 0);
    assert_ok(spam_learning_add(&learning, slice_of(mail, size - 1), true));
    assert_int_equal(learning.spam, 1);
    assert_ok(spam_learning_close(&learning, false));
    munmap(mail, size);
}

/* SPAM_CLASSIFIER_STRONGEST_MAX features decide, however many are known. */
static void test_the_strongest_decide(void **state)
{
    (void)state;
    struct spam_model model;
    struct spam_classifier_answer answer;
    struct arena arena;
    static uint32_t words[2 * SPAM_CLASSIFIER_STRONGEST_MAX * 2];
    uint32_t *features;
    unsigned count;
    arena_init(&arena, 1 << 20);
    assert_ok(spam_model_load(path, 1 << 12, &model));
    for (unsigned i = 0; i < SPAM_CLASSIFIER_STRONGEST_MAX + 1; i++) {
        words[2 * i] = i + 1; /* and a 0 behind: no pairs, a feature each */
        assert_ok(spam_model_features(&arena, &words[2 * i], 1, &features, &count));
        for (unsigned times = 0; times < 5; times++)
            spam_model_learn(&model, features, count, true);
        arena_reset(&arena);
    }
    for (unsigned more = 0; more < 2; more++) {
        assert_ok(spam_classifier_judge(&model, words, 2 * (SPAM_CLASSIFIER_STRONGEST_MAX + more),
                                        &arena, &answer));
        assert_int_equal(answer.known, SPAM_CLASSIFIER_STRONGEST_MAX);
        assert_true(answer.spam > 0.99);
    }
    assert_ok(spam_classifier_judge(&model, words, 2 * (SPAM_CLASSIFIER_STRONGEST_MAX - 1), &arena,
                                    &answer));
    assert_int_equal(answer.known, SPAM_CLASSIFIER_STRONGEST_MAX - 1);
    spam_model_close(&model);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tells_kinds_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_words_say_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_adds_to_what_was_learned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_mail_is_learned_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digests_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_files_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_cut_short_later_does_no_harm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_one_learns_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_table_forgets_what_is_rare, set_up, tear_down),
        cmocka_unit_test(test_features_have_a_limit),
        cmocka_unit_test_setup_teardown(test_slots_beside_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mails_to_learn_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_strongest_decide, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
