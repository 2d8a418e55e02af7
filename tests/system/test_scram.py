# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM for IMAP and submission: real clients, hashes of others, channel bindings, what may not be seen."""
import base64
import hashlib
import imaplib
import json
import shutil
import smtplib
import ssl
import subprocess
import urllib.request

import pytest

from lab import instance as instances, scram
from lab.instance import account

pytestmark = pytest.mark.sanitized

SECRET = "0123456789abcdef0123456789abcdef"
BOTH = ["SCRAM-SHA-256", "SCRAM-SHA-1"]
SHA_256, SHA_1, PLAIN, USUAL, DOVECOT, NOBODY = account(1), account(2), account(3), account(4), account(5), "nobody@example.org"


def binds(server):
    """Was wolfSSL built with keying material? third_party's is."""
    with imaplib.IMAP4("127.0.0.1", server.imap_port) as session:
        session.starttls(server.tls())
        return "-PLUS" in str(session.capabilities)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"login.scram": "on", "login.scram_secret": SECRET, "login.failure_delay": "0s",
                "login.failures_max": 100000, "login.attempts_max": 1000, "submission.tls_required": "off"}
    server = instances.Instance(tmp_path_factory.mktemp("scram") / "i", users=6, settings=settings).start()
    for address, scheme in ((SHA_256, "SCRAM-SHA-256"), (SHA_1, "SCRAM-SHA-1"), (PLAIN, "PLAIN"), (USUAL, "BLF-CRYPT")):
        set_password(server, address, "--scheme", scheme, stdin="pencil\n")
    if shutil.which("doveadm"):
        made = subprocess.run(["doveadm", "pw", "-s", "SCRAM-SHA-256", "-p", "pencil"], text=True, stdout=subprocess.PIPE)
        set_password(server, DOVECOT, "--hash", made.stdout.strip())
    yield server
    server.stop()


def set_password(server, address, *arguments, stdin=""):
    done = subprocess.run([str(instances.BUILD / "ringmail"), "--config", server.config, "user", "password", address, *arguments],
                          input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout


def by_imap(server, client, mechanism, tls=False):
    """The server's words, or None after success."""
    session = imaplib.IMAP4("127.0.0.1", server.imap_port)
    try:
        if tls:
            session.starttls(server.tls())
        session.authenticate(mechanism, client.for_imaplib)
        assert client.server_proved and session.select()[0] == "OK"
    except imaplib.IMAP4.error as refusal:
        return str(refusal)
    finally:
        session.shutdown()


def by_smtp(server, client, mechanism, initial=True):
    with smtplib.SMTP("127.0.0.1", server.submission_port, timeout=60) as session:
        session.ehlo()
        assert mechanism in session.esmtp_features["auth"].split()
        try:
            code, _ = session.auth(mechanism, client.for_smtplib, initial_response_ok=initial)
        except smtplib.SMTPAuthenticationError as refusal:
            return str(refusal)
        assert code == 235 and client.server_proved


@pytest.mark.parametrize("by", [by_imap, by_smtp])
@pytest.mark.parametrize("address, mechanism", [
    (SHA_256, BOTH[0]), (SHA_1, BOTH[1]), (PLAIN, BOTH[0]), (PLAIN, BOTH[1])])
def test_logs_in(server, by, address, mechanism):
    assert by(server, scram.Client(address, "pencil", mechanism), mechanism) is None
    refusal = by(server, scram.Client(address, "pen", mechanism), mechanism)
    assert ("AUTHENTICATIONFAILED" if by is by_imap else "535") in refusal


def test_without_an_initial_response(server):
    assert by_smtp(server, scram.Client(SHA_256, "pencil"), BOTH[0], initial=False) is None


def test_hashes_of_dovecot(server):
    if not shutil.which("doveadm"):
        pytest.skip("doveadm is not installed")
    assert by_imap(server, scram.Client(DOVECOT, "pencil"), BOTH[0]) is None
    assert by_imap(server, scram.Client(DOVECOT, "Pencil"), BOTH[0])
    made = subprocess.run([str(instances.BUILD / "ringmail"), "hash", "--scheme", "SCRAM-SHA-256"], input="pencil\n", text=True,
                          stdout=subprocess.PIPE, check=True).stdout.strip()
    for password, right in (("pencil", True), ("pen", False)):
        done = subprocess.run(["doveadm", "pw", "-t", made, "-p", password], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert (done.returncode == 0) == right, done.stdout


def test_plain_checks_scram_hashes(server):
    for address in (SHA_256, SHA_1):
        with imaplib.IMAP4("127.0.0.1", server.imap_port) as session:
            assert session.login(address, "pencil")[0] == "OK"
        with imaplib.IMAP4("127.0.0.1", server.imap_port) as session, pytest.raises(imaplib.IMAP4.error):
            session.login(address, "pen")


def test_offers(server, make_instance):
    names = [f"AUTH={name}" for name in BOTH]
    with imaplib.IMAP4("127.0.0.1", server.imap_port) as session:
        assert set(names) <= set(session.capabilities) and "-PLUS" not in str(session.capabilities)
        session.starttls(server.tls())
        assert (f"{names[0]}-PLUS" in session.capabilities) == (f"{names[1]}-PLUS" in session.capabilities) == binds(server)
    usual = make_instance(users=1)
    with imaplib.IMAP4("127.0.0.1", usual.imap_port) as session:
        assert "SCRAM" not in str(session.capabilities)
        with pytest.raises(imaplib.IMAP4.error, match="unknown authentication mechanism"):
            session.authenticate("SCRAM-SHA-256", scram.Client(account(1), "secret").for_imaplib)


def test_a_secret_is_wanted(server, tmp_path):
    config = tmp_path / "ringmail.conf"
    config.write_text('login.scram = on;\nlogin.scram_secret = "0123456789abcde";\n')
    done = subprocess.run([str(instances.BUILD / "ringmaild"), "--check-config", str(config)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode != 0 and "login.scram_secret" in done.stdout and "openssl rand" in done.stdout


def salt_of(server, address, mechanism):
    client = scram.Client(address, "x", mechanism)
    assert by_imap(server, client, mechanism)
    return client.parts["s"], client.parts["i"]


@pytest.mark.parametrize("mechanism", BOTH)
def test_nobody_can_be_told_from_somebody(server, mechanism):
    """The same salt and rounds each time, whether there is an account or not; the same refusal."""
    seen = {}
    for address in (SHA_256, SHA_1, USUAL, NOBODY, "other@example.org", "not an address"):
        first, second = salt_of(server, address, mechanism), salt_of(server, address, mechanism)
        assert first == second and len(base64.b64decode(first[0])) == 16 and first[1] == "15000"
        seen[address] = first[0]
    assert len(set(seen.values())) == len(seen)
    assert salt_of(server, NOBODY.upper(), mechanism)[0] == seen[NOBODY]
    words = {by_imap(server, scram.Client(address, "pen", mechanism), mechanism) for address in (SHA_256, SHA_1, USUAL, NOBODY)}
    assert len(words) == 1 and "AUTHENTICATIONFAILED" in words.pop()


def test_a_new_password_counts_at_once(server):
    address = account(6)
    for password in ("first", "second"):
        set_password(server, address, "--scheme", "SCRAM-SHA-256", stdin=password + "\n")
        assert by_imap(server, scram.Client(address, password), BOTH[0]) is None
    assert by_imap(server, scram.Client(address, "first"), BOTH[0])


@pytest.mark.parametrize("scheme", ["SCRAM-SHA-256", "PLAIN"])
def test_prepared_passwords(server, scheme):
    """RFC 4013: set with a letter and its accent apart and a soft hyphen, it is the one that clients send prepared."""
    address, typed, prepared = account(6), "Passwo\u0308r\u00adter", "Passw\u00f6rter"
    set_password(server, address, "--scheme", scheme, stdin=typed + "\n")
    assert by_imap(server, scram.Client(address, prepared), BOTH[0]) is None
    assert by_imap(server, scram.Client(address, "Passworter"), BOTH[0])

    def plain(password):
        with imaplib.IMAP4("127.0.0.1", server.imap_port) as session:
            return session.authenticate("PLAIN", lambda _: f"\0{address}\0{password}".encode())[0]

    assert plain(typed) == "OK"
    if scheme == "PLAIN":  # bytes are compared with bytes
        with pytest.raises(imaplib.IMAP4.error):
            plain(prepared)
    else:
        assert plain(prepared) == "OK"


# --- channel bindings -------------------------------------------------------------------------------------
def end_point_of(session):
    certificate = session.sock.getpeercert(binary_form=True)
    return hashlib.sha256(certificate).digest()


def bound_login(server, header, binding, mechanism="SCRAM-SHA-256-PLUS"):
    """binding: bytes, or what gives them for the session."""
    session = imaplib.IMAP4("127.0.0.1", server.imap_port)
    try:
        session.starttls(server.tls())
        client = scram.Client(SHA_256, "pencil", header=header, binding=binding(session) if callable(binding) else binding)
        session.authenticate(mechanism, client.for_imaplib)
        return client.server_proved
    except imaplib.IMAP4.error as refusal:
        return str(refusal)
    finally:
        session.shutdown()


def test_bound_to_the_certificate(server):
    if not binds(server):
        pytest.skip("wolfSSL was built without keying material")
    assert bound_login(server, "p=tls-server-end-point,,", end_point_of) is True
    for header, binding, words in (
            ("p=tls-server-end-point,,", b"x" * 32, "AUTHENTICATIONFAILED"),  # somebody stands between
            ("p=tls-server-end-point,,", b"", "AUTHENTICATIONFAILED"),
            ("p=tls-exporter,,", b"x" * 32, "AUTHENTICATIONFAILED"),
            ("p=tls-unique,,", b"x" * 12, "channel binding"), ("n,,", b"", "channel binding")):
        assert words in bound_login(server, header, binding), header


def test_lies_about_bindings_are_noticed(server):
    """RFC 5802 6: "y" says that the server did not offer -PLUS; it did, so somebody took it away."""
    if binds(server):
        assert "channel binding" in bound_login(server, "y,,", b"", "SCRAM-SHA-256")
    else:
        assert bound_login(server, "y,,", b"", "SCRAM-SHA-256") is True
    assert bound_login(server, "n,,", b"", "SCRAM-SHA-256") is True
    assert by_imap(server, scram.Client(SHA_256, "pencil", header="y,,"), BOTH[0]) is None  # in clear it is true


# --- the rest ----------------------------------------------------------------------------------------------
def test_failures_are_counted_and_slow_down(make_instance):
    strict = make_instance(users=1, cores=1, settings={
        "login.scram": "on", "login.scram_secret": SECRET, "login.failures_free": 0, "login.failures_max": 3,
        "login.failure_delay": "10ms", "login.attempts_max": 2})
    session = imaplib.IMAP4("127.0.0.1", strict.imap_port)
    for _ in range(2):
        with pytest.raises(imaplib.IMAP4.error):
            session.authenticate(BOTH[0], scram.Client(account(1), "wrong").for_imaplib)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):  # attempts_max: the session has ended
        session.noop()
    assert "AUTHENTICATIONFAILED" in by_imap(strict, scram.Client(account(1), "wrong"), BOTH[0])
    assert "UNAVAILABLE" in by_imap(strict, scram.Client(account(1), "wrong"), BOTH[0])  # failures_max
    metrics = urllib.request.urlopen(f"{strict.admin_url}/metrics", timeout=60).read().decode()
    assert 'ringmail_logins_total{result="denied"} 3' in metrics and 'ringmail_logins_total{result="refused"} 1' in metrics


def test_nonsense(server):
    with imaplib.IMAP4("127.0.0.1", server.imap_port) as session:
        for answers in ([b"x"], [b"n,,n=u,r=x", b"x"], [b"n,,n=u,r=x", b"c=biws,r=x,p=AAAA"], [b"n,a=b,n=u,r=x" + b"x" * 600]):
            with pytest.raises(imaplib.IMAP4.error):
                session.authenticate(BOTH[0], lambda challenge, rest=iter(answers): next(rest))
        assert session.noop()[0] == "OK"


def test_msmtp(server):
    if not shutil.which("msmtp"):
        pytest.skip("msmtp is not installed")
    for method, address in (("scram-sha-256", SHA_256), ("scram-sha-1", SHA_1)):
        for password, right in (("pencil", True), ("pen", False)):
            done = subprocess.run(
                ["msmtp", "--host=127.0.0.1", f"--port={server.submission_port}", f"--auth={method}", f"--user={address}",
                 f"--passwordeval=echo {password}", f"--from={address}", "--tls=on", "--tls-certcheck=off", account(1)],
                input=b"Subject: by SCRAM\r\n\r\nhello\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            assert (done.returncode == 0) == right, done.stdout


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"])
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_gsasl(server, mechanism, protocol):
    """GnuTLS beside it: with -PLUS it binds by tls-exporter."""
    if not shutil.which("gsasl"):
        pytest.skip("gsasl is not installed")
    if "-PLUS" in mechanism and not binds(server):
        pytest.skip("wolfSSL was built without keying material")
    address = SHA_1 if "SHA-1" in mechanism else SHA_256
    port = server.imap_port if protocol == "imap" else server.submission_port
    tls = [f"--x509-ca-file={server.ca_cert}"] if "-PLUS" in mechanism else ["--no-starttls"]
    for password, right in (("pencil", True), ("pen", False)):
        done = subprocess.run(["gsasl", f"--{protocol}", f"--connect=localhost:{port}", f"--mechanism={mechanism}",
                               f"--authentication-id={address}", "--authorization-id=", f"--password={password}", *tls],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert (b"server trusted" in done.stdout) == right, done.stdout
