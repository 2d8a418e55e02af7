/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "runtime/context_exercise.h"

#include <stdlib.h>
#include <unistd.h>

static void test_switches(void **state)
{
    (void)state;
    const char *problem = context_exercise();
    if (problem)
        fail_msg("%s", problem);
}

static bool is_installed(const char *program)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return system(command) == 0;
}

/* The other processor's switch, with Debian's cross compiler under qemu-user. Run from the root of
 * the source tree. */
static void test_switches_on_aarch64(void **state)
{
    (void)state;
    if (!is_installed("aarch64-linux-gnu-gcc") || !is_installed("qemu-aarch64"))
        skip();
    const char *scratch = getenv("TMPDIR");
    char command[1024];
    snprintf(command, sizeof command,
             "aarch64-linux-gnu-gcc -static -std=gnu2x -O2 -Wall -Werror -D_GNU_SOURCE -Isrc "
             "-Itests/unit -o %s/ringmail-context-%d tests/programs/context_switch.c "
             "src/runtime/context.c src/runtime/switch_aarch64.S -pthread && "
             "qemu-aarch64 %s/ringmail-context-%d >/dev/null; status=$?; "
             "rm -f %s/ringmail-context-%d; exit $status",
             scratch ? scratch : "/tmp", getpid(), scratch ? scratch : "/tmp", getpid(),
             scratch ? scratch : "/tmp", getpid());
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_switches_on_aarch64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
