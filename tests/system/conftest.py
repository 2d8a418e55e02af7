# SPDX-License-Identifier: GPL-3.0-or-later
"""System tests: real servers, real clients. Run with: python3 -m pytest tests/system

Seeded tests print their seed; RINGMAIL_SEED=n repeats a run.
"""
import contextlib
import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lab import instance as instances  # noqa: E402
from lab import dns, hosts, mariadb, outbound  # noqa: E402


PATIENCE = 3  # a machine that is busy with something else is no failure


def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("timeout")
        if marker:
            item.add_marker(pytest.mark.timeout(PATIENCE * marker.args[0]), append=False)


@pytest.fixture
def seed():
    value = int(os.environ.get("RINGMAIL_SEED", random.SystemRandom().randrange(1 << 31)))
    print(f"RINGMAIL_SEED={value}")
    return value


@pytest.fixture(scope="session")
def database_server(tmp_path_factory):
    """A private mariadbd for this test process."""
    if not mariadb.available():
        pytest.skip("mariadb-server is not installed")
    server = mariadb.MariaDb(tmp_path_factory.mktemp("mariadb"))
    try:
        yield server.create()
    finally:
        server.stop()


LARGE = 1 << 20  # bytes
SHARED = ("instance", "mariadb")  # folders of what lives as long as the session


def give_back(folder):
    """Large files of a test that is over, above all preallocated journals, a quarter of a gigabyte a server."""
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink() and path.stat().st_size >= LARGE:
                path.unlink()


@pytest.fixture(autouse=True)
def scratch(tmp_path):
    yield
    give_back(tmp_path)


@pytest.fixture(autouse=True, scope="module")
def scratch_of_module(tmp_path_factory):
    before = set(tmp_path_factory.getbasetemp().iterdir())
    yield
    for folder in set(tmp_path_factory.getbasetemp().iterdir()) - before:
        if not folder.name.startswith(SHARED):
            give_back(folder)


@pytest.fixture
def make_instance(tmp_path):
    """Starts instances on scratch directories; what still runs at the end is stopped."""
    made = []

    def make(name="instance", start=True, **options):
        instance = instances.Instance(options.pop("directory", tmp_path / name), **options)
        made.append(instance)
        return instance.start() if start else instance

    yield make
    for instance in made:
        end(instance)


def end(instance):
    """Stops it politely; a server that does not stop, or has complained, fails the test."""
    if instance.pid and instance.is_running():
        try:
            instance.stop()
        except AssertionError:
            instance.crash()
            raise
    assert instance.complaints() == []


def shared(tmp_path_factory, database, **options):
    instance = instances.Instance(tmp_path_factory.mktemp("instance") / "i", database=database, users=100, **options)
    return instance.start()


@pytest.fixture(scope="session")
def sqlite_instance(tmp_path_factory):
    """One instance for all tests that leave nothing behind but mail."""
    instance = shared(tmp_path_factory, "sqlite")
    yield instance
    end(instance)


@pytest.fixture(scope="session")
def mariadb_instance(tmp_path_factory, database_server):
    instance = shared(tmp_path_factory, database_server.new_database("shared"))
    yield instance
    end(instance)


@pytest.fixture(params=["sqlite", "mariadb"])
def instance(request):
    """The shared instance, once with each backend."""
    return request.getfixturevalue(f"{request.param}_instance")


@pytest.fixture
def address(instance):
    """An account of the shared instance that no other test uses."""
    return instance.fresh_account()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The world that mail goes out to: names, an authority, servers on addresses of their own."""
    hosts.need_port_25()
    if not dns.available():
        pytest.skip("knot, knot-dnssecutils or unbound is not installed")
    world = outbound.World(tmp_path_factory.mktemp("world"))
    try:
        yield world.start()
    finally:
        world.stop()


def pytest_make_parametrize_id(config, val, argname):
    return val.decode("ascii", "replace")[:30] if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """On failure, show the log of each server that took part."""
    if call.when == "call" and call.excinfo and call.excinfo.typename != "Skipped":
        for name in ("instance", "sqlite_instance", "mariadb_instance", "sender"):
            server = item.funcargs.get(name)
            if server is not None:
                item.add_report_section("call", "server log", server.log_tail())
