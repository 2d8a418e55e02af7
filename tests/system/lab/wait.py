# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting with an end."""
import time

PATIENCE_S = 30  # at least: what is waited for comes at once, but a machine may be busy with something else


def until(condition, seconds, what, pause=0.02):
    """Calls condition until it is true; its value is returned. Past the deadline: AssertionError."""
    seconds = max(seconds, PATIENCE_S)
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)
