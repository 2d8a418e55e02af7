# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away Ringmail, run through tools/instance, whose printed key=value lines become attributes.

RINGMAIL_INSTANCE names another program with the same interface, RINGMAIL_BUILD another build profile
(say build/address-undefined) whose binaries tools/instance then takes.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import urllib.request

from lab import imap, ports, smtp, wait

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOOL = os.environ.get("RINGMAIL_INSTANCE", str(ROOT / "tools" / "instance"))
BUILD = ROOT / os.environ.get("RINGMAIL_BUILD", "build/release")
os.environ["RINGMAIL_BUILD"] = str(BUILD)
SANITIZED = BUILD.name != "release"  # everything is slower, memory says nothing
DOMAIN = "example.org"
PASSWORD = "secret"
START_MAX_S = 60
COMPLAINT = re.compile(r"^.*(?:ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|event=assertion|(?:error|kind)=bug).*$", re.M)
STOP_MAX_S = 30


def account(number):
    return f"user{number:04d}@{DOMAIN}"


def thread_states(pid):
    states = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):  # the thread has just ended
            states.append(task.read_text().rpartition(")")[2].split()[0])
    return states


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
            for child in task.read_text().split()]


class Instance:
    def __init__(self, directory, database="sqlite", users=10, cores=2, settings=None):
        self.directory = pathlib.Path(directory)
        self.database = database
        self.users = users
        self.cores = cores
        # Clients talk in clear over the loopback, and nobody judges mail that has next to no header, unless the test is
        # about just that.
        self.settings = {"imap.plaintext_login": "on", "spam.engine": "none", **(settings or {})}
        self.port_base = ports.take_block()
        self.handed_out = 0
        self.pid = None

    def fresh_account(self):
        """The address of an account that was not asked for yet."""
        self.handed_out += 1
        assert self.handed_out <= self.users, "make the instance with more users"
        return account(self.handed_out)

    def start(self):
        command = [TOOL, "start", str(self.directory), "--database", self.database, "--users", str(self.users),
                   "--port-base", str(self.port_base), "--cores", str(self.cores)]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, timeout=START_MAX_S)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}{self.log_tail()}"
        for line in done.stdout.splitlines():
            key, mark, value = line.partition("=")
            if mark and key.isidentifier():
                value = value.strip("'\"")
                setattr(self, key, int(value) if value.isdigit() else value)
        if "directory.mail_home" in self.settings:
            self.store = self.settings["directory.mail_home"].partition("/%d")[0]
        return self

    def stop(self):
        self._tool("stop")
        self.pid = None

    def crash(self):
        """kill -9, and gone when this returns."""
        self._tool("crash")
        self.pid = None

    def signal(self, number):
        os.kill(self.pid, number)

    def freeze(self):
        """SIGSTOP; returns when every thread of it and of its children has stopped."""
        processes = [self.pid]
        for pid in processes:  # grows while it is walked
            os.kill(pid, signal.SIGSTOP)
            wait.until(lambda: set(thread_states(pid)) <= {"T", "Z"}, 10, "the server stops")
            processes += children(pid)

    def is_running(self):
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, TypeError):
            return False
        return "Z" not in thread_states(self.pid)[:1]

    def _tool(self, verb):
        done = subprocess.run([TOOL, verb, str(self.directory)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, stdin=subprocess.DEVNULL, timeout=STOP_MAX_S)
        assert done.returncode == 0, f"{TOOL} {verb}: {done.stdout}{self.log_tail()}"

    def log_tail(self, lines=12):
        text = ""
        for path in sorted(self.directory.glob("*.log")):
            text += f"\n--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
        return text

    def sockets(self):
        """How many it holds. (Files are another matter: mailboxes stay open for the next time.)"""
        count = 0
        for entry in os.scandir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(entry.path).startswith("socket:")
        return count

    def complaints(self):
        """What a healthy server never writes: a sanitizer's report, a failed assertion, a `bug`."""
        text = "\n".join(path.read_text(errors="replace") for path in sorted(self.directory.glob("ringmaild.log")))
        return [text[found.start():found.start() + 3000] for found in COMPLAINT.finditer(text)][:3]

    # --- its files ---------------------------------------------------------------------------------
    def maildir(self, address):
        user, _, domain = address.partition("@")
        return pathlib.Path(self.store) / domain / user / "Maildir"

    # --- its services ------------------------------------------------------------------------------
    def tls(self):
        context = ssl.create_default_context(cafile=self.ca_cert)
        context.check_hostname = False
        return context

    def smtp(self, **options):
        return smtp.Smtp("127.0.0.1", self.smtp_port, **options)

    def imap(self, address=None, password=PASSWORD, **options):
        client = imap.Imap("127.0.0.1", self.imap_port, **options)
        if address:
            client.login(address, password)
        return client

    def admin(self, path, method="GET"):
        request = urllib.request.Request(self.admin_url.rstrip("/") + path, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.read().decode()

    def stats(self):
        return json.loads(self.admin("/stats"))

    def metrics(self):
        """Prometheus text as {name or name{labels}: value}."""
        values = {}
        for line in self.admin("/metrics").splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values

    def control(self, *arguments, check=True, stdin=None):
        """Runs `ringmail --config …` of the same build."""
        command = [str(BUILD / "ringmail"), "--config", str(self.config), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, input=stdin,
                              timeout=60)
        if check:
            assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done
