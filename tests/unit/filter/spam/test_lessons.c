/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lessons of users on one core: who may teach how many, and what becomes of them.
 */
#include "runtime/in_core.h"

#include "base/log.h"
#include "base/metric.h"
#include "filter/spam/classifier.h"
#include "filter/spam/learn.h"
#include "filter/spam/lessons.h"
#include "filter/spam/settings.h"
#include "runtime/fiber.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct arena arena;
static struct spam_settings settings;
static char path[64];
static int log_pipe[2];

static void begin(void)
{
    arena_init(&arena, 1 << 20);
    assert_ok(settings_default(&spam_setting_table, &arena, &settings));
    snprintf(path, sizeof path, "/tmp/ringmail-test-lessons-%d", (int)getpid());
    unlink(path);
    assert_int_equal(pipe2(log_pipe, O_NONBLOCK | O_CLOEXEC), 0);
    log_configure(log_pipe[1], LOG_INFO, LOG_LOGFMT);
    assert_ok(spam_lessons_start(&settings, slice_from_string(path)));
}

static void end(void)
{
    char lock[80];
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(lock);
    unlink(path);
    log_configure(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
    close(log_pipe[0]);
    close(log_pipe[1]);
    arena_close(&arena);
}

static unsigned next;

/* As service/imap/lesson.c; each mail is another. */
static bool teach(const char *account, bool is_spam)
{
    char text[200];
    if (!spam_lessons_admit(slice_from_string(account)))
        return false;
    int size =
        snprintf(text, sizeof text, "Subject: %u\r\n\r\nwords of mail number %u\r\n", next, next);
    next++;
    int fd = memfd_create("mail", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, (size_t)size) == size);
    spam_lessons_add(&(struct spam_lesson){fd, (uint64_t)size, is_spam, SPAM_LESSON_MOVE});
    return true;
}

static unsigned occurrences(const char *text, const char *what)
{
    unsigned count = 0;
    while ((text = strstr(text, what))) {
        text++;
        count++;
    }
    return count;
}

static const char *logged(void)
{
    static char text[1 << 16];
    ssize_t size = read(log_pipe[0], text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void expect_learned(uint32_t spam, uint32_t ham)
{
    struct spam_model model;
    assert_ok(spam_model_map(path, &model));
    assert_int_equal(model.header->spam, spam);
    assert_int_equal(model.header->ham, ham);
    spam_model_close(&model);
}

/* SPAM_LESSONS_PER_DAY of one account; another's are its own; the log says it once. */
CORE_TEST(test_an_account_has_its_share)
{
    begin();
    for (unsigned i = 0; i < SPAM_LESSONS_PER_DAY; i++)
        assert_true(teach("anna@x.example", i % 2));
    for (int i = 0; i < 3; i++)
        assert_false(teach("anna@x.example", true));
    assert_true(teach("bert@x.example", true));
    spam_lessons_stop(); /* learns what waits */
    expect_learned(SPAM_LESSONS_PER_DAY / 2 + 1, SPAM_LESSONS_PER_DAY / 2);
    const char *said = logged();
    assert_int_equal(occurrences(said, "spam.lessons_limited"), 1);
    assert_non_null(strstr(said, "account=anna@x.example learn_per_day=100"));
    end();
}

/* spam.learn_per_day, also at a reload. */
CORE_TEST(test_the_share_is_set)
{
    begin();
    settings.learn_per_day = 2;
    assert_true(teach("anna@x.example", true));
    assert_true(teach("anna@x.example", true));
    assert_false(teach("anna@x.example", true));
    settings.learn_per_day = 4;
    assert_ok(spam_lessons_start(&settings, slice_from_string(path)));
    assert_true(teach("anna@x.example", true));
    assert_false(teach("anna@x.example", true));
    settings.learn_per_day = 0;
    for (unsigned i = 0; i < SPAM_LESSONS_PER_DAY; i++)
        assert_true(teach("anna@x.example", true));
    spam_lessons_stop();
    expect_learned(SPAM_LESSONS_PER_DAY + 3, 0);
    end();
}

/* SPAM_LESSONS_WAITING_MAX: what finds no room costs nobody's share. */
CORE_TEST(test_so_many_wait)
{
    char name[32];
    begin();
    for (unsigned i = 0; i < SPAM_LESSONS_WAITING_MAX; i++) {
        snprintf(name, sizeof name, "user%u@x.example", i);
        settings.learn_per_day = i + 1; /* some share a place */
        assert_true(teach(name, true));
    }
    assert_false(teach("anna@x.example", true));
    assert_null(strstr(logged(), "spam.lessons_limited"));
    spam_lessons_stop();
    expect_learned(SPAM_LESSONS_WAITING_MAX, 0);
    end();
}

static enum error_kind ask(struct spam_classifier_answer *out_answer)
{
    static const uint32_t words[] = {1, 2, 3};
    struct arena memory;
    arena_init(&memory, 1 << 20);
    error problem = spam_classifier_ask(words, 3, &memory, out_answer);
    arena_close(&memory);
    return problem.kind;
}

static void learn_more(unsigned count)
{
    assert_ok(spam_lessons_start(&settings, slice_from_string(path)));
    for (unsigned i = 0; i < count; i++)
        assert_true(teach("anna@x.example", true));
    spam_lessons_stop();
}

/* Mail does not wait for what was learned to be read: it is judged by what was known. */
CORE_TEST(test_what_is_learned_is_heard)
{
    struct spam_classifier_answer answer = {0};
    begin();
    assert_ok(spam_classifier_start(slice_from_string(path)));
    assert_int_equal(ask(&answer), ERROR_NOT_FOUND);
    learn_more(3);
    assert_int_equal(ask(&answer), ERROR_NOT_FOUND);
    for (int i = 0; i < 5000 && ask(&answer) != ERROR_NONE; i++)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(answer.spam_learned, 3);
    learn_more(2);
    assert_int_equal(ask(&answer), ERROR_NONE);
    assert_int_equal(answer.spam_learned, 3);
    for (int i = 0; i < 5000 && answer.spam_learned == 3; i++) {
        assert_ok(fiber_sleep(TIME_MS));
        assert_int_equal(ask(&answer), ERROR_NONE);
    }
    assert_int_equal(answer.spam_learned, 5);
    learn_more(1);
    assert_int_equal(ask(&answer), ERROR_NONE); /* a worker reads it */
    assert_ok(spam_classifier_start(SLICE("")));
    assert_int_equal(ask(&answer), ERROR_NOT_FOUND);
    spam_classifier_stop(); /* which waits for it */
    assert_int_equal(ask(&answer), ERROR_NOT_FOUND);
    end();
}

/* Nobody learns: nothing is made. */
CORE_TEST(test_nobody_learns)
{
    begin();
    settings.learn_from_moves = false;
    assert_false(spam_lessons_are_wanted());
    assert_false(teach("anna@x.example", true));
    settings.learn_from_moves = true;
    settings.engine = SPAM_ENGINE_NONE;
    assert_false(spam_lessons_are_wanted());
    settings.engine = SPAM_ENGINE_RSPAMD; /* whose controller is not named */
    assert_false(spam_lessons_are_wanted());
    spam_lessons_stop();
    assert_int_equal(access(path, F_OK), -1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_has_its_share),
        cmocka_unit_test(test_the_share_is_set),
        cmocka_unit_test(test_so_many_wait),
        cmocka_unit_test(test_what_is_learned_is_heard),
        cmocka_unit_test(test_nobody_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
