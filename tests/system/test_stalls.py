# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that stops in the middle, at every point: it is let go in time, and nobody else notices."""
import contextlib
import random
import socket
import time

import pytest

from lab import imap, instance as instances, message, smtp
from lab.instance import PASSWORD, account

pytestmark = pytest.mark.sanitized

SHORT = {"smtp.command_timeout": "2s", "smtp.data_timeout": "2s", "smtp.message_timeout": "6s", "smtp.tls_timeout": "2s",
         "imap.login_timeout": "5s"}
STALLERS = 10            # at each point, all at once
ENDS_WITHIN_S = 45       # every timeout above, and patience with a busy machine
HANDSHAKE_ENDS_WITHIN_S = 90
OTHERS_WITHIN_S = 2.0    # a whole delivery and its reading, meanwhile
CLIENT_HELLO_BEGINS = bytes.fromhex("16030100f4010000f00303")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = instances.Instance(tmp_path_factory.mktemp("stalls") / "i", users=40, settings=SHORT).start()
    yield server
    server.stop()


def smtp_client(server, *lines, then=b""):
    client = server.smtp()
    client.ehlo()
    for line in lines:
        client.command(line)
    client.send(then)
    return client


def to(number):
    return f"RCPT TO:<{account(number)}>"


FROM = "MAIL FROM:<s@example.net>"
SMTP_POINTS = {
    "connected": lambda server: server.smtp(greet=False),
    "greeted": lambda server: server.smtp(),
    "half a verb": lambda server: smtp_client(server, then=b"MAI"),
    "half a line": lambda server: smtp_client(server, then=b"MAIL FROM:<s@exam"),
    "line without LF": lambda server: smtp_client(server, then=b"NOOP\r"),
    "after MAIL": lambda server: smtp_client(server, FROM),
    "after RCPT": lambda server: smtp_client(server, FROM, to(1)),
    "after DATA": lambda server: smtp_client(server, FROM, to(1), "DATA"),
    "in the header": lambda server: smtp_client(server, FROM, to(1), "DATA", then=b"Subject: st"),
    "in the body": lambda server: smtp_client(server, FROM, to(1), "DATA", then=b"Subject: s\r\n\r\nbody\r\n" * 500),
    "before the dot": lambda server: smtp_client(server, FROM, to(1), "DATA", then=b"Subject: s\r\n\r\nbody\r\n"),
    "in the ending": lambda server: smtp_client(server, FROM, to(1), "DATA", then=b"Subject: s\r\n\r\nbody\r\n.\r"),
    "in a chunk": lambda server: smtp_client(server, FROM, to(1), then=b"BDAT 1000 LAST\r\nSubject: s"),
    "between chunks": lambda server: smtp_client(server, FROM, to(1), then=b"BDAT 4\r\nSubj"),
    "before the handshake": lambda server: smtp_client(server, "STARTTLS"),
    "in the handshake": lambda server: smtp_client(server, "STARTTLS", then=CLIENT_HELLO_BEGINS),
}


def imap_client(server, *lines, address=None, then=b""):
    client = server.imap(address)
    for line in lines:
        client.try_command(line)
    client.send(then)
    return client


def imaps_client(server, then=b""):
    client = imap.Imap("127.0.0.1", server.imaps_port, greet=False)
    client.send(then)
    return client


# Before login everything ends with imap.login_timeout.
IMAP_POINTS = {
    "connected": lambda server: server.imap(greet=False),
    "greeted": lambda server: server.imap(),
    "half a line": lambda server: imap_client(server, then=b"a LOG"),
    "half a login": lambda server: imap_client(server, then=b'a LOGIN "user0001@example.org'),
    "in a literal before login": lambda server: imap_client(server, then=b"a LOGIN {20+}\r\nuser"),
    "literal not sent": lambda server: imap_client(server, then=b"a LOGIN {20}\r\n"),
    "in AUTHENTICATE": lambda server: imap_client(server, then=b"a AUTHENTICATE PLAIN\r\n"),
    "before the handshake": lambda server: imap_client(server, "STARTTLS"),
    "in the handshake": lambda server: imap_client(server, "STARTTLS", then=CLIENT_HELLO_BEGINS),
}
# The listener's own limit for a handshake under implicit TLS is longer; these begin first and are looked at last.
IMPLICIT_POINTS = {
    "implicit TLS, silent": lambda server: imaps_client(server),
    "implicit TLS, begun": lambda server: imaps_client(server, CLIENT_HELLO_BEGINS),
}
# After login RFC 3501 5.4 gives a client 30 minutes: it stays, and costs the others nothing.
IMAP_LASTING_POINTS = {
    "selected": lambda server: imap_client(server, "SELECT INBOX", address=account(2)),
    "idle": lambda server: imap_client(server, "SELECT INBOX", address=account(2), then=b"a IDLE\r\n"),
    "half a command": lambda server: imap_client(server, "SELECT INBOX", address=account(2), then=b"a UID FET"),
    "in a literal": lambda server: imap_client(server, address=account(2), then=b"a APPEND INBOX {1000+}\r\nSubject: st"),
    "append not sent": lambda server: imap_client(server, address=account(2), then=b"a APPEND INBOX {1000}\r\n"),
    "answers not read": lambda server: imap_client(server, "SELECT INBOX", address=account(3),
                                                   then=b"".join(b"f%d FETCH 1:* BODY[]\r\n" % n for n in range(50))),
}


def others_are_served(server, number=30):
    """A delivery and its reading on connections of their own."""
    started = time.monotonic()
    serial = f"others{time.monotonic_ns()}"
    with server.smtp() as sender:
        sender.ehlo()
        sender.deliver("s@example.net", [account(number)], message.make(random.Random(serial), serial, 2000))
    with server.imap(account(number)) as reader:
        exists = reader.select()["exists"]
        got = reader.fetch(exists, "(BODY.PEEK[])", uid=False)[0]["BODY[]"]
    assert message.serial_of(got) == serial
    took = time.monotonic() - started
    assert took < OTHERS_WITHIN_S, f"others waited {took:.2f} s"


class Stalled:
    """STALLERS clients at each point of a table, all at the same time; they stall until closed."""

    def __init__(self, server, points, seconds=ENDS_WITHIN_S):
        self.clients = {point: [begin(server) for _ in range(STALLERS)] for point, begin in points.items()}
        self.deadline = time.monotonic() + seconds

    def assert_let_go(self, point):
        kept = [client for client in self.clients[point]
                if not client.is_closed_by_peer(max(0.1, self.deadline - time.monotonic()))]
        assert not kept, f"{len(kept)} of {STALLERS} stalled clients were kept"

    def close(self):
        for clients in self.clients.values():
            for client in clients:
                client.close()


@pytest.fixture(scope="module", autouse=True)
def stalled_implicit(server):
    with contextlib.closing(Stalled(server, IMPLICIT_POINTS, HANDSHAKE_ENDS_WITHIN_S)) as stalled:
        yield stalled


@pytest.fixture(scope="module")
def stalled_smtp(server):
    with contextlib.closing(Stalled(server, SMTP_POINTS)) as stalled:
        others_are_served(server)
        yield stalled


@pytest.fixture(scope="module")
def stalled_imap(server):
    with contextlib.closing(Stalled(server, IMAP_POINTS)) as stalled:
        others_are_served(server)
        yield stalled


@pytest.mark.parametrize("point", SMTP_POINTS)
def test_smtp_stall(server, stalled_smtp, point):
    others_are_served(server)
    stalled_smtp.assert_let_go(point)


@pytest.mark.parametrize("point", IMAP_POINTS)
def test_imap_stall_before_login(server, stalled_imap, point):
    others_are_served(server)
    stalled_imap.assert_let_go(point)


@pytest.mark.parametrize("point", IMAP_LASTING_POINTS)
def test_imap_stall_after_login(server, point):
    if point == "answers not read":
        fill(server, account(3))
    begin = IMAP_LASTING_POINTS[point]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(begin(server)) for _ in range(STALLERS)]
        for _ in range(3):
            others_are_served(server)
            time.sleep(0.1)
        # The very account a stalled client has open is served too, by another session.
        others_are_served(server, 2)
        if point == "answers not read":
            others_are_served(server, 3)
        assert not clients[0].is_closed_by_peer(0.1)


def fill(server, address):
    with server.imap(address) as client:
        if client.select()["exists"] < 5:
            for number in range(5):
                client.append("INBOX", message.make(random.Random(number), f"big{number}", 200_000))


def test_smtp_slow_sender_is_bounded(server):
    """A byte now and then satisfies data_timeout but not message_timeout."""
    with smtp_client(server, FROM, to(1), "DATA", then=b"Subject: slow\r\n\r\n") as client:
        started = time.monotonic()
        with pytest.raises((OSError, smtp.Closed)):
            while time.monotonic() - started < 60:
                client.send(b"x")
                client.socket.settimeout(0.5)
                with contextlib.suppress(socket.timeout):
                    reply = client.reply()
                    assert reply.code in (421, 451)
                    raise smtp.Closed
        assert 4 < time.monotonic() - started < 45


def test_smtp_answers_not_read(server):
    """A client that sends and never reads: the server stops reading from it, and in the end lets it go."""
    client = server.smtp()
    client.ehlo()
    client.socket.settimeout(1)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 64 << 20:
            sent += client.socket.send(b"NOOP\r\n" * 10_000)
    assert sent < 64 << 20, "the server reads on although its answers are not taken"
    others_are_served(server)
    client.close()


def test_login_storm_does_not_delay_mail(server):
    """Password hashes are computed on workers: 200 logins at once, and a delivery goes through."""
    clients = [server.imap() for _ in range(100)]
    for number, client in enumerate(clients):
        client.send(f"a LOGIN {account(5 + number % 20)} {PASSWORD}\r\n".encode())
    started = time.monotonic()
    with server.smtp() as sender:
        sender.ehlo()
        sender.deliver("s@example.net", [account(1)], b"Subject: storm\r\n\r\nstorm\r\n")
    assert time.monotonic() - started < OTHERS_WITHIN_S
    for client in clients:
        assert client.finish(b"a").status == "OK"
        client.close()


@pytest.mark.parametrize("point", IMPLICIT_POINTS)
def test_implicit_tls_stall(server, stalled_implicit, point):
    others_are_served(server)
    stalled_implicit.assert_let_go(point)
