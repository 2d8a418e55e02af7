# SPDX-License-Identifier: GPL-3.0-or-later
"""A zoo of receiving servers: each does exactly what its plan says, well or badly, and keeps books.

    books = zoo.Books()
    sink = zoo.Sink(address, books, plan=zoo.always(mail=zoo.say(451, "4.3.0 later")))

A plan says, for each connection and again for each transaction in it, what happens at which stage:

    connect   before the greeting          mail   instead of the reply to MAIL
    ehlo      instead of the EHLO reply    rcpt   ... to RCPT
    starttls  instead of 220               data   ... to DATA
    handshake instead of the handshake     body   after the first bytes of the message
                                           dot    after the last one, before anything is kept
                                           after  it is kept, and the reply is due
                                           quit   instead of 221

The first column is asked for once a connection, the second once a transaction. What is not named goes
well. Acts are functions of the session: `say`, `hang`, `close`, `reset`, `endless`, `long_line`,
`garbage`, `slow`; they return the code of the reply they gave, UNKNOWN, or None when they gave none.

The books count, by serial (X-Serial) and recipient: what was taken and confirmed, and what was taken
while the reply did not get through (`doubtful`): only such mail may come twice (RFC 1047).
"""
import base64
import collections
import contextlib
import random
import re
import socket
import ssl
import struct
import threading
import time

from lab import message

HANG_MAX_S = 300
UNKNOWN = 0  # who knows what the client made of such a reply
CONNECTION_STAGES = ("connect", "ehlo", "starttls", "handshake")
MAIL_STAGES = ("mail", "rcpt", "data", "body", "dot", "after", "quit")
PATH = re.compile(r"^(?:MAIL FROM|RCPT TO):\s*<([^>]*)>\s*(.*)$", re.I)
Taken = collections.namedtuple("Taken", "serial recipient sender raw at confirmed host tls mail_options recipient_options")


class Gone(Exception):
    """The connection is over."""


class Books:
    def __init__(self):
        self.lock = threading.Lock()
        self.taken = []          # Taken, in the order of time
        self.counts = collections.Counter()  # what was done: "mail 451", "dot close"

    def enter(self, entry):
        with self.lock:
            self.taken.append(entry)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def entries(self):
        with self.lock:
            return list(self.taken)

    def of(self, serial, recipient=None):
        return [entry for entry in self.entries() if entry.serial == serial and recipient in (None, entry.recipient)]

    def by_mail(self):
        """{(serial, recipient): [Taken]}"""
        found = collections.defaultdict(list)
        for entry in self.entries():
            found[entry.serial, entry.recipient].append(entry)
        return found


# --- acts ------------------------------------------------------------------------------------------
def say(code, text="", then=None):
    def act(session):
        session.reply(code, text or "as planned")
        if then:
            then(session)
        return code
    act.name = str(code)
    return act


def close(session):
    raise Gone


def reset(session):
    """RST instead of FIN."""
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Gone


def hang(session):
    """Says nothing until the other side or the zoo has had enough."""
    session.sink.closing.wait(HANG_MAX_S)
    raise Gone


def hang_for(seconds):
    def act(session):
        session.sink.closing.wait(seconds)
    act.name = f"slow {seconds}"
    return act


def endless(session):
    """A reply that never ends: 250-more and 250-more and ..."""
    line = b"250-" + b"more" * 20 + b"\r\n"
    while not session.sink.closing.is_set():
        session.send(line * 500)
    raise Gone


def long_line(size=64 << 20):
    """A reply whose line never ends either."""
    def act(session):
        session.send(b"250 ")
        sent = 0
        while sent < size and not session.sink.closing.is_set():
            session.send(b"x" * 65536)
            sent += 65536
        session.send(b"\r\n")
        return UNKNOWN
    act.name = "long line"
    return act


def garbage(raw):
    """These bytes in place of a reply."""
    def act(session):
        session.send(raw)
        return UNKNOWN
    act.name = f"garbage {raw[:12]!r}"
    return act


def slow(seconds_per_line=0.05):
    """The reply comes byte by byte."""
    def act(session):
        for byte in b"250 2.0.0 slowly\r\n":
            session.send(bytes([byte]))
            session.sink.closing.wait(seconds_per_line)
        return 250
    act.name = "slow"
    return act


# --- plans -----------------------------------------------------------------------------------------
# plan(generator, stages): asked with the stages that are to be decided now.
def well(generator, stages):
    return {}


def of(stages, acts):
    return {stage: act for stage, act in acts.items() if stage in stages}


def always(**acts):
    return lambda generator, stages: of(stages, acts)


def sometimes(probability, **acts):
    """With that probability one of the acts, at random."""
    def plan(generator, stages):
        here = of(stages, acts)
        if not here or generator.random() >= probability:
            return {}
        stage = generator.choice(sorted(here))
        return {stage: here[stage]}
    return plan


def first(times, plan):
    """The plan until it has acted so many times, then everything goes well."""
    left = [times]

    def limited(generator, stages):
        acts = plan(generator, stages) if left[0] > 0 else {}
        left[0] -= bool(acts)
        return acts
    return limited


def mix(*plans):
    """One of these, drawn anew each time; a plan may be (weight, plan)."""
    weighted = [plan if isinstance(plan, tuple) else (1, plan) for plan in plans]

    def drawn(generator, stages):
        (plan,) = generator.choices([plan for _, plan in weighted], [weight for weight, _ in weighted])
        return plan(generator, stages)
    return drawn


# --- the server ------------------------------------------------------------------------------------
class Sink:
    """One receiving server. Options:

    tls        ssl context: STARTTLS is offered
    implicit   TLS from the first byte
    lmtp       RFC 2033
    extensions what EHLO says beside STARTTLS
    refused    recipients (or a function) answered 550; later: answered 450
    greylist   seconds that a new triplet waits
    most       connections at once; more are greeted with 421
    size_max   SIZE, enforced
    recipients_max  of one transaction; the next is answered 452
    login      (user, password): AUTH PLAIN wanted before MAIL
    bdat       an act in place of BDAT, whose chunk is not swallowed: CHUNKING that is offered, but not there
    """

    def __init__(self, address, books, port=25, plan=well, seed=0, tls=None, implicit=False, lmtp=False,
                 extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES"),
                 refused=(), later=(), greylist=0, most=0, size_max=0, recipients_max=0, login=None, name="sink.test", read_pause=0, bdat=None):
        self.peers = set()  # addresses that connections came from
        self.books, self.plan, self.tls, self.implicit, self.lmtp = books, plan, tls, implicit, lmtp
        self.extensions, self.refused, self.later = list(extensions), refused, later
        self.greylist, self.most, self.size_max, self.login, self.name = greylist, most, size_max, login, name
        self.read_pause, self.recipients_max, self.bdat = read_pause, recipients_max, bdat
        self.generator, self.lock = random.Random(seed), threading.Lock()
        self.triplets = {}
        self.closing = threading.Event()
        self.sessions = set()
        self.connections = self.connections_most = self.connections_total = 0
        self.logins = []
        if str(address).startswith("/"):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(address))
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((address, port))
        self.address, self.port = address, port
        self.listener.listen(200)
        threading.Thread(target=self._accept, daemon=True).start()

    def draw(self, stages):
        """What the plan says now, of these stages."""
        with self.lock:
            return self.plan(self.generator, stages)

    def _accept(self):
        while not self.closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            session = Session(self, connection)
            with self.lock:
                self.sessions.add(session)
                self.connections += 1
                self.connections_total += 1
                self.connections_most = max(self.connections_most, self.connections)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session):
        try:
            session.run()
        except (Gone, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            session.end()
            with self.lock:
                self.sessions.discard(session)
                self.connections -= 1

    def close(self):
        self.closing.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            sessions = list(self.sessions)
        for session in sessions:
            with contextlib.suppress(OSError):
                session.raw.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def is_greylisted(self, triplet):
        with self.lock:
            since = self.triplets.setdefault(triplet, time.monotonic())
        return self.greylist and time.monotonic() - since < self.greylist


class Session:
    def __init__(self, sink, connection):
        self.sink, self.socket, self.raw = sink, connection, connection
        with contextlib.suppress(OSError):
            sink.peers.add(connection.getpeername()[0] if connection.family != socket.AF_UNIX else "unix")
        self.socket.settimeout(HANG_MAX_S)
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending, self.out = b"", b""
        self.tls, self.logged_in = None, False
        self.acts = {}
        self.sender = None
        self.is_spoilt = False  # what we said made no sense: who knows what the client still believes

    # --- bytes -------------------------------------------------------------------------------------
    def send(self, data):
        self.flush()
        self.socket.sendall(data)

    def flush(self):
        if self.out:
            out, self.out = self.out, b""
            self.socket.sendall(out)

    def reply(self, code, *lines):
        for number, line in enumerate(lines):
            self.out += f"{code}{'-' if number + 1 < len(lines) else ' '}{line}\r\n".encode()

    def receive(self, at_least):
        while len(self.pending) < at_least:
            self.flush()
            if self.sink.read_pause:
                self.sink.closing.wait(self.sink.read_pause)
            data = self.socket.recv(4096 if self.sink.read_pause else 262144)
            if not data:
                raise Gone
            self.pending += data

    def line(self):
        while b"\n" not in self.pending:
            if len(self.pending) > 65536:
                raise Gone
            self.receive(len(self.pending) + 1)
        line, _, self.pending = self.pending.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def end(self):
        with contextlib.suppress(OSError):
            self.socket.close()
        with contextlib.suppress(OSError):
            self.raw.close()

    def stage(self, name):
        """The plan's act at this stage: the code it replied with, None where it went well."""
        act = self.acts.get(name)
        if not act:
            return None
        self.sink.books.count(f"{name} {getattr(act, 'name', act.__name__)}")
        code = act(self)
        self.is_spoilt |= code == UNKNOWN
        return code

    # --- the dialogue ------------------------------------------------------------------------------
    def run(self):
        if self.sink.implicit:
            self.handshake()
        self.acts = self.sink.draw(CONNECTION_STAGES)
        if self.sink.most and self.sink.connections > self.sink.most:
            self.sink.books.count("connect 421")
            self.reply(421, "4.7.0 too many connections")
            self.flush()
            return
        if self.stage("connect") is None:
            self.reply(220, f"{self.sink.name} {'LMTP' if self.sink.lmtp else 'ESMTP'}")
        self.flush()
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler is None:
                self.reply(500, "5.5.1 what?")
            else:
                handler(line)

    def on_ehlo(self, line):
        if line.upper().startswith("EHLO") == self.sink.lmtp:
            self.reply(500, "5.5.1 the other greeting, please")
            return
        if self.stage("ehlo") is not None:
            return
        words = list(self.sink.extensions)
        if self.sink.tls and not self.tls:
            words.append("STARTTLS")
        if self.sink.size_max:
            words.append(f"SIZE {self.sink.size_max}")
        if self.sink.login:
            words.append("AUTH PLAIN LOGIN")
        self.reply(250, self.sink.name, *words)
        self.flush()

    on_lhlo = on_ehlo

    def on_helo(self, line):
        self.reply(250, self.sink.name)

    def on_starttls(self, line):
        if self.stage("starttls") is not None:
            return
        self.send(b"220 2.0.0 go ahead\r\n")
        self.pending = b""
        if "handshake" in self.acts:
            self.stage("handshake")
            raise Gone
        self.handshake()

    def handshake(self):
        try:
            self.socket = self.sink.tls.wrap_socket(self.socket, server_side=True)
        except (ssl.SSLError, OSError) as reason:
            self.sink.books.count(f"handshake failed: {getattr(reason, 'reason', None) or type(reason).__name__}")
            raise Gone from reason
        self.tls = self.socket.version()

    def on_auth(self, line):
        words = line.split(" ")
        if len(words) == 3 and words[1].upper() == "PLAIN":
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
        elif words[1].upper() == "PLAIN":
            self.send(b"334 \r\n")
            _, user, password = base64.b64decode(self.line()).decode().split("\0")
        else:
            self.send(b"334 VXNlcm5hbWU6\r\n")
            user = base64.b64decode(self.line()).decode()
            self.send(b"334 UGFzc3dvcmQ6\r\n")
            password = base64.b64decode(self.line()).decode()
        self.logged_in = (user, password) == self.sink.login
        self.sink.logins.append((user, password, bool(self.tls)))
        self.reply(*((235, "2.7.0 welcome") if self.logged_in else (535, "5.7.8 who?")))

    def on_mail(self, line):
        self.acts = {**of(CONNECTION_STAGES, self.acts), **self.sink.draw(MAIL_STAGES)}
        self.recipients, self.chunks, self.sender = [], b"", None
        code = self.stage("mail")
        if code not in (None, UNKNOWN, 250):
            return
        if code is None and self.sink.login and not self.logged_in:
            self.reply(530, "5.7.0 log in first")
            return
        found = PATH.match(line)
        if not found:
            self.reply(501, "5.5.4 what sender?")
            return
        size = re.search(r"\bSIZE=(\d+)", found[2])
        if code is None and self.sink.size_max and size and int(size[1]) > self.sink.size_max:
            self.reply(552, "5.3.4 too big")
            return
        self.sender, self.mail_options = found[1], found[2]
        if code is None:
            self.reply(250, "2.1.0 ok")

    def on_rcpt(self, line):
        found = PATH.match(line)
        if self.sender is None or not found:
            self.reply(451, "4.5.1 MAIL first")
            return
        recipient, options = found[1], found[2]
        code = self.stage("rcpt")
        if code in (UNKNOWN, 250):
            self.recipients.append((recipient, options))
        elif code is not None:
            return
        elif self.sink.recipients_max and len(self.recipients) >= self.sink.recipients_max:
            self.reply(452, "4.5.3 too many recipients")
        elif self._is(self.sink.refused, recipient):
            self.reply(550, "5.1.1 nobody of that name")
        elif self._is(self.sink.later, recipient):
            self.reply(450, "4.2.0 not now")
        elif self.sink.is_greylisted((self.sender, recipient)):
            self.sink.books.count("rcpt greylisted")
            self.reply(450, "4.7.1 greylisted")
        else:
            self.recipients.append((recipient, options))
            self.reply(250, "2.1.5 ok")

    @staticmethod
    def _is(which, recipient):
        return which(recipient) if callable(which) else recipient in which

    def on_data(self, line):
        if self.sender is None or not self.recipients:
            self.reply(*((451, "4.5.1 MAIL first") if self.sender is None else (554, "5.5.1 no valid recipients")))
            return
        if self.stage("data") is not None:
            return
        self.reply(354, "go ahead")
        self.flush()
        early = self.body_has_begun()
        start = 0
        while True:
            if self.pending.startswith(b".\r\n"):
                end, skip = 0, 3
                break
            end = self.pending.find(b"\r\n.\r\n", max(0, start - 5))
            if end >= 0:
                end, skip = end + 2, 3
                break
            start = len(self.pending)
            self.receive(start + 1)
        raw, self.pending = self.pending[:end], self.pending[end + skip:]
        raw = re.sub(rb"(^|\r\n)\.", rb"\1", raw)
        if early is None:
            self.take(raw)
        self.sender = None

    def body_has_begun(self):
        """What was said in the middle of it; then there is no other reply."""
        if "body" not in self.acts:
            return None
        self.receive(1)
        code = self.stage("body")
        return self.as_final(code)

    def as_final(self, code):
        """A reply out of place may have been understood as the final one: then that is what it is."""
        if code in (UNKNOWN, 250):
            self.acts["dot"] = lambda session: code
            return None
        return code

    def on_bdat(self, line):
        if self.sink.bdat:
            self.sink.books.count(f"bdat {self.sink.address}")
            self.sink.bdat(self)
            return
        words = line.split()
        size = int(words[1])
        early = self.body_has_begun()
        self.receive(size)
        chunk, self.pending = self.pending[:size], self.pending[size:]
        if self.sender is None or not self.recipients:
            self.reply(*((451, "4.5.1 MAIL first") if self.sender is None else (554, "5.5.1 no valid recipients")))
            return
        self.chunks += chunk
        if early is not None:
            self.sender = None
            return
        if len(words) < 3:
            self.reply(250, f"2.0.0 {size} bytes")
            return
        if self.as_final(self.stage("data")) is not None:
            return
        self.take(self.chunks)

    def take(self, raw):
        """The whole message is here."""
        code = self.stage("dot")
        if code is None and self.sink.size_max and len(raw) > self.sink.size_max:
            self.reply(552, "5.3.4 too big")
            self.sender = None
            return
        kept = Taken(message.serial_of(raw), None, self.sender, raw, time.time(), False, self.sink.address, self.tls,
                     self.mail_options, None)
        try:
            if code is None:
                code = UNKNOWN  # until the reply is out
                after = self.stage("after")
                if after is None:
                    for _ in self.recipients if self.sink.lmtp else self.recipients[:1]:
                        self.reply(250, "2.0.0 taken")
                    self.flush()
                code = 250 if after is None else after
            if code not in (UNKNOWN, 250):
                for _ in self.recipients[1:] if self.sink.lmtp else ():
                    self.reply(code, "as planned")
        finally:
            if code in (UNKNOWN, 250):  # otherwise it was honestly refused
                for recipient, options in self.recipients:
                    self.sink.books.enter(kept._replace(recipient=recipient, recipient_options=options, confirmed=code == 250 and not self.is_spoilt))
            self.sender = None

    def on_rset(self, line):
        self.sender = None
        self.reply(250, "2.0.0 ok")

    def on_noop(self, line):
        self.reply(250, "2.0.0 ok")

    def on_quit(self, line):
        if self.stage("quit") is None:
            self.reply(221, "2.0.0 bye")
        self.flush()
        raise Gone
