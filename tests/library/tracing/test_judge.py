"""The verdict on the figures of a sentence, as a claim shows it: what bears it out, and what its sources are to one another."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from pipeline.library.tracing.evidence import evidence_of
from pipeline.library.tracing.judge import examine
from pipeline.model import Basis, Claim, Severity, Source, Tier
from tests.library.newsroom import Newsroom

LONG = (
    "The operator of the northern grid counted requests of 226 GW in November 2025, most of them for halls that nobody has "
    "begun"
    " to build.\nA hall that files a request must pay a deposit, and loses it when the request is withdrawn within two years.\n"
)


def _stored(newsroom: Newsroom, id_: str, text: str, more: str = "", *, tier: str = "primary") -> None:
    """A source with a stored copy of *text*, and nothing recorded."""
    sha = hashlib.sha256(text.encode()).hexdigest()
    newsroom.write(f"content/sources/snapshots/{sha}.txt", text)
    newsroom.write(
        f"content/sources/{id_}.yml",
        f"id: {id_}\nurl: https://{id_}.example.org/page\npublisher: {id_.title()} Office\ntitle: What it says\n"
        f"issued: 2026-02-26\ntier: {tier}\nredistribute: full\n{more}"
        f"snapshot: {{sha256: {sha}, text_sha256: {sha}, at: 2026-11-23T09:14:02Z, tool: trafilatura/2, bytes: 9}}\n",
    )


def _recorded(newsroom: Newsroom, id_: str, facts: str, more: str = "", *, tier: str = "primary") -> None:
    newsroom.write(
        f"content/sources/{id_}.yml",
        f"id: {id_}\nurl: https://{id_}.example.org/page\npublisher: {id_.title()} Office\ntitle: What it says\n"
        f"tier: {tier}\n{more}facts:\n{facts}",
    )


def _claims(newsroom: Newsroom, body: str) -> tuple[Claim, ...]:
    article, library = newsroom.load_article(body)
    return library.claims(article)


def _codes(claim: Claim) -> list[str]:
    return [problem.code for problem in claim.problems if problem.code.startswith("S3")]


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


# --- what bears a figure out --------------------------------------------------------------------------------------------------


def test_a_number_of_the_stored_copy_is_traced_to_its_line(newsroom: Newsroom) -> None:
    _stored(newsroom, "grid", "Nothing of note.\n" + LONG)

    (claim,) = _claims(newsroom, "Requests stood at 226 gigawatts in November 2025.[^grid]")

    (passage,) = claim.passages
    assert (claim.basis, claim.problems, claim.origins) == (Basis.TRACED, (), 1)
    assert (passage.source, passage.kind, passage.line, passage.bears) == (
        "grid",
        "text",
        2,
        ("226 gigawatts", "November 2025"),
    )
    assert passage.words.startswith("The operator of the northern grid counted")


def test_a_number_that_only_an_editor_recorded_is_recorded(newsroom: Newsroom) -> None:
    (claim,) = _claims(newsroom, "Demand peaked at 9.4 gigawatts in 2025.[^northfield-2026]")

    (passage,) = claim.passages
    assert (claim.basis, claim.problems) == (Basis.RECORDED, ())
    assert (passage.kind, passage.name) == ("fact", "peak")
    assert passage.words == "peak demand: 9.40 GW (2025)"


def test_a_day_is_looked_up_like_a_number(newsroom: Newsroom) -> None:
    _recorded(newsroom, "rule", "  effective: {what: Date the rule takes effect, value: 2026-01-15, unit: date}\n")

    (claim,) = _claims(newsroom, "The rule takes effect on 15 January 2026.[^rule]")

    (passage,) = claim.passages
    assert (claim.basis, passage.name, passage.bears) == (Basis.RECORDED, "effective", ("15 January 2026",))


def test_the_weakest_figure_decides(newsroom: Newsroom) -> None:
    _stored(newsroom, "grid", LONG)

    (claim,) = _claims(newsroom, "Requests of 226 GW stand against a peak of 9.4 GW.[^grid][^northfield-2026]")

    assert claim.basis is Basis.RECORDED
    assert {passage.source for passage in claim.passages} == {"grid", "northfield-2026"}


def test_where_the_copy_is_elsewhere_nothing_is_said(newsroom: Newsroom) -> None:
    _stored(newsroom, "grid", LONG)
    for text in (newsroom.root / "content/sources/snapshots").iterdir():
        text.unlink()

    (claim,) = _claims(newsroom, "Requests stood at 999 gigawatts in 2011.[^grid]")

    assert (claim.basis, _codes(claim)) == (Basis.UNSEEN, [])


def test_s301_tells_the_nearest_words_and_the_source_that_has_the_number(newsroom: Newsroom) -> None:
    _stored(newsroom, "grid", LONG)
    _stored(newsroom, "other", "Requests for connection to the northern grid came to 262 GW, says another operator.")

    (claim,) = _claims(newsroom, "The operator of the northern grid counted requests of 262 GW.[^grid]")

    (problem,) = claim.problems
    assert (claim.basis, problem.code, problem.severity) == (Basis.UNTRACED, "S301", Severity.ERROR)
    assert "it occurs in other: cite that if it is meant" in problem.message
    assert '[-262 GW-] {+226 GW+} "The operator of the northern grid' in problem.message
    assert "(grid, line 1)" in problem.message


def test_a_source_that_nothing_is_held_of_bears_nothing_out(newsroom: Newsroom) -> None:
    newsroom.write(
        "content/sources/bare.yml", "id: bare\nurl: https://bare.example.org/\npublisher: Bare\ntier: primary\n"
    )

    (claim,) = _claims(newsroom, "It grew by 12 percent.[^bare]")

    (problem,) = claim.problems
    assert problem.code == "S301"
    assert "take a copy of the source, or record the figure as a fact" in problem.message


def test_our_own_reading_is_not_found_fault_with(newsroom: Newsroom) -> None:
    (claim,) = _claims(newsroom, "That would be 777 gigawatts by 2099.[^northfield-2026] <!-- analysis -->")

    assert (claim.basis, claim.problems) == (Basis.ANALYSIS, ())


def test_a_number_in_a_quotation_is_left_to_the_quotation(newsroom: Newsroom) -> None:
    _stored(newsroom, "grid", LONG)

    (claim,) = _claims(newsroom, "It “counted requests of 226 GW in November 2025”.[^grid]")

    assert (claim.basis, _codes(claim)) == (Basis.QUOTED, [])


def test_what_follows_from_two_figures_needs_no_source(newsroom: Newsroom) -> None:
    _recorded(
        newsroom,
        "sales",
        "  a: {what: sales, value: 125, unit: billion USD, period: 2025}\n  b: {what: sales, value: 200, unit: billion "
        "USD, period: 2026}\n",
    )

    claims = _claims(
        newsroom, "From 125 to 200 billion dollars is a rise of 60 percent.[^sales]\nThat is 75 billion more.[^sales]"
    )

    assert [_codes(claim) for claim in claims] == [[], []]


def test_rows_of_tables_are_looked_up_too(newsroom: Newsroom) -> None:
    _stored(newsroom, "grid", LONG)

    good, bad = _claims(
        newsroom, "| When | Requests |\n|---|---|\n| 2025 | 226 GW[^grid] |\n| 2025 | 326 GW[^grid] |\n"
    )

    assert (_codes(good), _codes(bad)) == ([], ["S301"])


def test_s302_s303_s307_block_and_what_is_read_as_prose_does_not(newsroom: Newsroom) -> None:
    _stored(
        newsroom,
        "firm",
        "Its margin widened by 3.2 percentage points to 58.4% in 2025. It could spend $9 billion on new plants in 2026.",
    )

    bodies = {
        "S302": "It could spend 9 billion euros on new plants in 2026.[^firm]",
        "S303": "Its margin widened by 3.2 percent in 2025.[^firm]",
        "S307": "Its margin widened to 58.4 percent in 2019.[^firm]",
        "S321": "It spends $9 billion on new plants in 2026.[^firm]",
    }
    found = {
        code: next(p for c in _claims(newsroom, body) for p in c.problems if p.code == code)
        for code, body in bodies.items()
    }

    assert [found[code].severity is Severity.ERROR for code in bodies] == [True, True, True, False]


# --- what the sources are to one another -----------------------------------------------------------------------------------------


def test_s330_sources_that_disagree_are_told_and_shown(newsroom: Newsroom) -> None:
    """S330: the claim says that they disagree; it is a hint only where the sentence keeps quiet about it."""
    _recorded(newsroom, "one", "  winter: {what: growth of the winter peak, value: 245, unit: GW, period: 2035}\n")
    _recorded(newsroom, "two", "  winter: {what: growth of the winter peak, value: 246, unit: GW, period: 2035}\n")

    quiet, open_ = _claims(
        newsroom,
        "The winter peak is to grow by 245 gigawatts by 2035.[^one][^two]\n"
        "The winter peak is to grow by 245 gigawatts by 2035 in one account and by 246 in the other.[^one][^two]",
    )

    assert (quiet.disagree, _codes(quiet)) == (True, ["S330"])
    assert (open_.disagree, _codes(open_)) == (True, [])
    assert '"246 GW" in two' in quiet.problems[0].message


def test_sources_that_speak_of_two_years_do_not_disagree(newsroom: Newsroom) -> None:
    _recorded(newsroom, "one", "  use: {what: use of electricity, value: 176, unit: TWh, period: 2023}\n")
    _recorded(newsroom, "two", "  use: {what: use of electricity, value: 183, unit: TWh, period: 2024}\n")

    (claim,) = _claims(newsroom, "Use of electricity was 176 terawatt-hours in 2023.[^one][^two]")

    assert (claim.disagree, _codes(claim)) == (False, [])


def test_s331_a_figure_that_was_replaced_is_not_todays(newsroom: Newsroom) -> None:
    """S331: nothing is said where the sentence tells that the figure is the earlier one."""
    _recorded(newsroom, "outlook-2024", "  share: {what: share of supply in the region, value: 9, unit: percent}\n")
    _recorded(
        newsroom,
        "outlook-2026",
        "  share: {what: share of supply in the region, value: 17, unit: percent}\n",
        "supersedes: outlook-2024\n",
    )

    today, then, both = _claims(
        newsroom,
        "Halls are to take a share of 9 percent of supply.[^outlook-2024]\n"
        "The earlier outlook has a share of 9 percent of supply.[^outlook-2024]\n"
        "A share of 9 percent of supply has become one of 17 percent.[^outlook-2024][^outlook-2026]",
    )

    assert (_codes(today), _codes(then), _codes(both)) == (["S331"], [], [])


def test_s332_copies_of_one_text_are_one_source(newsroom: Newsroom) -> None:
    _stored(newsroom, "first", LONG)
    _stored(newsroom, "second", "By our own staff. " + LONG)
    _stored(
        newsroom,
        "third",
        "The northern grid has requests of 226 GW, an engineer who has seen the list tells this paper, and expects few.",
    )

    copies, independent = _claims(
        newsroom,
        "Requests stood at 226 GW in November 2025.[^first][^second]\nRequests stood at 226 GW in November "
        "2025.[^first][^third]",
    )

    assert (_codes(copies), copies.origins) == (["S332"], 1)
    assert (_codes(independent), independent.origins) == ([], 2)


def test_s333_the_primary_source_is_cited_where_it_has_the_figure(newsroom: Newsroom) -> None:
    _recorded(newsroom, "study", "  gain: {what: gain in productivity of firms, value: 0.3, unit: percent}\n")
    _recorded(
        newsroom,
        "report",
        "  gain: {what: gain in productivity of firms, value: 0.3, unit: percent}\n  cost: {what: cost of the tool, value: "
        "20, unit: USD}\n",
        "via: study\n",
        tier="secondary",
    )

    reported, cited, own = _claims(
        newsroom,
        "Firms gain 0.3 percent in productivity.[^report]\nFirms gain 0.3 percent in productivity.[^report][^study]\nThe "
        "tool costs 20 dollars.[^report]",
    )

    assert (_codes(reported), _codes(cited), _codes(own)) == (["S333"], [], [])
    assert "reports study" in reported.problems[0].message


# --- texts that are written otherwise ---------------------------------------------------------------------------------------------

PORTUGUESE = (
    "O governo dos Estados Unidos anunciou em 12 de junho de 2025 que a empresa vai receber cerca de 6,17 bilhões de dólares para"
    " construir duas fábricas de memória em Nova York e Idaho, segundo a agência de notícias. Outros 275 milhões foram anunciados"
    " para uma fábrica na Virgínia. A produção deve chegar a 31.900 lâminas por mês até o fim da década.\n"
)


def test_a_source_in_another_language_is_read_by_its_own_signs(newsroom: Newsroom) -> None:
    _stored(newsroom, "noticias", PORTUGUESE)

    claims = _claims(
        newsroom,
        "Micron is to get about 6.17 billion dollars, as was announced on 12 June 2025.[^noticias]\n"
        "Another 275 million were announced.[^noticias]\nThe plant is to make 31,900 wafers a month.[^noticias]\n"
        "It is to get 7.16 billion dollars in 2021.[^noticias]",
    )

    assert [_codes(claim) for claim in claims] == [[], [], [], ["S301", "S307"]]


def test_groups_of_digits_may_stand_apart(newsroom: Newsroom) -> None:
    _stored(
        newsroom,
        "meters",
        "Metered use came to 6 969 GWh of a total of 31 900 GWh. By year: 2022 412 365, 2023 487 391.",
    )

    claims = _claims(
        newsroom,
        "Of 31,900 gigawatt-hours, 6,969 were used.[^meters]\nIn 2023 the two counts were 487 and 391.[^meters]",
    )

    assert [_codes(claim) for claim in claims] == [[], []]


@pytest.mark.parametrize(
    "harm", ["5 GW and ", "2024-", "- 5", "from 1 to ", "a third ", "twenty-", "half of ", "5 million "]
)
def test_a_line_that_means_harm_is_read_in_time(harm: str) -> None:
    source = Source("harm", "https://harm.example/", "Harm", Tier.PRIMARY)
    began = time.process_time()

    evidence = evidence_of(source, harm * (40_000 // len(harm)))
    tuple(examine("The plant of 5 GW opened in 2024, said Ada Example.", (evidence,), written=2026))

    assert time.process_time() - began < 20  # it takes one second at most, and took minutes


def test_an_editors_note_and_a_publishers_name_bear_no_figure_out(newsroom: Newsroom) -> None:
    """A note is for editors: readers never see it, and what it warns of is no evidence."""
    newsroom.write(
        "content/sources/noted.yml",
        "id: noted\nurl: https://noted.example.org/777-people\npublisher: CRE 360 Signal\ntitle: What it says\ntier: primary\n"
        "note: Mind that 777 is wrong, ask again.\nfacts:\n  a: {what: staff, value: 700, unit: people}\n",
    )

    wrong, right = _claims(newsroom, "It employs 777 people.[^noted]\nCRE 360 Signal counts 700 people.[^noted]")

    assert (_codes(wrong), _codes(right)) == (["S301"], [])
    assert [passage.words for passage in right.passages] == ["staff: 700 people"]


def test_a_stray_small_number_makes_no_sum(newsroom: Newsroom) -> None:
    """212 less the three of "three years" is no 209, and a wrong figure is no proof of itself one sentence later."""
    _stored(
        newsroom,
        "survey",
        "Of 640 buyers asked, 212 had waited longer than three years. The average price rose from $8.9 million to $11.3 million.\n",
    )

    claims = _claims(
        newsroom,
        "Of 640 buyers, 209 had waited longer than three years.[^survey]\n"
        "The price was $12.3 million.[^survey]\nThe average price rose from $8.9 million to $12.3 million.[^survey]",
    )

    assert [_codes(claim) for claim in claims] == [["S301"], ["S301"], ["S301"]]
