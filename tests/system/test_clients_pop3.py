# SPDX-License-Identifier: GPL-3.0-or-later
"""POP3 with real clients: Python's poplib, curl, mpop; a mailbox taken over from Dovecot; kill -9 before and after QUIT."""
import contextlib
import os
import poplib
import random
import shutil
import subprocess
import time

import pytest

from lab import dovecot, maildir, message, wait
from lab.instance import account

ADDRESS = account(1)


@contextlib.contextmanager
def session(instance, address, secure="stls"):
    if secure == "pop3s":
        client = poplib.POP3_SSL("127.0.0.1", instance.pop3s_port, context=instance.tls(), timeout=60)
    else:
        client = poplib.POP3("127.0.0.1", instance.pop3_port, timeout=60)
        if secure == "stls":
            client.stls(instance.tls())
    try:
        client.user(address)
        client.pass_("secret")
        yield client
    finally:
        client.close()  # no QUIT: who wants one says it


def ids(client):
    return [line.split()[1].decode() for line in client.uidl()[1]]


def fetched(client, number):
    return b"\r\n".join(client.retr(number)[1]) + b"\r\n"


def fill(instance, address, count, generator, most=50_000):
    """{serial: the message as IMAP has it}, in order."""
    mails = {}
    with instance.imap(address, timeout=60) as client:
        for number in range(count):
            serial = f"pop{number:03d}"
            mails[serial] = message.make(generator, serial, message.size_of(generator, most=most), recipient=address)
            client.append("INBOX", mails[serial])
    return mails


@pytest.mark.timeout(120)
@pytest.mark.parametrize("secure", ["clear", "stls", "pop3s"])
def test_poplib(instance, seed, secure):
    address = instance.fresh_account()
    mails = fill(instance, address, 20, random.Random(seed), most=300_000)
    with session(instance, address, secure) as client:
        assert client.capa()["IMPLEMENTATION"] == ["Ringmail"]
        assert client.stat() == (20, sum(map(len, mails.values())))
        assert [int(line.split()[1]) for line in client.list()[1]] == [len(mail) for mail in mails.values()]
        assert [fetched(client, number) for number in range(1, 21)] == list(mails.values())
        head, body = message.split(mails["pop003"])
        assert b"\r\n".join(client.top(4, 2)[1]) + b"\r\n" == head + b"".join(body.splitlines(True)[:2])
        known = ids(client)
        assert len(set(known)) == 20
        for number in (2, 3, 20):
            client.dele(number)
        client.quit()
    with session(instance, address, secure) as client:
        left = [serial for serial in mails if serial not in ("pop001", "pop002", "pop019")]
        assert [message.serial_of(fetched(client, number)) for number in range(1, 18)] == left
        assert ids(client) == known[:1] + known[3:19]
    with instance.imap(address) as client:  # the same mailbox: RETR has set \\Seen
        assert client.select()["exists"] == 17
        assert len(client.search("SEEN")) == 17
    assert len(maildir.files(instance.maildir(address))) == 17


def curl(instance, address, path, *options, scheme="pop3s"):
    port = instance.pop3s_port if scheme == "pop3s" else instance.pop3_port
    done = subprocess.run(["curl", "-sS", "--cacert", instance.ca_cert, "--user", f"{address}:secret", "--max-time", "20",
                           *options, f"{scheme}://localhost:{port}/{path}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.timeout(60)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "*"])
def test_curl(instance, seed, mechanism):
    address = instance.fresh_account()
    first, second = fill(instance, address, 2, random.Random(seed)).values()
    login = ["--login-options", f"AUTH={mechanism}"]
    for how in (["pop3s", *login], ["pop3", "--ssl-reqd", *login]):
        scheme, *options = how
        assert curl(instance, address, "1", *options, scheme=scheme) == first
        assert curl(instance, address, "2", *options, scheme=scheme) == second
        listing = curl(instance, address, "", *options, scheme=scheme)
        assert listing.split() == [b"1", str(len(first)).encode(), b"2", str(len(second)).encode()]
    curl(instance, address, "1", "-X", "DELE", "--head", *login)
    assert curl(instance, address, "1", *login) == second


MPOP = """
defaults
tls on
tls_starttls {starttls}
tls_trust_file {ca}
tls_fingerprint
account test
host localhost
port {port}
user {address}
password secret
auth {auth}
keep {keep}
delivery maildir {box}
uidls_file {state}
"""


class Mpop:
    def __init__(self, instance, address, directory):
        self.instance, self.address, self.directory = instance, address, directory
        self.box = directory / "box"
        for part in ("cur", "new", "tmp"):
            (self.box / part).mkdir(parents=True)

    def run(self, keep, starttls="off", auth="user"):
        config = self.directory / "mpoprc"
        config.write_text(MPOP.format(
            starttls=starttls, ca=self.instance.ca_cert, auth=auth, address=self.address, keep=keep, box=self.box,
            port=self.instance.pop3_port if starttls == "on" else self.instance.pop3s_port, state=self.directory / "uidls"))
        config.chmod(0o600)
        done = subprocess.run(["mpop", "--file", str(config), "--received-header=off", "test"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        return sorted(message.serial_of(raw) for raw in maildir.messages(self.box).values())


@pytest.mark.timeout(120)
@pytest.mark.skipif(not shutil.which("mpop"), reason="needs mpop")
def test_mpop_leaves_and_deletes(instance, tmp_path, seed):
    address = instance.fresh_account()
    mails = fill(instance, address, 50, random.Random(seed))
    client = Mpop(instance, address, tmp_path)
    assert client.run("on") == sorted(mails)  # left on the server
    assert all(message.is_whole(raw) for raw in maildir.messages(client.box).values())
    assert client.run("on", starttls="on", auth="plain") == sorted(mails)  # nothing comes twice
    with instance.imap(address) as reader:
        assert reader.select()["exists"] == 50
        late = message.make(random.Random(seed), "late", 900, recipient=address)
        reader.append("INBOX", late)
    assert client.run("on", auth="login") == sorted([*mails, "late"])
    assert client.run("off") == sorted([*mails, "late"])  # and now all go
    with instance.imap(address) as reader:
        assert reader.select()["exists"] == 0
    assert maildir.files(instance.maildir(address)) == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_kill_before_and_after_quit(make_instance, request, seed, database):
    if database == "mariadb":
        database = request.getfixturevalue("database_server").new_database("pop3kill")
    instance = make_instance(database=database, users=2)
    mails = fill(instance, ADDRESS, 10, random.Random(seed))
    with session(instance, ADDRESS) as client:
        known = ids(client)
        for number in range(1, 11):
            client.dele(number)
        assert client.stat() == (0, 0)
        instance.crash()
    instance.start()
    with session(instance, ADDRESS) as client:  # not one is gone
        assert ids(client) == known
        assert [fetched(client, number) for number in range(1, 11)] == list(mails.values())
        for number in range(1, 6):
            client.dele(number)
        client.quit()
        instance.crash()  # what +OK was said to is durable
    instance.start()
    with session(instance, ADDRESS) as client:
        assert ids(client) == known[5:]
        assert [message.serial_of(fetched(client, number)) for number in range(1, 6)] == list(mails)[5:]


DOVECOT_POP3 = """
service pop3-login {{
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
{more}
"""


@pytest.mark.timeout(90)
@pytest.mark.skipif(not (dovecot.available() and os.path.exists("/usr/lib/dovecot/pop3")), reason="needs dovecot-pop3d, and to be root")
@pytest.mark.parametrize("uidl_format", [None, "%v.%u", "%Xu-%05v", "%f", "saved"])
def test_unique_ids_of_a_mailbox_taken_over(make_instance, tmp_path, seed, uidl_format):
    """No client downloads anything again; sizes and bytes are those that Dovecot gave."""
    server = dovecot.Dovecot(tmp_path / "dovecot", protocols="imap pop3")
    saved = uidl_format == "saved"  # by Dovecot for each message, as a migration before it leaves them
    more = "pop3_uidl_format = old-%u-%f\npop3_save_uidl = yes" if saved else f"pop3_uidl_format = {uidl_format}" if uidl_format else ""
    server.settings["more"] = DOVECOT_POP3.format(port=server.port + 1, more=more)
    server.start()
    generator = random.Random(seed)
    try:
        with server.imap(ADDRESS) as client:
            for number in range(12):
                client.append("INBOX", message.make(generator, f"old{number}", message.size_of(generator, most=20_000)))
            client.select()
            client.command("STORE 3:5 +FLAGS (\\Deleted)")
            client.command("EXPUNGE")
        foreign = poplib.POP3("127.0.0.1", server.port + 1, timeout=60)
        foreign.user(ADDRESS)
        foreign.pass_("secret")
        known, sizes = ids(foreign), foreign.list()[1]
        mails = [fetched(foreign, number) for number in range(1, 10)]
        foreign.quit()
    finally:
        server.stop()
    user, _, domain = ADDRESS.partition("@")
    instance = make_instance(users=2, settings={"pop3.uidl_format": uidl_format} if uidl_format and not saved else {})
    instance.stop()
    box = instance.maildir(ADDRESS)
    shutil.rmtree(box, ignore_errors=True)
    box.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(server.store / domain / user / "Maildir", box)
    instance.start()
    for _ in range(2):
        with session(instance, ADDRESS) as client:
            assert ids(client) == known and len(known) == 9
            assert client.list()[1] == sizes
            assert [fetched(client, number) for number in range(1, 10)] == mails
        instance.stop()
        instance.start()
    with instance.imap(ADDRESS) as client:  # what comes later is named by us
        client.append("INBOX", message.make(generator, "new", 500))
    with session(instance, ADDRESS) as client:
        assert ids(client)[:9] == known and len(set(ids(client))) == 10
        assert not saved or not ids(client)[9].startswith("old-")


@pytest.mark.timeout(60)
def test_seen_by_the_operator(make_instance, seed):
    """/stats, /sessions, /metrics, the log's line, what mail programs are told."""
    instance = make_instance(users=2)
    fill(instance, ADDRESS, 2, random.Random(seed))
    with session(instance, ADDRESS) as client:
        fetched(client, 1)
        client.dele(1)
        assert '"protocol":"pop3"' in instance.admin("/sessions").replace(" ", "")
        assert instance.metrics()["ringmail_pop3_sessions"] == 1
        client.quit()
    wait.until(lambda: instance.metrics()["ringmail_pop3_sessions"] == 0, 10, "the session ends")
    metrics = instance.metrics()
    assert metrics["ringmail_pop3_retrieved_total"] == 1 and metrics["ringmail_pop3_deleted_total"] == 1
    assert "pop3" in instance.admin("/stats")
    line = next(line for line in (instance.directory / "ringmaild.log").read_text().splitlines() if "event=pop3.session" in line)
    assert f"user={ADDRESS}" in line and "retrieved=1 deleted=1" in line and "tls=" in line
    shown = instance.control("dns", "show", "example.org").stdout
    assert f"0 1 {instance.pop3s_port} " in shown and f"0 1 {instance.pop3_port} " in shown


@pytest.mark.timeout(60)
def test_a_client_that_stops_reading_is_no_burden(make_instance, seed):
    """A large message to a client that takes nothing: the server goes on, and others are served."""
    instance = make_instance(users=2, cores=1)
    generator = random.Random(seed)
    large = message.make(generator, "large", 8 << 20)
    with instance.imap(ADDRESS, timeout=60) as client:
        client.append("INBOX", large)
    with session(instance, ADDRESS, "clear") as stalled:
        for _ in range(8):
            stalled.sock.sendall(b"RETR 1\r\n")
        time.sleep(0.5)
        with session(instance, ADDRESS, "pop3s") as client:
            assert fetched(client, 1) == large
        for _ in range(8):  # and it may go on
            assert b"\r\n".join(stalled._getlongresp()[1]) + b"\r\n" == large
    assert instance.complaints() == []
