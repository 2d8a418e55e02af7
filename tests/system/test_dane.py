# SPDX-License-Identifier: GPL-3.0-or-later
"""DANE for SMTP (RFC 7672): TLSA records of signed zones are obeyed, those of others mean nothing."""
import itertools

import pytest

from lab import authority
from lab import outbound
from lab.authority import tlsa

pytestmark = pytest.mark.timeout(60)
LIFETIME_S = 2
numbers = itertools.count(1)


sender = outbound.sender_fixture(LIFETIME_S)


class Case:
    """A domain with one TLS server; what it says of itself is the test's."""

    def __init__(self, world, sender, **issue):
        self.world, self.sender = world, sender
        self.name = f"dane{next(numbers)}.test"
        issuer = issue.pop("issuer", world.authority)
        self.issued = issuer.issue(*issue.pop("names", [f"mx1.{self.name}"]), **issue)
        self.sink = world.sink(tls=self.issued.context())
        self.recipient = f"bob@{self.name}"

    def publish(self, *records, how="signed", **more):
        self.world.zone(self.name, {"@": "MX 10 mx1", "mx1": f"A {self.sink.address}",
                                    **({"_25._tcp.mx1": list(records)} if records else {}), **more}, how)
        return self

    def send(self, **options):
        self.address = self.sender.fresh_account()
        self.serial, mail = self.world.mail(self.recipient, sender=self.address)
        outbound.submit(self.sender, self.recipient, mail, sender=self.address, **options)
        return self

    def is_delivered(self):
        (entry,) = outbound.arrived(self.world.books, self.serial)
        assert entry.tls
        return True

    def is_refused(self):
        """It never went out, and the sender was told when its time was over."""
        report = outbound.the_report(self.sender, self.serial, self.address)
        assert report.actions() == {self.recipient: "failed"}
        assert not self.world.books.of(self.serial)
        return True


@pytest.fixture
def case(world, sender):
    return lambda **issue: Case(world, sender, **issue)


@pytest.mark.parametrize("usage, selector, matching", [(3, 1, 1), (3, 1, 2), (3, 0, 1), (3, 1, 0), (3, 0, 2)])
def test_end_entity(case, usage, selector, matching):
    it = case()
    it.publish(tlsa(it.issued.certificate, usage, selector, matching)).send()
    assert it.is_delivered()


@pytest.mark.parametrize("selector", [0, 1])
def test_trust_anchor(case, world, selector):
    """2 0 1 and 2 1 1: the authority, which the server sends along; none of the system's is needed."""
    private = authority.Authority(world.directory / f"private{selector}")
    it = case(issuer=private)
    it.publish(tlsa(private.certificate, 2, selector, 1)).send()
    assert it.is_delivered()


def test_end_entity_may_be_expired_and_of_any_name(case, world):
    """RFC 7672 3.1.1: names and dates of a certificate that the record names do not count."""
    private = authority.Authority(world.directory / "any")
    it = case(issuer=private, names=["something.else.test"], expired=True)
    it.publish(tlsa(it.issued.certificate)).send()
    assert it.is_delivered()


@pytest.mark.parametrize("what", ["expired", "wrong name"])
def test_under_a_trust_anchor_dates_and_names_count(case, world, what):
    """RFC 7672 3.1.2, 3.2."""
    it = case(expired=what == "expired", **({"names": ["other.test"]} if what == "wrong name" else {}))
    it.publish(tlsa(world.authority.certificate, 2, 0, 1)).send()
    assert it.is_refused()


def test_name_of_the_next_domain_will_do(case, world):
    """RFC 7672 3.2.2: with a signed MX, the certificate may name the recipient's domain instead."""
    it = case(names=["will-be-replaced.test"])
    it.issued = world.authority.issue(it.name)
    it.sink.tls = it.issued.context()
    it.publish(tlsa(world.authority.certificate, 2, 0, 1)).send()
    assert it.is_delivered()


def test_wrong_record_keeps_mail_here(case, world):
    it = case()
    it.publish(tlsa(world.authority.issue("mx1.other.test").certificate)).send()
    assert it.is_refused()
    assert it.sink.connections_total >= 2  # tried, and tried again: somebody may mend it


def test_one_of_several_records_is_enough(case, world):
    """RFC 7671 8.1: the old key's record and the new one's stand side by side."""
    it = case()
    it.publish(tlsa(world.authority.issue("old.test").certificate), tlsa(it.issued.certificate),
                  "TLSA 3 1 1 00ff", "TLSA 255 255 255 00").send()
    assert it.is_delivered()


def test_unusable_records_still_ask_for_tls(case):
    """RFC 7672 2.2: records that we cannot use mean TLS, unauthenticated; PKIX usages are unusable."""
    it = case()
    it.publish("TLSA 0 0 1 " + "ab" * 32, "TLSA 1 1 1 " + "cd" * 32).send()
    assert it.is_delivered()
    it = case()
    it.sink.tls = None
    it.publish("TLSA 0 0 1 " + "ab" * 32).send()
    assert it.is_refused()


def test_no_starttls_where_tlsa_is(case):
    """Somebody on the way took the offer out: the mail stays here."""
    it = case()
    it.publish(tlsa(it.issued.certificate))
    it.sink.tls = None
    it.send()
    assert it.is_refused()


def test_records_of_an_unsigned_zone_mean_nothing(case, world):
    it = case()
    it.publish(tlsa(world.authority.issue("x.test").certificate), how="insecure").send()
    assert it.is_delivered()


@pytest.mark.parametrize("how", ["bogus", "expired"])
def test_zone_that_does_not_validate(case, how):
    """Not an answer: the mail waits (RFC 7672 2.1.1)."""
    it = case()
    it.publish(tlsa(it.issued.certificate), how=how).send()
    assert it.is_refused()
    assert it.sink.connections_total == 0


def test_bogus_records_of_a_host_elsewhere(case, world):
    """A good MX, but the records of its host do not validate: it is not to be used (RFC 7672 2.2)."""
    it = case()
    world.zone(it.name, {"@": f"MX 10 mx1.host-{it.name}."}, "signed")
    world.zone("host-" + it.name, {"mx1": f"A {it.sink.address}"}, "bogus")
    it.send()
    assert it.is_refused()


def test_second_host_when_the_first_is_false(case, world):
    it = case()
    false = world.sink(tls=world.authority.issue("false.test").context())
    good = tlsa(it.issued.certificate)
    world.zone(it.name, {"@": ["MX 5 false", "MX 10 mx1"], "false": f"A {false.address}", "mx1": f"A {it.sink.address}",
                            "_25._tcp.false": good, "_25._tcp.mx1": good})
    it.send()
    (entry,) = outbound.arrived(world.books, it.serial)
    assert entry.host == it.sink.address and false.connections_total >= 1


def test_insecure_mx_with_secure_host(case, world):
    """RFC 7672 2.2.1: an unsigned MX that names a signed host: DANE may be left out; mail flows."""
    it = case()
    world.zone(it.name, {"@": f"MX 10 mx1.host-{it.name}."}, "insecure")
    world.zone("host-" + it.name, {"mx1": f"A {it.sink.address}", "_25._tcp.mx1": tlsa(it.issued.certificate)})
    it.send()
    assert it.is_delivered()


def test_tls_required_no(case, world):
    """RFC 8689 5: the sender asks for delivery whatever the policy says."""
    it = case()
    it.publish(tlsa(world.authority.issue("x.test").certificate))
    address = it.sender.fresh_account()
    it.serial, mail = world.mail(it.recipient, sender=address)
    outbound.submit(it.sender, it.recipient, b"TLS-Required: No\r\n" + mail, sender=address)
    outbound.arrived(world.books, it.serial)


def test_resolver_that_is_not_trusted(world, make_instance):
    """Without dns.trust_authentic no answer is authentic, and a wrong record stops nothing."""
    sender = make_instance("distrustful", users=2, settings=world.settings(dns__trust_authentic="off"))
    it = Case(world, sender)
    it.publish(tlsa(world.authority.issue("x.test").certificate)).send()
    assert it.is_delivered()


def test_requiretls(case, world):
    """RFC 8689: with DANE it goes out, told to REQUIRETLS; to a server that does not offer it, never."""
    it = case()
    it.sink.extensions.append("REQUIRETLS")
    it.publish(tlsa(it.issued.certificate)).send(parameters=" REQUIRETLS")
    (entry,) = outbound.arrived(world.books, it.serial)
    assert entry.tls and "REQUIRETLS" in entry.mail_options.upper().split()
    it = case()
    it.publish(tlsa(it.issued.certificate)).send(parameters=" REQUIRETLS")
    assert it.is_refused()

