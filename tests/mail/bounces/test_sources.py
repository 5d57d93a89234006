"""Where mails that came back lie, and that nothing is missing because something beside it cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.mail.bounces import read_mails
from pipeline.mail.bounces.mime import MOST_BYTES
from pipeline.mail.bounces.reading import Kind
from pipeline.mail.bounces.sources import mails_in

MAIL = b"From: a@example.org\nSubject: one\n\nwords\n"
FROM = b"From MAILER-DAEMON Mon Nov 23 09:10:00 2026\n"


def test_a_maildir_gives_what_is_new_and_what_was_seen_but_not_what_is_being_written(tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
        (tmp_path / "box" / name / "1.host:2,S").write_bytes(MAIL + name.encode())

    found = list(mails_in([tmp_path / "box"]))

    assert [(one.origin, one.raw[-3:]) for one in found] == [("maildir", b"new"), ("maildir", b"cur")]


def test_an_mbox_is_split_between_its_mails_only(tmp_path: Path) -> None:
    box = tmp_path / "returned"
    box.write_bytes(
        FROM + MAIL + b"From here on, all is well.\n>From the start\n\n" + FROM + MAIL + b"\n" + FROM + b"\n"
    )

    found = list(mails_in([box]))

    assert [one.file for one in found] == [f"{box}#1", f"{box}#2", f"{box}#3"]
    assert {one.origin for one in found} == {"mbox"}
    assert found[0].raw == MAIL + b"From here on, all is well.\nFrom the start\n\n"
    assert found[1].raw == MAIL + b"\n"


def test_a_file_that_says_to_be_a_mail_is_one_whatever_it_holds(tmp_path: Path) -> None:
    mail = tmp_path / "returned.eml"
    mail.write_bytes(FROM + MAIL + b"\n" + FROM + MAIL)

    (found,) = mails_in([mail])

    assert (found.file, found.origin) == (str(mail), "file")


def test_a_folder_is_walked_in_order_with_the_maildirs_in_it(tmp_path: Path) -> None:
    for name in ("b.eml", "a.eml", ".hidden", "inner/c.eml", "box/new/1", "box/cur/2"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(MAIL)
    os.mkfifo(tmp_path / "pipe.eml")  # would be waited for without end

    found = [str(Path(one.file).relative_to(tmp_path)) for one in mails_in([tmp_path])]

    assert sorted(found) == ["a.eml", "b.eml", "box/cur/2", "box/new/1", "inner/c.eml"]


def test_a_pipe_that_was_named_is_told_of_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    (found,) = mails_in([tmp_path / "pipe"])

    assert found.problem == "cannot be read: it is no file"


def test_no_more_is_read_of_a_mail_than_is_looked_at(tmp_path: Path) -> None:
    """M-29"""
    (tmp_path / "long.eml").write_bytes(MAIL + b"x" * 3 * MOST_BYTES)
    (tmp_path / "long").write_bytes(FROM + MAIL + b"x" * 3 * MOST_BYTES + b"\n\n" + FROM + MAIL)

    found = list(mails_in([tmp_path / "long.eml", tmp_path / "long"]))

    assert [len(one.raw) for one in found] == [MOST_BYTES, MOST_BYTES, len(MAIL)]


def test_a_path_that_is_not_there_is_named_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: no such file or folder; name a mail"):
        next(mails_in([tmp_path, tmp_path / "nowhere"]))


def test_m29_what_never_ends_among_mails_does_not_stop_the_rest(tmp_path: Path) -> None:
    for name in ("new", "cur"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "new" / "1")
    (tmp_path / "new" / "2").symlink_to("/dev/zero")
    (tmp_path / "new" / "3").write_bytes(MAIL)

    found = list(mails_in([tmp_path]))

    assert [(Path(one.file).name, bool(one.problem)) for one in found] == [("1", True), ("2", True), ("3", False)]


def test_m29_a_name_of_any_octets_can_be_shown(tmp_path: Path) -> None:
    for name in (b"\xff.eml", b"\x1b[31m.eml"):
        (tmp_path / os.fsdecode(name)).write_bytes(MAIL)

    shown = [Path(one.file).name for one in mails_in([tmp_path]) if one.raw == MAIL]

    assert shown == ["?[31m.eml", "\ufffd.eml"]


def test_a_link_to_nothing_among_mails_does_not_stop_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.eml").symlink_to(tmp_path / "gone.eml")
    (tmp_path / "b.eml").write_bytes(MAIL)

    mails = list(read_mails([tmp_path]))

    assert [Path(mail.found.file).name for mail in mails] == ["b.eml"]
    assert mails[0].reading.kind is Kind.OTHER
