# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM (RFC 5802, 7677) as a client of the tests' own, for imaplib and smtplib; it can misbehave."""
import base64
import hashlib
import hmac
import os


class Client:
    """One login. `answer` gives the next message for what the server said; afterwards `server_proved`."""

    def __init__(self, user, password, mechanism="SCRAM-SHA-256", header="n,,", binding=b"", authorization=None):
        self.hash = "sha1" if "SHA-1" in mechanism else "sha256"
        self.user, self.password = user, password
        self.header, self.binding = header, binding
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"
        self.server_first = self.signature = None
        self.server_proved = False

    def mac(self, key, text):
        return hmac.new(key, text.encode(), self.hash).digest()

    def answer(self, challenge):
        if self.server_first is None and not challenge:
            return self.header + self.bare
        if self.server_first is None:
            return self.final(challenge)
        assert challenge == "v=" + base64.b64encode(self.signature).decode(), "the server does not know the password"
        self.server_proved = True
        return ""

    def final(self, challenge):
        self.server_first = challenge
        self.parts = dict(part.split("=", 1) for part in challenge.split(","))
        assert self.parts["r"].startswith(self.nonce) and len(self.parts["r"]) >= len(self.nonce) + 18
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), base64.b64decode(self.parts["s"]), int(self.parts["i"]))
        key = self.mac(salted, "Client Key")
        bound = base64.b64encode(self.header.encode() + self.binding).decode()
        unproved = f"c={bound},r={self.parts['r']}"
        message = f"{self.bare},{challenge},{unproved}"
        signature = self.mac(hashlib.new(self.hash, key).digest(), message)
        self.signature = self.mac(self.mac(salted, "Server Key"), message)
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        return f"{unproved},p={proof}"

    def for_imaplib(self, challenge):
        return self.answer(challenge.decode()).encode()

    def for_smtplib(self, challenge=None):
        return self.answer((challenge or b"").decode() if isinstance(challenge, (bytes, type(None))) else challenge)
