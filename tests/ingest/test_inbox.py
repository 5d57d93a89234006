"""Cards: whole files, safe from what feeds write into them, and an editor's own from then on."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace
from pathlib import Path

import markdown
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import StoreBusy, StoreError
from pipeline.ingest import inbox
from pipeline.ingest.clean import one_line
from pipeline.ingest.inbox import (
    Card,
    CardEntry,
    Unwritable,
    add,
    card_name,
    escaped,
    read,
    render,
    unknown_cards,
    write,
)
from pipeline.library import frontmatter, markdown_extensions

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
ENTRY = CardEntry("north", "Northfield", "primary", "https://north.example.org/1", "Load outlook", NOW)
OTHER = CardEntry("south", "Southfield", "secondary", "https://south.example.org/2", "A load outlook", None)
CARD = Card(
    "2026-11-23-load-outlook-12345678.md",
    "Load outlook",
    NOW,
    NOW,
    ("power", "policy"),
    (ENTRY,),
    "Halls may need more.",
)
# What a feed may write, after cleaning: one line of anything.
TEXT = st.text(max_size=80).map(lambda text: one_line(text, limit=80))


def front_matter(text: str) -> dict[str, object]:
    loaded = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(loaded, dict)
    return loaded


# --- a card as text ---------------------------------------------------------------------------------------------------


def test_a_card_is_front_matter_and_an_excerpt() -> None:
    assert render(replace(CARD, entries=(ENTRY, OTHER))) == (
        "---\n"
        "title: Load outlook\n"
        "first_seen: 2026-11-23T09:00:00Z\n"
        "published: 2026-11-23T09:00:00Z\n"
        "topics:\n"
        "- power\n"
        "- policy\n"
        "weight: 2\n"
        "entries:\n"
        "- feed: north\n"
        "  publisher: Northfield\n"
        "  tier: primary\n"
        "  url: https://north.example.org/1\n"
        "  title: Load outlook\n"
        "  published: 2026-11-23T09:00:00Z\n"
        "- feed: south\n"
        "  publisher: Southfield\n"
        "  tier: secondary\n"
        "  url: https://south.example.org/2\n"
        "  title: A load outlook\n"
        "  published: null\n"
        "---\n"
        "\n"
        "Halls may need more\\.\n"
    )


def test_a_card_can_be_read_as_editors_files_are() -> None:
    head, body, _ = frontmatter.split(render(CARD))
    document = frontmatter.parse(head)

    assert document.data["title"] == "Load outlook"
    assert document.data["entries"][0]["published"] == "2026-11-23T09:00:00Z"
    assert body.strip() == "Halls may need more\\."


def test_two_feeds_of_one_publisher_are_one_voice() -> None:
    card = replace(CARD, entries=(ENTRY, replace(ENTRY, feed="north-2", publisher=" northfield "), OTHER))

    assert card.weight == 2


@given(title=TEXT.filter(bool), publisher=TEXT.filter(bool), excerpt=TEXT)
def test_t26_whatever_a_feed_writes_stays_data(title: str, publisher: str, excerpt: str) -> None:
    entry = replace(ENTRY, title=title, publisher=publisher)
    card = replace(CARD, title=title, entries=(entry,), excerpt=excerpt)
    text = render(card)

    fields = front_matter(text)
    assert list(fields) == ["title", "first_seen", "published", "topics", "weight", "entries"]
    assert fields["title"] == title
    assert read(text, card.name) == card


@pytest.mark.parametrize(
    "text",
    [
        '--8<-- "s.txt"',
        "<img src=x onerror=alert(1)> & <script>alert(1)</script>",
        "![i](https://evil.test/x.png) [a](javascript:alert(1)) [^note] [^1]: x *[HTML]: y",
        "**bold** _em_ `code` ~~gone~~ ^up^ ==mark== ++ins++ $x^2$ \\(y\\)",
        '{: onclick="alert(1)" } {% raw %} {{ 7*7 }}',
        "!!! danger",
        "/// details",
        "::: x",
        "# heading",
        "> quote",
        "- item",
        "1. item",
        "| a | b |",
        '=== "Tab"',
        "https://evil.test www.evil.test a@evil.test :smile: &copy; &#60;b&#62;",
        "---",
        "\\*not\\*",
    ],
)
def test_t28_an_excerpt_shows_exactly_what_was_written(text: str) -> None:
    names, settings = markdown_extensions(language="")  # of no language, so that quotation marks stay as typed

    shown = markdown.markdown(escaped(text), extensions=names, extension_configs=settings)

    assert re.fullmatch(r"<p>[^<]*</p>", shown), shown
    assert html.unescape(shown[3:-4]) == text


@given(TEXT.filter(bool))
def test_t28_any_excerpt_is_one_paragraph_of_text(text: str) -> None:
    shown = markdown.markdown(escaped(text), extensions=["extra", "toc", "admonition"])

    assert re.fullmatch(r"<p>[^<]*</p>", shown), shown


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Load outlook 2026: 17% of supply!", "2026-11-23-load-outlook-2026-17-of-supply-ba7816bf.md"),
        ("../../../etc/passwd", "2026-11-23-etc-passwd-ba7816bf.md"),
        ("Été à Genève", "2026-11-23-ete-a-geneve-ba7816bf.md"),
        ("電力の見通し", "2026-11-23-untitled-ba7816bf.md"),
        ("word " * 40, f"2026-11-23-{'word-' * 12}ba7816bf.md"),
    ],
)
def test_a_cards_name_is_safe_and_the_same_for_the_same_story(title: str, name: str) -> None:
    assert card_name(title, "abc", NOW) == name


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_card_is_written_and_read_back(tmp_path: Path) -> None:
    write(tmp_path, CARD)

    assert [path.name for path in tmp_path.iterdir()] == [CARD.name]
    assert unknown_cards(tmp_path, set()) == [CARD]
    assert unknown_cards(tmp_path, {CARD.name}) == []


def test_a_card_is_never_written_over_another_file(tmp_path: Path) -> None:
    (tmp_path / CARD.name).write_text("an editor's notes")

    with pytest.raises(Unwritable, match="is there already"):
        write(tmp_path, CARD)

    assert [path.read_text() for path in tmp_path.iterdir()] == ["an editor's notes"]


def test_entries_are_added_once_and_the_weight_follows(tmp_path: Path) -> None:
    write(tmp_path, CARD)

    added = [add(tmp_path, CARD.name, [OTHER]), add(tmp_path, CARD.name, [OTHER, ENTRY])]

    assert added == [1, 0]
    assert (tmp_path / CARD.name).read_text() == render(replace(CARD, entries=(ENTRY, OTHER)))


def test_what_an_editor_wrote_stays_as_it_is(tmp_path: Path) -> None:
    edited = (
        "---\r\n"
        "# mine\r\n"
        "weight: 1   # for now\r\n"
        "entries:   # as found\r\n"
        "    - {feed: north, publisher: Northfield, tier: primary, url: https://north.example.org/1, title: x, published: null}\r\n"
        "    # nothing else yet\r\n"
        "note: 'call them'\r\n"
        "title: My own title\r\n"
        "first_seen: 2026-11-23T09:00:00Z\r\n"
        "---\r\n"
        "My notes --- stay.\r\n"
    )
    (tmp_path / CARD.name).write_bytes(edited.encode())

    add(tmp_path, CARD.name, [OTHER])

    after = (tmp_path / CARD.name).read_bytes().decode()
    new = (
        "    - feed: south\r\n      publisher: Southfield\r\n      tier: secondary\r\n      url: https://south.example.org/2\r\n"
        "      title: A load outlook\r\n      published: null\r\n"
    )
    assert after == edited.replace("published: null}\r\n", "published: null}\r\n" + new).replace(
        "weight: 1 ", "weight: 2 "
    )


def test_the_weight_follows_wherever_it_stands(tmp_path: Path) -> None:
    moved = render(CARD).replace("weight: 1\n", "").replace("---\n\n", "weight: 1\nnote: x\n---\n\n")
    (tmp_path / CARD.name).write_text(moved)

    add(tmp_path, CARD.name, [OTHER])

    fields = front_matter((tmp_path / CARD.name).read_text())
    assert (fields["weight"], fields["note"], len(fields["entries"])) == (2, "x", 2)  # type: ignore[arg-type]


def test_a_weight_that_an_editor_set_is_kept(tmp_path: Path) -> None:
    (tmp_path / CARD.name).write_text(render(CARD).replace("weight: 1", "weight: 9"))

    add(tmp_path, CARD.name, [OTHER])

    assert front_matter((tmp_path / CARD.name).read_text())["weight"] == 9
    assert len(read((tmp_path / CARD.name).read_text(), CARD.name).entries) == 2


def test_a_card_lists_a_hundred_entries_at_most(tmp_path: Path) -> None:
    write(tmp_path, CARD)
    many = [replace(OTHER, url=f"https://south.example.org/{number}") for number in range(150)]

    added = [add(tmp_path, CARD.name, many), add(tmp_path, CARD.name, many)]

    assert added == [99, 0]
    assert len(read((tmp_path / CARD.name).read_text(), CARD.name).entries) == 100


def test_a_deleted_card_stays_deleted(tmp_path: Path) -> None:
    assert add(tmp_path, CARD.name, [OTHER]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", r"x\.md:1: no front matter"),
        ("---\ntitle: [\n---\n", r"x\.md:3:1: not YAML"),
        ("---\n- a\n---\n", r"x\.md:2: the front matter has no list of entries"),
        ("---\ntitle: a\n---\n", r"x\.md:2: the front matter has no list of entries"),
        ("---\ntitle: a\nentries:\n- b\n---\n", "not that of a card"),
        ("---\ntitle: a\nfirst_seen: &x [*x]\nentries: []\n---\n", "not that of a card"),
        ("---\ntitle: a\nfirst_seen: soon\nentries: []\n---\n", "not that of a card"),
        (
            "---\ntitle: a\nfirst_seen: 2026-11-23\nentries: []\n---\n",
            r"x\.md:4: the entries are not one below the other",
        ),
    ],
)
def test_a_card_that_is_none_any_more_is_named_and_left_alone(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(text)

    with pytest.raises(Unwritable, match=message):
        add(tmp_path, "x.md", [OTHER])

    assert (tmp_path / "x.md").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["x.md"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path / "file", CARD)


def test_an_inbox_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("")

    with (
        pytest.raises(StoreError, match=r"the inbox cannot be made: .*; remove the file"),
        inbox.opened(tmp_path / "inbox"),
    ):
        pass


def test_one_process_writes_cards_at_a_time(tmp_path: Path) -> None:
    with inbox.opened(tmp_path), pytest.raises(StoreBusy, match="another process"), inbox.opened(tmp_path):
        pass

    with inbox.opened(tmp_path):
        pass


def test_what_a_killed_run_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f".{CARD.name}.0a1b2c3d").write_text("half a ca")
    (tmp_path / ".gitkeep").write_text("")

    with inbox.opened(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".gitkeep"]


@given(
    entries=st.lists(
        st.builds(replace, st.just(OTHER), title=TEXT.filter(bool), url=TEXT.filter(bool)), min_size=1, max_size=4
    )
)
def test_whatever_is_added_can_be_read_again(
    entries: list[CardEntry], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("inbox")
    write(folder, CARD)

    for entry in entries:
        add(folder, CARD.name, [entry])

    listed = read((folder / CARD.name).read_text(), CARD.name).entries
    assert listed[0] == ENTRY
    assert {(e.feed, e.url) for e in listed} == {(e.feed, e.url) for e in (ENTRY, *entries)}


WIRE = (
    "The authority expects that halls under contract may need 9% to 17% of regional supply by 2030, up from 6% in its "
    "outlook of 2024."
)


def test_a_publisher_with_the_same_text_is_marked_and_is_no_voice(tmp_path: Path) -> None:
    """Syndication is not corroboration."""
    write(tmp_path, replace(CARD, excerpt=WIRE))

    add(tmp_path, CARD.name, [OTHER], excerpt=f"NORTHFIELD (Wire) - {WIRE}")
    add(
        tmp_path,
        CARD.name,
        [replace(OTHER, feed="own", publisher="Own Words")],
        excerpt="Nine to seventeen percent, says the grid.",
    )

    card = read((tmp_path / CARD.name).read_text(), CARD.name)
    assert [entry.copy for entry in card.entries] == [False, True, False]
    assert card.weight == 2
    assert "weight: 2\n" in (tmp_path / CARD.name).read_text()
