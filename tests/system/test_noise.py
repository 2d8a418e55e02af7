# SPDX-License-Identifier: GPL-3.0-or-later
"""Dialogues with random damage, cut off anywhere: the server stays, and keeps nothing of them."""
import random
import socket
import threading

import pytest

from lab import wait
from lab.instance import account

pytestmark = pytest.mark.sanitized
CLIENTS = 4
DIALOGUES = 250  # of each client
MAIL = b"From: a@example.net\r\nSubject: noise\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n"
SMTP = [b"EHLO client.example.net\r\n", b"MAIL FROM:<a@example.net> SIZE=100 BODY=8BITMIME\r\n", b"RCPT TO:<%s>\r\n",
        b"RCPT TO:<nobody@example.org> NOTIFY=NEVER\r\n", b"DATA\r\n", MAIL, b".\r\n", b"RSET\r\n", b"NOOP x\r\n",
        b"BDAT 30\r\n" + MAIL[:30], b"BDAT %d LAST\r\n" % (len(MAIL) - 30) + MAIL[30:], b"VRFY x\r\n", b"STARTTLS\r\n", b"QUIT\r\n"]
IMAP = [b"a LOGIN %s secret\r\n", b"b AUTHENTICATE PLAIN AHVzZXIwMDAxQGV4YW1wbGUub3JnAHNlY3JldA==\r\n", b"c SELECT INBOX\r\n",
        b"d APPEND INBOX (\\Seen) {%d+}\r\n" % len(MAIL) + MAIL + b"\r\n",
        b"e UID FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[1]<0.10> INTERNALDATE)\r\n", b"f STORE 1 +FLAGS (\\Flagged k)\r\n",
        b"g SEARCH OR SUBJECT noise NOT (SEEN LARGER 10) SINCE 1-Jan-2020\r\n", b"h LIST \"\" *\r\n", b"i IDLE\r\n", b"DONE\r\n",
        b"j COPY 1 Archive\r\n", b"k CREATE x.y\r\n", b"l STATUS INBOX (MESSAGES UNSEEN)\r\n", b"m EXPUNGE\r\n", b"n STARTTLS\r\n",
        b"o RENAME x.y z\r\n", b"p DELETE z\r\n", b"q MOVE 1:* Archive\r\n", b"r ID NIL\r\n", b"s LOGOUT\r\n"]
SPICE = [b"\0", b"\r", b"\n", b"\r\n", b"{10}\r\n", b"{99999999999}", b"\"", b"(", b")", b"<", b">", b"\xff\xfe", b"*", b"\\", b"%", b"\t", b" "]


def damaged(generator, line):
    for _ in range(generator.choice([0, 0, 1, 1, 2, 5])):
        at = generator.randrange(len(line) + 1)
        kind = generator.random()
        if kind < 0.4:
            line = line[:at] + generator.choice(SPICE) * generator.choice([1, 1, 3, 200]) + line[at:]
        elif kind < 0.6:
            line = line[:at] + line[at + generator.randint(1, 8):]
        elif kind < 0.8:
            line = line[:at] + generator.randbytes(generator.randint(1, 20)) + line[at:]
        else:
            line = line[:at] + line[generator.randrange(len(line) + 1):]
    return line


def dialogue(generator, port, lines):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.settimeout(0.01)
            position = 0
            for _ in range(generator.randint(1, 25)):
                # Mostly in order, so that deep states are reached.
                position = position + 1 if generator.random() < 0.8 else generator.randrange(len(lines))
                line = lines[(position - 1) % len(lines)]
                connection.sendall(damaged(generator, line) if generator.random() < 0.4 else line)
                if generator.random() < 0.6:
                    try:
                        connection.recv(65536)
                    except socket.timeout:
                        pass
            if generator.random() < 0.3:  # a reset instead of an orderly end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    except OSError:
        pass


@pytest.mark.timeout(180)
@pytest.mark.parametrize("protocol", ["smtp", "imap"])
def test_damaged_dialogues(make_instance, seed, protocol):
    server = make_instance(users=CLIENTS, settings={"login.failures_free": 1000, "login.failures_max": 1000000})
    port = server.smtp_port if protocol == "smtp" else server.imap_port
    pid = server.pid
    sockets = server.sockets()

    def work(number):
        generator = random.Random(seed + number)
        lines = [line.replace(b"%s", account(number + 1).encode()) for line in (SMTP if protocol == "smtp" else IMAP)]
        for _ in range(DIALOGUES):
            dialogue(generator, port, lines)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
        assert not thread.is_alive()
    assert server.is_running() and server.pid == pid
    # Everything those clients held is let go.
    wait.until(lambda: server.sockets() <= sockets, 20, "all sockets are closed", pause=0.2)
    with server.smtp() as client:
        client.ehlo()
        client.deliver("s@example.net", [account(1)], MAIL)
    with server.imap(account(1)) as client:
        exists = client.select()["exists"]
        items = client.fetch("1:*", "(UID FLAGS ENVELOPE BODYSTRUCTURE)")
        assert len(items) == exists >= 1
    server.stop()
