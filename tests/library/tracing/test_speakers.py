"""S311: whose words a quotation is, in the source and in the article. All names are invented."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.model import Severity
from tests.conftest import REPOSITORY
from tests.library.newsroom import Newsroom

COUNCIL = (REPOSITORY / "tests/data/tracing/council.txt").read_text("utf-8").rstrip()

OPENING = (REPOSITORY / "tests/data/tracing/opening.txt").read_text("utf-8").rstrip()
RIGHT_OF_THE_COUNCIL = [
    "“We shall need a second line”, said Ana Example.",
    "Ana Example told the council: “We shall need a second line.”",
    "Example, of the planning office, said the harbour “shall need a second line”.",
    "Peter Sample of the operator said that “one line is enough for twenty years”.",
    "“One line is enough for twenty years,” Sample said.",
    "Ingrid Halloran, the regulator's chair, warned that “a promise is worth little until it has been tested”.",
    "Halloran said a promise “is worth little until it has been tested”.",
    "The ministry said it “takes note of the council's concern”.",
    "The Lowland Institute found that assistants “gained nothing at work they already knew”.",
    "Olu Adeyemi, who directs the institute, called it “the least surprising result of the year”.",
    "According to Olu Adeyemi, it is “the least surprising result of the year”.",
    "Mr Adeyemi spoke of “the least surprising result of the year”.",
    "The council heard from Ana Example that “we shall need a second line”.",
    "The Gazette reports that Ana Example asked for “a second line”.",
    "As Ms Example put it: “We shall need a second line.”",
]
WRONG_OF_THE_COUNCIL = [
    "“We shall need a second line”, said Peter Sample.",
    "Ingrid Halloran told the council: “We shall need a second line.”",
    "Ana Example said that “one line is enough for twenty years”.",
    "“One line is enough for twenty years,” Halloran said.",
    "Olu Adeyemi warned that “a promise is worth little until it has been tested”.",
    "The Lowland Institute said it “takes note of the council's concern”.",
    "Ana Example said it “takes note of the council's concern”.",
    "According to Ingrid Halloran, it is “the least surprising result of the year”.",
    "Peter Sample called it “the least surprising result of the year”.",
    "According to the Southfield Institute, assistants “gained nothing at work they already knew”.",
    "Maren Voss said a promise “is worth little until it has been tested”.",
    "“We shall need a second line,” Peter Sample of the operator told the council.",
]
RIGHT_OF_THE_OPENING = [
    "Lise Tandberg said it “took nine years”.",
    "“Nobody will miss the old one”, the mayor, Lise Tandberg, said.",
    "Tandberg, the mayor, told guests that “nobody will miss the old one”.",
    "Dan O'Brien, for the contractor, answered: “Ask me in nine more years.”",
    "Kofi Mensah of the union called the price “too high, and paid by the wrong people”.",
    "Meridian Foundry called the year “the hardest in its history”.",
    "Mei Lin of Rowan Securities expects “two more quarters of this”.",
    "According to Mei Lin there will be “two more quarters of this”.",
    "Hanna Berg wrote: “We have stopped counting.”",
    "Tomas Rey held that the notice was “not a rule”.",
    "Clara Voss called it “a gift to agencies”.",
    "In her dissent, Judge Voss calls it “a gift to agencies”.",
    "The bank expects “a slow return to normal”.",
    "The Harbour Line Gazette quotes Lise Tandberg: “It took nine years.”",
]
WRONG_OF_THE_OPENING = [
    "Dan O'Brien said it “took nine years”.",
    "“Nobody will miss the old one”, Kofi Mensah said.",
    "Lise Tandberg replied: “Ask me in nine more years.”",
    "Dan O'Brien called the price “too high, and paid by the wrong people”.",
    "Rowan Securities called the year “the hardest in its history”.",
    "Hanna Berg expects “two more quarters of this”.",
    "Mei Lin wrote: “We have stopped counting.”",
    "Clara Voss held that the notice was “not a rule”.",
    "Tomas Rey called it “a gift to agencies”.",
    "Eastfield University forecasts “a slow return to normal”.",
    "According to Meridian Foundry there will be “two more quarters of this”.",
]


def _given(newsroom: Newsroom, body: str, text: str) -> list[str]:
    """The messages of S311 on *body*, which rests on *text*."""
    sha = hashlib.sha256(text.encode()).hexdigest()
    newsroom.write(f"content/sources/snapshots/{sha}.txt", text)
    shot = f"{{sha256: {sha}, text_sha256: {sha}, at: 2026-11-23T09:14:02Z, tool: trafilatura/2, bytes: 9}}"
    newsroom.source("gazette", f"redistribute: full\nlicence: CC-BY-4.0\nsnapshot: {shot}\n")
    file = newsroom.root / "content/sources/gazette.yml"
    file.write_text(file.read_text().replace("Northfield Grid Authority", "Harbour Line Gazette"))
    article, library = newsroom.load_article(f"{body}[^gazette]\n")
    problems = [problem for claim in library.claims(article) for problem in claim.problems]
    assert [problem for problem in problems if problem.severity is Severity.ERROR] == []
    return [problem.message for problem in problems if problem.code == "S311"]


@pytest.mark.parametrize(
    ("text", "bodies"), [(COUNCIL, RIGHT_OF_THE_COUNCIL), (OPENING, RIGHT_OF_THE_OPENING)], ids=["council", "opening"]
)
def test_s311_who_says_the_words_is_recognised(newsroom: Newsroom, text: str, bodies: list[str]) -> None:
    alarms = {body: told for body in bodies if (told := _given(newsroom, body, text))}

    assert alarms == {}


@pytest.mark.parametrize(
    ("text", "bodies"), [(COUNCIL, WRONG_OF_THE_COUNCIL), (OPENING, WRONG_OF_THE_OPENING)], ids=["council", "opening"]
)
def test_s311_words_that_are_given_to_another_are_told(newsroom: Newsroom, text: str, bodies: list[str]) -> None:
    missed = [body for body in bodies if not _given(newsroom, body, text)]

    assert len(missed) <= len(bodies) // 10, missed


def test_s311_the_message_names_both(newsroom: Newsroom) -> None:
    (told,) = _given(newsroom, "“We shall need a second line”, said Peter Sample.", COUNCIL)

    assert told == (
        "these words are given to Peter Sample, but in gazette (line 1) there Ana Example says them; name who said them"
    )
