# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for the test's own servers: each host gets a loopback address of its own, 127.x.y.z.

Mail servers are found by MX and so are asked on port 25, policy hosts on 443; both may be bound on any
loopback address by root. Runs of other users of the machine get other addresses (by process number).
"""
import os
import socket

import pytest

NETWORKS = 100  # 127.100.0.0 to 127.199.255.255
_next = 0


def _is_free(address, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            return True
        except OSError:
            return False


def take():
    """An address where nobody listens on 25 and 443."""
    global _next
    while _next < 250 * 250:
        network = 100 + os.getpid() % NETWORKS
        address = f"127.{network}.{os.getpid() // NETWORKS % 250 + 1}.{_next % 250 + 1}"
        _next += 1
        if _is_free(address, 25) and _is_free(address, 443):
            return address
        if _next > 250:
            break
    raise RuntimeError("no loopback address is free on ports 25 and 443")


def need_port_25():
    """Skips where the ports of mail servers cannot be had."""
    if not _is_free("127.99.99.99", 25):
        pytest.skip("port 25 cannot be bound here: the outbound tests want root")
