# SPDX-License-Identifier: GPL-3.0-or-later
"""From a domain to a server: what DNS may say, well-meant and hostile (RFC 5321 5.1, 7505)."""
import itertools
import socket
import time

import pytest

from lab import outbound, wait
from lab.instance import account

pytestmark = pytest.mark.timeout(90)
numbers = itertools.count(1)
DEAD = "127.99.0.1"  # nobody listens there
GIANT = 600          # MX records: some 20 KiB, so TCP
LIFETIME_S = 8


sender = outbound.sender_fixture(LIFETIME_S)


@pytest.fixture
def zone(world):
    """Publishes records for a fresh domain and returns its name."""
    def publish(records, how="insecure"):
        name = f"dns{next(numbers)}.test"
        world.zone(name, records, how)
        return name
    return publish


@pytest.fixture
def send(world, sender):
    def submit(recipient, to=None, **options):
        address = sender.fresh_account()
        serial, mail = world.mail(to or recipient, sender=address)
        outbound.submit(sender, recipient, mail, sender=address, **options)
        return serial, address
    return submit


def the_entry(world, sent):
    (entry,) = outbound.arrived(world.books, sent[0])
    return entry


def the_bounce(sender, sent, seconds=6):
    """The sender hears of it at once: nothing to wait for."""
    report = outbound.the_report(sender, sent[0], sent[1], seconds)
    assert set(report.actions().values()) == {"failed"}
    return report.recipients[0]


def test_null_mx(zone, send, sender, world):
    """RFC 7505: takes no mail; 5.1.10 at once, although there is an address."""
    sink = world.sink()
    sent = send("bob@" + zone({"@": ["MX 0 .", f"A {sink.address}"]}))
    assert the_bounce(sender, sent)["status"] == "5.1.10"
    assert not sink.connections_total


def test_no_mx_means_the_address(zone, send, world):
    sink = world.sink()
    assert the_entry(world, send("bob@" + zone({"@": f"A {sink.address}"}))).host == sink.address


def test_no_address_behind_the_mx_is_no_fallback(zone, send, sender, world):
    """RFC 5321 5.1: with MX records, the domain's own address is not used."""
    sink = world.sink()
    sent = send("bob@" + zone({"@": ["MX 10 nowhere", f"A {sink.address}"]}))
    report = outbound.the_report(sender, *sent, LIFETIME_S + 10)
    assert set(report.actions().values()) == {"failed"}
    assert not sink.connections_total


def test_mx_that_is_an_alias(zone, send, world):
    """Forbidden (RFC 2181 10.3) and everywhere; as is a domain that is one."""
    sink = world.sink()
    name = zone({"@": "MX 10 mx", "mx": "CNAME host", "host": f"A {sink.address}", "alias": f"CNAME dns{10 ** 6}.test."})
    assert the_entry(world, send(f"bob@{name}")).recipient == f"bob@{name}"
    world.zone(f"dns{10 ** 6}.test", {"@": "MX 10 mx", "mx": f"A {sink.address}"}, "insecure")
    assert the_entry(world, send(f"bob@alias.{name}")).recipient == f"bob@alias.{name}"


def test_aliases_in_a_circle(zone, send, sender):
    name = zone({"a": "CNAME b", "b": "CNAME a", "mx": "MX 10 a"})
    sent = {recipient: send(recipient) for recipient in (f"bob@a.{name}", f"bob@mx.{name}")}
    for recipient in sent:
        assert outbound.the_report(sender, *sent[recipient], LIFETIME_S + 10).actions() == {recipient: "failed"}


def test_loop_to_ourselves(zone, send, sender):
    """An MX that leads back here, by name and by address: 5.4.6 and no mail in circles (RFC 5321 5.1)."""
    for records in ({"@": "MX 10 mail.example.org."},):
        sent = send("bob@" + zone(records))
        assert the_bounce(sender, sent)["status"] in ("5.4.6", "5.3.5", "5.4.4")


def test_loop_behind_better_hosts(zone, send, world):
    """We are a backup: only hosts better than ourselves are tried."""
    better = world.sink()
    worse = world.sink()
    name = zone({"@": ["MX 5 better", "MX 10 mail.example.org.", "MX 20 worse"], "better": f"A {better.address}",
                 "worse": f"A {worse.address}"})
    assert the_entry(world, send(f"bob@{name}")).host == better.address
    better.close()
    send(f"bob@{name}")
    time.sleep(2)
    assert not worse.connections_total


def test_nxdomain(send, sender):
    assert the_bounce(sender, send("bob@no-such-domain.test"))["status"] in ("5.1.2", "5.4.4")


def test_no_such_host_behind_only_mx(zone, send, sender):
    """The domain is there, its only host is not: permanent or not, the sender hears of it in the end."""
    sent = send("bob@" + zone({"@": "MX 10 gone"}))
    report = outbound.the_report(sender, *sent, LIFETIME_S + 10)
    assert set(report.actions().values()) == {"failed"}


def test_servfail_then_recovery(zone, send, sender, world):
    """Nobody knows now is no answer: the mail waits, and goes out when there is one."""
    sink = world.sink()
    name = zone({"@": "MX 10 mx", "mx": f"A {sink.address}"}, "bogus")
    sent = send(f"bob@{name}")
    time.sleep(1)
    assert not world.books.of(sent[0])
    world.zone(name, {"@": "MX 10 mx", "mx": f"A {sink.address}"}, "insecure")
    assert the_entry(world, sent).host == sink.address
    assert not outbound.reports(sender, sent[1])


def test_resolver_down_then_back(world, make_instance):
    """No DNS at all: nothing bounces, nothing is lost."""
    sink = world.sink()
    world.domain("later.test", sink)
    sender = make_instance("patient", users=2, settings=world.settings(dns__timeout="300ms"))
    world.names.processes[1].send_signal(19)  # SIGSTOP
    try:
        serial, mail = world.mail()
        outbound.submit(sender, "bob@later.test", mail)
        time.sleep(2)
        assert not outbound.reports(sender) and not world.books.of(serial)
    finally:
        world.names.processes[1].send_signal(18)
    outbound.arrived(world.books, serial, seconds=25)


def test_giant_mx_set(zone, send, world):
    """Six hundred hosts, all but the best dead: some are enough, and there is an end to them."""
    sink = world.sink()
    others = {f"h{n}": f"A {DEAD}" for n in range(GIANT)}
    name = zone({"@": [f"MX {n + 10} h{n}" for n in range(GIANT)] + ["MX 1 best"], "best": f"A {sink.address}", **others})
    assert the_entry(world, send(f"bob@{name}")).host == sink.address


def test_preference_and_the_first_host_dead(zone, send, world):
    second, third = world.sink(), world.sink()
    name = zone({"@": ["MX 30 third", "MX 10 first", "MX 20 second"], "first": f"A {DEAD}", "second": f"A {second.address}",
                 "third": f"A {third.address}"})
    assert the_entry(world, send(f"bob@{name}")).host == second.address
    assert not third.connections_total


def test_equal_preference_is_shared(zone, world, sender):
    """RFC 5321 5.1: hosts of one preference are taken at random."""
    sinks = [world.sink() for _ in range(3)]
    records = {"@": [f"MX 10 h{n}" for n in range(3)], **{f"h{n}": f"A {sinks[n].address}" for n in range(3)}}
    names = [zone(records) for _ in range(4)]
    serials = []
    with outbound.submission(sender) as client:
        for number in range(60):
            serial, mail = world.mail(size=200)
            client.deliver(account(1), [f"bob{number}@{names[number % 4]}"], mail)
            serials.append(serial)
    found = {outbound.arrived(world.books, serial)[0].host for serial in serials}
    assert len(found) >= 2, found


def test_several_addresses_of_one_host(zone, send, world):
    sink = world.sink()
    name = zone({"@": "MX 10 mx", "mx": [f"A {DEAD}", f"A {sink.address}", "A 127.99.0.2"]})
    assert the_entry(world, send(f"bob@{name}")).host == sink.address


def has_ipv6():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 25))
            return True
        except OSError:
            return False


def test_ipv6_dead_ipv4_alive(zone, send, world):
    """Addresses of both kinds: where one kind does not answer, the other is tried."""
    sink = world.sink()
    name = zone({"@": "MX 10 mx", "mx": [f"A {sink.address}", "AAAA 100::1"]})
    assert the_entry(world, send(f"bob@{name}")).host == sink.address


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback, or port 25 is taken")
def test_ipv4_dead_ipv6_alive(zone, send, world):
    sink = world.sink(address="::1")
    name = zone({"@": "MX 10 mx", "mx": [f"A {DEAD}", "AAAA ::1"]})
    assert the_entry(world, send(f"bob@{name}")).host == "::1"
    only = zone({"@": "MX 10 mx", "mx": "AAAA ::1"})
    assert the_entry(world, send(f"bob@{only}")).host == "::1"
    assert the_entry(world, send("bob@[IPv6:::1]")).host == "::1"
    sink.close()


def test_source_address(zone, world, make_instance):
    """Connections come from the address of ours that is named for their kind."""
    sinks = [world.sink()] + ([world.sink(address="::1")] if has_ipv6() else [])
    instance = make_instance("source", users=2, settings=world.settings(remote__source_ipv4="127.88.7.6", remote__source_ipv6="::1"))
    for sink in sinks:
        name = zone({"@": "MX 10 mx", "mx": f"{'AAAA' if ':' in sink.address else 'A'} {sink.address}"})
        serial, mail = world.mail(f"bob@{name}", sender=account(1))
        outbound.submit(instance, f"bob@{name}", mail, sender=account(1))
        outbound.arrived(world.books, serial)
        assert sink.peers == {"::1" if ":" in sink.address else "127.88.7.6"}
        sink.close()


def test_address_literal(send, world):
    """RFC 5321 4.1.3."""
    sink = world.sink()
    entry = the_entry(world, send(f"bob@[{sink.address}]"))
    assert entry.host == sink.address and entry.recipient == f"bob@[{sink.address}]"


def test_internationalised_domain(send, world):
    """U-labels are asked for as A-labels (RFC 6531 3.7.1); a server without SMTPUTF8 is no obstacle."""
    sink = world.sink(extensions=("PIPELINING", "8BITMIME"))
    world.domain("bücher.test", sink)
    entry = the_entry(world, send("bob@xn--bcher-kva.test"))
    assert entry.recipient == "bob@xn--bcher-kva.test"
    entry = the_entry(world, send("bob@bücher.test", "bob@xn--bcher-kva.test", parameters=" SMTPUTF8"))
    assert entry.recipient == "bob@xn--bcher-kva.test"


def test_private_addresses_are_left_alone(world, make_instance, zone):
    """As it is by default: an MX of a stranger leads to no service of our own machine."""
    sink = world.sink()
    name = zone({"@": "MX 10 mx", "mx": f"A {sink.address}"})
    sender = make_instance("careful", users=2, settings=world.settings(route__private_addresses="off", queue__lifetime="2s"))
    serial, mail = world.mail()
    outbound.submit(sender, [f"bob@{name}", f"bob@[{sink.address}]"], mail)
    wait.until(lambda: len(outbound.bounced(sender)) == 2, 15, "both come back", pause=0.1)
    assert not sink.connections_total


def test_flood_of_names_that_are_not(world, sender):
    """Hundreds of domains that do not exist, fifty a mail: all bounce, and the rest goes on."""
    address = sender.fresh_account()
    sink = world.sink()
    world.domain("amid-the-flood.test", sink)
    recipients = {}
    with outbound.submission(sender, address) as client:
        for number in range(8):
            serial, mail = world.mail(size=200, sender=address)
            recipients[serial] = {f"bob@no-such-{number}-{n}.test" for n in range(50)}
            client.envelope(address, *recipients[serial])
            client.data(mail, 250)
        serial, mail = world.mail(size=200, sender=address)
        client.deliver(address, ["bob@amid-the-flood.test"], mail)
    outbound.arrived(world.books, serial)

    def told():
        failed = outbound.bounced(sender, address)
        return all((serial, recipient) in failed for serial in recipients for recipient in recipients[serial])
    wait.until(told, 30, "every one of them has bounced", pause=1)
    assert set(outbound.bounced(sender, address).values()) == {1}
