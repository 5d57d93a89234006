"""A mail, opened once for all who read it: its words for people, its fields for machines, the letter in it, and what it looks like.

A mail has to look like a report in several ways before it is taken for one: anybody may write "could not be delivered".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipeline.mail.bounces import mime, prose
from pipeline.mail.bounces.addresses import address_of, addresses_in
from pipeline.mail.bounces.mime import Headers, Mail, Part
from pipeline.mail.bounces.words import pattern

CERTAIN: Final = 3  # signs that a mail is a report of a delivery

_ENOUGH: Final = 40  # characters of plain text that make the same in HTML needless
_WORDS_READ: Final = 12_000  # characters in which sentences are looked for
_BEGINNING: Final = 4_000

_RETURNED_TYPES: Final = (
    "message/rfc822",
    "message/global",
    "message/global-headers",
    "message/rfc822-headers",
    "text/rfc822-headers",
)
OWN_RECIPIENTS: Final = (
    *("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to"),
    *("to", "cc", "apparently-to", "x-rcpt-to"),
)
_LETTER_RECIPIENTS: Final = (*OWN_RECIPIENTS, "resent-to", "x-forwarded-to")
_SENDERS: Final = ("from", "sender", "reply-to", "return-path", "errors-to")
_AUTO_HEADERS: Final = (
    *("x-autoreply", "x-autorespond", "x-autoreply-from", "x-autoresponder"),
    *("x-mail-autoreply", "x-auto-reply", "x-vacation"),
)
_AUTO_PRECEDENCE: Final = ("auto_reply", "auto-reply")
_NULL = re.compile(r"<?\s*>?|<?mailer-daemon(?:@[^>]*)?>?", re.IGNORECASE)
_ANSWER = re.compile(r"(?:re|aw|antw|sv|odp|ref|rif)\s?(?:\[\d+\])?\s?:")
_RETURNED = re.compile(r"returned (?:mail|message)|failure notice|undeliver(?:ed|able)|\(failure\)")
_DAEMON = pattern("senders", "daemon")
_SUBJECT: Final = {what: pattern("subject", what) for what in ("failed", "delayed", "auto", "auto_maybe")}
_TEXT: Final = {
    what: pattern("text", what)
    for what in ("failed", "delayed_for_sure", "delayed", "gave_up_for_sure", "gave_up", "auto")
}


@dataclass(frozen=True, slots=True)
class Opened:
    mail: Mail
    words: str  # for people, without the returned letter
    small: str  # their beginning in small letters, with single blanks
    fields: str  # every text, in which fields of reports are looked for
    letters: tuple[Headers, ...]  # headers of the returned letters
    subject: str  # in small letters, as is the sender
    sender: str
    sent_to: frozenset[str]  # recipients of the returned letter, in small letters
    never: frozenset[str]  # senders of the letter and of this mail, and whom this mail was sent to

    @property
    def headers(self) -> Headers:
        return self.mail.headers

    @property
    def letter_to(self) -> tuple[str, ...]:
        values = [value for letter in self.letters for value in letter.all("to")]
        return tuple(dict.fromkeys(address for value in values for address in addresses_in(value)))

    @property
    def is_receipt(self) -> bool:
        """True for what a mail program or store says of a mail that it has (RFC 8098)."""
        return self.mail.parameters.get("report-type", "").lower() == "disposition-notification" or any(
            part.type == "message/disposition-notification" for part in self.mail.parts
        )

    @property
    def is_daemon(self) -> bool:
        """True when it comes from who writes reports."""
        names = (self.sender, address_of(self.sender))
        nobody = self.sender.strip() in ("", "<>") and bool(self.headers.fields)
        return nobody or any(_DAEMON.search(name) for name in names)

    @property
    def is_returned(self) -> bool:
        """True where nobody may answer it (RFC 5321 4.5.5): a report, or an automatic reply."""
        paths = self.headers.all("return-path")
        return bool(paths) and _NULL.fullmatch(paths[0].strip()) is not None

    @property
    def signs(self) -> int:
        """How many signs say that it is a report of a delivery; `CERTAIN` are enough."""
        is_report = self.mail.type == "multipart/report"
        is_feedback = "feedback" in self.mail.parameters.get("report-type", "").lower()
        is_answer = _ANSWER.match(self.subject) is not None and not self.is_daemon
        called = self.subject_says("failed", "delayed") and not is_answer
        says = self.says("failed", "delayed", "delayed_for_sure")
        form = (is_report and not is_feedback) + self.headers.has("x-failed-recipients")
        origin = self.is_daemon + self.is_returned
        if not form and not origin and not (self.letters and called and says):
            return 0  # words may be anybody's, and so may a letter of ours that is attached
        return 2 * (form + called + says) + origin + bool(self.letters)

    @property
    def is_delay(self) -> bool:
        """True where a report says that it is still being tried, and not that it was given up."""
        for_sure = self.says("delayed_for_sure")
        if self.says("gave_up_for_sure") or (_RETURNED.search(self.subject) and not for_sure):
            return False
        return for_sure or ((self.subject_says("delayed") or self.says("delayed")) and not self.says("gave_up"))

    @property
    def is_holiday(self) -> bool:
        """True where its subject is that of an automatic reply."""
        perhaps = self.subject_says("auto") or (self.subject_says("auto_maybe") and self.is_automatic)
        return perhaps and not self.subject_says("failed")

    @property
    def is_automatic(self) -> bool:
        """True where a machine answers for a person (RFC 3834)."""
        headers = self.headers
        submitted = headers.get("auto-submitted").strip().lower()
        if headers.has(*_AUTO_HEADERS) or headers.get("precedence").strip().lower() in _AUTO_PRECEDENCE:
            return True
        if "vacation" in submitted or "auto-notified" in submitted:
            return True
        if self.subject_says("auto"):
            return True
        if self.subject_says("failed"):
            return False
        if submitted.startswith("auto-replied"):
            return True
        marked = submitted.startswith("auto-generated") or self.is_returned or headers.has("x-auto-response-suppress")
        says = _TEXT["auto"].search(self.small[:_BEGINNING]) is not None
        return marked and (says or self.subject_says("auto_maybe"))

    def says(self, *whats: str) -> bool:
        """Whether its words are those of a list in `words.toml`."""
        return any(_TEXT[what].search(self.small) for what in whats)

    def subject_says(self, *whats: str) -> bool:
        return any(_SUBJECT[what].search(self.subject) for what in whats)


def open_mail(mail: Mail) -> Opened:
    words: list[str] = []
    fields: list[str] = []
    letters: list[Headers] = []
    for part in mail.parts:
        if part.type in _RETURNED_TYPES:
            _take_letter(part.text, letters, fields)
        elif not part.type.startswith("text/"):
            fields.append(part.text)
        elif part.text.strip():
            in_html_too = part.type == "text/html" and len("".join(words).strip()) > _ENOUGH
            said = _take_text(part, letters, fields)
            if len(letters) <= 1 and not in_html_too:
                words.append(said)
    headers = mail.headers
    all_words = "\n".join(words)
    to_letter = [value for h in letters for value in h.all(*_LETTER_RECIPIENTS)]
    senders = [value for h in (headers, *letters) for value in h.all(*_SENDERS)]
    return Opened(
        mail=mail,
        words=all_words,
        small=" ".join(all_words[:_WORDS_READ].lower().split()),
        fields="\n\n".join(text for text in fields if text.strip()),
        letters=tuple(letters),
        subject=" ".join(headers.get("subject").lower().split())[:300],
        sender=headers.get("from").lower()[:300],
        sent_to=_set_of([*to_letter, *headers.all("x-failed-recipients")]),
        never=_set_of([*senders, *headers.all(*OWN_RECIPIENTS)]),
    )


def _take_text(part: Part, letters: list[Headers], fields: list[str]) -> str:
    """The words of a text, without the letter that may follow them. A report that somebody forwarded is read as if it had come."""
    said, letter = prose.cut(part.text)
    if letter and _DAEMON.search(mime.headers_of(letter).get("from").lower()):
        forwarded, letter = prose.cut(mime.mail_in(letter).source)
        said = f"{said}\n{forwarded}"
    fields.append(said if letter else part.text)
    if letter:
        letters.append(mime.headers_of(letter))
    return said


def _take_letter(source: str, letters: list[Headers], fields: list[str]) -> None:
    """The header of a returned letter. A mail that was forwarded whole may itself be a report: its fields count as this one's."""
    letters.append(mime.headers_of(source))
    if "delivery-status" in source[:20_000].lower() and "final-recipient" in source.lower():
        inner = mime.mail_in(source)
        fields.extend(part.text for part in inner.parts if part.type not in _RETURNED_TYPES)
        letters.extend(mime.headers_of(part.text) for part in inner.parts if part.type in _RETURNED_TYPES)


def _set_of(values: list[str]) -> frozenset[str]:
    return frozenset(address.lower() for value in values for address in addresses_in(value))
