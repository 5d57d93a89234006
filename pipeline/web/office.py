"""What every page needs at hand."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.config import Settings
from pipeline.keys import KeyRing, load_keys
from pipeline.mail import tokens
from pipeline.mail.deliver import Clock
from pipeline.mail.tokens import Purpose
from pipeline.model import Topic
from pipeline.store import Store
from pipeline.web.forms import Fields
from pipeline.web.nonce import make_nonce, was_pressed
from pipeline.web.pages import Pages

log = logging.getLogger("opensignal")


@dataclass(frozen=True, slots=True)
class Office:
    store: Store
    settings: Settings
    clock: Clock
    pages: Pages
    topics: Mapping[str, Topic]
    counters: Counter[str] = field(default_factory=Counter)  # of what machines did, since the start

    @property
    def token_keys(self) -> KeyRing:
        """Asked for anew each time: a key that was added while we serve opens the links that it signed."""
        return load_keys(self.settings.state_dir, "token")

    @property
    def suppression_key(self) -> KeyRing:
        return load_keys(self.settings.state_dir, "suppression")

    def ref(self, purpose: Purpose, token: str) -> str:
        """Whom *token* names. Raises `TokenError` unless we signed it for *purpose*."""
        return tokens.read(self.token_keys, purpose, token)

    def link(self, purpose: Purpose, ref: str) -> str:
        """The address of the page that lets *ref* do what *purpose* says."""
        return self.pages.path(f"{purpose.value}/{tokens.sign(self.token_keys, purpose, ref)}")

    def nonce(self, ref: str) -> str:
        """For the forms on a page that is drawn now for *ref*."""
        return make_nonce(self.token_keys, ref, now=self.clock())

    def pressed(self, ref: str, fields: Fields) -> bool:
        """Whether a person may have pressed the button that sent *fields*; if not, it is counted, and the page shown again."""
        if was_pressed(self.token_keys, ref, fields, now=self.clock()):
            return True
        self.count("presses by machines")
        return False

    def count(self, what: str) -> None:
        """Count something that a machine did. The log hears of the first, the second, the fourth, and so on."""
        self.counters[what] += 1
        number = self.counters[what]
        if number & (number - 1) == 0:
            log.info("web: %s: %d since the start", what, number)
