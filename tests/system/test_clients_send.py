# SPDX-License-Identifier: GPL-3.0-or-later
"""swaks and curl send: in clear, over STARTTLS, as UTF-8, and something big."""
import base64
import email
import email.policy
import hashlib
import random
import subprocess

import pytest

from lab import maildir, message, wait

ATTACHMENT_BYTES = 25 << 20


def run(*command, stdin=None, timeout=60):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          input=stdin, timeout=timeout)
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{text[-3000:]}"
    return text


def the_only_mail(instance, address):
    """What lies in the Maildir, once it is there."""
    found = wait.until(lambda: maildir.messages(instance.maildir(address)), 5, "the message is in the Maildir")
    assert len(found) == 1
    return next(iter(found.values()))


def swaks(instance, address, *options, stdin=None):
    return run("swaks", "--server", "127.0.0.1", "--port", instance.smtp_port, "--ehlo", "client.example.net",
               "--from", "sender@example.net", "--to", address, *options, stdin=stdin)


@pytest.mark.parametrize("security", [[], ["--tls"]], ids=["clear", "starttls"])
def test_swaks(instance, address, security):
    talk = swaks(instance, address, "--header", "Subject: from swaks", "--body", "one line\n.\nafter a dot\n",
                 *security)
    assert ("TLS started" in talk) == bool(security)
    mail = email.message_from_bytes(the_only_mail(instance, address), policy=email.policy.default)
    assert mail["Subject"] == "from swaks"
    assert mail["Return-Path"] == "<sender@example.net>"
    assert mail["Delivered-To"] == address
    assert f"for <{address}>" in mail["Received"]
    assert ("with ESMTPS" if security else "with ESMTP") in mail["Received"].replace("\n", "")
    assert mail.get_content().startswith("one line\r\n.\r\nafter a dot\r\n")
    if security:
        assert "TLS" in mail["Received"]


def test_swaks_utf8(instance, address):
    """8BITMIME: what was sent in UTF-8 arrives in the same bytes."""
    text = "Grüße aus Köln, привет, 你好\n"
    swaks(instance, address, "--header", "Subject: Grüße", "--add-header",
          "Content-Type: text/plain; charset=utf-8", "--add-header", "Content-Transfer-Encoding: 8bit",
          "--body", text)
    raw = the_only_mail(instance, address)
    assert text.strip().encode() in raw
    assert "Subject: Grüße".encode() in raw


def curl(instance, address, path, *options, sender="sender@example.net"):
    return run("curl", "--silent", "--show-error", "--verbose", "--url",
               f"smtp://127.0.0.1:{instance.smtp_port}/client.example.net", "--mail-from", sender,
               "--mail-rcpt", address, "--upload-file", path, *options)


@pytest.mark.parametrize("security", [[], ["--ssl-reqd"]], ids=["clear", "starttls"])
def test_curl(instance, address, tmp_path, seed, security):
    if security:
        security = security + ["--cacert", instance.ca_cert, "--insecure"]
    mail = message.make(random.Random(seed), f"curl{seed}", 30_000, recipient=address)
    (tmp_path / "mail").write_bytes(mail)
    curl(instance, address, tmp_path / "mail", *security)
    raw = the_only_mail(instance, address)
    assert message.is_whole(raw) and raw.endswith(mail)


def test_curl_smtputf8(instance, address, tmp_path):
    """RFC 6531: an address in UTF-8; the server says so in Received with UTF8SMTP."""
    (tmp_path / "mail").write_bytes("Subject: привет\r\nFrom: <дядя@example.net>\r\n\r\nпривет\r\n".encode())
    talk = curl(instance, address, tmp_path / "mail", sender="дядя@example.net")
    assert "SMTPUTF8" in talk
    raw = the_only_mail(instance, address)
    assert "Return-Path: <дядя@example.net>".encode() in raw
    assert b"with UTF8SMTP" in raw
    assert raw.endswith("\r\n\r\nпривет\r\n".encode())


@pytest.mark.parametrize("way", ["curl-clear", "curl-starttls", "bdat"])
def test_25_mib_attachment_is_byte_identical(sqlite_instance, tmp_path, seed, way):
    address = sqlite_instance.fresh_account()
    content = random.Random(seed).randbytes(ATTACHMENT_BYTES)
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    mail = (b"Subject: something big\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=big.bin\r\n\r\n") + encoded
    if way == "bdat":
        with sqlite_instance.smtp() as client:
            client.ehlo()
            client.envelope("sender@example.net", address, parameters=f" SIZE={len(mail)}")
            for start in range(0, len(mail), 1 << 20):
                chunk = mail[start:start + (1 << 20)]
                last = " LAST" if start + len(chunk) == len(mail) else ""
                client.send(f"BDAT {len(chunk)}{last}\r\n".encode() + chunk)
                client.expect(250)
    else:
        (tmp_path / "mail").write_bytes(mail)
        options = ["--ssl-reqd", "--insecure"] if way == "curl-starttls" else []
        curl(sqlite_instance, address, tmp_path / "mail", *options)
    is_identical = the_only_mail(sqlite_instance, address).endswith(mail)
    assert is_identical
    with sqlite_instance.imap(address) as client:
        client.select()
        (item,) = client.fetch("1", "(RFC822.SIZE BODY.PEEK[TEXT])", uid=False)
        arrived = item["BODY[TEXT]"]
    assert hashlib.sha256(base64.b64decode(arrived)).digest() == hashlib.sha256(content).digest()
