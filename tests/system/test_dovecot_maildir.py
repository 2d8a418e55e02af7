# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over from Dovecot: its Maildir opens with the same UIDs, UIDVALIDITY, flags and keywords.

The mailbox is made here by Debian's Dovecot through IMAP, its server stopped, its files given to Ringmail.
"""
import os
import random
import shutil

import pytest

from lab import dovecot, maildir, message, wait
from lab.imap import quoted
from lab.instance import account
from lab.ledger import mailboxes

pytestmark = pytest.mark.skipif(not dovecot.available(), reason="needs dovecot-imapd, and to be root")
ADDRESS = account(1)
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Forwarded", "NonJunk", "$Label1"]
FOLDERS = ["Archive", "Archive.2026", "Archive.2026.Q1", "Entw&APw-rfe", "Two Words"]
SUBSCRIBED = ["Archive", "Archive.2026.Q1", "Entw&APw-rfe"]


def description(client):
    """All that a client could have kept: {mailbox: (uidvalidity, uidnext, [(uid, flags, date, size, bytes)])}."""
    found = {}
    for name in sorted(mailboxes(client)):
        chosen = client.select(name, "EXAMINE")
        items = client.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])") if chosen["exists"] else []
        found[name] = (chosen["uidvalidity"], chosen["uidnext"], [
            (item["UID"], tuple(set_of(item["FLAGS"])), item["INTERNALDATE"], item["RFC822.SIZE"], item["BODY[]"])
            for item in items])
    return found


def set_of(flags):
    return sorted(flag for flag in flags if flag != "\\Recent")


def subscriptions(client):
    return sorted(line.rsplit(b" ", 1)[1].strip(b'"').decode() for line in client.command('LSUB "" "*"').data)


def populate(client, generator):
    for folder in FOLDERS:
        client.command(f"CREATE {quoted(folder)}")
    for folder in SUBSCRIBED:
        client.command(f"SUBSCRIBE {quoted(folder)}")
    for folder in ["INBOX"] + FOLDERS:
        for number in range(generator.randint(8, 30)):
            mail = message.make(generator, f"{folder.split('.')[-1][:4].strip('&')}{number}", generator.randint(200, 20_000))
            flags = generator.sample(FLAGS, generator.randint(0, 4))
            client.append(folder, mail, " ".join(flags))
        client.select(folder)
        client.command("STORE 2:4 +FLAGS (\\Deleted)")  # gaps in the UIDs
        client.command("EXPUNGE")
        client.command("STORE 1 -FLAGS ($Label1 \\Seen)")
        client.command("STORE 2 +FLAGS ($MDNSent)")
    client.command("UNSELECT")


@pytest.fixture
def foreign(tmp_path, seed):
    """A mailbox as Dovecot leaves it: (its directory, what its clients know)."""
    server = dovecot.Dovecot(tmp_path / "dovecot").start()
    try:
        with server.imap(ADDRESS) as client:
            populate(client, random.Random(seed))
            known = description(client)
            subscribed = subscriptions(client)
    finally:
        server.stop()
    user, _, domain = ADDRESS.partition("@")
    return server.store / domain / user / "Maildir", known, subscribed


def hand_over(source, instance):
    """Copies a Maildir into a stopped instance, owned as its own files are."""
    target = instance.maildir(ADDRESS)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=True)
    owner = os.stat(instance.store)
    for path in [target.parent.parent, target.parent, target, *target.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)
    return target


def without_indexes(box):
    """Only what is compatible between servers stays: no dovecot.index*."""
    for path in box.rglob("dovecot.index*"):
        path.unlink()


@pytest.mark.timeout(90)
def test_mailbox_opens_as_its_clients_know_it(foreign, make_instance, seed):
    source, known, subscribed = foreign
    assert len(known) == len(FOLDERS) + 1 and all(len(mails) >= 5 for _, _, mails in known.values())
    without_indexes(source)
    instance = make_instance(users=2)
    instance.stop()
    box = hand_over(source, instance)
    instance.start()
    with instance.imap(ADDRESS) as client:
        found = description(client)
        assert sorted(set(known) - set(found)) == []
        for name, (validity, uidnext, mails) in known.items():
            assert found[name][0] == validity, f"{name}: UIDVALIDITY"
            assert found[name][1] >= uidnext, f"{name}: UIDNEXT"
            for wanted, got in zip(mails, found[name][2]):
                assert got[:4] == wanted[:4], f"{name}: uid, flags, date, size"
                assert got[4] == wanted[4], f"{name}: bytes of UID {got[0]}"
            assert len(found[name][2]) == len(mails), name
        assert sorted(set(subscribed) - set(subscriptions(client))) == []

        # It goes on from here: new mail gets new UIDs, flags stay on the right message.
        serial = f"after{seed}"
        mail = message.make(random.Random(seed), serial, 700, recipient=ADDRESS)
        with instance.smtp() as sender:
            sender.ehlo()
            sender.deliver("sender@example.net", [ADDRESS], mail)
        chosen = client.select()
        items = client.fetch("1:*", "(UID FLAGS)")
        assert [item["UID"] for item in items[:-1]] == [mail[0] for mail in known["INBOX"][2]]
        assert items[-1]["UID"] >= known["INBOX"][1]
        assert chosen["uidvalidity"] == known["INBOX"][0]
        uid, flags = known["INBOX"][2][3][:2]
        client.command(f"UID STORE {uid} +FLAGS (NonJunk \\Flagged)")
        assert set(client.fetch(uid, "(FLAGS)")[0]["FLAGS"]) == set(flags) | {"NonJunk", "\\Flagged"}
    # And once more after a restart: nothing was only in memory.
    instance.stop()
    instance.start()
    with instance.imap(ADDRESS) as client:
        again = description(client)
    assert [mail[0] for mail in again["INBOX"][2]][:-1] == [mail[0] for mail in known["INBOX"][2]]
    for name in set(known) - {"INBOX"}:
        assert again[name] == found[name]
    assert box.exists()


@pytest.mark.timeout(60)
def test_mail_that_nobody_had_numbered_comes_after(foreign, make_instance):
    """Files that were delivered into new/ and never seen by Dovecot get the next UIDs."""
    source, known, _ = foreign
    without_indexes(source)
    names = [f"1700000000.M{n}P1.host" for n in range(3)]
    for name in names:
        (source / "new" / name).write_bytes(message.make(random.Random(name), name, 300).replace(b"\r\n", b"\n"))
    instance = make_instance(users=2, start=True)
    instance.stop()
    hand_over(source, instance)
    instance.start()
    _, uidnext, mails = known["INBOX"]
    with instance.imap(ADDRESS) as client:
        chosen = client.select()
        assert chosen["exists"] == len(mails) + 3
        items = client.fetch("1:*", "(UID RFC822.SIZE BODY.PEEK[])")
    assert [item["UID"] for item in items[:-3]] == [mail[0] for mail in mails]
    assert all(item["UID"] >= uidnext for item in items[-3:])
    assert all(message.is_whole(item["BODY[]"]) and b"\r\n\r\n" in item["BODY[]"] for item in items[-3:])
    assert all(item["RFC822.SIZE"] == len(item["BODY[]"]) for item in items)


@pytest.mark.timeout(60)
def test_dovecot_reads_what_ringmail_wrote(make_instance, tmp_path, seed):
    """The other way: the Maildir stays one that another server opens, flags in the file names included."""
    generator = random.Random(seed)
    instance = make_instance(users=2)
    serials = [f"back{n}" for n in range(10)]
    with instance.smtp() as sender, instance.imap(ADDRESS) as client:
        sender.ehlo()
        for serial in serials:
            sender.deliver("sender@example.net", [ADDRESS], message.make(generator, serial, 3000))
        client.command("CREATE Kept")
        client.select()
        client.command("STORE 3:4 +FLAGS (\\Seen \\Flagged)")
        client.command("COPY 9:10 Kept")
        client.command("STORE 10 +FLAGS (\\Deleted)")
        client.command("EXPUNGE")
    wait.until(lambda: sum("FS" in maildir.flags(path) for path in maildir.files(instance.maildir(ADDRESS))) == 2,
               20, "flags are in the file names", pause=0.2)
    instance.stop()
    server = dovecot.Dovecot(tmp_path / "dovecot")
    user, _, domain = ADDRESS.partition("@")
    target = server.store / domain / user / "Maildir"
    target.parent.mkdir(parents=True)
    shutil.copytree(instance.maildir(ADDRESS), target)
    for path in server.store.rglob("*"):
        shutil.chown(path, "mail", "mail")
    server.start()
    try:
        with server.imap(ADDRESS) as client:
            found = description(client)
    finally:
        server.stop()
    inbox = sorted(message.serial_of(mail[4]) for mail in found["INBOX"][2])
    assert inbox == sorted(serials[:9])
    assert all(message.is_whole(mail[4]) for mails in found.values() for mail in mails[2])
    assert sorted(message.serial_of(mail[4]) for mail in found["Kept"][2]) == sorted(serials[8:])
    flagged = sorted(message.serial_of(mail[4]) for mail in found["INBOX"][2] if "\\Flagged" in mail[1])
    assert flagged == sorted(serials[2:4])
