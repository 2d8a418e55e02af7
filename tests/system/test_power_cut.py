# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cut: what the disk holds when the power goes must be enough.

kill -9 does not show this, for the page cache survives it. Here the whole instance lies on an ext4
image; while the kernel's own write-back is held back and the server is stopped under load, the image
is copied as the disk has it. On the copy a new server must show every message confirmed before, once.
"""
import random
import time

import pytest

from lab import courier
from lab import image as images
from lab import wait, zoo
from lab.instance import account
from lab.ledger import Ledger
from lab.traffic import Traffic

ACCOUNTS = 6
SENDERS = 8
IMAGE_MIB = 2048
LOAD_S = (0.4, 1.5)
QUIET_S = 0.3  # for answers that were sent before the server stopped to be read


@pytest.fixture
def image(tmp_path):
    disk = images.Image(tmp_path / "disk", tmp_path / "mnt", IMAGE_MIB)
    disk.mount()
    yield disk
    disk.unmount()


def cut_power(instance, image, ledger, load_s, seed):
    """Load, then the power goes; the instance runs again on what was on the disk."""
    readers = [account(ACCOUNTS)]
    addresses = [account(n + 1) for n in range(ACCOUNTS)]
    traffic = Traffic(instance, ledger, addresses, seed, SENDERS, readers, lasting=True)
    with images.held_back():
        with traffic.running():
            time.sleep(load_s)
            instance.freeze()
            time.sleep(QUIET_S)
            image.copy(image.path.with_suffix(".copy"))
            instance.crash()
        image.unmount()  # the page cache goes to the old image, which is thrown away
    image.take(image.path.with_suffix(".copy"))
    image.check()
    image.mount()
    instance.start()


def first_start(make_instance, image, durability, **settings):
    """The accounts and the empty store are on the disk; what comes after is what counts."""
    settings["store.durability"] = durability
    instance = make_instance(directory=image.mountpoint / "i", users=ACCOUNTS, settings=settings)
    image.flush()
    return instance


# Small segments: they are used again and again, so that checkpoints happen under the load.
SMALL = {"store.journal_segment_size": "1M", "store.journal_segment_count": 4}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("durability, settings, cuts", [("journal", {}, 3), ("journal", SMALL, 3), ("fsync", {}, 2)],
                         ids=["journal", "small-journal", "fsync"])
def test_confirmed_mail_survives_power_cut(image, make_instance, seed, durability, settings, cuts):
    generator = random.Random(seed)
    instance = first_start(make_instance, image, durability, **settings)
    ledger = Ledger(f"cut{seed}")
    for number in range(cuts):
        before = ledger.confirmations
        cut_power(instance, image, ledger, generator.uniform(*LOAD_S), generator.random())
        problems = ledger.audit(instance, lasting=True)
        assert not problems, f"cut {number}, seed {seed}:\n" + "\n".join(problems[:20])
        assert ledger.confirmations > before
    print(f"{ledger.confirmations} confirmations before {cuts} power cuts")
    instance.stop()


@pytest.mark.timeout(120)
def test_without_durability_mail_is_lost(image, make_instance, seed):
    """The proof that the test above can fail: with durability = none the same cut loses mail."""
    instance = first_start(make_instance, image, "none")
    ledger = Ledger(f"none{seed}")
    cut_power(instance, image, ledger, 1.0, seed)
    lost = ledger.lost(instance)
    print(f"{lost} of {ledger.confirmations} lost")
    instance.stop()
    assert lost > 0


# --- the queue -------------------------------------------------------------------------------------
SUBMITTERS = 4
MAILS = 400  # more than are handed in before the power goes


@pytest.mark.timeout(180)
@pytest.mark.parametrize("durability", ["journal", "fsync"])
def test_queued_mail_survives_power_cut(image, make_instance, world, seed, durability):
    """Handed in and confirmed, waiting in memory, journal or spool: after the cut it goes out, or it went before."""
    generator = random.Random(seed)
    books = world.books
    now = [False]
    sinks = {"good.cut.test": world.sink(seed=1), "flaky.cut.test": world.sink(plan=zoo.sometimes(0.5, dot=zoo.say(451, "4.3.0 no")), seed=2),
             "later.cut.test": world.sink(later=lambda recipient: not now[0], seed=3)}
    records = {}
    for name, sink in sinks.items():
        label = name.removesuffix(".cut.test")
        records.update({label: f"MX 10 mx.{label}", f"mx.{label}": f"A {sink.address}"})
    world.zone("cut.test", records, "insecure")
    settings = {**world.settings(queue__memory_age="200ms", queue__lifetime="1h"), **SMALL, "smtp.size_max": "1M", "submission.size_max": "1M"}
    instance = first_start(make_instance, image, durability, **settings)
    submitters = [courier.Submitter(world, instance, account(n + 1), random.Random(generator.random()), MAILS, sorted(sinks))
                  for n in range(SUBMITTERS)]
    cuts = []
    with images.held_back():
        for submitter in submitters:
            submitter.start()
        time.sleep(generator.uniform(3, 5))
        for submitter in submitters:
            submitter.count = 0  # ends with its connection
        instance.freeze()
        cuts.append(time.time())
        time.sleep(QUIET_S)
        image.copy(image.path.with_suffix(".copy"))
        confirmed = {serial: recipients for submitter in submitters for serial, recipients in submitter.confirmed.items()}
        instance.crash()
        image.unmount()
    for submitter in submitters:
        submitter.join(20)
    image.take(image.path.with_suffix(".copy"))
    image.check()
    image.mount()
    now[0] = True
    instance.start()
    tried = {serial: recipients for submitter in submitters for serial, recipients in submitter.tried.items()}
    assert len(confirmed) > 20, [submitter.problems for submitter in submitters]

    def missing():
        taken = books.by_mail()
        return [(serial, recipient) for serial, recipients in confirmed.items() for recipient in recipients
                if not taken.get((serial, recipient))]

    try:
        wait.until(lambda: not missing(), 30, "all of it arrives", pause=0.2)
    except AssertionError as reason:
        raise AssertionError(f"{reason}: {len(missing())} of {len(confirmed)} mails, such as {missing()[:5]}; seed {seed}") from reason
    time.sleep(1)
    problems = courier.audit(books, tried, courier.Bounces(instance, []), cuts)
    assert not problems, f"seed {seed}\n" + "\n".join(problems[:20])
    print(f"{len(confirmed)} mails were confirmed before the cut")
    instance.stop()
