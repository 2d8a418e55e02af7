# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail handed in while the server is killed, the bounces that come back, and the audit of the two."""
import collections
import threading
import time

from lab import maildir, message, outbound, smtp

# What became of a mail may be forgotten by a crash within so long: then it is tried once more (RFC 1047).
FORGETFUL_S = 1.0


class Submitter(threading.Thread):
    """Hands in mail over and over; keeps what was confirmed, whatever happens to the server."""

    def __init__(self, world, sender, address, generator, count, domains):
        super().__init__(daemon=True)
        self.world, self.sender, self.address, self.generator = world, sender, address, generator
        self.domains, self.count = domains, count
        self.confirmed, self.tried, self.problems = {}, {}, []

    def run(self):
        while len(self.confirmed) < self.count:
            try:
                with outbound.submission(self.sender, self.address, timeout=60) as client:
                    for _ in range(self.generator.randint(1, 12)):
                        self.one(client)
            except (OSError, smtp.Closed, ValueError):
                time.sleep(0.1)
            except AssertionError as reason:  # a reply that was not the one
                if "4" not in str(reason).partition(": ")[2][:1]:
                    self.problems.append(str(reason))
                    return
                time.sleep(0.2)

    def one(self, client):
        chosen = self.generator.sample(self.domains, self.generator.choice([1, 1, 1, 2, 3]))
        recipients = [f"{user}@{domain}" for domain in chosen
                      for user in self.generator.sample(["anna", "bert", "no-one", "maybe"], self.generator.choice([1, 1, 2]))]
        size = message.size_of(self.generator, most=60_000)
        serial, mail = self.world.mail(size=size, seed=self.generator.random(), sender=self.address)
        self.tried[serial] = recipients
        client.deliver(self.address, recipients, mail)
        self.confirmed[serial] = recipients
        time.sleep(self.generator.uniform(0, 0.15))


class Bounces:
    """{(serial, recipient): [time]} of the failures reported to these senders; reads each file once."""

    def __init__(self, instance, addresses):
        self.instance, self.addresses = instance, addresses
        self.seen, self.times = set(), collections.defaultdict(list)

    def read(self):
        for address in self.addresses:
            for path in maildir.files(self.instance.maildir(address)):
                key = path.partition(":2,")[0].rpartition("/")[2]
                if key in self.seen:
                    continue
                try:
                    with open(path, "rb") as file:
                        raw = file.read()
                except FileNotFoundError:  # it went from new to cur
                    continue
                self.seen.add(key)
                if outbound.is_report(raw):
                    report = outbound.Report(raw)
                    for recipient, action in report.actions().items():
                        if action == "failed":
                            self.times[report.serial, recipient].append(time.time())

    def of(self, serial, recipient):
        return self.times.get((serial, recipient), [])


def audit(books, tried, bounces, crashes):
    """What is wrong: more copies, or more bounces, than trouble on the way excuses; damage."""
    def forgotten(at):
        return any(at - 0.1 <= crash <= at + FORGETFUL_S for crash in crashes)

    problems = []
    for (serial, recipient), entries in books.by_mail().items():
        if serial not in tried:
            continue  # of another test
        if recipient not in tried[serial]:
            problems.append(f"{serial}: nobody sent it to {recipient}")
        excused = sum(not entry.confirmed or forgotten(entry.at) for entry in entries)
        if len(entries) > 1 and len(entries) - 1 > excused:
            times = ", ".join(f"{entry.at:.2f}{'' if entry.confirmed else '?'}" for entry in entries)
            problems.append(f"{serial} {recipient}: {len(entries)} times ({times})")
        if bounces.of(serial, recipient) and excused < len(entries):
            problems.append(f"{serial} {recipient}: delivered, and bounced")
        if not all(message.is_whole(entry.raw) for entry in entries):
            problems.append(f"{serial} {recipient}: not the body that was sent")
    for (serial, recipient), times in bounces.times.items():
        if len(times) > 1 and not crashes:
            problems.append(f"{serial} {recipient}: bounced {len(times)} times")
        if serial in tried and recipient not in tried[serial]:
            problems.append(f"{serial}: {recipient} bounced and was never written to")
    return problems
