"""The headers that tell mail programs and other machines what a message is: a newsletter's letter, or a notice about it.

RFC 2369, 2919 and 8058 for the list, RFC 3834 for machines that would answer, RFC 5064 for where the letter stands on the web.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from pipeline.config import Settings
from pipeline.mail.message import Words, clean_text, phrase
from pipeline.mail.stamp import BLANKS
from pipeline.model import Cadence

Headers = dict[str, str | Words]

MAILTO_SAFE = "@!$*+'"  # RFC 6068 2
SENDER_ID = (5, 15)  # characters of the last field of Feedback-ID, which names the sender for ever


@dataclass(frozen=True, slots=True)
class Links:
    """Where a subscriber's own links lead."""

    unsubscribe: str
    preferences: str
    how: str
    cadence: Cadence = Cadence.DAILY  # what they have

    @property
    def switch(self) -> str:
        """Another cadence, in words."""
        return "Switch to daily" if self.cadence is Cadence.WEEKLY else "Switch to weekly"

    @property
    def often(self) -> str:
        return f"{self.preferences}#often"

    @property
    def pause(self) -> str:
        return f"{self.preferences}#pause"


def list_headers(
    settings: Settings, links: Links, *, about: str, kind: str, by_rule: bool, archived_at: str = ""
) -> Headers:
    """For a letter to a subscriber: *about* is its issue's key, *kind* what sort of letter it is.

    *by_rule*: a machine gathered it (M-37). *archived_at* is where it stands on the web, where it is one article.
    """
    return {
        **_always(settings, about=about, kind=kind),
        "List-Id": [*phrase("List-Id", clean_text(settings.site_name)), f"<{_slug(settings)}.{_host(settings)}>"],
        "List-Unsubscribe": _ways_out(settings, links),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": f"<{settings.site_url}subscribe/>",
        "List-Owner": f"<mailto:{quote(settings.reply_address, safe=MAILTO_SAFE)}>",
        "List-Post": "NO",
        "List-Archive": f"<{settings.site_url}archive/>",
        **({"Archived-At": f"<{archived_at}>"} if archived_at else {}),
        **({"Auto-Submitted": "auto-generated"} if by_rule else {}),
    }


def question_headers(settings: Settings, *, kind: str) -> Headers:
    """For a message to somebody who is no subscriber of a list yet, or asked for it themselves: nothing to unsubscribe from."""
    return {**_always(settings, about="notice", kind=kind), "Auto-Submitted": "auto-generated"}


def _always(settings: Settings, *, about: str, kind: str) -> Headers:
    return {
        "Reply-To": settings.reply_address,
        "Feedback-ID": f"{about}:{_slug(settings)}:{kind}:{_sender_id(settings)}",
        "Precedence": "bulk",
        # Never "All", nor "NDR": bounces would be eaten with the answers (M-37).
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }


def _ways_out(settings: Settings, links: Links) -> str:
    """One https address, which comes first, and where bounces are read a mail address: never encoded, on one line (M-12)."""
    if not settings.bounce_domain:
        return f"<{links.unsubscribe}>"
    return f"<{links.unsubscribe}>, <mailto:{BLANKS['leave']}@{settings.bounce_domain}?subject=unsubscribe>"


def _host(settings: Settings) -> str:
    host = urlsplit(settings.site_url).hostname or ""
    return host if host and ":" not in host else "localhost"


def _slug(settings: Settings) -> str:
    return re.sub(r"[^a-z0-9]+", "-", settings.site_name.lower()).strip("-")[:60].strip("-") or "newsletter"


def _sender_id(settings: Settings) -> str:
    least, most = SENDER_ID
    domain = settings.sender_address.rpartition("@")[2].lower()
    return re.sub(r"[^a-z0-9]", "", domain)[:most].ljust(least, "0")
