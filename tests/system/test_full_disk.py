# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk: mail is put off with 4xx, nothing confirmed is lost, service returns with the space."""
import os
import pathlib
import random
import time

import pytest

from lab import image as images
from lab import imap, message, wait
from lab.instance import account
from lab.ledger import Ledger
from lab.traffic import Traffic

ACCOUNTS = 4
IMAGE_MIB = 192
LEAVE_BYTES = 3 << 20  # what the ballast leaves for mail


@pytest.fixture
def disk(tmp_path):
    disk = images.Image(tmp_path / "disk", tmp_path / "mnt", IMAGE_MIB).mount()
    yield disk
    disk.unmount()


def on(disk):
    """Settings that put mail and journal there; what tools/instance keeps stays elsewhere."""
    for name in ("mail", "state"):
        (disk.mountpoint / name).mkdir()
    return {"directory.mail_home": f"{disk.mountpoint}/mail/%d/%n", "store.path": f"{disk.mountpoint}/state",
            "store.journal_segment_size": "4M", "store.journal_segment_count": 4}


class Ballast:
    """A file that takes the free space."""

    def __init__(self, directory):
        self.path = pathlib.Path(directory) / "ballast"

    def fill(self, leave):
        room = os.statvfs(self.path.parent)
        size = room.f_bavail * room.f_frsize - leave
        with open(self.path, "ab") as file:
            os.posix_fallocate(file.fileno(), file.tell(), size)

    def release(self):
        self.path.unlink()


@pytest.mark.timeout(120)
def test_full_disk_delays_mail_and_loses_none(disk, make_instance, seed):
    generator = random.Random(seed)
    instance = make_instance(users=ACCOUNTS, cores=1, settings=on(disk))
    addresses = [account(n + 1) for n in range(ACCOUNTS)]
    ledger = Ledger(f"full{seed}")
    ballast = Ballast(disk.mountpoint)
    ballast.fill(LEAVE_BYTES)
    traffic = Traffic(instance, ledger, addresses, generator.random(), senders=6, size_max=100_000, pause_s=0.005)
    with traffic.running():
        refused = wait.until(lambda: sum(n for what, n in traffic.refusals.items() if temporary(what)) >= 20, 30,
                             "the disk is full and mail is put off")
    assert refused and all(temporary(what) for what in traffic.refusals), traffic.refusals
    assert ledger.audit(instance) == []  # full as it is, everything can be read

    # What IMAP clients hear: NO, in words, and the session goes on. Flags and expunges make room.
    with instance.imap(addresses[0]) as client:
        big = message.make(generator, ledger.new_serial(), 500_000)
        with pytest.raises(imap.Refused, match="NO"):
            client.append("INBOX", big)
        assert client.command("NOOP").status == "OK"

    # A hard end while full: with room again, everything is there.
    instance.crash()
    ballast.release()
    instance.start()
    assert ledger.audit(instance) == []
    before = ledger.confirmations
    traffic = Traffic(instance, ledger, addresses, generator.random(), senders=6, size_max=100_000)
    with traffic.running():
        wait.until(lambda: ledger.confirmations > before + 20, 20, "mail is taken again")
        time.sleep(0.2)
    assert ledger.audit(instance) == []
    instance.stop()


def temporary(what):
    """452 4.3.1 (RFC 5321 4.2.3) or another answer in 4xx."""
    return any(f": 4{digits}" in what for digits in ("52", "51", "21", "22", "50"))


@pytest.mark.timeout(60)
def test_full_disk_answers_are_the_right_ones(disk, make_instance):
    """Not a byte to spare: 452 4.3.1 or 451, for DATA and for BDAT; the connection stays in step."""
    instance = make_instance(users=1, cores=1, settings=on(disk))
    ballast = Ballast(disk.mountpoint)
    ballast.fill(0)
    generator = random.Random(1)
    with instance.smtp() as client:
        client.ehlo()
        for attempt in range(100):  # the journal's preallocated space may still take some
            client.envelope("s@example.net", account(1))
            reply = client.data(message.make(generator, f"full{attempt}", 200_000))
            if reply.code != 250:
                break
        assert reply.code in (452, 451) and reply.text.startswith("4.3."), reply
        client.envelope("s@example.net", account(1))
        mail = message.make(generator, "chunk", 200_000)
        client.send(b"BDAT %d LAST\r\n" % len(mail) + mail)
        reply = client.reply()
        assert reply.code in (452, 451) and reply.text.startswith("4.3."), reply
        ballast.release()

        def taken():
            client.command("RSET", 250)
            client.envelope("s@example.net", account(1))
            return client.data(message.make(generator, f"after{time.monotonic()}", 1000)).code == 250

        wait.until(taken, 10, "mail is taken again on the same connection", pause=0.2)
    instance.stop()
