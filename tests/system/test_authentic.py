# SPDX-License-Identifier: GPL-3.0-or-later
"""Who mail is really from: SPF, DKIM, ARC, DMARC and reverse names, asked of real DNS, signed by others.

Clients have loopback addresses of their own (127.0.0.0/8), for which the zones here say who they are.
Nobody asks whether the mail is spam: that would put some of it into Junk for reasons of its own.
"""
import contextlib
import ctypes
import itertools
import re
import socket
import subprocess
import time
import uuid

import pytest

from lab import maildir, outbound, smtp, wait
from lab.instance import BUILD, DOMAIN, Instance, account

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
authres = pytest.importorskip("authres", reason="python3-authres is not installed")

pytestmark = [pytest.mark.timeout(90), pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # pyspf's
OURS, STRANGER = "127.61.0.1", "127.61.0.66"  # hosts: one that the zones know, one they do not
NOBODY = "192.0.2.0/24"                       # exempt, so that the loopback is not


def text(value):
    """A TXT record of strings of at most 255 bytes."""
    return "TXT " + " ".join(f'"{value[n:n + 255]}"' for n in range(0, len(value), 255))


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """(private key as PEM, its record)"""
    path = tmp_path_factory.mktemp("key") / "key.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "2048"], check=True, stderr=subprocess.DEVNULL)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout"], check=True, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    return path, text("v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2]))


def policy(dmarc, spf=f"v=spf1 ip4:{OURS} -all", key_record=None, **more):
    records = {"@": [text(spf), "MX 10 mx"], "mx": "A 127.61.0.2", "_dmarc": text(dmarc), **more}
    if key_record:
        records["s._domainkey"] = key_record
    return records


SPF = {  # what SPF says of OURS and of STRANGER
    "v=spf1 ip4:127.61.0.1 -all": ("pass", "fail"),
    "v=spf1 ip4:127.61.0.1 ~all": ("pass", "softfail"),
    "v=spf1 ip4:127.61.0.1 ?all": ("pass", "neutral"),
    "v=spf1 ip4:127.61.0.1": ("pass", "neutral"),
    "v=spf1 a:known.test -all": ("pass", "fail"),
    "v=spf1 mx:known.test -all": ("pass", "fail"),
    "v=spf1 ptr:known.test -all": ("pass", "fail"),
    "v=spf1 a:known.test/24 -all": ("pass", "pass"),
    "v=spf1 include:inner.known.test ~all": ("pass", "softfail"),
    "v=spf1 redirect=inner.known.test": ("pass", "fail"),
    "v=spf1 exists:%{ir}.list.known.test -all": ("pass", "fail"),
    "v=spf1 exists:%{l1r-}.%{i}.%{d2}.x.known.test ?all": ("neutral", "neutral"),
    "v=spf1 -all exp=why.known.test": ("fail", "fail"),
    "v=spf1 include:nothing.known.test -all": ("permerror", "permerror"),
    "v=spf1 ip4:127.61.0.1/33 -all": ("permerror", "permerror"),
    "v=spf1 " + "a:known.test " * 11 + "-all": ("pass", "permerror"),
    "v=spf1 a:a.gone.test a:b.gone.test a:c.gone.test -all": ("permerror", "permerror"),
    "not spf": ("none", "none"),
}
SPF_DOMAINS = {f"spf{number}.test": record for number, record in enumerate(SPF)}


@pytest.fixture(scope="module")
def published(world, key):
    zones = {
        "61.127.in-addr.arpa": {"1.0": "PTR host.known.test.", "66.0": "PTR host.known.test."},
        "known.test": {"@": [f"A {OURS}", "MX 10 host"], "host": f"A {OURS}", "why": text("%{i} is not ours"),
                       "inner": text(f"v=spf1 ip4:{OURS} -all"), "1.0.61.127.list": "A 127.0.0.2"},
        "reject.test": policy("v=DMARC1; p=reject", key_record=key[1]),
        "junk.test": policy("v=DMARC1; p=quarantine; sp=reject"),
        "none.test": policy("v=DMARC1; p=none"),
        "never.test": policy("v=DMARC1; p=reject; pct=0"),
        "free.test": {"@": text(f"v=spf1 ip4:{OURS} ~all")},
        "list.test": {"@": text(f"v=spf1 ip4:{STRANGER} -all"), "s._domainkey": key[1]},
        "else.test": {"@": text(f"v=spf1 ip4:{STRANGER} -all"), "s._domainkey": key[1]},
        "gone.test": {"@": "A 127.61.0.9"},
        **{name: {"@": text(record)} for name, record in SPF_DOMAINS.items()},
    }
    world.names.publish(zones, how="insecure")
    return world


@contextlib.contextmanager
def running(folder, settings, **options):
    from conftest import end
    instance = Instance(folder, users=60, settings={"authentic.exempt": NOBODY, "spam.engine": "none", **settings}, **options).start()
    yield instance
    end(instance)


@pytest.fixture(scope="module")
def receiver(published, key, tmp_path_factory):
    folder = tmp_path_factory.mktemp("receiver")
    settings = published.settings(dmarc__trusted_sealers='["list.test"]', dkim__keys=f'["{DOMAIN}=test:{key[0]}"]',
                                  authentic__timeout="8s")
    with running(folder / "i", settings) as instance:
        yield instance


def mail(author="a@reject.test", fields="", body="text"):
    subject = f"authentic {uuid.uuid4().hex}"
    return subject, (f"{fields}From: {author}\r\nTo: x@{DOMAIN}\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
                     f"Message-ID: <{uuid.uuid4().hex}@reject.test>\r\n\r\n{body}\r\n").encode()


def send(receiver, raw, to, sender="a@reject.test", source=OURS, helo="host.known.test", expect=250):
    with smtp.Smtp("127.0.0.1", receiver.smtp_port, source=source) as client:
        client.ehlo(helo)
        client.envelope(sender, to)
        reply = client.data(raw, expect)
        client.command("QUIT")
        return reply


def stored(receiver, address, subject, folder=""):
    place = receiver.maildir(address) / folder if folder else receiver.maildir(address)
    return [raw for raw in maildir.messages(place).values() if subject.encode() in raw] if place.exists() else []


def the_mail(receiver, address, subject, folder=""):
    return wait.until(lambda: stored(receiver, address, subject, folder), 10, f"{subject} is stored")[0]


def fields(raw, name):
    """Values of all fields of that name, unfolded."""
    header = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    return [re.sub(r"\r\n[ \t]+", " ", value) for value in re.findall(rf"(?im)^{name}[ \t]*:[ \t]*([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", header)]


def results(raw):
    """What our field says, as others read it: {method: [(result, {property: value})]}."""
    (value,) = [value for value in fields(raw, "Authentication-Results") if value.startswith(f"mail.{DOMAIN};")]
    found = {}
    for one in authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {value}").results:
        found.setdefault(one.method, []).append((one.result, {f"{p.type}.{p.name}": p.value for p in one.properties}))
    return found


def judged(receiver, subject_and_raw, to=None, **options):
    to = to or receiver.fresh_account()
    subject, raw = subject_and_raw
    folder = options.pop("folder", "")
    send(receiver, raw, to, **options)
    return results(the_mail(receiver, to, subject, folder))


def sign(raw, key, domain="reject.test"):
    return dkim.sign(raw, b"s", domain.encode(), key[0].read_bytes(), include_headers=[b"from", b"subject", b"date"]) + raw


def seal(raw, key, domain, said):
    """As a list at `domain` does, which changed the subject's mail, having found out what is `said`."""
    raw = f"Authentication-Results: {domain}; {said}\r\n".encode() + raw
    parts = dkim.arc_sign(raw, b"s", domain.encode(), key[0].read_bytes(), domain.encode(),
                          include_headers=[b"from", b"subject", b"date"])
    return b"".join(parts) + raw


# --- one after the other ---------------------------------------------------------------------------
def test_everything_passes(receiver, key):
    subject, raw = mail()
    found = judged(receiver, (subject, sign(raw, key)))
    assert found["spf"] == [("pass", {"smtp.mailfrom": "a@reject.test"}), ("none", {"smtp.helo": "host.known.test"})]
    assert found["dkim"][0][0] == "pass" and found["dkim"][0][1]["header.d"] == "reject.test"
    assert found["dmarc"] == [("pass", {"header.from": "reject.test", "policy.dmarc": "reject"})]
    assert found["iprev"] == [("pass", {"policy.iprev": OURS})]
    assert found["arc"][0][0] == "none"


def test_field_stands_above_the_trace(receiver):
    to = receiver.fresh_account()
    subject, raw = mail()
    send(receiver, raw, to)
    names = [line.partition(b":")[0] for line in the_mail(receiver, to, subject).split(b"\r\n") if line[:1] not in b" \t"]
    assert names.index(b"Authentication-Results") < names.index(b"Received")


def test_dkim_alone_is_enough(receiver, key):
    subject, raw = mail()
    found = judged(receiver, (subject, sign(raw, key)), source=STRANGER)
    assert found["spf"][0][0] == "fail" and found["dkim"][0][0] == "pass" and found["dmarc"][0][0] == "pass"
    assert found["iprev"][0][0] == "fail"


def test_spf_fail_alone_is_no_reason(receiver):
    found = judged(receiver, mail("a@spf0.test"), sender="a@spf0.test", source=STRANGER)
    assert found["spf"][0][0] == "fail" and found["dmarc"][0][0] == "none"


@pytest.mark.parametrize("source", [OURS, STRANGER])
def test_spf_as_others_see_it(receiver, published, source):
    """Every kind of term, beside pyspf asking the same DNS."""
    spf = pytest.importorskip("spf", reason="python3-spf is not installed")
    resolver = pytest.importorskip("dns.resolver", reason="python3-dnspython is not installed")
    resolver.default_resolver = resolver.Resolver(configure=False)
    resolver.default_resolver.nameservers, resolver.default_resolver.port = ["127.0.0.1"], published.names.port
    spf.MAX_VOID_LOOKUPS = 2
    to = receiver.fresh_account()
    for name, record in SPF_DOMAINS.items():
        found = judged(receiver, mail(f"a-b@{name}"), to, sender=f"a-b@{name}", source=source)["spf"][0][0]
        assert found == SPF[record][source == STRANGER], record
        assert found == spf.check2(i=source, s=f"a-b@{name}", h="host.known.test")[0], record


def test_reject(receiver):
    to = receiver.fresh_account()
    before = receiver.metrics()
    subject, raw = mail()
    reply = send(receiver, raw, to, source=STRANGER, expect=550)
    assert "5.7.1" in reply.text and "rejected by DMARC policy of reject.test" in reply.text
    assert not stored(receiver, to, subject)
    after = receiver.metrics()
    for name in ('ringmail_dmarc_checks_total{result="fail"}', 'ringmail_dmarc_enforced_total{action="refuse"}',
                 'ringmail_spf_checks_total{result="fail"}', "ringmail_authentic_check_seconds_count"):
        assert after[name] > before[name], name


def test_reject_by_pct_is_junk(receiver):
    found = judged(receiver, mail("a@never.test"), source=STRANGER, folder=".Junk")
    assert found["dmarc"] == [("fail", {"header.from": "never.test", "policy.dmarc": "quarantine"})]


def test_quarantine(receiver):
    found = judged(receiver, mail("a@junk.test"), sender="a@free.test", folder=".Junk")
    assert found["dmarc"] == [("fail", {"header.from": "junk.test", "policy.dmarc": "quarantine"})]
    assert found["spf"][0][0] == "pass"  # of another domain


def test_subdomain(receiver):
    to = receiver.fresh_account()
    _, raw = mail("a@below.junk.test")
    assert "DMARC policy of junk.test" in send(receiver, raw, to, sender="a@free.test", expect=550).text


def test_policy_none(receiver):
    found = judged(receiver, mail("a@none.test"), source=STRANGER)
    assert found["dmarc"] == [("fail", {"header.from": "none.test", "policy.dmarc": "none"})]


def test_two_from_fields(receiver):
    """The one that would pass does not help the other."""
    _, raw = mail("a@none.test", fields="From: a@reject.test\r\n")
    send(receiver, raw, receiver.fresh_account(), sender="a@none.test", expect=550)
    _, raw = mail("a@reject.test", fields="From: a@none.test\r\n")
    send(receiver, raw, receiver.fresh_account(), sender="a@none.test", expect=550)


# --- beside OpenDMARC ------------------------------------------------------------------------------
POLICIES = ["p=reject", "p=quarantine; sp=none", "p=none; sp=reject", "p=reject; aspf=s", "p=reject; adkim=s", "p=REJECT;aspf=S; adkim = s",
            "p=quarantine; sp=reject; pct=100; rua=mailto:x@x.test", "sp=reject; p=none; fo=1; ri=1"]


class OpenDmarc:
    """What libopendmarc makes of a record and of who vouches for the author's domain."""
    MEANS = {15: ("pass", None), 16: ("fail", "reject"), 17: ("fail", "quarantine"), 18: ("fail", "none")}

    def __init__(self):
        self.library = ctypes.CDLL("libopendmarc.so.2")
        self.library.opendmarc_policy_connect_init.restype = ctypes.c_void_p
        self.options = ctypes.create_string_buffer(16384)  # OPENDMARC_LIB_T: int tld_type, char tld_source_file[]
        self.options[0:4] = (1).to_bytes(4, "little")
        self.options[4:4 + len(PUBLIC_SUFFIXES)] = PUBLIC_SUFFIXES
        assert self.library.opendmarc_policy_library_init(self.options) == 0

    def judge(self, record, author, organization, spf_domain, dkim_domain):
        policy = ctypes.c_void_p(self.library.opendmarc_policy_connect_init(OURS.encode(), 0))
        self.library.opendmarc_policy_store_from_domain(policy, author.encode())
        self.library.opendmarc_policy_store_spf(policy, spf_domain.encode(), 1, 0, None)
        if dkim_domain:
            self.library.opendmarc_policy_store_dkim(policy, dkim_domain.encode(), b"s", 1, None)
        self.library.opendmarc_policy_store_dmarc(policy, f"v=DMARC1; {record}".encode(), author.encode(),
                                                           None if author == organization else organization.encode())
        return self.MEANS[self.library.opendmarc_get_policy_to_enforce(policy)]


PUBLIC_SUFFIXES = b"/usr/share/publicsuffix/public_suffix_list.dat"


def test_dmarc_as_others_see_it(published, key, tmp_path):
    """Policies, subdomains and alignment, beside libopendmarc."""
    try:
        other = OpenDmarc()
    except OSError:
        pytest.skip("libopendmarc2 is not installed")
    sender = text(f"v=spf1 ip4:{OURS} -all")
    zones = {f"m{number}.test": {"@": sender, "sub": sender, "_dmarc": text(f"v=DMARC1; {record}"), "s._domainkey": key[1],
                                 "s._domainkey.sub": key[1]} for number, record in enumerate(POLICIES)}
    published.names.publish(zones, how="insecure")
    with running(tmp_path / "i", published.settings(dmarc__enforce="off")) as receiver:
        for number, record in enumerate(POLICIES):
            domain = f"m{number}.test"
            for author in (domain, f"sub.{domain}"):
                for spf_domain, dkim_domain in itertools.product(("free.test", domain, f"sub.{domain}"), (None, domain, f"sub.{domain}")):
                    subject, raw = mail(f"a@{author}")
                    raw = sign(raw, key, dkim_domain) if dkim_domain else raw
                    found = judged(receiver, (subject, raw), account(1), sender=f"a@{spf_domain}")
                    result, properties = found["dmarc"][0]
                    assert found["spf"][0][0] == "pass" and found["dkim"][0][0] == ("pass" if dkim_domain else "none")
                    ours = (result, properties["policy.dmarc"] if result == "fail" else None)
                    assert ours == other.judge(record, author, domain, spf_domain, dkim_domain), (record, author, spf_domain, dkim_domain)


# --- lists, forged results -------------------------------------------------------------------------
def test_a_trusted_list_may_change_mail(receiver, key):
    subject, raw = mail(body="text\r\n-- \r\nfooter of the list")
    found = judged(receiver, (subject, seal(raw, key, "list.test", "dmarc=pass header.from=reject.test")),
                   sender="bounces@list.test", source=STRANGER)
    assert found["arc"][0][0] == "pass" and found["spf"][0][0] == "pass"
    assert found["dmarc"] == [("fail", {"header.from": "reject.test", "policy.dmarc": "none"})]


@pytest.mark.parametrize("domain, said", [("else.test", "dmarc=pass header.from=reject.test"),
                                          ("list.test", "dmarc=fail header.from=reject.test")])
def test_other_lists_may_not(receiver, key, domain, said):
    _, raw = mail()
    send(receiver, seal(raw, key, domain, said), receiver.fresh_account(), sender=f"bounces@{domain}", source=STRANGER, expect=550)


def test_a_changed_chain(receiver, key):
    _, raw = mail()
    raw = seal(raw, key, "list.test", "dmarc=pass header.from=reject.test") + b"added\r\n"
    send(receiver, raw, receiver.fresh_account(), sender="bounces@list.test", source=STRANGER, expect=550)


def test_forged_results_are_removed(receiver):
    to = receiver.fresh_account()
    host = f"mail.{DOMAIN}"
    forged = (f"Authentication-Results: {host}; dmarc=pass header.from=reject.test\r\n"
              f"authentication-results : (hello) {host.upper()} 1;\r\n\tdkim=pass header.d=evil.test\r\n"
              f"Authentication-Results: \"{host}\"; spf=pass smtp.mailfrom=evil.test\r\n"
              "Authentication-Results: (unclosed; spf=pass smtp.mailfrom=evil.test\r\n"
              "Authentication-Results: other.test; spf=pass smtp.mailfrom=kept.test\r\n")
    subject, raw = mail("a@none.test", fields=forged)
    send(receiver, raw, to, source=STRANGER)
    kept = fields(the_mail(receiver, to, subject), "Authentication-Results")
    assert len(kept) == 2 and "kept.test" in kept[1] and "evil.test" not in kept[0]
    assert kept[0].startswith(f"{host};"), kept
    assert results(the_mail(receiver, to, subject))["dmarc"][0][0] == "fail"


def test_accounts_do_not_vouch_for_themselves(receiver):
    sender, to = receiver.fresh_account(), receiver.fresh_account()
    subject, raw = mail(sender, fields=f"Authentication-Results: mail.{DOMAIN}; dkim=pass header.d=evil.test\r\n")
    outbound.submit(receiver, to, raw, sender=sender)
    assert fields(the_mail(receiver, to, subject), "Authentication-Results") == []


def test_forwarded_mail_tells_what_was_found(receiver, published, key):
    sink = published.sink()
    published.domain("elsewhere.test", sink)
    source = f"away@{DOMAIN}"
    receiver.control("alias", "add", source, "b@elsewhere.test")
    receiver.admin("/directory/invalidate", "POST")
    subject, raw = mail()
    send(receiver, sign(raw, key), source)
    entry = wait.until(lambda: [e for e in published.books.entries() if subject.encode() in e.raw], 20, "it is passed on")[0]
    (said,) = fields(entry.raw, "ARC-Authentication-Results")
    assert said.startswith(f"i=1; mail.{DOMAIN};")
    for word in ("dmarc=pass header.from=reject.test", "spf=pass smtp.mailfrom=a@reject.test", "dkim=pass header.d=reject.test",
                 "arc=none", f"iprev=pass policy.iprev={OURS}"):
        assert word in said, said
    assert said.count("dkim=") == 1


# --- trouble, settings -----------------------------------------------------------------------------
def test_dns_is_dead(key, tmp_path):
    """A server that never answers: mail goes in, soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        settings = {"dns.servers": f"127.0.0.1:{silent.getsockname()[1]}", "dns.hosts": "", "authentic.timeout": "1s"}
        with running(tmp_path / "i", settings) as receiver:
            subject, raw = mail()
            began = time.monotonic()
            send(receiver, sign(raw, key), account(1))
            assert 0.5 < time.monotonic() - began < 15
            found = results(the_mail(receiver, account(1), subject))
            assert found["spf"][0][0] == found["dkim"][0][0] == found["dmarc"][0][0] == found["iprev"][0][0] == "temperror"


def test_enforcement_is_a_setting(published, tmp_path):
    settings = published.settings(dmarc__enforce="quarantine", spf__refuse_fail="on")
    with running(tmp_path / "i", settings) as receiver:
        subject, raw = mail()
        send(receiver, raw, account(1), sender="a@free.test")
        assert the_mail(receiver, account(1), subject, ".Junk")
        reply = send(receiver, mail("a@spf12.test")[1], account(1), sender="a@spf12.test", expect=550)
        assert f"spf12.test says: {OURS} is not ours" in reply.text
    settings = published.settings(dmarc__enforce="off")
    with running(tmp_path / "off", settings) as receiver:
        found = judged(receiver, mail(), account(1), source=STRANGER)
        assert found["dmarc"] == [("fail", {"header.from": "reject.test", "policy.dmarc": "reject"})]


def test_not_checked(published, tmp_path):
    """Off, or from a machine of ours: no field; who is none of ours still may not speak in our name."""
    forged = f"Authentication-Results: mail.{DOMAIN}; dmarc=pass\r\n"
    with running(tmp_path / "i", published.settings(authentic__exempt=f"{OURS}/32")) as receiver:
        subject, raw = mail(fields=forged)
        send(receiver, raw, account(1))
        assert fields(the_mail(receiver, account(1), subject), "Authentication-Results") == [f"mail.{DOMAIN}; dmarc=pass"]
        send(receiver, mail()[1], account(1), source=STRANGER, expect=550)
    with running(tmp_path / "off", published.settings(authentic__check="off")) as receiver:
        subject, raw = mail(fields=forged)
        send(receiver, raw, account(1), source=STRANGER)
        assert fields(the_mail(receiver, account(1), subject), "Authentication-Results") == []
