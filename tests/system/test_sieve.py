# SPDX-License-Identifier: GPL-3.0-or-later
"""Sieve scripts at delivery: what senders are told, what lies in mailboxes, what leaves again.

All people are accounts of one server: redirects and replies go through its queue into its own mailboxes.
"""
import random
import re
import threading
import time

import pytest

from lab import sieve, smtp, wait
from lab.imap import quoted
from lab.instance import account

OWNER, FRIEND, OTHER, SENDER = account(1), account(2), account(3), account(4)
pytestmark = pytest.mark.sanitized


def make(subject, sender=SENDER, to=OWNER, fields="", body="text"):
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.net>\r\n"
            f"{fields}\r\n{body}\r\n").encode()


def send(instance, subject, recipients=(OWNER,), sender=SENDER, expect=250, **fields):
    with instance.smtp() as client:
        client.ehlo()
        client.envelope(sender, *recipients)
        return client.data(make(subject, **fields), expect)


def mails(instance, address, mailbox="INBOX"):
    """[(flags, bytes)]; none where the mailbox is not there."""
    with instance.imap(address) as client:
        if mailbox not in names(client) or not client.select(mailbox, "EXAMINE")["exists"]:
            return []
        return [(item["FLAGS"], item["BODY[]"]) for item in client.fetch("1:*", "(FLAGS BODY.PEEK[])")]


def names(client):
    return {match.group(1).decode() for line in client.command('LIST "" "*"').data
            if (match := re.search(rb'"?([^" ]+)"?$', line))}


def with_subject(instance, address, subject, mailbox="INBOX"):
    return [raw for _, raw in mails(instance, address, mailbox) if f"Subject: {subject}\r\n".encode() in raw]


def arrives(instance, address, text, mailbox="INBOX", count=1):
    def look():
        found = [raw for _, raw in mails(instance, address, mailbox) if text.encode() in raw]
        return found if len(found) >= count else None
    return wait.until(look, 20, f"{text!r} is with {address}", pause=0.1)


def stays_away(instance, address, text, seconds=1.5):
    time.sleep(seconds)
    assert not [raw for _, raw in mails(instance, address) if text.encode() in raw]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from conftest import end
    from lab.instance import Instance
    folder = tmp_path_factory.mktemp("sieve")
    (folder / "after").mkdir()
    (folder / "before.sieve").write_text(
        'require "fileinto";\nif header :contains "subject" "global" { fileinto "Global"; stop; }\n')
    (folder / "after" / "last.sieve").write_text(
        'require ["fileinto", "mailbox"];\nif header :is "x-last" "yes" { fileinto :create "Last"; }\n')
    (folder / "all").mkdir()
    (folder / "all" / "lists.sieve").write_text(
        'require ["fileinto", "include", "variables"];\nglobal "list";\n'
        'if header :matches "List-Id" "*<*.*>*" { set "list" "${2}"; }\n')
    instance = Instance(folder / "instance", users=8, settings={
        "sieve.global": str(folder / "all"),
        "sieve.before": str(folder / "before.sieve"), "sieve.after": str(folder / "after"),
        "forward.srs_secret": "a secret of some length"}).start()
    yield instance
    end(instance)


def script(server, text, address=OWNER):
    sieve.put(server, address, text)


def test_mail_is_sorted(server):
    script(server, 'require ["fileinto", "mailbox", "imap4flags", "copy"];\n'
                   'if header :contains "subject" "sort" { fileinto :create :flags ["\\\\Seen", "$Sorted"] "Work.Sorted"; }\n'
                   'elsif header :contains "subject" "both" { fileinto :copy "Copies"; }\n'
                   'elsif header :contains "subject" "away" { discard; }\n'
                   'elsif header :contains "subject" "flag" { keep :flags "\\\\Flagged"; }\n')
    for subject in ("sort-1", "both-1", "away-1", "flag-1", "plain-1"):
        send(server, subject)
    found = mails(server, OWNER, "Work.Sorted")
    assert len(found) == 1 and b"Subject: sort-1\r\n" in found[0][1] and {"\\Seen", "$Sorted"} <= set(found[0][0])
    assert b"Delivered-To: " + OWNER.encode() in found[0][1]
    assert len(with_subject(server, OWNER, "both-1", "Copies")) == len(with_subject(server, OWNER, "both-1")) == 1
    assert [flags for flags, raw in mails(server, OWNER) if b"flag-1" in raw] == [["\\Flagged"]] or \
        "\\Flagged" in [flags for flags, raw in mails(server, OWNER) if b"flag-1" in raw][0]
    assert not with_subject(server, OWNER, "away-1") and not with_subject(server, OWNER, "sort-1")
    assert len(with_subject(server, OWNER, "plain-1")) == 1
    assert not with_subject(server, FRIEND, "plain-1")


def test_scripts_before_and_after(server):
    script(server, 'require "fileinto";\nif header :contains "subject" "mine" { fileinto "Mine"; }\n')
    send(server, "global-mine-1")
    send(server, "mine-2", fields="X-Last: yes\r\n")
    send(server, "other-3", fields="X-Last: yes\r\n")
    send(server, "global-4", recipients=[FRIEND], to=FRIEND)  # no script of his own
    assert len(with_subject(server, OWNER, "global-mine-1", "Global")) == 1
    assert not with_subject(server, OWNER, "global-mine-1", "Mine")
    assert len(with_subject(server, OWNER, "mine-2", "Mine")) == 1 and not with_subject(server, OWNER, "mine-2", "Last")
    assert len(with_subject(server, OWNER, "other-3", "Last")) == 1 and not with_subject(server, OWNER, "other-3")
    assert len(with_subject(server, FRIEND, "global-4", "Global")) == 1


def test_a_new_script_is_in_force_at_once(server):
    for number in range(3):
        script(server, f'require "fileinto";\nfileinto "Version{number}";\n')
        send(server, f"version-{number}")
        assert len(with_subject(server, OWNER, f"version-{number}", f"Version{number}")) == 1


def test_scripts_include_others(server):
    """RFC 6609: one of everybody's finds out, the account's own one sorts."""
    sieve.put(server, OWNER, 'require ["fileinto", "include", "variables"];\nglobal "list";\n'
                             'if string "${list}" "" { return; }\nfileinto "List-${list}";\n', name="sort")
    script(server, 'require ["include"];\ninclude :global "lists";\ninclude :once "sort";\n'
                   'include :optional "none";\ninclude :once "sort";\n')
    send(server, "listed-1", fields="List-Id: People <people.example.net>\r\n")
    send(server, "listed-2")
    assert len(with_subject(server, OWNER, "listed-1", "List-people")) == 1
    assert not with_subject(server, OWNER, "listed-1")
    assert len(with_subject(server, OWNER, "listed-2")) == 1
    log = sieve.home(server, OWNER) / ".dovecot.sieve.log"
    log.unlink(missing_ok=True)
    script(server, 'require ["include", "fileinto"];\nfileinto "Nowhere";\ninclude "gone";\n')
    send(server, "listed-3")
    assert len(with_subject(server, OWNER, "listed-3")) == 1
    assert 'line 3: there is no script "gone" to include' in log.read_text()


def test_wrong_scripts_keep(server):
    log = sieve.home(server, OWNER) / ".dovecot.sieve.log"
    log.unlink(missing_ok=True)
    before = server.metrics()["ringmail_sieve_errors_total"]
    script(server, 'fileinto "Nowhere";\n')  # without require
    send(server, "wrong-1")
    script(server, "this is no script")
    send(server, "wrong-2")
    assert len(with_subject(server, OWNER, "wrong-1")) == len(with_subject(server, OWNER, "wrong-2")) == 1
    lines = log.read_text().splitlines()
    assert len(lines) == 2 and "line 1:" in lines[0], lines
    assert server.metrics()["ringmail_sieve_errors_total"] == before + 2


def test_mailboxes_that_cannot_be_keep(server):
    script(server, 'require "fileinto";\nfileinto "a//b/../c";\n')
    send(server, "nobox-1")
    assert len(with_subject(server, OWNER, "nobox-1")) == 1


def test_redirect(server):
    script(server, 'require "copy";\nif header :contains "subject" "copy" { redirect :copy "%s"; } else { redirect "%s"; }\n'
           % (FRIEND, FRIEND))
    send(server, "redirect-1")
    send(server, "redirect-copy-2")
    raw = arrives(server, FRIEND, "Subject: redirect-1\r\n")[0]
    assert f"X-Sieve-Redirected-From: {OWNER}".encode() in raw and f"Return-Path: <{SENDER}>".encode() in raw
    assert not with_subject(server, OWNER, "redirect-1")
    arrives(server, FRIEND, "Subject: redirect-copy-2\r\n")
    assert len(with_subject(server, OWNER, "redirect-copy-2")) == 1
    send(server, "redirect-3", sender="stranger@example.net")
    raw = arrives(server, FRIEND, "Subject: redirect-3\r\n")[0]
    assert b"Return-Path: <SRS0=" in raw


def test_redirects_in_a_circle_end(server):
    script(server, f'redirect "{FRIEND}";\n')
    script(server, f'redirect "{OWNER}";\n', FRIEND)
    try:
        send(server, "circle-1")
        arrives(server, OWNER, "Subject: circle-1\r\n")
        time.sleep(1)
        assert len(with_subject(server, OWNER, "circle-1")) == 1 and not with_subject(server, FRIEND, "circle-1")
    finally:
        (sieve.home(server, FRIEND) / ".dovecot.sieve").unlink()


def test_reject(server):
    script(server, 'require "reject";\nif header :contains "subject" "no" { reject "not\r\nfor me"; }\n')
    reply = send(server, "no-1", expect=550)
    assert reply.text == "5.7.1 not for me"
    assert not with_subject(server, OWNER, "no-1")
    # one of two: the other has it, the sender gets a report
    send(server, "no-2", recipients=[OWNER, FRIEND])
    assert len(with_subject(server, FRIEND, "no-2")) == 1
    raw = arrives(server, SENDER, "no-2")[0]
    assert b"multipart/report" in raw and b"not for me" in raw and OWNER.encode() in raw and b"5.7.1" in raw
    assert not with_subject(server, OWNER, "no-2")
    # nobody can be told
    with server.smtp() as client:
        client.ehlo()
        client.envelope("", OWNER, FRIEND)
        client.data(make("no-3"), 250)
    assert len(with_subject(server, FRIEND, "no-3")) == 1 and not with_subject(server, OWNER, "no-3")


def test_vacation(server):
    script(server, 'require "vacation";\nvacation :days 3 :subject "gone" "I am away";\n')
    send(server, "holiday-1")
    raw = arrives(server, SENDER, "I am away")[0]
    for field in (b"Subject: gone", b"Auto-Submitted: auto-replied (vacation)", b"In-Reply-To: <holiday-1@example.net>",
                  b"References: <holiday-1@example.net>", b"Return-Path: <>", b"To: " + SENDER.encode()):
        assert field in raw, field
    assert len(with_subject(server, OWNER, "holiday-1")) == 1
    # once for each sender, also after a crash; never to lists, machines, nobody, or where the owner is not named
    send(server, "holiday-2")
    server.crash()
    server.start()
    send(server, "holiday-3")
    for subject, fields in (("list", "List-Id: <x>\r\n"), ("auto", "Auto-Submitted: auto-generated\r\n"),
                            ("bulk", "Precedence: bulk\r\n")):
        send(server, f"holiday-{subject}", sender=FRIEND, fields=fields)
    send(server, "holiday-bcc", sender=FRIEND, to="somebody@else.example")
    with server.smtp() as client:
        client.ehlo()
        client.envelope("", OWNER)
        client.data(make("holiday-null"), 250)
    stays_away(server, FRIEND, "I am away")
    assert len(arrives(server, SENDER, "I am away")) == 1
    send(server, "holiday-friend", sender=FRIEND)
    arrives(server, FRIEND, "I am away")
    # another reply is another reply
    script(server, 'require ["vacation", "fcc", "mailbox"];\nvacation :fcc "Sent.Replies" :create "Back tomorrow";\n')
    send(server, "holiday-4")
    assert b"Subject: Auto: holiday-4" in arrives(server, SENDER, "Back tomorrow")[0]
    arrives(server, OWNER, "Back tomorrow", "Sent.Replies")


def test_notify(server):
    script(server, 'require "enotify";\nif header :contains "subject" "urgent" { notify :message "look" "mailto:%s"; }\n' % OTHER)
    send(server, "urgent-1")
    raw = arrives(server, OTHER, "Subject: look")[0]
    assert b"Auto-Submitted: auto-notified" in raw and b"urgent-1" in raw and b"Return-Path: <>" in raw
    assert len(with_subject(server, OWNER, "urgent-1")) == 1


def test_duplicates_and_edited_headers(server):
    script(server, 'require ["duplicate", "fileinto", "editheader"];\n'
                   'if duplicate { fileinto "Twice"; stop; }\n'
                   'addheader "X-Seen-By" "a script";\ndeleteheader "X-Remove";\n')
    send(server, "dup-1", fields="X-Remove: me\r\n")
    send(server, "dup-1", fields="X-Remove: me\r\n")
    kept = with_subject(server, OWNER, "dup-1")
    assert len(kept) == 1 and b"X-Seen-By: a script\r\n" in kept[0] and b"X-Remove" not in kept[0]
    again = with_subject(server, OWNER, "dup-1", "Twice")
    assert len(again) == 1 and b"X-Remove: me\r\n" in again[0]


@pytest.mark.timeout(120)
def test_kill_9_while_scripts_run(make_instance, seed):
    """What was confirmed is sorted once and sent on once, whenever the server dies."""
    instance = make_instance(users=4, settings={"sieve.redirect_memory": "1h"})
    sieve.put(instance, OWNER, 'require ["fileinto", "mailbox", "copy"];\nfileinto :create "Sorted";\nredirect :copy "%s";\n' % FRIEND)
    generator, confirmed, retried, lock = random.Random(seed), set(), set(), threading.Lock()
    stop = threading.Event()

    def sender(number):
        for serial in range(1000):
            subject = f"kill-{number}-{serial}"
            while not stop.is_set():
                try:
                    send(instance, subject)
                    with lock:
                        confirmed.add(subject)
                    break
                except (OSError, smtp.Closed, AssertionError):
                    with lock:
                        retried.add(subject)
                    time.sleep(0.05)
            if stop.is_set():
                return

    threads = [threading.Thread(target=sender, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(generator.uniform(0.3, 1.0))
        instance.crash()
        instance.start()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join(30)

    def subjects(address, mailbox):
        return [re.search(rb"Subject: (kill-\d+-\d+)", raw).group(1).decode() for _, raw in mails(instance, address, mailbox)]

    wait.until(lambda: confirmed <= set(subjects(FRIEND, "INBOX")), 40, "all redirects arrive", pause=0.5)
    here, there = subjects(OWNER, "Sorted"), subjects(FRIEND, "INBOX")
    assert subjects(OWNER, "INBOX") == []
    assert confirmed - set(here) == set()
    assert [subject for subject in confirmed - retried if here.count(subject) != 1] == []
    # the queue may deliver once more what it was delivering when it died
    assert len([subject for subject in confirmed - retried if there.count(subject) > 1]) <= 3 * 32
    assert len(confirmed) > 10
