# SPDX-License-Identifier: GPL-3.0-or-later
"""The load generator counts as others count: smtp-sink, a server of another make, sees from ringload what it sees from
smtp-source, and what ringload sent is found again, checksum for checksum, by ringload."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from lab import instance as instances
from lab import ports, wait

BUILD = instances.ROOT / os.environ.get("RINGMAIL_BUILD", "build/release")
RINGLOAD = BUILD / "ringload"
MESSAGES = 400


def ringload(tmp_path, scenario, *settings, expect=0):
    file = tmp_path / "scenario.load"
    file.write_text(scenario)
    out = tmp_path / "result.json"
    done = subprocess.run([RINGLOAD, "--quiet", "--json", out, "--csv", tmp_path / "result.csv",
                           "--html", tmp_path / "result.html", file, *settings],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == expect, done.stdout
    return json.loads(out.read_text())


class Sink:
    """smtp-sink, which prints how many sessions and messages it took when it is ended."""

    def __init__(self, *options):
        self.port = ports.take_block()
        user = ["-u", "postfix"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(["smtp-sink", *user, "-c", *options, f"127.0.0.1:{self.port}", "100"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait.until(lambda: not ports.is_free(self.port), 10, "smtp-sink to listen")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        text, _ = self.process.communicate(timeout=60)
        counts = re.findall(r"(\w+)=(\d+)", text.replace("\r", "\n"))
        return {name: int(value) for name, value in counts}


needs_sink = pytest.mark.skipif(not shutil.which("smtp-sink"), reason="postfix's smtp-sink is not installed")

FLOW = """
warmup 0s
duration 60s
count {count}
flow smtp
protocol smtp
port {port}
connections 8
size 4k
users user%04d@example.org 1-50
"""


@needs_sink
def test_a_sink_counts_what_ringload_and_smtp_source_say_they_sent(tmp_path):
    sink = Sink()
    result = ringload(tmp_path, FLOW.format(count=MESSAGES, port=sink.port))
    mine = sink.end()
    sink = Sink()
    subprocess.run(["smtp-source", "-s", "8", "-m", str(MESSAGES), "-l", "4096", "-d", f"127.0.0.1:{sink.port}"],
                   check=True, timeout=120)
    theirs = sink.end()
    flow = result["flows"][0]
    assert flow["accepted"] == flow["done"] == flow["phases"]["accept"]["count"] == MESSAGES
    assert flow["failed"] == 0
    assert mine["mesg"] == theirs["mesg"] == MESSAGES


@needs_sink
def test_refusals_are_counted_by_reply(tmp_path):
    sink = Sink("-r", "RCPT")  # 450 to every RCPT
    result = ringload(tmp_path, FLOW.format(count=20, port=sink.port), "duration=5s", expect=1)
    counts = sink.end()
    flow = result["flows"][0]
    assert flow["done"] == 0 and flow["accepted"] == 0
    assert flow["failed"] == 20
    assert sum(flow["failures"].values()) == 20
    assert all(reply.startswith("450") for reply in flow["failures"])
    assert counts.get("mesg", 0) == 0


@needs_sink
def test_a_ramp_narrows_while_the_target_is_missed(tmp_path):
    sink = Sink()
    points = ringload(tmp_path, FLOW.format(count=0, port=sink.port), "rate=40", "duration=500ms", "target=p99 1us")["ramp"]
    sink.end()
    assert len(points) >= 4
    assert not any(point["kept"] for point in points)
    assert all(after["rate"] == before["rate"] / 2 for before, after in zip(points, points[1:]))


def test_nothing_listens(tmp_path):
    result = ringload(tmp_path, FLOW.format(count=3, port=ports.take_block()), "duration=3s", expect=1)
    assert result["flows"][0]["failed"] >= 1
    assert result["flows"][0]["done"] == 0


def test_targets_beyond_loopback_are_refused(tmp_path):
    file = tmp_path / "far.load"
    file.write_text("flow smtp\nprotocol smtp\nhost 192.0.2.1\n")
    done = subprocess.run([RINGLOAD, file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--any-address" in done.stderr


def test_what_was_sent_is_found_again(make_instance, tmp_path):
    server = make_instance(users=10)
    users = "users user%04d@example.org 1-10\n"
    sent = ringload(tmp_path, f"duration 60s\nwarmup 0s\ncount 300\nflow smtp\nprotocol smtp\nport {server.smtp_port}\n"
                    f"connections 10\nsize 1k-40k\n{users}flow put\nprotocol imap\nport {server.imap_port}\n"
                    f"connections 4\nsize 2k\n{users}step append @append INBOX\n", "--server", str(server.pid))
    stored = sum(flow["accepted"] for flow in sent["flows"])
    assert stored == 300
    assert sent["server"]["user_s"] + sent["server"]["system_s"] > 0
    assert sent["server"]["memory"] > 1 << 20
    found = ringload(tmp_path, f"duration 60s\nwarmup 0s\ncount 10\nflow fetch\nprotocol imap\nport {server.imap_port}\n"
                     f"connections 10\nper-connection 1\n{users}step select SELECT INBOX\n"
                     "step fetch @verify FETCH 1:* BODY.PEEK[]\n")["flows"][0]
    assert found["damaged"] == 0 and found["foreign"] == 0
    assert found["good"] == 300


def test_an_open_loop_counts_from_the_intended_start(make_instance, tmp_path):
    server = make_instance(users=10)
    result = ringload(tmp_path, f"duration 2s\nwarmup 0s\nrate 200\nflow smtp\nprotocol smtp\nport {server.smtp_port}\n"
                      "connections 10\nsize 2k\n")["flows"][0]
    assert 360 <= result["done"] <= 400
    page = (tmp_path / "result.html").read_text()
    assert "@DATA@" not in page and '"scenario"' in page
    rows = (tmp_path / "result.csv").read_text().splitlines()
    assert rows[0].startswith("scenario,flow,phase") and any(",accept," in row for row in rows)
