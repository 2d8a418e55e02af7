# SPDX-License-Identifier: GPL-3.0-or-later
"""The world's names: Knot serves the zones, signed where asked, and a validating Unbound answers for them.

    names = dns.Names(directory).start()
    names.publish({"good.test": {"@": ["MX 10 mx1"], "mx1": ["A 127.0.0.5"]}})
    names.publish({"other.test": {...}}, how="bogus")

A zone is "signed" (with NSEC3, keys made on the spot, Unbound has its trust anchor), "insecure" (not
signed), "bogus" (signed, but by another key than the anchor says) or "expired" (its signatures are).
Zones that were published before stay; one of the same name takes the place of the old. Names that no
zone has do not exist: the root is ours, too, so no question leaves the machine.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from lab import ports, wait

TTL = 1
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

KNOT = """
server:
    rundir: {dir}/run
    pidfile: {dir}/run/knot.pid
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: {dir}/run/knot.sock
database:
    storage: {dir}/knot
log:
  - target: {dir}/knot.log
    any: info
policy:
  - id: sign
    algorithm: ecdsap256sha256
    single-type-signing: on
    nsec3: on
    nsec3-iterations: 0
    nsec3-salt-length: 0
zone:
"""
UNBOUND = """
server:
    directory: "{dir}"
    chroot: ""
    username: ""
    pidfile: "{dir}/run/unbound.pid"
    interface: 127.0.0.1@{port}
    port: {port}
    do-ip6: no
    do-daemonize: no
    use-syslog: no
    logfile: "{dir}/unbound.log"
    verbosity: 1
    val-log-level: 2
    do-not-query-localhost: no
    module-config: "validator iterator"
    cache-max-ttl: 1
    cache-max-negative-ttl: 1
    infra-host-ttl: 1
    val-bogus-ttl: 1
    unblock-lan-zones: yes
    insecure-lan-zones: yes
    local-zone: "test." nodefault
    local-zone: "invalid." nodefault
    local-zone: "127.in-addr.arpa." nodefault
    num-threads: 1
    edns-buffer-size: 1232
    max-udp-size: 1232
remote-control:
    control-enable: no
stub-zone:
    name: "."
    stub-addr: 127.0.0.1@{authority}
"""


def available():
    return all(shutil.which(name, path=PATH) for name in ("knotd", "unbound", "kzonesign"))


def idna(name):
    """The zone file wants A-labels."""
    return ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in name.split("."))


class Names:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.authority_port = ports.take_block()  # Knot's
        self.port = self.authority_port + 1       # Unbound's: who asks, asks here
        self.zones = {".": "insecure"}            # name: how
        self.serial = 1
        self.serials = {}
        self.anchors = {}
        self.processes = []

    # --- life --------------------------------------------------------------------------------------
    def start(self):
        for folder in ("run", "knot", "zones"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        self._write_zone(".", {"@": [f"SOA ns. root. 1 {TTL} {TTL} 3600 {TTL}"], "ns": ["A 127.0.0.1"]})
        self._configure()
        self._spawn("knotd", "-c", str(self.directory / "knot.conf"))
        wait.until(lambda: self.status(".", port=self.authority_port) == "NOERROR", 10, "Knot answers")
        self._spawn("unbound", "-d", "-c", str(self.directory / "unbound.conf"))
        wait.until(lambda: self.status("ns.", "A") == "NOERROR", 10, "Unbound answers")
        return self

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self.processes = []

    def _spawn(self, name, *arguments):
        program = shutil.which(name, path=PATH)
        with open(self.directory / f"{name}.out", "ab") as out:
            self.processes.append(subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out))

    def _run(self, name, *arguments):
        program = shutil.which(name, path=PATH)
        done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
        assert done.returncode == 0, f"{name} {' '.join(map(str, arguments))}: {done.stdout}"
        return done.stdout

    # --- zones -------------------------------------------------------------------------------------
    def publish(self, zones, how="signed"):
        """{zone: {name within it: [records without TTL and class]}}; answered when this returns."""
        for name, records in zones.items():
            name = idna(name)
            self._write_zone(name, records)
            self.zones[name] = how
            self.anchors.pop(name, None)
            if how == "expired":
                self.anchors[name] = self._sign_long_ago(name)
        self._configure()
        control = ("-c", self.directory / "knot.conf")
        self._run("knotc", *control, "--blocking", "reload")
        for name in map(idna, zones):
            wait.until(lambda: self._serves(name), 10, f"Knot serves {name}")
            if how == "signed":
                self.anchors[name] = self._anchor(name, self.directory / "knot.conf")
            elif how == "bogus":  # the parent knows another key
                self.anchors[name] = f"{name}. DS 4711 13 2 {os.urandom(32).hex()}"
        self._configure()
        self.processes[1].send_signal(signal.SIGHUP)  # Unbound reads again and forgets all
        for name in map(idna, zones):
            wanted = "SERVFAIL" if how in ("bogus", "expired") else "NOERROR"
            wait.until(lambda: self.status(name) == wanted, 15, f"Unbound answers for {name} ({how})")

    def _write_zone(self, name, records):
        self.serial += 1
        self.serials[name] = self.serial
        origin = "." if name == "." else f"{name}."
        lines = [f"$ORIGIN {origin}", f"$TTL {TTL}"]
        if name != ".":
            lines += [f"@ SOA ns hostmaster {self.serial} 3600 600 86400 {TTL}", "@ NS ns", "ns A 127.0.0.1"]
        else:
            lines += ["@ NS ns."]
        for owner, entries in records.items():
            for entry in [entries] if isinstance(entries, str) else entries:
                lines.append(f"{idna(owner)} {entry}")
        self._zone_file(name).write_text("\n".join(lines) + "\n")

    def _zone_file(self, name):
        return self.directory / "zones" / f"{'root' if name == '.' else name}.zone"

    def _configure(self):
        text = KNOT.format(dir=self.directory, port=self.authority_port)
        for name, how in self.zones.items():
            text += f"  - domain: {name}\n    file: {self._zone_file(name)}\n    zonefile-sync: -1\n    zonefile-load: whole\n"
            text += "    journal-content: none\n"
            if how in ("signed", "bogus"):
                text += "    dnssec-signing: on\n    dnssec-policy: sign\n"
        (self.directory / "knot.conf").write_text(text)
        text = UNBOUND.format(dir=self.directory, port=self.port, authority=self.authority_port)
        for name in self.zones:
            if name != ".":
                text += f"stub-zone:\n    name: \"{name}\"\n    stub-addr: 127.0.0.1@{self.authority_port}\n"
        if self.anchors:
            text += "server:\n" + "".join(f"    trust-anchor: \"{anchor}\"\n" for anchor in self.anchors.values())
        (self.directory / "unbound.conf").write_text(text)

    def _serves(self, name):
        """Its newest version? Signing may have raised the serial further."""
        answer = self.dig(name, "SOA", self.authority_port)[1]
        return bool(answer) and int(answer[0].split()[6]) >= self.serials[name]

    def _anchor(self, name, config):
        for line in self._run("keymgr", "-c", config, f"{name}.", "ds").splitlines():
            if " DS " in line and line.split()[-2] == "2":
                return line
        raise AssertionError(f"no key for {name}")

    def _sign_long_ago(self, name):
        """Signatures that ended weeks ago, by a key that Unbound trusts."""
        apart = self.directory / "expired" / name
        (apart / "knot").mkdir(parents=True, exist_ok=True)
        text = KNOT.format(dir=apart, port=self.authority_port) + f"  - domain: {name}\n    file: {self._zone_file(name)}\n"
        (apart / "knot.conf").write_text(text + "    dnssec-signing: on\n    dnssec-policy: sign\n")
        control = ("-c", apart / "knot.conf")
        then = "-60d"
        self._run("keymgr", *control, f"{name}.", "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes",
                  *(f"{event}={then}" for event in ("created", "publish", "ready", "active")))
        self._run("kzonesign", *control, f"--time={int(time.time()) - 50 * 86400}", f"{name}.")
        return self._anchor(name, apart / "knot.conf")

    # --- questions ---------------------------------------------------------------------------------
    def dig(self, name, kind, port=None):
        """(status, records of the answer as text); status "" where nobody answers."""
        done = subprocess.run(["dig", "@127.0.0.1", "-p", str(port or self.port), "+tries=1", "+time=2", "+noall", "+comments",
                               "+answer", "+dnssec", idna(name), kind], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        status = re.search(r"status: (\w+)", done.stdout)
        answer = [line for line in done.stdout.splitlines() if line and not line.startswith(";")]
        return (status[1] if status else "", answer, " ad" in done.stdout.partition("flags:")[2].partition(";")[0])

    def status(self, name, kind="SOA", port=None):
        return self.dig(name, kind, port)[0]
