/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files given to write-back are closed, all of them, whether a round begins because there are many,
 * because one waited long, or not at all before the end. */
#include "cores.h"

#include "data/store/writeback.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *listing = opendir("/proc/self/fd");
    assert_non_null(listing);
    while (readdir(listing))
        count++;
    closedir(listing);
    return count;
}

static int new_file(void)
{
    char path[] = "/tmp/ringmail-writeback-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, "mail\r\n", 6), 6);
    return fd;
}

static bool drops_to(unsigned files)
{
    for (int i = 0; i < 3000 && open_files() > files; i++)
        assert_ok(fiber_sleep(10 * TIME_MS));
    return open_files() == files;
}

static void run(void *unused)
{
    (void)unused;
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(writeback_begin(&crew));
    int alone = new_file();
    unsigned files = open_files(); /* the core's and the workers' own, and this one */
    instant added = time_now();
    writeback_add(alone); /* stays for WRITEBACK_PATIENCE_MS */
    assert_ok(fiber_sleep(300 * TIME_MS));
    unsigned later = open_files();
    if (time_now() - added < WRITEBACK_PATIENCE_MS * TIME_MS)
        assert_int_equal(later, files);
    assert_true(drops_to(files - 1));
    unsigned count = 0;
    for (; writeback_has_room(); count++)
        writeback_add(new_file());
    assert_int_equal(count, WRITEBACK_FILES_MAX);
    assert_true(drops_to(files - 1));
    assert_true(writeback_has_room());
    for (unsigned i = 0; i < WRITEBACK_BATCH_MIN - 1; i++)
        writeback_add(new_file());
    crew_close(&crew);
    writeback_end();
    assert_int_equal(open_files(), files - 1);
}

static void test_every_file_is_closed(void **state)
{
    (void)state;
    on_cores(1, run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_file_is_closed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
