# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM keys by the `ringmail` command, and whether others believe what they sign: dkimpy and OpenDKIM."""
import json
import os
import pathlib
import re
import shutil
import smtplib
import stat
import subprocess

import pytest

from lab import wait

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RINGMAIL_BUILD", "build/release")
DONE, REFUSED, USAGE, TROUBLE = 0, 1, 2, 3
DOMAIN = "example.org"


@pytest.fixture
def ringmail(tmp_path):
    config = tmp_path / "ringmail.conf"
    config.write_text(f'dkim.path = "{tmp_path}/keys/%d/%s.key";\ndirectory.path = "{tmp_path}/directory.sqlite";\n')

    def run(*arguments, expect=DONE):
        done = subprocess.run([str(BUILD / "ringmail"), "--config", str(config), *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == expect, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stdout if expect == DONE else done.stderr

    run("domain", "add", DOMAIN)
    run.keys = tmp_path / "keys"
    run.config = config
    return run


def test_create_makes_a_key_once(ringmail):
    first = ringmail("dkim", "create", DOMAIN)
    key = ringmail.keys / DOMAIN / "ringmail.key"
    text = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in text
    assert first.startswith(f'ringmail._domainkey.{DOMAIN}. 3600 IN TXT ( "v=DKIM1; k=rsa; p=')
    assert all(len(part) <= 255 for part in re.findall(r'"([^"]*)"', first))
    assert ringmail("dkim", "create", DOMAIN) == first
    assert ringmail("dkim", "create", DOMAIN, "--bits", "4096") == first
    assert key.read_text() == text
    assert [path.name for path in key.parent.iterdir()] == ["ringmail.key"]
    assert "of type rsa" in ringmail("dkim", "create", DOMAIN, "--selector", "ringmail", "--type", "ed25519", expect=REFUSED)
    assert key.read_text() == text


def test_create_asks_the_directory(ringmail):
    """A domain that is not ours is a slip of the pen, most of the time."""
    said = ringmail("dkim", "create", "exmaple.org", expect=REFUSED)
    assert "ringmail domain add exmaple.org" in said and "--force" in said
    assert not (ringmail.keys / "exmaple.org").exists()
    assert "_domainkey.exmaple.org." in ringmail("dkim", "create", "exmaple.org", "--force")
    ringmail.config.write_text(ringmail.config.read_text().replace("directory.sqlite", "nowhere/directory.sqlite"))
    assert "--force" in ringmail("dkim", "create", "other.example", expect=TROUBLE)
    ringmail("dkim", "create", "other.example", "--force")


def test_create_never_overwrites_what_is_no_key(ringmail, tmp_path):
    other = tmp_path / "precious.txt"
    other.write_text("a diary")
    assert "no key" in ringmail("dkim", "create", DOMAIN, "--path", str(other), expect=REFUSED)
    assert other.read_text() == "a diary"


@pytest.mark.parametrize("arguments", [
    ["nonsense..domain"], [DOMAIN, "--type", "dsa"], [DOMAIN, "--bits", "512"], [DOMAIN, "--bits", "8192"],
    [DOMAIN, "--type", "ed25519", "--bits", "2048"], [DOMAIN, "--selector", "a/b"], [DOMAIN, "--selector", ""],
    [DOMAIN, "--path", "key.pem"]])
def test_create_refuses(ringmail, arguments):
    ringmail("dkim", "create", *arguments, expect=USAGE)
    assert not ringmail.keys.exists()


def test_show_lists_every_selector(ringmail, tmp_path):
    assert "dkim create" in ringmail("dkim", "show", DOMAIN, expect=REFUSED)
    ringmail("dkim", "create", DOMAIN)
    ringmail("dkim", "create", DOMAIN, "--type", "ed25519")
    ringmail("dkim", "create", DOMAIN, "--selector", "elsewhere", "--path", str(tmp_path / "else.pem"))
    records = json.loads(ringmail("dkim", "show", DOMAIN, "--json"))
    assert [(record["selector"], record["type"]) for record in records] == [
        ("ringmail", "rsa"), ("ringmail-ed25519", "ed25519")]
    with open(ringmail.config, "a") as config:
        config.write(f'dkim.keys = ["{DOMAIN}=elsewhere:{tmp_path}/else.pem"];\n')
    assert len(json.loads(ringmail("dkim", "show", DOMAIN, "--json"))) == 3
    shown = ringmail("dkim", "show", DOMAIN)
    assert shown.count(" IN TXT ") == 3


def test_show_asks_the_directory(ringmail, tmp_path):
    ringmail("directory", "init")
    with open(ringmail.config, "a") as config:
        config.write('directory.dkim_query = "SELECT * FROM virtual_dkim WHERE domain = ?";\n')
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "key.pem")], check=True)
    pem = (tmp_path / "key.pem").read_text()
    subprocess.run(["sqlite3", str(tmp_path / "directory.sqlite"),
                    f"INSERT INTO virtual_dkim (domain, selector, private_key) VALUES ('{DOMAIN}', 'table', '{pem}')"],
                   check=True)
    record, = json.loads(ringmail("dkim", "show", DOMAIN, "--json"))
    assert (record["selector"], record["type"], record["path"]) == ("table", "ed25519", "")


# --- what others think of it -----------------------------------------------------------------------
MESSAGES = {
    "plain": b"From: a@example.org\r\nTo: b@b.example\r\nSubject:  x  y\r\n\tz\r\n"
             b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
             b"Hello  \r\n\r\nthere\t x\r\n\r\n\r\n",
    "empty body": b"From: a@example.org\r\nSubject: none\r\n\r\n",
    "no final line end": b"From: a@example.org\r\nSubject: none\r\n\r\nend",
    "long": b"From: a@example.org\r\nReferences: " + b" ".join(b"<%d@example.org>\r\n" % i for i in range(60)).strip()
            + b"\r\n\r\n" + b"".join(b"line %d \t \r\n" % i for i in range(5000)),
}


@pytest.fixture
def signed(ringmail):
    """A function that signs as the server does, with an RSA and an Ed25519 key; and their DNS records."""
    program = BUILD / "tests/programs/dkim_sign"
    if not program.exists():
        pytest.skip("tests/programs/dkim_sign is not built: make check-build")
    ringmail("dkim", "create", DOMAIN)
    ringmail("dkim", "create", DOMAIN, "--type", "ed25519")
    records = json.loads(ringmail("dkim", "show", DOMAIN, "--json"))

    def sign(message, *options):
        keys = [f"{record['selector']}={record['path']}" for record in records]
        return subprocess.run([str(program), *options, DOMAIN, *keys], input=message, stdout=subprocess.PIPE, check=True).stdout

    sign.records = {record["name"]: record["value"] for record in records}
    return sign


@pytest.mark.parametrize("name", MESSAGES)
def test_dkimpy_verifies(signed, name):
    dkim = pytest.importorskip("dkim")
    message = signed(MESSAGES[name])
    records = {name + ".": value.encode() for name, value in signed.records.items()}

    def lookup(name, timeout=5):
        return records.get(name.decode() if isinstance(name, bytes) else name, b"")

    assert message.count(b"DKIM-Signature:") == 2
    for index in range(2):
        assert dkim.DKIM(message).verify(index, dnsfunc=lookup), f"signature {index}"
        changed = message.replace(b"From: a@", b"From: c@")
        assert not dkim.DKIM(changed).verify(index, dnsfunc=lookup)


def test_dkimpy_verifies_a_chain(signed):
    dkim = pytest.importorskip("dkim")
    records = {name + ".": value.encode() for name, value in signed.records.items()}

    def lookup(name, timeout=5):
        return records.get(name.decode() if isinstance(name, bytes) else name, b"")

    sealed = signed(MESSAGES["plain"], "--arc")
    assert dkim.arc_verify(sealed, dnsfunc=lookup)[0] == b"pass"
    assert dkim.arc_verify(sealed.replace(b"Hello", b"Howdy"), dnsfunc=lookup)[0] == b"fail"


# Its test mode loses the last line of a file that does not end in a line end.
@pytest.mark.parametrize("name", [name for name in MESSAGES if name != "no final line end"])
def test_opendkim_verifies(signed, tmp_path, name):
    opendkim = shutil.which("opendkim", path=os.environ["PATH"] + ":/usr/sbin")
    if not opendkim:
        pytest.skip("opendkim is not installed")
    (tmp_path / "dns").write_text("".join(f"{name} {value}\n" for name, value in signed.records.items()))
    (tmp_path / "conf").write_text(f"Mode v\nTestDNSData {tmp_path}/dns\nSyslog no\n")

    def verdict(message):
        (tmp_path / "message").write_bytes(message.replace(b"\r\n", b"\n"))
        done = subprocess.run([opendkim, "-x", str(tmp_path / "conf"), "-vv", "-t", str(tmp_path / "message")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        return done.stdout

    good = verdict(signed(MESSAGES[name]))
    assert good.count("dkim=pass") == 2, good
    assert "a=ed25519-sha256" in good and "a=rsa-sha256" in good
    assert "dkim=pass" not in verdict(signed(MESSAGES[name]).replace(b"From: a@", b"From: c@"))


# --- the server ------------------------------------------------------------------------------------
def submit(server, subject, number=1):
    message = (f"From: user{number:04d}@{DOMAIN}\r\nTo: user0002@{DOMAIN}\r\nSubject: {subject}\r\n"
               f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{subject}@{DOMAIN}>\r\n\r\nHello\r\n")
    with smtplib.SMTP_SSL("127.0.0.1", server.submissions_port, context=server.tls(), timeout=30) as client:
        client.login(f"user{number:04d}@{DOMAIN}", "secret")
        client.sendmail(f"user{number:04d}@{DOMAIN}", [f"user0002@{DOMAIN}"], message)


def arrived(server, subject):
    def find():
        for path in server.maildir(f"user0002@{DOMAIN}").glob("*/*"):
            text = path.read_bytes() if path.is_file() else b""
            if f"\nSubject: {subject}\r\n".encode() in text:
                return text
        return None
    wait.until(lambda: find() is not None, 20, f"{subject} arrives")
    return find()


def verified(server, message, records=None):
    """The selectors whose signatures hold."""
    dkim = pytest.importorskip("dkim")
    if records is None:
        records = json.loads(server.control("dkim", "show", DOMAIN, "--json").stdout)
    texts = {record["name"] + ".": record["value"].encode() for record in records}

    def lookup(name, timeout=5):
        return texts.get(name.decode() if isinstance(name, bytes) else name, b"")

    selectors = []
    for index in range(message.count(b"DKIM-Signature:")):
        check = dkim.DKIM(message)
        if check.verify(index, dnsfunc=lookup):
            selectors.append(check.signature_fields[b"s"].decode())
    return sorted(selectors)


@pytest.fixture
def server(make_instance, tmp_path):
    server = make_instance(start=False, settings={"dkim.path": f"{tmp_path}/keys/%d/%s.key"})
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(0o755)
    return server


def test_submitted_mail_is_signed(server):
    server.start()
    submit(server, "unsigned")
    assert b"DKIM-Signature" not in arrived(server, "unsigned")
    server.control("dkim", "create", DOMAIN)
    server.control("dkim", "create", DOMAIN, "--type", "ed25519")
    server.admin("/reload", method="POST")
    submit(server, "signed")
    message = arrived(server, "signed")
    assert verified(server, message) == ["ringmail", "ringmail-ed25519"]
    assert server.metrics()["ringmail_dkim_signed_total"] >= 1
    # A selector that goes.
    records = json.loads(server.control("dkim", "show", DOMAIN, "--json").stdout)
    os.unlink(next(record["path"] for record in records if record["selector"] == "ringmail"))
    server.admin("/reload", method="POST")
    submit(server, "changed")
    assert verified(server, arrived(server, "changed")) == ["ringmail-ed25519"]


def test_mail_waits_for_a_broken_key(server):
    server.start()
    server.control("dkim", "create", DOMAIN)
    path = pathlib.Path(json.loads(server.control("dkim", "show", DOMAIN, "--json").stdout)[0]["path"])
    good = path.read_text()
    path.write_text("rubbish")
    server.admin("/reload", method="POST")
    with pytest.raises(smtplib.SMTPResponseException) as refusal:
        submit(server, "waiting")
    assert 400 <= refusal.value.smtp_code < 500
    path.write_text(good)
    server.admin("/reload", method="POST")
    submit(server, "mended")
    assert verified(server, arrived(server, "mended")) == ["ringmail"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_keys_of_root_serve_another_user(server, tmp_path):
    """Read before privileges are dropped; a reload keeps what it cannot read any more."""
    for folder in [tmp_path, *tmp_path.parents]:
        if not stat.S_IMODE(folder.stat().st_mode) & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    server.settings["server.user"] = "nobody"
    server.settings["directory.path"] = str(server.directory / "directory.sqlite")
    server.settings["dkim.keys"] = f'["{DOMAIN}=rooted:{tmp_path}/rooted.pem"]'
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(tmp_path / "rooted.pem"), "2048"], check=True, stderr=subprocess.DEVNULL)
    os.chown(tmp_path / "rooted.pem", 0, 0)
    (tmp_path / "rooted.pem").chmod(0o600)
    server.start()
    submit(server, "first")
    assert verified(server, arrived(server, "first")) == ["rooted"]
    assert "kept as it was" in server.admin("/reload", method="POST")
    submit(server, "second")
    assert verified(server, arrived(server, "second")) == ["rooted"]
