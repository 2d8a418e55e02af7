# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail of strangers that aliases lead elsewhere: taken whole or not at all, under a sender that comes back to us.

Two servers of the zoo: stranger.test, who writes, and elsewhere.test, where aliases lead.
"""
import re
import subprocess
import uuid

import pytest

from lab import hosts, maildir, outbound, wait, zoo
from lab.instance import BUILD, DOMAIN, account

STRANGER = "stranger@stranger.test"
SRS = re.compile(rf"SRS0=[A-Z2-7]{{8}}=[A-Z2-7]{{2}}=stranger\.test=stranger@mail\.{DOMAIN}$")


class World:
    def __init__(self, instance, books):
        self.instance, self.books = instance, books

    def elsewhere(self, subject, recipient):
        return [entry for entry in self.books.entries() if entry.recipient == recipient and subject.encode() in entry.raw]

    def arrives(self, subject, recipient):
        return wait.until(lambda: self.elsewhere(subject, recipient), 20, f"{subject} is with {recipient}")[0]

    def here(self, subject, address):
        return [raw for raw in maildir.messages(self.instance.maildir(address)).values() if subject.encode() in raw]

    def alias(self, source, *destinations):
        done = subprocess.run([BUILD / "ringmail", "--config", self.instance.config, "alias", "add", source, *destinations],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        self.instance.admin("/directory/invalidate", "POST")

    def send(self, recipients, sender=STRANGER, parameters="", expect=250, rcpt_expect=250, body=b"text\r\n"):
        """The subject, by which the mail is found."""
        subject = f"forward {uuid.uuid4().hex}"
        with self.instance.smtp() as client:
            client.ehlo()
            client.command(f"MAIL FROM:<{sender}>", 250)
            for recipient in recipients:
                client.command(f"RCPT TO:<{recipient}>{parameters}", rcpt_expect)
            if rcpt_expect == 250:
                client.data(f"From: {sender}\r\nSubject: {subject}\r\n\r\n".encode() + body, expect)
            client.command("QUIT")
        return subject


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from conftest import end
    from lab.instance import Instance
    hosts.need_port_25()
    books = zoo.Books()
    address = hosts.take()
    folder = tmp_path_factory.mktemp("forward")
    key = folder / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, stderr=subprocess.DEVNULL)
    with zoo.Sink(address, books, refused=["nobody@elsewhere.test"]):
        settings = {**{name: value for name, value in outbound.IMPATIENT.items() if name.startswith("queue.")},
                    "route.transports": f'["elsewhere.test=smtp:[{address}]:25", "stranger.test=smtp:[{address}]:25"]',
                    "route.private_addresses": "on", "forward.srs_secret": "a secret of the tests",
                    "dkim.keys": f'["{DOMAIN}=test:{key}"]'}
        instance = Instance(folder / "i", users=6, settings=settings).start()
        yield World(instance, books)
        end(instance)


def test_alias_elsewhere(world):
    world.alias(f"away@{DOMAIN}", "somebody@elsewhere.test")
    subject = world.send([f"away@{DOMAIN}"])
    entry = world.arrives(subject, "somebody@elsewhere.test")
    assert SRS.match(entry.sender), entry.sender
    header = entry.raw.partition(b"\r\n\r\n")[0]
    for field in (b"ARC-Seal: ", b"ARC-Message-Signature: ", b"ARC-Authentication-Results: ", b"Received: "):
        assert field in header
    assert b"DKIM-Signature" not in header  # it is not our mail
    assert b"with ESMTP id" in header


def test_detail_goes_along(world):
    """Postfix's propagate_unmatched_extensions: what an alias leads to gets the detail, elsewhere and here, by the queue, too."""
    world.alias(f"news@{DOMAIN}", "reader@elsewhere.test", account(5))
    subject = world.send([f"news+Weekly@{DOMAIN}"], parameters=" NOTIFY=SUCCESS,FAILURE")
    world.arrives(subject, "reader+Weekly@elsewhere.test")
    (raw,) = wait.until(lambda: world.here(subject, account(5)), 20, "the mail is in its mailbox")
    assert not world.elsewhere(subject, "reader@elsewhere.test")
    report = outbound.Report(world.arrives(subject, STRANGER).raw)  # by the queue: its recipient bears the detail
    local, domain = account(5).split("@")
    assert report.actions() == {f"{local}+Weekly@{domain}": "delivered"}
    # An address that is a bare "user+" has no detail; one whose alias stands for it whole is not stripped.
    world.alias(f"plain@{DOMAIN}", "plain@elsewhere.test")
    world.arrives(world.send([f"plain+@{DOMAIN}"]), "plain@elsewhere.test")
    world.alias(f"plain+whole@{DOMAIN}", "whole@elsewhere.test")
    world.arrives(world.send([f"plain+whole@{DOMAIN}"]), "whole@elsewhere.test")


def test_bounce_of_a_server_finds_its_way(world):
    """What elsewhere.test sends to the rewritten sender goes to the stranger; a forged one nowhere."""
    world.alias(f"bounces@{DOMAIN}", "somebody@elsewhere.test")
    rewritten = world.arrives(world.send([f"bounces@{DOMAIN}"]), "somebody@elsewhere.test").sender
    bounce = world.send([rewritten], sender="")
    entry = world.arrives(bounce, STRANGER)
    assert entry.sender == ""
    forged = rewritten.replace("=stranger@", "=victim@")
    world.send([forged], sender="", rcpt_expect=550)


def test_our_own_report_finds_its_way(world):
    """The next server refuses: who wrote hears of it, under the address that he wrote from."""
    world.alias(f"refused@{DOMAIN}", "nobody@elsewhere.test")
    subject = world.send([f"refused@{DOMAIN}"])
    entry = world.arrives(subject, STRANGER)
    assert outbound.is_report(entry.raw) and entry.sender == ""
    report = outbound.Report(entry.raw)
    assert report.actions() == {"nobody@elsewhere.test": "failed"}
    assert report.recipients[0]["original-recipient"].replace(" ", "") == f"rfc822;refused@{DOMAIN}"


def test_here_and_elsewhere(world):
    world.alias(f"both@{DOMAIN}", account(1), "both@elsewhere.test")
    subject = world.send([f"both@{DOMAIN}", account(2)])
    assert SRS.match(world.arrives(subject, "both@elsewhere.test").sender)
    for address in (account(1), account(2)):
        raw = wait.until(lambda: world.here(subject, address), 20, f"the mail is with {address}")
        assert len(raw) == 1 and b"Return-Path: <stranger@stranger.test>" in raw[0]
        assert b"ARC-Seal" not in raw[0]
    assert len(world.elsewhere(subject, "both@elsewhere.test")) == 1


def test_our_senders_stay(world):
    world.alias(f"mine@{DOMAIN}", "mine@elsewhere.test")
    assert world.arrives(world.send([f"mine@{DOMAIN}"], sender=account(1)), "mine@elsewhere.test").sender == account(1)
    assert world.arrives(world.send([f"mine@{DOMAIN}"], sender=""), "mine@elsewhere.test").sender == ""


def test_success_is_reported(world):
    """NOTIFY=SUCCESS for a mailbox (RFC 3461 4.1)."""
    subject = world.send([account(3)], parameters=" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;asked@stranger.test")
    wait.until(lambda: world.here(subject, account(3)), 20, "the mail is in its mailbox")
    report = outbound.Report(world.arrives(subject, STRANGER).raw)
    assert report.actions() == {account(3): "delivered"}
    assert report.recipients[0]["original-recipient"].replace(" ", "") == "rfc822;asked@stranger.test"
