# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Maildir++ from the disk, as any other program would."""
import os
import pathlib
import re


def files(maildir, parts=("new", "cur")):
    """Paths of the messages in one mailbox directory."""
    found = []
    for part in parts:
        try:
            found += [entry.path for entry in os.scandir(pathlib.Path(maildir) / part) if entry.is_file()]
        except FileNotFoundError:
            pass
    return sorted(found)


def messages(maildir):
    """{path: bytes}."""
    return {path: pathlib.Path(path).read_bytes() for path in files(maildir)}


def flags(path):
    return "".join(sorted(os.path.basename(path).partition(":2,")[2]))


def sizes(path):
    """(S, W) as the name says, None where it does not."""
    found = dict(re.findall(r",([SW])=(\d+)", os.path.basename(path)))
    return tuple(int(found[key]) if key in found else None for key in "SW")
