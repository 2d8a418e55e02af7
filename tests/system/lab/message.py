# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that carry a serial number and the checksum of their own body."""
import hashlib
import re

WORDS = b"ring mail core fiber journal maildir index stream durable commit replay flush segment".split()
SERIAL = re.compile(rb"^X-Serial: (\S+)\r?$", re.M)
CHECK = re.compile(rb"^X-Check: ([0-9a-f]{64})\r?$", re.M)


def body_of(random, size):
    """About size bytes of lines of varying length, some empty, some beginning with dots."""
    lines, length = [], 0
    while length < size:
        kind = random.random()
        if kind < 0.05:
            line = b""
        elif kind < 0.10:
            line = b"." * random.randint(1, 3)
        elif kind < 0.12:
            line = b"x" * min(998, max(1, size - length))
        else:
            line = b" ".join(random.choices(WORDS, k=random.randint(1, 12)))
        lines.append(line)
        length += len(line) + 2
    return b"\r\n".join(lines) + b"\r\n"


def size_of(random, least=200, most=200_000):
    """Mixed sizes: as many between 200 and 2,000 bytes as between 20,000 and 200,000."""
    return int(least * (most / least) ** random.random())


def make(random, serial, size=1000, sender="sender@example.net", recipient="user0001@example.org", subject=None):
    body = body_of(random, size)
    head = (f"From: Sender <{sender}>\r\nTo: <{recipient}>\r\n"
            f"Subject: {subject or 'message ' + serial}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
            f"Message-ID: <{serial}@test.example.net>\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=us-ascii\r\n"
            f"X-Serial: {serial}\r\nX-Check: {hashlib.sha256(body).hexdigest()}\r\n\r\n")
    return head.encode() + body


def split(raw):
    """(header, body) of a message as stored."""
    for separator in (b"\r\n\r\n", b"\n\n"):
        head, found, body = raw.partition(separator)
        if found:
            return head + separator, body
    return raw, b""


def serial_of(raw):
    found = SERIAL.search(split(raw)[0])
    return found and found.group(1).decode()


def is_whole(raw):
    """Is the body the one that was sent?"""
    head, body = split(raw)
    wanted = CHECK.search(head)
    if not wanted:
        return False
    crlf = re.sub(rb"\r?\n", b"\r\n", body)
    return hashlib.sha256(crlf).hexdigest() == wanted.group(1).decode()
