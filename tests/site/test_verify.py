"""A publication looked up again by a stranger: what holds, and that nothing can be changed unseen."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Settings
from pipeline.errors import ContentError, UsageError
from pipeline.library.quotes import normal
from pipeline.site import build_site
from pipeline.site.reading import article_words, words_of, words_sha256
from pipeline.site.sealing import sealed, written
from pipeline.site.verify import Read, Unbuilt, Verdict, Verified, verify
from pipeline.site.verify.bearing import bears_out, figures, worked_out
from pipeline.site.verify.places import read_folder
from tests.library.tracing import corpus
from tests.site.conftest import NOW, SITE, write_article, write_repository

ARTICLE = "articles/northfield-with-its-receipts/"
CLAIMS = f"{ARTICLE}claims.json"
SOURCE = "sources/northfield-outlook-2026/"
CUT = 60  # places of each file that are changed, one at a time

Document = dict[str, Any]


@pytest.fixture(scope="session")
def there(receipts_site: Path) -> Read:
    return read_folder(receipts_site, now=NOW)


def with_changes(there: Read, changes: Mapping[str, bytes | None]) -> Read:
    """The site, with other bytes at some paths."""

    def read(path: str) -> bytes | None:
        return changes[path] if path in changes else there(path)

    return Unbuilt(read) if isinstance(there, Unbuilt) else read


def document(there: Read) -> Document:
    given = there(CLAIMS)
    assert given is not None
    read: Document = json.loads(given)
    return read


def forged(there: Read, changed: Document, more: Mapping[str, bytes] | None = None, *, name: str = CLAIMS) -> Verified:
    """What is found where somebody changed a claims file, and made seal and index fit again."""
    text = written({**changed, "sha256": sealed(changed)})
    index = json.loads(there("claims.json") or b"")
    for listed in index["articles"]:
        if listed["claims"].endswith(name):
            listed["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return verify(with_changes(there, {name: text.encode(), "claims.json": json.dumps(index).encode(), **(more or {})}))


# --- what holds --------------------------------------------------------------------------------------------------------------


def test_a_built_site_holds_and_says_apart_what_it_rests_on(there: Read) -> None:
    verified = verify(there)

    assert not verified.failures, "\n".join(map(str, verified.failures))
    assert verified.articles == 2
    assert verified.claims > 20
    assert verified.verdicts[Verdict.FOUND] >= 12
    assert verified.verdicts[Verdict.RECORDED] == 1
    assert verified.verdicts[Verdict.AWAY] == 1
    assert verified.away == ("harbour",)
    assert f"{verified.claims:,} claims, 0 failures" in list(verified.lines())
    assert "        1 not re-checkable here: the stored text is not published" in list(verified.lines())


def test_a_clone_is_read_as_its_site_would_be_with_the_texts_that_are_not_published(
    repository_with_receipts: Path,
) -> None:
    verified = verify(read_folder(repository_with_receipts, now=NOW))

    assert not verified.failures, "\n".join(map(str, verified.failures))
    assert verified.verdicts[Verdict.AWAY] == 0
    assert verified.away == ()


def test_what_may_not_be_passed_on_is_not_published(receipts_site: Path, there: Read) -> None:
    texts = list((receipts_site / "sources/snapshots").iterdir())

    assert len(texts) == 6
    assert not [path for path in texts if "harbour line carries 220" in path.read_text("utf-8")]
    for path in texts:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


def test_of_what_may_only_be_hashed_not_a_word_is_published_and_it_is_found_again_where_the_text_lies(
    repository_with_receipts: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(repository_with_receipts, tmp_path / "clone", symlinks=True, ignore=lambda *_: ["site"])
    source = root / "content/sources/harbour.yml"
    source.write_text(source.read_text("utf-8").replace("redistribute: quote", "redistribute: hash"), "utf-8")

    site = build_site(Settings.load(root), now=NOW).site_dir
    of_site, of_clone = verify(read_folder(site, now=NOW)), verify(read_folder(root, now=NOW))

    shown = [path for path in site.rglob("*") if path.is_file() and b"harbour line carries" in path.read_bytes()]
    linked = [path for path in site.rglob("*.html") if b"harbour%20line" in path.read_bytes()]
    assert shown == linked == []
    assert not of_site.failures, "\n".join(map(str, of_site.failures))
    assert not of_clone.failures, "\n".join(map(str, of_clone.failures))
    assert (of_site.verdicts[Verdict.AWAY], of_clone.verdicts[Verdict.AWAY]) == (1, 0)


def test_words_that_are_known_by_their_hash_alone_cannot_be_changed_unseen(
    repository_with_receipts: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(repository_with_receipts, tmp_path / "clone", symlinks=True, ignore=lambda *_: ["site"])
    source = root / "content/sources/harbour.yml"
    source.write_text(source.read_text("utf-8").replace("redistribute: quote", "redistribute: hash"), "utf-8")
    clone = read_folder(root, now=NOW)
    name = "articles/on-less/claims.json"
    changed = json.loads(clone(name) or b"")
    changed["claims"][0]["passages"][0]["words_sha256"] = "0" * 64

    failures = forged(clone, changed, name=name).failures

    assert [f.message for f in failures] == [
        "the words of harbour do not have the sha256 that is named, or stand elsewhere in its text"
    ]


def test_words_that_are_known_by_their_hash_alone_are_looked_up_at_their_place(tmp_path: Path) -> None:
    """A thousand sentences on one line, as a stranger's text may have them, are not tried with each other."""
    root = write_repository(tmp_path / "repository")
    text = " ".join(f"Hall {n} draws {n} megawatts of power." for n in range(1, 1001)) + "\n"
    _store(root, "halls", text, redistribute="hash")
    said = "Some 377 megawatts of power go to one of the halls.[^halls]"
    write_article(root, "on-halls", date="2026-08-01", body=said)
    clone, name = read_folder(root, now=NOW), "articles/on-halls/claims.json"
    changed = json.loads(clone(name) or b"")
    passage = changed["claims"][0]["passages"][0]

    whole = verify(clone, only="articles/on-halls/")
    place = slice(passage["words_at"], passage["words_at"] + passage["words_length"])
    passage["words_at"] += 1
    began = time.process_time()
    moved = forged(clone, changed, name=name)
    took = time.process_time() - began

    assert not whole.failures, "\n".join(map(str, whole.failures))
    assert passage["words"] is None
    assert text[place] == "Hall 377 draws 377 megawatts of power."
    assert "or stand elsewhere in its text" in moved.failures[0].message
    assert took < 5  # seconds of the processor; all spans of them would be half a million hashes


def test_no_claim_of_a_stranger_keeps_us_busy(there: Read) -> None:
    changed = document(there)
    one, other = changed["claims"][:2]
    one["passages"] = [{**_first(changed, "traced")["passages"][0], "bears": ["a"] * 1000}]
    other.update(basis="traced", text=" ".join(f"{number}.5 halls" for number in range(1000, 2000)))

    messages = [failure.message for failure in forged(there, changed).failures]

    assert "more than 300 parts of it are said to be borne out, and so many are not looked up" in messages
    assert "no passage is named for 1,000 of its numbers, and so many are not looked up" in messages


def test_what_is_not_on_the_machine_that_builds_is_not_traced(repository_with_receipts: Path, tmp_path: Path) -> None:
    root = shutil.copytree(
        repository_with_receipts, tmp_path / "clone", symlinks=True, ignore=lambda *_: ["site", ".opensignal"]
    )

    site = build_site(Settings.load(root), now=NOW).site_dir
    verified = verify(read_folder(site, now=NOW))

    assert not verified.failures, "\n".join(map(str, verified.failures))
    assert verified.verdicts[Verdict.AWAY] == 1
    assert "Copy not here" in (site / "articles/on-less/receipts/index.html").read_text("utf-8")


def test_two_builds_give_the_same_claims(repository_with_receipts: Path, receipts_site: Path, tmp_path: Path) -> None:
    again = build_site(Settings.load(repository_with_receipts), now=NOW, site_dir=tmp_path / "site").site_dir

    names = sorted(path.relative_to(again) for path in again.rglob("claims.json"))
    assert len(names) == 3
    for name in names:
        assert (again / name).read_bytes() == (receipts_site / name).read_bytes()


# --- tampering ---------------------------------------------------------------------------------------------------------------


def _places(data: bytes) -> list[int]:
    """Places of *data* to change: the first, the last and some between, the same in every run."""
    between = random.Random(7).sample(range(len(data)), min(CUT, len(data)))
    return sorted({0, len(data) - 1, *between})


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("name", ["claims.json", CLAIMS])
def test_no_byte_of_a_claims_file_can_be_changed_unseen(there: Read, name: str) -> None:
    data = there(name)
    assert data is not None

    for at in _places(data):
        read = with_changes(there, {name: _flipped(data, at)})
        try:
            assert verify(read).failures, (name, at, data[max(0, at - 20) : at + 20])
        except ContentError:
            assert name == "claims.json"  # it can no longer be read at all


def test_no_byte_of_a_stored_text_can_be_changed_unseen(receipts_site: Path, there: Read) -> None:
    for path in sorted((receipts_site / "sources/snapshots").iterdir()):
        name, data = path.relative_to(receipts_site).as_posix(), path.read_bytes()
        for at in _places(data)[::6]:
            failures = verify(with_changes(there, {name: _flipped(data, at)})).failures
            assert [f for f in failures if f"the stored text at {name} was changed" in f.message], (name, at)


def test_no_letter_of_an_article_can_be_changed_unseen(there: Read) -> None:
    data = there(ARTICLE)
    assert data is not None
    words = article_words(data.decode())

    for word in random.Random(7).sample(sorted({w for w in words.split() if w.isalpha() and len(w) > 5}), 12):
        at = data.index(f"{word}".encode(), data.index(b'<p class="deck"') if word in words[90:] else 0)
        changed = _flipped(data, at + 2)
        if article_words(changed.decode()) == words:
            continue  # it stood in a link's address or the like, which is not the article's text
        failures = verify(with_changes(there, {ARTICLE: changed})).failures
        assert [f for f in failures if "the article's text was changed" in f.message], word


def test_a_file_that_is_gone_is_told(there: Read, receipts_site: Path) -> None:
    text = next((receipts_site / "sources/snapshots").iterdir()).relative_to(receipts_site).as_posix()
    for name, message in [
        (CLAIMS, "its claims file"),
        (ARTICLE, "its page is not there"),
        (text, "the stored text should stand at"),
    ]:
        failures = verify(with_changes(there, {name: None})).failures
        assert [f for f in failures if message in f.message], name


Change = Callable[[Document], None]


def _first(document: Document, basis: str) -> Document:
    found: Document = next(claim for claim in document["claims"] if claim["basis"] == basis)
    return found


def _change_a_passage(document: Document) -> None:
    passage = _first(document, "traced")["passages"][0]
    passage["words"] = passage["words"].replace("e", "a", 1)


def _move_a_passage(document: Document) -> None:
    passage = _first(document, "traced")["passages"][0]
    passage["line"] = 1 if passage["line"] != 1 else 5


def _point_beyond_the_text(document: Document) -> None:
    _first(document, "traced")["passages"][0]["line"] = 999


def _change_a_sentence(document: Document) -> None:
    claim = _first(document, "traced")
    claim["text"] = claim["text"].replace("e", "a", 1)


def _turn_two_sentences_round(document: Document) -> None:
    one, two = document["claims"][4:6]
    one["text"], two["text"] = two["text"], one["text"]


def _leave_a_sentence_out(document: Document) -> None:
    del document["claims"][3]


def _take_the_passages_away(document: Document) -> None:
    _first(document, "quoted")["passages"] = []


def _call_it_our_reading_no_more(document: Document) -> None:
    _first(document, "analysis")["basis"] = "traced"


def _bear_out_less(document: Document) -> None:
    for passage in _first(document, "traced")["passages"]:
        passage["bears"] = []


def _cite_what_is_not_there(document: Document) -> None:
    _first(document, "traced")["citations"][0]["source"] = "nowhere"


def _take_a_passage_from_elsewhere(document: Document) -> None:
    _first(document, "traced")["passages"][0]["source"] = "westfield-survey-2026"


def _deny_the_copy(document: Document) -> None:
    document["sources"][0]["snapshot"] = None


def _count_wrong(document: Document) -> None:
    document["counts"]["analysis"] = 0


def _forget_an_origin(document: Document) -> None:
    document["origins"].pop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change_a_passage, "does not say"),
        (_move_a_passage, "but not on line"),
        (_point_beyond_the_text, "but not on line 999"),
        (_change_a_sentence, "does not stand in the article"),
        (_turn_two_sentences_round, "or not in this order"),
        (_leave_a_sentence_out, "not numbered from 1 on"),
        (_take_the_passages_away, "no passage of a stored copy is named"),
        (_call_it_our_reading_no_more, "cites nothing"),
        (_bear_out_less, "no passage is named for"),
        (_cite_what_is_not_there, "none of the article's sources"),
        (_take_a_passage_from_elsewhere, "does not say"),
        (_deny_the_copy, "there is no stored copy"),
        (_count_wrong, "the counts are"),
        (_forget_an_origin, "the origins do not name each source once"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_claims_file_is_not_believed_though_its_seal_fits(there: Read, change: Change, message: str) -> None:
    changed = document(there)
    change(changed)

    failures = forged(there, changed).failures

    assert [f for f in failures if message in f.message], [f.message for f in failures]


def test_a_number_changed_alike_in_page_claim_and_hashes_is_still_borne_out_by_nothing(there: Read) -> None:
    changed, page, receipts = document(there), there(ARTICLE), there(f"{ARTICLE}receipts/")
    assert page is not None
    assert receipts is not None
    claim = next(c for c in changed["claims"] if "41 months" in c["text"])
    claim["text"] = claim["text"].replace("41", "14")
    for passage in claim["passages"]:
        passage["bears"] = [part.replace("41", "14") for part in passage["bears"]]
    page = page.replace(b"41 months", b"14 months")
    changed["article"]["words_sha256"] = words_sha256(article_words(page.decode()))
    more = {ARTICLE: page, f"{ARTICLE}receipts/": receipts.replace(b"41 months", b"14 months", 1)}

    failures = forged(there, changed, more).failures

    assert [(f.claim, f.sentence) for f in failures] == [(claim["number"], claim["text"])]
    assert "is not borne out by" in failures[0].message


def test_the_receipts_page_shows_what_the_claims_file_has(there: Read) -> None:
    name = f"{ARTICLE}receipts/"
    receipts = there(name)
    assert receipts is not None
    passage = words_of(receipts.decode(), {("p", "bearing")})[2]
    word = next(w for w in passage.split() if w.isalpha() and len(w) > 6).encode()
    at = receipts.index(b'class="bearing"')

    failures = verify(with_changes(there, {name: receipts[:at] + receipts[at:].replace(word, word[::-1], 1)})).failures

    assert "the receipts page shows" in failures[0].message


# --- bad input ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [b"", b"[]", b"{}", b"\xff\xfe", b'{"format": "opensignal-claims-index", "version": 2, "site": "", "articles": []}',
     b'{"format": "opensignal-claims-index", "version": 1, "site": 4, "articles": []}', b"[" * 100_000,
     b'{"format": "opensignal-claims-index", "format": "opensignal-claims-index"}'],
)  # fmt: skip
def test_an_index_that_cannot_be_read_says_so(given: bytes) -> None:
    with pytest.raises(ContentError, match=r"claims\.json"):
        verify({"claims.json": given}.get)


def test_a_claims_file_of_a_later_version_is_not_guessed_at(there: Read) -> None:
    failures = forged(there, {**document(there), "version": 2}).failures

    assert "is of version 2, and this program reads version 1" in failures[0].message


def test_one_article_can_be_looked_up_alone(there: Read) -> None:
    whole, one = verify(there), verify(there, only=ARTICLE)

    assert one.articles == 1
    assert one.claims == whole.claims - 2
    with pytest.raises(ContentError, match="lists no article at articles/nowhere/"):
        verify(there, only="articles/nowhere/")


def test_a_folder_that_is_neither_site_nor_clone_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a built site"):
        read_folder(tmp_path, now=NOW)


def test_nothing_outside_the_folder_is_read(receipts_site: Path) -> None:
    read = read_folder(receipts_site, now=NOW)

    assert read("../pyproject.toml") is None
    assert read("/etc/hostname") is None
    assert read("sources/snapshots/../../claims.json") is not None


def test_an_article_listed_elsewhere_is_not_asked_for(there: Read) -> None:
    index = json.loads(there("claims.json") or b"")
    index["articles"][0]["claims"] = "https://elsewhere.example.org/claims.json"

    failures = verify(with_changes(there, {"claims.json": json.dumps(index).encode()})).failures

    assert "https://elsewhere.example.org/claims.json is not there" in failures[0].message
    assert index["site"] == SITE


@pytest.mark.parametrize(
    ("part", "words", "borne"),
    [
        ("9.4 gigawatts", "a summer peak of 9.4 gigawatts in 2026", True),
        ("4,000 megawatts", "it is 4 GW", True),
        ("about 950", "945 halls", True),
        ("three", "3 halls", True),
        ("a third", "one third of them", True),
        ("nearly half", "47% of them", True),
        ("9%", "0.09 of it", True),
        ("41 months", "14 months", False),
        ("9.4", "9.9", False),
        ("“the words”", "all the words here", True),
        ("“the words”", "all the word here", False),
        ("“9 words”", "9 sentences", False),
        ("no number", "other words", False),
        ("1.5 hours a week", "1.5 hours per week", True),
        ("a million", "20.0 USD per million tokens", True),
        ("threefold", "3 times", True),
        ("twentyfold", "30 times", False),
        ("tripling", "more than tripled", True),
        ("a fifth", "20 percent", True),
        ("a gigawatt", "1 GW", True),
        ("a gigawatt", "2 GW", False),
        ("1.5 hours", "90 minutes", True),
        ("2 years", "24 months", True),
        ("2 years", "36 months", False),
        ("two weeks", "14 days", True),
        ("3.8 million litres", "one million gallons", True),
        ("100 miles", "161 kilometres", True),
        ("100 miles", "150 kilometres", False),
        ("945 halls", "942 halls", False),
        ("950 halls", "945 halls", True),
        ("nearly 950 halls", "930 halls", True),
        ("2025", "in 2024", False),
        ("20 percent", "22 percent (2024)", False),
        ("Fifty-eight percent", "58%", True),
        ("Fifty-eight percent", "57%", False),
        ("three quarters", "about 73%", True),
        ("three quarters", "63%", False),
        ("two and a half days", "2.5 days", True),
        ("a minute and a half", "90 seconds", True),
        ("12 percent", "one in eight", True),
        ("one in a hundred", "1%", True),
        ("3 billion euros", "2.6 billion, 400 million less", True),
        ("5.7 billion", "6.7 billion", False),
        ("90%", "9% of firms", False),
        ("0.9%", "9% of firms", False),
        ("240 MW", "24 MW", False),
        ("2,400 halls", "24 halls", False),
        ("24 halls", "2,400 halls", False),
        ("4 tonnes", "40 tonnes", False),
        ("20 percent", "a share of 0.2", True),
        ("two hundred halls", "200 halls", True),
        ("a hundred thousand halls", "100,000 halls", True),
        ("300 million", "three hundred million", True),
        ("300 million", "thirty million", False),
        ("3.2 inches", "81 mm", True),
        ("10 MMBtu", "2.93 MWh", True),
        ("50 lakh", "5 million", True),
    ],
)
def test_a_part_is_borne_out_by_the_same_number_however_it_is_written(part: str, words: str, borne: bool) -> None:
    assert bears_out(part, words) is borne


def test_a_fraction_of_one_sign_is_read_as_the_check_reads_it() -> None:
    assert bears_out("41½ months", "The average request waits 41.5 months.")
    assert bears_out("3.5 years", "The average request waits 3½ years.")
    assert not bears_out("41½ months", "The average request waits 41 months.")


def test_the_word_before_a_number_in_its_sentence_counts() -> None:
    sentence = "It would end the argument over 89 and {} 90."

    assert bears_out("90", "89 percent", beside=sentence.format("nearly"))
    assert not bears_out("90", "89 percent", beside=sentence.format("over"))


def test_names_and_years_are_no_figures() -> None:
    assert list(figures("In 2026 the H100 and GPT-4 drew 9.4 gigawatts, 1,200 halls, from 12/2026.")) == [
        "9.4",
        "1,200",
    ]


@pytest.mark.parametrize(
    ("figure", "sentence", "passages", "before", "follows"),
    [
        ("55.5", "The surprise is 55.5 billion, from 119.5 up to 175.", [], [], True),
        ("65.5", "The surprise is 65.5 billion, from 119.5 up to 175.", [], [], False),
        ("11", "The remaining 11 percent say more.", ["89 percent report no effect"], [], True),
        ("12", "The remaining 12 percent say more.", ["89 percent report no effect"], [], False),
        ("21", "They are 21 points apart.", ["58.24 percent", "37 percent"], [], True),
        ("23", "They are 23 points apart.", ["58.24 percent", "37 percent"], [], False),
        ("37", "That is a rise of 37 percent.", ["56"], ["40.9 billion"], True),
        ("47", "That is a rise of 47 percent.", ["56"], ["40.9 billion"], False),
        ("250", "Of the 250, one in 300.", [], ["A firm has 250 people."], True),
        ("19", "280 times from November 2022 to October 2024, about 19 a year.", [], [], True),
        ("29", "280 times from November 2022 to October 2024, about 29 a year.", [], [], False),
        ("42", "There are 42 of them.", [], ["9 and 77"], False),
        ("23", "They are 23 months apart.", [], ["It was so in November 2022, and in October 2024."], True),
        ("18", "They are 18 months apart.", [], ["It was so in November 2022, and in October 2024."], False),
    ],
)
def test_what_a_sentence_works_out_itself_must_follow_from_the_numbers_beside_it(
    figure: str, sentence: str, passages: list[str], before: list[str], follows: bool
) -> None:
    assert worked_out(figure, sentence, passages, before) is follows


def test_hardly_a_true_sentence_is_a_failure(tmp_path: Path) -> None:
    """Three hundred sentences about invented sources, in other words and units than theirs."""
    root = write_repository(tmp_path / "repository")
    for path in (root / "content/articles").rglob("*.md"):
        path.unlink()
    for name in ("invented.txt", "second-half.txt", "last-third.txt", "afterwards.txt"):
        for invented in corpus.read(name).values():
            _publish(root, name, invented)

    verified = verify(read_folder(root, now=NOW))

    assert verified.claims > 200
    assert verified.verdicts[Verdict.FOUND] > 150
    assert len(verified.failures) <= 0.01 * verified.claims, "\n".join(map(str, verified.failures))


@pytest.mark.parametrize(
    "body",
    [
        "![[ours.share]]",
        "> ![[ours.share]]",
        "> [^ours.share]",
        "It is ![[ours.share]].",
        "- ![[ours.share]]\n\n- It is so.\n\n    ![[ours.share]]",
        "- ![[ours.share]]\n- It is so.",
        "![[ours.share]] <!-- analysis -->",
        "![[ours.share]]\n![[ours.share]]",
        "![[ours.share]][^ours]",
        "**![[ours.share]]**",
        '!!! note "So"\n    ![[ours.share]]',
        "So\n:   ![[ours.share]]",
        "|a|\n|-|\n|![[ours.share]]|",
    ],
)
def test_words_that_the_build_sets_stand_on_the_page_as_in_the_claim(body: str, tmp_path: Path) -> None:
    root = write_repository(tmp_path / "repository")
    for path in (root / "content/articles").rglob("*.md"):
        path.unlink()
    _store(root, "ours", "It is so.\nHalls may need 9% of it.\n")
    source = root / "content/sources/ours.yml"
    source.write_text(f"{source.read_text('utf-8')}quotes: {{share: {{text: may need 9%}}}}\n", "utf-8")
    write_article(root, "words-that-are-set", date="2026-08-01", body=f"{body}\n")

    verified = verify(read_folder(root, now=NOW))

    assert verified.claims >= 1
    assert verified.failures == ()


def _store(
    root: Path, id_: str, text: str, *, publisher: str = "Ours", issued: str = "2026-05-01", redistribute: str = "full"
) -> None:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    (root / f"content/sources/snapshots/{sha256}.txt").write_text(text, "utf-8")
    (root / f"content/sources/{id_}.yml").write_text(
        f"id: {id_}\nurl: https://{id_}.example.org/\npublisher: {publisher}\ntier: primary\n"
        f"licence: CC-BY-4.0\nredistribute: {redistribute}\nissued: '{issued}'\nsnapshot: {{sha256: {'0' * 64}, "
        f"text_sha256: {sha256}, at: 2026-11-19T10:00:00Z, tool: a tool 1, bytes: 100}}\n",
        "utf-8",
    )


def _publish(root: Path, name: str, invented: corpus.Invented) -> None:
    text = "".join(f"{normal(line)}\n" for line in invented.passages.values())
    _store(root, invented.id, text, publisher=invented.publisher, issued=invented.issued)
    paragraphs = [
        " ".join(f"{sentence}[^{invented.id}]" for where, sentence in invented.true if where == passage)
        for passage in invented.passages
    ]
    body = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    if body:
        write_article(root, f"{name.removesuffix('.txt')}-{invented.id}", date="2026-08-01", body=body)


# --- what the pages show -------------------------------------------------------------------------------------------------------


def page_with(there: Read, name: str, was: str, now: str) -> Verified:
    page = there(name)
    assert page is not None
    assert was.encode() in page, was
    return verify(with_changes(there, {name: page.replace(was.encode(), now.encode(), 1)}))


def failures_of(verified: Verified) -> str:
    assert verified.failures
    return "\n".join(map(str, verified.failures))


@pytest.mark.parametrize("name", [ARTICLE, f"{ARTICLE}receipts/", SOURCE])
def test_a_link_to_a_source_leads_where_the_claims_file_says(there: Read, name: str) -> None:
    url = document(there)["sources"][0]["url"]

    assert "to https://liar.example/" in failures_of(
        page_with(there, name, f'href="{url}', 'href="https://liar.example/')
    )
    assert "to //liar.example" in failures_of(page_with(there, name, f'href="{url}', 'href="//liar.example'))


def test_no_page_is_asked_for_twice(there: Read) -> None:
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return there(path)

    verify(read)

    assert sorted(asked) == sorted(set(asked))
    assert {"sources/", SOURCE} <= set(asked)


def test_the_receipts_page_must_be_there(there: Read) -> None:
    without = verify(with_changes(there, {f"{ARTICLE}receipts/": None}))

    assert f"its receipts page {SITE}{ARTICLE}receipts/ is not there" in failures_of(without)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('<div class="prose"', '<p>One sentence more.</p><div class="prose"', 'no part of it: "One sentence more."'),
        (
            '<div class="prose"',
            'One sentence more.<div class="prose"',
            'words of no part of it: "One sentence more."',
        ),
        ("</header>\n<div", "<p>One sentence more.</p></header>\n<div", 'no part of it: "One sentence more."'),
        ('<p class="deck"', '<p class="meta">More.</p><p class="deck"', "no part of it"),
        ("<ol>\n<li", "<p>One more.</p><ol>\n<li", 'the list of sources holds <p> that is no part of it: "One more."'),
    ],
)
def test_nothing_can_be_added_to_an_article_beside_its_body(there: Read, was: str, now: str, told: str) -> None:
    assert told in failures_of(page_with(there, ARTICLE, was, now))


@pytest.mark.parametrize("name", [ARTICLE, f"{ARTICLE}receipts/"])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("<span hidden>", "</span>"), ("<del>", "</del>"), ('<span style="display:none">', "</span>"),
     ("<script>x()</script>", ""), ('<script src="https://liar.example/x.js"></script>', ""), ('<b onclick="x()">', "</b>")],
)  # fmt: skip
def test_nothing_in_an_article_is_hidden_or_changed_by_a_script(
    there: Read, name: str, opening: str, closing: str
) -> None:
    sentence = document(there)["claims"][0]["text"].split()[0]

    verified = page_with(there, name, f">{sentence} ", f">{opening}{sentence}{closing} ")

    assert "which can hide words or change them" in failures_of(verified)


def test_no_script_stands_elsewhere_on_the_page_but_what_describes_it(there: Read) -> None:
    data = '<script type="application/ld+json">{}</script></body>'
    assert not page_with(there, ARTICLE, "</body>", data).failures
    assert "holds a <script>" in failures_of(page_with(there, ARTICLE, "</body>", "<script>x()</script></body>"))


def test_the_script_that_copies_listings_is_known_by_its_hash(there: Read) -> None:
    text = (Path(__file__).parents[2] / "theme/partials/copy.html").read_text("utf-8")
    script = text[text.index("<script>") :].strip()

    assert not page_with(there, ARTICLE, "</body>", f"{script}</body>").failures
    assert "holds a <script>" in failures_of(
        page_with(there, ARTICLE, "</body>", f"{script.replace('Copied', 'X')}</body>")
    )


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("url", "https://liar.example/", "and the claims file to https://liar.example/"),
        ("title", "Another title", 'and the claims file "Another title"'),
        ("publisher", "Nobody", 'its page does not name "Nobody" as the publisher'),
        ("tier", "aggregator", 'and the claims file "aggregator"'),
    ],
)
def test_what_a_claims_file_says_of_a_source_is_what_the_page_says(
    there: Read, key: str, value: str, told: str
) -> None:
    changed = document(there)
    changed["sources"][0][key] = value

    assert told in failures_of(forged(there, changed))


def test_title_and_origins_of_an_article_are_those_of_its_page(there: Read) -> None:
    changed = document(there)
    changed["article"]["title"] = "Another title altogether"
    changed["origins"] = [[id_] for group in changed["origins"] for id_ in group]

    told = failures_of(forged(there, changed))

    assert 'in the claims file "Another title altogether"' in told
    assert f"and the claims file of {len(changed['origins'])}" in told


@pytest.mark.parametrize("text", ["../../etc/passwd", "/etc/passwd", None])
def test_a_stored_text_stands_where_its_hash_says(there: Read, text: str | None) -> None:
    changed = document(there)
    changed["sources"][0]["snapshot"]["text"] = text

    assert "its stored text" in failures_of(forged(there, changed))
