# SPDX-License-Identifier: GPL-3.0-or-later
"""What an idle connection costs. RINGMAIL_IDLE sets how many; the full measurement takes 10,000."""
import os
import re
import resource
import time

import pytest

from lab import wait
from lab.instance import PASSWORD, SANITIZED, account

CONNECTIONS = int(os.environ.get("RINGMAIL_IDLE", 10_000))
EACH_MAX_BYTES = 12 << 10
ACCOUNTS = 50
FILES_OF_OTHERS = 200


def process_memory(pid):
    """Private and shared pages the process alone has to answer for, in bytes."""
    text = open(f"/proc/{pid}/smaps_rollup").read()
    return int(re.search(r"Pss:\s+(\d+) kB", text)[1]) << 10


@pytest.mark.timeout(240)
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory says nothing")
def test_idle_imap_connections(make_instance):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = min(CONNECTIONS, hard - FILES_OF_OTHERS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = make_instance(users=ACCOUNTS, settings={"login.failures_free": 1000})
    clients = []

    def connect(number):
        """Logged in, INBOX selected, in IDLE; many at a time so that hashing overlaps."""
        fresh = [server.imap(timeout=60) for _ in range(number)]
        for position, client in enumerate(fresh):
            login = f"a LOGIN {account(position % ACCOUNTS + 1)} {PASSWORD}"
            client.send(f"{login}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
        for client in fresh:
            assert client.finish(b"a").status == "OK"
            assert client.finish(b"b").status == "OK"
            assert client.read_response().startswith(b"+")
        clients.extend(fresh)

    try:
        connect(200)  # what the accounts and the first connections need once
        before = process_memory(server.pid)
        warm = len(clients)
        while len(clients) < count:
            connect(min(200, count - len(clients)))
        # Idle means idle: stacks are given back after a second, the allocator's pages after ten.
        for _ in range(20):
            each = (process_memory(server.pid) - before) / (len(clients) - warm)
            if each <= EACH_MAX_BYTES:
                break
            time.sleep(1)
        print(f"{len(clients)} idle IMAP connections: {each:.0f} bytes of process memory each")
        # They are alive: a delivery is announced to all of that account.
        with server.smtp() as sender:
            sender.ehlo()
            sender.deliver("s@example.net", [account(1)], b"Subject: wake\r\n\r\nwake\r\n")
        woken = [client for position, client in enumerate(clients) if position % 200 % ACCOUNTS == 0]
        for client in woken:
            client.wait_for(rb"\* 1 EXISTS", 20)
        assert each <= EACH_MAX_BYTES
    finally:
        for client in clients:
            client.close()
    wait.until(lambda: server.sockets() < 100, 30, "closed connections are let go", pause=0.2)
