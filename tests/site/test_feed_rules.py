"""Every feed obeys RSS 2.0, RFC 4287, JSON Feed 1.1 and the W3C's feed validator; and each rule finds what breaks it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config import Settings
from pipeline.site import BuildReport, build_site
from tests.site.conftest import NOW, REPOSITORY, SITE, write_article, write_repository
from tests.site.feed_rules import faults, html_faults
from tests.site.json_feed import JsonFeed
from tests.site.test_boxes import EVERYTHING

END_TAG = "title holds markup"  # what an RSS title that quotes a closing tag cannot but be called: nothing says that it is words


@pytest.fixture(scope="session")
def rich_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with every feature of Markdown, articles of one second, another language, odd signs, and topics without any."""
    root = write_repository(tmp_path_factory.mktemp("rich"))
    write_article(
        root,
        "everything",
        date="2026-11-22",
        body=f"A sentence.[^grid-office.queue]\n\n![[grid-office.queue]]\n\n{EVERYTHING}",
    )
    for number in range(35):
        write_article(root, f"same-second-{number}", date="2026-11-20", topics="power, money, adoption")
    write_article(
        root, "german", title="Was „Strom“ kostet & warum <1 %", date="2026-11-22", more="lang: de-CH\n", topics="money"
    )
    write_article(root, "arabic", title="مرحبا بالعالم & <b>", date="2026-11-22", more="lang: ar\n", body="هذه فقرة.")
    title = "A sign and &amp; &copy; &#65; &foo;"
    write_article(root, "entities", date="2026-11-22", title=title, body="One more &nbsp; &lt;b&gt;.")
    settings = Settings.load(root, websub_hub="https://hub.example.org/")
    return build_site(settings, now=NOW, check=False).site_dir


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_repository(tmp_path_factory.mktemp("empty"))
    for path in root.glob("content/articles/*/*.md"):
        path.unlink()
    return build_site(Settings.load(root), now=NOW).site_dir


@pytest.fixture(scope="session")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("own") / "site"
    return build_site(Settings.load(REPOSITORY), now=NOW.replace(year=2027), site_dir=target).site_dir


@pytest.fixture(params=["fixture", "rich", "empty", "own"])
def any_site(request: pytest.FixtureRequest, report: BuildReport) -> Path:
    built: Path = report.site_dir if request.param == "fixture" else request.getfixturevalue(f"{request.param}_site")
    return built


def test_rss_and_atom_have_neither_errors_nor_warnings(any_site: Path) -> None:
    files = [path for name in ("feed.xml", "atom.xml") for path in sorted(any_site.rglob(name))]

    assert len(files) >= 2
    for path in files:
        address = SITE + path.relative_to(any_site).as_posix()
        found = faults(path.read_text("utf-8"), address=address, now=NOW.replace(year=2027))
        known = END_TAG if path.name == "feed.xml" else "nothing"
        assert [fault for fault in found if not fault.startswith(known)] == [], address


def test_json_feeds_fit_their_schema(any_site: Path) -> None:
    files = sorted(any_site.rglob("feed.json"))

    assert files
    for path in files:
        feed = JsonFeed.model_validate(json.loads(path.read_text("utf-8")))
        assert feed.feed_url == SITE + path.relative_to(any_site).as_posix()
        for item in feed.items:
            assert html_faults(item.content_html or "") == [], item.id


def test_the_rich_site_is_what_the_tests_take_it_for(rich_site: Path) -> None:
    feed = JsonFeed.model_validate(json.loads((rich_site / "topics/money/feed.json").read_text("utf-8")))

    assert len(feed.items) == 20
    assert [item.language for item in feed.items if "german" in item.id] == ["de-CH"]
    whole = JsonFeed.model_validate(json.loads((rich_site / "feed.json").read_text("utf-8")))
    html = {item.id: item.content_html or "" for item in whole.items}
    assert {f"{SITE}articles/{slug}/" for slug in ("everything", "german", "entities")} < html.keys()
    assert html[f"{SITE}articles/everything/"].count('<table role="presentation"') == 4
    assert len({item.date_modified for item in whole.items}) < len(whole.items)


# --- the rules bite ---------------------------------------------------------------------------------------------------------------

RSS = f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" \
xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
<title>Signals</title>
<link>{SITE}</link>
<description>About</description>
<language>en</language>
<docs>https://www.rssboard.org/rss-specification</docs>
<atom:link href="{SITE}feed.xml" rel="self" type="application/rss+xml"/>
<pubDate>Sun, 22 Nov 2026 06:00:00 +0000</pubDate>
<item>
<title>One &#x26; two</title>
<link>{SITE}articles/one/</link>
<guid isPermaLink="true">{SITE}articles/one/</guid>
<pubDate>Sun, 22 Nov 2026 06:00:00 +0000</pubDate>
<dc:creator>Ines</dc:creator>
<category>Power</category>
<atom:link href="https://a.example.org/" rel="via" title="A source"/>
<description>Dek</description>
<content:encoded>&lt;p&gt;Text&lt;/p&gt;</content:encoded>
</item>
</channel>
</rss>
"""
ATOM = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<title>Signals</title>
<id>{SITE}</id>
<link href="{SITE}atom.xml" rel="self" type="application/atom+xml"/>
<link href="{SITE}" rel="alternate" type="text/html"/>
<updated>2026-11-22T06:00:00Z</updated>
<author><name>Open Signal</name></author>
<entry xml:lang="en">
<title>One</title>
<id>{SITE}articles/one/</id>
<link href="{SITE}articles/one/" rel="alternate" type="text/html"/>
<published>2026-11-22T06:00:00Z</published>
<updated>2026-11-22T06:00:00Z</updated>
<category term="Power"/>
<summary>Dek</summary>
<content type="html">&lt;p&gt;Text&lt;/p&gt;</content>
</entry>
</feed>
"""
ITEM = RSS[RSS.index("<item>") : RSS.index("</channel>")]
ENTRY = ATOM[ATOM.index("<entry") : ATOM.index("</feed>")]
OTHER_ENTRY = ENTRY.replace("/one/", "/two/")
HTML = "&lt;p&gt;Text&lt;/p&gt;"

BROKEN_RSS = [
    ("utf-8", "iso-8859-1", "does not begin with"),
    ('<rss version="2.0"', '<rss version="0.91"', "attributes of rss"),
    ("<title>Signals</title>\n", "", "channel without title"),
    ("<description>About</description>\n", "", "channel without description"),
    (f"<link>{SITE}</link>\n", "", "channel without link"),
    (f"<link>{SITE}</link>", "<link>/</link>", "link is no full address"),
    ("<title>Signals</title>", "<title></title>", "title is blank"),
    ("<title>Signals</title>", "<title>A</title><title>B</title>", "holds 2 of title"),
    ("<language>en</language>", "<language>English!</language>", "language"),
    (f'href="{SITE}feed.xml" rel="self"', f'href="{SITE}rss.xml" rel="self"', "is found at"),
    ('rel="self" type="application/rss+xml"', 'rel="self" type="application/xml"', "is found at"),
    ('rel="via"', 'rel="source"', "rel='source'"),
    ('title="A source"', 'title=" "', "a link with the title"),
    ('title="A source"', 'title="A &amp; B"', "no hexadecimal reference"),
    ('href="https://a.example.org/"', 'href="/a"', "a link to '/a'"),
    ("One &#x26; two", "One &amp; two", "no hexadecimal reference"),
    ("One &#x26; two", "&#x3C;b>One&#x3C;/b>", "title holds markup"),
    ('<guid isPermaLink="true">', '<guid isPermaLink="yes">', "isPermaLink"),
    (f'<guid isPermaLink="true">{SITE}articles/one/</guid>', "<guid>one</guid>", "guid is no full address"),
    (f'<guid isPermaLink="true">{SITE}articles/one/</guid>', "", "item without guid"),
    ("<title>One", "<thing/><title>One", "item holds thing"),
    ("<item>", "words<item>", "words beside its elements"),
    ("Sun, 22 Nov", "Mon, 22 Nov", "the wrong day"),
    ("Sun, 22 Nov 2026 06:00:00 +0000", "2026-11-22", "no date of RFC 822"),
    ("Sun, 22 Nov 2026", "Mon, 22 Nov 2027", "not plausible"),
    ("Sun, 22 Nov 2026", "Thu, 22 Nov 1962", "not plausible"),
    ("<dc:creator>Ines</dc:creator>", "<author>Ines</author>", "author is no address of mail"),
    ("<dc:creator>", "<author>a@b.example (A)</author><dc:creator>", "author and dc:creator"),
    ("<category>Power</category>", "<category> </category>", "category is blank"),
    ("<description>Dek</description>\n", "", "item without description"),
    (ITEM, ITEM * 2, "2 times the guid"),
    (HTML, "&lt;script&gt;x&lt;/script&gt;", "<script> has no place"),
    (HTML, "&lt;p onclick='x'&gt;T&lt;/p&gt;", "onclick of <p>"),
    (HTML, "&lt;a href='/x'&gt;T&lt;/a&gt;", "href of <a> is '/x'"),
    (HTML, "&lt;a href='#x'&gt;T&lt;/a&gt;", "href of <a> is '#x'"),
    (HTML, "&lt;img src='x.png'&gt;", "src of <img>"),
    (HTML, "&lt;p style='position:fixed'&gt;T&lt;/p&gt;", "style 'position:fixed'"),
    (HTML, "&lt;p style='color:url(x)'&gt;T&lt;/p&gt;", "style"),
    (HTML, "&lt;p&gt;&lt;b&gt;T&lt;/p&gt;", "closes something else"),
    (HTML, "&lt;p&gt;&lt;table&gt;&lt;/table&gt;&lt;/p&gt;", "<table> in a paragraph"),
    (HTML, "&lt;p&gt;T", "<p> is not closed"),
    ("Dek", "D\x85k", "control characters"),
    ("Dek", "D\ufdd0k", "what is no character"),
    (HTML, "&lt;p&gt;a &amp;foo; b&lt;/p&gt;", "a reference that is none"),
    (HTML, "&lt;p&gt;a &amp; b&lt;/p&gt;", "a reference that is none"),
    (HTML, "&lt;p&gt;&amp;#150;&lt;/p&gt;", "a reference that is none"),
    (HTML, "&lt;p&gt;&amp;#xD800;&lt;/p&gt;", "a reference that is none"),
    (HTML, "&lt;p&gt;1 &lt; 2&lt;/p&gt;", "a bare <"),
    (HTML, "&lt;td&gt;x&lt;/td&gt;", "<td> where none may be"),
    (HTML, "&lt;table&gt;&lt;td&gt;x&lt;/td&gt;&lt;/table&gt;", "<td> where none may be"),
    (HTML, "&lt;p style='margin:-1px'&gt;T&lt;/p&gt;", "style 'margin:-1px'"),
    ("<description>About", "<description>A &amp; B", "description with an entity"),
    ("<title>Signals", '<title type="text">Signals', "attributes of title"),
    ("<category>", '<category foo="1">', "attributes of category"),
    ('rel="via"', 'rel="self"', "an entry says that it is at"),
    ("Sun, 22 Nov 2026 06:00", "Sun, 22 Nov 2026 26:00", "no date of RFC 822"),
    ("</channel>", "", "is not XML"),
    ("<rss", "<!DOCTYPE rss><rss", "document type"),
]
BROKEN_ATOM = [
    (f"<id>{SITE}</id>\n", "", "feed without"),
    ("<title>Signals</title>\n", "", "feed without"),
    ("<updated>2026-11-22T06:00:00Z</updated>\n<author>", "<author>", "feed without"),
    (f"<id>{SITE}</id>", f"<id>{SITE.upper()}</id>", "id is no full address"),
    (f"<id>{SITE}articles/one/</id>", f"<id>{SITE}articles/../one/</id>", "could be written otherwise"),
    (f"<id>{SITE}</id>", "<id>https://deepsignals.example.org:443/</id>", "could be written otherwise"),
    (f'href="{SITE}atom.xml"', 'href="atom.xml"', "is found at"),
    ("<author><name>Open Signal</name></author>\n", "", "an entry without an author"),
    ("<name>Open Signal</name>", "<name> </name>", "name is blank"),
    ("<name>Open Signal</name>", "<name>a@b.example.org</name>", "an address of mail for a name"),
    ("<name>Open Signal</name>", "<name>A</name><uri>ines</uri>", "uri is no full address"),
    ("<name>Open Signal</name>", "<mail>A</mail>", "author holds"),
    ("</entry>\n", "</entry>\n<subtitle>A</subtitle>\n", "behind an entry"),
    (ENTRY, ENTRY + OTHER_ENTRY, "2 times the updated"),
    (ENTRY, ENTRY + OTHER_ENTRY.replace("two", "one").replace("06:00:00Z</up", "07:00:00Z</up"), "2 times the id"),
    ("<published>", '<link href="https://a.example.org/" rel="alternate" type="text/html"/><published>', "type of an alternate"),
    ('rel="alternate" type="text/html"/>\n<pub', 'rel="alternate" type="html"/>\n<pub', "a link of type 'html'"),
    ("<published>2026-11-22T06:00:00Z", "<published>2026-11-22 06:00", "no date of RFC 3339"),
    ("<published>2026", "<published>2028", "not plausible"),
    ("<published>2026-11-22T06", "<published>2026-11-22T25", "no date of RFC 3339"),
    ("<published>2026-11-22T06", "<published>2026-11-22T07", "updated before it was published"),
    ("06:00:00Z</updated>\n<category", "06:00:01Z</updated>\n<category", "updated after its feed"),
    ("<summary>Dek", "<summary>A &amp;amp; B", "summary with an entity"),
    ("<id>", '<id type="text">', "attributes of id"),
    ('rel="alternate" type="text/html"/>\n<pub', 'rel="self" type="text/html"/>\n<pub', "an entry says that it is at"),
    ('<category term="Power"/>', "<category/>", "a category without a term"),
    ('<content type="html">', "<content>", "content that says it is HTML"),
    (f'<content type="html">{HTML}</content>', "", "content that says it is HTML"),
    (HTML, "&lt;iframe src='https://x.example.org/'&gt;&lt;/iframe&gt;", "<iframe> has no place"),
    ("<summary>Dek</summary>", "<summary>&lt;b&gt;Dek&lt;/b&gt;</summary>", "summary holds markup"),
    ("<summary>Dek</summary>", '<summary type="html">&lt;b&gt;Dek</summary>', "<b> is not closed"),
    ('xml:lang="en"', 'xml:lang="e"', "xml:lang"),
    ("<feed xmlns", "<channel><feed xmlns", "is not XML"),
]  # fmt: skip


def test_a_feed_that_is_all_right_has_no_faults() -> None:
    assert faults(RSS, address=f"{SITE}feed.xml", now=NOW) == []
    assert faults(ATOM, address=f"{SITE}atom.xml", now=NOW) == []
    assert faults("<html/>", address=SITE, now=NOW)[-1] == "is neither RSS nor Atom but html"


@pytest.mark.parametrize(("whole", "broken", "said"), BROKEN_RSS)
def test_what_breaks_rss_is_found(whole: str, broken: str, said: str) -> None:
    assert whole in RSS

    found = faults(RSS.replace(whole, broken, 1), address=f"{SITE}feed.xml", now=NOW)

    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(("whole", "broken", "said"), BROKEN_ATOM)
def test_what_breaks_atom_is_found(whole: str, broken: str, said: str) -> None:
    assert whole in ATOM

    found = faults(ATOM.replace(whole, broken, 1), address=f"{SITE}atom.xml", now=NOW)

    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    "change",
    [
        {"version": "https://jsonfeed.org/version/1"},
        {"title": ""},
        {"home_page_url": "/"},
        {"language": "English!"},
        {"unknown": 1},
        {"_ours": 1},
        {"items": None},
        {"items": [{"id": "1"}]},
        {"items": [{"id": 1, "content_html": "x"}]},
        {"items": [{"id": "1", "content_html": "x", "date_published": "2026-11-22"}]},
        {"items": [{"id": "1", "content_html": "x"}, {"id": "1", "content_html": "x"}]},
        {"authors": [{}]},
        {"hubs": [{"type": "WebSub"}]},
    ],
)
def test_what_breaks_a_json_feed_is_found(change: dict[str, object]) -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1", "content_html": "x"}]}
    JsonFeed.model_validate(feed)

    with pytest.raises(ValidationError):
        JsonFeed.model_validate({**feed, **change})


def test_dates_of_the_future_are_found() -> None:
    assert faults(RSS, address=f"{SITE}feed.xml", now=NOW - dt.timedelta(days=2)) != []
