# SPDX-License-Identifier: GPL-3.0-or-later
"""mbsync mirrors a mailbox of 2,000 messages both ways, twice: the second time nothing moves."""
import collections
import os
import pathlib
import random
import re
import subprocess

import pytest

from lab import maildir, message

MESSAGES = 2000
MOVES = re.compile(r">>> \d+ (?:UID )?(APPEND|STORE|COPY|MOVE|EXPUNGE|FETCH \S+ \(.*BODY\.PEEK\[\])")
CONFIG = """
IMAPAccount server
Host {host}
Port {port}
User {address}
Pass secret
{security}
Timeout 60

IMAPStore far
Account server

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Sync All
CopyArrivalDate yes
SyncState {state}/
"""


class Mbsync:
    def __init__(self, instance, address, directory, secure):
        directory.mkdir()
        (directory / "near").mkdir()
        (directory / "state").mkdir()
        self.near = directory / "near" / "INBOX"
        self.config = directory / "mbsyncrc"
        self.config.write_text(CONFIG.format(
            host="localhost" if secure else "127.0.0.1", port=instance.imaps_port if secure else instance.imap_port,
            address=address, near=directory / "near", state=directory / "state",
            security=f"SSLType IMAPS\nCertificateFile {instance.ca_cert}" if secure else "SSLType None\nAuthMechs LOGIN"))

    def run(self):
        """One synchronisation; how often it sent each kind of command that moves something."""
        done = subprocess.run(["mbsync", "-c", str(self.config), "-Dn", "-a"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=100)
        text = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, text[-2000:]
        return collections.Counter(MOVES.findall(text))

    def run_idle(self):
        """A synchronisation that must find nothing to do."""
        before = sorted(maildir.files(self.near))
        moved = self.run()
        assert not moved, moved
        assert sorted(maildir.files(self.near)) == before


def fill(instance, address, count, generator):
    """count messages by APPEND, all sent before the answers are read."""
    serials = [f"mbsync{n:04d}" for n in range(count)]
    with instance.imap(address, timeout=60) as client:
        for start in range(0, count, 100):
            tags = []
            for serial in serials[start:start + 100]:
                mail = message.make(generator, serial, message.size_of(generator, most=8000), recipient=address)
                tags.append(client.start(b"APPEND INBOX {%d+}\r\n" % len(mail) + mail))
            for tag in tags:
                reply = client.finish(tag)
                assert reply.status == "OK", reply
    return serials


def serials_near(box):
    return sorted(message.serial_of(raw) for raw in maildir.messages(box).values())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "imaps"])
def test_mirror_both_ways_twice(request, tmp_path, seed, secure):
    # The clear case on one backend, the other on the other: both, and each once.
    instance = request.getfixturevalue("mariadb_instance" if secure else "sqlite_instance")
    source, target = instance.fresh_account(), instance.fresh_account()
    generator = random.Random(seed)
    serials = sorted(fill(instance, source, MESSAGES, generator))

    # Down: all come, whole; the second time nothing does.
    down = Mbsync(instance, source, tmp_path / "down", secure)
    assert sum(down.run().values()) >= MESSAGES
    assert serials_near(down.near) == serials
    assert all(message.is_whole(raw) for raw in maildir.messages(down.near).values())
    down.run_idle()

    # Up: another account gets all from here; the second time nothing goes.
    up = Mbsync(instance, target, tmp_path / "up", secure)
    for part in ("cur", "new", "tmp"):
        (up.near / part).mkdir(parents=True)
    for number, raw in enumerate(maildir.messages(down.near).values()):
        (up.near / "cur" / f"1600000000.{number}.near:2,{'S' if number % 2 else ''}").write_bytes(raw)
    assert up.run()["APPEND"] == MESSAGES
    with instance.imap(target) as client:
        assert client.select()["exists"] == MESSAGES
        assert len(client.search("SEEN")) == MESSAGES // 2
    assert len(maildir.files(instance.maildir(target))) == MESSAGES
    up.run_idle()

    # Changes on both sides meet.
    with instance.imap(target) as client:
        client.select()
        client.command("STORE 1:10 +FLAGS (\\Flagged)")
        client.command("STORE 11:20 +FLAGS (\\Deleted)")
        client.command("EXPUNGE")
    up.run()
    flagged = [path for path in maildir.files(up.near) if "F" in maildir.flags(path)]
    assert len(flagged) == 10 and len(maildir.files(up.near)) == MESSAGES - 10
    victim = next(path for path in maildir.files(up.near) if "F" not in maildir.flags(path))
    gone = message.serial_of(pathlib.Path(victim).read_bytes())
    mark_trashed(victim)
    up.run()
    with instance.imap(target) as client:
        assert client.select()["exists"] == MESSAGES - 11
        assert client.search(f"HEADER X-Serial {gone}") == []
    up.run_idle()


def mark_trashed(path):
    base, _, flags = path.partition(":2,")
    os.rename(path, f"{base}:2,{''.join(sorted(flags + 'T'))}".replace("/new/", "/cur/"))
