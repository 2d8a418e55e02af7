# SPDX-License-Identifier: GPL-3.0-or-later
"""Pigeonhole and we, asked the same: the same script over the same mail gives the same actions."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("RINGMAIL_BUILD", "build/release") / "ringmail"
CASES = ROOT / "tests/unit/filter/sieve/cases"
# What Pigeonhole 0.5.19 does another way, or does not know by itself: why.
DIFFERENT = {
    "more than ten actions": "its limit is 32",
    "actions have a limit": "ours are 10 in the unit test",
    "envelope auth": "no such extension by itself",
    "special-use": "asks real mailboxes", "mailbox ": "asks real mailboxes",
    "duplicate (": "asks its own memory", "environment": "another name, another host",
    "spamtest": "needs settings", "currentdate": "the time is now",
    "date (": "another time zone", "what nobody can answer": "not known",
    "redirect-dsn": "not known", "i;unicode-casemap": "not known",
    "vacation with a copy": "needs real mailboxes",
    "ereject": "not known", "date: no such part": "it lets any part through, which matches nothing",
    "body :text is": "what is left of HTML is everybody's own",
    "editheader (": "takes a list where RFC 5293 has a string", "editheader: no two": "folds them",
    "regex: unicode-casemap": "not known", "regex: a character is no byte": "bytes",
    "regex: back-references": "it has them", "set :quoteregex": "not known to 0.5.19",
    "regex: what is none, with variables": "does not match, and goes on",
    "include :optional, a global one": "dies of one that is not there",
    "enotify": "looks at the mail's Auto-Submitted, and prints otherwise",
}
# Extensions that its defaults leave out, or that the command line must name.
EXTENSIONS = "+editheader +vacation-seconds"

pytestmark = pytest.mark.skipif(not shutil.which("sieve-test"), reason="dovecot-sieve is not installed")


def cases():
    for path in sorted(CASES.glob("*.case")):
        mail, title, script, others = "", None, "", {}
        for part in re.split(r"^(?=== |-- )", path.read_text(), flags=re.M):
            head, _, body = part.partition("\n")
            if head == "-- mail":
                mail = body
            elif head.startswith(("-- personal ", "-- global ")):
                _, place, name = head.split(" ", 2)
                others[f"{place}/{name}.sieve"] = body
            elif head.startswith("== "):
                title, script = head[3:], body
            elif head == "-- expect" and not any(title.startswith(name) for name in DIFFERENT):
                yield pytest.param(script, mail, others, body, id=f"{path.stem}: {title}")


NOBODY = 65534


@pytest.fixture
def room():
    """A folder that nobody can reach: Pigeonhole does not work for root."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sieve-peer-"))
    yield path
    shutil.rmtree(path)


def peer(script, mail, others, room):
    """What Pigeonhole would do: a set of (action, target), or None where the script is wrong or fails."""
    (room / "mail").write_bytes(mail.replace("\n", "\r\n").encode())
    (room / "script.sieve").write_text(script)
    for place in ("personal", "global"):
        (room / place).mkdir()
    for path, text in others.items():
        (room / path).write_text(text)
    uid, gid = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    (room / "dovecot.conf").write_text(f"""
mail_location = maildir:{room}/Maildir
mail_home = {room}
mail_uid = {uid}
mail_gid = {gid}
base_dir = {room}
log_path = /dev/stderr
ssl = no
plugin {{
  sieve_extensions = {EXTENSIONS}
  sieve = file:{room}/personal;active={room}/active.sieve
  sieve_global = {room}/global
}}
""")
    for path in (room, *room.rglob("*")):
        os.chown(path, uid, gid)
    as_nobody = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(["sieve-test", "-c", "dovecot.conf", "-f", "coyote@desert.example.org",
                           "-a", "roadrunner+box@acme.example.com", "-r", "roadrunner+box@acme.example.com",
                           "-C", "script.sieve", "mail"], cwd=room, env={"HOME": str(room), "PATH": os.environ["PATH"]},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False, **as_nobody)
    assert done.returncode == 0 or "failed" in done.stderr, done.stderr
    if done.returncode:
        return None
    actions = set()
    for line in done.stdout.splitlines():
        if found := re.match(r" \* (store message in folder|redirect message to|reject message|discard|send vacation message):?(.*)", line):
            actions.add((found[1].split()[0], found[2].strip(" :<>")))
    return {(verb, target if verb in ("store", "redirect") else "") for verb, target in actions}


def ours(expected):
    """The same of the lines that the unit test expects."""
    if expected.startswith(("line ", "failed: ")):
        return None
    actions = set()
    for line in expected.splitlines():
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        plain = re.sub(r"\\(.)", r"\1", strings[-1]) if strings else ""
        verb = line.split(" ")[0]
        if verb == "keep":
            actions.add(("store", "INBOX"))
        elif verb == "fileinto":
            actions.add(("store", plain))
        elif verb == "redirect":
            actions.add(("redirect", plain))
        elif verb in ("reject", "ereject"):
            actions.add(("reject", ""))
        elif verb == "vacation":
            actions.add(("send", ""))
        elif verb == "discard":
            actions.add(("discard", ""))
    return actions


@pytest.mark.parametrize("script, mail, others, expected", cases())
def test_pigeonhole_agrees(script, mail, others, expected, room):
    theirs, mine = peer(script, mail, others, room), ours(expected)
    if mine is None or theirs is None:
        assert mine == theirs
        return
    # It says nothing of a discard beside a keep; nor do we need to.
    if len(mine) > 1:
        mine.discard(("discard", ""))
    theirs.discard(("discard", ""))
    assert mine - {("discard", "")} == theirs


def test_our_command_says_the_same_as_the_cases(tmp_path):
    """`ringmail sieve test` and `check`, as an operator types them."""
    script, mail = tmp_path / "a.sieve", tmp_path / "mail"
    script.write_text('require ["fileinto", "envelope"];\nif envelope "from" "a@x.org" { fileinto "Lists"; }\n')
    mail.write_text("Subject: x\n\nbody\n")

    def run(*words):
        return subprocess.run([str(PROGRAM), "sieve", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=30, check=False)
    assert run("test", "--from", "a@x.org", str(script), str(mail)).stdout == 'fileinto "Lists"\n'
    assert run("test", "--from", "b@x.org", str(script), str(mail)).stdout == "keep (implicit)\n"
    mail.write_text("Return-Path: <a@x.org>\nSubject: x\n\nbody\n")
    assert run("test", str(script), str(mail)).stdout == 'fileinto "Lists"\n'
    assert run("check", str(script)).returncode == 0
    (tmp_path / "lib.sieve").write_text('require "fileinto";\nfileinto "Library";\n')
    script.write_text('require "include";\ninclude "lib"; include :optional "none"; include :once "lib";\n')
    assert run("test", str(script), str(mail)).stdout == 'fileinto "Library"\n'
    script.write_text('keep;\nfileinto "x";\n')
    done = run("check", str(script))
    assert done.returncode == 1
    assert done.stderr == f'ringmail: {script}:2: "fileinto" needs: require "fileinto";\n'
    assert run("test", str(tmp_path / "none"), str(mail)).returncode == 1
