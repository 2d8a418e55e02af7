/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "level=fatal event=assertion file=%s line=%d condition=\"%s\"\n", file, line,
            condition);
    abort();
}
