# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does while it runs: reload, stop, look, and manage accounts with `ringmail`."""
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import threading
import time
import urllib.error

import pytest

from lab import certificate, imap, maildir, smtp, wait
from lab.instance import BUILD, PASSWORD, account

pytestmark = pytest.mark.sanitized

MAIL = b"Subject: one\r\n\r\none\r\n"


@pytest.fixture
def server(make_instance):
    return make_instance(users=5)


def logged(server, what):
    texts = (path.read_text(errors="replace") for path in server.directory.glob("*.log"))
    return [line for text in texts for line in text.splitlines() if what in line]


def turned_away(server):
    try:
        server.smtp().close()
        return False
    except (OSError, AssertionError, smtp.Closed):
        return True


def setting(server, section, name):
    return json.loads(server.admin("/config"))[section][name]["value"]


def reload(server):
    before = len(logged(server, "event=server.reload"))
    server.signal(signal.SIGHUP)
    wait.until(lambda: len(logged(server, "event=server.reload")) > before, 30, "it has read them again")


def peer_certificate(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with imap.Imap("127.0.0.1", server.imaps_port, context=context) as client:
        return client.socket.getpeercert(binary_form=True)


# --- SIGHUP -----------------------------------------------------------------------------------------
def test_new_certificate_without_dropping_a_session(server):
    old = peer_certificate(server)
    with imap.Imap("127.0.0.1", server.imaps_port, context=server.tls()) as secure, \
            server.imap(account(1)) as clear, server.smtp() as sender:
        secure.login(account(1), PASSWORD)
        secure.select()
        tag = secure.idle()
        clear.select()
        sender.ehlo()
        sender.starttls(server.tls())
        sender.ehlo()
        sender.envelope("s@example.net", account(1))
        (certificate_path,), (key_path,) = (setting(server, "tls", name) for name in ("certificates", "keys"))
        new = certificate.replace(certificate_path, key_path)
        reload(server)
        assert peer_certificate(server) == new != old
        assert sender.data(MAIL).code == 250
        secure.wait_for(rb"\* 1 EXISTS", 5)
        secure.done(tag)
        assert clear.command("NOOP").status == "OK"


def test_settings_change_on_reload(server):
    config = pathlib.Path(server.config)
    with server.smtp() as before:
        assert int(before.ehlo()["SIZE"]) > 1_000_000
        config.write_text(config.read_text() + "\nsmtp.size_max = 1M;\n")
        reload(server)
        with server.smtp() as after:
            assert after.ehlo()["SIZE"] == str(1 << 20)
        assert before.command("NOOP").code == 250


def test_bad_file_changes_nothing(server):
    config = pathlib.Path(server.config)
    good = config.read_text()
    config.write_text(good + "\nsmtp.size_maxx = 1M;\n")
    reload(server)
    assert server.is_running()
    with server.smtp() as client:
        assert int(client.ehlo()["SIZE"]) > 1 << 20
    daemon = BUILD / "ringmaild"
    done = subprocess.run([daemon, "--check-config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60)
    line = len(good.splitlines()) + 2
    assert done.returncode != 0
    assert re.search(rf":{line}:.*size_maxx.*size_max\b", done.stdout), done.stdout
    config.write_text(good)
    assert subprocess.run([daemon, "--check-config", str(config)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=60).returncode == 0


def test_check_finds_what_would_end_the_start(server):
    """A key that is another certificate's, and one that is no key: the file is as bad as a misspelt one."""
    config = pathlib.Path(server.config)
    good = config.read_text()
    (_,), (key,) = (setting(server, "tls", name) for name in ("certificates", "keys"))
    other = pathlib.Path(server.directory) / "other.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(other), "2048"], check=True, stderr=subprocess.DEVNULL)
    broken = pathlib.Path(server.directory) / "broken.conf"
    broken.write_text(good.replace(str(key), str(other)))
    for text in (None, "no key\n"):
        if text:
            other.write_text(text)
        done = subprocess.run([BUILD / "ringmaild", "--check-config", str(broken)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 78, done.stdout
        assert "tls.certificates: " in done.stdout and "fine" not in done.stdout


# --- SIGTERM ----------------------------------------------------------------------------------------
def test_sigterm_finishes_what_is_in_flight(server):
    pid = server.pid
    with server.smtp() as sending, server.smtp() as waiting, server.imap(account(1)) as idling, \
            server.imap(account(1)) as appending:
        sending.ehlo()
        waiting.ehlo()
        sending.envelope("s@example.net", account(1))
        sending.command("DATA", 354)
        sending.send(MAIL[:10])
        idling.select()
        idling.idle()
        appending.send(b"x APPEND INBOX {%d}\r\n" % len(MAIL))
        appending.read_response()
        server.signal(signal.SIGTERM)
        time.sleep(0.05)
        server.signal(signal.SIGTERM)  # the same order once more, as timeout(1) gives it
        # New clients: refused, or told to come back.
        wait.until(lambda: turned_away(server), 30, "nobody new is let in")
        # Those who wait for nothing are told so.
        assert waiting.reply().code == 421
        assert any(line.startswith(b"* BYE") for line in idling.wait_for(rb"\* BYE", 5))
        # What was begun is finished.
        sending.send(MAIL[10:] + b".\r\n")
        assert sending.reply().code == 250
        appending.send(MAIL + b"\r\n")
        assert appending.finish(b"x").status == "OK"
        wait.until(lambda: not server.is_running(), 10, "the server has gone")
    assert not pathlib.Path(f"/proc/{pid}").exists() or not server.is_running()
    server.pid = None
    server.start()
    with server.imap(account(1)) as client:
        assert client.select()["exists"] == 2


def test_sigterm_does_not_wait_for_ever(make_instance):
    server = make_instance(users=1, settings={"server.shutdown_timeout": "2s"})
    with server.smtp() as stalled:
        stalled.ehlo()
        stalled.envelope("s@example.net", account(1))
        stalled.command("DATA", 354)
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        wait.until(lambda: not server.is_running(), 8, "the server has gone")
        assert time.monotonic() - started > 1
    server.pid = None


# --- looking ----------------------------------------------------------------------------------------
def test_health_metrics_stats(server):
    assert server.admin("/health").strip().startswith("ok")
    with server.smtp() as client:
        client.ehlo()
        for _ in range(3):
            client.deliver("s@example.net", [account(1)], MAIL)
    with server.imap(account(1)) as client:
        client.select()
        sessions = server.admin("/sessions")
        assert account(1) in sessions and "imap" in sessions
    metrics = server.metrics()
    assert metrics and all(re.match(r"[a-z_:][a-z0-9_:]*(\{.*\})?$", name) for name in metrics)
    accepted = [name for name, value in metrics.items() if "smtp" in name and value == 3]
    assert accepted, sorted(name for name in metrics if "smtp" in name)
    stats = server.stats()
    assert len(stats["cores"]) == server.cores
    page = server.admin("/")
    assert "<html" in page.lower()
    with pytest.raises(urllib.error.HTTPError):
        server.admin("/nothing-here")


def test_one_log_line_per_session_and_delivery(server):
    with server.smtp() as client:
        client.ehlo()
        client.deliver("s@example.net", [account(1)], MAIL)
        client.command("QUIT", 221)
    wait.until(lambda: logged(server, "event=smtp.session"), 30, "the session is told")
    lines = [line for line in logged(server, "smtp") if "user0001@example.org" in line or "session" in line]
    assert 1 <= len(lines) <= 3, lines
    assert PASSWORD not in "".join(logged(server, "")).replace("secret=", "")


# --- managing ---------------------------------------------------------------------------------------
@pytest.fixture(params=["sqlite", "mariadb"])
def managed(request, make_instance):
    if request.param == "sqlite":
        return make_instance(users=3)
    database = request.getfixturevalue("database_server")
    return make_instance(users=3, database=database.new_database("managed"))


def rcpt(server, address):
    with server.smtp() as client:
        utf8 = "" if address.isascii() else " SMTPUTF8"
        client.ehlo()
        client.command(f"MAIL FROM:<s@example.net>{utf8}", 250)
        return client.command(f"RCPT TO:<{address}>").code


def deliver(server, address):
    with server.smtp() as client:
        client.ehlo()
        client.command("MAIL FROM:<s@example.net>" + ("" if address.isascii() else " SMTPUTF8"), 250)
        client.command(f"RCPT TO:<{address}>", 250)
        client.data(MAIL, 250)


def count(server, address):
    return len(maildir.files(server.maildir(address)))


def test_control_manages_domains_users_and_aliases(managed):
    server = managed
    assert rcpt(server, "anna@example.com") == 550
    server.control("domain", "add", "example.com")
    assert "example.com" in server.control("domain", "list").stdout
    server.control("user", "add", "anna@example.com", stdin="first\n")
    assert "anna@example.com" in server.control("user", "list").stdout
    listed = json.loads(server.control("user", "list", "--json").stdout)
    assert "anna@example.com" in json.dumps(listed)
    deliver(server, "anna@example.com")
    server.imap("anna@example.com", "first").close()

    server.control("user", "password", "anna@example.com", stdin="second\n")
    with server.imap() as client:
        assert client.try_command("LOGIN anna@example.com first").status == "NO"
    server.imap("anna@example.com", "second").close()

    server.control("alias", "add", "all@example.com", "anna@example.com", account(1))
    deliver(server, "all@example.com")
    wait.until(lambda: count(server, "anna@example.com") == 2 and count(server, account(1)) == 1, 5, "both have it")
    assert "all@example.com" in server.control("alias", "list").stdout
    server.control("alias", "remove", "all@example.com")
    assert rcpt(server, "all@example.com") == 550

    server.control("user", "remove", "anna@example.com")
    assert rcpt(server, "anna@example.com") == 550
    server.control("domain", "remove", "example.com")
    assert "example.com" not in server.control("domain", "list").stdout


def test_control_says_what_is_wrong(server):
    for arguments in (["user", "add", "not-an-address"], ["user", "remove", "nobody@example.org"],
                      ["user", "add", account(1)], ["domain", "add", "bad domain"], ["bogus"], ["user"]):
        done = server.control(*arguments, check=False, stdin="x\n")
        assert done.returncode != 0, arguments
        assert done.stderr.strip() and "Traceback" not in done.stderr
    assert server.control("--help").stdout
    assert server.control("user", "--help").stdout


def test_addresses_find_their_mailboxes(managed):
    """Aliases to several, chains, loops, catch-all, details, IDN and UTF-8."""
    server = managed
    one, two, three = (account(n) for n in (1, 2, 3))
    server.control("alias", "add", "chain@example.org", "chain2@example.org")
    server.control("alias", "add", "chain2@example.org", two)
    server.control("alias", "add", "loop@example.org", "loop2@example.org")
    server.control("alias", "add", "loop2@example.org", "loop@example.org")
    server.control("alias", "add", "outside@example.org", "someone@elsewhere.example.com")
    server.control("domain", "add", "catch.example")
    server.control("alias", "add", "@catch.example", three)
    server.control("domain", "add", "bücher.example")
    server.control("user", "add", "дядя@bücher.example", stdin="x\n")
    for address, target in [("chain@example.org", two), (one.replace("@", "+detail@"), one),
                            ("anything@catch.example", three), (one.upper(), one)]:
        before = count(server, target)
        deliver(server, address)
        wait.until(lambda: count(server, target) == before + 1, 5, f"mail for {address} is with {target}")
    assert rcpt(server, "loop@example.org") in (451, 550, 554)
    assert rcpt(server, "outside@example.org") == 250  # into the queue
    assert rcpt(server, "дядя@bücher.example") == 250
    assert rcpt(server, "дядя@xn--bcher-kva.example") == 250


def test_quota(managed):
    """A full mailbox: 452 4.2.2 (or 552 5.2.2), OVERQUOTA for APPEND, and room again after an expunge."""
    server = managed
    server.control("user", "add", "small@example.org", "--quota", "100k", stdin="x\n")
    big = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 2200
    codes = []
    with server.smtp() as client:
        client.ehlo()
        for _ in range(5):
            client.command("MAIL FROM:<s@example.net>", 250)
            reply = client.command("RCPT TO:<small@example.org>")
            if reply.code == 250:
                reply = client.data(big)
            else:
                client.command("RSET", 250)
            codes.append(reply.code)
            if reply.code != 250:
                assert reply.text[1:5] == ".2.2", reply
    assert codes[:2] == [250, 250] and codes[-1] in (452, 552)
    with server.imap("small@example.org", "x") as client:
        with pytest.raises(imap.Refused, match="OVERQUOTA"):
            for _ in range(5):
                client.append("INBOX", big)
        client.select()
        client.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        client.command("EXPUNGE")
        client.append("INBOX", big)


def test_simultaneous_reloads_and_deliveries(server):
    """SIGHUP a hundred times while mail comes in: no session notices."""
    failures = []

    def send():
        try:
            for _ in range(20):
                deliver(server, account(2))
        except Exception as reason:  # noqa: BLE001
            failures.append(repr(reason))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        server.signal(signal.SIGHUP)
        time.sleep(0.01)
    for thread in threads:
        thread.join(30)
    assert failures == [] and count(server, account(2)) == 80
