"""No letter follows its reader (P-10), and each says who sent it and how to leave (P-09)."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from email.message import EmailMessage
from typing import cast

import pytest

from pipeline.config import Settings
from tests import loaded
from tests.mail.every import EMAIL, EVERY, LETTERS, REF, message, with_theme

OTHER, OTHER_REF = "somebody.else@example.com", "f0e1d2c3" * 4
OWN_PAGES = ("unsubscribe", "preferences", "confirm", "decline", "export", "erase")
# RFC 8058, RFC 5064 and our own: what may differ between two readers' letters, besides the links to themselves.
THEIRS = {"to", "message-id", "list-unsubscribe", "dkim-signature", "archived-at"}


def parsed(what: str, settings: Settings, who: str = EMAIL, ref: str = REF) -> EmailMessage:
    raw = message(what, settings, email=who, ref=ref)
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))


def part(letter: EmailMessage, kind: str) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return cast("str", body.get_content())


def without_own_links(text: str, settings: Settings) -> str:
    """*text* with the tokens of the links to a reader's own pages taken out."""
    return re.sub(rf"({re.escape(settings.web_url)}(?:{'|'.join(OWN_PAGES)})/)[0-9a-f]+", r"\1TOKEN", text)


@pytest.mark.parametrize("what", EVERY)
def test_two_readers_letters_differ_in_their_links_to_themselves_alone(settings: Settings, what: str) -> None:
    """P-10: nothing else in the body or in a header tells one from the other."""
    settings = with_theme(settings)
    mine, other = parsed(what, settings), parsed(what, settings, OTHER, OTHER_REF)

    for letter in (mine, other):
        letter.set_boundary("x")
    assert {name.lower() for name in mine.keys() if mine[name] != other[name]} <= THEIRS  # noqa: SIM118 -- of a message
    for kind in ("plain", "html"):
        assert without_own_links(part(mine, kind), settings) == without_own_links(part(other, kind), settings)


@pytest.mark.parametrize("what", EVERY)
def test_no_letter_loads_anything_but_from_the_site(settings: Settings, what: str) -> None:
    """P-10: no pixel, no font, no style sheet; a picture, if any, is the site's own, and the same for all."""
    settings = with_theme(settings)
    read = loaded.read(part(parsed(what, settings), "html"))

    assert loaded.foreign(read.found, base=settings.site_url) == []
    assert read.small == []


@pytest.mark.parametrize("what", EVERY)
def test_links_lead_straight_to_where_they_say(settings: Settings, what: str) -> None:
    """P-10: no redirect of ours or of anybody's between a reader and an article or a source, and nothing in it that names them."""
    settings = with_theme(settings)
    letter = parsed(what, settings)
    links = loaded.read(part(letter, "html")).links
    own = tuple(f"{settings.web_url}{page}/" for page in OWN_PAGES)
    public = [link for link in links if not link.startswith((*own, "mailto:"))]
    names = {EMAIL, EMAIL.partition("@")[0], REF, hashlib.sha256(EMAIL.encode()).hexdigest()}
    names |= {hashlib.md5(EMAIL.encode(), usedforsecurity=False).hexdigest()}

    for link in public:
        assert not re.search(r"https?(:|%3a)//.+https?(:|%3a)(//|%2f)", link, re.IGNORECASE), "a link within a link"
        assert not re.search(r"[?&](utm_[a-z]+|ref|uid|sid|mc_[a-z]+|fbclid|gclid)=", link)
        assert not any(name in link for name in names)
        if link.startswith(settings.site_url):
            assert "?" not in link
    assert links
    if what in LETTERS:
        assert [link for link in public if link.startswith(f"{settings.site_url}articles/")]


@pytest.mark.parametrize("what", EVERY)
def test_each_says_who_sent_it_and_letters_say_how_to_leave(settings: Settings, what: str) -> None:
    """P-09: a true sender, a subject that is ours, the postal address, and a way out wherever there is something to leave."""
    settings = with_theme(settings)
    letter = parsed(what, settings)

    assert letter["From"].addresses[0].addr_spec == settings.sender_address
    assert letter["Subject"].strip()
    for kind in ("plain", "html"):
        assert settings.postal_address in " ".join(part(letter, kind).split())
    if what in LETTERS:
        assert f"{settings.web_url}unsubscribe/" in part(letter, "plain")
        assert f"{settings.web_url}unsubscribe/" in part(letter, "html")
        assert "unsubscribe/" in letter["List-Unsubscribe"]
