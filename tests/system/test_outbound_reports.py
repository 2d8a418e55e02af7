# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders hear of their mail (RFC 3461, 3464), and what the operator can do with it meanwhile."""
import json
import time

import pytest

from lab import instance as instances
from lab import maildir, message, outbound, wait, zoo
from lab.instance import account

pytestmark = pytest.mark.timeout(60)
PLAIN = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")  # a server without DSN
LIFETIME_S = 3
POSTMASTER = account(60)
MANY = 600


@pytest.fixture(scope="module")
def sender(world, tmp_path_factory):
    sender = instances.Instance(tmp_path_factory.mktemp("sender") / "i", users=60,
                                settings=world.settings(queue__lifetime=f"{LIFETIME_S}s", queue__postmaster=POSTMASTER)).start()
    yield sender
    sender.stop()
    assert sender.complaints() == []


@pytest.fixture(scope="module")
def destinations(world):
    """NAME.reports.test: no, later, good with DSN, plain without."""
    made = {"no": world.sink(refused=lambda recipient: True), "later": world.sink(later=lambda recipient: True), "good": world.sink(),
            "plain": world.sink(extensions=PLAIN)}
    records = {}
    for name, sink in made.items():
        records.update({name: f"MX 10 mx.{name}", f"mx.{name}": f"A {sink.address}"})
    world.zone("reports.test", records, "insecure")
    return made


@pytest.fixture
def send(world, sender, destinations):
    def submit(recipients, mail=None, **options):
        address = sender.fresh_account()
        serial, made = world.mail("bob", 5000, sender=address)
        outbound.submit(sender, recipients, mail or made, sender=address, **options)
        return serial, address
    return submit


def test_refusal(send, sender):
    """Everything RFC 3464 asks for, and what the sender gave along."""
    serial, address = send("bob@no.reports.test", parameters=" ENVID=my+2Benvelope RET=FULL",
                           recipient_parameters=" NOTIFY=FAILURE ORCPT=rfc822;robert+40elsewhere.test")
    report = outbound.the_report(sender, serial, address)
    assert report.fields["reporting-mta"] == "dns; mail.example.org" and report.fields["original-envelope-id"] == "my+envelope"
    (told,) = report.recipients
    assert told["original-recipient"].replace(" ", "") == "rfc822;robert@elsewhere.test"
    assert told["final-recipient"].replace(" ", "") == "rfc822;bob@no.reports.test"
    assert told["status"] == "5.1.1" and told["diagnostic-code"].startswith("smtp; 550 5.1.1")
    assert told["remote-mta"] == "dns; mx.no.reports.test"
    assert report.has_body and message.serial_of(report.raw[report.raw.index(b"X-Serial"):] + b"\r\n\r\n") == serial
    assert b"Return-Path: <>" in report.raw and f"To: <{address}>".encode() in report.raw
    assert b"Auto-Submitted: auto-replied" in report.raw
    assert report.mail["Subject"] and report.mail["Message-ID"] and report.mail["Date"]


def test_headers_only(send, sender):
    """RET=HDRS (RFC 3461 4.3): the text stays away."""
    serial, address = send("bob@no.reports.test", parameters=" RET=HDRS")
    report = outbound.the_report(sender, serial, address)
    assert not report.has_body and len(report.raw) < 6000


def test_never(send, sender, destinations):
    serial, address = send(["bob@no.reports.test", "eve@no.reports.test"], recipient_parameters=" NOTIFY=NEVER")
    known, other = send("bob@no.reports.test")
    outbound.the_report(sender, known, other)
    assert not outbound.reports(sender, address)


def test_relayed_where_nobody_else_reports(send, sender):
    """RFC 3461 5.2.2: NOTIFY=SUCCESS, and the next server does not offer DSN."""
    serial, address = send("bob@plain.reports.test", recipient_parameters=" NOTIFY=SUCCESS")
    assert outbound.the_report(sender, serial, address).actions() == {"bob@plain.reports.test": "relayed"}


@pytest.mark.parametrize("parameters,notify,domain,told", [
    (" BY=600;NT", "", "plain", "relayed"), (" BY=600;NT", "", "good", "relayed"), (" BY=600;N", "", "good", "relayed"),
    (" BY=600;NT", " NOTIFY=FAILURE", "plain", "relayed"), (" BY=600;NT", " NOTIFY=NEVER", "plain", None), (" BY=600;RT", "", "plain", "failed")])
def test_deliver_by_is_traced(send, sender, world, parameters, notify, domain, told):
    """RFC 2852 4.1.4, 4.2: the sender hears that his mail was relayed; in by-mode R, that it could not be in time."""
    serial, address = send(f"bob@{domain}.reports.test", parameters=parameters, recipient_parameters=notify)
    if told != "failed":
        outbound.arrived(world.books, serial)
    if told:
        report = outbound.the_report(sender, serial, address)
        assert report.actions() == {f"bob@{domain}.reports.test": told} and "deliver-by-date" in report.fields
    time.sleep(0.3)
    assert len(outbound.reports(sender, address)) == bool(told)


def test_dsn_is_passed_on(send, sender, world):
    """RFC 3461 5.2.1: it does offer DSN, so it is told what it was told, and we say nothing."""
    serial, address = send("bob@good.reports.test", parameters=" ENVID=abc RET=HDRS",
                           recipient_parameters=" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y.test")
    (entry,) = outbound.arrived(world.books, serial)
    options = entry.mail_options.upper().split()
    assert "ENVID=ABC" in options and "RET=HDRS" in options
    recipient = entry.recipient_options
    assert "ORCPT=rfc822;x@y.test" in recipient
    notify = next(word for word in recipient.upper().split() if word.startswith("NOTIFY="))
    assert set(notify[7:].split(",")) == {"SUCCESS", "DELAY"}
    time.sleep(0.5)
    assert not outbound.reports(sender, address)


def test_delivered_here(send, sender):
    """A mailbox of ours: `delivered`."""
    other = sender.fresh_account()
    serial, address = send(other, recipient_parameters=" NOTIFY=SUCCESS")
    assert outbound.the_report(sender, serial, address).actions() == {other: "delivered"}


def test_expiry(send, sender):
    serial, address = send("bob@later.reports.test")
    began = time.monotonic()
    report = outbound.the_report(sender, serial, address)
    assert time.monotonic() - began > LIFETIME_S - 1.5
    (told,) = report.recipients
    assert told["action"] == "failed" and told["status"][0] in "45" and "450 4.2.0" in told["diagnostic-code"]


def test_delay_is_told_once(world, make_instance, destinations):
    sender = make_instance("slow", users=3, settings=world.settings(queue__warn_after="1s", queue__lifetime="30s"))
    serial, mail = world.mail()
    outbound.submit(sender, ["bob@later.reports.test"], mail)
    quiet, mail = world.mail(sender=account(2))
    outbound.submit(sender, ["bob@later.reports.test"], mail, sender=account(2), recipient_parameters=" NOTIFY=FAILURE")
    report = outbound.the_report(sender, serial)
    (told,) = report.recipients
    assert told["action"] == "delayed" and told["status"].startswith("4.") and "will-retry-until" in told
    time.sleep(2.5)
    assert len(outbound.reports(sender)) == 1 and not outbound.reports(sender, account(2))
    sender.control("queue", "delete", "--recipient", "@later.reports.test")


def test_report_nobody_can_have_goes_to_postmaster(world, sender, destinations):
    """A double bounce: the sender's own mailbox is gone."""
    sender.control("user", "add", "leaving@example.org", stdin="secret\nsecret\n", check=False)
    serial, mail = world.mail(sender="leaving@example.org")
    outbound.submit(sender, "bob@later.reports.test", mail, sender="leaving@example.org")
    sender.control("user", "remove", "leaving@example.org")
    raw = wait.until(lambda: next(iter(maildir.messages(sender.maildir(POSTMASTER)).values()), None), 20, "postmaster hears of it", pause=0.1)
    assert serial.encode() in raw


def test_utf8_report(send, sender):
    """RFC 6533: an address in UTF-8 is told as utf-8."""
    serial, address = send("дядя@no.reports.test", parameters=" SMTPUTF8")
    report = outbound.the_report(sender, serial, address)
    assert report.recipients[0]["final-recipient"].lower().startswith("utf-8;")


# --- the operator ----------------------------------------------------------------------------------
def listed(sender, *options):
    return json.loads(sender.control("--json", "queue", "list", "--limit", "5000", *options).stdout)["mails"]


def test_operator(world, make_instance, destinations):
    """list, show, hold, flush, release, bounce, delete, stats."""
    sink = world.sink(later=lambda recipient: True)
    world.domain("operated.test", sink)
    sender = make_instance("operated", users=3, settings=world.settings(queue__retry_min="1h", queue__retry_max="1h", queue__lifetime="1d",
                                                                        queue__idle_timeout="20s"))
    serials = []
    for number in range(6):
        serial, mail = world.mail()
        outbound.submit(sender, [f"bob{number}@operated.test"], mail)
        serials.append(serial)
    wait.until(lambda: all("450" in json.dumps(mail) for mail in listed(sender)) and len(listed(sender)) == 6, 10,
               "all have been tried", pause=0.1)
    mails = {next(n for n in range(6) if f"bob{n}@" in json.dumps(mail)): mail["id"] for mail in listed(sender)}
    shown = sender.control("queue", "show", mails[0]).stdout
    assert serials[0] in shown and "X-Check" in shown
    assert "operated.test" in sender.control("--json", "queue", "stats").stdout
    assert "operated.test" in sender.admin("/queue")
    sender.control("queue", "hold", mails[1])
    sender.control("queue", "delete", mails[2])
    sender.control("queue", "bounce", mails[3])
    assert outbound.the_report(sender, serials[3]).actions() == {"bob3@operated.test": "failed"}
    sink.later = ()
    sender.control("queue", "flush", mails[4])
    outbound.arrived(world.books, serials[4])
    # What was ordered outlives a crash.
    sender.crash()
    sender.start()
    left = {mail["id"] for mail in listed(sender)}
    assert left == {mails[0], mails[1], mails[5]}
    sender.control("queue", "flush", "--all")
    outbound.arrived(world.books, serials[0])
    outbound.arrived(world.books, serials[5])
    time.sleep(0.3)
    assert not world.books.of(serials[1]) and not world.books.of(serials[2])
    sender.control("queue", "release", mails[1])
    outbound.arrived(world.books, serials[1])
    wait.until(lambda: not listed(sender), 5, "the queue is empty")
    assert all(len(world.books.of(serial)) <= 1 for serial in serials)


def test_held_mail_expires(world, make_instance, destinations):
    """Whatever state it is in, its time ends."""
    sender = make_instance("held", users=2, settings=world.settings(queue__lifetime=f"{LIFETIME_S}s"))
    serial, mail = world.mail()
    outbound.submit(sender, "bob@later.reports.test", mail)
    wait.until(lambda: listed(sender), 5, "it waits")
    sender.control("queue", "hold", listed(sender)[0]["id"])
    assert outbound.the_report(sender, serial).actions() == {"bob@later.reports.test": "failed"}


def test_many_wait_over_a_restart(world, make_instance):
    """Many mails for a dead host; kill -9; they are all there, and all go out once."""
    address = world.sink()
    books, place = zoo.Books(), address.address
    address.close()
    world.domain("restarted.test", place)
    sender = make_instance("many", users=3, settings=world.settings(queue__retry_max="3s", queue__lifetime="1h"))
    serials = []
    with outbound.submission(sender) as client:
        for number in range(MANY):
            serial, mail = world.mail(size=400)
            client.deliver(account(1), [f"bob{number}@restarted.test"], mail)
            serials.append(serial)
    sender.crash()
    sender.start()
    assert len(listed(sender)) == MANY
    with zoo.Sink(place, books):
        sender.control("queue", "flush", "--all")
        wait.until(lambda: len(books.entries()) >= MANY, 30, "all arrive", pause=0.1)
        time.sleep(0.5)
        assert sorted(entry.serial for entry in books.entries()) == sorted(serials)
        wait.until(lambda: not listed(sender), 10, "the queue is empty", pause=0.2)
