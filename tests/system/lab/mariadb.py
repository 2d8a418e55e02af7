# SPDX-License-Identifier: GPL-3.0-or-later
"""A private MariaDB server on a scratch directory, to be killed and started again at will."""
import pathlib
import os
import shutil
import signal
import subprocess
import tempfile

from lab import ports, wait

START_MAX_S = 60
# Commits survive a kill of the server, which the tests do, if not a power cut.
SMALL = ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--performance-schema=OFF",
         "--innodb-flush-log-at-trx-commit=2", "--max-connections=100", "--skip-log-bin"]


def available():
    return shutil.which("mariadbd") is not None and shutil.which("mariadb-install-db") is not None


class MariaDb:
    USER, PASSWORD = "ringmail", "ringmail-test"

    def __init__(self, directory, port=None):
        self.directory = pathlib.Path(directory)
        self.port = port or ports.take_block()
        # Not in the directory: a socket's path may not be long.
        self.socket = pathlib.Path(tempfile.gettempdir()) / f"ringmail-mariadb-{self.port}.sock"
        self.process = self.log = None

    def _run_as(self):
        """As root the server wants another user's name; it keeps the files of whoever that is."""
        return ["--user=root"] if os.geteuid() == 0 else []

    def create(self):
        # A server that starts removes what others leave in its TMPDIR, also while they use it.
        (self.directory / "tmp").mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data",
                               "--auth-root-authentication-method=normal", "--skip-test-db",
                               "--innodb-log-file-size=16M", *self._run_as()], env={**os.environ, "TMPDIR": f"{self.directory}/tmp"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        assert done.returncode == 0, done.stdout
        self.start()
        self.execute(f"CREATE USER '{self.USER}'@'127.0.0.1' IDENTIFIED BY '{self.PASSWORD}';"
                     f"CREATE USER '{self.USER}'@'localhost' IDENTIFIED BY '{self.PASSWORD}';"
                     f"GRANT ALL ON *.* TO '{self.USER}'@'127.0.0.1';"
                     f"GRANT ALL ON *.* TO '{self.USER}'@'localhost';")
        return self

    def start(self):
        self.log = open(self.directory / "mariadbd.log", "ab")
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self.directory}/data", f"--socket={self.socket}",
             f"--pid-file={self.directory}/mariadbd.pid", "--bind-address=127.0.0.1", f"--port={self.port}",
             f"--tmpdir={self.directory}/tmp", "--skip-name-resolve", *SMALL, *self._run_as()],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        wait.until(self.answers, START_MAX_S, "mariadbd answers", pause=0.1)

    def answers(self):
        assert self.process.poll() is None, (self.directory / "mariadbd.log").read_text()[-3000:]
        done = subprocess.run(["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "-uroot", "ping"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        return done.returncode == 0

    def execute(self, sql, database=""):
        done = subprocess.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "-N", "-B", database],
                              input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def new_database(self, name):
        """An empty database; the DSN under which tools/instance takes it."""
        self.execute(f"SET foreign_key_checks = 0; CREATE OR REPLACE DATABASE {name} CHARACTER SET utf8mb4;")
        return f"mariadb://{self.USER}:{self.PASSWORD}@127.0.0.1:{self.port}/{name}"

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None
        if self.log:
            self.log.close()
