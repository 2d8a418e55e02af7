/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/constant.h"

#include <string.h>

bool constant_equal(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *left = a, *right = b;
    unsigned char difference = 0;
    for (size_t i = 0; i < size; i++)
        difference = (unsigned char)(difference | (left[i] ^ right[i]));
    return difference == 0;
}

bool constant_equal_slices(slice a, slice b)
{
    return a.size == b.size && constant_equal(a.data, b.data, a.size);
}

void constant_wipe(void *secret, size_t size)
{
    if (size > 0)
        explicit_bzero(secret, size);
}
