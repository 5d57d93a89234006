"""What was published stays published: corrections are told, addresses stay, reviews are of the text that came out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.library import load_library
from pipeline.model import Severity
from tests.library.gitted import Gitted
from tests.library.newsroom import front

BODY = "The office named 24 halls.[^northfield-2026]\nThey would wait until 2030.[^northfield-2026]\n"
WRONG = BODY.replace("24", "42")
CORRECTED = front(
    status="corrected",
    updated="2026-11-21T09:00:00Z",
    corrections="[{date: 2026-11-21, was: The office named 24 halls., now: The office named 42 halls.}]",
)


@pytest.fixture
def gitted(tmp_path: Path) -> Gitted:
    newsroom = Gitted(tmp_path)
    newsroom.article(BODY)
    return newsroom


def test_s031_a_published_text_is_not_changed_without_a_word(gitted: Gitted) -> None:
    commit = gitted.commit("Publish")
    path = gitted.article(WRONG)

    problem = gitted.only_problem()

    assert (problem.path, problem.line, problem.column, problem.code, problem.severity) == (
        path,
        9,
        1,
        "S031",
        Severity.ERROR,
    )
    assert problem.message == (
        f"published text changed (1 line) since {commit[:9]} of 2026-11-20, without a correction: "
        "… The office named [-24-] {+42+} halls. They would …; "
        "tell readers by: opensignal correct grid --was ... --now ..., or put it back"
    )
    gitted.commit("Silently")
    assert gitted.codes() == ["S031"]  # committing it makes it no better


def test_s031_a_correction_and_its_time_put_it_in_order(gitted: Gitted) -> None:
    gitted.commit("Publish")
    gitted.article(WRONG, front=CORRECTED)
    assert gitted.codes() == []

    gitted.commit("Correct")
    assert gitted.codes() == []

    gitted.article(WRONG.replace("2030", "2031"), front=CORRECTED)
    assert gitted.codes() == ["S031"]  # one correction is told for one change


CORRECTION = "[{date: 2026-11-21, was: %s, now: %s}]"


def tells(was: str, now: str) -> str:
    return front(status="corrected", updated="2026-11-21T09:00:00Z", corrections=CORRECTION % (was, now))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("24", "42"),
        ("named 24 halls", "named 42 halls"),
        ("'*24* halls'", "'*42* halls'"),
        ("The office named 24", "The office named 42"),
    ],
)
def test_s031_a_correction_tells_of_the_words_that_were_changed(gitted: Gitted, was: str, now: str) -> None:
    gitted.commit("Publish")
    gitted.article(WRONG, front=tells(was, now))

    assert gitted.codes() == []


@pytest.mark.parametrize(
    ("body", "was", "now", "told"),
    [
        ("Nothing of it is true.\n", "named 24", "named 42", "{+Nothing of it is true.+}"),
        (WRONG.replace("2030", "2031"), "named 24", "named 42", "wait until [-2030.-] {+2031.+}"),
        (WRONG, "until 2030", "until 2030", "named [-24-] {+42+} halls."),
        (WRONG, "a slip", "no slip", '"a slip" -> "no slip" is not what was changed'),
        (WRONG, "named 24 halls", "named 43 halls", "named [-24-] {+42+} halls."),
        (WRONG + "And one sentence more.\n", "named 24 halls", "named 42 halls", "{+And one sentence more.+}"),
    ],
)
def test_s031_a_correction_of_something_else_licenses_no_change(
    gitted: Gitted, body: str, was: str, now: str, told: str
) -> None:
    gitted.commit("Publish")
    gitted.article(body, front=tells(was, now))

    for is_committed in (False, True):
        if is_committed:
            gitted.commit("Rewrite behind a correction")
        ((code, message),) = gitted.said()
        assert code == "S031"
        assert "no correction tells of these words" in message
        assert told in message


def test_s031_corrections_of_title_of_what_stands_twice_and_of_one_another_are_understood(gitted: Gitted) -> None:
    body = "It was 24 halls here. They say 24 halls there. It ended.\n"
    gitted.article(body)
    gitted.commit("Publish")
    more = ", ".join(
        f"{{date: 2026-11-21, was: {was}, now: {now}}}"
        for was, now in [("24 halls", "43 halls"), ("It ended", "It ends"), ("It ends", "It stops"),
                         ("is the story", "is a story"), ("It stops.", "The grid waits. It stops.")]
    )  # fmt: skip
    told = front(
        title="The grid is a story", status="corrected", updated="2026-11-21T09:00:00Z", corrections=f"[{more}]"
    )
    gitted.article("It was 24 halls here. They say 43 halls there. The grid waits. It stops.\n", front=told)

    assert gitted.codes() == []


@pytest.mark.parametrize("tag", ["del", "s", "DEL title='x'"])
def test_s031_words_that_are_struck_out_are_no_longer_said(gitted: Gitted, tag: str) -> None:
    gitted.commit("Publish")
    gitted.article(BODY.replace("They would wait", f"<{tag}>They would</{tag.split()[0]}> wait"))

    ((code, message),) = gitted.said()

    assert code == "S031"
    assert "{+⟨struck out⟩+} They would" in message


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize("slug", ["named by its file", "named by its front matter"])
def test_s031_an_address_has_its_past_whatever_its_file_is_called(
    gitted: Gitted, slug: str, is_committed: bool
) -> None:
    gitted.commit("Publish")
    (gitted.root / "content/articles/2026/2026-11-20-grid.md").unlink()
    other = "Nothing here has one word in common with whatever stood at that place before today.\n" * 9
    if slug == "named by its file":
        gitted.article(other, date="2026-11-21", front=front(date="2026-11-21T06:00:00Z"))
    else:
        gitted.article(other, slug="new", front=front(slug="grid"))
    if is_committed:
        gitted.commit("Rewrite all of it")

    assert gitted.codes() == ["S031"]


def test_s031_a_correction_that_does_not_say_when_is_none(gitted: Gitted) -> None:
    gitted.commit("Publish")
    gitted.article(WRONG, front="".join(line for line in CORRECTED.splitlines(keepends=True) if "updated" not in line))

    ((code, message),) = gitted.said()

    assert code == "S031"
    assert "with a correction, but updated does not say when" in message
    assert message.endswith("set updated: to when it was corrected")


def test_s031_a_later_commit_may_tell_what_an_earlier_one_did_not(gitted: Gitted) -> None:
    gitted.commit("Publish")
    gitted.article(WRONG)
    gitted.commit("Silently")
    gitted.article(WRONG, front=CORRECTED)
    gitted.commit("Tell")

    assert gitted.codes() == []


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace("[^northfield-2026]", "[^southfield-2026]"),
        BODY.replace("[^northfield-2026]\n", "\n"),
        "The  office named *24*\nhalls. They would\nwait until `2030`.\n",
        BODY.replace("The office", "The [office](https://example.org/)"),
        BODY + "\n<!-- a note -->\n\n<!-- sources -->\n[^northfield-2026]: x\n<!-- sources -->\n",
        BODY.replace("halls.", "halls\u200b."),
        BODY.replace("halls.[^northfield-2026]", "halls [@northfield-2026]."),
    ],
)
def test_sources_markup_links_and_typography_may_change(gitted: Gitted, body: str) -> None:
    gitted.commit("Publish")
    gitted.article(body)

    assert gitted.codes() == []


@pytest.mark.parametrize("change", [{"title": "The grid is another story"}, {"dek": "What the grid carries is built."}])
def test_s031_title_and_dek_are_text_too(gitted: Gitted, change: dict[str, str]) -> None:
    gitted.commit("Publish")
    gitted.article(BODY, front=front(**change))

    problem = gitted.only_problem()

    assert (problem.code, problem.line) == ("S031", 2)
    assert "published text changed (title or dek)" in problem.message


def test_what_no_reader_saw_may_change(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(status="draft"))
    gitted.commit("Draft")
    gitted.article(WRONG, front=front(date="2026-11-20T23:00:00Z", status="scheduled"))
    gitted.commit("Schedule")
    gitted.article(BODY, front=front(date="2026-11-20T23:00:00Z", status="scheduled"))
    gitted.commit("Mend before its date", hours=40)

    assert gitted.codes() == []

    gitted.article(WRONG, front=front(date="2026-11-20T23:00:00Z", status="scheduled"))
    at = dt.datetime(2026, 11, 20, 22, 0, tzinfo=dt.UTC)
    early, late = (load_library(gitted.root, now=at + dt.timedelta(hours=hours)).problems for hours in (0, 2))
    assert "S031" not in [problem.code for problem in early]
    assert "S031" in [problem.code for problem in late]


def test_what_a_branch_holds_is_published_by_its_merge(gitted: Gitted) -> None:
    gitted.git("commit", "-q", "--allow-empty", "-m", "Begin")
    gitted.git("checkout", "-q", "-b", "draft")
    gitted.commit("A first version")
    gitted.article(WRONG)
    gitted.commit("A second one")
    gitted.git("checkout", "-q", "main")
    gitted.git("merge", "-q", "--no-ff", "-m", "Publish", "draft")
    assert gitted.codes() == []

    gitted.article(BODY)
    ((code, message),) = gitted.said()
    assert code == "S031"
    assert gitted.git("rev-parse", "HEAD")[:9] in message


@pytest.mark.parametrize("body", ["It says ![[northfield-2026.share]].\n", "It says:\n\n> [^northfield-2026.share]\n"])
def test_s031_words_that_the_build_sets_are_held_too(gitted: Gitted, body: str) -> None:
    gitted.quoted_source("northfield-2026", "9% to 17% of regional supply")
    gitted.article(body)
    gitted.commit("Publish")
    assert gitted.codes() == []

    gitted.quoted_source("northfield-2026", "60% above our 2024 outlook")
    for is_committed in (False, True):
        if is_committed:
            gitted.commit("Only the source")
        ((code, message),) = gitted.said()
        assert code == "S031"
        assert "9% to 17%" in message
        assert "60% above" in message

    gitted.git("checkout", "-q", "HEAD~1", "--", "content/sources")
    gitted.article("It says “9% to 17% of regional supply”[^northfield-2026].\n")
    assert ("S031" in gitted.codes()) == body.startswith("It says:")


def test_s032_a_correction_that_was_published_stays(gitted: Gitted) -> None:
    gitted.article(WRONG, front=CORRECTED)
    commit = gitted.commit("Publish")
    gitted.article(WRONG, front=front(updated="2026-11-21T09:00:00Z"))

    said = dict(gitted.said())

    assert set(said) == {"S015", "S032"}
    assert said["S032"].startswith(f"a correction that was published ({commit[:9]} of 2026-11-20) is gone")


@pytest.mark.parametrize("is_committed", [False, True])
def test_s013_the_slug_never_changes_after_publication(gitted: Gitted, is_committed: bool) -> None:
    gitted.commit("Publish")
    (gitted.root / "content/articles/2026/2026-11-20-grid.md").unlink()
    gitted.article(BODY, slug="the-grid")
    if is_committed:
        gitted.commit("Rename")

    problem = gitted.only_problem()
    assert problem.code == "S013"
    assert 'the slug was "grid" when it was published' in problem.message
    assert "set slug: grid" in problem.message
    assert problem.message.endswith("or let the old address lead here by aliases: [/articles/grid/]")

    gitted.article(BODY, slug="the-grid", front=front(slug="grid"))
    assert gitted.codes() == []

    gitted.article(BODY, slug="the-grid", front=front(aliases="[/articles/grid]"))
    assert gitted.codes() == []

    gitted.article(
        "Quite another text, at another address.\n", slug="the-grid", front=front(aliases="[/articles/grid]")
    )
    assert gitted.codes() == ["S031"]


def test_s013_a_draft_may_find_its_name(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(status="draft"))
    gitted.commit("Draft")
    (gitted.root / "content/articles/2026/2026-11-20-grid.md").unlink()
    gitted.article(BODY, slug="the-grid")

    assert gitted.codes() == []


def test_s015_a_status_goes_forward_only(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(status="retracted"))
    commit = gitted.commit("Retract")
    gitted.article(BODY)

    ((code, message),) = gitted.said()
    assert code == "S015"
    assert message.startswith(f"the status goes back from retracted ({commit[:9]} of 2026-11-20) to published")
    assert message.endswith("set retracted again")

    gitted.article(BODY, front=front(status="draft"))
    problem = gitted.only_problem()
    assert (problem.code, problem.severity) == ("S015", Severity.WARNING)
    assert "withdraws it without a word" in problem.message


def test_s015_it_may_be_retracted_at_any_time_and_a_revert_withdraws_it(gitted: Gitted) -> None:
    gitted.commit("Begin")
    gitted.article("Another one.\n", slug="other")
    gitted.commit("Publish")
    gitted.article(BODY, front=front(status="retracted"))
    assert gitted.codes() == []

    gitted.commit("Retract")
    gitted.git("revert", "--no-edit", "HEAD~1")
    assert gitted.codes() == []


DRAFTED = {"ai": "{involvement: drafted, model: M, reviewed_by: ines, reviewed_at: 2026-11-20, review_commit: %s}"}


def test_s030_the_text_that_was_reviewed_is_the_one_that_comes_out(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(status="review"))
    commit = gitted.commit("To be read")
    ai = DRAFTED["ai"] % commit[:12]
    gitted.article(BODY, front=front(ai=ai))
    assert gitted.codes() == []

    path = gitted.article(WRONG, front=front(ai=ai))
    problem = gitted.only_problem()
    assert (problem.path, problem.line, problem.code, problem.severity) == (path, 8, "S030", Severity.ERROR)
    assert f"changed since the review ({commit[:12]}): … The office named [-24-] {{+42+}} halls." in problem.message


def test_s030_what_is_corrected_in_the_open_needs_no_second_review(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(status="review"))
    ai = DRAFTED["ai"] % gitted.commit("To be read")
    gitted.article(BODY, front=front(ai=ai))
    gitted.commit("Publish")
    gitted.article(WRONG, front=f"{CORRECTED}ai: {ai}\n")

    assert gitted.codes() == []


def test_s030_a_review_that_is_not_in_this_clone_is_told(gitted: Gitted) -> None:
    gitted.commit("Begin")
    gitted.article(BODY, front=front(ai=DRAFTED["ai"] % ("ab" * 20)))

    problem = gitted.only_problem()

    assert (problem.code, problem.severity) == ("S030", Severity.ERROR)
    assert "is not in this repository" in problem.message


def test_s030_a_review_that_a_shallow_clone_cannot_know_is_no_error(gitted: Gitted, tmp_path: Path) -> None:
    gitted.article(BODY, front=front(status="review"))
    ai = DRAFTED["ai"] % gitted.commit("To be read")
    gitted.article(BODY, front=front(ai=ai))
    gitted.commit("Publish")
    gitted.git("clone", "-q", "--depth", "1", f"file://{gitted.root}", str(tmp_path / "clone"))

    problems = [
        problem
        for problem in load_library(tmp_path / "clone", now=dt.datetime.now(dt.UTC)).problems
        if problem.code == "S030"
    ]

    assert [problem.severity for problem in problems] == [Severity.WARNING]


SIGNED = "{involvement: drafted, model: M, reviewed_by: ines, reviewed_at: %s}"


def test_s030_a_review_without_a_commit_is_of_the_text_that_stood_when_its_reviewer_was_named(gitted: Gitted) -> None:
    gitted.commit("Begin")
    gitted.article(BODY, slug="other", front=front(ai=SIGNED % "2026-11-20"))
    assert "it is not recorded which text was reviewed" in gitted.only_problem().message

    gitted.article(BODY, slug="other", front=front(ai=SIGNED % "2026-11-20", status="review"))
    gitted.commit("Read")
    gitted.article(BODY, slug="other", front=front(ai=SIGNED % "2026-11-20"))
    assert gitted.codes() == []

    gitted.article(WRONG, slug="other", front=front(ai=SIGNED % "2026-11-20"))
    for is_committed in (False, True):
        if is_committed:
            gitted.commit("Change what was read, and publish it")
        problem = gitted.only_problem()
        assert (problem.code, problem.severity) == ("S030", Severity.ERROR)
        assert "changed since its reviewer was named: … The office named [-24-] {+42+}" in problem.message


@pytest.mark.parametrize(("day", "words"), [("2024-11-20", "more than a year before"), ("2026-11-10", "first commit")])
def test_s030_a_review_on_a_day_that_cannot_be_is_told_of(gitted: Gitted, day: str, words: str) -> None:
    later = {"date": "2026-11-25T06:00:00Z", "status": "scheduled"}
    gitted.article(BODY, slug="other", front=front(ai=SIGNED % day, **later), date="2026-11-25")
    gitted.commit("Read")

    problem = gitted.only_problem()

    assert (problem.code, problem.severity) == ("S030", Severity.WARNING)
    assert words in problem.message


def test_s030_a_review_follows_a_file_that_was_renamed(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(status="review"), slug="working-title")
    (gitted.root / "content/articles/2026/2026-11-20-grid.md").unlink()
    ai = DRAFTED["ai"] % gitted.commit("To be read")
    (gitted.root / "content/articles/2026/2026-11-20-working-title.md").unlink()
    gitted.article(BODY, front=front(ai=ai))
    assert gitted.codes() == []

    gitted.commit("Publish")
    assert gitted.codes() == []


def test_s033_figures_that_were_to_be_looked_at_again_are_told_of(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(stale_after="2026-11-30"))
    library = gitted.load()

    def codes(day: int) -> list[str]:
        now = dt.datetime(2026, 12, day, tzinfo=dt.UTC) - dt.timedelta(days=1)
        return [problem.code for problem in library.problems_at(now) if problem.code == "S033"]

    assert codes(1) == []
    assert codes(2) == ["S033"]


def test_other_line_ends_on_this_machine_are_no_change(gitted: Gitted) -> None:
    path = gitted.article(BODY)
    gitted.commit("Publish")
    (gitted.root / path).write_bytes((gitted.root / path).read_bytes().replace(b"\n", b"\r\n"))

    assert gitted.codes() == []


def test_a_version_that_cannot_be_read_counts_as_none(gitted: Gitted) -> None:
    path = gitted.write("content/articles/2026/2026-11-20-grid.md", "---\ntitle: [\n---\n")
    gitted.commit("Spoilt")
    gitted.write(path, b"\xff\xfe")
    gitted.commit("Worse")
    gitted.article(BODY)

    assert gitted.codes() == []
