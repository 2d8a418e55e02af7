# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders, postmaster and other programs hear about mail: delivery reports, webhooks, the stream of events."""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import random
import time
import urllib.request

import pytest

from lab import instance as instances
from lab import authority, maildir, message, outbound, ports, wait, zoo
from lab.instance import account
from lab.webhook import Receiver

pytestmark = [pytest.mark.sanitized, pytest.mark.timeout(120)]
SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
POSTMASTER = account(9)


class Place:
    """A server of ours; all mail for others goes to one sink."""

    def __init__(self, directory):
        self.receiver = Receiver()
        self.books = zoo.Books()
        self.late = set()
        port = ports.take_block()
        self.sink = zoo.Sink("127.0.0.1", self.books, port=port, refused=lambda r: r.startswith("refused"),
                             later=lambda r: r in self.late)
        # Does not take over what was asked to be reported (RFC 3461 5.2.2).
        self.mute = zoo.Sink("127.0.0.1", self.books, port=port + 1, extensions=("PIPELINING", "8BITMIME", "SMTPUTF8"))
        settings = {
            **outbound.IMPATIENT, "route.private_addresses": "on", "queue.warn_after": "1s", "queue.postmaster": POSTMASTER,
            "route.transports": f'["mute.test=smtp:[127.0.0.1]:{port + 1}", "*=smtp:[127.0.0.1]:{port}"]',
            "webhook.urls": f'["{self.receiver.url}"]', "webhook.secret": SECRET, "webhook.linger": "20ms",
            "webhook.retry_min": "50ms", "dkim.path": f"{directory}/keys/%d/%s.key",
        }
        self.instance = instances.Instance(directory, settings=settings)

    def start(self):
        self.instance.start()
        self.instance.control("alias", "add", "away@example.org", "refused@away.test")
        return self

    def stop(self):
        try:
            self.instance.stop()
            assert self.instance.complaints() == []
        finally:
            self.receiver.close()
            self.sink.close()
            self.mute.close()

    def submit(self, sender, recipients, parameters="", recipient_parameters="", fields=b"", body=b"At noon?\r\n"):
        """The serial."""
        serial = f"bounce{time.monotonic_ns():x}"
        raw = (f"From: <{sender}>\r\nTo: somebody\r\nSubject: Lunch\r\nMessage-ID: <{serial}@client.test>\r\n"
               f"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nX-Serial: {serial}\r\n").encode() + fields + b"\r\n" + body
        outbound.submit(self.instance, recipients, raw, sender, parameters, recipient_parameters)
        return serial

    def mails(self, address):
        return [email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
                for raw in maildir.messages(self.instance.maildir(address)).values()]

    def report(self, address, serial, seconds=20):
        """The one report about that mail."""
        def look():
            return [mail for mail in self.mails(address) if serial in (mail["References"] or "")]
        found = wait.until(look, seconds, f"a report to {address} about {serial}{self.instance.log_tail()}")
        assert len(found) == 1
        return found[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("bounces")).start()
    yield place
    place.stop()


def groups(report):
    """What is said of the mail, and of each recipient."""
    status = next(part for part in report.walk() if part.get_content_subtype().endswith("delivery-status"))
    parts = status.get_payload()
    return parts[0], {group["Final-Recipient"].partition(";")[2].strip(): group for group in parts[1:]}


# --- reports ---------------------------------------------------------------------------------------
def test_remote_mta_is_a_host_where_no_connection_serves(place):
    """RFC 3464 2.3.5: not what we call the way there"""
    serial = place.submit(account(1), "r@away.test", parameters=" REQUIRETLS")
    group = groups(place.report(account(1), serial))[1]["r@away.test"]
    assert group["Status"] == "5.7.10"
    assert group["Remote-MTA"] == "dns; [127.0.0.1]"


def test_bounce(place):
    serial = place.submit(account(1), "refused@away.test")
    report = place.report(account(1), serial)
    assert not report.defects
    assert report["Return-Path"] == "<>"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["To"].addresses[0].addr_spec == account(1)
    assert report["From"].addresses[0].addr_spec == "MAILER-DAEMON@mail.example.org"
    assert report["In-Reply-To"] == f"<{serial}@client.test>"
    assert report["Subject"] == "Your mail could not be delivered: Lunch"
    words, _, original = report.iter_parts()
    assert "There is no such address." in words.get_content()
    assert "550 5.1.1 nobody of that name" in words.get_content()
    about, recipients = groups(report)
    assert about["Reporting-MTA"] == "dns; mail.example.org"
    assert about["Arrival-Date"]
    assert list(recipients) == ["refused@away.test"]
    found = recipients["refused@away.test"]
    assert found["Action"] == "failed" and found["Status"] == "5.1.1"
    assert found["Diagnostic-Code"] == "smtp; 550 5.1.1 nobody of that name"
    assert found["Last-Attempt-Date"]
    assert original.get_content_type() == "text/rfc822-headers"
    assert f"X-Serial: {serial}" in original.get_content() and "At noon?" not in original.get_content()


def test_one_report_for_all_of_a_domain(place):
    names = [f"refused{number}@away.test" for number in range(20)]
    serial = place.submit(account(1), [*names, "taken@away.test"])
    _, recipients = groups(place.report(account(1), serial))
    assert sorted(recipients) == sorted(names)
    outbound.arrived(place.books, serial, "taken@away.test")


def test_what_the_envelope_asked_for(place):
    serial = place.submit(account(2), "refused@away.test", " ENVID=QQ314159+2B+20x RET=FULL",
                          " NOTIFY=FAILURE ORCPT=rfc822;Bob+2Bold@before.test")
    report = place.report(account(2), serial)
    about, recipients = groups(report)
    assert about["Original-Envelope-Id"] == "QQ314159+ x"
    assert recipients["refused@away.test"]["Original-Recipient"] == "rfc822; Bob+old@before.test"
    *_, original = report.iter_parts()
    assert original.get_content_type() == "message/rfc822"
    assert "At noon?" in original.get_payload()[0].get_content()
    serial = place.submit(account(2), "refused@away.test", " RET=HDRS")
    *_, original = place.report(account(2), serial).iter_parts()
    assert original.get_content_type() == "text/rfc822-headers"


def test_notify(place):
    """Who asked not to hear, hears nothing; who asked to hear of success, does."""
    silent = place.submit(account(3), "refused@away.test", "", " NOTIFY=NEVER")
    other = place.submit(account(3), "refused@away.test", "", " NOTIFY=SUCCESS")
    relayed = place.submit(account(3), "bob@mute.test", "", " NOTIFY=SUCCESS,FAILURE")
    passed = place.submit(account(3), "bob@away.test", "", " NOTIFY=SUCCESS")
    delivered = place.submit(account(3), account(4), "", " NOTIFY=SUCCESS")
    _, recipients = groups(place.report(account(3), relayed))
    assert recipients["bob@mute.test"]["Action"] == "relayed" and recipients["bob@mute.test"]["Status"][0] == "2"
    _, recipients = groups(place.report(account(3), delivered))
    assert recipients[account(4)]["Action"] == "delivered"
    entry = outbound.arrived(place.books, passed, "bob@away.test")[0]
    assert "NOTIFY=SUCCESS" in entry.recipient_options  # the next server reports
    heard = {mail["References"] for mail in place.mails(account(3))}
    assert heard == {f"<{relayed}@client.test>", f"<{delivered}@client.test>"}, (silent, other)


def test_delay(place):
    place.late.add("late@away.test")
    serial = place.submit(account(5), "late@away.test")
    report = place.report(account(5), serial)
    _, recipients = groups(report)
    found = recipients["late@away.test"]
    assert found["Action"] == "delayed" and found["Will-Retry-Until"]
    assert found["Status"] == "4.2.0" and "450 4.2.0 not now" in found["Diagnostic-Code"]
    assert report["Subject"] == "Your mail is delayed: Lunch"
    place.late.clear()
    outbound.arrived(place.books, serial, "late@away.test")
    time.sleep(1)
    assert len(place.mails(account(5))) == 1  # warned once, and no bounce


@pytest.mark.parametrize("field, language, hello", [
    (b"Accept-Language: pl, de-AT;q=0.8, en;q=0.5\r\n", "de", "Guten Tag,"),
    (b"Content-Language: fr\r\n", "fr", "Bonjour,"),
    (b"Content-Language: pl\r\n", "en", "Hello,")])
def test_language(place, field, language, hello):
    report = place.report(account(6), place.submit(account(6), "refused@away.test", fields=field))
    words, *_ = report.iter_parts()
    assert words["Content-Language"].split(",")[0] == language
    assert words.get_content().startswith(hello)
    assert "Hello," in words.get_content()


def test_utf8(place):
    """RFC 6533: who sent internationalised mail can read an internationalised report."""
    serial = place.submit(account(7), "refused-é@away.test", " SMTPUTF8 BODY=8BITMIME",
                          fields="X-Menu: crème brûlée\r\n".encode())
    report = place.report(account(7), serial)
    assert report.get_param("report-type") == "global-delivery-status"
    raw = report.as_bytes(policy=email.policy.SMTPUTF8)
    assert "Final-Recipient: utf-8; refused-é@away.test\r\n".encode() in raw
    assert "X-Menu: crème brûlée\r\n".encode() in raw


def test_no_bounce_of_a_bounce(place):
    """A stranger's mail that an alias sends on, to where it is refused: the report to the stranger is
    refused as well, and the postmaster hears of it, once."""
    serial = f"double{time.monotonic_ns():x}"
    with place.instance.smtp() as client:
        client.ehlo()
        client.envelope("refused-sender@away.test", "away@example.org")
        client.data(message.make(random.Random(1), serial), 250)
    (report,) = wait.until(lambda: place.mails(POSTMASTER), 20, f"the postmaster hears{place.instance.log_tail()}")
    assert report["Subject"].startswith("A report that could not be delivered: ")
    _, recipients = groups(report)
    assert list(recipients) == ["refused-sender@away.test"]
    time.sleep(1)
    assert len(place.mails(POSTMASTER)) == 1
    assert not place.books.of(serial)


def test_reports_are_signed(place):
    place.instance.control("dkim", "create", "example.org")
    place.instance.control("dkim", "show", "example.org")
    serial = place.submit(account(8), "refused@away.test")
    report = place.report(account(8), serial)
    if report["DKIM-Signature"] is None:  # the key was looked for before it was made
        place.instance.signal(1)

        def signed():
            again = place.report(account(8), place.submit(account(8), "refused@away.test"))
            return again["DKIM-Signature"] and again
        report = wait.until(signed, 30, "the key is found", pause=1)
    assert "d=example.org;" in report["DKIM-Signature"].replace(" ", "") + ";"


# --- events ----------------------------------------------------------------------------------------
def is_signed(headers, body):
    key = base64.b64decode(SECRET[len("whsec_"):])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == wanted


def test_webhook(place):
    """A mail's way as events, in order; the signature is right; a receiver in trouble loses nothing."""
    place.late.add("webhook-late@away.test")
    place.receiver.refuse = 2
    place.submit(account(1), ["refused-webhook@away.test", "webhook@away.test", "webhook-late@away.test"])
    (bounced,) = place.receiver.wait_for("mail.bounced", recipient="refused-webhook@away.test")
    (delivered,) = place.receiver.wait_for("mail.delivered", recipient="webhook@away.test")
    deferred = place.receiver.wait_for("mail.deferred", recipient="webhook-late@away.test")[0]
    place.late.clear()
    place.receiver.wait_for("mail.delivered", recipient="webhook-late@away.test")
    data = bounced["data"]
    assert data["code"] == 550 and data["status"] == "5.1.1" and "nobody of that name" in data["text"]
    assert data["sender"] == data["account"] == account(1) and data["size"] > 200 and data["attempts"] == 1
    assert deferred["data"]["code"] == 450
    mail = [e for e in place.receiver.events() if e["data"].get("id") == data["id"]]
    assert mail[0]["type"] == "mail.accepted"
    assert {e["data"]["id"] for e in (delivered, deferred)} == {data["id"]}
    requests = place.receiver.taken()
    assert all(is_signed(*request) for request in requests)
    assert all(headers["Content-Type"] == "application/json" for headers, _ in requests)
    assert all(abs(int(headers["webhook-timestamp"]) - time.time()) < 120 for headers, _ in requests)
    ids = [headers["webhook-id"] for headers, _ in requests]
    assert len(ids) == len(set(ids)) + 2  # the refused one came again, as the same request
    repeated = [body for headers, body in requests if ids.count(headers["webhook-id"]) == 3]
    assert len(repeated) == 3 and len(set(repeated)) == 1


BOUNCE = b"""\
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It did not work out.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.elsewhere.test

Final-Recipient: rfc822; lost@elsewhere.test
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 full

--b--
"""
COMPLAINT = b"""\
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b

Somebody pressed the button.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Mail-From: <user0002@example.org>
Original-Rcpt-To: annoyed@elsewhere.test
Reporting-MTA: dns; fbl.elsewhere.test

--b--
"""


@pytest.mark.parametrize("sender, raw, kind, told", [
    ("", BOUNCE, "mail.reported", {"account": account(2), "sender": account(2), "recipient": "lost@elsewhere.test",
                                   "host": "mx.elsewhere.test", "code": 552, "status": "5.2.2", "text": "full"}),
    ("fbl@elsewhere.test", COMPLAINT, "mail.complaint", {"account": account(2), "sender": account(2), "text": "abuse",
                                                         "recipient": "annoyed@elsewhere.test", "host": "fbl.elsewhere.test"})])
def test_reports_of_others(place, sender, raw, kind, told):
    with place.instance.smtp() as client:
        client.ehlo()
        client.envelope(sender, account(2))
        client.data(raw.replace(b"\n", b"\r\n"), 250)
    (event,) = place.receiver.wait_for(kind)
    assert event["data"] == told


def test_stream_of_events(place):
    url = place.instance.admin_url.rstrip("/") + "/events?types=mail.bounced"
    with urllib.request.urlopen(url, timeout=60) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        place.submit(account(1), ["refused-stream@away.test", "stream@away.test"])
        while not (line := stream.readline()).startswith(b"data: "):
            pass
    event = json.loads(line[len(b"data: "):])
    assert event["type"] == "mail.bounced" and event["data"]["recipient"] == "refused-stream@away.test"


def test_webhook_over_tls(place, tmp_path):
    """A receiver with a good certificate is told; one with another's is not."""
    ours, others = (authority.Authority(tmp_path / name, name) for name in ("ours", "others"))
    good, bad = Receiver(ours.issue("localhost").context()), Receiver(others.issue("localhost").context())
    settings = {**place.instance.settings, "tls.authority": str(ours.path), "webhook.urls": f'["{bad.url}", "{good.url}"]'}
    instance = instances.Instance(tmp_path / "tls", settings=settings)
    try:
        instance.start()
        outbound.submit(instance, "tls@away.test", message.make(random.Random(3), "tls", sender=account(1)))
        good.wait_for("mail.delivered", recipient="tls@away.test")
        assert all(is_signed(*request) for request in good.taken())
        wait.until(lambda: "event=webhook.trouble" in (instance.directory / "ringmaild.log").read_text(), 10, "trouble is told")
        instance.stop()
        assert bad.taken() == []
    finally:
        good.close()
        bad.close()


def test_bounce_after_a_crash(place, tmp_path):
    """The sink refuses while the server is killed again and again: each sender hears of each mail at least once."""
    instance = instances.Instance(tmp_path / "crash", settings={**place.instance.settings, "webhook.urls": "[]"})
    instance.start()
    serials = []
    for burst in range(3):
        with outbound.submission(instance, account(1)) as client:
            for number in range(15):
                serials.append(f"crash{burst}-{number}x{time.monotonic_ns():x}")
                client.command(f"MAIL FROM:<{account(1)}>", 250)
                client.command(f"RCPT TO:<refused{number}@away.test>", 250)
                client.data(message.make(random.Random(number), serials[-1], sender=account(1)), 250)
        instance.crash()
        instance.start()
    def missing():
        told = {report.serial for report in outbound.reports(instance)}
        return [serial for serial in serials if serial not in told]
    wait.until(lambda: not missing(), 30, f"every bounce arrives; missing: {missing()}")
    instance.stop()


def test_dead_receiver(place, tmp_path):
    """Nobody listens at the url: mail goes its way, and the server stops in time."""
    settings = {**place.instance.settings, "webhook.urls": '["http://127.0.0.1:1/"]', "queue.postmaster": ""}
    instance = instances.Instance(tmp_path / "dead", settings=settings)
    instance.start()
    serial = f"dead{time.monotonic_ns():x}"
    outbound.submit(instance, "dead@away.test", message.make(random.Random(2), serial, sender=account(1)))
    outbound.arrived(place.books, serial, "dead@away.test")
    began = time.monotonic()
    instance.stop()
    assert time.monotonic() - began < 30
    assert "event=webhook.trouble" in (instance.directory / "ringmaild.log").read_text()
