# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolver and routing against real DNS servers: Knot behind a validating Unbound."""
import subprocess

import pytest

from lab import dns
from lab.instance import BUILD

pytestmark = pytest.mark.timeout(60)
PROGRAM = BUILD / "tests/programs/route"
TLSA = "TLSA 3 1 1 " + "ab" * 32
GIANT = 300


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    if not dns.available():
        pytest.skip("knot and unbound are not installed")
    names = dns.Names(tmp_path_factory.mktemp("names")).start()
    yield names
    names.stop()


def routes(names, *domains, trust=True):
    """{domain: rest of its line}"""
    if not PROGRAM.exists():
        pytest.skip("tests/programs/route is not built: make check-build")
    done = subprocess.run([PROGRAM, *(["--trust"] if trust else []), f"127.0.0.1:{names.port}", *domains],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=40)
    assert done.returncode == 0, done.stdout
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def route(names, domain, **options):
    return routes(names, domain, **options)[domain]


def test_signed_zone(names):
    """AD from a trusted resolver makes hosts authentic and TLSA records count; from others nothing does."""
    names.publish({"signed.test": {"@": ["MX 10 mx", "MX 20 bare"], "mx": ["A 127.1.1.1", "AAAA ::1"],
                                   "bare": "A 127.1.1.2", "_25._tcp.mx": [TLSA, TLSA.replace("ab", "cd")]}})
    assert route(names, "signed.test") == ("smtp mx.signed.test/10/authentic/tlsa:secure:2=::1,127.1.1.1 "
                                           "bare.signed.test/20/authentic/tlsa:none:0=127.1.1.2")
    assert route(names, "signed.test", trust=False) == ("smtp mx.signed.test/10/tlsa:none:0=::1,127.1.1.1 "
                                                        "bare.signed.test/20/tlsa:none:0=127.1.1.2")


def test_unsigned_zone(names):
    names.publish({"plain.test": {"@": "MX 10 mx", "mx": "A 127.1.1.1", "_25._tcp.mx": TLSA}}, "insecure")
    assert route(names, "plain.test") == "smtp mx.plain.test/10/tlsa:none:0=127.1.1.1"


@pytest.mark.parametrize("how", ["bogus", "expired"])
def test_zone_that_does_not_validate(names, how):
    """Somebody meddles: the mail waits. Where only the host's zone is false, its records are bogus."""
    names.publish({f"{how}.test": {"@": "MX 10 mx", "mx": "A 127.1.1.1", "_25._tcp.mx": TLSA}}, how)
    names.publish({f"to-{how}.test": {"@": f"MX 10 mx.{how}.test."}})
    found = routes(names, f"{how}.test", f"to-{how}.test")
    assert found[f"{how}.test"].startswith("later 451 4.4.3")
    assert found[f"to-{how}.test"] == f"smtp mx.{how}.test/10/authentic/tlsa:bogus:0=temporary"


def test_what_there_is_not(names):
    names.publish({"small.test": {"@": "MX 0 .", "bare": "A 127.1.1.3", "text": "TXT x"}})
    found = routes(names, "small.test", "bare.small.test", "text.small.test", "none.small.test")
    assert found["small.test"].startswith("refuse 556 5.1.10")
    assert found["bare.small.test"] == "smtp bare.small.test/0/authentic/tlsa:none:0=127.1.1.3"
    assert found["text.small.test"].startswith("refuse 550 5.1.2")
    assert found["none.small.test"].startswith("refuse 550 5.1.2")


def test_aliases(names):
    """Of the domain and of the host; TLSA records are found under the end of the latter's."""
    names.publish({"alias.test": {"real": "MX 10 mx", "@": "MX 10 mx", "also": "CNAME real", "mx": "CNAME host",
                                  "host": "A 127.1.1.4", "_25._tcp.host": TLSA, "a": "CNAME b", "b": "CNAME a"}})
    found = routes(names, "also.alias.test", "a.alias.test")
    assert found["also.alias.test"] == "smtp mx.alias.test/10/authentic/tlsa:secure:1=127.1.1.4"
    assert found["a.alias.test"].startswith("later 451 4.4.3")


def test_giant_answers(names):
    """Past what UDP carries: over TCP, the best are kept."""
    names.publish({"giant.test": {"@": [f"MX {GIANT - n} h{n}" for n in range(GIANT)],
                                  **{f"h{n}": f"A 127.1.2.{n % 250 + 1}" for n in range(GIANT)}}}, "insecure")
    hosts = route(names, "giant.test").split()[1:]
    assert len(hosts) == 50 and hosts[0].startswith(f"h{GIANT - 1}.giant.test/1/")


def test_no_server(names):
    """Nobody answers: later, not never."""
    dead = type("Names", (), {"port": 1})
    assert route(dead, "anything.test").startswith("later 451 4.4.3")
