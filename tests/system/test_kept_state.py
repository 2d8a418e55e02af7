# SPDX-License-Identifier: GPL-3.0-or-later
"""Small state that outlives the process: events that wait for a receiver, what accounts have sent, counts of TLS reports."""
import contextlib
import gzip
import http.server
import json
import pathlib
import random
import threading
import time

import pytest

from lab import hosts, outbound, ports, wait, zoo
from lab.instance import account
from lab.webhook import Receiver

pytestmark = pytest.mark.timeout(120)
FRIEND = account(2)


def state(instance, folder, pattern="*"):
    """The files in which that is kept."""
    return sorted((pathlib.Path(instance.directory) / "state" / folder).glob(pattern))


# --- events ----------------------------------------------------------------------------------------
class Way:
    """An instance whose mail all goes to one sink, and whose events go to a port where somebody may be."""

    def __init__(self, make_instance, cores, **settings):
        self.port = ports.take_block()
        self.sink = zoo.Sink("127.0.0.1", zoo.Books(), port=self.port + 1)
        self.instance = make_instance(cores=cores, settings={
            **outbound.IMPATIENT, "route.private_addresses": "on",
            "route.transports": f'["*=smtp:[127.0.0.1]:{self.port + 1}"]',
            "webhook.urls": f'["http://127.0.0.1:{self.port}/events?from=ringmail"]', "webhook.linger": "20ms",
            "webhook.retry_min": "50ms", "webhook.retry_max": "300ms", "webhook.events_per_request": "7",
            "webhook.sync_interval": "100ms", **settings})
        self.serials = []

    def send(self, count):
        """So many mails, delivered; the events of each are accepted and delivered, in this order."""
        for _ in range(count):
            serial = f"kept{len(self.serials)}"
            self.serials.append(serial)
            raw = f"From: <{account(1)}>\r\nSubject: x\r\nX-Serial: {serial}\r\n\r\nAt noon?\r\n".encode()
            outbound.submit(self.instance, f"{serial}@away.test", raw)
        outbound.arrived(self.sink.books, self.serials[-1])
        time.sleep(0.5)  # the events are written within some 20 ms

    def restart(self, how, cores):
        getattr(self.instance, how)()
        self.instance.cores = cores
        self.instance.start()

    def receive(self):
        return Receiver(port=self.port)

    def close(self):
        self.sink.close()

    def check(self, receiver):
        """Nothing is missing, each mail's events are in order, an event that came again is the same."""
        def delivered():
            return {e["data"]["recipient"] for e in receiver.events("mail.delivered")}
        wanted = {f"{serial}@away.test" for serial in self.serials}
        wait.until(lambda: delivered() >= wanted, 15, f"all are told of; missing: {wanted - delivered()}")
        assert delivered() == wanted
        events = receiver.events()
        assert len(events) == 2 * len(wanted)
        by_mail = {}
        for event in events:
            by_mail.setdefault(event["data"]["id"], []).append(event["type"])
        assert set(map(tuple, by_mail.values())) == {("mail.accepted", "mail.delivered")}
        bodies = {}
        for headers, body in receiver.taken():
            assert bodies.setdefault(headers["webhook-id"], body) == body, "the same request is the same"
            for event in json.loads(body):
                assert bodies.setdefault(event["id"], event) == event, "the same event is the same"


@pytest.fixture
def way(make_instance):
    made = []

    def make(cores, **settings):
        made.append(Way(make_instance, cores, **settings))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.mark.sanitized
@pytest.mark.parametrize("how", ["crash", "stop"])
def test_events_wait_for_a_receiver(way, how):
    """Nobody listens; kill -9, other numbers of cores; then somebody does."""
    place = way(2)
    place.send(6)
    place.restart(how, 3)
    place.send(4)
    place.restart(how, 1)
    place.send(2)
    assert place.instance.metrics()["ringmail_webhook_log_bytes"] > 1000
    receiver = place.receive()
    try:
        place.check(receiver)
        taken = len(receiver.taken())
        place.send(1)
        place.check(receiver)
        place.restart(how, 2)  # what was taken does not come again, beyond the last request
        time.sleep(1)
        assert len(receiver.taken()) <= taken + 4
        place.check(receiver)
    finally:
        receiver.close()
    place.instance.stop()


@pytest.mark.sanitized
def test_events_while_crashing(way, seed):
    """kill -9 at any moment, to a receiver that refuses now and then: each arrives, once or more, always the same."""
    generator = random.Random(seed)
    place = way(2)
    receiver = place.receive()
    try:
        for _ in range(4):
            receiver.refuse = generator.randrange(6)
            place.send(generator.randrange(1, 5))
            time.sleep(generator.random() / 2)
            place.restart("crash", generator.choice([1, 2, 3]))
        place.check(receiver)
    finally:
        receiver.close()


# --- limits ----------------------------------------------------------------------------------------
def try_to_send(instance, sender=account(1)):
    """The reply to MAIL, then, where it was taken, to the message."""
    with outbound.submission(instance, sender) as client:
        code = client.command(f"MAIL FROM:<{sender}>").code
        if code != 250:
            return code
        client.command(f"RCPT TO:<{FRIEND}>", 250)
        client.data(b"From: <" + sender.encode() + b">\r\nSubject: x\r\n\r\nx\r\n", 250)
        return 250


@contextlib.contextmanager
def saved(instance):
    """What is counted within is written down at its end."""
    def saves():
        return sum(value for name, value in instance.metrics().items() if name.startswith("ringmail_sending_saves_total"))
    before = saves()
    yield
    wait.until(lambda: saves() > before, 30, "the counts are written down", pause=0.1)


@pytest.mark.sanitized
@pytest.mark.parametrize("how", ["stop", "crash"])
def test_limits_hold_over_restarts(make_instance, how):
    """Up to the limit, restart, the next is refused; on other numbers of cores as well."""
    instance = make_instance(users=3, cores=2, settings={"submission.messages_per_day": "3",
                                                         "submission.count_save_interval": "100ms"})
    for cores in (3, 1):
        with saved(instance):
            assert try_to_send(instance) == 250
        getattr(instance, how)()
        instance.cores = cores
        instance.start()
    with saved(instance):
        assert try_to_send(instance) == 250
    assert try_to_send(instance) == 450
    getattr(instance, how)()
    instance.cores = 2
    instance.start()
    assert try_to_send(instance) == 450
    assert try_to_send(instance, account(3)) == 250
    files = state(instance, "sending")
    assert files and files == state(instance, "sending", "core-*-of-002")  # those of other numbers of cores are gone


# --- TLS reports -----------------------------------------------------------------------------------
INTERVAL_S = 20


class Collector:
    """Takes reports over HTTPS."""

    def __init__(self, issued, address):
        self.reports = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.reports.append(json.loads(gzip.decompress(body)))
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 443), Handler)
        self.server.socket = issued.context().wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def of(self, domain, begin):
        """Reports about that domain and the period that began then."""
        return [r for r in self.reports if r["policies"][0]["policy"]["policy-domain"] == domain
                and r["date-range"]["start-datetime"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin))]


def sleep_until(moment):
    time.sleep(max(0, moment - time.time()))


def test_tls_reports(world, make_instance):
    """A period's counts survive kill -9 and a stop, and its report is sent once; one that nobody took waits over a restart."""
    sink = world.sink(tls=world.authority.issue("mx1.kept.test").context())
    addresses = {"kept.test": hosts.take(), "late.test": hosts.take()}
    for domain, address in addresses.items():
        world.zone(domain, {"@": "MX 10 mx1", "mx1": f"A {sink.address}", "collect": f"A {address}", "_smtp._tls":
                            f'TXT "v=TLSRPTv1; rua=https://collect.{domain}/reports"'}, "insecure")
    kept = Collector(world.authority.issue("collect.kept.test"), addresses["kept.test"])
    world.closing.append(kept.close)
    sender = make_instance("sender", users=4, cores=2, start=False, settings=world.settings(
        tls_report__contact="reports@example.org", tls_report__interval=f"{INTERVAL_S}s", tls_report__save_interval="200ms"))
    begin = (int(time.time()) // INTERVAL_S + 1) * INTERVAL_S
    end = begin + INTERVAL_S
    sleep_until(begin)

    def send(*domains):
        serial, mail = world.mail()
        outbound.submit(sender, [f"{serial}@{domain}" for domain in domains], mail)
        outbound.arrived(world.books, serial, count=len(domains))
        time.sleep(0.6)

    sender.start()
    send("kept.test", "late.test")
    sender.crash()
    sender.cores = 3
    sender.start()
    send("kept.test")
    sender.stop()
    sender.start()
    assert time.time() < end, "this machine is too slow for the interval"
    assert [f.name for f in state(sender, "tls-report")] == [f"period-{begin}-{end}"]
    (report,) = wait.until(lambda: kept.of("kept.test", begin), INTERVAL_S + 10, "the report", pause=0.1)
    assert report["policies"][0]["summary"]["total-successful-session-count"] == 2
    assert report["policies"][0]["summary"]["total-failure-session-count"] == 0
    time.sleep(0.3)  # the mark of it is written
    sender.crash()
    late = Collector(world.authority.issue("collect.late.test"), addresses["late.test"])
    world.closing.append(late.close)
    sender.start()
    (report,) = wait.until(lambda: late.of("late.test", begin), 10, "the report that nobody took before", pause=0.1)
    assert report["policies"][0]["summary"]["total-successful-session-count"] == 1
    wait.until(lambda: f"period-{begin}-{end}" not in [f.name for f in state(sender, "tls-report")], 5, "all of it is reported")
    sender.stop()
    sender.start()
    time.sleep(INTERVAL_S / 6 + 1)
    assert len(kept.of("kept.test", begin)) == 1 and len(late.of("late.test", begin)) == 1
