# SPDX-License-Identifier: GPL-3.0-or-later
"""Python's imaplib works a mailbox: reads, flags, moves, deletes; IDLE announces what others do."""
import imaplib
import os
import random
import re
import time

import pytest

from lab import maildir, message, wait
from lab.instance import PASSWORD

pytestmark = pytest.mark.sanitized

FILLED = 5


def fill(instance, address, count=FILLED, seed=1):
    """Messages by SMTP; their serials in order."""
    generator = random.Random(seed)
    serials = [f"fill{n}-{address.partition('@')[0]}" for n in range(count)]
    with instance.smtp() as client:
        client.ehlo()
        for serial in serials:
            client.deliver("sender@example.net", [address], message.make(generator, serial, 2000, recipient=address))
    return serials


@pytest.fixture(params=["clear", "starttls", "implicit"])
def client(request, instance, address):
    if request.param == "implicit":
        client = imaplib.IMAP4_SSL("127.0.0.1", instance.imaps_port, ssl_context=instance.tls(), timeout=60)
    else:
        client = imaplib.IMAP4("127.0.0.1", instance.imap_port, timeout=60)
        if request.param == "starttls":
            assert client.starttls(instance.tls())[0] == "OK"
    serials = fill(instance, address)
    assert client.login(address, PASSWORD)[0] == "OK"
    client.serials = serials
    yield client
    client.logout()


def ok(answer):
    status, data = answer
    assert status == "OK", data
    return data


def subjects(client):
    """[(number, serial)] of the selected mailbox."""
    found = []
    if ok(client.search(None, "ALL"))[0]:
        for item in ok(client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (X-SERIAL)])")):
            if isinstance(item, tuple):
                found.append(message.serial_of(item[1]))
    return found


def test_a_working_day(client, instance, address):
    assert ok(client.select("INBOX")) == [b"%d" % FILLED]
    assert subjects(client) == client.serials

    # Reading sets \Seen, peeking does not.
    raw = ok(client.fetch("1", "(BODY.PEEK[])"))[0][1]
    assert message.is_whole(raw)
    assert b"\\Seen" not in ok(client.fetch("1", "(FLAGS)"))[0]
    ok(client.fetch("1", "(BODY[])"))
    assert b"\\Seen" in ok(client.fetch("1", "(FLAGS)"))[0]

    # Flags.
    ok(client.store("2", "+FLAGS", r"(\Flagged \Answered)"))
    ok(client.store("2", "-FLAGS", r"(\Answered)"))
    flags = imaplib.ParseFlags(ok(client.fetch("2", "(FLAGS)"))[0])
    assert set(flags) - {b"\\Recent"} == {b"\\Flagged"}
    assert ok(client.search(None, "FLAGGED")) == [b"2"]
    assert ok(client.search(None, "HEADER", "X-Serial", client.serials[3])) == [b"4"]

    # Folders, COPY and MOVE.
    separator = re.search(rb'\) "(.)"', ok(client.list('""', '""'))[0])[1].decode()
    inner = f"Projects{separator}2026"
    ok(client.create("Projects"))
    ok(client.create(inner))
    ok(client.subscribe("Projects"))
    assert any(inner.encode() in line for line in ok(client.list()))
    assert any(b"Projects" in line for line in ok(client.lsub()))
    ok(client.copy("2", "Projects"))
    uid = re.search(rb"UID (\d+)", ok(client.fetch("3", "(UID)"))[0])[1].decode()
    ok(client._simple_command("UID", "MOVE", uid, inner))
    assert subjects(client) == [client.serials[n] for n in (0, 1, 3, 4)]
    assert b"MESSAGES 1" in ok(client.status(inner, "(MESSAGES UIDNEXT UNSEEN)"))[0]

    # Deleting.
    ok(client.store("4", "+FLAGS", r"(\Deleted)"))
    assert ok(client.expunge())[-1] == b"4"
    assert subjects(client) == [client.serials[n] for n in (0, 1, 3)]
    wait.until(lambda: len(maildir.files(instance.maildir(address))) == 3, 5, "three files are left")

    # The copy kept its flags; the moved message is whole.
    ok(client.select("Projects"))
    assert subjects(client) == [client.serials[1]]
    assert b"\\Flagged" in ok(client.fetch("1", "(FLAGS)"))[0]
    ok(client.select(inner))
    assert message.is_whole(ok(client.fetch("1", "(RFC822)"))[0][1])
    ok(client.close())
    ok(client.rename(inner, "Elsewhere"))
    assert b"MESSAGES 1" in ok(client.status("Elsewhere", "(MESSAGES)"))[0]
    ok(client.delete("Elsewhere"))
    assert client.select("Elsewhere")[0] == "NO"


def test_append_comes_back_as_it_went(client, seed):
    mail = message.make(random.Random(seed), f"append{seed}", 50_000)
    text = ok(client.append("INBOX", r"(\Seen $Label1)", '"05-Nov-2020 12:34:56 +0100"', mail))[0]
    assert re.search(rb"APPENDUID \d+ \d+", text)
    assert ok(client.select("INBOX")) == [b"%d" % (FILLED + 1)]
    answer = ok(client.fetch(str(FILLED + 1), "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
    assert answer[0][1] == mail
    line = answer[0][0] + answer[-1]
    assert b"\\Seen" in line and b"$Label1" in line
    assert b"RFC822.SIZE %d" % len(mail) in line
    shown = imaplib.Internaldate2tuple(line)
    assert time.mktime(shown) == 1604576096


def test_flags_reach_the_maildir_and_another_session(instance, address):
    fill(instance, address, 3)
    with instance.imap(address) as one, instance.imap(address) as other:
        one.select()
        other.select()
        one.command(r"STORE 2 +FLAGS (\Flagged)")
        reply = other.command("NOOP")
        assert any(b"2 FETCH" in line and b"\\Flagged" in line for line in reply.data), reply
        one.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
        one.command("EXPUNGE")
        assert b"* 1 EXPUNGE" in other.command("NOOP").data
        assert other.select()["exists"] == 2
    instance_files = lambda: [maildir.flags(path) for path in maildir.files(instance.maildir(address))]
    wait.until(lambda: "F" in instance_files(), 15, "the flag is in the file's name", pause=0.2)


def test_idle_announces_a_delivery(instance, address):
    fill(instance, address, 1)
    with instance.imap(address) as client:
        client.select()
        tag = client.idle()
        started = time.monotonic()
        fill(instance, address, 1, seed=2)
        client.wait_for(rb"\* 2 EXISTS", 5)
        print(f"announced after {(time.monotonic() - started) * 1000:.1f} ms")
        client.done(tag)


def test_idle_announces_flags_and_expunges_of_another_session(instance, address):
    fill(instance, address, 2)
    with instance.imap(address) as idler, instance.imap(address) as worker:
        idler.select()
        worker.select()
        tag = idler.idle()
        worker.command(r"STORE 1 +FLAGS (\Flagged)")
        idler.wait_for(rb"\* 1 FETCH .*\\Flagged", 5)
        worker.command(r"STORE 2 +FLAGS (\Deleted)")
        worker.command("EXPUNGE")
        idler.wait_for(rb"\* 2 EXPUNGE", 5)
        idler.done(tag)


def test_idle_announces_what_another_program_does_in_the_maildir(instance, address):
    fill(instance, address, 1)
    with instance.imap(address) as client:
        client.select()
        tag = client.idle()
        box = instance.maildir(address)
        name = f"{int(time.time())}.M1P{os.getpid()}.elsewhere"
        (box / "tmp" / name).write_bytes(message.make(random.Random(1), "other-program", 500))
        owner = box.stat()
        os.chown(box / "tmp" / name, owner.st_uid, owner.st_gid)
        os.rename(box / "tmp" / name, box / "new" / name)
        client.wait_for(rb"\* 2 EXISTS", 35)
        client.done(tag)
        assert message.is_whole(client.fetch("2", "(BODY.PEEK[])", uid=False)[0]["BODY[]"])
