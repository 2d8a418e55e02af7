/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/random.h"
#include "transport/queue/line.h"

#include <stdlib.h>

static struct queue_content content;

static struct queue_item *make(const char *sender, const char *account, int priority)
{
    struct queue_mail *mail = NULL;
    const struct queue_recipient to = {.address = SLICE("to@y.example")};
    const struct queue_envelope envelope = {
        .sender = slice_from_string(sender),
        .account = slice_from_string(account),
        .recipients = &to,
        .recipient_count = 1,
        .priority = priority,
    };
    assert_ok(queue_mail_make(&envelope, &content, 1, 0, &mail));
    return &mail->items[0];
}

static void drop(struct queue_item *item)
{
    struct queue_mail *mail = item->mail;
    queue_mail_free(&mail);
}

static void take_expecting(struct line *line, struct queue_item *expected)
{
    struct queue_item *item = line_take(line);
    assert_ptr_equal(item, expected);
    assert_null(item->party);
}

static void test_turns(void **state)
{
    (void)state;
    struct line line;
    struct queue_item *bulk[5], *one = make("x@one.example", "", 0);
    struct queue_item *other = make("x@one.example", "acct", 0);
    line_init(&line);
    for (unsigned i = 0; i < 5; i++) {
        bulk[i] = make(i % 2 ? "a@Bulk.example" : "b@bulk.EXAMPLE", "", 0); /* one domain */
        assert_ok(line_add(&line, bulk[i]));
    }
    assert_ok(line_add(&line, one));
    assert_ok(line_add(&line, other)); /* an account of its own */
    assert_int_equal(line.count, 7);
    take_expecting(&line, bulk[0]);
    take_expecting(&line, one);
    take_expecting(&line, other);
    for (unsigned i = 1; i < 5; i++)
        take_expecting(&line, bulk[i]);
    assert_null(line_take(&line));
    for (unsigned i = 0; i < 5; i++)
        drop(bulk[i]);
    drop(one);
    drop(other);
    line_close(&line);
}

/* Submitters who agree in LINE_NAME_SIZE_MAX bytes are one; in one byte less they are two. */
static void test_limit_of_names(void **state)
{
    (void)state;
    for (size_t same = LINE_NAME_SIZE_MAX - 1; same <= LINE_NAME_SIZE_MAX; same++) {
        struct line line;
        char one[LINE_NAME_SIZE_MAX + 2] = "", two[LINE_NAME_SIZE_MAX + 2] = "";
        memset(one, 'x', same);
        memset(two, 'x', same);
        one[same] = '1';
        two[same] = '2';
        struct queue_item *first = make("a@x.example", one, 0);
        struct queue_item *second = make("a@x.example", one, 0);
        struct queue_item *other = make("a@x.example", two, 0);
        bool are_one = same == LINE_NAME_SIZE_MAX;
        line_init(&line);
        assert_ok(line_add(&line, first));
        assert_ok(line_add(&line, second));
        assert_ok(line_add(&line, other));
        take_expecting(&line, first);
        take_expecting(&line, are_one ? second : other);
        take_expecting(&line, are_one ? other : second);
        drop(first);
        drop(second);
        drop(other);
        line_close(&line);
    }
}

static void test_priority(void **state)
{
    (void)state;
    struct line line;
    struct queue_item *low = make("a@x.example", "", -100), *high = make("b@x.example", "", 100);
    struct queue_item *plain = make("c@x.example", "", 0);
    line_init(&line);
    assert_ok(line_add(&line, low));
    assert_ok(line_add(&line, plain));
    assert_ok(line_add(&line, high));
    take_expecting(&line, high);
    take_expecting(&line, plain);
    take_expecting(&line, low);
    drop(low);
    drop(high);
    drop(plain);
    line_close(&line);
}

static void test_removal(void **state)
{
    (void)state;
    struct line line;
    struct queue_item *first = make("a@x.example", "", 0), *second = make("a@x.example", "", 0);
    line_init(&line);
    assert_ok(line_add(&line, first));
    assert_ok(line_add(&line, second));
    assert_ptr_equal(line_of(first), &line);
    line_remove(first);
    assert_null(line_of(first));
    assert_int_equal(line.count, 1);
    take_expecting(&line, second);
    assert_int_equal(line.occupied, 0);
    drop(first);
    drop(second);
    line_close(&line);
}

/* Whatever is added comes out once, and among equals nobody gets two turns while another waits. */
static void test_random(void **state)
{
    (void)state;
    enum { ITEMS = 2000, PARTIES = 7 };
    static const char *const senders[PARTIES] = {"a@1.x", "a@2.x", "a@3.x", "a@4.x",
                                                 "a@5.x", "a@6.x", ""};
    struct queue_item *items[ITEMS];
    unsigned waiting[PARTIES] = {0}, missed[PARTIES] = {0}, taken = 0;
    struct line line;
    line_init(&line);
    random_seed(4);
    for (unsigned i = 0; i < ITEMS; i++) {
        unsigned party = (unsigned)random_below(PARTIES);
        items[i] = make(senders[party], "", 0);
        items[i]->attempts = (uint16_t)party;
        assert_ok(line_add(&line, items[i]));
        waiting[party]++;
        for (unsigned n = (unsigned)random_below(i > ITEMS / 2 ? 4 : 2); n > 0; n--) {
            struct queue_item *item = line_take(&line);
            if (!item)
                break;
            taken++;
            unsigned whose = item->attempts;
            waiting[whose]--;
            for (unsigned p = 0; p < PARTIES; p++)
                missed[p] = p == whose || waiting[p] == 0 ? 0 : missed[p] + 1;
            for (unsigned p = 0; p < PARTIES; p++)
                assert_true(missed[p] < PARTIES);
        }
    }
    while (line_take(&line))
        taken++;
    assert_int_equal(taken, ITEMS);
    for (unsigned i = 0; i < ITEMS; i++)
        drop(items[i]);
    line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),    cmocka_unit_test(test_limit_of_names),
        cmocka_unit_test(test_priority), cmocka_unit_test(test_removal),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
