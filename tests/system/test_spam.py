# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail is judged in the dialogue: refused, delayed, put into the mailbox for junk, or taken; by our own engine and by
a real rspamd, also one that is slow, down or talks nonsense."""
import http.server
import imaplib
import json
import re
import smtplib
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from lab import ports, rspamd, wait
from lab.instance import account

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
SENDER = "somebody@sender.example"
QUIET = {"spam.engine": "ringmail", "spam.lists.enabled": "off"}  # nobody on the net is asked


def mail(text="hello", **fields):
    head = {"From": SENDER, "To": "you@example.org", "Subject": "a test", "Date": "Sun, 22 Nov 2026 22:00:00 +0000",
            "Message-ID": f"<{time.monotonic_ns()}@sender.example>", **fields}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in head.items()] + ["", *text.splitlines()]
    return "".join(line + "\r\n" for line in lines).encode()


def send(server, message, *recipients, parameters=""):
    with server.smtp() as client:
        client.ehlo()
        client.command(f"MAIL FROM:<{SENDER}>", 250)
        for recipient in recipients:
            client.command(f"RCPT TO:<{recipient}>{parameters}", 250)
        return client.data(message)


def mailbox(server, address, name="INBOX"):
    """[(flags, header)] over IMAP; None where there is no such mailbox."""
    with server.imap(address) as client:
        if client.try_command(f'STATUS "{name}" (MESSAGES)').status != "OK":
            return None
        if client.select(name)["exists"] == 0:
            return []
        return [(row["FLAGS"], row["BODY[HEADER]"].decode()) for row in client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER])")]


def change(server, text):
    request = urllib.request.Request(server.admin_url.rstrip("/") + "/config", data=text.encode(), method="PATCH")
    with urllib.request.urlopen(request, timeout=60) as reply:
        assert json.loads(reply.read())["ok"]


def log(server):
    return (server.directory / "ringmaild.log").read_text()


def logged(server, what):
    return [line for line in log(server).splitlines() if re.search(what, line)]


# --- Our own engine -------------------------------------------------------------------------------------
@pytest.mark.sanitized
def test_own_engine(make_instance):
    server = make_instance(settings=QUIET)
    assert re.search(r"^spam \{.*?engine = \"?ringmail", server.control("config", "show", "--defaults").stdout, re.M | re.S)
    who = server.fresh_account()
    reply = send(server, mail(GTUBE), who)
    assert (reply.code, reply.text) == (550, "5.7.1 Message refused as spam")
    assert send(server, mail("hello, shall we have lunch?", X_Spam_Flag="YES", X_Spam_Status="Yes"), who).code == 250
    (flags, header), = mailbox(server, who)
    assert re.search(r"^X-Spam-Status: No, score=-?[\d.]+ required=6\.00\r\n\ttests=\[", header, re.M)
    assert header.index("X-Spam-Status") < header.index("Received:")
    assert "X-Spam-Flag" not in header and "X-Said-Flag: YES" in header and header.count("X-Spam-Status") == 1
    assert len(logged(server, "event=smtp.mail .*spam=refuse score=.*reply=550")) == 1
    metrics = server.metrics()
    assert metrics['ringmail_spam_mails_total{engine="ringmail",result="refuse"}'] == 1
    assert metrics['ringmail_spam_mails_total{engine="ringmail",result="accept"}'] == 1
    assert metrics['ringmail_spam_seconds_count{engine="ringmail"}'] == 2
    change(server, "spam { engine = none }")
    assert send(server, mail(GTUBE), who).code == 250
    assert len(mailbox(server, who)) == 2


@pytest.mark.sanitized
def test_junk_goes_into_the_mailbox_for_it(make_instance):
    server = make_instance(settings={**QUIET, "spam.junk_score": 50, "spam.refuse_score": 0})
    fresh, spam, two = (server.fresh_account() for _ in range(3))
    assert send(server, mail(GTUBE), fresh).code == 250  # nobody has logged in there yet
    (flags, header), = mailbox(server, fresh, "Junk")
    assert "$Junk" in flags and "X-Spam-Flag: YES" in header and "X-Spam-Level: *****" in header
    assert mailbox(server, fresh) == []
    with server.imap(fresh) as client:
        listed = b"".join(client.command('LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE)').data)
        assert re.search(rb"\\Junk[^\r\n]*Junk", listed) and b"Drafts" in listed and b"\\Subscribed" in listed
    # another name for the same use
    with server.imap(spam) as client:
        for name in ("Junk", "Spam"):
            client.try_command(f'DELETE "{name}"')
        client.command('CREATE "Spam"')
    assert send(server, mail(GTUBE), spam, two).code == 250
    assert len(mailbox(server, spam, "Spam")) == 1 and mailbox(server, spam, "Junk") is None
    assert len(mailbox(server, two, "Junk")) == 1
    # through the queue (a report of success is wanted) as well
    assert send(server, mail(GTUBE), fresh, parameters=" NOTIFY=SUCCESS").code == 250
    wait.until(lambda: len(mailbox(server, fresh, "Junk")) == 2, 20, "junk comes through the queue")
    assert mailbox(server, fresh) == []
    change(server, "spam { delay_score = 60 }")
    reply = send(server, mail(GTUBE), fresh)
    assert reply.code == 451 and reply.text.startswith("4.7.1")
    change(server, "spam { trusted = 127.0.0.0/8 }")
    assert send(server, mail(GTUBE, X_Spam_Flag="YES"), fresh).code == 250
    (_, header), = mailbox(server, fresh)
    assert "X-Spam-Flag: YES" in header and "X-Spam-Status" not in header


@pytest.mark.sanitized
def test_junk_is_not_passed_on(make_instance):
    server = make_instance(settings={**QUIET, "spam.junk_score": 50, "spam.refuse_score": 0})
    who = server.fresh_account()
    server.control("alias", "add", "away@example.org", "friend@elsewhere.example", who)
    assert send(server, mail(GTUBE), "away@example.org").code == 550
    assert mailbox(server, who) == [] and not mailbox(server, who, "Junk")
    change(server, "spam { forward_junk = on }")
    assert send(server, mail(GTUBE), "away@example.org").code == 250
    wait.until(lambda: mailbox(server, who, "Junk"), 20, "the local copy is junk")


def test_an_operator_may_ask_why(make_instance, tmp_path):
    server = make_instance(settings=QUIET)
    path = tmp_path / "mail"
    path.write_bytes(mail(GTUBE).replace(b"\r\n", b"\n"))
    said = server.control("spam", "check", str(path), "--from", SENDER, "--rcpt", account(1), "--helo", "x.example").stdout
    assert said.startswith("refuse: score ") and "GTUBE" in said
    answer = json.loads(server.control("spam", "check", str(path), "--json", "--ip", "192.0.2.1").stdout)
    assert answer["action"] == "refuse" and answer["judged"] and answer["engine"] == "ringmail"
    assert any(symbol["name"] == "GTUBE" and symbol["score"] > 15 for symbol in answer["symbols"])
    assert server.control("spam", "check", "-", stdin=mail("shall we have lunch?").decode()).stdout.startswith("accept: score ")
    assert server.control("spam", "check", str(tmp_path / "none"), check=False).returncode == 1
    assert server.control("spam", "check", str(path), "--ip", "nonsense", check=False).returncode == 2
    change(server, "spam { engine = none }")
    assert "nobody judges" in server.control("spam", "check", str(path)).stdout
    assert send(server, mail("x"), account(1)).code == 250 and len(mailbox(server, account(1))) == 1


# --- rspamd ---------------------------------------------------------------------------------------------
@pytest.fixture
def judge(tmp_path):
    if not rspamd.available():
        pytest.skip("rspamd is not unpacked: tools/bootstrap test")
    judge = rspamd.Rspamd(tmp_path / "rspamd")
    yield judge.start()
    judge.stop()


def test_rspamd_judges(make_instance, judge):
    server = make_instance(settings={**QUIET, "spam.engine": "rspamd", "spam.rspamd_url": judge.url})
    who = server.fresh_account()
    assert send(server, mail(GTUBE), who).text == "5.7.1 Gtube pattern"
    assert send(server, mail(X_Test_Score="1.5"), who).code == 250
    assert send(server, mail(X_Test_Score="7"), who).code == 250
    assert send(server, mail(X_Test_Score="16"), who).text == "5.7.1 Message refused as spam"
    reply = send(server, mail(X_Test_Action="soft reject"), who)
    assert (reply.code, reply.text) == (451, "4.7.1 a test says soft reject")
    assert send(server, mail(X_Test_Action="add header"), who).code == 250
    assert send(server, mail(X_Test_Action="reject"), who).text == "5.7.1 a test says reject"
    (_, header), = mailbox(server, who)
    assert "X-Spam-Status: No, score=1.60" in header and "TEST_SCORE=1.50" in header
    assert len(mailbox(server, who, "Junk")) == 2
    # it is told the envelope, the client, the hello
    seen = (judge.here / "rspamd.log").read_text()
    assert re.search(rf"TEST_ENVELOPE\([\d.]+\){{{re.escape(SENDER)};{re.escape(who)};\w+-1;}}", seen), seen[-3000:]
    assert re.search(r"TEST_SCORE\(7[\d.]*\){asked for;127.0.0.1;client.example.net;}", seen)
    assert server.metrics()['ringmail_spam_mails_total{engine="rspamd",result="junk"}'] == 2
    # the other engine, and back, by a Unix socket, while it runs
    change(server, "spam { engine = ringmail }")
    assert send(server, mail(X_Test_Action="reject"), who).code == 250
    change(server, f"spam {{ engine = rspamd; rspamd_url = \"unix:{judge.socket_path}\" }}")
    assert send(server, mail(X_Test_Action="reject"), who).code == 550
    # larger than it is to see
    change(server, "spam { rspamd_size_max = 10k }")
    assert send(server, mail("x" * 70 + "\n" + ("y" * 70 + "\n") * 200, X_Test_Action="reject"), who).code == 250
    assert server.metrics()["ringmail_rspamd_too_large_total"] == 1


def test_rspamd_is_away_and_comes_back(make_instance, judge):
    server = make_instance(cores=1, settings={**QUIET, "spam.engine": "rspamd", "spam.rspamd_url": judge.url})
    who = server.fresh_account()
    assert send(server, mail(X_Test_Action="reject"), who).code == 550
    judge.stop()
    for _ in range(8):
        assert send(server, mail(X_Test_Action="reject"), who).code == 250
    assert len(mailbox(server, who)) == 8
    assert len(logged(server, "event=spam.rspamd_fails")) == 1  # once, however many mails
    metrics = server.metrics()
    assert metrics["ringmail_rspamd_failures_total"] == 5 and metrics["ringmail_rspamd_spared_total"] == 3
    assert len(logged(server, "event=smtp.mail .*unjudged=")) == 8
    change(server, "spam { on_failure = delay }")
    assert send(server, mail(), who).code == 451
    judge.start()
    wait.until(lambda: send(server, mail(X_Test_Action="reject"), who).code == 550, 30, "rspamd is asked again", 0.5)


class Liar:
    """Listens as rspamd would, and says `answer` to each; None: nothing at all."""

    def __init__(self, answer):
        self.answer = answer
        self.port = ports.take_block()
        self.socket = socket.create_server(("127.0.0.1", self.port))
        self.kept = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.kept.append(client)
            if self.answer is not None:
                threading.Thread(target=self._say, args=(client,), daemon=True).start()

    def _say(self, client):
        client.recv(65536)
        try:
            client.sendall(self.answer)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass


@pytest.mark.sanitized
@pytest.mark.parametrize("answer", [
    None, b"", b"hello\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
    b"HTTP/1.1 200 OK\r\n\r\n{\"score\":1,\"action\":\"" + b"x" * (2 << 20),
    b"HTTP/1.1 200 OK\r\n\r\n{\"score\":1e99999,\"action\":\"reject\"}", b"\0" * 100_000,
], ids=["silent", "closes", "line", "text", "cut", "forbidden", "deep", "large", "number", "zeros"])
def test_whoever_is_not_rspamd(make_instance, answer):
    liar = Liar(answer)
    server = make_instance(settings={**QUIET, "spam.engine": "rspamd", "spam.rspamd_url": f"http://127.0.0.1:{liar.port}",
                                     "spam.timeout": "500ms"})
    who = server.fresh_account()
    began = time.monotonic()
    assert send(server, mail(), who).code == 250
    assert time.monotonic() - began < 30  # the silent one never ends
    assert len(logged(server, "event=smtp.mail .*spam=accept unjudged=")) == 1
    change(server, "spam { on_failure = delay }")
    assert send(server, mail(), who).code == 451
    assert len(mailbox(server, who)) == 1


@pytest.mark.parametrize("answer, opens", [
    (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}", False),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", False),
    (b"HTTP/1.1 200 OK\r\n\r\n{\"score\":1,\"action\":\"" + b"x" * (2 << 20), False),
    (b"HTTP/1.1 503 Not now\r\nContent-Length: 2\r\n\r\n{}", True),
    (b"", True),
    (None, True),
], ids=["refused", "text", "large", "unavailable", "closes", "silent"])
def test_only_an_ill_rspamd_is_left_alone(make_instance, answer, opens):
    """What concerns one mail (its answer cannot be used) keeps nobody from asking about the next."""
    liar = Liar(answer)
    server = make_instance(cores=1, settings={**QUIET, "spam.engine": "rspamd", "spam.timeout": "300ms",
                                              "spam.rspamd_url": f"http://127.0.0.1:{liar.port}"})
    who = server.fresh_account()
    for _ in range(8):
        assert send(server, mail(), who).code == 250
    metrics = server.metrics()
    assert metrics["ringmail_rspamd_failures_total"] == (5 if opens else 8)
    assert metrics["ringmail_rspamd_spared_total"] == (3 if opens else 0)
    assert len(logged(server, "event=spam.rspamd_fails")) == opens


def test_submitted_mail_is_judged_where_it_is_wanted(make_instance):
    server = make_instance(settings={**QUIET, "spam.refuse_score": 50, "spam.junk_score": 1})
    one, two = server.fresh_account(), server.fresh_account()

    def submit(text, **fields):
        with smtplib.SMTP("127.0.0.1", server.submission_port, "client.example", timeout=60) as client:
            client.starttls(context=server.tls())
            client.login(one, "secret")
            assert client.mail(one)[0] == 250 and client.rcpt(two)[0] == 250
            code, text = client.data(mail(text, From=one, To=two, **fields))
            return code, text.decode()

    assert submit(GTUBE)[0] == 250  # off: nobody looks
    wait.until(lambda: len(mailbox(server, two)) == 1, 20, "it is there")
    change(server, "spam { submission = on }")
    assert submit(GTUBE) == (550, "5.7.1 Message refused as spam")
    assert submit("Canadian pharmacy, no prescription", Subject="V i a g r a")[0] == 250  # never junk
    wait.until(lambda: len(mailbox(server, two)) == 2, 20, "it is in the inbox")
    assert not mailbox(server, two, "Junk")
    change(server, "spam { delay_score = 40; refuse_score = 0 }")
    assert submit(GTUBE)[0] == 451
    assert server.metrics()['ringmail_spam_mails_total{engine="ringmail",result="refuse"}'] == 1


def test_an_operator_teaches(make_instance, tmp_path):
    """`ringmail spam learn`: files and folders; what was learned is heard by the server that runs."""
    server = make_instance(cores=1, settings={**QUIET, "spam.rules.learn_minimum": 12})
    words = {"ham": "minutes of the meeting about release planning and review tickets",
             "spam": "miracle casino bonus unlocks cheap debt relief winners today"}
    for kind, text in words.items():
        (tmp_path / kind).mkdir()
        for i in range(12):
            (tmp_path / kind / f"{i}").write_bytes(mail(f"{text} number{i} {text[i:]}"))
        said = server.control("spam", "learn", kind, str(tmp_path / kind), "--json").stdout
        assert json.loads(said)["learned"] == 12, said
    again = json.loads(server.control("spam", "learn", "spam", str(tmp_path / "spam"), "--json").stdout)
    assert (again["learned"], again["known"], again["spam"], again["ham"]) == (0, 12, 12, 12)
    assert server.control("spam", "learn", "eggs", str(tmp_path), check=False).returncode == 2

    def symbols(text):
        answer = json.loads(server.control("spam", "check", "-", "--json", stdin=mail(text).decode()).stdout)
        return {symbol["name"]: symbol["score"] for symbol in answer["symbols"]}

    wait.until(lambda: symbols(words["spam"]).get("LEARNED_SPAM", 0) > 2, 60, "the server hears of it", 1)
    assert symbols(words["ham"])["LEARNED_HAM"] < -1


def learned(server, metrics=None):
    metrics = metrics or server.metrics()
    return {(kind, way): metrics[f'ringmail_spam_learned_total{{class="{kind}",by="{way}"}}'] for kind in ("spam", "ham")
            for way in ("move", "copy", "append") if metrics[f'ringmail_spam_learned_total{{class="{kind}",by="{way}"}}']}


def lessons(server, result):
    return server.metrics()[f'ringmail_spam_lessons_total{{result="{result}"}}']


@pytest.mark.sanitized
def test_users_teach_by_moving(make_instance):
    """Twenty mails moved to Junk make one like them look worse; moved back they make it look better."""
    server = make_instance(cores=1, settings={**QUIET, "spam.rules.learn_minimum": 8})
    who = server.fresh_account()
    text = "miracle casino bonus unlocks cheap debt relief winners today claim yours while stocks last"
    lunch = "minutes of the meeting about release planning and review tickets before lunch on thursday"
    for i in range(20):
        assert send(server, mail(f"{text} {i}"), who).code == 250
    for i in range(10):
        assert send(server, mail(f"{lunch} {i}"), who).code == 250

    def score(words=text):
        return json.loads(server.control("spam", "check", "-", "--json", stdin=mail(words + " again").decode()).stdout)["score"]

    before = score()
    with imaplib.IMAP4("127.0.0.1", server.imap_port) as client:
        client.starttls(server.tls())
        client.login(who, "secret")

        def said(answer):
            assert answer[0] == "OK", answer
            return answer[1]

        said(client.select("INBOX"))
        said(client._simple_command("MOVE", "1:20", "Junk"))
        wait.until(lambda: learned(server) == {("spam", "move"): 20}, 20, "they are learned")
        # wanted mail: put into Junk by mistake (10 more that are unwanted), and back
        said(client.copy("1:10", "Junk"))
        wait.until(lambda: learned(server).get(("spam", "copy")) == 10, 20, "copies as well")
        said(client.select("Junk"))
        said(client._simple_command("MOVE", "21:30", "INBOX"))
        wait.until(lambda: learned(server).get(("ham", "move")) == 10, 20, "and taken back")
        wait.until(lambda: score() > before + 2, 40, "a mail like them looks worse", 0.5)
        assert score(lunch) < score() - 4
        worse = score()
        # again: nothing new; into the trash: says nothing
        said(client.copy("1:3", "INBOX"))
        wait.until(lambda: learned(server).get(("ham", "copy")) == 3, 20, "wanted after all")
        said(client.select("INBOX"))
        said(client.copy("1:3", "Drafts"))  # between two others
        said(client.select("Junk"))
        said(client.copy("1:3", "INBOX"))
        wait.until(lambda: lessons(server, "known") == 3, 20, "not learned twice")
        count = learned(server)
        said(client.copy("1:5", "Trash"))
        said(client._simple_command("MOVE", "1:20", "INBOX"))
        wait.until(lambda: learned(server).get(("ham", "move")) == 27, 20, "all of them are back")
        wait.until(lambda: score() < worse - 2, 40, "a mail like them looks better", 0.5)
        assert learned(server) == {**count, ("ham", "move"): 27} and lessons(server, "known") == 6
        said(client.append("Junk", None, None, mail(text + " by append")))
        wait.until(lambda: learned(server).get(("spam", "append")) == 1, 20, "appended")
        change(server, "spam { learn_from_moves = off }")
        said(client.append("Junk", None, None, mail(text + " not")))
        time.sleep(1)
        assert learned(server)[("spam", "append")] == 1
    assert lessons(server, "failed") == 0 and lessons(server, "lost") == 0


@pytest.mark.sanitized
def test_lessons_have_room_and_outlive_a_stop(make_instance):
    """More at once than wait (SPAM_LESSONS_WAITING_MAX, 256): the rest is lost, and counted; what waits at a stop is learned."""
    server = make_instance(cores=2, settings={**QUIET, "spam.learn_per_day": 0})
    who = server.fresh_account()
    with server.imap(who) as client:
        for i in range(300):
            client.append("INBOX", mail(f"number {i}"))
        client.select("INBOX")
        client.command('MOVE 1:300 "Junk"')
        wait.until(lambda: learned(server) == {("spam", "move"): 256}, 30, "as many as may wait")
        assert lessons(server, "lost") == 44
        client.select("Junk")
        client.command('COPY 257:300 "INBOX"')
    server.stop()
    server.start()
    path = server.directory / "more"
    path.write_bytes(mail("one more"))
    said = json.loads(server.control("spam", "learn", "ham", str(path), "--json").stdout)
    assert (said["spam"], said["ham"]) == (256, 45)


def test_an_account_teaches_its_share(make_instance):
    """spam.learn_per_day bounds what one account says of mail for all others; the log names who would say more, once."""
    server = make_instance(cores=1, settings={**QUIET, "spam.learn_per_day": 3})
    loud, other = server.fresh_account(), server.fresh_account()

    def teach(who, count):
        with server.imap(who) as client:
            for i in range(count):
                client.append("INBOX", mail(f"{who} {i}"))
            client.select("INBOX")
            client.command(f'MOVE 1:{count} "Junk"')

    teach(loud, 10)
    wait.until(lambda: learned(server) == {("spam", "move"): 3}, 20, "its share")
    assert lessons(server, "limited") == 7
    teach(other, 2)
    wait.until(lambda: learned(server) == {("spam", "move"): 5}, 20, "another's share is its own")
    assert lessons(server, "limited") == 7 and lessons(server, "lost") == 0
    lines = logged(server, "event=spam.lessons_limited")
    assert len(lines) == 1 and f"account={loud}" in lines[0], lines


def test_users_teach_rspamd(make_instance):
    """POST /learnspam and /learnham of the controller; 208 where it knew; others fail, and are counted."""
    asked = []

    class Controller(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.headers["Password"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response({1: 200, 2: 208, 3: 503}.get(len(asked), 200))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    controller = http.server.HTTPServer(("127.0.0.1", 0), Controller)
    threading.Thread(target=controller.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{controller.server_port}"
    liar = Liar(b"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n{}")
    server = make_instance(cores=1, settings={**QUIET, "spam.engine": "rspamd", "spam.rspamd_url": f"http://127.0.0.1:{liar.port}",
                                              "spam.rspamd_password": "tell", "spam.rspamd_controller_url": url})
    who = server.fresh_account()
    message = mail("a mail")
    with server.imap(who) as client:
        client.append("INBOX", message)
        client.select("INBOX")
        client.command('COPY 1 "Junk"')
        wait.until(lambda: learned(server) == {("spam", "copy"): 1}, 20, "learned")
        assert asked == [("/learnspam", "tell", message)]
        client.select("Junk")
        client.command('COPY 1 "INBOX"')
        wait.until(lambda: lessons(server, "known") == 1, 20, "it knew")
        assert asked[1:] == [("/learnham", "tell", message)]
        client.command('MOVE 1 "INBOX"')
        wait.until(lambda: lessons(server, "failed") == 1, 20, "it cannot")
        change(server, "spam { rspamd_controller_url = \"\" }")
        client.select("INBOX")
        client.command('COPY 1 "Junk"')
        time.sleep(1)
    assert len(asked) == 3 and not (server.directory / "store" / "spam.learned").exists()
    controller.shutdown()


def test_settings_that_make_no_sense(make_instance):
    server = make_instance(settings=QUIET)
    for bad in ("spam { trusted = nonsense }", "spam { rspamd_url = ftp://x }", "spam { junk_mailbox = \"a/b\" }",
                "spam { junk_score = 20 }", "spam { engine = spamassassin }", "spam { timeout = 2h }", "spam { rspamd_controller_url = x }"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            change(server, bad)
        assert refused.value.code == 422, bad
        assert b"spam." in refused.value.read()
