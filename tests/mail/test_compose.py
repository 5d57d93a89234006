"""The letter of an issue, read as a mail program reads it: subject, headers, both parts, and the blanks in them."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import html
import re
import shutil
from dataclasses import replace
from email.message import EmailMessage
from typing import cast

import pytest

from pipeline.config import Settings
from pipeline.errors import ContentError, SettingsError
from pipeline.library import Library
from pipeline.mail.compose import MAX_HTML, compose
from pipeline.mail.plan import Composed
from pipeline.mail.stamp import Stamp
from pipeline.mail.tokens import Purpose, new_ref, read
from pipeline.model import (
    AiUse,
    Article,
    Cadence,
    Citation,
    Issue,
    Person,
    Quote,
    Role,
    Snapshot,
    Source,
    SourceStatus,
    Tier,
    Topic,
)
from tests.builders import NOW, an_article
from tests.conftest import REPOSITORY
from tests.mail.reading import tags

KEY = bytes(range(32))
CONFIRMED = dt.datetime(2026, 9, 24, 8, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 23)
DAILY = Issue("daily-2026-11-23", Cadence.DAILY, date=DAY, closes_at=NOW)
EACH = Issue("each-grid", Cadence.EACH, date=DAY, closes_at=NOW, slug="grid")
SITE = "https://deepsignals.example.org/"

SOURCES = {
    name: Source(name, f"https://{name}.example.com/report?a=1&b=2", f"The {name} office", tier)
    for name, tier in [
        ("census", Tier.PRIMARY),
        ("gazette", Tier.SECONDARY),
        ("meter", Tier.PRIMARY),
        ("survey", Tier.PRIMARY),
        ("wire", Tier.AGGREGATOR),
    ]
}


def citing(*names: str, slug: str = "grid", body: str = "", **changes: object) -> Article:
    """An article with a sentence for each source."""
    text = body or "\n\n".join(f"The {name} says so.[^{name}]" for name in names)
    return an_article(slug, body=text, citations=tuple(Citation(name, None, 1, 1) for name in names), **changes)


@pytest.fixture
def letters(settings: Settings):  # type: ignore[no-untyped-def]
    shutil.copytree(REPOSITORY / "theme" / "assets" / "css", settings.root / "theme" / "assets" / "css")

    def compose_letter(*articles: Article, issue: Issue = DAILY, **changes: object) -> Composed:
        library = Library(
            articles=articles,
            sources=SOURCES,
            topics={"power": Topic("power", "Power & heat"), "chips": Topic("chips", "Chips")},
            people={"ines-halvorsen": Person("ines-halvorsen", "Ines Halvorsen", Role.EDITOR)},
        )
        return compose(issue, articles, library=library, settings=settings.model_copy(update=changes))

    return compose_letter


def opened(letter: Composed, reader: str = "reader@example.org", ref: str = "a" * 32) -> EmailMessage:
    """The copy of one subscriber."""
    raw = Stamp(letter.message, issue_key="daily-2026-11-23", token_key=KEY).copy_for(
        email=reader, ref=ref, confirmed_at=CONFIRMED
    )
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return cast("str", body.get_content())


def links_of_html(message: EmailMessage) -> set[str]:
    return {html.unescape(link) for link in re.findall(r'href="([^"]*)"', part(message, "html"))}


def links_of_text(message: EmailMessage) -> set[str]:
    return set(re.findall(r"https?://[^\s<>]+", part(message, "plain")))


def visible(message: EmailMessage) -> str:
    """What a person reads of the HTML part."""
    body = part(message, "html").partition("<body")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_words_that_the_build_sets_stand_in_both_parts_of_every_letter(  # type: ignore[no-untyped-def]
    letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "9% to 17% of AT&amp;T's *supply*"
    monkeypatch.setitem(SOURCES, "census", replace(SOURCES["census"], quotes={"share": Quote("share", words)}))
    article = citing("census", body="It says ![[census.share]].\n\nA second one.\n\n> [^census.share]\n")

    for issue, times in ((DAILY, 1), (EACH, 2)):  # a digest opens with its lead, the other letter has all of it
        message = opened(letters(article, issue=issue))

        assert visible(message).count(words) == times
        assert part(message, "plain").count(words) == times
        assert f"“{words}”" in part(message, "plain")
        assert ("cite-1" in part(message, "html")) == (f"“{words}” [1]" in part(message, "plain")) == (issue is EACH)


# --- subject and preheader ---------------------------------------------------------------------------------------------------


def test_the_subject_is_the_leads_title_or_what_its_editor_wrote(letters) -> None:  # type: ignore[no-untyped-def]
    plain = letters(citing("census"), citing("meter", slug="heat"))
    written = letters(citing("census", email_subject="Grids first"), citing("meter", slug="heat", email_subject="No"))

    assert (plain.subject, opened(plain)["Subject"]) == ("The grid is the story",) * 2
    assert (written.subject, opened(written)["Subject"]) == ("Grids first",) * 2
    assert "The grid is the story" in visible(opened(written))


@pytest.mark.parametrize(
    ("articles", "expected"),
    [
        ([{"email_preheader": "What the editor wrote"}, {"slug": "heat"}], "What the editor wrote"),
        ([{}, {"slug": "heat"}, {"slug": "fans"}, {"slug": "rest"}], "The heat is the story · The fans is the story"),
        ([{"dek": "What the grid tells us."}], "What the grid tells us."),
        ([{"dek": "word " * 60}], ("word " * 60)[:109].strip() + "…"),
    ],
)
def test_the_preheader_is_the_editors_else_the_next_titles_else_the_dek(  # type: ignore[no-untyped-def]
    letters, articles: list[dict[str, str]], expected: str
) -> None:
    message = opened(letters(*(citing("census", **changes) for changes in articles)))

    hidden = re.search(r'<div style="display:\s*none[^>]*>(.*?)</div>', part(message, "html"), re.DOTALL)
    assert hidden is not None
    assert " ".join(re.sub(r"[\u2007\ufeff\u034f]", " ", html.unescape(hidden[1])).split()) == expected


# --- headers -----------------------------------------------------------------------------------------------------------------


def test_every_header_that_a_mail_program_needs_is_there_once(letters) -> None:  # type: ignore[no-untyped-def]
    ref = new_ref()
    letter = letters(citing("census"), reply_to="editors@example.org")

    message = opened(letter, "reader@example.org", ref)

    names = [name.lower() for name in message.keys()]  # noqa: SIM118 -- each one, not each name
    assert len(names) == len(set(names))
    token = str(message["List-Unsubscribe"]).removeprefix(f"<{SITE}unsubscribe/").removesuffix(">")
    assert read(KEY, Purpose.UNSUBSCRIBE, token) == ref
    found = {name: message[name] for name in ("From", "To", "Reply-To", "List-Id", "List-Help", "List-Archive")}
    assert found == {
        "From": "Deep Signals <signals@example.org>",
        "To": "reader@example.org",
        "Reply-To": "editors@example.org",
        "List-Id": "Deep Signals <deep-signals.deepsignals.example.org>",
        "List-Help": f"<{SITE}subscribe/>",
        "List-Archive": f"<{SITE}archive/>",
    }
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # RFC 8058 3.1
    assert (message["Auto-Submitted"], message["Precedence"]) == ("auto-generated", "bulk")
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", message["Message-ID"])


def test_hostile_words_are_escaped_in_html_and_harmless_in_headers(letters) -> None:  # type: ignore[no-untyped-def]
    title = 'Fish & <script>alert(1)</script>\r\nBcc: x@example.com\u202e "quoted" =?utf-8?q?odd?='
    article = citing("census", title=title, dek="<b>One</b> & only.", email_preheader="</div><img src=x>")

    message = opened(letters(article, replace(article, slug="heat")))

    shown = part(message, "html")
    assert message["Bcc"] is None
    assert message["Subject"].strip() == "Fish & <script>alert(1)</script> Bcc: x@example.com…"
    assert {"a", "h1"} <= tags(shown)
    assert tags(shown) & {"script", "img", "b"} == set()
    assert shown.count("Fish &amp; &lt;script&gt;") >= 2
    assert "Fish & <script>alert(1)</script>" in part(message, "plain")


# --- digest ------------------------------------------------------------------------------------------------------------------


def test_a_digest_carries_each_articles_link_and_the_names_of_its_sources(letters) -> None:  # type: ignore[no-untyped-def]
    lead = citing("census", "gazette", "meter", "survey", "wire")
    brief = citing("gazette", slug="heat", topics=("chips",))

    message = opened(letters(lead, brief))

    words, links = visible(message), links_of_html(message)
    assert "Monday 23 November 2026 · 2 articles · 5 sources" in words
    assert (
        "5 sources, 3 primary, 5 origins: The census office , The meter office , The survey office and 2 more" in words
    )
    assert "1 source, 0 primary: The gazette office" in words
    assert "Power & heat" in words
    assert "What the heat tells us." in words
    assert {f"{SITE}articles/grid/", f"{SITE}articles/heat/", f"{SITE}articles/grid/#sources"} <= links
    assert {SOURCES[name].url for name in ("census", "meter", "survey")} <= links  # primary ones first
    assert SOURCES["wire"].url not in links


def test_a_digest_names_a_fourth_publisher_and_none_twice(letters, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(SOURCES, "wire", replace(SOURCES["wire"], publisher=SOURCES["census"].publisher))

    message = opened(letters(citing("census", "wire", "gazette", "meter", "survey")))

    named = ["The census office", "The meter office", "The survey office", "The gazette office"]
    assert f": {' , '.join(named)} ·" in visible(message)
    assert re.findall(r"^\[\d+\] (The .*?)\r?$", part(message, "plain"), re.MULTILINE) == named


def test_the_opening_has_no_citations_for_the_letter_names_the_sources_below(letters) -> None:  # type: ignore[no-untyped-def]
    body = "First.[^census] <!-- analysis -->\n\nSecond, [see](https://example.com/more).[^meter]\n\nThird.[^gazette]\n"

    message = opened(letters(citing("census", "meter", "gazette", body=body)))

    for shown in (part(message, "html").partition("<body")[2], part(message, "plain")):
        assert "First." in shown
        assert "Second" in shown
        assert "Third." not in shown
        assert "cite-" not in shown
        assert "[^" not in shown
        assert "analysis" not in shown
    assert "https://example.com/more" in links_of_html(message) & links_of_text(message)
    assert "First.[" not in part(message, "plain")


def test_a_weekly_issue_says_which_week(letters) -> None:  # type: ignore[no-untyped-def]
    weekly = Issue("weekly-2026-W48", Cadence.WEEKLY, date=DAY, closes_at=NOW)

    message = opened(letters(citing("census"), issue=weekly))

    assert "The week to Monday 23 November 2026 · 1 article · 1 source" in visible(message)
    assert "you asked for Deep Signals weekly" in visible(message)


# --- each article ------------------------------------------------------------------------------------------------------------


def test_a_letter_of_one_article_carries_it_whole_with_absolute_links(letters) -> None:  # type: ignore[no-untyped-def]
    body = (
        "First.[^census]\n\n## A heading\n\nSecond, [below](#the-end).[^meter]\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n### The end\n\nLast.[^census]\n"
    )
    ai = AiUse(involvement="drafted", reviewed_by="ines-halvorsen")
    article = citing("census", "meter", body=body, ai=ai)

    message = opened(letters(article, issue=EACH))

    words, links = visible(message), links_of_html(message)
    for passage in ("First.", "A heading", "Second, below", "The end", "Last."):
        assert passage in words
        assert passage.partition(" below")[0] in part(message, "plain")
    assert "The census office" in words
    assert "AI-written, reviewed by Ines Halvorsen" in words
    assert f"{SITE}articles/grid/#the-end" in links
    assert {SOURCES["census"].url, SOURCES["meter"].url} <= links
    assert all(re.match(r"https?://", link) for link in links)


def test_a_letter_says_what_we_hold_of_each_source_and_what_became_of_it(letters, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    taken = Snapshot("0" * 64, "1" * 64, NOW - dt.timedelta(days=4), "a tool 1", 100)
    gone = replace(SOURCES["census"], snapshot=taken, status=SourceStatus.GONE, archive="https://archive.example/1")
    monkeypatch.setitem(SOURCES, "census", gone)

    message = opened(letters(citing("census", "meter"), issue=EACH))

    for shown in (visible(message), " ".join(part(message, "plain").split())):
        assert "stored copy of 19 November 2026; no longer on the web; our copy of 19 November 2026 is kept" in shown
        assert "recorded by the editor, no stored copy yet" in shown
        assert "2 sources, 2 primary, 2 origins" in shown
        assert re.search(r"2 sentences: \d (?:source named|copy not here|our reading)", shown)
    assert "https://archive.example/1" in links_of_html(message) & links_of_text(message)
    assert f"{SITE}articles/grid/receipts/" in links_of_html(message) & links_of_text(message)


# --- both parts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issue", [DAILY, EACH], ids=["digest", "each"])
def test_the_text_part_holds_every_link_of_the_html_part(letters, issue: Issue) -> None:  # type: ignore[no-untyped-def]
    body = "One [link](https://example.com/a).[^census]\n\nTwo [more](https://example.com/b?x=1&y=2).[^meter]\n"
    articles = [citing("census", "meter", "gazette", "survey", body=body), citing("wire", slug="heat")]

    message = opened(letters(*(articles if issue is DAILY else articles[:1]), issue=issue))

    of_html = {link.partition("#")[0] for link in links_of_html(message)}
    of_text = {link.partition("#")[0] for link in links_of_text(message)}
    assert len(of_html) >= 8
    assert of_html - of_text == set()


def test_two_copies_differ_only_in_the_lines_that_are_their_readers_own(letters) -> None:  # type: ignore[no-untyped-def]
    letter = letters(citing("census"))
    stamp = Stamp(letter.message, issue_key="daily-2026-11-23", token_key=KEY)

    first = stamp.copy_for(email="a@example.org", ref="a" * 32, confirmed_at=CONFIRMED)
    second = stamp.copy_for(email="b@example.org", ref="b" * 32, confirmed_at=NOW)

    assert first == stamp.copy_for(email="a@example.org", ref="a" * 32, confirmed_at=CONFIRMED)
    bodies = [
        cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default)) for raw in (first, second)
    ]
    headers = [{(name, str(value)) for name, value in message.items()} for message in bodies]
    assert {name for name, _ in headers[0] ^ headers[1]} == {"To", "Message-ID", "List-Unsubscribe"}
    for kind in ("plain", "html"):
        of_first, of_second = (
            re.split(r"(https?://[^\s\"<>]+)", part(message, kind).replace("2026-09-24", "2026-11-23", 1))
            for message in bodies
        )
        different = [(a, b) for a, b in zip(of_first, of_second, strict=True) if a != b]
        assert {a.removeprefix(SITE).partition("/")[0] for pair in different for a in pair} == {
            "unsubscribe",
            "preferences",
        }
    assert b"qzblank" not in first


def test_the_foot_says_why_and_how_to_leave_and_who_sends(letters) -> None:  # type: ignore[no-untyped-def]
    message = opened(letters(citing("census")))

    for shown in (visible(message), " ".join(part(message, "plain").split())):
        assert "You get this because you asked for Deep Signals daily and confirmed it on 2026-09-24." in shown
        assert "Deep Signals, 1 Sample Street, Example Town" in shown
        assert "Unsubscribe" in shown


def test_nothing_is_loaded_from_anywhere_and_no_link_is_rewritten(letters) -> None:  # type: ignore[no-untyped-def]
    message = opened(letters(citing("census")))

    shown = part(message, "html")
    assert not re.search(r"<(img|script|link|iframe|object|form)\b|url\(|@import|\bsrc=", shown)
    assert {link.split("/")[2] for link in links_of_html(message)} == {"deepsignals.example.org", "census.example.com"}


# --- what cannot be sent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", " \n"])
def test_without_a_postal_address_nothing_is_composed(letters, address: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match=r"postal_address is empty; .*set it in pyproject\.toml"):
        letters(citing("census"), postal_address=address)


@pytest.mark.parametrize(
    "passage",
    ["a word or two more " * (MAX_HTML // 18), "größer " * (MAX_HTML // 11)],
    ids=["as it is", "as it is encoded"],
)
def test_a_letter_that_would_be_cut_off_fails_and_names_the_issue(letters, passage: str) -> None:  # type: ignore[no-untyped-def]
    """Gmail clips at about 102 kB, and what it clips is the way to unsubscribe (M-10)."""
    article = citing("census", body=f"{passage}.[^census]\n")

    with pytest.raises(ContentError, match=r"^each-grid: .* kB The grid is the story\. Shorten the article"):
        letters(article, issue=EACH)
    assert letters(citing("census", body=f"{passage[:20_000]}.[^census]\n"), issue=EACH).subject
