"""A person approves what was read and corrects what was published, and both can be looked up afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from pipeline.errors import ContentError, UsageError
from pipeline.library.checks.published import Past, pasts_of
from pipeline.library.editing import TextFile
from pipeline.library.history import open_history
from pipeline.library.notation import addresses_of
from pipeline.library.review import approve, correct
from pipeline.library.tidy import tidied
from pipeline.model import Article
from tests.library.gitted import Gitted
from tests.library.newsroom import Newsroom, front
from tests.repository import Repository

BODY = (
    "The office — “named 24 halls”.[^northfield-2026]\nThey would wait\nuntil 2030, it's said.[^northfield-2026]\n"
    "\n<!-- 24 halls? --> In 2024 it was 5.5 GW.[^southfield-2026]\n"
    "\n<!-- sources -->\n[^northfield-2026]: 24 halls\n<!-- sources -->\n"
)
NOW = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
NOBODY = Past((), (), None)


def corrected(
    newsroom: Newsroom, was: str, now: str, *, front_matter: str | None = None, past: Past = NOBODY
) -> TextFile:
    article, _ = newsroom.load_article(BODY, front=front_matter or front())
    file = TextFile.read(newsroom.root / article.path)
    return correct(file, article, past, was=was, now=now, why="A slip.", today=NOW.date(), at=NOW)


@pytest.mark.parametrize(
    ("was", "now", "body"),
    [
        ("named 24 halls", "named 42 halls", BODY.replace("named 24", "named 42")),
        ('The office - "named 24', "The office named 42", BODY.replace("office — “named 24", "office named 42")),
        ("They would wait until 2030", "They wait until 2030", BODY.replace("would wait\nuntil", "wait until")),
        ("2030, it’s said.", "2031, they said.", BODY.replace("2030, it's said.", "2031, they said.")),
        ("2024", "2023", BODY.replace("In 2024", "In 2023")),
        ("5.5 GW", "6 GW", BODY.replace("5.5 GW", "6 GW")),
    ],
)
def test_the_words_are_replaced_once_and_readers_are_told(newsroom: Newsroom, was: str, now: str, body: str) -> None:
    file = corrected(newsroom, was, now)
    file.write()

    article = newsroom.load().articles[0]
    assert file.body == body
    assert (article.status, article.updated) == ("corrected", NOW)
    (told,) = article.corrections
    assert (told.date, told.was, told.now, told.why) == (NOW.date(), was, now, "A slip.")
    assert [problem for problem in newsroom.load().problems if problem.code < "S100"] == []


@pytest.mark.parametrize(
    ("was", "said"),
    [
        (
            "it",
            r'^"it" stands 2 times in content/articles/2026/2026-11-20-grid.md \(line 11, line 13\); give more words',
        ),
        ("named 25 halls.", 'does not stand in .*; the nearest is "+named 24 halls'),
        ("wholly different words", "nothing in it is like these words"),
        ("The grid is the tale", 'does not stand in .*; the nearest is "+The grid is the story'),
        ("24 halls?", "does not stand in"),
        ("5 GW", "does not stand in"),
        ("20", "does not stand in"),
    ],
)
def test_words_that_are_not_there_once_are_refused_and_nothing_is_written(
    newsroom: Newsroom, was: str, said: str
) -> None:
    with pytest.raises(ContentError, match=said):
        corrected(newsroom, was, "other words")


@pytest.mark.parametrize(
    ("was", "now", "changes", "said"),
    [
        ("named 24", "", {}, "give --was and --now words"),
        ("it's said", "it’s  said", {}, "the same words"),
        ("named 24", "named 42", {"status": "draft"}, "is not published yet"),
        ("named 24", "named 42", {"date": "2026-11-25"}, "is not published yet"),
    ],
)
def test_what_is_no_correction_is_refused(
    newsroom: Newsroom, was: str, now: str, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        corrected(newsroom, was, now, front_matter=front(**changes))


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        ("grid is the story", "net is the tale", "title: The net is the tale"),
        ("grid can carry decides", "net can carry decides", "dek: What the net can carry decides what is built."),
    ],
)
def test_s031_title_and_dek_are_corrected_like_the_text(newsroom: Newsroom, was: str, now: str, line: str) -> None:
    file = corrected(newsroom, was, now)
    file.write()

    assert f"\n{line}\n" in file.text
    assert file.body == BODY
    (told,) = newsroom.load().articles[0].corrections
    assert (told.was, told.now) == (was, now)


def test_words_in_title_and_text_are_told_apart(newsroom: Newsroom) -> None:
    with pytest.raises(ContentError, match=r"stands 2 times in .* \(title, line 9\); give more words"):
        corrected(newsroom, "named 24 halls", "named 42 halls", front_matter=front(title="They named 24 halls"))


@pytest.mark.parametrize(("was", "now"), [("named 24", "named 42"), ("5.5 GW", "5.5 GW to 6 GW")])
def test_a_correction_that_is_recorded_already_is_not_written_twice(newsroom: Newsroom, was: str, now: str) -> None:
    first = corrected(newsroom, was, now)
    first.write()
    article = newsroom.load().articles[0]

    again = TextFile.read(first.path)
    for why in ("A slip.", ""):
        told = correct(again, article, NOBODY, was=was, now=now, why=why, today=NOW.date(), at=NOW)
        assert not told.is_changed
    with pytest.raises(ContentError, match=r'recorded already \(2026-11-24\), with the reason "A slip."; .* edit why:'):
        correct(again, article, NOBODY, was=was, now=now, why="Another.", today=NOW.date(), at=NOW)


def test_a_title_that_was_changed_by_hand_is_told_of_by_the_command_that_the_check_names(gitted: Gitted) -> None:
    gitted.article(BODY)
    gitted.commit("Publish")
    path = gitted.article(BODY, front=front(title="The net is the story"))
    assert "tell readers by: opensignal correct grid --was" in gitted.only_problem().message
    article = gitted.load().articles[0]

    file = TextFile.read(gitted.root / path)
    past = past_of(gitted, article)
    correct(file, article, past, was="The grid", now="The net", why="", today=NOW.date(), at=NOW).write()

    assert gitted.codes() == []


def test_a_retracted_article_stays_so(newsroom: Newsroom) -> None:
    assert (
        "\nstatus: retracted\n"
        in corrected(newsroom, "named 24", "named 42", front_matter=front(status="retracted")).text
    )


@pytest.fixture
def gitted(tmp_path: Path) -> Gitted:
    return Gitted(tmp_path)


def past_of(gitted: Gitted, article: Article) -> Past:
    library = gitted.load()
    return pasts_of([article], library.sources, open_history(gitted.root), now=NOW)[article.path]


def test_words_that_were_replaced_by_hand_are_told_of_afterwards(gitted: Gitted) -> None:
    gitted.article(BODY)
    gitted.commit("Publish")
    path = gitted.article(BODY.replace("named 24", "named 42"))
    assert gitted.codes() == ["S031"]
    article = gitted.load().articles[0]

    file = TextFile.read(gitted.root / path)
    correct(
        file,
        article,
        past_of(gitted, article),
        was="named 24 halls",
        now="named 42 halls",
        why="",
        today=NOW.date(),
        at=NOW,
    ).write()

    assert gitted.codes() == []
    assert len(gitted.load().articles[0].corrections) == 1


def test_s031_an_address_that_fmt_writes_as_a_citation_is_no_change_of_the_text(gitted: Gitted) -> None:
    body = "See https://northfield-2026.example.org/outlook for it. It says so (https://southfield-2026.example.org/outlook).\n"
    path = gitted.article(body)
    gitted.commit("Publish")
    sources = gitted.load().sources

    tidied(TextFile.read(gitted.root / path), sources, addresses_of(sources.values())).write()

    assert (
        "See Load outlook[^northfield-2026] for it. It says so.[^southfield-2026]" in (gitted.root / path).read_text()
    )
    assert gitted.codes() == []


def test_a_second_correction_of_the_day_is_in_order_too(gitted: Gitted) -> None:
    path = gitted.article(BODY)
    gitted.commit("Publish")
    for hour, (was, now) in enumerate([("named 24", "named 42"), ("2030", "2031")]):
        article = gitted.load().articles[0]
        file = TextFile.read(gitted.root / path)
        at = NOW + dt.timedelta(hours=hour)
        correct(file, article, past_of(gitted, article), was=was, now=now, why="", today=NOW.date(), at=at).write()
        assert gitted.codes() == []
        gitted.commit("Correct")

    assert gitted.codes() == []


# --- approve --------------------------------------------------------------------------------------------------------------------

SOUND = "They would wait until it is built, so they say.[^northfield-2026]\n"  # nothing in it has to be looked up


def approved(gitted: Gitted, by: str) -> TextFile:
    library = gitted.load()
    article = library.articles[0]
    file = TextFile.read(gitted.root / article.path)
    return approve(
        file, article, library, past_of(gitted, article), root=gitted.root, by=by, today=NOW.date(), in_git=True
    )


def test_s030_an_approval_names_the_person_the_day_and_the_commit(gitted: Gitted) -> None:
    gitted.article(SOUND, front=front(status="review", ai="{involvement: drafted, model: M}  # by a model"))
    commit = gitted.commit("To be read")

    file = approved(gitted, "ines")
    file.write()

    assert (
        f"ai: {{involvement: drafted, model: M, reviewed_by: ines, reviewed_at: 2026-11-24, review_commit: {commit[:12]}, "
        'review_text: "1:'
    ) in file.text
    assert '"}  # by a model\n' in file.text
    (gitted.root / file.path).write_text(file.text.replace("status: review", "status: published"))
    assert gitted.codes() == []


def test_s030_an_approval_outlives_a_squashed_merge_and_holds_the_words(gitted: Gitted) -> None:
    gitted.commit("Begin")
    begun = gitted.git("rev-parse", "HEAD").strip()
    gitted.article(SOUND, front=front(status="review", ai="{involvement: drafted, model: M}"))
    gitted.commit("To be read")
    file = approved(gitted, "ines")
    path = gitted.root / file.path
    path.write_text(file.text.replace("status: review", "status: published"))
    gitted.git("reset", "-q", "--soft", begun)
    gitted.commit("All in one")
    gitted.git("reflog", "expire", "--expire=now", "--all")
    gitted.git("gc", "-q", "--prune=now")

    assert gitted.codes() == []

    path.write_text(path.read_text("utf-8").replace("so they say", "so it seems", 1))
    gitted.git("reset", "-q", "--soft", begun)
    gitted.commit("Other words in one")
    assert "S030" in gitted.codes()


@pytest.mark.parametrize(
    ("by", "error", "said"),
    [
        ("drafting-model", UsageError, "is a model; a person must read the text"),
        ("tomas", UsageError, "is a writer; an editor answers for a text"),
        ("inez", UsageError, 'unknown person "inez"; did you mean "ines"?'),
    ],
)
def test_s030_only_a_person_approves(gitted: Gitted, by: str, error: type[Exception], said: str) -> None:
    gitted.article(SOUND)
    gitted.commit()

    with pytest.raises(error, match=said):
        approved(gitted, by)


def test_what_is_not_committed_or_has_errors_is_not_approved(gitted: Gitted) -> None:
    gitted.article(SOUND, front=front(status="review"))
    with pytest.raises(ContentError, match="is not committed as it stands"):
        approved(gitted, "ines")

    gitted.commit()
    gitted.article(SOUND.replace("wait", "waste"), front=front(status="review"))
    with pytest.raises(ContentError, match="is not committed as it stands"):
        approved(gitted, "ines")

    gitted.article("Unknown.[^nobody]\n", front=front(status="review"))
    gitted.commit()
    with pytest.raises(ContentError, match="would be published with 1 error; mend it, then approve") as refused:
        approved(gitted, "ines")
    assert [problem.code for problem in refused.value.problems] == ["S104"]


def test_s301_s110_what_is_a_warning_in_a_draft_is_an_error_where_it_is_approved(gitted: Gitted) -> None:
    gitted.quoted_source("westfield-2026", "9% to 17% of regional supply")
    body = (
        "It is 61% above it.[^westfield-2026] “Halls under contract may need a nap.”[^westfield-2026] And 5 GW more.\n"
    )
    gitted.article(body, front=front(status="review"))
    gitted.commit()
    assert {problem.severity for problem in gitted.load().problems} == {"warning"}

    with pytest.raises(ContentError, match="would be published with 3 errors; mend them, then approve") as refused:
        approved(gitted, "ines")

    assert sorted(problem.code for problem in refused.value.problems) == ["S110", "S201", "S301"]


def test_articles_that_link_to_one_another_can_be_approved_before_either_is_published(gitted: Gitted) -> None:
    gitted.article("See [the other](2026-11-20-other.md).\n", front=front(status="review"))
    gitted.article("See [the grid](2026-11-20-grid.md).\n", front=front(status="draft"), slug="other")
    gitted.commit()

    assert "reviewed_by: ines" in approved(gitted, "ines").text


# --- the commands ---------------------------------------------------------------------------------------------------------------


def test_from_a_draft_to_a_correction_by_the_commands_alone(tmp_path: Path) -> None:
    repository = Repository.make(tmp_path)
    newsroom = Gitted.__new__(Gitted)
    newsroom.root, newsroom.at = tmp_path, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=50)
    newsroom.git("init", "-q", "-b", "main")
    path = repository.add_article("halls", status="review")
    text = path.read_text("utf-8").replace("authors:", "ai: {involvement: drafted, model: M}\nauthors:")
    path.write_text(text, "utf-8")
    newsroom.commit("Draft\n\nDrafted-by: model-name\n", hours=0.1)
    path.write_text(path.read_text("utf-8").replace("More of it", "Much more of it"), "utf-8")
    read = newsroom.commit("Edit\n\nReviewed-by: Tomas Reyl <tomas@example.org>\n", hours=0.1)

    assert repository.run("approve", "halls", "--by", "ines-halvorsen").code == 0
    path.write_text(path.read_text("utf-8").replace("status: review", "status: published"), "utf-8")
    published = newsroom.commit("Publish", hours=0.1)
    done = repository.run("correct", "halls", "--was", "leans", "--now", "rests", "--why", "A slip.")
    assert (done.code, done.err) == (0, "")
    assert ": … on halls, which [-leans-] {+rests+} on its source." in done.out
    assert done.out.endswith("look at it, run opensignal check, and commit the file\n")
    written = path.read_bytes()
    again = repository.run("correct", "halls", "--was", "leans", "--now", "rests", "--why", "A slip.")
    assert (again.code, again.out.endswith("this correction is recorded already; nothing was written\n")) == (0, True)
    assert path.read_bytes() == written
    fixed = newsroom.commit("Correct", hours=0.1)
    assert newsroom.codes() == []

    told = repository.run("record", "halls", "--json").json
    assert told["drafted"]["by"] == "Ines Example"
    assert told["published"]["commit"] == published
    assert [(c["commit"], c["what"], c["corrected"]) for c in told["changes"]] == [(fixed, "text", True)]
    assert told["review"]["commit"] == read[:12]
    assert told["review"]["read"] == "the text before it was corrected"
    assert told["trailers"] == [
        {"name": "Drafted-by", "value": "model-name"},
        {"name": "Reviewed-by", "value": "Tomas Reyl"},
    ]
    assert "which [-leans-] {+rests+} on its source." in told["since_draft"]
    assert "[-More-] {+Much more+} of it," in told["since_draft"]
    assert told["corrections"] == [
        {"date": told["corrections"][0]["date"], "was": "leans", "now": "rests", "why": "A slip."}
    ]
    assert told["sha256"]["file"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {check["code"] for check in told["checks"]} >= {"S030", "S031", "S104"}
    assert told["problems"] == []
    words = repository.run("record", "halls").out
    assert f"published    {published[:9]} of " in words
    assert "Reviewed-by: Tomas Reyl\n" in words
    assert "@" not in words


def test_outside_git_the_commands_say_what_they_cannot_know(tmp_path: Path) -> None:
    repository = Repository.make(tmp_path)
    path = repository.add_article("halls", status="review")

    approved = repository.run("approve", "halls", "--by", "ines-halvorsen", "--json")
    told = repository.run("record", "halls")

    assert (approved.code, approved.json["commit"]) == (0, None)
    assert "review_commit" not in path.read_text("utf-8")
    assert "not known    this is no Git repository" in told.out
    path.write_text("---\ntitle: [\n---\n")
    spoilt = repository.run("record", "halls")
    assert (spoilt.code, "cannot be read as an article" in spoilt.err, "S002" in spoilt.err) == (1, True, True)
