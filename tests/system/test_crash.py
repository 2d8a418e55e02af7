# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random moments under load: whatever was confirmed is there exactly once, and stays."""
import pathlib
import random
import shutil
import time

import pytest

from lab import maildir, message, wait
from lab.instance import SANITIZED, account
from lab.ledger import Ledger
from lab.traffic import Traffic

ROUNDS = 3 if SANITIZED else 20
SENDERS = 8
READERS = 2
ACCOUNTS = 6
LOAD_S = (0.2, 1.2)  # how long a round's load lasts before the kill


@pytest.mark.sanitized
@pytest.mark.timeout(300)
def test_confirmed_mail_survives_kill(make_instance, seed):
    generator = random.Random(seed)
    instance = make_instance(users=ACCOUNTS, cores=2)
    addresses = [account(n + 1) for n in range(ACCOUNTS)]
    ledger = Ledger(f"crash{seed}")
    for number in range(ROUNDS):
        before = ledger.confirmations
        traffic = Traffic(instance, ledger, addresses, generator.random(), SENDERS, addresses[:READERS])
        with traffic.running():
            time.sleep(generator.uniform(*LOAD_S))
            instance.crash()
        instance.start()
        problems = ledger.audit(instance)
        assert not problems, f"round {number}, seed {seed}:\n" + "\n".join(problems[:20])
        assert ledger.confirmations > before, f"round {number}: nothing was confirmed: {traffic.refusals}"
    print(f"{ledger.confirmations} confirmations in {ROUNDS} rounds")


@pytest.mark.timeout(120)
def test_stop_and_start_keep_everything(make_instance, seed):
    """The same books for the polite way: SIGTERM under load finishes what is in flight."""
    generator = random.Random(seed)
    instance = make_instance(users=ACCOUNTS)
    addresses = [account(n + 1) for n in range(ACCOUNTS)]
    ledger = Ledger(f"stop{seed}")
    for number in range(3):
        with Traffic(instance, ledger, addresses, generator.random(), SENDERS, addresses[:READERS]).running():
            time.sleep(generator.uniform(0.5, 1.0))
            instance.stop()
        instance.start()
        problems = ledger.audit(instance)
        assert not problems, f"round {number}, seed {seed}:\n" + "\n".join(problems[:20])
    assert ledger.confirmations > 0


@pytest.mark.timeout(60)
def test_audit_notices_loss_and_doubles(make_instance, seed):
    """The books above can fail: a file taken away, one doubled and one cut short are all reported."""
    instance = make_instance(users=1)
    ledger = Ledger(f"audit{seed}")
    with Traffic(instance, ledger, [account(1)], seed, senders=2).running():
        wait.until(lambda: ledger.confirmations >= 5, 20, "some mail is confirmed")
    assert ledger.audit(instance) == []
    instance.stop()
    lost, doubled, cut = map(pathlib.Path, maildir.files(instance.maildir(account(1)))[:3])
    serials = [message.serial_of(path.read_bytes()) for path in (lost, doubled)]
    lost.unlink()
    shutil.copy(doubled, doubled.parent / doubled.name.replace(",", "again,", 1))
    instance.start()
    problems = "\n".join(ledger.audit(instance))
    for where in ("IMAP", "the Maildir"):
        assert f"{serials[0]} was confirmed and is 0 times in {where}" in problems
        assert f"{serials[1]} was confirmed and is 2 times in {where}" in problems
    cut = next(cut.parent.parent.glob(f"*/{cut.name.partition(':')[0]}*"))
    cut.write_bytes(cut.read_bytes()[:-10])
    ledger.whole.clear()
    assert any(str(cut) in problem for problem in ledger.audit(instance))
