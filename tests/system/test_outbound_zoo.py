# SPDX-License-Identifier: GPL-3.0-or-later
"""The zoo: servers that refuse, hang, lie and vanish. Every mail is delivered once or comes back."""
import collections
import email
import json
import random
import time

import pytest

from lab import message, outbound, wait, zoo
from lab.courier import Bounces, Submitter, audit
from lab.instance import SANITIZED, account
from lab.zoo import always, close, endless, first, garbage, hang, long_line, mix, reset, say, slow, sometimes

MAILS = 80 if SANITIZED else 260
SUBMITTERS = 4
CRASHES = 3
LIFETIME_S = 25
STAGES = ("connect", "ehlo", "starttls", "handshake", "mail", "rcpt", "data", "body", "dot", "after", "quit")
NULS = b"250 2.0.0 \0\0\0 nothing\0\r\n"


@pytest.fixture(scope="module")
def certificate(world):
    return world.authority.issue("mx.zoo.test")


@pytest.fixture
def send_from(world, make_instance):
    def start(**settings):
        return make_instance("sender", users=10, settings=world.settings(**settings))
    return start


def many_domains(world, zone, sinks):
    """{name: sink} become NAME.ZONE, each with its own host."""
    records = {}
    for name, sink in sinks.items():
        records[name] = f"MX 10 mx.{name}"
        records[f"mx.{name}"] = f"A {getattr(sink, 'address', sink)}"
    world.zone(zone, records, "insecure")


# --- one trouble at a time -------------------------------------------------------------------------
@pytest.mark.sanitized
@pytest.mark.timeout(120)
def test_each_trouble_at_each_stage(world, send_from, certificate):
    """Twice something goes wrong at one stage, then all is well: each mail arrives, and arrives once.

    Where the message was kept and the reply did not come through, it may come again (RFC 1047).
    """
    acts = {"451": say(451, "4.3.0 later"), "421": say(421, "4.3.2 closing", then=close), "hang": hang, "close": close,
            "reset": reset, "endless": endless, "long": long_line(1 << 20), "nul": garbage(NULS), "junk": garbage(b"\xff\xfe\r\nwhat\r\n"),
            "early": garbage(b"250-never\r\n"), "slow": slow(0.01)}
    nonsense = {("handshake", act) for act in ("451", "421", "slow", "long")}  # plain text in place of TLS: "nul", "junk" are that
    sinks, sent = {}, {}
    for stage in STAGES:
        for name, act in acts.items():
            if (stage, name) not in nonsense:
                sinks[f"{stage}-{name}"] = world.sink(plan=first(2, always(**{stage: act})), tls=certificate.context(), seed=1)
    many_domains(world, "zoo.test", sinks)
    sender = send_from()
    with outbound.submission(sender) as client:
        for name in sinks:
            serial, mail = world.mail(size=3000)
            client.deliver(account(1), [f"bob@{name}.zoo.test"], mail)
            sent[name] = serial

    def missing():
        there = {entry.serial for entry in world.books.entries()}
        return [name for name, serial in sent.items() if serial not in there]

    try:
        wait.until(lambda: not missing(), 45, "all have arrived", pause=0.1)
    except AssertionError as reason:
        raise AssertionError(f"{reason}; not: {missing()}") from reason
    time.sleep(1)
    problems = []
    for name, serial in sent.items():
        entries = world.books.of(serial)
        excused = sum(not entry.confirmed for entry in entries)
        if len(entries) > 1 + excused:
            problems.append(f"{name}: {len(entries)} times")
        if not all(message.is_whole(entry.raw) for entry in entries):
            problems.append(f"{name}: damaged")
    assert not problems, problems
    assert not outbound.bounced(sender), outbound.bounced(sender)


@pytest.mark.timeout(60)
def test_refusals_come_back_at_once(world, send_from, certificate):
    """5xx at each stage: the sender hears it in the server's words, with the server's status."""
    sinks = {stage: world.sink(plan=always(**{stage: say(554, f"5.7.9 {stage} says no")}), tls=certificate.context())
             for stage in ("mail", "rcpt", "data", "dot")}
    # EHLO is not known: HELO. STARTTLS is refused: in clear.
    fine = {stage: world.sink(plan=always(**{stage: say(502, "5.5.1 no")}), tls=certificate.context()) for stage in ("ehlo", "starttls")}
    many_domains(world, "refusing.test", {**sinks, **fine})
    sender = send_from()
    sent = {}
    for name in {**sinks, **fine}:
        sent[name], mail = world.mail()
        outbound.submit(sender, f"bob@{name}.refusing.test", mail)
    for name in sinks:
        report = outbound.the_report(sender, sent[name])
        (told,) = report.recipients
        assert told["action"] == "failed" and told["status"] == "5.7.9"
        assert f"554 5.7.9 {name} says no" in " ".join(told["diagnostic-code"].split())
        assert "mx." + name in told["remote-mta"]
        assert not world.books.of(sent[name])
    for name in fine:
        (entry,) = outbound.arrived(world.books, sent[name])
        assert not entry.tls


@pytest.mark.timeout(60)
def test_recipients_have_their_own_answers(world, send_from):
    """One transaction: taken, later, never. Nobody gets it twice, nobody waits for another."""
    tries = collections.Counter()

    def later(recipient):
        tries[recipient] += 1
        return recipient.startswith("later") and tries[recipient] < 3

    sink = world.sink(later=later, refused=lambda recipient: recipient.startswith("never"))
    world.domain("mixed.test", sink)
    sender = send_from()
    serial, mail = world.mail()
    recipients = [f"{kind}{n}@mixed.test" for n in range(20) for kind in ("good", "later", "never")]
    outbound.submit(sender, recipients, mail)
    outbound.arrived(world.books, serial, count=40)
    report = outbound.the_report(sender, serial)
    assert set(report.actions().items()) == {(r, "failed") for r in recipients if r.startswith("never")}
    assert all(value.startswith("5.1.1") for value in (r["status"] for r in report.recipients))
    time.sleep(0.5)
    assert sorted(entry.recipient for entry in world.books.of(serial)) == sorted(r for r in recipients if not r.startswith("never"))
    assert len(outbound.reports(sender)) == 1


@pytest.mark.timeout(60)
def test_many_recipients(world, send_from):
    """A thousand at one domain, and a server that takes forty a transaction: RFC 5321 4.5.3.1.10, the rest follow at once."""
    wide, narrow = world.sink(), world.sink(recipients_max=40)
    world.domain("wide.test", wide)
    world.domain("forty.test", narrow)
    sender = send_from(queue__retry_min="1h", queue__retry_max="1h", submission__recipients_max="1000")
    serial, mail = world.mail()
    everybody = [f"user{n}@wide.test" for n in range(900)] + [f"user{n}@forty.test" for n in range(95)]
    outbound.submit(sender, everybody, mail)
    outbound.arrived(world.books, serial, count=len(everybody))
    time.sleep(0.3)
    assert sorted(entry.recipient for entry in world.books.of(serial)) == sorted(everybody)


ODD_LINES = [b".", b"..", b". x", b"", b"", b" ", b"\t", b"From here", b"-- ", b"x" * 998, b"RSET", b"QUIT", b"BDAT 5 LAST",
             "Grüße".encode(), bytes(range(0x80, 0xA0)), b"=20=", b"\x1b[31m"]


@pytest.mark.timeout(90)
def test_odd_messages_arrive_as_they_are(world, send_from, seed):
    """Dots, commands, blanks, long lines, bytes of any kind: by DATA and by BDAT, byte for byte, to both kinds of servers."""
    generator = random.Random(seed)
    extensions = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    sinks = {"chunks": world.sink(), "lines": world.sink(extensions=extensions), "slow": world.sink(extensions=("8BITMIME",), read_pause=0.002)}
    many_domains(world, "odd.test", sinks)
    sender = send_from()
    sent = {}
    with outbound.submission(sender) as client:
        for number in range(90):
            serial = f"odd{seed}-{number}"
            lines = generator.choices(ODD_LINES, k=generator.choice([0, 1, 2, 5, 30, 300]))
            body = b"".join(line + b"\r\n" for line in lines)
            mail = f"From: <{account(1)}>\r\nSubject: odd\r\nX-Serial: {serial}\r\n".encode() + (b"\r\n" + body if lines or number % 2 else b"")
            domain = f"{generator.choice(sorted(sinks))}.odd.test"
            client.envelope(account(1), f"bob@{domain}", parameters=" BODY=8BITMIME")
            if generator.random() < 0.5:
                client.data(mail, 250)
            else:
                cut = generator.randrange(len(mail))
                client.send(b"BDAT %d\r\n" % cut + mail[:cut] + b"BDAT %d LAST\r\n" % (len(mail) - cut) + mail[cut:])
                client.expect(250), client.expect(250)
            sent[serial] = (domain, body)
    problems = []
    for serial, (domain, body) in sent.items():
        (entry,) = outbound.arrived(world.books, serial)
        if message.split(entry.raw)[1] != body:
            problems.append(f"{serial} {domain}: {body[:80]!r} became {message.split(entry.raw)[1][:80]!r}")
    assert not problems, problems[:5]


@pytest.mark.timeout(60)
def test_odd_addresses_stay_as_they_are(world, send_from):
    """The local part is the other server's own (RFC 5321 2.4): case, quotes and signs are kept."""
    sink = world.sink()
    world.domain("odd-names.test", sink)
    sender = send_from()
    names = ["Bob.SMITH+Tag", '"two words"', '"quo\\"te"', '"a@b"', "!#$%&'*+-/=?^_`{|}~", "x" * 64, "0"]
    serial, mail = world.mail()
    outbound.submit(sender, [f"{name}@Odd-Names.TEST" for name in names], mail)
    entries = outbound.arrived(world.books, serial, count=len(names))
    assert sorted(entry.recipient.rpartition("@")[0] for entry in entries) == sorted(names)
    assert {entry.recipient.rpartition("@")[2].lower() for entry in entries} == {"odd-names.test"}


@pytest.mark.timeout(60)
def test_connection_that_died_while_idle(world, send_from):
    """A kept connection that the other side has closed costs the next mail nothing: not an attempt, not a pause."""
    closing = [True]

    def then_close(session):
        session.reply(250, "2.0.0 taken")
        session.flush()
        session.sink.closing.wait(0.05)
        if closing[0]:
            session.reply(421, "4.4.2 idle for too long")
            session.flush()
            raise zoo.Gone
        return 250
    sink = world.sink(plan=always(after=then_close))
    world.domain("idle.test", sink)
    sender = send_from(queue__retry_min="1h", queue__retry_max="1h", queue__idle_timeout="20s")
    for pause in (0.02, 0.04, 0.05, 0.06, 0.1, 0.3):
        serial, mail = world.mail(size=300)
        outbound.submit(sender, "bob@idle.test", mail)
        outbound.arrived(world.books, serial, seconds=5)
        time.sleep(pause)


@pytest.mark.timeout(60)
def test_plain_old_server(world, send_from):
    """No ESMTP but HELO, no 8BITMIME: 8-bit text is recoded (RFC 6152 3) and means the same."""
    sink = world.sink(extensions=(), plan=always(ehlo=say(500, "what is EHLO?")))
    world.domain("old.test", sink)
    sender = send_from()
    serial, _ = world.mail()
    text = "Grüße aus Köln\r\n" * 20 + "." + "\r\n..\r\n" + "x" * 990 + "\r\n"
    mail = (f"From: <{account(1)}>\r\nTo: <bob@old.test>\r\nSubject: old\r\nX-Serial: {serial}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}").encode()
    outbound.submit(sender, "bob@old.test", mail, parameters=" BODY=8BITMIME")
    (entry,) = outbound.arrived(world.books, serial)
    assert all(byte < 128 for byte in entry.raw) and "BODY" not in entry.mail_options.upper()
    got = email.message_from_bytes(entry.raw).get_payload(decode=True).decode()
    assert got.replace("\r\n", "\n") == text.replace("\r\n", "\n")


@pytest.mark.timeout(90)
def test_chunking_that_is_not_there(world, send_from):
    """CHUNKING is offered, BDAT is not known, or breaks: the mail goes by DATA, once, and the site is remembered."""
    acts = {"500": say(500, "what?"), "502": say(502, "5.5.1 not here"), "503": say(503, "5.5.1 bad sequence"), "close": close, "reset": reset}
    sinks = {name: world.sink(bdat=act) for name, act in acts.items()}
    many_domains(world, "chunks.test", {"x" + name: sink for name, sink in sinks.items()})
    sender = send_from()
    for _ in range(4):
        sent = {}
        for name in sinks:
            sent[name], mail = world.mail(size=5000)
            outbound.submit(sender, f"bob@x{name}.chunks.test", mail)
        for name, serial in sent.items():
            (entry,) = outbound.arrived(world.books, serial)
            assert message.is_whole(entry.raw), name
    for name, sink in sinks.items():
        tries = world.books.counts[f"bdat {sink.address}"]
        assert tries == (2 if name in ("close", "reset") else 1), (name, tries)
    assert not outbound.bounced(sender)


@pytest.mark.timeout(60)
def test_too_big_for_them(world, send_from):
    """SIZE says so before a byte is sent (RFC 1870 6.1): bounced, 5.3.4."""
    sink = world.sink(size_max=20_000)
    world.domain("small.test", sink)
    sender = send_from()
    serial, mail = world.mail(size=50_000)
    outbound.submit(sender, "bob@small.test", mail)
    report = outbound.the_report(sender, serial)
    assert report.recipients[0]["status"] == "5.3.4"


# --- many at once ----------------------------------------------------------------------------------
def menagerie(world, certificate):
    every = ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot")
    tls = certificate.context()
    return {
        "good": world.sink(tls=tls), "clear": world.sink(), "bare": world.sink(extensions=()),
        "busy": world.sink(plan=sometimes(0.4, **{stage: say(451, "4.3.0 later") for stage in (*every, "after")}), tls=tls, seed=1),
        "strict": world.sink(plan=sometimes(0.3, **{stage: say(554, "5.7.1 no") for stage in ("mail", "rcpt", "data", "dot", "after")}),
                             seed=2),
        "tired": world.sink(plan=sometimes(0.15, **{stage: hang for stage in (*every, "starttls", "handshake")}), tls=tls, seed=3),
        "nervous": world.sink(plan=sometimes(0.4, **{stage: close for stage in (*every, "starttls", "handshake", "quit")}), tls=tls, seed=4),
        "violent": world.sink(plan=sometimes(0.4, **{stage: reset for stage in every}), seed=5),
        "forgetful": world.sink(plan=sometimes(0.3, after=close), seed=6),
        "sleepy": world.sink(plan=sometimes(0.1, after=hang), seed=7),
        "grey": world.sink(greylist=1.5), "narrow": world.sink(most=2, plan=always(after=zoo.hang_for(0.05))),
        "chatty": world.sink(plan=sometimes(0.2, connect=endless, ehlo=endless, mail=endless, dot=endless), seed=8),
        "rude": world.sink(plan=sometimes(0.2, mail=garbage(NULS), rcpt=garbage(b"\r\n\r\n"), ehlo=garbage(b"999 x\r\n")), seed=9),
        "liar": world.sink(plan=always(handshake=garbage(b"\x15\x03\x01\x00\x02\x02\x28")), tls=tls),
        "picky": world.sink(refused=lambda r: r.startswith("no"), later=lambda r: r.startswith("maybe") and random.random() < 0.5),
        "boxes": world.sink(lmtp=True, port=2424, plan=sometimes(0.2, dot=say(451, "4.2.0 later"), after=close), seed=10),
        "mixed": world.sink(plan=mix((3, zoo.well), always(mail=say(421, "4.3.2 bye", then=close)), always(data=close),
                                     sometimes(0.5, dot=say(550, "5.6.0 no"))), tls=tls, seed=11),
        "dead": "127.99.0.1",
    }


@pytest.mark.sanitized
@pytest.mark.timeout(180)
def test_menagerie(world, send_from, certificate, seed):
    """Hundreds of mails to all of them at once, with kill -9 and restarts in between: the books balance."""
    generator = random.Random(seed)
    sinks = menagerie(world, certificate)
    many_domains(world, "menagerie.test", sinks)
    boxes = sinks["boxes"]
    sender = send_from(queue__lifetime=f"{LIFETIME_S}s", route__transports=f'["boxes.menagerie.test=lmtp:[{boxes.address}]:{boxes.port}"]',
                       queue__memory_age="1s")
    submitters = [Submitter(world, sender, account(n + 1), random.Random(generator.random()), MAILS // SUBMITTERS,
                            [f"{name}.menagerie.test" for name in sorted(sinks)])
                  for n in range(SUBMITTERS)]
    crashes = []
    for submitter in submitters:
        submitter.start()
    for number in range(CRASHES + 1):
        time.sleep(generator.uniform(1.0, 3.0))
        if number < CRASHES:
            crashes.append(time.time())
            sender.crash()
            crashes.append(time.time())
        else:
            sender.stop()
        sender.start()
    for submitter in submitters:
        submitter.join(60)
        assert not submitter.is_alive() and not submitter.problems, submitter.problems
    confirmed = {key: value for submitter in submitters for key, value in submitter.confirmed.items()}
    tried = {key: value for submitter in submitters for key, value in submitter.tried.items()}
    bounces = Bounces(sender, [submitter.address for submitter in submitters])

    def open_ones():
        bounces.read()
        taken = world.books.by_mail()
        return [(serial, recipient) for serial, recipients in confirmed.items() for recipient in recipients
                if not taken[serial, recipient] and not bounces.of(serial, recipient)]

    try:
        wait.until(lambda: not open_ones(), LIFETIME_S + 20, "every mail has an end", pause=0.3)
    except AssertionError as reason:
        queue = sender.control("--json", "queue", "list", check=False).stdout
        raise AssertionError(f"{reason}: {len(open_ones())} of {len(confirmed)}, such as {open_ones()[:8]}\nqueue: {queue[:3000]}") from reason
    wait.until(lambda: not json.loads(sender.control("--json", "queue", "list").stdout)["mails"], LIFETIME_S + 5, "the queue is empty", pause=0.3)
    bounces.read()
    problems = audit(world.books, tried, bounces, crashes)
    assert not problems, f"seed {seed}: {len(problems)}\n" + "\n".join(problems[:20])
    print(f"{len(confirmed)} mails, {sum(map(len, confirmed.values()))} recipients; {dict(world.books.counts)}")


@pytest.mark.timeout(20)
def test_audit_notices():
    """The books above can fail: a copy too many, a stranger, a bounce of what arrived, damage."""
    books = zoo.Books()
    raw = message.make(random.Random(1), "s1")
    entry = zoo.Taken("s1", "a@x.test", "", raw, 100.0, True, "h", None, "", "")
    bounces = Bounces(None, [])
    tried = {"s1": ["a@x.test"]}
    books.enter(entry)
    assert audit(books, tried, bounces, []) == []
    books.enter(entry._replace(at=110.0))
    assert "2 times" in audit(books, tried, bounces, [])[0]
    assert audit(books, tried, bounces, [100.5]) == []   # forgotten by a crash
    assert audit(books, tried, bounces, [105.0])         # not by one so late
    books.taken[0] = entry._replace(confirmed=False)
    assert audit(books, tried, bounces, []) == []        # its reply did not get through
    bounces.times["s1", "a@x.test"] = [120.0]
    assert "bounced" in audit(books, tried, bounces, [])[0]
    bounces.times.clear()
    books.enter(entry._replace(recipient="z@x.test", raw=raw[:-4]))
    assert len(audit(books, tried, bounces, [])) == 2


# --- nobody starves --------------------------------------------------------------------------------
@pytest.mark.timeout(60)
def test_slow_destinations_hold_up_nobody(world, send_from):
    """Servers that hang, each with a line of mail before it; what goes elsewhere does not wait for one of them."""
    dead_ends = {f"hang{n}": world.sink(plan=always(connect=hang)) for n in range(10)}
    good = world.sink()
    many_domains(world, "slow.test", {**dead_ends, "good": good})
    sender = send_from(remote__greeting_timeout="5m", queue__connections_max="30", queue__concurrency="20")
    with outbound.submission(sender) as client:
        for number in range(150):
            _, mail = world.mail(size=300)
            client.deliver(account(1), [f"bob@hang{number % 10}.slow.test"], mail)
        serials = []
        for _ in range(50):
            serial, mail = world.mail(size=300)
            client.deliver(account(1), ["bob@good.slow.test"], mail)
            serials.append(serial)
    wait.until(lambda: all(world.books.of(serial) for serial in serials), 60, "the good ones arrive before any that hangs is given up")
    assert sum(sink.connections_most for sink in dead_ends.values()) <= 60  # connections_max of two cores
    sender.control("queue", "delete", "--recipient", "@hang0.slow.test")
    sender.crash()  # it would wait for the rest


@pytest.mark.timeout(60)
def test_bulk_sender_delays_himself(world, send_from):
    """A site with one slow connection; 300 mails of one account wait; another's single mail goes soon."""
    sink = world.sink(plan=always(after=zoo.hang_for(0.03)), most=2)
    world.domain("popular.test", sink)
    sender = send_from(queue__concurrency="1", queue__concurrency_first="1")
    with outbound.submission(sender) as client:
        for _ in range(300):
            _, mail = world.mail(size=300)
            client.deliver(account(1), ["bob@popular.test"], mail)
    serial, mail = world.mail(size=300, sender=account(2))
    before = len(world.books.entries())
    outbound.submit(sender, "bob@popular.test", mail, sender=account(2))
    outbound.arrived(world.books, serial)
    assert len([entry for entry in world.books.entries()[before:] if entry.sender == account(1)]) < 60
    assert sink.connections_most <= 2
    sender.crash()


@pytest.mark.timeout(60)
def test_connections_are_used_again(world, send_from):
    """A hundred mails do not take a hundred connections; a limit of theirs is found and kept."""
    sink = world.sink(most=4)
    world.domain("reuse.test", sink)
    sender = send_from()
    serials = []
    with outbound.submission(sender) as client:
        for _ in range(200):
            serial, mail = world.mail(size=300)
            client.deliver(account(1), ["bob@reuse.test"], mail)
            serials.append(serial)
    wait.until(lambda: all(world.books.of(serial) for serial in serials), 20, "all arrive")
    assert len({entry.serial for entry in world.books.entries()} & set(serials)) == 200
    assert sink.connections_total < 60, sink.connections_total
