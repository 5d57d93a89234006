"""claims.json: every sentence of an article with what it rests on, for machines, and for whoever wants to look it up again.

    articles/<slug>/claims.json    one article
    claims.json                    the list of them, with the hash of each
    sources/snapshots/<sha>.txt    the stored texts that may be passed on

The handbook explains every field; `VERSION` goes up when one changes its meaning or goes. The same content gives the same bytes: no
time of the build stands here. `verify` reads these files and trusts none of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from pipeline.library import CitedSource, StoredTexts
from pipeline.library.dates import timestamp
from pipeline.library.quotes import normal, places, text_of
from pipeline.library.receipts import tally
from pipeline.model import Article, Claim, Passage, PassageKind, Source
from pipeline.site.manifest import CLAIMS_FILE
from pipeline.site.reading import words_of_article, words_sha256
from pipeline.site.sealing import CLAIMS, SEAL, sealed_text, written_texts

if TYPE_CHECKING:
    from pipeline.site.publication import Publication

FORMAT: Final = "opensignal-claims"
INDEX_FORMAT: Final = "opensignal-claims-index"
VERSION: Final = 1
INDEX: Final = CLAIMS_FILE


def claims_path(article: Article) -> str:
    return article.url_path + CLAIMS_FILE


def text_path(sha256: str) -> str:
    """Where the site shows the stored text with this hash."""
    return f"sources/snapshots/{sha256}.txt"


def published_text(source: Source, texts: StoredTexts) -> str | None:
    """The stored text of *source*, where it is here and may be passed on."""
    return texts.of(source)[0] if texts.is_shown(source) else None


def claims_files(publication: Publication) -> dict[str, str]:
    """Every claims file of the site and the list of them, by where they stand."""
    files = {claims_path(article): claims_file(publication, article) for article in publication.articles}
    return {**files, INDEX: claims_index_of(publication)}


def claims_file(publication: Publication, article: Article) -> str:
    """The claims file of *article*."""
    return sealed_text(_document_of(publication, article))


def claims_index_of(publication: Publication) -> str:
    """The list of all claims files of the site."""
    listed = []
    for article in publication.articles:
        page, known = publication.url(article.url_path), publication.claims_known.get(article.slug)
        listed.append((page, page + CLAIMS_FILE, known.hex() if known else sha256_of_claims(publication, article)))
    return claims_index(publication.settings.site_url, listed)


def sha256_of_claims(publication: Publication, article: Article) -> str:
    """The hash of the claims file of *article*."""
    return hashlib.sha256(claims_file(publication, article).encode()).hexdigest()


def _document_of(publication: Publication, article: Article) -> dict[str, Any]:
    card = publication.cards[article.slug]
    return claims_document(
        article,
        publication.claims[article.slug],
        publication.rendered[article.slug].cited,
        url=publication.url(article.url_path),
        words=words_sha256(words_of_article(card.title, card.dek, publication.html[article.slug])),
        origins=publication.origins(article),
        texts=publication.library.texts,
    )


def article_markup(publication: Publication, article: Article) -> str:
    """As much of the article's page as its words are in, as `reading` finds them."""
    card = publication.cards[article.slug]
    head = f'<h1>{escape(card.title)}</h1><p class="deck">{escape(card.dek)}</p>'
    return f'<article class="article">{head}<div class="prose">{publication.html[article.slug]}</div></article>'


def are_withheld(passage: Passage, source: Source) -> bool:
    """True for words of a source of which nothing may be passed on but the hash; a recorded figure is the editor's own."""
    return source.redistribute == "hash" and passage.kind is not PassageKind.FACT


def claims_document(
    article: Article,
    claims: Sequence[Claim],
    cited: Sequence[CitedSource],
    *,
    url: str,
    words: str,
    origins: Sequence[Sequence[str]],
    texts: StoredTexts,
) -> dict[str, Any]:
    """The claims of *article*, without a seal. *words* is the hash of the words on its page (`reading`); *origins* are the groups
    of its sources that go back to one."""
    sources = {each.source.id: each.source for each in cited}
    return {
        "format": FORMAT,
        "version": VERSION,
        "article": {
            "url": url,
            "title": article.title,
            "date": timestamp(article.date),
            "modified": timestamp(article.modified),
            "status": article.status.value,
            "language": article.lang,
            "words_sha256": words,
        },
        "counts": {"claims": len(claims), **{basis.value: count for basis, count in tally(claims)}},
        "origins": [list(group) for group in origins],
        "sources": [_source(each.number, each.source, texts) for each in cited],
        CLAIMS: [_claim(claim, sources, texts) for claim in claims],
    }


def claims_index(site_url: str, files: Iterable[tuple[str, str, str]]) -> str:
    """The list of all claims files: each with its article's address, its own, and its hash, in this order."""
    head = {"format": INDEX_FORMAT, "version": VERSION, "site": site_url}
    return written_texts(head, "articles", ("url", "claims", SEAL), files)


def _source(number: int, source: Source, texts: StoredTexts) -> dict[str, Any]:
    taken = source.snapshot
    snapshot = taken and {
        "text_sha256": taken.text_sha256,
        "sha256": taken.sha256,
        "at": timestamp(taken.at),
        "tool": taken.tool,
        "text": text_path(taken.text_sha256) if texts.is_shown(source) else None,
    }
    return {
        "id": source.id,
        "number": number,
        "url": source.url,
        "title": source.title,
        "publisher": source.publisher,
        "issued": source.issued,
        "accessed": source.accessed,
        "tier": source.tier.value,
        "via": source.via,
        "licence": source.licence,
        "redistribute": source.redistribute,
        "status": source.status.value,
        "archive": source.archive,
        "sample": source.sample,
        "snapshot": snapshot,
    }


def _claim(claim: Claim, sources: Mapping[str, Source], texts: StoredTexts) -> dict[str, Any]:
    return {
        "number": claim.number,
        "text": claim.text,
        "basis": claim.basis.value,
        "citations": [{"source": c.source, "quote": c.quote} for c in claim.citations],
        "origins": claim.origins,
        "disagree": claim.disagree,
        "passages": [_passage(passage, sources[passage.source], texts) for passage in claim.passages],
    }


def _passage(passage: Passage, source: Source, texts: StoredTexts) -> dict[str, Any]:
    withheld = are_withheld(passage, source)
    at, words = _place(passage, texts.of(source)[0] or "") if withheld else (None, passage.words)
    return {
        "source": passage.source,
        "kind": passage.kind.value,
        "name": passage.name,
        "words": None if withheld else words,
        "words_sha256": words_sha256(words) if withheld else None,
        "words_at": at,
        "words_length": len(words) if withheld else None,
        "line": passage.line,
        "page": passage.page,
        "bears": list(passage.bears),
    }


def _place(passage: Passage, text: str) -> tuple[int | None, str]:
    """Where the words of *passage* begin in *text*, all on one line, and the words as they stand there: whoever has the text finds
    by this what he is given the hash of alone."""
    flat = text_of(text)
    found = places(passage.words, flat)
    if not found:
        return None, normal(passage.words)
    place = next((place for place in found if place.line == passage.line), found[0])
    return place.start, flat.flat[place.start : place.end]
