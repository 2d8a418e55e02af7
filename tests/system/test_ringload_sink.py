# SPDX-License-Identifier: GPL-3.0-or-later
"""`ringload sink` counts what others say they sent: smtp-source, swaks, Postfix, ringload; and stays in step with its
client wherever the data is cut."""
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

from lab import instance as instances
from lab import peers, ports, wait

BUILD = instances.ROOT / os.environ.get("RINGMAIL_BUILD", "build/release")
LETTER = "Subject: x\r\n\r\nHello\r\n"


class Sink:
    def __init__(self, *options, address=None):
        self.port = ports.take_block()
        self.process = subprocess.Popen([BUILD / "ringload", "sink", *options, address or f"127.0.0.1:{self.port}"],
                                        stdout=subprocess.PIPE, text=True)
        wait.until(lambda: os.path.exists(address) if address else not ports.is_free(self.port), 10, "the sink to listen")

    def counts(self):
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        text, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return json.loads(text.splitlines()[-1])


@pytest.fixture
def sink():
    made = []

    def make(*options, **named):
        made.append(Sink(*options, **named))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


class Talk:
    """A client that writes the bytes it is told to, cut where it is told to."""

    def __init__(self, place):
        if isinstance(place, int):
            self.socket = socket.create_connection(("127.0.0.1", place), timeout=60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(20)
            self.socket.connect(place)
        self.lines = self.socket.makefile("rb")
        self.expect(b"220")

    def expect(self, *codes):
        for code in codes:
            line = self.lines.readline()
            while line[3:4] == b"-":
                line = self.lines.readline()
            assert line.startswith(code), (line, code)

    def write(self, *pieces):
        for piece in pieces:
            self.socket.sendall(piece)
            if len(pieces) > 1:
                time.sleep(0.002)  # so that they arrive apart


@pytest.mark.skipif(not shutil.which("smtp-source"), reason="postfix's smtp-source is not installed")
def test_it_counts_what_smtp_source_and_ringload_sent(sink, tmp_path):
    one = sink()
    subprocess.run(["smtp-source", "-s", "8", "-m", "400", "-l", "4096", "-d", f"127.0.0.1:{one.port}"], check=True, timeout=60)
    theirs = one.counts()
    assert theirs["messages"] == theirs["recipients"] == 400
    assert theirs["connections"] == 8
    assert theirs["bytes"] >= 400 * 4096
    file = tmp_path / "x.load"
    file.write_text(f"warmup 0s\nduration 60s\ncount 300\nflow smtp\nprotocol smtp\nport {one.port}\nconnections 7\n"
                    "size 1k-300k\nrecipients 3\n")
    subprocess.run([BUILD / "ringload", "--quiet", "--json", tmp_path / "x.json", file], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    flow = json.loads((tmp_path / "x.json").read_text())["flows"][0]
    mine = one.end()
    assert mine["messages"] - theirs["messages"] == flow["accepted"] == 300
    assert mine["recipients"] - theirs["recipients"] == 900
    assert mine["bytes"] - theirs["bytes"] == flow["bytes"]
    assert mine["open"] == mine["refused"] == mine["malformed"] == 0


@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed")
def test_swaks_in_clear_and_under_tls(sink):
    one = sink("--starttls")
    for tls in ([], ["--tls"]):
        done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(one.port), "--from", "a@x.test", "--to",
                               "b@y.test,c@y.test", "--silent", "2", *tls], timeout=60)
        assert done.returncode == 0
    counts = one.end()
    assert (counts["messages"], counts["recipients"], counts["tls"]) == (2, 4, 1)


@pytest.mark.skipif(not peers.Postfix.available(), reason="postfix is not installed, or this is not root")
def test_postfix_passes_mail_on_to_it(sink, tmp_path):
    class NoCertificate:
        def copy_to(self, directory):
            pass

    one = sink()
    postfix = peers.Postfix(tmp_path / "postfix", NoCertificate(), ("127.0.0.1", one.port)).start()
    try:
        for number in range(20):
            subprocess.run(["/usr/sbin/sendmail", "-C", postfix.directory / "etc", "-f", "a@x.test", f"b{number}@example.org",
                            f"c{number}@example.org"], input=f"Subject: {number}\n\n.begins with a dot\n..\n", text=True,
                           check=True, timeout=60)
        wait.until(lambda: postfix.log().count("status=sent") >= 40, 60, "Postfix to have sent it all")
    finally:
        postfix.stop()
    counts = one.end()
    assert counts["messages"] == 20
    assert counts["recipients"] == 40
    assert counts["refused"] == counts["malformed"] == 0


def test_the_end_is_found_wherever_the_data_is_cut(sink):
    one = sink()
    data = b"a\r\n..dot\r\n...\r\n. \r\n.x.\r\n\r\n.\r\n"
    size = len(b"a\r\n.dot\r\n..\r\n \r\nx.\r\n\r\n")
    talk = Talk(one.port)
    talk.write(b"EHLO x\r\n")
    talk.expect(b"250")
    for cut in range(len(data) + 1):
        before = one.counts()
        talk.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
        talk.expect(b"250", b"250", b"354")
        talk.write(data[:cut], data[cut:] + b"NOOP\r\n")
        talk.expect(b"250", b"250")  # the mail, the NOOP behind it
        after = one.counts()
        assert after["messages"] - before["messages"] == 1, cut
        assert after["bytes"] - before["bytes"] == size, cut
    assert one.end()["refused"] == 0


@pytest.mark.parametrize("size", [65535, 65536, 65537, 1 << 20])
def test_the_end_lies_on_the_border_of_a_buffer(sink, size):
    """Data that fills buffers of 64 KiB to the last byte before, in and behind its end, with a dot on every line."""
    one = sink()
    talk = Talk(one.port)
    talk.write(b"HELO x\r\n")
    talk.expect(b"250")
    for shift in range(8):
        line = b".." + b"x" * 60 + b"\r\n"
        body = (line * (size // len(line) + 1))[:size - shift - 2].rstrip(b"\r\n.") + b"\r\n"
        stuffed = sum(1 for part in body.split(b"\r\n") if part.startswith(b"."))
        before = one.counts()
        talk.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
        talk.expect(b"250", b"250", b"354")
        talk.write(body + b".\r\nRSET\r\n")
        talk.expect(b"250", b"250")
        assert one.counts()["bytes"] - before["bytes"] == len(body) - stuffed
    assert one.end()["messages"] == 8


def test_chunks_are_counted_and_what_follows_them_is_read(sink):
    one = sink()
    talk = Talk(one.port)
    talk.write(b"EHLO x\r\n")
    talk.expect(b"250")
    for sizes in ([0], [1, 0], [200000], [100000, 7, 300000], [16384] * 9):
        talk.write(b"MAIL FROM:<a@x> BODY=8BITMIME\r\nRCPT TO:<b@y>\r\n")
        chunks = [b"BDAT %d%s\r\n" % (n, b" LAST" if i == len(sizes) - 1 else b"") + b".\r\n" * (n // 3) + b"x" * (n % 3)
                  for i, n in enumerate(sizes)]
        before = one.counts()
        talk.write(b"".join(chunks) + b"NOOP\r\n")
        talk.expect(b"250", b"250", *[b"250"] * len(sizes), b"250")
        after = one.counts()
        assert after["bytes"] - before["bytes"] == sum(sizes)
    talk.write(b"BDAT 5 LAST\r\nabcdeNOOP\r\n")  # without MAIL: the chunk is gone all the same
    talk.expect(b"503", b"250")
    counts = one.end()
    assert (counts["messages"], counts["refused"]) == (5, 1)


def test_a_mail_from_a_file_and_refusals_that_are_no_failures(sink, tmp_path):
    one = sink("--reply", "end/4=554 5.7.1 spam")
    mail, file, out = tmp_path / "mail.eml", tmp_path / "x.load", tmp_path / "x.json"
    mail.write_bytes(b"Subject: dots\n\n.\n..\r\n.x\n\nend without a line's end")
    crossed = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\nend without a line's end\r\n"
    scenario = f"warmup 0s\nduration 60s\ncount 40\nflow smtp\nprotocol smtp\nport {one.port}\nmail {mail}\n"
    for refusals, status, done, failures in (("count", 0, 40, 0), ("fail", 1, 30, 10)):
        file.write_text(scenario + f"refusals {refusals}\n")
        before = one.counts()
        run = subprocess.run([BUILD / "ringload", "--quiet", "--json", out, file], timeout=60, stdout=subprocess.DEVNULL)
        after = one.counts()
        flow = json.loads(out.read_text())["flows"][0]
        assert (run.returncode, flow["done"], flow["failed"], flow["accepted"]) == (status, done, failures, 30)
        assert after["messages"] - before["messages"] == 30
        assert after["malformed"] == 0
        per_message = (after["bytes"] - before["bytes"]) / 30
        assert len(crossed) + len("X-Ringload-Copy: 0123456789abcdef.0\r\n") <= per_message <= len(crossed) + 42


def test_bare_line_ends_are_counted(sink):
    one = sink()
    talk = Talk(one.port)
    talk.write(b"HELO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
    talk.expect(b"250", b"250", b"250", b"354")
    talk.write(b"a\n.\nb\r\n.\r\nQUIT\r\n")
    talk.expect(b"250", b"221")
    counts = one.end()
    assert (counts["messages"], counts["malformed"]) == (1, 1)


def test_lmtp_answers_for_each_recipient(sink, tmp_path):
    path = str(tmp_path / "s")
    one = sink("--lmtp", "--reply", "end/2=450 4.2.0 later", address=path)
    talk = Talk(path)
    talk.write(b"LHLO x\r\nMAIL FROM:<a@x>\r\n" + b"RCPT TO:<b@y>\r\n" * 3 + b"DATA\r\n")
    talk.expect(b"250", b"250", *[b"250"] * 3, b"354")
    talk.write(LETTER.encode() + b".\r\nBDAT 4 LAST\r\nabc\nQUIT\r\n")
    talk.expect(b"250", b"450", b"250", b"503", b"221")
    counts = one.end()
    assert (counts["messages"], counts["recipients"], counts["refused"]) == (1, 2, 2)


def test_it_answers_and_waits_as_told(sink):
    one = sink("--reply", "rcpt/3=450 4.2.0 later", "--reply", "end=554 5.7.1 no", "--delay", "mail=300ms")
    client = smtplib.SMTP("127.0.0.1", one.port)
    begin = time.monotonic()
    with pytest.raises(smtplib.SMTPDataError):
        client.sendmail("a@x.test", ["b@y.test", "c@y.test", "d@y.test"], LETTER)
    assert time.monotonic() - begin >= 0.3
    counts = one.end()
    assert (counts["messages"], counts["refused"]) == (0, 2)  # the third recipient, the message
    other = sink("--reply", "connect=421 4.3.2 closed")
    with pytest.raises(smtplib.SMTPConnectError):
        smtplib.SMTP("127.0.0.1", other.port)
    assert other.end()["connections"] == 1


@pytest.mark.parametrize("word", ["pipelining", "size", "8bitmime", "chunking", "smtputf8", "dsn"])
def test_each_offer_can_be_withdrawn(sink, word):
    for options, offered in (([], True), (["--without", word], False)):
        one = sink(*options)
        client = smtplib.SMTP("127.0.0.1", one.port)
        client.ehlo()
        assert client.has_extn(word) is offered
        assert not client.has_extn("starttls")
        client.close()
        one.end()


def test_starttls_forgets_what_was_sent_ahead(sink):
    one = sink("--starttls")
    talk = Talk(one.port)
    talk.write(b"EHLO x\r\n")
    talk.expect(b"250")
    talk.write(b"STARTTLS\r\nMAIL FROM:<injected@x>\r\n")
    talk.expect(b"220")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    talk.socket = context.wrap_socket(talk.socket)
    talk.lines = talk.socket.makefile("rb")
    talk.write(b"RCPT TO:<b@y>\r\n")
    talk.expect(b"503")
    talk.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
    talk.expect(b"250", b"250", b"354")
    body = b"..x" + b"y" * 50 + b"\r\n"
    talk.write(body * 4000 + b".\r\n")
    talk.expect(b"250")
    assert one.end()["bytes"] == 4000 * (len(body) - 1)


def test_what_it_does_not_understand_is_refused():
    for words in (["--reply", "nowhere=450 x", "127.0.0.1:1"], ["--delay", "mail=soon", "127.0.0.1:1"],
                  ["--without", "tea", "127.0.0.1:1"], ["--cores", "0", "127.0.0.1:1"], []):
        done = subprocess.run([BUILD / "ringload", "sink", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and re.search("not understood|usage", done.stderr)
