"""Compose an issue once for a selection of articles: subject, text and HTML, with blanks where subscribers differ.

A daily or weekly issue is a digest (`digest` says what stands in it): the lead with its opening, the others in brief, each with its
sources by name. A letter of an ``each`` issue carries its article whole.
"""

from __future__ import annotations

import datetime as dt
import html as html_entities
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.config import Settings
from pipeline.errors import ContentError, SettingsError
from pipeline.library import (
    Library,
    Numbers,
    correction_words,
    opening_to_plain_text,
    provenance,
    render_article,
    summary_paragraphs,
    to_plain_text,
    typographic,
    unstyled,
)
from pipeline.library.citations import CITATION, PANDOC
from pipeline.library.copies import origins
from pipeline.library.credits import authorship
from pipeline.library.deeplinks import address
from pipeline.library.images import NoImage, file_at, look_at
from pipeline.library.receipts import STANDINGS, status_note, stored_words, tally_words, weight_of
from pipeline.mail.digest import Contents, Corrected, Figure, contents_of
from pipeline.mail.headers import Links, list_headers
from pipeline.mail.layout import MAX_PREHEADER, MIN_PREHEADER, WIDTH, render_html, render_text
from pipeline.mail.message import build_message, encoded_body
from pipeline.mail.plan import Composed
from pipeline.mail.stamp import BLANKS, blanks_in
from pipeline.model import Article, Cadence, Issue, Source

# A link to unsubscribe in a header and in both parts; in both, two to the preferences, and the day on which they confirmed.
OUR_BLANKS = {"recipient": 1, "message_id": 1, "unsubscribe": 3, "preferences": 4, "confirmed": 2}
MAX_SUBJECT = 55  # characters; phones show about so many
OPENING_PARAGRAPHS = 2
PICTURE_WIDTH = 552  # the column of a letter, without its margins
NAMED_SOURCES = 3
MAX_HTML = 90_000  # octets decoded; Gmail clips a letter at about 102 kB
MAX_HTML_ENCODED = 102_400


def compose(
    issue: Issue,
    articles: Sequence[Article],
    *,
    library: Library,
    settings: Settings,
    since: dt.datetime | None = None,
) -> Composed:
    """The letter of *issue* that carries *articles*, newest first; *since* is when the last issue like it closed.

    Raises `ContentError` when it would be too large to be shown whole, `SettingsError` when the law's postal address is missing.
    """
    parts = compose_parts(issue, articles, library=library, settings=settings, since=since)
    _must_fit(parts.html, issue)
    message = build_message(
        sender=(settings.sender_name, settings.sender_address),
        to=BLANKS["recipient"],
        subject=parts.subject,
        text=parts.text,
        html=parts.html,
        date=issue.closes_at,
        message_id=f"<{BLANKS['message_id']}@{settings.sender_address.rpartition('@')[2]}>",
        headers=list_headers(
            settings,
            _links(issue, settings),
            about=issue.key,
            kind=issue.cadence.value,
            by_rule=issue.cadence is not Cadence.EACH,  # an article's letter is its editor's work, a digest is gathered
            archived_at=settings.site_url + articles[0].url_path if issue.cadence is Cadence.EACH else "",
        ),
    )
    _must_have_our_blanks_only(message, issue, settings)
    return Composed(subject=parts.subject, message=message)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reader sees of a letter, with blanks."""

    subject: str
    preheader: str
    text: str
    html: str


def compose_parts(
    issue: Issue,
    articles: Sequence[Article],
    *,
    library: Library,
    settings: Settings,
    since: dt.datetime | None = None,
) -> Parts:
    """The letter as `compose` sends it, before it is weighed and put together. Raises `SettingsError` as that does."""
    must_have_an_address(settings)
    if issue.cadence is Cadence.EACH:
        kind, order, values = "article", tuple(articles), _whole(articles[0], library, settings)
    else:
        lead = _opening(articles[0])
        contents = contents_of(issue, articles, library, since=since, shown=f"{lead.dek} {lead.body}")
        kind, order, values = "digest", contents.articles, _digest(contents, issue, library, settings)
    subject = shortened(order[0].email_subject or order[0].title, MAX_SUBJECT)
    preheader = preheader_of(order)
    values = {
        **values,
        "subject": subject,
        "preheader": preheader,
        "line": _line(issue, articles, library),
        "why": why(issue.cadence, settings),
        "links": _links(issue, settings),
    }
    text = render_text(kind, settings, values)
    return Parts(subject, preheader, text=text, html=render_html(kind, settings, values))


def _links(issue: Issue, settings: Settings) -> Links:
    return Links(
        unsubscribe=f"{settings.web_url}unsubscribe/{BLANKS['unsubscribe']}",
        preferences=f"{settings.web_url}preferences/{BLANKS['preferences']}",
        how=f"{settings.site_url}how-this-is-made/",
        cadence=issue.cadence,
    )


# --- a digest ---------------------------------------------------------------------------------------------------------


def _digest(contents: Contents, issue: Issue, library: Library, settings: Settings) -> dict[str, Any]:
    """What the templates of a digest show."""
    numbers = Numbers()
    ranked = issue.cadence is Cadence.WEEKLY
    lead = {
        **_item(contents.lead, library, settings, rank=1 if ranked else 0),
        **_opened(contents.lead, library, settings, numbers),
    }
    return {
        "numbers": numbers,
        "lead": lead,
        "briefs": [
            _item(article, library, settings, rank=place if ranked else 0)
            for place, article in enumerate(contents.briefs, start=2)
        ],
        "rest": [(name, [_item(each, library, settings) for each in group]) for name, group in contents.rest],
        "figure": _figure(contents.figure, settings) if contents.figure else None,
        "corrections": [_told(each, settings) for each in contents.corrections],
        "more_corrections": f"{contents.more_corrections} more: " if contents.more_corrections else "",
        "register": f"{settings.site_url}corrections/",
    }


def _item(article: Article, library: Library, settings: Settings, *, rank: int = 0) -> dict[str, Any]:
    """What the templates show of every article; *rank* is its place among the signals of a week."""
    sources = [library.sources[name] for name in article.source_ids if name in library.sources]
    topic = library.topics.get(article.topics[0]) if article.topics else None
    name = topic.name if topic else settings.site_name
    return {
        "topic": name,
        "kicker": f"{rank} · {name}" if rank else name,
        "title": article.title,
        "dek": article.dek,
        "set_title": typographic(article.title, language=article.lang),  # for the HTML part; plain text stays as typed
        "set_dek": typographic(article.dek, language=article.lang),
        "lang": _other_language(article, settings),
        "url": settings.site_url + article.url_path,
        "weight": weight_of(sources, _origins(sources, library)),
        "receipts": f"{settings.site_url}{article.url_path}receipts/",
        "opening_links": (),
        **_named(sources),
    }


def _opened(article: Article, library: Library, settings: Settings, numbers: Numbers) -> dict[str, Any]:
    """The opening of the lead, in both forms."""
    opening = _opening(article)
    rendered = render_article(opening, library, site_url=settings.site_url)
    page = settings.site_url + article.url_path
    text, links = opening_to_plain_text(
        opening, library, site_url=settings.site_url, paragraphs=OPENING_PARAGRAPHS, width=WIDTH, numbers=numbers
    )
    return {
        "opening_html": _own_pictures(_CITED.sub("", unstyled(rendered.absolute(page))), settings),
        "opening_text": text,
        "opening_links": links,
    }


def _figure(figure: Figure, settings: Settings) -> dict[str, str]:
    return {
        "words": typographic(figure.words, language=figure.article.lang),
        "sentence": typographic(figure.sentence, language=figure.article.lang),
        "standing": STANDINGS[figure.basis].words,
        "source_url": address(figure.source),
        "publisher": figure.source.publisher,
        "url": settings.site_url + figure.article.url_path,
        "title": typographic(figure.article.title, language=figure.article.lang),
        "lang": _other_language(figure.article, settings),
    }


def _told(corrected: Corrected, settings: Settings) -> dict[str, str]:
    article = corrected.article
    told = correction_words(corrected.correction) if corrected.correction else "Retracted: we no longer stand by it."
    return {
        "title": typographic(article.title, language=article.lang),
        "url": settings.site_url + article.url_path,
        "told": typographic(told, language=article.lang),
        "lang": _other_language(article, settings),
    }


def _other_language(article: Article, settings: Settings) -> str:
    """The language of *article* where it is not the one that the letter is in."""
    return "" if article.lang == settings.language else article.lang


# --- a letter of one article ------------------------------------------------------------------------------------------


def _whole(article: Article, library: Library, settings: Settings) -> dict[str, Any]:
    """What the templates of a letter of one article show."""
    item = _item(article, library, settings)
    rendered = render_article(article, library, site_url=settings.site_url)
    item["html"] = _own_pictures(unstyled(rendered.absolute(item["url"])), settings)
    item["text"] = to_plain_text(article, library, site_url=settings.site_url, width=WIDTH)
    item["tally"] = tally_words(library.claims(article))
    item["cited"] = [
        (
            each.source,
            address(each.source),
            "; ".join(filter(None, (stored_words(each.source), status_note(each.source)))),
        )
        for each in rendered.cited
    ]
    came = provenance(article)
    item["minutes"] = rendered.minutes
    item["made"] = authorship(article, library.people) + (f". {came}" if came else "")
    return {"item": item}


# --- their parts ------------------------------------------------------------------------------------------------------


def _named(sources: Sequence[Source]) -> dict[str, Any]:
    """The sources that a digest names, primary ones first and each publisher once, and how many more there are."""
    ordered = sorted(sources, key=lambda source: not source.is_primary)
    first: dict[str, Source] = {}
    for source in ordered:
        first.setdefault(source.publisher, source)
    by_publisher = list(first.values())
    # The last one takes no more room by its name than "1 more" would.
    most = NAMED_SOURCES + 1 if len(by_publisher) == NAMED_SOURCES + 1 else NAMED_SOURCES
    named = by_publisher[:most]
    publishers = {source.publisher for source in named}
    return {
        "sources": [(source, address(source)) for source in named],
        "more": sum(source.publisher not in publishers for source in sources),
    }


def _origins(sources: Sequence[Source], library: Library) -> int:
    texts = {source.id: text for source in sources if (text := library.texts.of(source)[0]) is not None}
    return len(origins(sources, texts))


def _opening(article: Article) -> Article:
    """The article cut to its first paragraphs, without citations: the letter names the sources below them."""
    opening = summary_paragraphs(article, OPENING_PARAGRAPHS)
    return replace(article, body=re.sub(f"{CITATION}|{PANDOC}|<!--.*?-->", "", opening, flags=re.DOTALL), citations=())


_CITED = re.compile(r'<sup class="cite(?:-sep)?">.*?</sup>')  # behind words that the build sets


def _own_pictures(html: str, settings: Settings) -> str:
    """*html* with pictures of our own site only: whoever keeps another could see who opens the letter, and when (P-10).

    The words of those that are left out stay.
    """

    def kept(match: re.Match[str]) -> str:
        said = dict(_ATTRIBUTE.findall(match[0]))
        if said.get("src", "").startswith(settings.site_url):
            return _with_width(match[0], said["src"], settings)
        return f"[{said.get('alt') or 'picture'}]"

    return _PICTURE.sub(kept, html)


def _with_width(image: str, src: str, settings: Settings) -> str:
    """The tag *image* with a width: programs that know no style sheets would show all points that the picture has."""
    file = file_at(src, site_url=settings.site_url)
    if " width=" in image or file is None:
        return image
    try:
        width = min(look_at(settings.content / "pages" / file).width, PICTURE_WIDTH)
    except NoImage:  # a drawing, or what `check` tells of
        return image
    return f'{image[:-1]} width="{width}">'


_PICTURE = re.compile(r"<img\b[^>]*>")  # safe here: a cleaned article has no ">" inside a tag
_ATTRIBUTE = re.compile(r'\b(src|alt)="([^"]*)"')


def shortened(text: str, most: int) -> str:
    """*text* in one line of at most *most* characters, cut behind a word."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    whole = kept if text[most - 1] == " " else kept.rpartition(" ")[0] or kept
    return f"{whole.rstrip(' ,;:·–—-')}…"


def preheader_of(articles: Sequence[Article]) -> str:
    """What the inbox shows behind the subject: the editor's words, else signals two and three, else what the first one says."""
    lead, rest = articles[0], articles[1:3]
    if lead.email_preheader:
        return shortened(lead.email_preheader, MAX_PREHEADER)
    text = " · ".join(article.title for article in rest) or lead.dek
    if len(text) < MIN_PREHEADER and rest:
        text = f"{text} · {lead.dek}"
    return shortened(text, MAX_PREHEADER)


def _line(issue: Issue, articles: Sequence[Article], library: Library) -> str:
    day = f"{issue.date:%A} {issue.date.day} {issue.date:%B %Y}"
    number = len({name for article in articles for name in article.source_ids if name in library.sources})
    if issue.cadence is Cadence.EACH:
        return day
    what = "The week to " if issue.cadence is Cadence.WEEKLY else ""
    stories = "1 article" if len(articles) == 1 else f"{len(articles)} articles"
    return f"{what}{day} · {stories} · {number} {'source' if number == 1 else 'sources'}"


def why(cadence: Cadence, settings: Settings) -> str:
    """Why a letter comes, with a blank for the day on which its reader confirmed."""
    return (
        f"You get this because you asked for {settings.site_name} {CADENCE_WORDS[cadence]} "
        f"and confirmed it on {BLANKS['confirmed']}."
    )


CADENCE_WORDS: Mapping[Cadence, str] = {
    Cadence.DAILY: "daily",
    Cadence.WEEKLY: "weekly",
    Cadence.EACH: "article by article",
}


def must_have_an_address(settings: Settings) -> None:
    """Raises `SettingsError` without a postal address: law asks for it in every letter (15 USC 7704 (a)(5), P-09)."""
    address = settings.postal_address.strip()
    if not address:
        raise SettingsError("postal_address is empty; law asks for it in every letter: set it in pyproject.toml")
    is_sample = re.search(r"(?i)\b(sample street|example town|your address|todo|placeholder)\b", address)
    if is_sample and not settings.is_sample:
        raise SettingsError(
            f"postal_address is still the sample's ({address}); law asks for yours in every letter: set it in pyproject.toml"
        )


def _must_have_our_blanks_only(message: bytes, issue: Issue, settings: Settings) -> None:
    """A blank in an article's link would be filled with the reader's own token, and tell it to whom the link leads (P-10)."""
    if blanks_in(message) != {**OUR_BLANKS, **({"leave": 1} if settings.bounce_domain else {})}:
        raise ContentError(
            f"{issue.key}: an article has a word that begins with qzblank, which stands for a reader's own link; take it out"
        )


def _must_fit(html: str, issue: Issue) -> None:
    """Gmail cuts a larger letter off, and with it the way to unsubscribe (M-10)."""
    size, encoded = len(html.encode()), len(encoded_body(html)[1])
    if size <= MAX_HTML and encoded <= MAX_HTML_ENCODED:
        return
    heaviest = "; ".join(f"{octets / 1000:.1f} kB {title}" for title, octets in heaviest_sections(html))
    raise ContentError(
        f"{issue.key}: the HTML of a letter is {size / 1000:.1f} kB ({encoded / 1000:.1f} kB encoded), and mail readers show no "
        f"more than {MAX_HTML / 1000:.1f} kB ({MAX_HTML_ENCODED / 1000:.1f} kB encoded). Its heaviest sections: {heaviest}. "
        "Shorten the article, or give it `email: {skip: true}`"
    )


def heaviest_sections(html: str, *, number: int = 5) -> list[tuple[str, int]]:
    """The sections of a letter by their headings, the heaviest first, with their octets: what an editor can shorten."""
    pieces = re.split(r"(<h[1-4][ >].*?</h[1-4]>)", html.partition("<body")[2], flags=re.DOTALL)
    headings = zip(pieces[1::2], pieces[2::2], strict=True)
    sections = [(_words_of(heading), len((heading + rest).encode())) for heading, rest in headings]
    return sorted(sections, key=lambda section: -section[1])[:number]


def _words_of(markup: str) -> str:
    return " ".join(html_entities.unescape(re.sub(r"<[^>]+>", " ", markup)).split())
