# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ringmail between users who submit and a world of the test's own: names, an authority, servers.

    world.zone("good.test", {"@": "MX 10 mx", "mx": f"A {sink.address}"})
    world.submit("user0001@example.org", ["x@good.test"], mail)
"""
import base64
import email
import random
import re
import ssl

import pytest

from lab import authority, dns, hosts, instance, maildir, message, smtp, wait, zoo
from lab.instance import PASSWORD, account

# What takes minutes and days in earnest takes seconds here.
IMPATIENT = {
    "queue.retry_min": "300ms", "queue.retry_max": "1500ms", "queue.lifetime": "60s", "queue.bounce_lifetime": "60s",
    "queue.warn_after": "0", "queue.idle_timeout": "500ms", "queue.concurrency_first": "3",
    "remote.connect_timeout": "2s", "remote.connect_first_timeout": "1s", "remote.open_timeout": "6s",
    "remote.greeting_timeout": "2s", "remote.helo_timeout": "2s", "remote.tls_timeout": "3s", "remote.mail_timeout": "2s",
    "remote.rcpt_timeout": "2s", "remote.data_timeout": "2s", "remote.block_timeout": "5s", "remote.final_timeout": "4s",
    "dns.timeout": "1s", "dns.tries": "2", "route.sts_timeout": "2s",
}


class World:
    """names, authority and books of one test module; instances and sinks that it made end with it."""

    def __init__(self, directory):
        self.directory = directory
        self.names = dns.Names(directory / "dns")
        self.authority = authority.Authority(directory / "authority")
        self.books = zoo.Books()
        self.closing = []
        self.serials = 0

    def start(self):
        self.names.start()
        return self

    def settings(self, **more):
        """For the instance; dots are written as two underscores."""
        settings = {**IMPATIENT, "dns.servers": f"127.0.0.1:{self.names.port}", "dns.trust_authentic": "on", "dns.hosts": "",
                    "route.private_addresses": "on", "tls.authority": self.authority.path,
                    **{name.replace("__", "."): value for name, value in more.items()}}
        return {name: value for name, value in settings.items() if value is not None}

    def sink(self, **options):
        """A server of the zoo on an address of its own."""
        made = zoo.Sink(options.pop("address", None) or hosts.take(), options.pop("books", self.books), **options)
        self.closing.append(made.close)
        return made

    def zone(self, name, records, how="signed"):
        self.names.publish({name: records}, how)

    def domain(self, name, *sinks, how="insecure", **more):
        """A domain whose MX are these servers, the first preferred."""
        records = {"@": [f"MX {10 * (n + 1)} mx{n + 1}" for n in range(len(sinks))]}
        for number, server in enumerate(sinks):
            records[f"mx{number + 1}"] = f"A {getattr(server, 'address', server)}"
        records.update(more)
        self.zone(name, records, how)

    def stop(self):
        for close in reversed(self.closing):
            close()
        self.names.stop()

    # --- mail --------------------------------------------------------------------------------------
    def mail(self, recipient="someone", size=1500, seed=None, sender=account(1), **options):
        """(serial, message)"""
        self.serials += 1
        serial = f"out{random.SystemRandom().randrange(1 << 40):x}-{self.serials}"
        return serial, message.make(random.Random(seed or serial), serial, size, sender=sender, recipient=recipient, **options)


def submission(instance, sender=account(1), password=PASSWORD, timeout=60):
    """A logged-in connection to the submission port."""
    client = smtp.Smtp("127.0.0.1", instance.submission_port, timeout=timeout)
    client.ehlo()
    context = ssl.create_default_context(cafile=instance.ca_cert)
    context.check_hostname = False
    client.starttls(context)
    client.features = client.ehlo()
    token = base64.b64encode(f"\0{sender}\0{password}".encode()).decode()
    client.command(f"AUTH PLAIN {token}", 235)
    return client


def submit(instance, recipients, mail, sender=account(1), parameters="", recipient_parameters="", envelope_sender=None):
    """One message through the submission port; returns the final reply."""
    with submission(instance, sender) as client:
        client.command(f"MAIL FROM:<{sender if envelope_sender is None else envelope_sender}>{parameters}", 250)
        for recipient in [recipients] if isinstance(recipients, str) else recipients:
            client.command(f"RCPT TO:<{recipient}>{recipient_parameters}", 250)
        reply = client.data(mail, 250)
        client.command("QUIT")
        return reply


class Report:
    """A delivery status notification (RFC 3464, 6533), taken apart."""

    def __init__(self, raw):
        self.raw = raw
        self.mail = email.message_from_bytes(raw)
        self.fields, self.recipients, self.serial, self.has_body = {}, [], None, False
        for part in self.mail.walk():
            kind = part.get_content_type()
            if kind in ("message/delivery-status", "message/global-delivery-status"):
                text = "\n".join(group.as_bytes().decode("utf-8", "replace").strip("\n") + "\n" for group in part.get_payload())
                groups = [email.message_from_string(group) for group in re.split(r"\n\n+", text.strip("\n"))]
                groups = [{key.lower(): value for key, value in group.items()} for group in groups if group.items()]
                self.fields, self.recipients = groups[0], groups[1:]
            elif kind in ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"):
                payload = part.get_payload()
                text = payload[0].as_bytes() if isinstance(payload, list) else part.get_payload(decode=True)
                self.serial = message.serial_of(text + b"\r\n\r\n")
                self.has_body = kind in ("message/rfc822", "message/global")

    def actions(self):
        """{recipient: action}"""
        return {r["final-recipient"].partition(";")[2].strip(): r["action"].strip().lower() for r in self.recipients}

    def status(self, recipient):
        return next(r["status"].strip() for r in self.recipients if r["final-recipient"].endswith(recipient))


def is_report(raw):
    return re.search(rb'report-type="?(global-)?delivery-status', raw) is not None


def reports(instance, address=account(1)):
    """All reports in somebody's INBOX."""
    return [Report(raw) for raw in maildir.messages(instance.maildir(address)).values() if is_report(raw)]


def bounced(instance, address=account(1)):
    """{(serial, recipient): times} of what failed, as the sender was told."""
    found = {}
    for report in reports(instance, address):
        for recipient, action in report.actions().items():
            if action == "failed":
                found[report.serial, recipient] = found.get((report.serial, recipient), 0) + 1
    return found


def the_report(instance, serial, address=account(1), seconds=15):
    return wait.until(lambda: next((r for r in reports(instance, address) if r.serial == serial), None), seconds,
                      f"a report about {serial}", pause=0.05)


def arrived(books, serial, recipient=None, count=1, seconds=15):
    return wait.until(lambda: len(books.of(serial, recipient)) >= count and books.of(serial, recipient), seconds,
                      f"{serial} arrives at {recipient or 'its recipients'}; seen: {dict(books.counts)}", pause=0.02)


def sender_fixture(lifetime_s):
    """One instance for a module, whose mail lives so long: `sender = outbound.sender_fixture(2)`."""
    @pytest.fixture(scope="module")
    def sender(world, tmp_path_factory):
        made = instance.Instance(tmp_path_factory.mktemp("sender") / "i", users=60,
                                 settings=world.settings(queue__lifetime=f"{lifetime_s}s")).start()
        yield made
        made.stop()
        assert made.complaints() == []
    return sender
