# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of the test's own: good certificates, expired ones, TLSA records of both."""
import datetime
import hashlib
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
DAY = datetime.timedelta(days=1)


def tlsa(certificate, usage=3, selector=1, matching=1):
    """RFC 6698 2.1: the record for this certificate; selector 1 takes its key, matching 1 is SHA-256."""
    if selector == 1:
        data = certificate.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        data = certificate.public_bytes(DER)
    data = {0: lambda raw: raw, 1: lambda raw: hashlib.sha256(raw).digest(), 2: lambda raw: hashlib.sha512(raw).digest()}[matching](data)
    return f"TLSA {usage} {selector} {matching} {data.hex()}"


class Issued:
    """A certificate on the disk: `chain` holds it and, where an authority issued it, the authority's."""

    def __init__(self, certificate, chain, key):
        self.certificate, self.chain, self.key = certificate, chain, key

    def copy_to(self, directory):
        """chain.pem and key.pem."""
        (directory / "chain.pem").write_bytes(self.chain.read_bytes())
        (directory / "key.pem").write_bytes(self.key.read_bytes())
        (directory / "key.pem").chmod(0o600)

    def context(self):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.chain, self.key)
        return made


class Authority:
    def __init__(self, directory, name="Test Authority"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.count = 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key, None, -DAY, 30 * DAY)
        self.path = self.directory / f"{name.replace(' ', '-')}.pem"
        self.path.write_bytes(self.certificate.public_bytes(PEM))

    def _sign(self, subject, key, names, begin, end):
        now = datetime.datetime.utcnow()
        made = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now + begin).not_valid_after(now + end)
                .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False))
        if names is not None:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, *names, expired=False, kind="ecdsa"):
        """For these names; the authority's certificate goes along (DANE-TA needs it, RFC 7671 5.2.3)."""
        self.count += 1
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(subject, key, names, -10 * DAY if expired else -DAY, -DAY if expired else 30 * DAY)
        stem = self.directory / f"{self.count}-{names[0].replace('*', 'any')}"
        chain, secret = stem.with_suffix(".pem"), stem.with_suffix(".key")
        chain.write_bytes(certificate.public_bytes(PEM) + self.certificate.public_bytes(PEM))
        secret.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        secret.chmod(0o600)
        return Issued(certificate, chain, secret)
