/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "net/admission.h"

#include <pthread.h>
#include <stdlib.h>

static struct address ip(const char *text)
{
    struct address address;
    assert_ok(address_parse_ip(slice_from_string(text), &address));
    return address;
}

static void test_counts_a_64_as_one(void **state)
{
    (void)state;
    struct admission *admission;
    struct admission_ticket tickets[4] = {0};
    struct address one = ip("2001:db8::1"), two = ip("2001:db8::ffff:1"),
                   other = ip("2001:db8:0:1::1"), local = {.family = ADDRESS_UNIX};
    assert_ok(admission_create(0, 1, &admission));
    for (int i = 0; i < 4; i++)
        assert_int_equal(admission_enter(admission, &tickets[i]), ADMISSION_OK);
    assert_int_equal(admission_enter_address(&tickets[0], &one), ADMISSION_OK);
    assert_int_equal(admission_enter_address(&tickets[1], &two), ADMISSION_ADDRESS_FULL);
    assert_int_equal(admission_enter_address(&tickets[2], &other), ADMISSION_OK);
    assert_int_equal(admission_enter_address(&tickets[3], &local), ADMISSION_OK);
    admission_leave(&tickets[0]);
    admission_leave(&tickets[0]); /* harmless */
    assert_int_equal(admission_enter_address(&tickets[1], &two), ADMISSION_OK);
    for (int i = 1; i < 4; i++)
        admission_leave(&tickets[i]);
    assert_int_equal(admission->connections, 0);
    admission_release(&admission);
}

/* Thousands at once from different addresses, each allowed one: nobody is counted too low, and
 * hardly anybody too high. */
static void test_many_addresses(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct admission *admission;
    struct admission_ticket *tickets = calloc(MANY, sizeof *tickets);
    struct address address = ip("10.0.0.0");
    unsigned refused = 0;
    assert_ok(admission_create(MANY + 1, 2, &admission));
    for (unsigned i = 0; i < MANY; i++) {
        address.ip[2] = (uint8_t)(i >> 8);
        address.ip[3] = (uint8_t)i;
        assert_int_equal(admission_enter(admission, &tickets[i]), ADMISSION_OK);
        refused += admission_enter_address(&tickets[i], &address) != ADMISSION_OK;
    }
    assert_true(refused < MANY / 100);
    /* the first address, twice more: the third is one too many, whatever the sketch shares */
    address.ip[2] = address.ip[3] = 0;
    struct admission_ticket again = {0}, full = {0};
    assert_int_equal(admission_enter(admission, &again), ADMISSION_OK);
    (void)admission_enter_address(&again, &address);
    struct admission_ticket third = again;
    third.by_address = false;
    assert_int_equal(admission_enter_address(&third, &address), ADMISSION_ADDRESS_FULL);
    assert_int_equal(admission_enter(admission, &full), ADMISSION_FULL);
    admission_leave(&again);
    for (unsigned i = 0; i < MANY; i++)
        admission_leave(&tickets[i]);
    assert_int_equal(admission->connections, 0);
    for (size_t i = 0; i < ADMISSION_ROWS * ADMISSION_COLUMNS; i++)
        assert_int_equal(admission->sketch[i], 0);
    admission_release(&admission);
    free(tickets);
}

static struct admission *shared;

static void *come_and_go(void *argument)
{
    struct address address = ip(argument);
    for (int i = 0; i < 20000; i++) {
        struct admission_ticket ticket = {0};
        if (admission_enter(shared, &ticket) == ADMISSION_OK)
            (void)admission_enter_address(&ticket, &address);
        admission_leave(&ticket);
    }
    return NULL;
}

static void test_counts_right_from_several_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    assert_ok(admission_create(3, 2, &shared));
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, come_and_go, i % 2 ? "192.0.2.1" : "192.0.2.2");
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared->connections, 0);
    for (size_t i = 0; i < ADMISSION_ROWS * ADMISSION_COLUMNS; i++)
        assert_int_equal(shared->sketch[i], 0);
    admission_release(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_a_64_as_one),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_counts_right_from_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
