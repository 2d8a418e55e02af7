# SPDX-License-Identifier: GPL-3.0-or-later
"""MTA-STS (RFC 8461): a domain's policy is fetched over HTTPS, kept, and obeyed."""
import itertools
import time

import pytest

from lab import authority
from lab import outbound
from lab.policy_host import PolicyHost, policy

pytestmark = pytest.mark.timeout(60)
LIFETIME_S = 2
numbers = itertools.count(1)


sender = outbound.sender_fixture(LIFETIME_S)


class Case:
    """A domain with one TLS server and a policy host."""

    def __init__(self, world, sender, mode="enforce", mx=None, names=None, issuer=None, expired=False, policy_names=None, max_age=86400,
                 **host):
        self.world, self.sender = world, sender
        self.name = f"sts{next(numbers)}.test"
        self.recipient = f"bob@{self.name}"
        self.sink = world.sink(tls=(issuer or world.authority).issue(*(names or [f"mx1.{self.name}"]), expired=expired).context())
        certificate = world.authority.issue(*(policy_names or [f"mta-sts.{self.name}"]))
        text = host.pop("text", None) or policy(mode, *([pattern.format(self.name) for pattern in mx or ["mx1.{}"]]), max_age=max_age)
        self.host = PolicyHost(certificate, text, **host).start()
        world.closing.append(self.host.stop)
        self.publish("1")

    def publish(self, number):
        self.world.zone(self.name, {"@": "MX 10 mx1", "mx1": f"A {self.sink.address}", "mta-sts": f"A {self.host.address}",
                                    "_mta-sts": f'TXT "v=STSv1; id={number};"'}, "insecure")

    def send(self, **options):
        self.address = self.sender.fresh_account()
        self.serial, mail = self.world.mail(self.recipient, sender=self.address)
        outbound.submit(self.sender, self.recipient, mail, sender=self.address, **options)
        return self

    def is_delivered(self, tls=True):
        (entry,) = outbound.arrived(self.world.books, self.serial)
        assert bool(entry.tls) == tls
        return True

    def is_refused(self):
        report = outbound.the_report(self.sender, self.serial, self.address)
        assert report.actions() == {self.recipient: "failed"}
        assert not self.world.books.of(self.serial)
        return True


@pytest.fixture
def case(world, sender):
    return lambda **options: Case(world, sender, **options)


@pytest.mark.parametrize("mx", ["mx1.{}", "*.{}"])
def test_enforced_and_good(case, mx):
    it = case(mx=["other.example", mx]).send()
    assert it.is_delivered() and it.host.asked == 1
    assert it.send().is_delivered()
    assert it.host.asked <= 2  # once a core, then it is known


@pytest.mark.parametrize("what", ["wrong name", "expired", "unknown authority", "no starttls"])
def test_enforced_and_bad(case, world, what):
    it = case(names=["mx1.other.test"] if what == "wrong name" else None, expired=what == "expired",
              issuer=authority.Authority(world.directory / "unknown") if what == "unknown authority" else None)
    if what == "no starttls":
        it.sink.tls = None
    assert it.send().is_refused()


@pytest.mark.parametrize("mx", ["mx2.{}", "*.mx1.{}", "*.x.{}", "{}", "mx1.{}.other.test"])
def test_host_that_the_policy_does_not_name(case, mx):
    """RFC 8461 4.1: no mail for it, however good its certificate; a wildcard is exactly one label."""
    it = case(mx=[mx]).send()
    assert it.is_refused()
    assert not it.sink.connections_total


def test_testing_mode_delivers_anyway(case):
    """Failures are for the report alone."""
    it = case(mode="testing", mx=["mx2.{}"], names=["mx1.other.test"]).send()
    assert it.is_delivered()


def test_mode_none_is_no_policy(case):
    it = case(mode="none")
    it.sink.tls = None
    assert it.send().is_delivered(tls=False)


def test_known_policy_outlives_its_host(case):
    """RFC 8461 3.3: fetched once, the policy holds for max_age, whatever becomes of the policy host."""
    it = case().send()
    assert it.is_delivered()
    it.host.stop()
    it.publish("2")  # a new one is announced and cannot be had
    it.sink.tls = None
    time.sleep(1)  # no connection of before is left
    assert it.send().is_refused()


def test_known_policy_outlives_a_restart(world, make_instance):
    sender = make_instance("restarted", users=4, settings=world.settings(queue__lifetime=f"{LIFETIME_S}s"))
    it = Case(world, sender).send()
    assert it.is_delivered()
    it.host.stop()
    sender.stop()
    sender.start()
    it.sink.tls = None
    assert it.send().is_refused()


def test_host_down_and_nothing_known(case):
    """RFC 8461 5.1: then it is as if there were no policy."""
    it = case()
    it.host.stop()
    it.sink.tls = None
    assert it.send().is_delivered(tls=False)


def test_new_policy_is_fetched(case):
    it = case(mx=["mx2.{}"]).send()
    assert it.is_refused()
    it.host.text = policy("enforce", f"mx1.{it.name}")
    it.publish("2")
    time.sleep(6)  # a resolver keeps what it heard for five seconds, whatever the zone says
    assert it.send().is_delivered()


@pytest.mark.parametrize("what", ["certificate of another", "redirect", "error", "html", "too big", "garbage"])
def test_policy_that_cannot_be_trusted(case, what):
    """RFC 8461 3.3: not fetched is not there; mail flows as it always did."""
    options = {"certificate of another": {"policy_names": ["mta-sts.other.test"]},
               "redirect": {"status": 302, "location": "/elsewhere"},
               "error": {"status": 500},
               "html": {"kind": "text/html"},
               "too big": {"text": policy("enforce", "mx2.other.test") + "x: " + "y" * (1 << 20) + "\r\n"},
               "garbage": {"text": "version: STSv2\r\nmode: enforce\r\nmx: mx2.other.test\r\nmax_age: 86400\r\n"}}[what]
    it = case(mx=["mx2.{}"], **options)
    it.sink.tls = None
    assert it.send().is_delivered(tls=False)
    assert it.host.asked >= 1 or what == "certificate of another"


def test_tls_required_no(case, world):
    """RFC 8689 5: the sender would rather have it delivered."""
    it = case()
    it.sink.tls = None
    address = it.sender.fresh_account()
    it.serial, mail = world.mail(it.recipient, sender=address)
    outbound.submit(it.sender, it.recipient, b"TLS-Required: No\r\n" + mail, sender=address)
    assert it.is_delivered(tls=False)


def test_requiretls(case):
    """MTA-STS makes the MX trustworthy enough for it (RFC 8689 4.2.1)."""
    it = case()
    it.sink.extensions.append("REQUIRETLS")
    it.send(parameters=" REQUIRETLS")
    (entry,) = outbound.arrived(it.world.books, it.serial)
    assert entry.tls and "REQUIRETLS" in entry.mail_options.upper().split()
    it = case(mode="none")
    it.sink.extensions.append("REQUIRETLS")
    assert it.send(parameters=" REQUIRETLS").is_refused()
