# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail goes out to Debian's Postfix, Exim and OpenSMTPD, in clear and under TLS, and to Dovecot by LMTP."""
import base64
import random
import re
import subprocess

import pytest

from lab import instance as instances
from lab import maildir, message, outbound, peers, wait
from lab.instance import PASSWORD, account

pytestmark = pytest.mark.timeout(120)
PEERS = {"postfix": peers.Postfix, "exim": peers.Exim, "opensmtpd": peers.OpenSmtpd}
UTF8_USER = "дядя"
BIG_BYTES = 25 << 20
# Debian 12's OpenSMTPD offers STARTTLS and then cannot sign with OpenSSL 3 (its issue 1171): the one real
# server at hand whose TLS never works. Mail must reach it all the same (RFC 7435 3, opportunistic).
NO_TLS = {"opensmtpd"}


class Setting:
    pass


@pytest.fixture(scope="module")
def place(world, tmp_path_factory):
    """An instance, the peers (each with the zones clear.NAME.test and tls.NAME.test), and Dovecot."""
    place = Setting()
    place.world = world
    sender = place.sender = instances.Instance(tmp_path_factory.mktemp("sender") / "i", users=20)
    place.peers = {}
    try:
        for name, kind in PEERS.items():
            if not kind.available():
                continue
            issued = world.authority.issue(f"mx.tls.{name}.test")
            peer = kind(tmp_path_factory.mktemp(name) / name, issued, ("127.0.0.1", sender.port_base))
            place.peers[name] = peer.start()
            world.zone(f"{name}.test", {"clear": "MX 10 mx.clear", "mx.clear": f"A {peer.clear}",
                                        "tls": "MX 10 mx.tls", "mx.tls": f"A {peer.tls}"}, "insecure")
        transports = []
        place.dovecot = None
        if peers.DovecotLmtp.available():
            place.dovecot = peers.DovecotLmtp().start()
            transports = [f"lmtp.test=lmtp:[127.0.0.1]:{place.dovecot.port}", f"socket.test=lmtp:unix:{place.dovecot.socket}"]
        sender.settings.update(world.settings(route__transports=ucl_list(transports), queue__retry_min="1s", remote__final_timeout="60s",
                                              remote__block_timeout="60s", submission__size_max="40M",
                                              store__journal_segment_size="64M", store__journal_segment_count="4"))
        sender.start()
        yield place
        sender.stop()
        assert sender.complaints() == []
    finally:
        if sender.pid and sender.is_running():
            sender.crash()
        for peer in place.peers.values():
            peer.stop()
        if getattr(place, "dovecot", None):
            place.dovecot.stop()


def ucl_list(texts):
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


@pytest.fixture
def sender(place):
    return place.sender


@pytest.fixture(params=list(PEERS))
def peer(request, place):
    if request.param not in place.peers:
        pytest.skip(f"{request.param} is not there (tools/bootstrap test, as root)")
    found = place.peers[request.param]
    found.name = request.param
    return found


def the_mail(peer, serial, seconds=20):
    def look():
        return [raw for raw in peer.messages() if message.serial_of(raw) == serial]
    try:
        found = wait.until(look, seconds, f"{serial} is delivered", pause=0.05)
    except AssertionError as reason:
        raise AssertionError(f"{reason}\n{peer.log()[-2000:]}") from reason
    assert len(found) == 1, f"{len(found)} copies"
    return found[0]


def swaks(sender, user, recipients, path, *options):
    done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(sender.submission_port), "--tls", "--auth", "PLAIN",
                           "--auth-user", user, "--auth-password", PASSWORD, "--ehlo", "client.example.org",
                           "--from", user, "--to", ",".join(recipients), "--data", f"@{path}", "--suppress-data", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, text[-3000:]
    return text


@pytest.mark.parametrize("way", ["clear", "tls"])
def test_swaks_to_a_peer(place, peer, way, tmp_path, seed):
    """Submitted by swaks, delivered with the very body; the peer says how it came."""
    serial, mail = place.world.mail(f"bob@{way}.{peer.name}.test", 20_000, seed)
    (tmp_path / "mail").write_bytes(mail[:-2])  # swaks ends the last line
    swaks(place.sender, account(1), [f"bob@{way}.{peer.name}.test"], tmp_path / "mail")
    raw = the_mail(peer, serial)
    assert message.is_whole(raw)
    received = message.split(raw)[0].decode().partition("by mx.")[2].partition("Received:")[0]
    under_tls = re.search(r"with (UTF8)?E?SMTPS|using TLS|\(TLS", received, re.I) is not None
    assert under_tls == (way == "tls" and peer.name not in NO_TLS), received
    assert f"<{account(1)}>".encode() in raw.partition(b"\r\n")[0] or b"Return-" in raw or peer.name == "opensmtpd"


def test_eight_bit_arrives_byte_for_byte(place, peer):
    """All three offer 8BITMIME: lines of bytes above 127 and long lines stay what they are."""
    serial, mail = place.world.mail()
    head, _ = message.split(mail)
    head = head.replace(b"charset=us-ascii", b"charset=utf-8\r\nContent-Transfer-Encoding: 8bit")
    head = re.sub(rb"X-Check: .*\r\n", b"", head)
    body = ("Grüße aus Köln\r\n.\r\n..\r\nпривет\r\n" + "ü" * 490 + "\r\n").encode() + bytes(range(128, 256)) + b"\r\nend \t\r\n"
    outbound.submit(place.sender, f"bob@clear.{peer.name}.test", head + body, parameters=" BODY=8BITMIME")
    assert message.split(the_mail(peer, serial))[1] == body


def test_utf8_addresses(place, peer):
    """SMTPUTF8 where it is offered; a bounce where it is not (RFC 6531 3.5: 5.6.7)."""
    recipient = f"{UTF8_USER}@clear.{peer.name}.test"
    serial, mail = place.world.mail(subject="привет", sender=account(2))
    with outbound.submission(place.sender, account(2)) as client:
        assert "SMTPUTF8" in client.features
        client.command(f"MAIL FROM:<{account(2)}> SMTPUTF8 BODY=8BITMIME", 250)
        client.command(f"RCPT TO:<{recipient}>", 250)
        client.data(mail, 250)
    if "smtputf8" in peer.features:
        raw = the_mail(peer, serial)
        assert UTF8_USER.encode() in raw and "Subject: привет".encode() in raw
    else:
        report = outbound.the_report(place.sender, serial, account(2))
        (told,) = report.recipients
        assert told["action"] == "failed" and told["status"] in ("5.6.7", "5.6.9"), told
        assert not [raw for raw in peer.messages() if message.serial_of(raw) == serial]


@pytest.mark.parametrize("peer", ["postfix", "exim"], indirect=True)  # OpenSMTPD offers DSN and never reports success
def test_reports_are_passed_on(place, peer):
    """RFC 3461 5.2.1: the peer offers DSN, so NOTIFY and ENVID go to it, and the report is the peer's."""
    address = account({"postfix": 3, "exim": 4}[peer.name])
    serial, mail = place.world.mail(sender=address)
    outbound.submit(place.sender, f"bob@clear.{peer.name}.test", mail, sender=address, parameters=f" ENVID={serial} RET=HDRS",
                    recipient_parameters=f" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+40clear.{peer.name}.test")
    the_mail(peer, serial)
    raw = wait.until(lambda: next((raw for raw in maildir.messages(place.sender.maildir(address)).values()
                                   if outbound.is_report(raw)), None), 20, f"{peer.name} reports", pause=0.1)
    report = outbound.Report(raw)
    assert f"mx.{peer.name}.test" in report.fields["reporting-mta"]
    assert report.fields["original-envelope-id"] == serial
    assert set(report.actions().values()) <= {"delivered", "relayed", "success"}, report.recipients


@pytest.mark.parametrize("peer, way", [("postfix", "clear"), ("postfix", "tls"), ("exim", "clear"), ("opensmtpd", "clear")],
                         indirect=["peer"])
def test_25_mib_is_byte_identical(place, peer, way, seed):
    serial, mail = place.world.mail(size=100)
    head, _ = message.split(mail)
    body = base64.encodebytes(random.Random(seed).randbytes(BIG_BYTES * 3 // 4)).replace(b"\n", b"\r\n")
    head = re.sub(rb"X-Check: .*\r\n", b"", head)
    outbound.submit(place.sender, f"bob@{way}.{peer.name}.test", head + body)
    is_identical = message.split(the_mail(peer, serial, 40))[1] == body
    assert is_identical


@pytest.mark.parametrize("domain", ["lmtp.test", "socket.test"])
def test_lmtp_to_dovecot(place, domain, seed):
    """Over a port and over a Unix socket; each recipient has an answer of its own (RFC 2033 4.2)."""
    if not place.dovecot:
        pytest.skip("dovecot-lmtpd is not installed")
    serial, mail = place.world.mail(size=30_000, seed=seed)
    recipients = [f"anna@{domain}", f"bert@{domain}"]
    outbound.submit(place.sender, recipients, mail)
    for recipient in recipients:
        (raw,) = wait.until(lambda: [raw for raw in place.dovecot.messages(recipient) if message.serial_of(raw) == serial], 15,
                            f"{recipient} has it", pause=0.05)
        assert message.is_whole(raw)
        assert f"Return-Path: <{account(1)}>".encode() in raw
