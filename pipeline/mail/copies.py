"""The copies of an issue's letters: each is stamped for its subscriber when a line wants it, and not before."""

from __future__ import annotations

import functools

from pipeline.mail import verp
from pipeline.mail.addresses import without_addresses
from pipeline.mail.smtp import CannotMake, Copy
from pipeline.mail.stamp import Stamp
from pipeline.mail.terms import Terms
from pipeline.mail.verp import About, Kind
from pipeline.model import Reply
from pipeline.store import Store, issues
from pipeline.store.deliveries import Claim
from pipeline.store.issues import StoredIssue


class Copies:
    """Makes the copies of the issue *stored*, on these *terms*; each letter is read and cut up once."""

    def __init__(self, store: Store, stored: StoredIssue, terms: Terms) -> None:
        self._store, self._issue, self._terms = store, stored, terms
        self._stamps: dict[int, Stamp] = {}

    def copy_for(self, claim: Claim) -> Copy:
        """The letter of *claim*, to be stamped for its subscriber when it is wanted."""
        terms, about = self._terms, About(Kind.LETTER, claim.ref, self._issue.id)
        return Copy(
            sender=verp.return_path(terms.token_keys, about, domain=terms.bounce_domain, otherwise=terms.sender),
            recipient=claim.email,
            make_plain=functools.partial(self._plain, claim),
            make_stuffed=functools.partial(self._stuffed, claim),
            envelope_id=f"{self._issue.id:x}.{claim.ref}",
        )

    def _plain(self, claim: Claim) -> bytes:
        message = self._stamp(claim).copy_for(email=claim.email, ref=claim.ref, confirmed_at=claim.confirmed_at)
        signer = self._terms.signer
        return signer.signatures(message) + message if signer else message

    def _stuffed(self, claim: Claim) -> bytes:
        stamp, signer = self._stamp(claim), self._terms.signer
        wire = stamp.wire_for(email=claim.email, ref=claim.ref, confirmed_at=claim.confirmed_at)
        return (
            signer.signatures(stamp.copy_for(email=claim.email, ref=claim.ref, confirmed_at=claim.confirmed_at)) + wire
            if signer
            else wire
        )

    def _stamp(self, claim: Claim) -> Stamp:
        if claim.letter_id not in self._stamps:
            with self._store.reading() as connection:
                message = issues.letter_message(connection, claim.letter_id)
            keys = self._terms.token_keys
            # The key that was the newest when the issue was begun: a repeat has the same bytes (M-08).
            key = keys if isinstance(keys, bytes) else keys.as_of(self._issue.created_at)
            self._stamps[claim.letter_id] = Stamp(message, issue_key=self._issue.issue.key, token_key=key)
        return self._stamps[claim.letter_id]


def unmade(fault: CannotMake, *, more: str = "") -> Reply:
    """What is kept of a letter that could not be made, in place of a server's reply."""
    return Reply(0, "", f"the letter could not be made: {without_addresses(str(fault))}{more}")
