# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways that are not MX: the transport table, a smart host with login and TLS, LMTP over a Unix socket."""
import tempfile

import pytest

from lab import instance as instances
from lab import authority, maildir, message, outbound, wait, zoo
from lab.instance import account

pytestmark = pytest.mark.timeout(90)
LOGIN = ("relay-user", "relay pass\\word\"")


def ucl_list(texts):
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


@pytest.fixture
def send(world, tmp_path):
    """Starts an instance with these settings; it ends with the test."""
    made = []

    def start(**settings):
        instance = instances.Instance(tmp_path / f"sender{len(made)}", users=4, settings=world.settings(**settings))
        made.append(instance)
        return instance.start()

    yield start
    for instance in made:
        instance.stop()
        assert instance.complaints() == []


def test_transport_table(world, send):
    """Exact names, what lies below, hosts with ports, refusals: each mail takes its own way."""
    by_mx, exact, below, everybody = (world.sink(name=name) for name in ("mx", "exact", "below", "everybody"))
    lmtp = world.sink(lmtp=True, port=2424)
    world.domain("by-mx.test", by_mx)
    world.zone("named.test", {"relay": f"A {exact.address}"}, "insecure")
    sender = send(route__transports=ucl_list([
        "exact.test=smtp:[relay.named.test]", f".below.test=smtp:[{below.address}]:25", "by-mx.test=smtp:",
        "elsewhere.test=smtp:by-mx.test", f"mailboxes.test=lmtp:[{lmtp.address}]:2424",
        "gone.test=error:5.1.6 moved away", "busy.test=retry:4.3.2 come back", f"*=smtp:[{everybody.address}]:25"]))
    expected = {"a@exact.test": exact, "a@x.below.test": below, "a@y.x.below.test": below, "a@by-mx.test": by_mx,
                "a@elsewhere.test": by_mx, "a@mailboxes.test": lmtp, "a@anything-else.test": everybody, "a@below.test": everybody}
    sent = {}
    for recipient in expected:
        sent[recipient], mail = world.mail(recipient)
        outbound.submit(sender, recipient, mail)
    for recipient, sink in expected.items():
        (entry,) = outbound.arrived(world.books, sent[recipient], recipient)
        assert entry.host == sink.address, recipient
    with outbound.submission(sender) as client:  # at RCPT, not by a bounce
        client.command(f"MAIL FROM:<{account(1)}>", 250)
        assert client.command("RCPT TO:<a@gone.test>", 550).text == "5.1.6 moved away"
    serial, mail = world.mail()
    outbound.submit(sender, "a@busy.test", mail)
    listed = sender.control("--json", "queue", "list").stdout
    assert "busy.test" in listed
    sender.control("queue", "delete", "--recipient", "@busy.test")
    assert "busy.test" not in sender.control("--json", "queue", "list").stdout


def test_our_own_domain_needs_no_route(world, send):
    """Mail for a mailbox of ours goes into it, whatever the table says of everybody."""
    everybody = world.sink()
    sender = send(route__transports=ucl_list([f"*=smtp:[{everybody.address}]:25"]))
    serial, mail = world.mail(account(2))
    outbound.submit(sender, [account(2), "b@other.test"], mail)
    (entry,) = outbound.arrived(world.books, serial)
    assert entry.recipient == "b@other.test"
    (raw,) = wait.until(lambda: maildir.messages(sender.maildir(account(2))).values(), 10, "the mailbox has it")
    assert message.serial_of(raw) == serial and message.is_whole(raw)


@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_smart_host_with_login_and_tls(world, send, how):
    issued = world.authority.issue("relay.smart.test")
    port = {"starttls": 587, "implicit": 465}[how]
    relay = world.sink(port=port, login=LOGIN, tls=issued.context(), implicit=how == "implicit")
    world.zone("smart.test", {"relay": f"A {relay.address}"}, "insecure")
    scheme = "smtps:" if how == "implicit" else ""
    sender = send(route__smart_host=f"{scheme}[relay.smart.test]:{port}", route__smart_host_tls="verify",
                  route__user=LOGIN[0], route__password=LOGIN[1])
    serial, mail = world.mail()
    outbound.submit(sender, ["a@anywhere.test", "b@elsewhere.test"], mail)
    for recipient in ("a@anywhere.test", "b@elsewhere.test"):
        (entry,) = outbound.arrived(world.books, serial, recipient)
        assert entry.tls
    assert relay.logins and all(login == (*LOGIN, True) for login in relay.logins)


@pytest.mark.parametrize("wrong", ["name", "authority", "no tls"])
def test_smart_host_gets_no_password_in_doubt(world, send, wrong):
    """Not verified, not offered: the password stays here and the mail waits."""
    issuer = authority.Authority(world.directory / "stranger") if wrong == "authority" else world.authority
    issued = issuer.issue("other.test" if wrong == "name" else "relay.doubt.test")
    relay = world.sink(port=587, login=LOGIN, tls=None if wrong == "no tls" else issued.context())
    world.zone("doubt.test", {"relay": f"A {relay.address}"}, "insecure")
    sender = send(route__smart_host="[relay.doubt.test]:587", route__smart_host_tls="verify", route__user=LOGIN[0],
                  route__password=LOGIN[1], queue__lifetime="2s")
    serial, mail = world.mail()
    outbound.submit(sender, "a@anywhere.test", mail)
    report = outbound.the_report(sender, serial)
    assert report.actions() == {"a@anywhere.test": "failed"}
    assert relay.connections_total >= 2  # it tried, and tried again
    assert relay.logins == [] and not world.books.of(serial)


def test_wrong_password_is_no_bounce_at_once(world, send):
    """535 is between us and the smart host: the mail waits until somebody mends it."""
    issued = world.authority.issue("relay.mend.test")
    relay = world.sink(port=587, login=LOGIN, tls=issued.context())
    world.zone("mend.test", {"relay": f"A {relay.address}"}, "insecure")
    sender = send(route__smart_host="[relay.mend.test]:587", route__user=LOGIN[0], route__password="old")
    serial, mail = world.mail()
    outbound.submit(sender, "a@anywhere.test", mail)
    wait.until(lambda: len(relay.logins) >= 2, 15, "it tries again")
    relay.login = (LOGIN[0], "old")
    outbound.arrived(world.books, serial)
    assert not outbound.bounced(sender)


def test_lmtp_over_a_unix_socket(world, send):
    """One transaction, three recipients, three answers: taken, later, never."""
    with tempfile.TemporaryDirectory(prefix="ringmail-lmtp-") as place:
        path = f"{place}/lmtp"
        tries = []

        def later(recipient):
            if recipient == "later@boxes.test":
                tries.append(recipient)
                return len(tries) < 3
            return False

        with zoo.Sink(path, world.books, lmtp=True, refused=("never@boxes.test",), later=later):
            sender = send(route__transports=ucl_list([f"boxes.test=lmtp:unix:{path}"]))
            serial, mail = world.mail()
            outbound.submit(sender, [f"{name}@boxes.test" for name in ("good", "later", "never")], mail)
            outbound.arrived(world.books, serial, "later@boxes.test")
            assert len(tries) == 3
            report = outbound.the_report(sender, serial)
            assert report.actions() == {"never@boxes.test": "failed"}
            assert sorted(entry.recipient for entry in world.books.of(serial)) == ["good@boxes.test", "later@boxes.test"]
