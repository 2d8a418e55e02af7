# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's mail servers, receiving: Postfix, Exim and OpenSMTPD from Debian, Dovecot's LMTP.

Each has two addresses, one that offers STARTTLS and one in clear, takes mail for every domain but
those it is told to send on, and puts all of it into one Maildir: `peer.messages()`. What a peer itself
sends (reports that DSN asked it for) goes to `relay`, the smart host of its world.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from lab import dovecot, hosts, maildir, unpacked, wait

SIZE_MAX = 60 << 20
STOP_MAX_S = 15


class Peer:
    """clear, tls: its addresses; relay: (host, port) for what it sends itself."""

    features = frozenset()

    def __init__(self, directory, issued, relay=("127.0.0.1", 9)):
        self.directory = pathlib.Path(directory)
        self.issued = issued
        self.relay = relay
        self.clear, self.tls = hosts.take(), hosts.take()
        self.process = None

    def _started(self):
        for address in (self.clear, self.tls):
            wait.until(lambda: self._answers(address), 20, f"{type(self).__name__} answers", pause=0.05)
        return self

    def _answers(self, address):
        assert self.process.poll() is None, f"{type(self).__name__} has ended:\n{self.log()[-3000:]}"
        try:
            with socket.create_connection((address, 25), timeout=5) as probe:
                return probe.recv(3) == b"220"
        except OSError:
            return False

    def log(self):
        text = ""
        for path in sorted(self.directory.glob("*.log")):
            text += f"--- {path.name}\n" + path.read_text(errors="replace")
        return text

    def messages(self):
        """What it has delivered, as bytes with CRLF."""
        return [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in maildir.messages(self.maildir).values()]

    def leader(self):
        return self.process.pid

    def stop(self):
        """The whole session that it leads: some of these servers' children do not end with their parent."""
        if self.process and self.process.poll() is None:
            os.kill(self.leader(), signal.SIGTERM)
            try:
                self.process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)
        self.process = None


POSTFIX = """
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
maillog_file = {dir}/postfix.log
maillog_file_prefixes = {dir}
myhostname = mx.postfix.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
smtp_bind_address = 127.0.0.1
inet_protocols = ipv4
biff = no
append_dot_mydomain = no
smtputf8_enable = yes
alias_maps =
alias_database =
local_recipient_maps =
relay_domains =
virtual_mailbox_domains = regexp:{dir}/domains
virtual_mailbox_base = {dir}
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
message_size_limit = {size_max}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
relayhost = [{relay[0]}]:{relay[1]}
smtp_tls_security_level = none
smtpd_peername_lookup = no
"""
POSTFIX_SERVICES = "pickup cleanup qmgr tlsmgr rewrite bounce defer trace verify flush proxymap proxywrite smtp relay showq error retry discard virtual anvil scache postlog".split()


class Postfix(Peer):
    features = frozenset({"smtputf8", "dsn", "chunking", "8bitmime"})

    @staticmethod
    def available():
        return os.geteuid() == 0 and shutil.which("postfix", path="/usr/sbin") is not None

    def start(self):
        owner = pwd.getpwnam("mail")
        # Its processes give up root: a place that pytest does not close to them.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ringmail-postfix-"))
        self.directory.chmod(0o755)
        self.issued.copy_to(self.directory)
        config, self.maildir = self.directory / "etc", self.directory / "box"
        for folder in (config, self.directory / "spool", self.directory / "data", self.maildir):
            folder.mkdir(exist_ok=True)
        os.chown(self.maildir, owner.pw_uid, owner.pw_gid)
        os.chown(self.directory / "data", pwd.getpwnam("postfix").pw_uid, -1)
        (self.directory / "domains").write_text("!/^example\\.org$/ here\n")
        (config / "main.cf").write_text(POSTFIX.format(
            dir=self.directory, clear=self.clear, tls=self.tls, uid=owner.pw_uid, gid=owner.pw_gid, size_max=SIZE_MAX,
            certificate=self.directory / "chain.pem", key=self.directory / "key.pem", relay=self.relay))
        services = []
        for line in pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines():
            part = line.split()
            if len(part) >= 8 and part[0] in POSTFIX_SERVICES and part[1] != "inet":
                part[4] = "n"
                services.append(" ".join(part))
        services += [f"{self.clear}:25 inet n - n - - smtpd", f"{self.tls}:25 inet n - n - - smtpd",
                     "  -o smtpd_tls_security_level=may"]
        (config / "master.cf").write_text("\n".join(services) + "\n")
        with open(self.directory / "start.log", "ab") as out:
            self.process = subprocess.Popen(["/usr/sbin/postfix", "-c", str(config), "start-fg"], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, start_new_session=True)
        return self._started()

    def leader(self):
        """start-fg is a script that waits for this one."""
        try:
            return int((self.directory / "spool" / "pid" / "master.pid").read_text())
        except OSError:
            return self.process.pid

    def stop(self):
        super().stop()
        shutil.rmtree(self.directory, ignore_errors=True)


EXIM = """
primary_hostname = mx.exim.test
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
log_selector = +smtp_protocol_error +smtp_syntax_error
local_interfaces = {clear} : {tls}
daemon_smtp_ports = 25
domainlist local_domains = ! example.org : *
acl_smtp_rcpt = take
acl_smtp_data = take_data
host_lookup =
rfc1413_hosts =
smtp_accept_max = 100
smtp_accept_max_per_connection = 0
message_size_limit = {size_max}
accept_8bitmime = true
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
dsn_advertise_hosts = *
pipelining_connect_advertise_hosts =
tls_advertise_hosts = ${{if eq{{$received_ip_address}}{{{tls}}}{{*}}{{}}}}
tls_certificate = /etc/exim4/certificate.pem
tls_privatekey = /etc/exim4/key.pem
check_rfc2047_length = false
ignore_bounce_errors_after = 1d
keep_environment =
begin acl
take:
  accept
take_data:
  accept
begin routers
reports:
  driver = manualroute
  domains = ! +local_domains
  transport = out
  route_list = * {relay[0]}
  self = send
here:
  driver = accept
  transport = box
begin transports
out:
  driver = smtp
  port = {relay[1]}
  allow_localhost
  hosts_avoid_tls = *
box:
  driver = appendfile
  directory = /mail
  maildir_format
  create_directory
  user = Debian-exim
  delivery_date_add
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
"""


class Exim(Peer):
    features = frozenset({"smtputf8", "dsn", "chunking", "8bitmime"})

    @staticmethod
    def available():
        return unpacked.available("exim4-daemon-light")

    def start(self):
        root = unpacked.Root(self.directory / "root", ["exim4-base", "exim4-daemon-light"], ["/usr/sbin/exim4"],
                             {"Debian-exim": 90})
        (root.path("/usr/sbin/exim4")).chmod(0o4755)
        for folder in ("/var/spool/exim4", "/var/log/exim4", "/mail"):
            root.path(folder).mkdir(parents=True, exist_ok=True)
            os.chown(root.path(folder), 90, 90)
        root.write("/etc/exim4/certificate.pem", self.issued.chain.read_bytes())
        root.write("/etc/exim4/key.pem", self.issued.key.read_bytes(), 0o640)
        os.chown(root.path("/etc/exim4/key.pem"), 0, 90)
        text = EXIM.format(clear=self.clear, tls=self.tls, size_max=SIZE_MAX, relay=self.relay)
        root.write("/etc/exim4/exim4.conf", text, 0o640)
        os.chown(root.path("/etc/exim4/exim4.conf"), 0, 90)
        self.maildir = root.path("/mail")
        self.root = root
        self.process = root.spawn("/usr/sbin/exim4", "-bdf", "-q1m", out=self.directory / "exim.log")
        return self._started()

    def log(self):
        return super().log() + "".join(path.read_text(errors="replace") for path in self.root.path("/var/log/exim4").glob("*log"))


OPENSMTPD = """
pki here cert "/etc/certificate.pem"
pki here key "/etc/key.pem"
smtp max-message-size {size_max}
smtp limit max-mails 1000
table everyone {{ "@" = vmail }}
listen on {clear} port 25 hostname mx.opensmtpd.test
listen on {tls} port 25 tls pki here hostname mx.opensmtpd.test
action "reports" relay host smtp://{relay[0]}:{relay[1]}
action "box" maildir "/mail" virtual <everyone>
match from any for domain "example.org" action "reports"
match from any for any action "box"
"""


class OpenSmtpd(Peer):
    features = frozenset({"dsn", "8bitmime"})

    @staticmethod
    def available():
        return unpacked.available("opensmtpd")

    def start(self):
        libexec = "/usr/lib/x86_64-linux-gnu/opensmtpd"
        found = list((unpacked.UNPACKED / "opensmtpd").glob("usr/l*/**/mail.maildir"))
        if found:
            libexec = "/" + str(found[0].parent.relative_to(unpacked.UNPACKED / "opensmtpd"))
        root = unpacked.Root(self.directory / "root", ["opensmtpd"],
                             ["/usr/sbin/smtpd", f"{libexec}/mail.maildir", "/bin/sh"],
                             {"opensmtpd": 91, "opensmtpq": 92, "vmail": 93})
        for folder in ("/var/spool/smtpd", "/var/lib/opensmtpd/empty", "/run"):
            root.path(folder).mkdir(parents=True, exist_ok=True)
        root.path("/var/spool/smtpd").chmod(0o711)
        os.chown(root.path("/mail"), 93, 93)
        root.write("/etc/certificate.pem", self.issued.chain.read_bytes())
        root.write("/etc/key.pem", self.issued.key.read_bytes(), 0o600)
        root.write("/etc/smtpd.conf", OPENSMTPD.format(clear=self.clear, tls=self.tls, size_max=SIZE_MAX, relay=self.relay))
        self.maildir = root.path("/mail")
        self.process = root.spawn("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf", out=self.directory / "smtpd.log")
        return self._started()


LMTP = """
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
protocol lmtp {{
  auth_username_format = %Lu
}}
postmaster_address = postmaster@example.org
lmtp_save_to_detail_mailbox = no
"""


class DovecotLmtp:
    """LMTP on a port (`port`) and on a Unix socket (`socket`)."""

    @staticmethod
    def available():
        return dovecot.available() and pathlib.Path("/usr/lib/dovecot/lmtp").exists()

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="ringmail-lmtp-")
        os.chmod(self.directory, 0o755)
        self.server = dovecot.Dovecot(self.directory, protocols="imap lmtp")
        self.port = self.server.port + 1
        self.server.settings["more"] = LMTP.format(port=self.port)

    def start(self):
        self.server.start()
        self.socket = self.server.run / "lmtp"
        wait.until(self.socket.exists, 10, "Dovecot's LMTP socket is there")
        return self

    def messages(self, address):
        user, _, domain = address.partition("@")
        return [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                for raw in maildir.messages(self.server.store / domain / user / "Maildir").values()]

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
