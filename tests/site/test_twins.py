"""What programs read that read no HTML: the Markdown of every article, and llms.txt."""

from __future__ import annotations

import re
from pathlib import Path

from markdown import markdown

from pipeline.config import Settings
from pipeline.site import build_site
from tests.site.conftest import NOW, SECRET, SITE, WORDS, write_article
from tests.site.reading import page, pages, resolves

LLMS_ROW = re.compile(r"- \[(?:[^\[\]\\]|\\.)+\]\((https://[^)\s]+)\)(?:: .+)?")


def twin(site: Path, slug: str) -> str:
    return (site / f"articles/{slug}/index.html.md").read_text("utf-8")


def test_every_article_names_its_twin_and_no_other_page_has_one(site: Path) -> None:
    named = {link.attributes["href"] for each in pages(site) for link in each.all("link", type="text/markdown")}

    assert named == {"index.html.md"}
    assert sorted(path.parent.name for path in site.rglob("*.md")) == sorted(
        path.parent.name for path in site.glob("articles/*/index.html")
    )
    assert not list(site.rglob("*.md.txt"))


def test_a_twin_holds_the_article_and_its_sources(site: Path) -> None:
    assert twin(site, "grid-queue") == (
        "# What the grid-queue tells us\n\n"
        "> One sentence on the grid-queue.\n\n"
        "By Open Signal drafting model, Ines Halvorsen · 22 November 2026 · AI-written, reviewed by Ines Halvorsen · "
        f"<{SITE}articles/grid-queue/>\n\n"
        "The queue is long.[^1][^2]\n\n"
        "## The count\n\n"
        "It says so itself.[^1]\n\n"
        "| What | How much |\n|---|---|\n| Requests | 268 GW[^1] |\n\n"
        "### In short\n\n"
        f"See [the older one]({SITE}articles/transformers/) and [how]({SITE}how-this-is-made/).\n"
        f"An [anchor]({SITE}articles/grid-queue/#the-count) and a [sample].[^3]\n\n"
        "## Sources\n\n"
        '[^1]: The queue, "counted" & \\<listed\\>, Grid Office, 2026-10 (primary source; stored copy of 19 November 2026).'
        f" <https://grid.example.org/queue?year=2026&month=11> “{WORDS}”\n\n"
        "[^2]: The Wire (secondary source; recorded by the editor, no stored copy yet). <https://wire.example.org/grid>\n\n"
        "[^3]: A made-up page, Sample Press (aggregator source, an invented sample; recorded by the editor, no stored copy yet)."
        " <https://sample.example.org/>\n"
    )


def test_a_twin_names_who_wrote_it_once(own_settings: Settings) -> None:
    path = write_article(own_settings.root, "by-hand", date="2026-11-22")
    path.write_text(
        re.sub(r"(?m)^(ai:.*|authors:.*)\n", "", path.read_text("utf-8")).replace(
            "status:", "authors: [ines-halvorsen]\nstatus:"
        ),
        "utf-8",
    )

    built = build_site(own_settings, now=NOW).site_dir

    assert f"\n\nBy Ines Halvorsen · 22 November 2026 · <{SITE}articles/by-hand/>\n\n" in twin(built, "by-hand")


def test_the_footnotes_of_a_twin_work_where_footnotes_are_known(site: Path) -> None:
    html = markdown(twin(site, "grid-queue"), extensions=["footnotes", "tables"])

    assert html.count('class="footnote-ref"') == 5
    assert len(re.findall(r'<li id="fn:\d+">', html)) == 3
    assert "[^" not in html


def test_corrections_and_retractions_stand_above_the_text(site: Path) -> None:
    corrected, retracted = twin(site, "corrected-one"), twin(site, "retracted-one")

    assert "**Corrected 21 November 2026.** We first wrote: “It was 5 \\<b\\>GW\\</b\\>.”" in corrected
    assert corrected.index("**Corrected") < corrected.index("A paragraph on")
    assert "\n\n**Retracted.** We no longer stand by this article.\n\nA paragraph on" in retracted


def test_hostile_words_stay_words(site: Path) -> None:
    html = markdown(twin(site, "hostile"))

    assert "<script" not in html
    assert "<b>dek</b>" not in html
    assert "&lt;script&gt;" in html


def test_llms_txt_has_the_form_that_is_asked_for(site: Path) -> None:
    text = (site / "llms.txt").read_text("utf-8")

    title, _, summary, *rest = text.split("\n")
    assert (title, summary) == ("# Deep Signals", "> Free. Sourced. AI-written. The AI buildout, daily.")
    sections = re.split(r"^## ", "\n".join(rest), flags=re.MULTILINE)
    assert [section.partition("\n")[0] for section in sections[1:]] == [
        "Newest articles",
        "Topics",
        "About",
        "Optional",
    ]
    for section in sections[1:]:
        lines = [line for line in section.split("\n")[1:] if line]
        assert lines
        assert all(LLMS_ROW.fullmatch(line) for line in lines), lines
    addresses = re.findall(r"\]\((https://[^)]+)\)", text)
    assert all(resolves(site, address) for address in addresses)
    assert addresses[0] == f"{SITE}articles/grid-queue/index.html.md"
    assert re.findall(r"\[Retracted: [^]]*\]\((.*?)\)", text) == [f"{SITE}articles/retracted-one/index.html.md"]
    assert SECRET not in text


def test_the_twin_of_a_page_is_where_the_page_is(site: Path) -> None:
    for path in site.rglob("*.md"):
        name = path.relative_to(site).as_posix().removesuffix(".md")
        canonical = page(site, name).one("link", rel="canonical").attributes["href"]
        assert f"<{canonical}>" in path.read_text("utf-8")
