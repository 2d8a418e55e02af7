#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cmocka with what it wants included first, and the two checks every test here needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/slice.h"

#define assert_ok(expression) assert_int_equal((expression).kind, ERROR_NONE)
#define assert_error(expression, expected) assert_int_equal((expression).kind, (expected))
#define assert_slice(actual, expected_literal)                                                     \
    do {                                                                                           \
        slice actual_ = (actual);                                                                  \
        assert_int_equal(actual_.size, sizeof(expected_literal) - 1);                              \
        assert_memory_equal(actual_.size ? actual_.data : "", expected_literal, actual_.size);     \
    } while (0)
