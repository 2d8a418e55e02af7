# SPDX-License-Identifier: GPL-3.0-or-later
"""Each limit met through the wire, and what tries to get around them: the answer is a clear refusal,
the server stays in step (or closes), and nothing is delivered that should not be."""
import os
import re
import socket
import time

import pytest

from lab import imap, instance as instances, maildir, smtp
from lab.instance import PASSWORD, account

pytestmark = pytest.mark.sanitized

SMTP_SIZE_MAX = 1 << 20
APPEND_SIZE_MAX = 256 << 10


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"smtp.size_max": SMTP_SIZE_MAX, "imap.message_size_max": APPEND_SIZE_MAX,
                "login.failure_delay": "10ms", "login.failures_free": 1000, "login.failures_max": 100000}
    server = instances.Instance(tmp_path_factory.mktemp("limits") / "i", users=60, settings=settings).start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def still_serves(server):
    """After each test: the same process is there and serves."""
    pid = server.pid
    yield
    assert server.is_running() and server.pid == pid, server.log_tail()
    with server.smtp() as client:
        client.ehlo()
        assert client.command("NOOP").code == 250


@pytest.fixture
def mail_client(server):
    with server.smtp() as client:
        client.keywords = client.ehlo()
        yield client


def in_step(client):
    """The next command gets its own answer."""
    assert client.command("NOOP").code == 250
    client.socket.settimeout(0.2)
    with pytest.raises((socket.timeout, TimeoutError)):
        client.read_line()
    client.socket.settimeout(20)


# --- SMTP: sizes and counts ---------------------------------------------------------------------------
@pytest.mark.parametrize("size", [3000, 20_000, 200_000])
def test_smtp_command_line_too_long(mail_client, size):
    reply = mail_client.command("NOOP " + "x" * size)
    assert reply.code == 500 and reply.text.startswith("5.5.")
    in_step(mail_client)


@pytest.mark.parametrize("path", ["x" * 300 + "@example.org", "x@" + "y" * 300 + ".org"])
def test_smtp_path_too_long(mail_client, path):
    assert 500 <= mail_client.command(f"MAIL FROM:<{path}>").code <= 559
    mail_client.command("MAIL FROM:<sender@example.net>", 250)
    assert 500 <= mail_client.command(f"RCPT TO:<{path}>").code <= 559
    in_step(mail_client)


def test_smtp_size_is_announced_and_refused(mail_client):
    assert mail_client.keywords["SIZE"] == str(SMTP_SIZE_MAX)
    reply = mail_client.command(f"MAIL FROM:<s@example.net> SIZE={SMTP_SIZE_MAX + 1}")
    assert reply.code == 552 and reply.text.startswith("5.3.4")
    mail_client.command(f"MAIL FROM:<s@example.net> SIZE={SMTP_SIZE_MAX}", 250)
    in_step(mail_client)


@pytest.mark.parametrize("way", ["DATA", "BDAT", "BDAT in one"])
def test_smtp_message_too_large(server, mail_client, way):
    address = server.fresh_account()
    mail = b"Subject: too large\r\n\r\n" + b"0123456789abcdef\r\n" * (SMTP_SIZE_MAX // 18 + 10)
    mail_client.envelope("s@example.net", address)
    if way == "DATA":
        reply = mail_client.data(mail)
    elif way == "BDAT":
        for start in range(0, len(mail), 100_000):
            chunk = mail[start:start + 100_000]
            last = b" LAST" if start + len(chunk) == len(mail) else b""
            mail_client.send(b"BDAT %d%s\r\n" % (len(chunk), last) + chunk)
            reply = mail_client.reply()
            if reply.code != 250:
                break
    else:
        mail_client.send(b"BDAT %d LAST\r\n" % len(mail) + mail)
        reply = mail_client.reply()
    assert reply.code == 552 and reply.text.startswith("5.3.4")
    assert maildir.files(server.maildir(address)) == []
    mail_client.command("RSET", 250)
    in_step(mail_client)


def test_smtp_bdat_of_absurd_size(server, mail_client):
    mail_client.envelope("s@example.net", server.fresh_account())
    mail_client.send(b"BDAT 99999999999999999999\r\n")
    reply = mail_client.reply()
    assert reply.code in (500, 501, 552, 554, 421)
    mail_client.close()


def test_smtp_too_many_recipients(server, mail_client):
    limits = dict(part.split("=") for part in mail_client.keywords["LIMITS"].split())
    most = int(limits["RCPTMAX"])
    address = server.fresh_account()
    mail_client.command("MAIL FROM:<s@example.net>", 250)
    mail_client.send(f"RCPT TO:<{address}>\r\n".encode() * (most + 1))
    codes = [mail_client.reply() for _ in range(most + 1)]
    assert [reply.code for reply in codes[:most]] == [250] * most
    assert codes[most].code == 452 and codes[most].text.startswith("4.5.3")
    assert mail_client.data(b"Subject: many\r\n\r\nonce\r\n").code == 250
    assert len(maildir.files(server.maildir(address))) == 1


def test_smtp_many_mistakes_end_the_session(mail_client):
    codes = []
    try:
        for _ in range(200):
            codes.append(mail_client.command("BOGUS").code)
            if codes[-1] == 421:
                break
    except (smtp.Closed, OSError):
        pass
    assert set(codes) <= {500, 502, 421} and len(codes) < 200, f"{len(codes)} mistakes were put up with"


def test_smtp_loop_is_stopped(server, mail_client):
    address = server.fresh_account()
    mail_client.envelope("s@example.net", address)
    mail = b"Received: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\r\n" * 101 + b"Subject: round\r\n\r\nround\r\n"
    reply = mail_client.data(mail)
    assert reply.code == 554 and reply.text.startswith("5.4.6")
    assert maildir.files(server.maildir(address)) == []
    in_step(mail_client)


@pytest.mark.parametrize("recipient, code, enhanced", [
    ("nobody@example.org", 550, "5.1.1"), ("someone@elsewhere.example.com", 550, "5.7.1"),
    ("user0001@example.org\x01", 501, "5."), ("", 501, "5."), ("@example.org", 501, "5."),
    ("user0001@example.org> SIZE=1 <", 501, "5."), ("user0001@[127.0.0.1", 501, "5.")])
def test_smtp_recipients_that_are_refused(mail_client, recipient, code, enhanced):
    mail_client.command("MAIL FROM:<s@example.net>", 250)
    reply = mail_client.command(f"RCPT TO:<{recipient}>")
    assert reply.text.startswith(enhanced)
    assert reply.code == code or (code == 501 and reply.code in (500, 501, 553, 555)), reply
    assert mail_client.command("DATA").code in (503, 554)
    in_step(mail_client)


@pytest.mark.parametrize("lines, codes", [
    (["RCPT TO:<user0001@example.org>"], [503]), (["DATA"], [503]), (["BDAT 5 LAST\r\nabc"], [503]),
    (["MAIL FROM:<a@example.net>", "MAIL FROM:<b@example.net>"], [250, 503]),
    (["MAIL FROM:<a@example.net> BOGUS=1"], [555]), (["MAIL FROM:<a@example.net> SIZE=x"], [501]),
    (["MAIL FROM:a@example.net extra"], [501]), (["MAIL"], [501]), (["EHLO"], [501]), (["NOOP"], [250]),
    (["VRFY user0001"], [252]), (["EXPN list"], [502]), (["HELP"], [214]), (["STARTTLS now"], [501])])
def test_smtp_order_and_syntax(mail_client, lines, codes):
    for line, code in zip(lines, codes):
        reply = mail_client.command(line)
        assert reply.code == code or {reply.code, code} <= {500, 501, 502, 555}, f"{line}: {reply!r}"
    in_step(mail_client)


# --- SMTP: smuggling ------------------------------------------------------------------------------------
FALSE_ENDS = [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\n.\r", b"\r\r\n.\r\r\n"]


@pytest.mark.parametrize("end", FALSE_ENDS, ids=lambda end: repr(end)[2:-1])
def test_smtp_smuggling(server, end):
    """Only CRLF.CRLF ends data: what follows another ending never becomes a second message."""
    address = server.fresh_account()
    smuggled = (f"MAIL FROM:<admin@example.org>\r\nRCPT TO:<{address}>\r\nDATA\r\n"
                f"Subject: smuggled\r\n\r\nsmuggled\r\n.\r\n").encode()
    with server.smtp() as client:
        client.ehlo()
        client.envelope("s@example.net", address)
        client.command("DATA", 354)
        client.send(b"Subject: outer\r\n\r\nouter" + end + smuggled)
        # The real end is the one inside the smuggled text; one reply belongs to it.
        reply = client.reply()
        assert reply.code == 250 and end == b"\r\n\0.\r\n" or 500 <= reply.code <= 559, reply
        # Nothing of the smuggled transaction was taken as commands: the session has ended, or no MAIL
        # is open in it.
        try:
            assert client.command(f"RCPT TO:<{address}>").code == 503
            in_step(client)
        except (smtp.Closed, ConnectionError):
            pass
    stored = list(maildir.messages(server.maildir(address)).values())
    assert not any(b"Return-Path: <admin@example.org>" in raw for raw in stored)
    assert len(stored) <= 1
    assert not any(raw.startswith(b"Subject: smuggled") or b"\r\nSubject: outer" not in raw for raw in stored)


def test_smtp_dot_stuffing_and_split_ends(server):
    """The true ending is found wherever the packets are cut; leading dots come off, once."""
    address = server.fresh_account()
    body = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\nend\r\n"
    wire = smtp.stuff(body) + b".\r\n"
    for cut in range(len(wire) - 8, len(wire)):
        with server.smtp() as client:
            client.ehlo()
            client.envelope("s@example.net", address)
            client.command("DATA", 354)
            client.send(wire[:cut])
            time.sleep(0.02)
            client.send(wire[cut:])
            client.expect(250)
    stored = list(maildir.messages(server.maildir(address)).values())
    assert len(stored) == 8 and all(raw.endswith(body) for raw in stored)


def test_bdat_may_carry_what_data_may_not(server, mail_client):
    """RFC 3030: BINARYMIME by BDAT carries bare CR, LF and NUL unchanged."""
    address = server.fresh_account()
    mail = b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n" \
           b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) + b"\n.\n\r.\r\n.\r\n"
    mail_client.command("MAIL FROM:<s@example.net> BODY=BINARYMIME", 250)
    mail_client.command(f"RCPT TO:<{address}>", 250)
    mail_client.send(b"BDAT %d LAST\r\n" % len(mail) + mail)
    mail_client.expect(250)
    (raw,) = maildir.messages(server.maildir(address)).values()
    assert raw.endswith(mail)


# --- STARTTLS ---------------------------------------------------------------------------------------------
def test_smtp_starttls_injection(server):
    """Plaintext that came with STARTTLS is never obeyed after the handshake."""
    address = server.fresh_account()
    with server.smtp() as client:
        client.ehlo()
        client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
        reply = client.reply()
        if reply.code != 220:
            assert reply.code >= 400
            return
        try:
            client.socket = server.tls().wrap_socket(client.socket)
        except OSError:
            return  # the plaintext broke the handshake: refused as well
        client.pending = b""
        assert "STARTTLS" not in client.ehlo()
        assert client.command(f"RCPT TO:<{address}>").code == 503
        in_step(client)


def test_smtp_starttls_forgets_what_was_said_in_clear(server):
    with server.smtp() as client:
        client.ehlo()
        client.command("MAIL FROM:<s@example.net>", 250)
        reply = client.command("STARTTLS")
        if reply.code != 220:  # refusing it inside a transaction is right too
            assert reply.code == 503
            return
        client.socket = server.tls().wrap_socket(client.socket)
        client.ehlo()
        assert client.command(f"RCPT TO:<{account(1)}>").code == 503


def test_imap_starttls_injection(server):
    with server.imap() as client:
        client.send(b"a STARTTLS\r\nb CREATE injected\r\n")
        reply = client.finish(b"a")
        if reply.status != "OK":
            return
        try:
            client.socket = server.tls().wrap_socket(client.socket)
        except OSError:
            return
        client.pending = b""
        reply = client.command("CAPABILITY")
        assert not any(b"b " in line[:2] for line in reply.data)
        assert b"STARTTLS" not in b" ".join(reply.data)
        assert client.command("NOOP").data == []


# --- IMAP ---------------------------------------------------------------------------------------------------
def test_imap_password_in_clear_only_where_allowed(make_instance):
    strict = make_instance(users=1, settings={"imap.plaintext_login": "off"})
    with strict.imap() as client:
        assert b"LOGINDISABLED" in b" ".join(client.command("CAPABILITY").data)
        reply = client.try_command(f"LOGIN {account(1)} {PASSWORD}")
        assert reply.status == "NO" and "PRIVACYREQUIRED" in reply.text
        client.starttls(strict.tls())
        assert b"LOGINDISABLED" not in b" ".join(client.command("CAPABILITY").data)
        client.login(account(1), PASSWORD)


def ends_or_bad(client, data):
    """BAD or NO, perhaps with the end of the session; never OK, never silence."""
    try:
        client.send(data)
        line = client.read_response()
    except (imap.Closed, ConnectionError):
        return "closed"
    assert re.match(rb"\S+ (BAD|NO) |\* (BAD|BYE) ", line), line[:200]
    return line


@pytest.mark.parametrize("size", [10_000, 100_000, 3_000_000])
def test_imap_line_before_login(server, size):
    with server.imap() as client:
        ends_or_bad(client, b"a LOGIN " + b"x" * size + b" y\r\n")


@pytest.mark.parametrize("literal", [b"{100000}", b"{100000+}", b"{4294967296}", b"{99999999999999999999}", b"{-1}"])
def test_imap_literal_before_login(server, literal):
    with server.imap() as client:
        ends_or_bad(client, b"a LOGIN " + literal + b"\r\n")


def test_imap_commands_before_login(server):
    with server.imap() as client:
        with pytest.raises((imap.Closed, ConnectionError)):
            for _ in range(1000):
                client.try_command("NOOP")


@pytest.mark.parametrize("command", [
    b"SEARCH " + b"NOT " * 100 + b"ALL", b"SEARCH " + b"(" * 100 + b"ALL" + b")" * 100, b"SEARCH SUBJECT {9999999}",
    b"SEARCH " + b"OR ALL " * 5000 + b"ALL", b"FETCH 1 (" + b"BODY[1] " * 200 + b"FLAGS)",
    b"FETCH 1 BODY[" + b"1." * 100 + b"1]", b"STORE 1 FLAGS (" + b" ".join(b"k%d" % n for n in range(500)) + b")",
    b"FETCH 1:* FLAGS" + b" " * 70_000, b"FETCH 0 FLAGS", b"FETCH 4294967296 FLAGS", b"FETCH 1 BODY[]<0.0>",
    b"UID FETCH 1,,2 FLAGS", b"LIST \"\" " + b"*" * 5000, b"ID (\"a\" \"" + b"x" * 2000 + b"\")",
    b"CREATE \"" + b"x" * 2000 + b"\"", b"BOGUS", b"", b"FETCH", b"UID", b"UID BOGUS", b"STARTTLS"])
def test_imap_commands_beyond_limits_are_refused(server, command):
    address = account(2)
    with server.imap(address) as client:
        client.append("INBOX", b"Subject: one\r\n\r\none\r\n")
        client.select()
        answer = ends_or_bad(client, b"a " + command + b"\r\n")
        if answer != "closed" and not answer.startswith(b"* BYE"):
            assert client.command("NOOP").status == "OK"


def test_imap_append_too_large(server):
    with server.imap(account(3)) as client:
        client.send(b"a APPEND INBOX {%d}\r\n" % (APPEND_SIZE_MAX + 1))
        line = client.read_response()
        assert line.startswith(b"a NO") and b"TOOBIG" in line
        # LITERAL+: the bytes come anyway and are skipped, or the connection is closed.
        mail = b"x" * (APPEND_SIZE_MAX + 1)
        assert b"TOOBIG" in ends_or_bad(client, b"b APPEND INBOX {%d+}\r\n" % len(mail) + mail + b"\r\n")
        assert client.command("STATUS INBOX (MESSAGES)").data == [b"* STATUS INBOX (MESSAGES 0)"]
        client.append("INBOX", b"Subject: fits\r\n\r\n" + b"x" * 70 + b"\r\n")


def test_imap_mistakes_end_the_session(server):
    with server.imap(account(1)) as client:
        with pytest.raises((imap.Closed, ConnectionError)):
            for _ in range(1000):
                assert client.try_command("BOGUS").status == "BAD"


def test_imap_wrong_passwords(server):
    with server.imap() as client:
        replies = []
        with pytest.raises((imap.Closed, ConnectionError)):
            for _ in range(100):
                reply = client.try_command(f"LOGIN {account(4)} wrong")
                assert reply.status == "NO" and "AUTHENTICATIONFAILED" in reply.text
                replies.append(reply)
        assert 3 <= len(replies) <= 20
    with server.imap() as client:  # the same words for an account that is not there
        assert client.try_command("LOGIN nobody@example.org wrong").text == replies[0].text
    with server.imap(account(4)):
        pass  # the right password still works


# --- descriptors and connections ------------------------------------------------------------------------------
def test_many_connections_at_once(server):
    """Far more connections than anybody needs: all greeted or cleanly refused; then all is well."""
    clients = []
    try:
        for _ in range(500):
            clients.append(smtp.Smtp("127.0.0.1", server.smtp_port, greet=False))
        greeted = [client.reply().code for client in clients]
        assert set(greeted) <= {220, 421} and greeted.count(220) >= 100
    finally:
        for client in clients:
            client.close()


@pytest.mark.timeout(60)
def test_descriptors_run_out(make_instance):
    """With few descriptors the surplus waits or is refused, and service comes back when they are free."""
    small = make_instance(users=1, cores=1, settings={"server.descriptors_max": 128})
    assert int(re.search(r"Max open files\s+(\d+)", open(f"/proc/{small.pid}/limits").read())[1]) <= 128
    held = [socket.create_connection(("127.0.0.1", small.smtp_port), timeout=60) for _ in range(200)]
    time.sleep(0.5)
    assert small.is_running()
    for connection in held:
        connection.close()
    deadline = time.monotonic() + 60
    while True:
        try:
            with small.smtp(timeout=20) as client:
                client.ehlo()
                client.deliver("s@example.net", [account(1)], b"Subject: after\r\n\r\nafter\r\n")
                break
        except (OSError, smtp.Closed, AssertionError):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert len(os.listdir(f"/proc/{small.pid}/fd")) < 128
