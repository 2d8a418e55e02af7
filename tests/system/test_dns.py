# SPDX-License-Identifier: GPL-3.0-or-later
"""`ringmail dns show` and `dns check`: what is shown, once published, is found to be right; every mistake is named."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from lab import dns

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RINGMAIL_BUILD", "build/release")
DONE, REFUSED, USAGE, TROUBLE = 0, 1, 2, 3
DOMAIN, HOST = "good.test", "mail.good.test"


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    if not dns.available():
        pytest.skip("knot, knot-dnssecutils or unbound is not installed")
    names = dns.Names(tmp_path_factory.mktemp("names")).start()
    names.publish({"10.in-addr.arpa": {"3.2.1": ["PTR mail.good.test."]}}, how="insecure")
    try:
        yield names
    finally:
        names.stop()


@pytest.fixture
def ringmail(tmp_path, names):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                    "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(tmp_path / "key.pem"),
                    "-out", str(tmp_path / "certificate.pem")], check=True, stderr=subprocess.DEVNULL)
    config = tmp_path / "ringmail.conf"
    config.write_text(f"""
        server.hostname = "{HOST}";
        listen.imaps = ["127.0.0.1:993"]; listen.submissions = ["127.0.0.1:465"]; listen.https = ["127.0.0.1:443"];
        tls.certificates = ["{tmp_path}/certificate.pem"]; tls.keys = ["{tmp_path}/key.pem"];
        dkim.path = "{tmp_path}/keys/%d/%s.key"; directory.path = "{tmp_path}/directory.sqlite";
        sts.mode = enforce;
        dns.servers = ["127.0.0.1:{names.port}"]; dns.trust_authentic = on;
    """)

    def run(*arguments, expect=DONE):
        done = subprocess.run([str(BUILD / "ringmail"), "--config", str(config), *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert done.returncode == expect, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stdout

    run("domain", "add", DOMAIN)
    run.config = config
    run("dkim", "create", DOMAIN)
    run("dkim", "create", DOMAIN, "--type", "ed25519")
    return run


def zone_of(shown):
    """The lines of `dns show` as lab.dns publishes them, with what only the operator can know."""
    zone = {"mail": ["A 10.1.2.3"]}
    for line in shown.splitlines():
        name, _, _, rest = line.split(" ", 3)
        assert name.endswith(DOMAIN + ".")
        zone.setdefault(name[:-len(DOMAIN) - 1].rstrip(".") or "@", []).append(rest)
    return zone


def check(ringmail, expect=DONE):
    found = json.loads(ringmail("dns", "check", DOMAIN, "--json", expect=expect))
    return {(one["purpose"], one["name"]): one for one in found}


def test_what_is_shown_is_right_once_published(ringmail, names):
    shown = ringmail("dns", "show", DOMAIN)
    records = json.loads(ringmail("dns", "show", DOMAIN, "--json"))
    assert len(records) == len(shown.splitlines())
    assert {record["purpose"] for record in records} == {"mx", "spf", "dkim", "dmarc", "mta-sts", "mta-sts-host", "tls-rpt", "tlsa",
                                                         "autoconfig", "srv"}
    der = subprocess.run(f"openssl x509 -in {ringmail.config.parent}/certificate.pem -pubkey -noout | openssl pkey -pubin -outform der"
                         " | sha256sum", shell=True, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]
    assert f"_25._tcp.{HOST}. 3600 IN TLSA 3 1 1 {der}\n" in shown
    names.publish({DOMAIN: zone_of(shown)})
    findings = check(ringmail)
    assert {one["state"] for one in findings.values()} == {"ok"}, findings
    assert len(findings) == len(records) + 1  # the host's own addresses
    assert re.fullmatch(r"(ok +\S+ +\S+\n)+", ringmail("dns", "check", DOMAIN))


def change(zone, owner, old, new):
    """One text for another in the records of an owner; new None: without that record."""
    records = [record for record in zone[owner] if old in record]
    assert records, (owner, old, zone)
    kept = [record for record in zone[owner] if old not in record]
    zone[owner] = kept + ([] if new is None else [record.replace(old, new) for record in records])
    if not zone[owner]:
        del zone[owner]


BREAKS = {  # what changes; which finding, in which state; does it count?
    "no mx": ("@", "MX ", None, ("mx", DOMAIN), "missing", True),
    "mx elsewhere": ("@", "10 mail.good.test.", "10 mx.other.test.", ("mx", DOMAIN), "wrong", True),
    "no spf": ("@", "v=spf1", "v=spfx", ("spf", DOMAIN), "missing", True),
    "spf open": ("@", "~all", "+all", ("spf", DOMAIN), "wrong", True),
    "spf without end": ("@", " ~all", "", ("spf", DOMAIN), "wrong", True),
    "spf names others": ("@", "mx ~all", "ip4:10.1.2.3 ~all", ("spf", DOMAIN), "note", False),
    "no key": ("ringmail._domainkey", "TXT", None, ("dkim", f"ringmail._domainkey.{DOMAIN}"), "missing", True),
    "another key": ("ringmail-ed25519._domainkey", "p=", "p=AAAA", ("dkim", f"ringmail-ed25519._domainkey.{DOMAIN}"), "wrong", True),
    "no dmarc": ("_dmarc", "TXT", None, ("dmarc", f"_dmarc.{DOMAIN}"), "missing", True),
    "dmarc watches": ("_dmarc", "p=quarantine", "p=none", ("dmarc", f"_dmarc.{DOMAIN}"), "note", False),
    "dmarc misspelt": ("_dmarc", "p=quarantine", "p=quarantene", ("dmarc", f"_dmarc.{DOMAIN}"), "wrong", True),
    "old policy": ("_mta-sts", "id=", "id=0", ("mta-sts", f"_mta-sts.{DOMAIN}"), "wrong", True),
    "no policy host": ("mta-sts", "CNAME", None, ("mta-sts-host", f"mta-sts.{DOMAIN}"), "missing", True),
    "policy host elsewhere": ("mta-sts", "CNAME mail.good.test.", "A 10.9.9.9", ("mta-sts-host", f"mta-sts.{DOMAIN}"), "wrong", True),
    "no reports": ("_smtp._tls", "TXT", None, ("tls-rpt", f"_smtp._tls.{DOMAIN}"), "missing", False),
    "another certificate": ("_25._tcp.mail", "3 1 1 ", "3 1 1 00", ("tlsa", f"_25._tcp.{HOST}"), "wrong", True),
    "no certificate": ("_25._tcp.mail", "TLSA", None, ("tlsa", f"_25._tcp.{HOST}"), "missing", False),
    "service elsewhere": ("_imaps._tcp", "993", "9993", ("srv", f"_imaps._tcp.{DOMAIN}"), "wrong", True),
    "a service too many": ("_pop3s._tcp", "0 0 0 .", "0 1 995 mail.good.test.", ("srv", f"_pop3s._tcp.{DOMAIN}"), "wrong", True),
    "nothing about pop3": ("_pop3s._tcp", "SRV", None, ("srv", f"_pop3s._tcp.{DOMAIN}"), "ok", False),
    "no autoconfig": ("autoconfig", "CNAME", None, ("autoconfig", f"autoconfig.{DOMAIN}"), "missing", False),
    "no address": ("mail", "A ", None, ("host", HOST), "missing", True),
    "no way back": ("mail", "10.1.2.3", "10.1.2.4", ("host", HOST), "wrong", True),
}


@pytest.mark.parametrize("name", BREAKS)
def test_every_mistake_is_named(ringmail, names, name):
    owner, old, new, which, state, counts = BREAKS[name]
    zone = zone_of(ringmail("dns", "show", DOMAIN))
    change(zone, owner, old, new if name != "another certificate" else None)
    if name == "another certificate":
        zone[owner] = [f"TLSA 3 1 1 {'ab' * 32}"]
    names.publish({DOMAIN: zone}, how="insecure" if "certificate" not in name else "signed")
    finding = check(ringmail, expect=REFUSED if counts else DONE)[which]
    assert finding["state"] == state, finding
    assert state == "ok" or finding["advice"]


def test_two_records_where_one_is_wanted(ringmail, names):
    zone = zone_of(ringmail("dns", "show", DOMAIN))
    zone["@"].append('TXT "v=spf1 -all"')
    zone["_dmarc"].append('TXT "v=DMARC1; p=reject"')
    names.publish({DOMAIN: zone}, how="insecure")
    findings = check(ringmail, expect=REFUSED)
    assert findings["spf", DOMAIN]["state"] == findings["dmarc", f"_dmarc.{DOMAIN}"]["state"] == "wrong"
    assert findings["tlsa", f"_25._tcp.{HOST}"]["state"] == "note"  # not signed: it does not count
    text = ringmail("dns", "check", DOMAIN, expect=REFUSED)
    assert "several SPF records" in text and 'good.test. 3600 IN TXT "v=spf1 mx ~all"' in text


def test_dead_dns_is_trouble(ringmail):
    text = ringmail.config.read_text()
    ringmail.config.write_text(re.sub(r"dns.servers = .*;", 'dns.servers = ["127.0.0.1:1"]; dns.timeout = 100ms; dns.tries = 1;', text))
    ringmail("dns", "check", DOMAIN, expect=TROUBLE)
    ringmail("dns", "check", "no..domain", expect=USAGE)
