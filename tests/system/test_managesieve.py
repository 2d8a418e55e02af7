# SPDX-License-Identifier: GPL-3.0-or-later
"""Sieve scripts are managed by a real client, and taken over from Dovecot's Pigeonhole, and given back."""
import os
import shutil

import pytest

from lab import dovecot, ports, sieve
from lab.instance import account

pytestmark = pytest.mark.skipif(not sieve.available(), reason="needs sieve-connect")
SORTS = 'require "fileinto";\nif header :contains "subject" "sort" { fileinto "Sorted"; }\n'
KEEPS = "# keeps all\nkeep;\n"


@pytest.mark.sanitized
def test_client_manages_scripts(make_instance, tmp_path):
    instance = make_instance(users=2, settings={"managesieve.plaintext_login": "off", "login.failure_delay": "0s"})
    client = sieve.Client(instance.managesieve_port, account(1), instance.ca_cert)
    local = tmp_path / "local.sieve"
    local.write_text(SORTS)
    client.upload(local, "sorts")
    local.write_text(KEEPS)
    client.upload(local, "keeps")
    assert client.scripts() == ({"sorts", "keeps"}, None)
    client.activate("sorts")
    assert client.scripts() == ({"sorts", "keeps"}, "sorts")
    assert client.download("sorts", tmp_path / "back.sieve") == SORTS
    client("--remotesieve", "sorts", "--delete", ok=False)  # the active one stays
    local.write_text('require "include";\ninclude "later";\n')  # uploaded in any order
    client.upload(local, "keeps")
    local.write_text('require "include";\ninclude "../../other/sieve/x";\n')
    client.upload(local, "keeps", ok=False)
    local.write_text(KEEPS)
    client.upload(local, "keeps")
    client.activate("keeps")
    client("--remotesieve", "sorts", "--delete")
    assert client.scripts() == ({"keeps"}, "keeps")
    client("--deactivate")
    assert client.scripts() == ({"keeps"}, None)
    assert sieve.Client(instance.managesieve_port, account(2), instance.ca_cert).scripts() == (set(), None)
    client("--list", password="wrong", ok=False)
    metrics = instance.metrics()
    assert metrics["ringmail_managesieve_sessions"] == 0 and metrics["ringmail_managesieve_sessions_total"] > 10


@pytest.mark.skipif(not dovecot.available(), reason="needs dovecot-managesieved, and to be root")
@pytest.mark.timeout(120)
def test_scripts_move_from_pigeonhole_and_back(make_instance, tmp_path):
    port = ports.take_block()
    more = f"service managesieve-login {{\n  inet_listener sieve {{\n    port = {port}\n  }}\n}}\n"
    server = dovecot.Dovecot(tmp_path / "dovecot", protocols="imap sieve", more=more).start()
    local = tmp_path / "local.sieve"
    user, _, domain = account(1).partition("@")
    theirs = server.store / domain / user
    instance = make_instance(users=1)
    try:
        pigeonhole = sieve.Client(port, account(1))
        local.write_text(SORTS)
        pigeonhole.upload(local, "sorts")
        pigeonhole.activate("sorts")
        local.write_text(KEEPS)
        pigeonhole.upload(local, "Büro keeps")

        ours = sieve.home(instance, account(1))
        shutil.rmtree(ours, ignore_errors=True)
        shutil.copytree(theirs, ours, symlinks=True)
        own(ours, os.stat(instance.store))
        client = sieve.Client(instance.managesieve_port, account(1), instance.ca_cert)
        assert client.scripts() == ({"sorts", "Büro keeps"}, "sorts")
        assert client.download("sorts", tmp_path / "back.sieve") == SORTS
        client.activate("Büro keeps")
        local.write_text(SORTS + KEEPS)
        client.upload(local, "third")

        owner = os.stat(theirs)
        shutil.rmtree(theirs)
        shutil.copytree(ours, theirs, symlinks=True)
        own(theirs, owner)
        assert pigeonhole.scripts() == ({"sorts", "Büro keeps", "third"}, "Büro keeps")
        assert pigeonhole.download("third", tmp_path / "third.sieve") == SORTS + KEEPS
    finally:
        server.stop()


def own(folder, owner):
    for path in [folder.parent, folder, *folder.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
