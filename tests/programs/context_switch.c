/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The context switch of this processor put through its paces; exit status 0 where it is right.
 * tests/unit/runtime/test_context.c also builds it with the cross compiler for aarch64.
 */
#include "runtime/context_exercise.h"

int main(void)
{
    const char *problem = context_exercise();
    puts(problem ? problem : "ok");
    return problem ? 1 : 0;
}
