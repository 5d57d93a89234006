"""What every page needs at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.config import Settings
from pipeline.keys import KeyRing, load_keys
from pipeline.mail import tokens
from pipeline.mail.deliver import Clock
from pipeline.mail.tokens import Purpose
from pipeline.model import Topic
from pipeline.store import Store
from pipeline.web.pages import Pages


@dataclass(frozen=True, slots=True)
class Office:
    store: Store
    settings: Settings
    clock: Clock
    pages: Pages
    topics: Mapping[str, Topic]

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
