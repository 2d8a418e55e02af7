# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory's MariaDB is killed and started again under load: 451 4.3.0 meanwhile, nothing lost."""
import random
import re
import select
import threading
import time

import pytest

from lab import mariadb, wait
from lab.instance import PASSWORD, account
from lab.ledger import Ledger
from lab.traffic import Traffic

ACCOUNTS = 60
CACHE = {"directory.cache_positive": "1s", "directory.cache_negative": "1s", "directory.login_cache": "0s",
         "directory.query_timeout": "2s", "directory.connect_timeout": "1s"}
RECOVERY_MAX_S = 15
FROZEN_S = 8  # how long a frozen database is waited for


@pytest.fixture
def database(tmp_path):
    """A server of this test's own, for it dies."""
    if not mariadb.available():
        pytest.skip("mariadb-server is not installed")
    server = mariadb.MariaDb(tmp_path / "mariadb")
    try:
        yield server.create()
    finally:
        server.stop()


def rcpt(instance, address):
    with instance.smtp() as client:
        client.ehlo()
        client.command("MAIL FROM:<s@example.net>", 250)
        return client.command(f"RCPT TO:<{address}>").code


@pytest.mark.timeout(180)
def test_outage_under_load(database, make_instance, seed):
    generator = random.Random(seed)
    instance = make_instance(database=database.new_database("outage"), users=ACCOUNTS, settings=CACHE)
    addresses = [account(n + 1) for n in range(6)]
    ledger = Ledger(f"outage{seed}")
    traffic = Traffic(instance, ledger, addresses, generator.random(), 6, addresses[:1])
    with traffic.running():
        wait.until(lambda: ledger.confirmations > 50, 20, "mail flows")
        for outage in range(2):
            database.kill()
            time.sleep(2)  # past every cache
            with instance.smtp() as client:
                client.ehlo()
                client.command("MAIL FROM:<s@example.net>", 250)
                # Neither an account that exists nor one that does not is refused for good.
                for recipient in (account(10 + outage), f"nobody{outage}@example.org"):
                    started = time.monotonic()
                    reply = client.command(f"RCPT TO:<{recipient}>")
                    assert reply.code == 451 and reply.text.startswith("4.3.0"), reply
                    assert time.monotonic() - started < 30
            with instance.imap() as client:
                reply = client.try_command(f"LOGIN {account(20 + outage)} {PASSWORD}")
                assert reply.status == "NO" and "UNAVAILABLE" in reply.text, reply
            assert instance.admin("/health") is not None
            before = ledger.confirmations
            database.start()
            wait.until(lambda: ledger.confirmations > before + 50, RECOVERY_MAX_S, "mail flows again")
            # Each core finds out for itself.
            wait.until(lambda: {rcpt(instance, f"nobody{outage}@example.org") for _ in range(8)} == {550},
                       RECOVERY_MAX_S, "absence is certain again", pause=0.2)
            instance.imap(account(20 + outage)).close()
    assert any("451 4.3.0" in what for what in traffic.refusals), traffic.refusals
    strange = [what for what in traffic.refusals if not re.match(r"(RCPT|MAIL): 451 4\.3\.0|LOGIN", what)]
    assert strange == []
    problems = ledger.audit(instance)
    assert not problems, f"seed {seed}:\n" + "\n".join(problems[:20])


@pytest.mark.timeout(60)
def test_server_starts_before_its_database(database, make_instance):
    """The database is away at start: the server comes up, puts mail off, and needs no restart."""
    instance = make_instance(database=database.new_database("late"), users=2, settings=CACHE)
    instance.stop()
    database.kill()
    starter = threading.Thread(target=instance.start, daemon=True)
    starter.start()
    time.sleep(3)
    database.start()
    starter.join(30)
    assert not starter.is_alive()

    def accepted():
        code = rcpt(instance, account(1))
        assert code in (250, 451)
        return code == 250

    wait.until(accepted, RECOVERY_MAX_S, "recipients are known again", pause=0.2)


@pytest.mark.timeout(90)
def test_frozen_database_delays_only_what_asks_it(database, make_instance):
    """A database that accepts and says nothing: look-ups end in time, the rest goes on."""
    instance = make_instance(database=database.new_database("frozen"), users=ACCOUNTS,
                             settings={**CACHE, "directory.cache_positive": "60s", "directory.query_timeout": f"{FROZEN_S}s"})
    with instance.smtp() as known, instance.imap(account(1)) as reader:
        known.ehlo()
        known.deliver("s@example.net", [account(1)], b"Subject: before\r\n\r\nbefore\r\n")
        database.process.send_signal(19)  # SIGSTOP
        try:
            asking = [instance.smtp() for _ in range(20)]
            for number, client in enumerate(asking):
                client.ehlo()
                client.command("MAIL FROM:<s@example.net>", 250)
                client.send(f"RCPT TO:<{account(30 + number)}>\r\n".encode())
            started = time.monotonic()
            known.deliver("s@example.net", [account(1)], b"Subject: meanwhile\r\n\r\nmeanwhile\r\n")
            assert reader.select()["exists"] == 2
            assert not select.select([client.socket for client in asking], [], [], 0)[0]  # they still wait
            for client in asking:
                client.expect(451)
                client.close()
            assert time.monotonic() - started < 4 * FROZEN_S
        finally:
            database.process.send_signal(18)  # SIGCONT
