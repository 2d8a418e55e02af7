# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery reports as Python's email package reads them: the golden files of tests/unit/format/mail/test_dsn.c."""
import email
import email.policy
import pathlib

import pytest

GOLDEN = pathlib.Path(__file__).parent.parent / "unit/format/mail/golden"


def parse(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.SMTPUTF8)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.eml")), ids=lambda path: path.stem)
def test_golden(path):
    message = parse(path)
    kind, *_, language = path.stem.split("-")
    utf8 = "utf8" in path.stem
    assert not message.defects
    assert message.get_content_type() == "multipart/report"
    assert message["Auto-Submitted"] == "auto-replied"
    assert [a.addr_spec for a in message["From"].addresses] == ["MAILER-DAEMON@mx.example.org"]
    assert [a.addr_spec for a in message["To"].addresses] == ["alice@example.org"]
    words, status, original = message.iter_parts()
    assert message.get_param("report-type") == status.get_content_subtype()
    for part in message.walk():
        assert not part.defects, part.defects
    assert not message["Subject"].defects

    text = words.get_content()
    assert words["Content-Language"] == ("en" if language == "en" else f"{language}, en")
    assert "Hello," in text and "mx.example.org" in text
    assert all(len(line) <= 78 for line in text.splitlines())

    assert status.get_content_type() == ("message/global-delivery-status" if utf8 else "message/delivery-status")
    if not utf8:  # what Python knows as a list of groups of fields
        groups = status.get_payload()
        assert groups[0]["Reporting-MTA"] == "dns; mx.example.org"
        assert groups[0]["Original-Envelope-Id"] == "QQ314159"
        assert len(groups) == 2
        assert groups[1]["Action"] == kind
        assert groups[1]["Final-Recipient"] == "rfc822; bob@example.net"
        assert groups[1]["Original-Recipient"] == "rfc822; bob@example.com"
        assert groups[1]["Status"][0] == {"failed": "5", "delayed": "4"}.get(kind, "2")
        assert ("Will-Retry-Until" in groups[1]) == (kind == "delayed")

    if "full" in path.stem:
        assert original.get_content_type() == "message/rfc822"
        inner = original.get_payload()[0]
        assert inner["Message-ID"] == "<1234@client.example.org>"
        assert inner.get_content().strip() == "At noon?"
        assert message["In-Reply-To"] == inner["Message-ID"]
    elif utf8:
        assert original.get_content_type() == "message/global-headers"
    else:
        assert original.get_content_type() == "text/rfc822-headers"
        header = email.message_from_string(original.get_content(), policy=email.policy.default)
        assert header["Subject"] == "Lunch at the café"
        assert message["Subject"].endswith(": Lunch at the café")


def test_all_are_there():
    assert len(list(GOLDEN.glob("*.eml"))) == 22
