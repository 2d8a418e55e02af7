# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail servers that Debian lets nobody install side by side, each in a small root of its own.

`tools/bootstrap test` unpacks their packages under build/unpacked; here their files, the libraries they
need and the few files every program expects are put into a directory, where they run after chroot. No
account is added to the system and no path of it is written: passwd and group are the root's own.
"""
import os
import pathlib
import re
import shutil
import stat
import subprocess

from lab.instance import ROOT

UNPACKED = ROOT / "build" / "unpacked"
USERS = {"root": 0, "daemon": 1, "mail": 8, "nobody": 65534}


def available(package):
    return os.geteuid() == 0 and (UNPACKED / package).is_dir()


def libraries(program):
    done = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return set(re.findall(r"(/[^\s]+) \(0x", done.stdout))


class Root:
    """A directory to chroot into: packages laid out, programs with what they link against, users."""

    def __init__(self, directory, packages, programs, users):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        for parent in (self.directory, *self.directory.parents):  # pytest's directories are 0700
            if len(parent.parts) > 2 and parent.owner() == "root":
                parent.chmod(parent.stat().st_mode | 0o011)
        self.directory.chmod(0o755)
        for folder in ("bin", "lib", "lib64", "usr/bin", "usr/sbin", "usr/lib", "etc", "dev", "tmp", "run", "var/spool", "var/log", "mail"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        (self.directory / "tmp").chmod(0o1777)
        for package in packages:
            shutil.copytree(UNPACKED / package, self.directory, symlinks=True, dirs_exist_ok=True)
        for program in programs:
            self.add(program)
        (self.directory / "var/run").symlink_to("../run")
        self._etc({**USERS, **users})
        for name, number in (("null", 3), ("urandom", 9), ("random", 8), ("zero", 5)):
            try:
                os.mknod(self.directory / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, number))
            except PermissionError:  # a container that may not: only null is ever opened, and nothing is read from it
                (self.directory / "dev" / name).touch()
            (self.directory / "dev" / name).chmod(0o666)

    def path(self, inside):
        return self.directory / inside.lstrip("/")

    def add(self, program):
        """The program (from a package that was laid out, or else of the system) and its libraries."""
        there = self.path(program)
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(program, there)
        for library in libraries(there):
            self.path(library).parent.mkdir(parents=True, exist_ok=True)
            if not self.path(library).exists():
                shutil.copy2(library, self.path(library))

    def write(self, inside, content, mode=0o644):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def _etc(self, users):
        self.write("/etc/passwd", "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in users.items()))
        self.write("/etc/group", "".join(f"{name}:x:{number}:\n" for name, number in users.items()))
        self.write("/etc/hosts", "127.0.0.1 localhost\n")
        self.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n")
        self.write("/etc/services", "smtp 25/tcp\nsubmission 587/tcp\ndomain 53/udp\ndomain 53/tcp\n")
        self.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.write("/etc/mailname", "localhost\n")

    def spawn(self, *command, out):
        """Runs it inside; a child of this process in a session of its own."""
        with open(out, "ab") as file:
            return subprocess.Popen(["chroot", str(self.directory), *command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                    start_new_session=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LANG": "C.UTF-8"})
