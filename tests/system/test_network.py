# SPDX-License-Identifier: GPL-3.0-or-later
"""Where connections come from: proxies that are believed, sockets that systemd holds."""
import ipaddress
import signal
import socket
import struct
import subprocess

import pytest

from lab import maildir, smtp, wait
from lab.instance import BUILD, account

pytestmark = pytest.mark.sanitized
PROXY = "127.0.0.2"
MAIL = b"Subject: from afar\r\n\r\nfrom afar\r\n"


def version_2(command, client=None):
    """The binary header of the PROXY protocol."""
    head = b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x20 | command])
    if not client:
        return head + b"\0" + struct.pack("!H", 0)
    ip = ipaddress.ip_address(client)
    here = ipaddress.ip_address("192.0.2.1" if ip.version == 4 else "2001:db8::1")
    addresses = ip.packed + here.packed + struct.pack("!HH", 40000, 25)
    extra = b"\x04\x00\x03abc"  # a TLV that nobody needs to know
    return head + bytes([0x11 if ip.version == 4 else 0x21]) + struct.pack("!H", len(addresses + extra)) + addresses + extra


@pytest.fixture
def server(make_instance):
    return make_instance(users=2, settings={"listen.proxies": f"{PROXY}/32"})


def through(server, header, source=PROXY):
    client = smtp.Smtp.__new__(smtp.Smtp)
    client.socket = socket.create_connection(("127.0.0.1", server.smtp_port), timeout=60, source_address=(source, 0))
    client.pending = b""
    client.socket.sendall(header)
    return client


@pytest.mark.parametrize("header, shown", [
    (b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\n", b"[198.51.100.7]"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n", b"[IPv6:2001:db8::7]"),
    (b"PROXY UNKNOWN\r\n", b"[127.0.0.2]"),
    (version_2(1, "198.51.100.8"), b"[198.51.100.8]"),
    (version_2(1, "2001:db8::8"), b"[IPv6:2001:db8::8]"),
    (version_2(0), b"[127.0.0.2]"),
], ids=["1-ipv4", "1-ipv6", "1-unknown", "2-ipv4", "2-ipv6", "2-local"])
def test_proxy_header_is_believed_from_the_proxy(server, header, shown):
    with through(server, header) as client:
        client.expect(220)
        client.ehlo()
        client.deliver("s@example.net", [account(1)], MAIL)
    (raw,) = maildir.messages(server.maildir(account(1))).values()
    assert b"(" + shown + b")" in raw or b" " + shown in raw or b"(" + shown in raw, raw[:400]


@pytest.mark.parametrize("header", [b"EHLO x\r\n", b"PROXY TCP4 nonsense\r\n", b"PROXY " + b"x" * 200 + b"\r\n",
                                    version_2(1)[:13] + b"\x11\xff\xff", b"PROXY TCP4 1.2.3.4 1.2.3.4 99999 25\r\n"])
def test_what_is_no_header_is_refused(server, header):
    with through(server, header) as client:
        client.socket.shutdown(socket.SHUT_WR)
        assert b"220" not in drain(client)
    server.smtp().close()


def drain(client):
    received = b""
    try:
        while data := client.socket.recv(4096):
            received += data
    except ConnectionError:
        pass
    return received


def test_strangers_are_not_believed(server):
    with through(server, b"", source="127.0.0.3") as client:
        client.expect(220)
        assert client.command("PROXY TCP4 198.51.100.7 192.0.2.1 40000 25").code >= 500
        client.ehlo()
        client.deliver("s@example.net", [account(1)], MAIL)
    (raw,) = maildir.messages(server.maildir(account(1))).values()
    assert b"127.0.0.3" in raw and b"198.51.100.7" not in raw


@pytest.mark.timeout(60)
def test_socket_activation(make_instance):
    """A socket that somebody else holds: who connects while no server runs is served when one does."""
    instance = make_instance(users=1)
    instance.stop()
    with socket.create_server(("127.0.0.1", instance.smtp_port), backlog=16) as held:
        early = smtp.Smtp("127.0.0.1", instance.smtp_port, greet=False)
        command = f'exec 3<&{held.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        log = open(instance.directory / "ringmaild.log", "ab")
        for _ in range(2):  # and again: the socket outlives the server
            process = subprocess.Popen(["bash", "-c", command, "-", str(BUILD / "ringmaild"), "--config", instance.config],
                                       pass_fds=(held.fileno(),), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            try:
                early.expect(220)
                early.ehlo()
                early.deliver("s@example.net", [account(1)], MAIL)
                early.close()
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0
            early = smtp.Smtp("127.0.0.1", instance.smtp_port, greet=False)
        early.close()
    assert len(maildir.files(instance.maildir(account(1)))) == 2


def test_peer_that_vanishes(make_instance):
    """Connections reset in every phase leave nothing behind."""
    server = make_instance(users=1)
    before = server.sockets()
    for number in range(60):
        client = server.smtp()
        client.ehlo()
        for line in ["MAIL FROM:<s@example.net>", f"RCPT TO:<{account(1)}>", "DATA"][:number % 4]:
            client.command(line)
        client.send(b"Subject: half\r\n\r\n" if number % 4 == 3 else b"NO")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    wait.until(lambda: server.sockets() <= before, 10, "all sockets are closed")
    assert maildir.files(server.maildir(account(1))) == []
