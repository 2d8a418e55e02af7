# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-signed certificates, made on the spot."""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa


def make(name="localhost", kind="ecdsa"):
    """(certificate, key) in PEM, and the certificate in DER."""
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256()))
    pem = serialization.Encoding.PEM
    return (made.public_bytes(pem),
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
            made.public_bytes(serialization.Encoding.DER))


def write(directory, name, kind="ecdsa"):
    """(path of the certificate, path of the key, the certificate in DER)."""
    certificate, key, der = make(name, kind)
    stem = f"{name.replace('*', 'any')}-{kind}"
    paths = [directory / f"{stem}.pem", directory / f"{stem}.key"]
    for path, content in zip(paths, (certificate, key)):
        path.write_bytes(content)
    return (*paths, der)


def replace(certificate_path, key_path, name="localhost"):
    """New files in place of the old, each at one stroke; the new certificate in DER."""
    certificate, key, der = make(name)
    for path, content in ((certificate_path, certificate), (key_path, key)):
        before = os.stat(path)
        with open(f"{path}.new", "wb") as file:
            file.write(content)
        os.chown(f"{path}.new", before.st_uid, before.st_gid)
        os.chmod(f"{path}.new", before.st_mode & 0o777)
        os.replace(f"{path}.new", path)
    return der
