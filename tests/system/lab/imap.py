# SPDX-License-Identifier: GPL-3.0-or-later
"""An IMAP client that shows every byte: tagged replies, untagged data with literals, FETCH as values."""
import collections
import re
import socket
import time

Reply = collections.namedtuple("Reply", "status text data")
LITERAL = re.compile(rb"\{(\d+)\+?\}$")
TOKEN = re.compile(rb'\s*(?:(\()|(\))|"((?:\\.|[^"\\])*)"|\{(\d+)\}\r\n|([^\s()"]+))')


class Closed(Exception):
    """The server closed the connection."""


class Refused(AssertionError):
    """NO or BAD where OK was wanted."""


class Imap:
    def __init__(self, host, port, timeout=60, context=None, greet=True):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket)
        self.pending = b""
        self.tags = 0
        if greet:
            self.greeting = self.read_response()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- bytes -------------------------------------------------------------------------------------
    def send(self, data):
        self.socket.sendall(data)

    def _fill(self):
        data = self.socket.recv(262144)
        if not data:
            raise Closed(self.pending)
        self.pending += data

    def read_response(self):
        """One response with its literals, without the last CRLF."""
        whole = b""
        while True:
            while b"\r\n" not in self.pending:
                self._fill()
            line, _, self.pending = self.pending.partition(b"\r\n")
            whole += line
            literal = LITERAL.search(line)
            if not literal:
                return whole
            size = int(literal.group(1))
            parts, have = [self.pending], len(self.pending)
            while have < size:
                data = self.socket.recv(min(size - have + 4096, 1 << 20))
                if not data:
                    raise Closed(b"in a literal")
                parts.append(data)
                have += len(data)
            held = b"".join(parts)
            whole += b"\r\n" + held[:size]
            self.pending = held[size:]

    # --- commands ----------------------------------------------------------------------------------
    def start(self, command):
        """Sends a command, returns its tag."""
        self.tags += 1
        tag = f"a{self.tags}".encode()
        self.send(tag + b" " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return tag

    def finish(self, tag):
        data = []
        while True:
            line = self.read_response()
            if line.startswith(tag + b" "):
                status, _, text = line[len(tag) + 1:].partition(b" ")
                return Reply(status.decode().upper(), text.decode("utf-8", "replace"), data)
            data.append(line)

    def try_command(self, command):
        return self.finish(self.start(command))

    def command(self, command):
        """One command that must be answered OK."""
        reply = self.try_command(command)
        if reply.status != "OK":
            raise Refused(f"{command!r}: {reply.status} {reply.text}")
        return reply

    def login(self, address, password):
        return self.command(f"LOGIN {quoted(address)} {quoted(password)}")

    def starttls(self, context):
        self.command("STARTTLS")
        assert not self.pending, "bytes after the STARTTLS reply"
        self.socket = context.wrap_socket(self.socket)

    def select(self, mailbox="INBOX", verb="SELECT"):
        """{exists, uidvalidity, uidnext, flags, reply}."""
        reply = self.command(f"{verb} {quoted(mailbox)}")
        everything = b"\r\n".join(reply.data)
        number = lambda pattern: int((re.search(pattern, everything) or [0, -1])[1])
        flags = re.search(rb"\* FLAGS \(([^)]*)\)", everything)
        return {"exists": number(rb"\* (\d+) EXISTS"), "uidvalidity": number(rb"\[UIDVALIDITY (\d+)\]"),
                "uidnext": number(rb"\[UIDNEXT (\d+)\]"), "flags": flags[1].decode().split() if flags else [],
                "reply": reply}

    def append(self, mailbox, message, flags=""):
        """(uidvalidity, uid) of the new message."""
        self.tags += 1
        tag = f"a{self.tags}".encode()
        flags = f"({flags}) " if flags else ""
        self.send(tag + f" APPEND {quoted(mailbox)} {flags}{{{len(message)}}}\r\n".encode())
        while True:
            line = self.read_response()
            if line.startswith(b"+"):
                break
            if line.startswith(tag):
                raise Refused(line)
        self.send(message + b"\r\n")
        reply = self.finish(tag)
        if reply.status != "OK":
            raise Refused(f"APPEND: {reply.status} {reply.text}")
        found = re.search(r"\[APPENDUID (\d+) (\d+)\]", reply.text)
        return (int(found[1]), int(found[2])) if found else (None, None)

    def fetch(self, numbers, items, uid=True):
        """[{"UID": …, "FLAGS": […], "BODY[]": b"…"}, …] in the order of the answers; "#" is the number."""
        reply = self.command(f"{'UID ' if uid else ''}FETCH {numbers} {items}")
        return [fetched(line) for line in reply.data if re.match(rb"\* \d+ FETCH", line)]

    def search(self, what="ALL", uid=True):
        reply = self.command(f"{'UID ' if uid else ''}SEARCH {what}")
        return [int(n) for line in reply.data if line.startswith(b"* SEARCH") for n in line.split()[2:]]

    def is_closed_by_peer(self, seconds):
        """Waits for the end of the stream, throwing away what comes before."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.socket.settimeout(max(0.01, deadline - time.monotonic()))
                if not self.socket.recv(65536):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True

    # --- IDLE --------------------------------------------------------------------------------------
    def idle(self):
        tag = self.start("IDLE")
        line = self.read_response()
        assert line.startswith(b"+"), line
        return tag

    def wait_for(self, pattern, seconds):
        """Reads responses until one matches; all that were read."""
        self.socket.settimeout(seconds)
        seen = []
        while True:
            try:
                seen.append(self.read_response())
            except socket.timeout:
                raise AssertionError(f"no {pattern!r} within {seconds} s, only {seen}")
            if re.search(pattern, seen[-1]):
                return seen

    def done(self, tag):
        self.send(b"DONE\r\n")
        return self.finish(tag)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse(data):
    """Parenthesised data as nested lists of bytes (None for NIL)."""
    stack, position = [[]], 0
    while position < len(data):
        token = TOKEN.match(data, position)
        if not token:
            break
        position = token.end()
        opened, closed, string, literal, atom = token.groups()
        if opened:
            stack.append([])
        elif closed:
            stack[-2].append(stack.pop())
        elif string is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", string))
        elif literal is not None:
            stack[-1].append(data[position:position + int(literal)])
            position += int(literal)
        elif b"[" in atom and b"]" not in atom:  # BODY[HEADER.FIELDS (X-Serial)] is one name
            end = data.index(b"]", position) + 1
            while data[end:end + 1] not in b" )":
                end += 1
            stack[-1].append(data[token.start(5):end])
            position = end
        else:
            stack[-1].append(None if atom == b"NIL" else atom)
    return stack[0]


def fetched(line):
    number = re.match(rb"\* (\d+) FETCH ", line)
    values = parse(line[number.end():])[0]
    result = {"#": int(number[1])}
    for name, value in zip(values[::2], values[1::2]):
        name = name.decode().upper()
        if name in ("UID", "RFC822.SIZE", "MODSEQ") and isinstance(value, bytes):
            value = int(value)
        elif name == "FLAGS":
            value = sorted(flag.decode() for flag in value)
        result[name] = value
    return result
