"""A machine writes the files of sources, and changes those of editors without touching what it was not asked to."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ContentError
from pipeline.library import schema
from pipeline.library.frontmatter import parse
from pipeline.library.licences import may_be_passed_on
from pipeline.library.sourcefile import KEYS, add_below, set_values, snapshot_values, write_source
from pipeline.model import Snapshot

PATH = "content/sources/north.yml"
BY_HAND = """\
# Found by Ines; ask her before you change it.
id: north
url: https://north.example/outlook  # the short address
publisher: "Northfield: the authority"

# checked twice
tier: primary
snapshot:
  sha256: aa
  # the second one
  text_sha256: bb

quotes:
    share:
        text: >-
          may need 9% to 17%
          of supply
    # the older one
    above: {text: 60% above}

# A word of ours.
note: kept
"""


def test_a_change_leaves_all_else_as_it_was() -> None:
    changed = set_values(BY_HAND, {"tier": "secondary", "snapshot": {"sha256": "cc"}, "status": "gone"}, path=PATH)

    assert changed == (
        BY_HAND.replace("tier: primary\n", "tier: secondary\nstatus: gone\n").replace(
            "snapshot:\n  sha256: aa\n  # the second one\n  text_sha256: bb\n",
            "# the second one\nsnapshot:\n  sha256: cc\n",
        )
    )


def test_a_comment_behind_a_value_stays() -> None:
    changed = set_values(BY_HAND, {"url": "https://north.example/outlook-2026"}, path=PATH)

    assert "\nurl: https://north.example/outlook-2026  # the short address\n" in changed


COMMENTED = """\
id: north
url: https://north.example/a#b  # the "part" matters
title: "Load # outlook"  # no "number" sign was lost
note: >-  # folded
  # not a comment
  of ours
snapshot:  # ours
  # as fetched
  sha256: aa  # of the bytes
  # as read

  text_sha256: "bb # b"  # of the text
  # and nothing else
tier: primary
...
# the end
"""


def test_every_comment_stays_where_its_value_is_replaced() -> None:
    changes = {
        "url": "https://north.example/b",
        "title": "Load",
        "note": "kept",
        "snapshot": {"sha256": "cc", "text_sha256": "dd", "tool": "t"},
    }

    changed = set_values(COMMENTED, {**changes, "status": "gone"}, path=PATH)

    assert (
        changed
        == """\
id: north
url: https://north.example/b  # the "part" matters
title: Load  # no "number" sign was lost
note: kept  # folded
# and nothing else
snapshot:  # ours
  # as fetched
  sha256: cc  # of the bytes
  # as read
  text_sha256: dd  # of the text
  tool: t
tier: primary
status: gone
...
# the end
"""
    )


def test_the_comments_of_a_group_in_brackets_stay() -> None:
    text = "id: north\nquotes: {  # those of May\n  a: {text: x},  # the first\n  # the second\n  b: {text: y} }\nnote: z\n"

    changed = add_below(text, "quotes", "c", {"text": "w"}, path=PATH)

    assert parse(changed).data["quotes"] == {"a": {"text": "x"}, "b": {"text": "y"}, "c": {"text": "w"}}
    assert [words for words in ("# those of May", "# the first", "# the second") if words not in changed] == []


def test_a_quote_is_added_below_the_others_as_deep_as_they_are() -> None:
    changed = add_below(BY_HAND, "quotes", "new", {"text": "9.4 GW: a peak", "page": "4"}, path=PATH)

    assert changed == BY_HAND.replace(
        "60% above}\n", '60% above}\n    new:\n      text: "9.4 GW: a peak"\n      page: 4\n'
    )


@pytest.mark.parametrize(
    "quotes", ["", "quotes: {share: {text: a b}}\n", "quotes:\n  {share: {text: a b}}\n", "quotes:\n"]
)
def test_a_quote_is_added_however_the_others_are_written(quotes: str) -> None:
    text = f"id: north\n{quotes}note: x\n"

    changed = parse(add_below(text, "quotes", "new", {"text": "c"}, path=PATH)).data

    assert changed["quotes"] == {**(parse(text).data.get("quotes") or {}), "new": {"text": "c"}}
    assert (changed["id"], changed["note"]) == ("north", "x")


def test_what_cannot_be_changed_alone_is_left_to_the_editor() -> None:
    one_line = "{id: north, tier: primary}\n"

    with pytest.raises(ContentError, match=r"north\.yml:1: tier: cannot be changed.*by hand as\ntier: secondary"):
        set_values(one_line, {"tier": "secondary"}, path=PATH)


@pytest.mark.parametrize("text", ["id: [\n", "- id\n", ""])
def test_a_file_that_is_no_source_is_named(text: str) -> None:
    with pytest.raises(ContentError, match=r"^content/sources/north\.yml:"):
        set_values(text, {"tier": "secondary"}, path=PATH)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1).map(str.strip).filter(bool)
)
def test_every_text_is_read_as_it_was_written(text: str) -> None:
    written = write_source(
        {"id": "north", "title": text, "author": [text, {"family": text}], "quotes": {"q": {"text": text}}}
    )

    assert parse(written).data == {
        "id": "north",
        "title": text,
        "author": [text, {"family": text}],
        "quotes": {"q": {"text": text}},
    }


def test_a_new_file_is_what_the_schema_reads() -> None:
    shot = Snapshot("a" * 64, "b" * 64, dt.datetime(2026, 11, 23, 9, 14, 2, tzinfo=dt.UTC), "pypdf/6.1", 9)
    written = write_source(
        {
            "id": "north",
            "url": "https://north.example/",
            "publisher": "North",
            "tier": "primary",
            "snapshot": snapshot_values(shot),
        }
    )

    file, findings = schema.read(schema.SourceFile, parse(written).data)

    assert findings == []
    assert file is not None
    assert file.source(PATH).snapshot == shot


def test_every_key_of_a_source_has_its_place() -> None:
    assert set(KEYS) == set(schema.SourceFile.model_fields)


@pytest.mark.parametrize(
    "licence", ["CC0-1.0", "CC-BY-4.0", "cc-by-sa-3.0", "us-gov", "OGL-UK-3.0", "public-domain", "CC-BY"]
)
def test_a_free_licence_lets_a_text_be_passed_on(licence: str) -> None:
    assert may_be_passed_on(licence)


@pytest.mark.parametrize(
    "licence", ["", "unknown", "all-rights-reserved", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-4.0", "free"]
)
def test_no_other_licence_does(licence: str) -> None:
    assert not may_be_passed_on(licence)
