# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS as OpenSSL's clients speak it: versions, several certificates by name and kind, resumption."""
import json
import socket
import ssl
import warnings

import pytest

from lab import certificate, imap, instance as instances
from lab.instance import PASSWORD, account

pytestmark = pytest.mark.sanitized
NAMES = [("mail.example.org", "ecdsa"), ("mail.example.org", "rsa"), ("other.example.net", "ecdsa"), ("*.example.com", "rsa")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    place = tmp_path_factory.mktemp("tls")
    made = {which: certificate.write(place, *which) for which in NAMES}
    settings = {"tls.certificates": json.dumps([str(made[which][0]) for which in NAMES]),
                "tls.keys": json.dumps([str(made[which][1]) for which in NAMES])}
    server = instances.Instance(place / "i", users=10, settings=settings).start()
    server.certificates = {which: paths[2] for which, paths in made.items()}
    yield server
    server.stop()


def context(version=None, **options):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if version:
        made.minimum_version = made.maximum_version = version
    for name, value in options.items():
        getattr(made, name)(value)
    return made


def connect(server, made, name=None, session=None):
    raw = socket.create_connection(("127.0.0.1", server.imaps_port), timeout=60)
    return made.wrap_socket(raw, server_hostname=name, session=session)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("service", ["imaps", "imap", "smtp"])
def test_versions(server, version, service):
    made = context(version)
    if service == "smtp":
        with server.smtp() as client:
            client.ehlo()
            client.starttls(made)
            assert "STARTTLS" not in client.ehlo()
            client.deliver("s@example.net", [account(1)], b"Subject: tls\r\n\r\n" + b"x" * 70 + b"\r\n")
            spoken = client.socket.version()
    else:
        if service == "imaps":
            client = imap.Imap("127.0.0.1", server.imaps_port, context=made)
        else:
            client = server.imap()
            client.starttls(made)
        with client:
            assert b"STARTTLS" not in b"".join(client.command("CAPABILITY").data)
            client.login(account(2), PASSWORD)
            client.append("INBOX", b"Subject: tls\r\n\r\n" + b"0123456789\r\n" * 50_000)
            client.select()
            assert len(client.fetch("1", "(BODY[])", uid=False)[0]["BODY[]"]) > 600_000
            spoken = client.socket.version()
    assert spoken == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(server, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = context(version)
    made.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(server, made)


@pytest.mark.parametrize("name, wanted", [
    ("mail.example.org", ("mail.example.org", "ecdsa")), ("MAIL.example.org", ("mail.example.org", "ecdsa")),
    ("other.example.net", ("other.example.net", "ecdsa")), ("shop.example.com", ("*.example.com", "rsa")),
    ("unknown.invalid", ("mail.example.org", "ecdsa")), (None, ("mail.example.org", "ecdsa"))])
def test_the_name_chooses_the_certificate(server, name, wanted):
    with connect(server, context(), name) as client:
        assert client.getpeercert(binary_form=True) == server.certificates[wanted]


def test_a_client_without_ecdsa_gets_rsa(server):
    made = context(ssl.TLSVersion.TLSv1_2, set_ciphers="aRSA")
    with connect(server, made, "mail.example.org") as client:
        assert client.getpeercert(binary_form=True) == server.certificates[("mail.example.org", "rsa")]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume_on_any_core(server, version):
    made = context(version)
    with connect(server, made, "mail.example.org") as first:
        assert not first.session_reused
        assert first.recv(1000).startswith(b"* OK")  # TLS 1.3 sends its tickets by now
        session = first.session
    for _ in range(8):  # the listener spreads them over the cores
        with connect(server, made, "mail.example.org", session) as again:
            assert again.session_reused
            assert again.recv(1000).startswith(b"* OK")
            if version == ssl.TLSVersion.TLSv1_3:
                session = again.session


def test_no_handshake_survives_plaintext(server):
    """Not TLS at all on the TLS port: closed, and the next one is served."""
    for junk in (b"GET / HTTP/1.0\r\n\r\n", b"a LOGIN x y\r\n", bytes(300), b"\x16\x03\x01\xff\xff" + bytes(400)):
        with socket.create_connection(("127.0.0.1", server.imaps_port), timeout=60) as client:
            client.sendall(junk)
            client.settimeout(5)
            received = b""
            try:
                while data := client.recv(4096):
                    received += data
            except ConnectionError:
                pass
            assert b"OK" not in received
    with imap.Imap("127.0.0.1", server.imaps_port, context=context()) as client:
        client.login(account(3), PASSWORD)
