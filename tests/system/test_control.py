# SPDX-License-Identifier: GPL-3.0-or-later
"""The `ringmail` command by itself, no server running: exit codes that scripts can trust, batches, prompts."""
import json
import os
import pathlib
import pty
import re
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("RINGMAIL_BUILD", "build/release") / "ringmail"
DONE, REFUSED, USAGE, TROUBLE = 0, 1, 2, 3


class Command:
    def __init__(self, directory, settings):
        self.config = directory / "ringmail.conf"
        self.config.write_text("\n".join([f'directory.mail_home = "{directory}/mail/%d/%n";',
                                          'listen.admin = ["127.0.0.1:1"];', *settings]) + "\n")

    def __call__(self, *arguments, stdin="", expect=DONE):
        done = subprocess.run([str(PROGRAM), "--config", str(self.config), *arguments], input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == expect, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        if expect != DONE:
            assert done.stderr.startswith(("ringmail: ", "Usage: ", "/")), done.stderr
            assert done.stdout == ""
        return done.stdout if expect == DONE else done.stderr

    def on_terminal(self, arguments, answers):
        """With a terminal for the prompts: what was shown, and the exit code."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(PROGRAM, [str(PROGRAM), "--config", str(self.config), *arguments])
        shown = b""
        for answer in answers:
            while not shown.endswith(b": "):
                shown += os.read(terminal, 1000)
            time.sleep(0.05)  # the prompt comes just before the echo goes
            os.write(terminal, answer.encode() + b"\n")
            shown += b"|"
        try:
            while part := os.read(terminal, 1000):
                shown += part
        except OSError:  # how Linux says that the other side is closed
            pass
        return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture(params=["sqlite", "mariadb"])
def ringmail(request, tmp_path):
    if request.param == "sqlite":
        return Command(tmp_path, [f'directory.path = "{tmp_path}/directory.sqlite";'])
    server = request.getfixturevalue("database_server")
    server.new_database("control")
    command = Command(tmp_path, ['directory.backend = "mariadb";', f'directory.hosts = ["127.0.0.1:{server.port}"];',
                                 f'directory.user = "{server.USER}";', f'directory.password = "{server.PASSWORD}";',
                                 'directory.database = "control";'])
    assert "directory init" in command("domain", "list", expect=TROUBLE)
    command("directory", "init")
    return command


def test_exit_codes(ringmail):
    ringmail("domain", "add", "example.org", "bücher.example")
    ringmail("domain", "add", "EXAMPLE.org", expect=REFUSED)
    ringmail("domain", "add", "no domain", expect=REFUSED)
    ringmail("user", "add", "anna@example.org", "--quota", "5G", "--messages", "1000", stdin="first\n")
    assert "ringmail user password" in ringmail("user", "add", "Anna@example.org", stdin="x\n", expect=REFUSED)
    assert "ringmail domain add" in ringmail("user", "add", "a@no.example", stdin="x\n", expect=REFUSED)
    assert "ringmail domain add" in ringmail("user", "add", "a@no.example", expect=REFUSED)  # before a password is wanted
    assert "ringmail user list" in ringmail("user", "password", "nobody@example.org", expect=REFUSED)
    ringmail("user", "add", "nonsense", stdin="x\n", expect=REFUSED)
    ringmail("user", "add", "bert@example.org", stdin="", expect=USAGE)
    ringmail("user", "add", "bert@example.org", stdin="\n", expect=USAGE)
    ringmail("user", "add", "bert@example.org", "--hash", "{ROT13}x", expect=USAGE)
    ringmail("user", "add", "bert@example.org", "--hash", "{PLAIN}x", "--scheme", "PLAIN", expect=USAGE)
    ringmail("user", "add", "bert@example.org", "--scheme", "ROT13", stdin="x\n", expect=USAGE)
    ringmail("user", "add", "bert@example.org", "--quota", "much", stdin="x\n", expect=USAGE)
    ringmail("user", "add", expect=USAGE)
    ringmail("user", "quota", "anna@example.org", expect=USAGE)
    ringmail("user", "quota", "anna@example.org", "--quota", "none")
    ringmail("user", "quota", "nobody@example.org", "--quota", "1G", expect=REFUSED)
    ringmail("user", "password", "nobody@example.org", stdin="x\n", expect=REFUSED)
    ringmail("user", "remove", "nobody@example.org", expect=REFUSED)
    ringmail("alias", "add", "info@example.org", expect=USAGE)
    ringmail("alias", "add", "info@example.org", "anna@example.org", "x@far.example")
    ringmail("alias", "add", "info@example.org", "y@far.example", "x@far.example", expect=REFUSED)
    ringmail("alias", "remove", "info@example.org", "y@far.example", expect=REFUSED)  # all of it or nothing
    ringmail("alias", "remove", "info@example.org")
    ringmail("sender", "add", "anna@example.org", expect=USAGE)
    ringmail("sender", "add", "nobody@example.org", "boss@far.example", expect=REFUSED)
    ringmail("sender", "add", "anna@example.org", "not an address", expect=REFUSED)
    ringmail("sender", "add", "Anna@example.org", "Boss@FAR.example", "@granted.example")
    ringmail("sender", "add", "anna@example.org", "x@far.example", "boss@far.example", expect=REFUSED)
    ringmail("sender", "remove", "anna@example.org", "x@far.example", expect=REFUSED)  # all of it or nothing
    ringmail("sender", "remove", "anna@example.org", "boss@far.example")
    ringmail("sender", "remove", "anna@example.org")
    ringmail("sender", "remove", "anna@example.org", expect=REFUSED)
    ringmail("domain", "remove", "example.org", expect=REFUSED)
    ringmail("domain", "remove", "example.org", "--force")
    ringmail("domain", "remove", "example.org", expect=REFUSED)
    for arguments in (["foo"], ["user", "foo"], ["user"], [], ["domain", "list", "--force"], ["user", "list", "--foo"],
                      ["user", "list", "a", "b"], ["user", "list", "--json=1"], ["hash", "--scheme"]):
        ringmail(*arguments, expect=USAGE)
    ringmail("stats", expect=TROUBLE)
    ringmail("directory", "invalidate", expect=TROUBLE)
    for arguments in (["--help"], ["user", "--help"], ["user", "add", "--help"]):
        assert "Options:" in ringmail(*arguments)


def test_mistakes_are_explained(ringmail):
    """What was meant, what is missing, where it was looked for, what to do."""
    for arguments, words in (
            (["usr", "list"], 'is "user" meant'), (["user", "lst"], 'is "user list" meant'),
            (["queue", "relase", "x"], 'is "queue release" meant'), (["user", "list", "--jsn"], "is --json meant"),
            (["zzzzzzzz"], "see ringmail --help"), (["user", "zzzzzzzz"], "see ringmail user --help"),
            (["domain", "add"], "missing; usage: ringmail domain add DOMAIN..."),
            (["user", "list", "a", "b"], "too many arguments; usage: ringmail user list [DOMAIN]"),
            (["domain", "list", "--force"], "see ringmail domain list --help"),
            (["hash", "--scheme"], "--scheme NAME")):
        assert words in ringmail(*arguments, expect=USAGE), arguments
    for arguments in (["stats"], ["queue", "list"], ["directory", "invalidate"]):
        said = ringmail(*arguments, expect=TROUBLE)
        assert "127.0.0.1:1 (listen.admin)" in said and "ringmaild" in said
    words = ["x@example.org"] * 70  # CONTROL_ARGUMENTS_MAX
    assert "too many" in ringmail("domain", "add", *words, expect=USAGE)
    ringmail.config.unlink()
    said = ringmail("user", "list", expect=TROUBLE)
    assert "No such file" in said and "--config" in said and "RINGMAIL_CONFIG" in said


def test_help(ringmail):
    everything = ringmail("--help")
    assert everything == ringmail("help")
    for words in ("Domains that have mail here:", "Examples:", "Exit codes:", "--config FILE", "--version"):
        assert words in everything
    assert all(len(line) <= 120 for line in everything.splitlines())
    commands = re.findall(r"^  ([a-z]+)(?: ([a-z]+))?(?= |$)", everything.split("Options:")[0], re.M)
    assert len(commands) > 30
    for command in commands:
        words = [word for word in command if word]
        shown = ringmail(*words, "--help")
        assert shown == ringmail("help", *words)
        assert shown.startswith(f"Usage: ringmail {' '.join(words)}") and "Options:" in shown
        assert all(line == line.rstrip() and len(line) <= 120 for line in shown.splitlines()), shown
    assert "_count" in ringmail("stats", "--help")


def test_lists(ringmail):
    ringmail("domain", "add", "example.org", "bücher.example")
    ringmail("user", "add", "Anna@Example.org", "--quota", "5G", "--messages", "1000", stdin="x\n")
    ringmail("user", "add", "юля@bücher.example", "--scheme", "ARGON2ID", stdin="x\n")
    ringmail("alias", "add", "@example.org", "anna@example.org")
    assert json.loads(ringmail("domain", "list", "--json")) == [
        {"domain": "example.org", "users": 1, "aliases": 1},
        {"domain": "xn--bcher-kva.example", "users": 1, "aliases": 0}]
    assert json.loads(ringmail("user", "list", "--json")) == [
        {"address": "anna@example.org", "scheme": "{BLF-CRYPT}", "quota_bytes": 5 << 30, "quota_messages": 1000},
        {"address": "юля@xn--bcher-kva.example", "scheme": "{ARGON2ID}", "quota_bytes": 0, "quota_messages": 0}]
    assert [user["address"] for user in json.loads(ringmail("user", "list", "BÜCHER.example", "--json"))] == \
        ["юля@xn--bcher-kva.example"]
    assert json.loads(ringmail("alias", "list", "--json")) == [
        {"source": "@example.org", "destination": "anna@example.org"}]
    ringmail("sender", "add", "anna@example.org", "@Bücher.example", "Boss@far.example")
    ringmail("sender", "add", "юля@bücher.example", "x@far.example")
    assert json.loads(ringmail("sender", "list", "--json", "example.org")) == [
        {"account": "anna@example.org", "sender": "@xn--bcher-kva.example"},
        {"account": "anna@example.org", "sender": "boss@far.example"}]
    assert len(ringmail("sender", "list").splitlines()) == 3
    ringmail("user", "remove", "юля@bücher.example")  # and with it what it was granted
    assert len(ringmail("sender", "list").splitlines()) == 2
    ringmail("user", "add", "юля@bücher.example", "--scheme", "ARGON2ID", stdin="x\n")
    assert ringmail("user", "list", "example.org").split() == ["anna@example.org", "5G", "1000", "{BLF-CRYPT}"]


def test_batch_is_all_or_nothing(ringmail):
    ringmail("domain", "add", "example.org")
    lines = "# a comment\n\nu1@example.org {PLAIN}one\nu2@example.org\ttwo words\n"
    ringmail("user", "add", "--batch", "--scheme", "PLAIN", stdin=lines)
    assert len(json.loads(ringmail("user", "list", "--json"))) == 2
    wrong = ringmail("user", "add", "--batch", "--scheme", "PLAIN", expect=REFUSED,
                     stdin="u3@example.org x\nu1@example.org again\n")
    assert "line 2: u1@example.org" in wrong
    assert len(json.loads(ringmail("user", "list", "--json"))) == 2
    ringmail("user", "add", "--batch", stdin="u4@example.org\n", expect=USAGE)
    ringmail("user", "add", "--batch", "u4@example.org", stdin="u4@example.org x\n", expect=USAGE)


def test_lines_of_a_batch_have_a_limit(ringmail):
    """CONTROL_LINE_SIZE_MAX, line end and NUL included: what is longer is not two lines."""
    ringmail("domain", "add", "example.org")
    line = "#" + "x" * (4096 - 3) + "\n"
    ringmail("user", "add", "--batch", "--scheme", "PLAIN", stdin=line + "u1@example.org x\n")
    wrong = ringmail("user", "add", "--batch", "--scheme", "PLAIN", expect=USAGE,
                     stdin="u2@example.org x\n#" + "x" * (4096 - 2) + " u3@example.org x\n")
    assert "line 2 is too long" in wrong
    assert ringmail("user", "list").split()[0] == "u1@example.org"
    assert "u2@" not in ringmail("user", "list") and "u3@" not in ringmail("user", "list")


def test_prompts(ringmail):
    ringmail("domain", "add", "example.org")
    shown, code = ringmail.on_terminal(["user", "add", "anna@example.org", "--scheme", "PLAIN"], ["geheim", "geheim"])
    assert code == DONE and "Password for anna@example.org:" in shown and "geheim" not in shown
    shown, code = ringmail.on_terminal(["user", "password", "anna@example.org"], ["geheim", "anders"])
    assert code == USAGE and "differ" in shown
    assert json.loads(ringmail("user", "list", "--json"))[0]["scheme"] == "{PLAIN}"


def test_hash(ringmail):
    first, second = ringmail("hash", stdin="x\n"), ringmail("hash", stdin="x\n")
    assert first.startswith("{BLF-CRYPT}$2y$") and first != second
    assert ringmail("hash", "--scheme", "plain", stdin="x\n") == "{PLAIN}x\n"


def test_configuration(ringmail, tmp_path):
    assert "is fine" in ringmail("config", "check")
    assert "mail_home" in ringmail("config", "show")
    assert json.loads(ringmail("config", "show", "--json"))["directory"]["mail_home"]["value"].startswith(str(tmp_path))
    assert "# " in ringmail("config", "show", "--defaults")
    ringmail.config.write_text("directory.pth = \"x\";\n")
    assert "path" in ringmail("config", "check", expect=TROUBLE)
    ringmail.config.unlink()
    ringmail("user", "list", expect=TROUBLE)


def test_folders_to_learn_from_have_a_limit(tmp_path):
    """DEPTH_MAX (control/spam.c): folders in folders."""
    ringmail = Command(tmp_path, [f'directory.path = "{tmp_path}/directory.sqlite";',
                                  f'spam.rules.learn_path = "{tmp_path}/learned";'])
    depth = 16
    deep = tmp_path / "mail"
    for level in range(1, depth):
        deep = deep / str(level)
    deep.mkdir(parents=True)
    (deep / "one").write_text("Subject: x\n\nbuy this now\n")
    assert "learned 1, known before 0, skipped 0" in ringmail("spam", "learn", "spam", str(tmp_path / "mail"))
    (deep / "deeper").mkdir()
    wrong = ringmail("spam", "learn", "spam", str(tmp_path / "mail"), expect=TROUBLE)
    assert "too many folders in each other" in wrong


def test_versions():
    """Both programs say their name and version, without a configuration."""
    for program in ("ringmail", "ringmaild"):
        done = subprocess.run([PROGRAM.with_name(program), "--version"], text=True, stdout=subprocess.PIPE, check=True)
        assert re.fullmatch(program + r" \d+\.\d+\n", done.stdout)
