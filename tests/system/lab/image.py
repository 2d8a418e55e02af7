# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system of its own in a file: mounted through a loop device, or a tmpfs.

`held_back` keeps the kernel from writing dirty pages back on its own, so that what the disk would
have after a power cut is exactly what somebody flushed, and the backing file shows it.
"""
import contextlib
import os
import pathlib
import subprocess

import pytest

from lab import wait


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}"
    return done.stdout


class Image:
    def __init__(self, path, mountpoint, size_mib):
        self.path = pathlib.Path(path)
        self.mountpoint = pathlib.Path(mountpoint)
        self.mounted = False
        with open(self.path, "wb") as file:
            file.truncate(size_mib << 20)
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", str(self.path))
        self.mountpoint.mkdir(parents=True, exist_ok=True)

    def mount(self):
        # A commit interval of an hour: nothing reaches the journal of ext4 that nobody asked for.
        done = subprocess.run(["mount", "-o", "loop,commit=3600", str(self.path), str(self.mountpoint)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode != 0:
            pytest.skip(f"cannot mount a loop device here: {done.stdout.strip()}")
        self.mounted = True
        return self

    def flush(self):
        run("sync", "-f", str(self.mountpoint))

    def unmount(self):
        """Also where somebody still holds it: then it goes with its last user, and that is an error."""
        if not self.mounted:
            return
        self.mounted = False
        try:
            wait.until(lambda: subprocess.run(["umount", str(self.mountpoint)], stderr=subprocess.DEVNULL,
                                              timeout=60).returncode == 0, 5, "nobody uses the image", pause=0.1)
        except AssertionError:
            run("umount", "--lazy", str(self.mountpoint))
            raise

    def device(self):
        return run("findmnt", "-n", "-o", "SOURCE", str(self.mountpoint)).strip()

    def writes(self):
        """How many writes the device has seen since it was set up."""
        return int(pathlib.Path(f"/sys/block/{os.path.basename(self.device())}/stat").read_text().split()[4])

    def copy(self, path):
        """What the disk holds now, while nobody writes to it."""
        before = self.writes()
        run("cp", "--sparse=always", str(self.path), str(path))
        assert self.writes() == before, "somebody wrote to the disk while it was copied"

    def take(self, path):
        """From the next mount on, the disk is this copy."""
        assert not self.mounted
        os.replace(path, self.path)

    def check(self):
        """The file system itself must survive; ext4 replays its journal here."""
        done = subprocess.run(["e2fsck", "-p", str(self.path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        assert done.returncode in (0, 1), done.stdout


HELD = {"dirty_writeback_centisecs": "0", "dirty_expire_centisecs": "360000", "dirty_background_ratio": "80",
        "dirty_ratio": "90"}


@contextlib.contextmanager
def held_back():
    """No kernel write-back of its own accord; the machine's settings come back at the end."""
    directory = pathlib.Path("/proc/sys/vm")
    before = {}
    try:
        for name, value in HELD.items():
            before[name] = (directory / name).read_text().strip()
            (directory / name).write_text(value)
    except OSError as reason:
        restore(directory, before)
        pytest.skip(f"cannot hold back the kernel's write-back: {reason}")
    try:
        yield
    finally:
        restore(directory, before)


def restore(directory, before):
    for name, value in before.items():
        with contextlib.suppress(OSError):
            (directory / name).write_text(value)
