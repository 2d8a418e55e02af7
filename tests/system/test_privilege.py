# SPDX-License-Identifier: GPL-3.0-or-later
"""Started by root: ports below 1024 are bound, then the server is nobody, and confined to its files."""
import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile

import pytest

from lab import instance as instances
from lab import maildir, wait

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")
USER = "nobody"


def free_low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port below 1024")


@pytest.fixture
def server():
    """On a directory whose parents everybody may enter."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ringmail-nobody-", dir="/tmp"))
    folder.chmod(0o755)
    for name in ("mail", "state"):  # as root makes them: empty, they are given to the user
        (folder / "i" / name).mkdir(parents=True)
    port = free_low_port()
    server = instances.Instance(folder / "i", users=2, settings={"server.user": USER, "listen.smtp": f"127.0.0.1:{port}"})
    server.start()
    server.smtp_port = port
    try:
        yield server
        server.stop()
    finally:
        if server.pid and server.is_running():
            server.crash()
        shutil.rmtree(folder)


def status(server):
    return pathlib.Path(f"/proc/{server.pid}/status").read_text()


def test_root_binds_and_nobody_serves(server):
    for line in ("Uid", "Gid"):
        numbers = re.search(rf"{line}:\s+(.*)", status(server))[1].split()
        assert len(numbers) == 4 and "0" not in numbers
    for line in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(re.search(rf"{line}:\s+(\w+)", status(server))[1], 16) == 0
    assert re.search(r"NoNewPrivs:\s+1", status(server))

    with server.smtp() as client:
        client.ehlo()
        client.deliver("s@example.net", [instances.account(1)], b"Subject: x\r\n\r\nx\r\n")
    files = wait.until(lambda: maildir.files(server.maildir(instances.account(1))), 5, "the mail is there")
    assert pathlib.Path(files[0]).owner() == USER
    with server.imap(instances.account(1)) as client:
        assert client.select()["exists"] == 1


def test_threads_are_told_apart(server):
    """by their names (top -H): cores, and the workers they started behind the sandbox"""
    tasks = pathlib.Path(f"/proc/{server.pid}/task")
    names = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
    assert names.count("core0") == 1
    assert "file0" in names


def test_reload_works_without_rights(server):
    server.signal(signal.SIGHUP)
    wait.until(lambda: "event=server.reload" in server.log_tail(), 5, "the reload is logged")
    assert "level=error" not in server.log_tail()
    with server.imap(instances.account(1), ) as client:
        client.select()


def test_files_elsewhere_are_out_of_reach(server):
    """A mail home that only the database names is refused by the sandbox, with 4xx, and the log says why."""
    import sqlite3
    database = sqlite3.connect(server.directory / "directory.sqlite")
    elsewhere = pathlib.Path(tempfile.mkdtemp(prefix="ringmail-elsewhere-", dir="/tmp"))
    elsewhere.chmod(0o777)
    try:
        with database:
            database.execute("ALTER TABLE virtual_users ADD COLUMN home TEXT")
            database.execute("UPDATE virtual_users SET home = ? WHERE email = ?", (str(elsewhere), instances.account(2)))
        with server.smtp() as client:
            client.ehlo()
            client.command("MAIL FROM:<s@example.net>")
            reply = client.command(f"RCPT TO:<{instances.account(2)}>")
            if reply.code == 250:
                client.command("DATA")
                reply = client.command("Subject: x\r\n\r\nx\r\n.")
        assert 400 <= reply.code < 500
        assert list(elsewhere.iterdir()) == []
    finally:
        database.close()
        shutil.rmtree(elsewhere)
