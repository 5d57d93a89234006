"""Reports written for people: where the words end and the returned letter begins, whom the words name, and why.

No reader a vendor: what all of them do is put an address at the start of a line, after a word like "to:", or into the words of
the server that refused it, with the reason beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipeline.mail.bounces.addresses import ADDRESS, tidy
from pipeline.mail.bounces.words import pattern

_MOST_WORDS: Final = 48 * 1024  # characters of a report that people are to read
_MOST_LINES: Final = 1500
_MOST_NAMED: Final = 300
_LONGEST_MARK: Final = 120
_AROUND: Final = 12  # lines of reason that belong to an address
_ENOUGH_FIELDS: Final = 3  # in a row that make a header; two may be words of a report

# How likely an address is the one that was refused. Of several places, the weights add up.
CERTAIN: Final = 10  # a field names it
AT_START: Final = 5  # it begins a line, or follows a code
OF_LETTER: Final = 5  # the returned letter was sent to it
SURE: Final = 4  # it follows a word like "to:"
LIKELY: Final = 3  # it is among the words of the server that refused
BARELY: Final = 2  # it is guessed
ANYHOW: Final = 1  # it is there

_CUT = pattern("report", "letter_follows", before=r"[-=*_\s>]{0,80}")  # a line after which the returned letter begins
_HEADER_LINE = re.compile(r"[ >]{0,2}([A-Za-z][A-Za-z0-9-]{1,40}):(?:[ \t]|$|\S)")
_OF_A_LETTER: Final = frozenset(
    (
        *("from", "to", "subject", "date", "message-id"),
        *("received", "return-path", "mime-version", "content-type", "x-mailer"),
    )
)
_CERTAIN: Final = frozenset(("received", "message-id", "mime-version", "return-path", "content-type"))

_BEFORE_NO_RECIPIENT = pattern("report", "before_others", after=r"\W{0,14}$")
_BEFORE_RECIPIENT = pattern(
    "report", "before_recipient", after=r"(?: (?:is|was|at|address|e-?mail|:))?[\s:<\"'(=>*;-]{1,12}$"
)
_AT_START = re.compile(r"[\s>*\"'<(\[\d.)•·–-]{0,24}$")
_GATEWAY = re.compile(r";\s?(?:dda:)?$")  # X.400: c=us;a= ;p=example;dda:SMTP=reader@example.org;
# "Your message  To: ...  Subject: ...  Sent: ...": what the letter was, not who was refused
_OF_INTRODUCTION = re.compile(r"\s{0,20}(?:to|cc|an|.|para|aan|do)\s?:\s", re.IGNORECASE)
_SUBJECT_LINE = re.compile(
    r"\s{0,20}(?:subject|sent|betreff|gesendet|objet|date|asunto|enviado|assunto|oggetto|onderwerp|temat|тема)\s?:",
    re.IGNORECASE,
)
_AFTER_START = re.compile(r"[>\"')\]]{0,3}(?:\s*$|\s*[:;,(\[=-]|\s{2,}|\.{2,3}|\s*<|\t|<mailto:| on \w|\s+\w)")
_SMTP_WORDS = re.compile(
    r"(?<![\d.])[45]\d\d[ -]|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}\b|rcpt|unknown|not found|no such|invalid|does not exist|rejected|full"
    r"|quota"
)
_QUOTED_ADDRESS = re.compile(r"\s*(?:mailto:|\[mailto:)")
_HEDGED = pattern("report", "hedged", before=r"\b", after=r"\b")
_IF = re.compile(r"\bif (?:you|the|this|it|that|your|an?)\b")
_SCANNED = pattern("report", "scanned")
_ASIDE = re.compile(r"\((?:please|bitte|veuillez|por favor)[^()]{0,120}\)")
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+|\n\s*\n|\n[_*=-]{10,}")
_ALONE = re.compile(
    r"(?:recipients?|address(?:es)?|users?)[^\n]{0,200}:[ \t]*\n\s*([\w.+-]{2,64})[ \t]*(?:\n|$)", re.IGNORECASE
)
_OF_DAEMONS = re.compile(
    r"(?:mailer-daemon|postmaster|mail-daemon|abuse|noreply|no-reply|helpdesk|webmaster|hostmaster|root)@"
)


@dataclass(frozen=True, slots=True)
class Named:
    """An address that the words name, and how likely it is the one that was refused."""

    address: str
    weight: int
    line: int
    why: str  # the words that belong to it


def cut(text: str) -> tuple[str, str]:
    """The words of a report, and the source of the letter that follows them in the same text."""
    text = text[:_MOST_WORDS]
    lines = text.split("\n")[:_MOST_LINES]
    at = 0
    for number, line in enumerate(lines):
        bare = line.strip()
        cuts = number and len(bare) < _LONGEST_MARK and _CUT.match(line.lower())
        if cuts and (bare.startswith("--") or "below this line" in bare.lower() or _something_after(lines, number)):
            return text[:at], "\n".join(_letter(lines, number + 1))
        if _HEADER_LINE.match(line) and _is_letter(lines, number):
            return text[:at], "\n".join(_letter(lines, number))
        at += len(line) + 1
    return "\n".join(lines), ""


def _something_after(lines: list[str], number: int) -> bool:
    """True where a letter, or nothing, follows what looks like the end of the words: a heading in them has more words."""
    rest = [line for line in lines[number + 1 : number + 12] if line.strip()]
    return not rest or any(_HEADER_LINE.match(line) for line in rest[:6])


def _letter(lines: list[str], number: int) -> list[str]:
    while number < len(lines) and not _HEADER_LINE.match(lines[number]):
        number += 1
    letter = lines[number:]
    if letter and letter[0][:1] in " >":
        depth = len(letter[0]) - len(letter[0].lstrip(" >"))
        letter = [line[depth:] if not line[:depth].strip(" >") else line for line in letter]
    return letter


def _is_letter(lines: list[str], number: int) -> bool:
    """True where a header begins in line *number*: several fields in a row, some of them a letter's."""
    if lines[number][:1] in " \t" or (
        number and _HEADER_LINE.match(lines[number - 1]) and lines[number - 1][:1] not in " \t"
    ):
        return False
    names: set[str] = set()
    for line in lines[number : number + 40]:
        if not line.strip():
            break
        if found := _HEADER_LINE.match(line):
            names.add(found[1].lower())
        elif line[:1] not in " \t":
            break
    known = names & _OF_A_LETTER
    if "received" in names:
        return True
    return len(known) >= _ENOUGH_FIELDS and (bool(known & _CERTAIN) or "from" in known)


def named_in(words: str, *, sent_to: set[str], never: set[str]) -> list[Named]:
    """Whom the *words* of a report may be about. *sent_to* are the recipients of the returned letter, *never* its and our own
    senders; both in small letters."""
    lines = words.split("\n")[:_MOST_LINES]
    found: list[tuple[str, int, int]] = []
    helpers: set[str] = set()
    for number, line in enumerate(line[:2000] for line in lines):
        if "@" not in line or len(found) >= _MOST_NAMED:
            continue
        for match in ADDRESS.finditer(line):
            address = tidy(match[0])
            before, after = line[: match.start()].lower(), line[match.end() :]
            if _BEFORE_NO_RECIPIENT.search(before[-60:]) and address.lower() not in sent_to:
                helpers.add(address.lower())
            elif weight := _weight(address, before, after, sent_to=sent_to, never=never):
                of_introduction = _OF_INTRODUCTION.match(line) and any(
                    _SUBJECT_LINE.match(next_) for next_ in lines[number + 1 : number + 3]
                )
                found.append((address, BARELY if of_introduction else weight, number))
    found = [one for one in found if one[0].lower() not in helpers]
    strong = [(address.lower(), number) for address, weight, number in found if weight >= SURE]
    return [
        Named(address, weight, number, _why(lines, number, [at for other, at in strong if other != address.lower()]))
        for address, weight, number in found
    ]


def _weight(address: str, before: str, after: str, *, sent_to: set[str], never: set[str]) -> int:
    small = address.lower()
    if _QUOTED_ADDRESS.search(before[-12:]) and small in before:
        return 0
    if _BEFORE_NO_RECIPIENT.search(before[-60:]):
        return ANYHOW
    if small in never and small not in sent_to:
        return 0
    weight = OF_LETTER if small in sent_to else 0
    if _GATEWAY.search(before[-12:]) or (_AT_START.fullmatch(before[-40:]) and _AFTER_START.match(after)):
        weight += AT_START
    elif _BEFORE_RECIPIENT.search(before[-60:]):
        weight += SURE
    elif _SMTP_WORDS.search(before) or _SMTP_WORDS.search(after.lower()):
        weight += LIKELY
    else:
        weight += ANYHOW
    return ANYHOW if _OF_DAEMONS.match(small) and small not in sent_to else weight


def _why(lines: list[str], number: int, starts: list[int]) -> str:
    """The address's line and those after it, up to the next address or a blank after some words."""
    end = min([start for start in starts if start > number] + [number + _AROUND, len(lines)])
    chosen: list[str] = []
    for line in lines[number:end]:
        if not line.strip() and len("".join(chosen)) > len(lines[number]) + 10:
            break
        chosen.append(line.strip())
    return " ".join(" ".join(chosen).split())[:1000]


def plain_statements(words: str) -> str:
    """*words* without what only might be, or is advice: "please check", "the mailbox may be full"."""
    sentences = _SENTENCE_END.split(_ASIDE.sub(" ", words[:8000]))
    return " ".join(s for s in sentences if not any(p.search(s.lower()) for p in (_HEDGED, _IF, _SCANNED)))


def local_part_in(words: str) -> str:
    """The one word that stands alone on the line after "... the following recipients ...:": a local part of the refusing domain."""
    found = _ALONE.search(words[:4000])
    return found[1] if found else ""
