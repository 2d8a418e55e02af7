# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMTP client that does exactly what the test says, also what a decent client would not do."""
import socket
import time


class Closed(Exception):
    """The server closed the connection."""


class Reply:
    def __init__(self, code, lines):
        self.code, self.lines = code, lines
        self.text = "\n".join(lines)

    def __repr__(self):
        return f"{self.code} {self.text}"


class Smtp:
    def __init__(self, host, port, timeout=60, greet=True, source=None):
        self.socket = socket.create_connection((host, port), timeout=timeout, source_address=source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        if greet:
            self.greeting = self.expect(220)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def read_line(self):
        while b"\n" not in self.pending:
            data = self.socket.recv(65536)
            if not data:
                raise Closed(self.pending)
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = []
        while True:
            line = self.read_line()
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), lines)

    def expect(self, *codes):
        reply = self.reply()
        assert reply.code in codes, f"wanted {codes}: {reply!r}"
        return reply

    def command(self, line, *codes):
        """Sends one command line; with codes, the reply must have one of them."""
        self.send(line.encode() + b"\r\n")
        return self.expect(*codes) if codes else self.reply()

    def ehlo(self, name="client.example.net"):
        """The announced keywords: {keyword: parameters}."""
        lines = self.command(f"EHLO {name}", 250).lines[1:]
        return {line.split(" ", 1)[0].upper(): line.partition(" ")[2] for line in lines}

    def starttls(self, context):
        self.command("STARTTLS", 220)
        assert not self.pending, "bytes after the STARTTLS reply"
        self.socket = context.wrap_socket(self.socket)

    def envelope(self, sender, *recipients, parameters=""):
        self.command(f"MAIL FROM:<{sender}>{parameters}", 250)
        for recipient in recipients:
            self.command(f"RCPT TO:<{recipient}>", 250)

    def data(self, message, *codes):
        """DATA with a message (CRLF lines, not yet dot-stuffed); the reply to the final dot."""
        self.command("DATA", 354)
        self.send(stuff(message) + b".\r\n")
        return self.expect(*codes) if codes else self.reply()

    def deliver(self, sender, recipients, message, parameters=""):
        """A whole transaction that must succeed."""
        self.envelope(sender, *recipients, parameters=parameters)
        return self.data(message, 250)

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


def stuff(message):
    """RFC 5321 4.5.2: a dot before each leading dot."""
    message = message.replace(b"\r\n.", b"\r\n..")
    return b"." + message if message.startswith(b".") else message
