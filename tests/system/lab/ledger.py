# SPDX-License-Identifier: GPL-3.0-or-later
"""The books: what the server has confirmed, kept beside it, and the audit that compares the two.

An entry is a message for one account. Clients write down what they are about to ask before they ask,
and what was confirmed after they saw the confirmation; between the two both outcomes are right.
"""
import collections
import os
import threading

from lab import imap, maildir, message, wait

EXPUNGE_ON_DISK_MAX_S = 5


class Account:
    def __init__(self, address):
        self.address = address
        self.tried = set()      # serials that may be there
        self.confirmed = set()  # serials that must be there (unless an expunge was asked)
        self.leaving = set()    # expunge asked
        self.gone = set()       # expunge confirmed
        self.flags = {}         # serial: set of flags, or None while a change is under way
        self.uids = {}          # (mailbox, uidvalidity): {uid: serial}
        self.validity = {}      # mailbox: uidvalidity


class Ledger:
    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()
        self.accounts = {}
        self.count = 0
        self.confirmations = 0
        self.problems = []
        self.whole = set()  # files whose content has been checked

    def account(self, address):
        with self.lock:
            return self.accounts.setdefault(address, Account(address))

    def new_serial(self):
        with self.lock:
            self.count += 1
            return f"{self.name}-{self.count}"

    def trying(self, serial, addresses):
        for address in addresses:
            self.account(address).tried.add(serial)

    def confirm(self, serial, addresses):
        for address in addresses:
            self.account(address).confirmed.add(serial)
        with self.lock:
            self.confirmations += 1

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def saw_uid(self, address, mailbox, validity, uid, serial):
        """A UID names one message for ever, and UIDVALIDITY stays."""
        account = self.account(address)
        known = account.validity.setdefault(mailbox, validity)
        if known != validity:
            self.problem(f"{address} {mailbox}: UIDVALIDITY {known} became {validity}")
        before = account.uids.setdefault((mailbox, validity), {}).setdefault(uid, serial)
        if before != serial:
            self.problem(f"{address} {mailbox}: UID {uid} named {before} and now names {serial}")

    # --- the audit ---------------------------------------------------------------------------------
    def audit(self, instance, lasting=False):
        """Compares everything with the disk and with IMAP: the list of what is wrong.

        lasting: after a power cut flags given with APPEND may be those of an earlier moment.
        """
        for account in self.accounts.values():
            if lasting:
                account.flags.clear()
            try:
                self._audit_imap(instance, account)
            except (OSError, imap.Closed, imap.Refused) as reason:
                self.problem(f"{account.address}: {type(reason).__name__} {reason}")
            self._audit_disk(instance, account)
        problems, self.problems = self.problems, []
        return problems

    def lost(self, instance):
        """How many confirmed messages IMAP does not show."""
        missing = 0
        for account in self.accounts.values():
            seen = self._visible(instance, account)
            missing += len([serial for serial in account.confirmed - account.leaving if serial not in seen])
        return missing

    def _visible(self, instance, account):
        seen = collections.Counter()
        with instance.imap(account.address) as client:
            for mailbox in mailboxes(client):
                chosen = client.select(mailbox)
                last = 0
                messages = client.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (X-Serial)])") if chosen["exists"] else []
                if len(messages) != chosen["exists"]:
                    self.problem(f"{account.address} {mailbox}: {chosen['exists']} EXISTS, {len(messages)} fetched")
                for item in messages:
                    text = next(value for key, value in item.items() if key.startswith("BODY["))
                    serial = message.serial_of((text or b"") + b"\r\n\r\n")
                    seen[serial] += 1
                    self.saw_uid(account.address, mailbox, chosen["uidvalidity"], item["UID"], serial)
                    if item["UID"] <= last:
                        self.problem(f"{account.address} {mailbox}: UID {item['UID']} after {last}")
                    last = item["UID"]
                    self._audit_flags(account, serial, item["FLAGS"])
                if chosen["uidnext"] <= last:
                    self.problem(f"{account.address} {mailbox}: UIDNEXT {chosen['uidnext']}, but UID {last} exists")
        return seen

    def _audit_flags(self, account, serial, flags):
        wanted = account.flags.get(serial)
        if wanted is not None and set(flags) - {"\\Recent"} != wanted:
            self.problem(f"{account.address}: flags of {serial} are {flags}, confirmed were {sorted(wanted)}")

    def _audit_imap(self, instance, account):
        self._compare(account, "IMAP", self._visible(instance, account), account.gone)

    def _audit_disk(self, instance, account):
        def count():
            seen = collections.Counter()
            for path in every_file(instance.maildir(account.address)):
                seen[self._serial_of_file(path)] += 1
            return seen

        def settled():
            return not any(serial in account.gone for serial in count())

        try:  # a file of an expunged message may go a little later than the message
            wait.until(settled, EXPUNGE_ON_DISK_MAX_S, "expunged files go", pause=0.2)
        except AssertionError:
            pass
        self._compare(account, "the Maildir", count(), account.gone)

    def _compare(self, account, where, seen, gone):
        address = account.address
        for serial in account.confirmed - account.leaving:
            if seen[serial] != 1:
                self.problem(f"{address}: {serial} was confirmed and is {seen[serial]} times in {where}")
        for serial, times in seen.items():
            if times > 1 and serial not in account.confirmed:
                self.problem(f"{address}: {serial} is {times} times in {where}")
            if serial not in account.tried:
                self.problem(f"{address}: {serial} was never sent and is in {where}")
            if serial in gone:
                self.problem(f"{address}: {serial} was expunged and is in {where}")

    def _serial_of_file(self, path):
        with open(path, "rb") as file:
            raw = file.read(16384 if key_of(path) in self.whole else -1)
        if key_of(path) not in self.whole:
            if not message.is_whole(raw):
                self.problem(f"{path}: not the body that was sent")
            said = maildir.sizes(path)[0]
            if said is not None and said != len(raw):
                self.problem(f"{path}: is {len(raw)} bytes long")
            self.whole.add(key_of(path))
        return message.serial_of(raw)


def key_of(path):
    return os.path.dirname(os.path.dirname(path)), os.path.basename(path).partition(":")[0]


def every_file(directory):
    """The messages of INBOX and of all folders."""
    folders = [directory] + [entry for entry in directory.glob(".*") if (entry / "cur").is_dir()]
    return [path for folder in folders for path in maildir.files(folder)]


def mailboxes(client):
    """Names of all that can be selected."""
    names = []
    for line in client.command('LIST "" "*"').data:
        flags, _, rest = line.partition(b") ")
        if b"\\Noselect" not in flags and b"\\NonExistent" not in flags:
            names.append(rest.split(b" ", 1)[1].strip().strip(b'"').decode())
    return names
