# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail programs submit: to mailboxes here and to a server elsewhere, in all ways they know.

What goes elsewhere.test ends at a server of the zoo, by a transport; names and MX are other tests' matter.
"""
import base64
import concurrent.futures
import email
import email.policy
import json
import shutil
import smtplib
import subprocess
import time
import urllib.request
import uuid

import pytest

from lab import hosts, maildir, outbound, wait, zoo
from lab.instance import DOMAIN, PASSWORD, account

ME, FRIEND = account(1), account(2)
NODEMAILER = "7.0.10"
SCRIPT = """
const nodemailer = require('nodemailer');
const o = JSON.parse(require('fs').readFileSync(0, 'utf8'));
nodemailer.createTransport({host: '127.0.0.1', port: o.port, secure: o.secure, requireTLS: !o.secure, name: 'client.example',
    auth: {user: o.user, pass: o.password}, tls: {rejectUnauthorized: false}, connectionTimeout: 20000})
  .sendMail({from: o.sender, to: o.to, bcc: o.bcc, subject: o.subject, text: o.text, envelope: {from: o.sender, to: o.to.concat(o.bcc)}})
  .then(info => console.log(info.response), problem => { console.log(problem.message); process.exit(1); });
"""


class Letter:
    """To somebody, and blindly to others; findable."""

    def __init__(self, to, bcc=(), sender=ME, user=None, password=PASSWORD, text="Grüße, 你好\n.\n..\nend"):
        self.to, self.bcc, self.sender, self.user, self.password, self.text = list(to), list(bcc), sender, user or sender, password, text
        self.subject = f"letter {uuid.uuid4().hex}"

    def recipients(self):
        return self.to + self.bcc

    def raw(self):
        """As a client that leaves much to the server: no Date, no Message-ID, Bcc told."""
        lines = [f"From: Sender <{self.sender}>", f"To: {', '.join(self.to)}", f"Subject: {self.subject}", "MIME-Version: 1.0",
                 "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
        if self.bcc:
            lines.insert(1, f"Bcc: {', '.join(self.bcc)}")
        return "\r\n".join(lines + ["", *self.text.split("\n"), ""]).encode()


def run(*command, stdin=None):
    """(succeeded, what it said)"""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=stdin, timeout=60)
    return done.returncode == 0, done.stdout.decode("utf-8", "replace")


# --- the clients -----------------------------------------------------------------------------------
def by_swaks(instance, letter, folder, implicit=False):
    (folder / "data").write_bytes(letter.raw())
    return run("swaks", "--server", "127.0.0.1", "--port", instance.submissions_port if implicit else instance.submission_port,
               "--tls-on-connect" if implicit else "--tls", "--ehlo", "client.example", "--auth", "LOGIN" if implicit else "PLAIN",
               "--auth-user", letter.user, "--auth-password", letter.password, "--from", letter.sender,
               "--to", ",".join(letter.recipients()), "--data", f"@{folder / 'data'}")


def by_swaks_465(instance, letter, folder):
    return by_swaks(instance, letter, folder, implicit=True)


def by_msmtp(instance, letter, folder):
    if not shutil.which("msmtp"):
        pytest.skip("msmtp is not installed")
    return run("msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={instance.submission_port}", "--tls=on", "--tls-starttls=on",
               "--tls-certcheck=off", "--auth=on", f"--user={letter.user}", f"--passwordeval=printf %s {letter.password}",
               f"--from={letter.sender}", "--", *letter.recipients(), stdin=letter.raw())


def by_curl(instance, letter, folder):
    (folder / "data").write_bytes(letter.raw())
    recipients = [part for recipient in letter.recipients() for part in ("--mail-rcpt", recipient)]
    return run("curl", "--silent", "--show-error", "--verbose", "--insecure", "--url",
               f"smtps://127.0.0.1:{instance.submissions_port}/client.example", "--user", f"{letter.user}:{letter.password}",
               "--mail-from", letter.sender, *recipients, "--upload-file", folder / "data")


def by_smtplib(instance, letter, folder):
    try:
        with smtplib.SMTP("127.0.0.1", instance.submission_port, "client.example", timeout=60) as client:
            client.starttls(context=instance.tls())
            client.login(letter.user, letter.password)
            return True, str(client.sendmail(letter.sender, letter.recipients(), letter.raw()))
    except smtplib.SMTPException as problem:
        return False, str(problem)


@pytest.fixture(scope="module")
def nodemailer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nodemailer")
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not installed")
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"nodemailer@{NODEMAILER}"], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode != 0:
        pytest.skip("npm cannot install nodemailer here")
    (folder / "send.js").write_text(SCRIPT)
    return folder / "send.js"


def by_nodemailer(script, secure):
    def send(instance, letter, folder):
        order = {"port": instance.submissions_port if secure else instance.submission_port, "secure": secure, "user": letter.user,
                 "password": letter.password, "sender": letter.sender, "to": letter.to, "bcc": letter.bcc,
                 "subject": letter.subject, "text": letter.text}
        return run("node", script, stdin=json.dumps(order).encode())
    return send


@pytest.fixture(params=["swaks", "swaks_465", "msmtp", "curl", "smtplib", "nodemailer", "nodemailer_465"])
def send(request):
    if request.param.startswith("nodemailer"):
        return by_nodemailer(request.getfixturevalue("nodemailer"), request.param.endswith("465"))
    return globals()[f"by_{request.param}"]


# --- the world -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(instance, books of the server elsewhere)"""
    from conftest import end
    from lab.instance import Instance
    hosts.need_port_25()
    books = zoo.Books()
    address = hosts.take()
    key = tmp_path_factory.mktemp("key") / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, stderr=subprocess.DEVNULL)
    with zoo.Sink(address, books):
        settings = {**{name: value for name, value in outbound.IMPATIENT.items() if name.startswith("queue.")},
                    "route.transports": f'["elsewhere.test=smtp:[{address}]:25"]', "route.private_addresses": "on",
                    "login.failures_free": "1000", "dkim.keys": f'["{DOMAIN}=test:{key}"]'}
        instance = Instance(tmp_path_factory.mktemp("submission") / "i", users=6, settings=settings).start()
        instance.signing_key = key
        yield instance, books
        end(instance)


def here(instance, letter, address=FRIEND):
    """The letter in somebody's mailbox."""
    def find():
        found = [raw for raw in maildir.messages(instance.maildir(address)).values() if letter.subject.encode() in raw]
        assert len(found) <= 1
        return found
    return wait.until(find, 20, f"the letter is with {address}")[0]


def elsewhere(books, letter, recipient):
    """The letter as the server elsewhere took it."""
    def find():
        return [entry for entry in books.entries() if letter.subject.encode() in entry.raw and entry.recipient == recipient]
    return wait.until(find, 20, f"the letter is with {recipient}")[0]


def check_fields(raw, letter):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    for name in ("Date", "Message-ID", "From", "Subject", "To"):
        assert len(mail.get_all(name, [])) == 1, name
    assert not mail.get_all("Bcc") and not mail.get_all("Sender")
    assert "with ESMTPSA" in mail.get_all("Received")[-1].replace("\n", " ")
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == letter.text
    return mail


def refused(result, code):
    sent, said = result
    assert not sent and code in said, said


# --- the tests -------------------------------------------------------------------------------------
def test_to_a_mailbox(world, send, tmp_path):
    letter = Letter([FRIEND])
    sent, said = send(world[0], letter, tmp_path)
    assert sent, said
    mail = check_fields(here(world[0], letter), letter)
    assert mail["Return-Path"] == f"<{ME}>"


def test_here_and_elsewhere(world, send, tmp_path):
    """One mail, four recipients, two of them blind: nobody learns of those."""
    instance, books = world
    letter = Letter([FRIEND, "open@elsewhere.test"], bcc=[account(3), "blind@elsewhere.test"])
    sent, said = send(instance, letter, tmp_path)
    assert sent, said
    raws = [here(instance, letter), here(instance, letter, account(3)), elsewhere(books, letter, "open@elsewhere.test").raw,
            elsewhere(books, letter, "blind@elsewhere.test").raw]
    for raw in raws:
        check_fields(raw, letter)
        assert b"blind@" not in raw and account(3).encode() not in raw.partition(b"From:")[2]
    assert elsewhere(books, letter, "open@elsewhere.test").sender == ME


def test_wrong_password(world, send, tmp_path):
    refused(send(world[0], Letter([FRIEND], password="wrong"), tmp_path), "535" if send is not by_curl else "")


def test_foreign_sender(world, send, tmp_path):
    refused(send(world[0], Letter([FRIEND], sender=FRIEND, user=ME), tmp_path), "553")


def test_unknown_recipient(world, send, tmp_path):
    refused(send(world[0], Letter([f"nobody@{ME.partition('@')[2]}"]), tmp_path), "550")


def test_utf8_address_goes_elsewhere(world):
    """SMTPUTF8 all the way: smtplib knows it."""
    instance, books = world
    letter = Letter(["jürgen@elsewhere.test"])
    with smtplib.SMTP("127.0.0.1", instance.submission_port, "client.example", timeout=60) as client:
        client.starttls(context=instance.tls())
        client.login(ME, PASSWORD)
        client.sendmail(ME, letter.to, letter.raw(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert "SMTPUTF8" in elsewhere(books, letter, "jürgen@elsewhere.test").mail_options.upper()


def test_held_until_its_time(world, tmp_path):
    """FUTURERELEASE (RFC 4865), for a mailbox and for a server elsewhere; over a restart."""
    instance, books = world
    letter = Letter([FRIEND, "held@elsewhere.test"])
    began = time.monotonic()
    with outbound.submission(instance) as client:
        client.command(f"MAIL FROM:<{ME}> HOLDFOR=6", 250)
        for recipient in letter.to:
            client.command(f"RCPT TO:<{recipient}>", 250)
        client.data(letter.raw(), 250)
    instance.crash()
    instance.start()
    time.sleep(max(0, began + 4 - time.monotonic()))
    early = [entry for entry in books.entries() if letter.subject.encode() in entry.raw]
    early += [raw for raw in maildir.messages(instance.maildir(FRIEND)).values() if letter.subject.encode() in raw]
    assert not early or time.monotonic() - began >= 5
    check_fields(here(instance, letter), letter)
    assert elsewhere(books, letter, "held@elsewhere.test")
    assert time.monotonic() - began >= 5


def test_signature_holds(world, tmp_path):
    """What left is what was signed, with the fields that were added and without those that were cut."""
    dkim = pytest.importorskip("dkim")
    instance, books = world
    letter = Letter([FRIEND, "signed@elsewhere.test"], bcc=["blind@elsewhere.test"])
    sent, said = by_smtplib(instance, letter, tmp_path)
    assert sent, said
    public = subprocess.run(["openssl", "rsa", "-in", instance.signing_key, "-pubout", "-outform", "DER"], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    def lookup(name, timeout=5):
        return record if name == f"test._domainkey.{DOMAIN}.".encode() else None
    for raw in (elsewhere(books, letter, "signed@elsewhere.test").raw, here(instance, letter)):
        assert dkim.verify(raw, dnsfunc=lookup)
        signature = raw[raw.index(b"DKIM-Signature"):].partition(b"\r\nReceived")[0]
        assert b"date" in signature.lower() and b"message-id" in signature.lower()
        assert not dkim.verify(raw.replace(b"Date: ", b"Date: Mon, ", 1), dnsfunc=lookup)


def test_limits_of_an_account(make_instance, tmp_path):
    """The third mail of the hour is refused, after a restart as well."""
    instance = make_instance(users=3, settings={"submission.messages_per_hour": "2", "submission.recipients_per_hour": "3"})
    for _ in range(2):
        sent, said = by_smtplib(instance, Letter([FRIEND]), tmp_path)
        assert sent, said
    with urllib.request.urlopen(instance.admin_url.rstrip("/") + "/events?types=account.limited", timeout=60) as events:
        refused(by_smtplib(instance, Letter([FRIEND]), tmp_path), "450")
        refused(by_smtplib(instance, Letter([FRIEND]), tmp_path), "450")  # no second alert
        told = next(line for line in events if b"account.limited" in line)
        assert ME.encode() in told
    assert by_smtplib(instance, Letter([ME], sender=FRIEND), tmp_path)[0]
    assert (instance.directory / "ringmaild.log").read_text().count("event=submission.limit") == 1
    instance.stop()
    instance.start()
    refused(by_smtplib(instance, Letter([FRIEND]), tmp_path), "450")


def test_limits_are_exact(make_instance):
    """Many sessions of one account at once, on all cores: exactly as many mails go out as may."""
    limit, sessions, mails = 30, 12, 5
    instance = make_instance(users=2, cores=4, settings={"submission.messages_per_day": str(limit)})

    def send(_):
        taken = 0
        with outbound.submission(instance, timeout=60) as client:
            for _ in range(mails):
                reply = client.command(f"MAIL FROM:<{ME}>")
                if reply.code == 450:
                    continue
                client.command(f"RCPT TO:<{FRIEND}>", 250)
                taken += client.data(Letter([FRIEND]).raw(), 250, 450).code == 250
        return taken
    with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
        taken = sum(pool.map(send, range(sessions)))
    assert taken == limit
    wait.until(lambda: len(maildir.messages(instance.maildir(FRIEND))) == limit, 10, "all of them are in the mailbox")
