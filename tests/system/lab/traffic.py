# SPDX-License-Identifier: GPL-3.0-or-later
"""Load from many connections that enters every confirmation into a ledger."""
import contextlib
import random
import ssl
import threading
import time

from lab import imap, message, smtp
from lab.instance import PASSWORD

LOST = (OSError, smtp.Closed, imap.Closed, ssl.SSLError)
JOIN_MAX_S = 30
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft"]


class Traffic:
    """senders SMTP connections to all addresses; one IMAP session for each of the readers.

    Temporary refusals (4xx, NO) are counted by their first line; anything permanent is a problem.
    lasting: only what must outlive a power cut: new messages, no flags, nothing expunged.
    """

    def __init__(self, instance, ledger, addresses, seed, senders=8, readers=(), size_max=200_000, pause_s=0.0,
                 lasting=False):
        self.instance, self.ledger, self.addresses = instance, ledger, list(addresses)
        self.size_max = size_max
        self.pause_s = pause_s
        self.actions = [self._append] if lasting else [self._append, self._flag, self._flag, self._expunge]
        self.stopped = threading.Event()
        self.refusals = {}
        generator = random.Random(seed)
        self.threads = [threading.Thread(target=self._run, args=(self._send, generator.random(), None), daemon=True)
                        for _ in range(senders)]
        self.threads += [threading.Thread(target=self._run, args=(self._read, generator.random(), address), daemon=True)
                         for address in readers]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.stopped.set()
        deadline = time.monotonic() + JOIN_MAX_S
        for thread in self.threads:
            thread.join(max(0.1, deadline - time.monotonic()))
            assert not thread.is_alive(), "a client still waits for an answer"

    @contextlib.contextmanager
    def running(self):
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def _run(self, work, seed, address):
        """One client: works until told to stop, connects again whenever the server has gone."""
        generator = random.Random(seed)
        while not self.stopped.is_set():
            try:
                work(generator, address)
            except LOST:
                time.sleep(0.02)
            except Exception as reason:  # noqa: BLE001 — whatever it is, the test must hear of it
                self.ledger.problem(f"{work.__name__}: {type(reason).__name__} {reason}")
                time.sleep(0.2)

    def _refused(self, what):
        with self.ledger.lock:
            self.refusals[what] = self.refusals.get(what, 0) + 1

    # --- SMTP --------------------------------------------------------------------------------------
    def _send(self, generator, _):
        with self.instance.smtp(greet=False, timeout=JOIN_MAX_S / 2) as client:
            greeting = client.reply()
            if greeting.code != 220:
                self._refused(repr(greeting))
                time.sleep(0.05)
                return
            if not self._expect(client.command("EHLO client.example.net"), "EHLO"):
                return
            for _ in range(generator.randint(1, 10)):
                if self.stopped.is_set():
                    return
                self._send_one(client, generator)
                if self.pause_s:
                    time.sleep(self.pause_s)
            client.command("QUIT")

    def _send_one(self, client, generator):
        count = min(len(self.addresses), generator.choice([1, 1, 1, 2, 3]))
        recipients = generator.sample(self.addresses, count)
        serial = self.ledger.new_serial()
        mail = message.make(generator, serial, message.size_of(generator, most=self.size_max))
        chunked = generator.random() < 0.3
        client.send("".join(["MAIL FROM:<sender@example.net>\r\n"] + [f"RCPT TO:<{r}>\r\n" for r in recipients]).encode())
        accepted = self._expect(client.reply(), "MAIL")
        named = [r for r in recipients if self._expect(client.reply(), "RCPT")]
        if not accepted or not named:
            client.command("RSET")
            time.sleep(0.02)
            return
        self.ledger.trying(serial, named)
        if chunked:
            cut = generator.randrange(len(mail))
            client.send(b"BDAT %d\r\n" % cut + mail[:cut] + b"BDAT %d LAST\r\n" % (len(mail) - cut) + mail[cut:])
            first = self._expect(client.reply(), "BDAT")
            last = client.reply()
            done = first and self._expect(last, "BDAT LAST")
        else:
            client.send(b"DATA\r\n")
            if not self._expect(client.reply(), "DATA", 354):
                return
            client.send(smtp.stuff(mail) + b".\r\n")
            done = self._expect(client.reply(), "final dot")
        if done:
            self.ledger.confirm(serial, named)

    def _expect(self, reply, what, code=250):
        if reply.code == code:
            return True
        self._refused(f"{what}: {reply.code} {reply.lines[0]}")
        if reply.code >= 500:
            self.ledger.problem(f"{what} was refused for good: {reply!r}")
        if reply.code == 421:
            raise smtp.Closed
        return False

    # --- IMAP --------------------------------------------------------------------------------------
    def _read(self, generator, address):
        account = self.ledger.account(address)
        with self.instance.imap(timeout=JOIN_MAX_S / 2) as client:
            if client.try_command(f"LOGIN {address} {PASSWORD}").status != "OK":
                self._refused("LOGIN")
                time.sleep(0.1)
                return
            if client.try_command("CREATE Work").status == "BAD":
                self.ledger.problem("CREATE was answered BAD")
            mailbox = generator.choice(["INBOX", "Work"])
            chosen = client.select(mailbox)
            known = {}
            for _ in range(generator.randint(5, 30)):
                if self.stopped.is_set():
                    return
                self._look(client, address, mailbox, chosen["uidvalidity"], known)
                generator.choice(self.actions)(client, generator, account, mailbox, known)
            client.command("LOGOUT")

    def _look(self, client, address, mailbox, validity, known):
        """The 40 newest messages: {uid: serial}."""
        known.clear()
        uids = sorted(client.search("UNDELETED"))[-40:]
        if not uids:
            return
        for item in client.fetch(",".join(map(str, uids)), "(UID BODY.PEEK[HEADER.FIELDS (X-Serial)])"):
            text = next(value for key, value in item.items() if key.startswith("BODY["))
            known[item["UID"]] = message.serial_of((text or b"") + b"\r\n\r\n")
            self.ledger.saw_uid(address, mailbox, validity, item["UID"], known[item["UID"]])

    def _append(self, client, generator, account, mailbox, _):
        serial = self.ledger.new_serial()
        mail = message.make(generator, serial, message.size_of(generator, most=self.size_max))
        flags = set(generator.sample(FLAGS, generator.randint(0, 2)))
        account.tried.add(serial)
        validity, uid = client.append(mailbox, mail, " ".join(flags))
        account.flags[serial] = flags
        self.ledger.confirm(serial, [account.address])
        if uid:
            self.ledger.saw_uid(account.address, mailbox, validity, uid, serial)

    def _flag(self, client, generator, account, _, known):
        if not known:
            return
        uid, serial = generator.choice(sorted(known.items()))
        flags = set(generator.sample(FLAGS, generator.randint(0, 3)))
        account.flags[serial] = None
        client.command(f"UID STORE {uid} FLAGS.SILENT ({' '.join(sorted(flags))})")
        account.flags[serial] = flags

    def _expunge(self, client, generator, account, _, known):
        if len(known) < 10:
            return
        victims = dict(generator.sample(sorted(known.items()), 2))
        numbers = ",".join(map(str, victims))
        for serial in victims.values():
            account.flags[serial] = None
            account.leaving.add(serial)
        client.command(f"UID STORE {numbers} +FLAGS.SILENT (\\Deleted)")
        client.command(f"UID EXPUNGE {numbers}")
        account.gone.update(victims.values())
