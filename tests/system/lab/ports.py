# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of free ports below the ephemeral range, one after the other, apart for each test process."""
import os
import re
import socket

BLOCK = 20
FIRST, LAST = 12000, 26000  # tools/instance takes those above
WORKERS_MAX = 8

_worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % WORKERS_MAX
_span = (LAST - FIRST) // WORKERS_MAX
_next = os.getpid() * BLOCK % _span


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def take_block():
    """The first of BLOCK ports that nobody listens on."""
    global _next
    for _ in range(_span // BLOCK):
        base = FIRST + _worker * _span + _next // BLOCK * BLOCK
        _next = (_next + BLOCK) % (_span - BLOCK)
        if all(is_free(base + i) for i in range(BLOCK)):
            return base
    raise RuntimeError("no free block of ports")
