# SPDX-License-Identifier: GPL-3.0-or-later
"""sieve-connect, a real client of ManageSieve, and the folders that scripts lie in."""
import os
import shutil
import subprocess

PASSWORD = "secret"


def available():
    return shutil.which("sieve-connect") is not None


class Client:
    """Runs one command a connection; `authority` is the CA file: with it TLS is required and checked."""

    def __init__(self, port, user, authority=None, mechanism="PLAIN"):
        self.user = user
        self.command = ["sieve-connect", "--server", "localhost", "--4", "--port", str(port), "--user", user,
                        "--authmech", mechanism, "--passwordfd", "0"]
        self.command += ["--tlscafile", str(authority), "--noclearchan"] if authority else ["--clearchan"]

    def __call__(self, *arguments, password=PASSWORD, ok=True):
        done = subprocess.run([*self.command, *map(str, arguments)], input=password + "\n", text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if ok:
            assert done.returncode == 0, f"{arguments}: {done.stdout}"
        else:
            assert done.returncode != 0 or "fail" in done.stdout.lower(), f"{arguments}: {done.stdout}"
        return done.stdout

    def upload(self, path, name, ok=True):
        return self("--localsieve", path, "--remotesieve", name, "--upload", ok=ok)

    def activate(self, name):
        return self("--remotesieve", name, "--activate")

    def scripts(self):
        """({names}, the active one or None)"""
        names, active = set(), None
        for line in self("--list").splitlines():
            if not line.startswith('"'):
                continue
            name, _, rest = line[1:].partition('"')
            names.add(name)
            active = name if "ACTIVE" in rest else active
        return names, active

    def download(self, name, path):
        self("--remotesieve", name, "--localsieve", path, "--download")
        return path.read_text()


def home(instance, address):
    return instance.maildir(address).parent


def put(instance, address, text, name="main"):
    """An active script, as another program would leave it."""
    folder = home(instance, address) / "sieve"
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{name}.new"
    new.write_text(text)
    new.rename(folder / f"{name}.sieve")
    link = home(instance, address) / ".dovecot.sieve"
    if link.is_symlink():
        link.unlink()
    link.symlink_to(f"sieve/{name}.sieve")
    owner = os.stat(instance.store)
    for path in (folder.parent.parent, folder.parent, folder, folder / f"{name}.sieve"):
        os.chown(path, owner.st_uid, owner.st_gid)
