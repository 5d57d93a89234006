"""Lists of feeds from other readers and to them; our own list keeps every character that its editors wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ContentError
from pipeline.ingest.opml import Outline, read_opml, take_in, with_feeds, write_opml
from pipeline.library.frontmatter import parse
from pipeline.model import Feed, Topic

TOPICS = {"power": Topic("power", "Power"), "chips": Topic("chips", "Chips & fabs")}
FEED = Feed("northfield", "https://www.north.example.org/feed/", "Northfield", ("power",))
OPML = """<?xml version="1.0" encoding="utf-8"?>
<!-- from a reader -->
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="POWER">
    <outline text="Eastfield &amp; Sons" type="rss" xmlUrl="https://east.example.org/rss?utm_source=x" htmlUrl="https://east.example.org/"/>
    <outline text="Deeper"><outline title="Westfield" text="w" xmlUrl="http://west.example.org/atom.xml"
      category="/chips &amp; fabs,other"/></outline>
  </outline>
  <outline text="Known" type="rss" xmlURL="http://north.example.org/feed?utm_medium=rss"/>
  <outline text="Eastfield again" xmlUrl="https://east.example.org/rss/"/>
  <outline text="" xmlUrl="https://no-name.example.org/feed"/>
  <outline text="Broken" xmlUrl="feed://javascript:alert(1)"/>
  <outline type="include" url="https://lists.example.org/more.opml" text="More"/>
</body></opml>
"""
LIST = """\
# Our feeds: keep them in this order.
- id: northfield
  url: https://www.north.example.org/feed/   # the good one
  publisher: Northfield
  topics: [power]   # and more
"""


def test_the_feeds_of_a_file_are_read_with_the_folders_around_them() -> None:
    found = read_opml(OPML.encode(), name="reader.opml")

    assert found[0] == Outline("Eastfield & Sons", "https://east.example.org/rss?utm_source=x", ("POWER",), 5)
    assert found[1] == Outline(
        "Westfield", "http://west.example.org/atom.xml", ("POWER", "Deeper", "chips & fabs", "other"), 6
    )
    assert [outline.name for outline in found[2:]] == ["Known", "Eastfield again", "", "Broken"]


def test_what_is_new_gets_an_id_and_topics_and_what_is_known_is_named() -> None:
    found = take_in(read_opml(OPML.encode(), name="reader.opml"), [FEED], TOPICS, name="reader.opml")

    assert found.new == (
        Feed("eastfield-sons", "https://east.example.org/rss", "Eastfield & Sons", ("power",)),
        Feed("westfield", "http://west.example.org/atom.xml", "Westfield", ("power", "chips")),
        Feed("no-name-example", "https://no-name.example.org/feed", "no-name.example.org"),
    )
    assert found.known == (
        ("http://north.example.org/feed", "northfield"),
        ("https://east.example.org/rss/", "eastfield-sons"),
    )
    assert found.refused == (
        'reader.opml:12: "feed://javascript:alert(1)" is not a web address; mend it there and import again',
    )
    assert found.no_topics == ("Deeper", "other")


def test_feeds_are_added_below_and_nothing_else_changes() -> None:
    new = (
        Feed("east", "https://east.example.org/rss", 'East: the "Times"', ("power", "chips")),
        Feed("no", "https://no.example.org/a?b=[1]", "no"),
    )

    text = with_feeds(LIST, new, path="content/feeds.yml")

    assert text.startswith(LIST)
    assert parse(text).data[1:] == [
        {
            "id": "east",
            "url": "https://east.example.org/rss",
            "publisher": 'East: the "Times"',
            "topics": ["power", "chips"],
        },
        {"id": "no", "url": "https://no.example.org/a?b=[1]", "publisher": "no"},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "  - id: a\n    url: https://a.example.org/\n    publisher: A\n",
        LIST.rstrip(),
        LIST.replace("\n", "\r\n"),
    ],
)
def test_any_list_can_be_added_to(text: str) -> None:
    changed = with_feeds(text, [FEED], path="content/feeds.yml")

    assert changed.startswith(text)
    assert parse(changed).data[-1]["id"] == "northfield"
    assert with_feeds(text, [], path="content/feeds.yml") == text


@pytest.mark.parametrize("end", ["...\n", "...\n# the end\n", "..."])
def test_feeds_are_added_before_the_line_that_closes_the_list(end: str) -> None:
    changed = with_feeds(LIST + end, [FEED], path="content/feeds.yml")

    assert changed.startswith(LIST)
    assert changed.endswith(end)
    assert [item["id"] for item in parse(changed).data] == ["northfield", "northfield"]


@pytest.mark.parametrize(
    "text",
    [
        "[{id: a, url: x, publisher: b}]\n",
        "id: a\n",
        "- id: [\n",
        "- id: a\n  publisher: |\n    A",
        "- id: a\n...\n- id: b\n",
    ],
)
def test_what_is_no_list_of_one_below_the_other_is_left_alone(text: str) -> None:
    with pytest.raises(ContentError, match=r"content/feeds\.yml:\d"):
        with_feeds(text, [FEED], path="content/feeds.yml")


@given(st.text(), st.lists(st.sampled_from(["power", "chips"]), unique=True))
def test_any_publisher_is_written_so_that_it_is_read_back(publisher: str, topics: list[str]) -> None:
    outline = Outline(publisher, "https://x.example.org/feed", tuple(topics), 1)
    (feed,) = take_in([outline], [], TOPICS, name="x").new
    clean = "".join(c for c in feed.publisher if c.isprintable()) or "x"

    text = with_feeds(LIST, [Feed(feed.id, feed.url, clean, feed.topics)], path="content/feeds.yml")

    assert parse(text).data[-1]["publisher"] == clean


def test_what_goes_out_comes_back() -> None:
    feeds = [
        FEED,
        Feed("east", "https://east.example.org/?a=1&b=2", 'East <b> & "Sons"', ("chips", "power")),
        Feed("west", "https://west.example.org/f", "West"),
    ]

    text = write_opml(feeds, TOPICS, title="Feeds of <Deep> Signals")
    back = take_in(read_opml(text.encode(), name="x"), [], TOPICS, name="x").new

    assert text.startswith("<?xml version='1.0' encoding='UTF-8'?>\n<opml version=\"2.0\">")
    assert '<outline text="Chips &amp; fabs">' in text
    assert {(feed.url, feed.publisher, feed.topics) for feed in back} == {
        (feed.url, feed.publisher, feed.topics) for feed in feeds
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body/></html>", "no OPML"),
        (b"<opml><outline", r"x:1:\d+: not XML"),
        (b"", "not XML"),
        (b"<!DOCTYPE opml [<!ENTITY a 'b'>]><opml/>", "declares the XML entity"),
        (b"<opml>" + b"<outline text='a'>" * 300, "200 elements within one another"),
    ],
)
def test_t31_what_is_no_list_or_hostile_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(ContentError, match=words):
        read_opml(body, name="x")
