# SPDX-License-Identifier: GPL-3.0-or-later
"""neomutt in a terminal (tmux): a person reads, flags, moves and deletes."""
import random
import shutil
import subprocess

import pytest

from lab import message, wait

CONFIG = """
set folder = "imap://{address}@127.0.0.1:{port}/"
set spoolfile = "+INBOX"
set imap_user = "{address}"
set imap_pass = "secret"
set imap_check_subscribed = no
set imap_authenticators = "login"
set ssl_starttls = no
set ssl_force_tls = no
set header_cache = ""
set confirmappend = no
set confirmcreate = no
set delete = yes
set move = no
set quit = yes
set mail_check = 1
set timeout = 1
set wait_key = no
set sort = mailbox-order
set pager_stop = yes
set beep = no
set mark_old = no
set index_format = "%4C %Z <%s>"
"""


class Terminal:
    def __init__(self, directory, *command):
        self.socket = directory / "tmux"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50", "-e", "TERM=screen",
                   "-e", f"HOME={directory}", "-e", "LC_ALL=C.UTF-8", *command)

    def _tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", str(self.socket), *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def type(self, *keys):
        self._tmux("send-keys", *keys)

    def screen(self):
        return self._tmux("capture-pane", "-p")

    def wait_for(self, text, seconds=15):
        try:
            return wait.until(lambda: text in self.screen() and self.screen(), seconds, text, pause=0.1)
        except AssertionError:
            raise AssertionError(f"{text!r} did not come up within {seconds} s:\n{self.screen()}")

    def close(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)


@pytest.mark.skipif(not (shutil.which("neomutt") and shutil.which("tmux")), reason="needs neomutt and tmux")
def test_read_flag_move_delete(instance, address, tmp_path):
    generator = random.Random(1)
    with instance.imap(address) as client:
        client.command("CREATE Projects")
        for number in range(1, 6):
            mail = message.make(generator, f"mutt{number}", 600, recipient=address, subject=f"letter number {number}")
            client.append("INBOX", mail)
    (tmp_path / "rc").write_text(CONFIG.format(address=address, port=instance.imap_port))
    terminal = Terminal(tmp_path, "neomutt", "-n", "-F", str(tmp_path / "rc"))
    try:
        terminal.wait_for("<letter number 5>")
        terminal.type("1", "Enter")               # to the first message
        terminal.type("Enter")                    # read it
        terminal.wait_for("X-Serial: mutt1")
        terminal.type("i")                        # back to the list
        terminal.wait_for("<letter number 5>")
        terminal.type("2", "Enter")
        terminal.type("F")                        # flag
        terminal.type("3", "Enter")
        terminal.type("s")                        # save, that is move
        terminal.wait_for("Save to mailbox")
        terminal.type("C-u", "=Projects", "Enter")
        wait.until(lambda: in_mailbox(instance, address, "Projects") == ["mutt3"], 10, "the message is in Projects")
        terminal.type("4", "Enter")
        terminal.type("d")                        # delete
        terminal.type("$")                        # write the changes
        wait.until(lambda: in_mailbox(instance, address, "INBOX") == ["mutt1", "mutt2", "mutt5"], 15, "two have gone")
        # Mail that arrives while the list is open shows up.
        with instance.smtp() as sender:
            sender.ehlo()
            sender.deliver("sender@example.net", [address], message.make(generator, "mutt6", 300, subject="a late letter"))
        terminal.wait_for("<a late letter>", 20)
        terminal.type("q")
    finally:
        terminal.close()
    with instance.imap(address) as client:
        client.select()
        flags = [set(item["FLAGS"]) - {"\\Recent"} for item in client.fetch("1:3", "(FLAGS)", uid=False)]
    assert flags[0] >= {"\\Seen"} and "\\Flagged" not in flags[0]
    assert flags[1] >= {"\\Flagged"} and flags[2] == set()


def in_mailbox(instance, address, mailbox):
    with instance.imap(address) as client:
        if not client.select(mailbox)["exists"]:
            return []
        items = client.fetch("1:*", "(UID BODY.PEEK[HEADER.FIELDS (X-Serial)])")
    return [message.serial_of(next(v for k, v in item.items() if k.startswith("BODY[")) + b"\r\n\r\n") for item in items]
