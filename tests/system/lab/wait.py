# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting with an end."""
import time


def until(condition, seconds, what, pause=0.02):
    """Calls condition until it is true; its value is returned. Past the deadline: AssertionError."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)
