# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's rspamd, unpacked (its libhyperscan excludes the libvectorscan that others want), with rules of the
test's own: a message says itself what it is worth.

    X-Test-Score: 7.5            that score
    X-Test-Action: soft reject   that action, whatever the score
    X-Test-Wait: 3               an answer after so many seconds
"""
import os
import socket
import subprocess

from lab import ports, unpacked, wait

RULES = """
rspamd_config:register_symbol({name = 'TEST_SCORE', type = 'normal', score = 1.0, callback = function(task)
  local score = task:get_header('X-Test-Score')
  if score then return true, tonumber(score), 'asked for', tostring(task:get_from_ip()), tostring(task:get_helo()) end
end})
rspamd_config:register_symbol({name = 'TEST_ENVELOPE', type = 'normal', score = 0.1, callback = function(task)
  local from, to = task:get_from('smtp'), task:get_recipients('smtp')
  return true, 1.0, from and from[1].addr or '-', to and to[1].addr or '-', tostring(task:get_queue_id())
end})
rspamd_config:register_symbol({name = 'TEST_ACTION', type = 'prefilter', callback = function(task)
  local action = task:get_header('X-Test-Action')
  if action then task:set_pre_result(action, 'a test says ' .. action, 'test') end
end})
rspamd_config:register_symbol({name = 'TEST_WAIT', type = 'normal', score = 0.1, callback = function(task)
  local seconds = task:get_header('X-Test-Wait')
  if seconds then task:get_task_pool(); os.execute('sleep ' .. tonumber(seconds)) end
end})
"""
CONFIG = """
options {{
  filters = []; tempdir = "{here}"; pidfile = "{here}/rspamd.pid"; url_tld = "{here}/tld";
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
  local_addrs = ["192.0.2.0/24"]; control_socket = "{here}/control.sock mode=0600";
}}
logging {{ type = "file"; filename = "{here}/rspamd.log"; level = "info"; }}
metric {{ name = "default"; unknown_weight = 1; actions {{ reject = 15; "add header" = 6; }} }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; bind_socket = "{here}/worker.sock mode=0666"; count = 1; {password} }}
worker "controller" {{ bind_socket = "127.0.0.1:{other_port}"; count = 1; }}
lua = "{here}/rules.lua";
"""


def available():
    return all((unpacked.UNPACKED / package).is_dir() for package in ("rspamd", "libhyperscan5"))


class Rspamd:
    def __init__(self, directory):
        self.here = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = ports.take_block()
        self.socket_path = directory / "worker.sock"
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        base = unpacked.UNPACKED / "rspamd"
        (self.here / "rules.lua").write_text(RULES)
        (self.here / "tld").write_text("com\nnet\norg\n")
        (self.here / "rspamd.conf").write_text(CONFIG.format(here=self.here, port=self.port, other_port=self.port + 1, password=""))
        variables = {"LUALIBDIR": base / "usr/share/rspamd/lualib", "SHAREDIR": base / "usr/share/rspamd",
                     "RULESDIR": base / "usr/share/rspamd/rules", "PLUGINSDIR": base / "usr/share/rspamd/plugins",
                     "CONFDIR": base / "etc/rspamd", "LOCAL_CONFDIR": self.here, "DBDIR": self.here, "RUNDIR": self.here}
        libraries = [base / "usr/lib/rspamd", *(unpacked.UNPACKED / "libhyperscan5").glob("usr/lib/*-linux-gnu")]
        command = [str(base / "usr/bin/rspamd"), "-i", "-f", "-c", str(self.here / "rspamd.conf")]
        with open(self.here / "out.log", "ab") as out:
            self.process = subprocess.Popen([*command, *(f"--var={name}={path}" for name, path in variables.items())],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                            env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))})
        wait.until(self._answers, 60, "rspamd answers")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.here / "out.log").read_text() + (self.here / "rspamd.log").read_text()[-2000:]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
                return b"pong" in probe.recv(4096)
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
