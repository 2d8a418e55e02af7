# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS reports (RFC 8460): what became of TLS on the way to a domain is told to it, by mail and by HTTPS."""
import email
import gzip
import http.server
import json
import threading

import pytest

from lab import hosts, outbound, wait
from lab.policy_host import PolicyHost, policy

pytestmark = pytest.mark.timeout(90)
INTERVAL_S = 3


class Collector:
    """Takes reports over HTTPS."""

    def __init__(self, issued):
        self.address, self.reports = hosts.take(), []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.reports.append((self.path, self.headers["Content-Type"], json.loads(gzip.decompress(body))))
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((self.address, 443), Handler)
        self.server.socket = issued.context().wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()




def totals(reports, kind):
    """(successes, failures) over all reports, of one kind of policy."""
    found = [p["summary"] for report in reports for p in report["policies"] if p["policy"]["policy-type"] == kind]
    return (sum(s["total-successful-session-count"] for s in found), sum(s["total-failure-session-count"] for s in found))


def test_reports(world, make_instance):
    """Good TLS is counted, failures are named, on whichever core they happened; no record, no report."""
    good = world.sink(tls=world.authority.issue("mx1.rpt.test").context())
    bad = world.sink(tls=world.authority.issue("other.test").context())
    collector = Collector(world.authority.issue("collect.rpt.test"))
    world.closing.append(collector.close)
    host = PolicyHost(world.authority.issue("mta-sts.bad-rpt.test"), policy("enforce", "mx1.bad-rpt.test")).start()
    world.closing.append(host.stop)
    world.zone("rpt.test", {"@": "MX 10 mx1", "mx1": f"A {good.address}", "collect": f"A {collector.address}", "_smtp._tls":
                            'TXT "v=TLSRPTv1; rua=mailto:tls@rpt.test,https://collect.rpt.test/reports"'}, "insecure")
    world.zone("bad-rpt.test", {"@": "MX 10 mx1", "mx1": f"A {bad.address}", "mta-sts": f"A {host.address}",
                                "_mta-sts": 'TXT "v=STSv1; id=1;"', "_smtp._tls": 'TXT "v=TLSRPTv1;rua=mailto:tls@rpt.test"'},
               "insecure")
    world.domain("silent.test", good)
    sender = make_instance("sender", users=4, cores=2, settings=world.settings(
        tls_report__contact="reports@example.org", tls_report__interval=f"{INTERVAL_S}s", queue__lifetime="2s"))
    serials = [world.mail() for _ in range(6)]
    for serial, mail in serials:
        outbound.submit(sender, [f"{serial}@rpt.test", f"{serial}@silent.test"], mail)
    serial, mail = world.mail()
    outbound.submit(sender, "x@bad-rpt.test", mail)
    wait.until(lambda: collector.reports, 20, "a report over HTTPS", pause=0.1)
    path, kind, report = collector.reports[0]
    assert (path, kind) == ("/reports", "application/tlsrpt+gzip")
    assert report["organization-name"] == "mail.example.org" and report["contact-info"] == "reports@example.org"
    assert {p["policy"]["policy-domain"] for p in report["policies"]} == {"rpt.test"}

    def by_mail():
        return [json.loads(gzip.decompress(part.get_payload(decode=True))) for entry in world.books.entries() if entry.recipient == "tls@rpt.test"
                for part in email.message_from_bytes(entry.raw).walk() if part.get_content_type() == "application/tlsrpt+gzip"]

    def of(domain):
        return [r for r in by_mail() if r["policies"][0]["policy"]["policy-domain"] == domain]

    wait.until(lambda: of("rpt.test") and of("bad-rpt.test"), 25, "both reports by mail", pause=0.1)
    successes, failures = totals(of("rpt.test"), "no-policy-found")
    assert successes >= 1 and failures == 0
    (policies,) = of("bad-rpt.test")[0]["policies"]
    assert policies["policy"]["policy-type"] == "sts" and "mode: enforce" in policies["policy"]["policy-string"]
    assert policies["policy"]["mx-host"] == ["mx1.bad-rpt.test"]
    assert policies["summary"]["total-failure-session-count"] >= 1
    assert policies["failure-details"][0]["result-type"] == "certificate-host-mismatch"
    assert policies["failure-details"][0]["receiving-mx-hostname"] == "mx1.bad-rpt.test"
    assert policies["failure-details"][0]["receiving-ip"] == bad.address
    assert not [r for r in by_mail() if r["policies"][0]["policy"]["policy-domain"] == "silent.test"]
