# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Dovecot on a scratch directory, to make the mailboxes that Ringmail takes over."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from lab import imap, ports, wait

CONFIG = """
base_dir = {run}
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = {protocols}
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{dir}/store/%d/%n/Maildir
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 0
mail_fsync = {fsync}
mail_max_userip_connections = 1000
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/store/%d/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}
"""


def available():
    return shutil.which("dovecot") is not None and os.geteuid() == 0


class Dovecot:
    def __init__(self, directory, protocols="imap", separator=".", fsync="never", port=None, more=""):
        self.directory = pathlib.Path(directory)
        self.store = self.directory / "store"
        self.port = port or ports.take_block()
        self.settings = {"protocols": protocols, "separator": separator, "fsync": fsync, "more": more}
        self.run = None  # sockets: their paths may not be long
        self.process = None

    def start(self):
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="ringmail-dovecot-"))
        self.run.chmod(0o755)
        owner = pwd.getpwnam("mail")
        for path in (self.directory, self.store):
            path.mkdir(parents=True, exist_ok=True)
        os.chown(self.store, owner.pw_uid, owner.pw_gid)
        for parent in (self.directory, *self.directory.parents):  # pytest's directories are 0700
            if parent.owner() == "root" and parent != pathlib.Path("/tmp") and len(parent.parts) > 2:
                parent.chmod(parent.stat().st_mode | 0o011)
        config = self.directory / "dovecot.conf"
        config.write_text(CONFIG.format(dir=self.directory, run=self.run, port=self.port, uid=owner.pw_uid, gid=owner.pw_gid,
                                        **self.settings))
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        wait.until(self.answers, 20, "Dovecot answers", pause=0.05)
        return self

    def answers(self):
        assert self.process.poll() is None, (self.directory / "dovecot.log").read_text()[-3000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
            return True
        except OSError:
            return False

    def imap(self, address, password="secret"):
        client = imap.Imap("127.0.0.1", self.port)
        client.login(address, password)
        return client

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None
        if self.run:
            shutil.rmtree(self.run, ignore_errors=True)
