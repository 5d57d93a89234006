"""What can go wrong, sorted by who can mend it.

    OpenSignalError
    ├── UsageError         the caller: the command's words are off                        exit 2
    ├── SettingsError      the operator: a setting is missing or makes no sense           exit 2
    ├── ContentError       the editor: files under content/ with problems                 exit 1
    ├── AddressError       the visitor: an address that no mail can reach
    ├── TokenError         the visitor: a link that is forged, truncated or too old
    ├── FetchError         the other site: one feed or page could not be had
    ├── BuildError         the editor or the theme: the site could not be built           exit 1
    ├── PublishError       the operator: the site could not be brought to its readers     exit 1
    ├── StoreError         the operator: the database cannot be reached or written        exit 1
    │   └── StoreBusy      nobody: it is locked now and will be free again                exit 1, web 503
    ├── TransportError     the operator: the mail server cannot be reached or used        exit 1
    ├── SendingElsewhere   nobody: another process is sending this issue                  exit 1
    ├── IssueStopped       the editor: a person paused or cancelled it                    exit 1
    └── NotOurDatabase     the operator: it was sent from elsewhere, or is a copy         exit 1

Stages refine them beside the code that raises them: `lifecycle.ChoiceError`, `fetch.NotHad`, `walk.StepFailed`, and so on.

A message says what, which and what next, in lower case: "no source "noaa"; add content/sources/noaa.yml". A foreign exception is
wrapped at its door with ``raise ... from error``. What is wrong with *one* feed, file or address in a batch is a result
(`model.Problem`, `model.Reply`), not an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import Problem


class OpenSignalError(Exception):
    """Anything that we expect to go wrong; the command line prints its message without a traceback."""

    exit_code = 1


class UsageError(OpenSignalError):
    """The command was called with words that make no sense together."""

    exit_code = 2


class SettingsError(OpenSignalError):
    """A setting is missing, unreadable or contradicts another."""

    exit_code = 2


class ContentError(OpenSignalError):
    """Content cannot be published as it is; *problems* holds each place."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class AddressError(OpenSignalError):
    """Not an address that a letter can be sent to."""


class TokenError(OpenSignalError):
    """A link's token is forged, truncated, of another purpose, or too old."""


class FetchError(OpenSignalError):
    """One feed or page could not be had."""


class BuildError(OpenSignalError):
    """The site could not be built."""


class PublishError(OpenSignalError):
    """The site could not be brought to where readers find it, or not all of it."""


class StoreError(OpenSignalError):
    """The database cannot be reached, read or written."""


class StoreBusy(StoreError):
    """The database is locked by another process; the same call may succeed later."""


class TransportError(OpenSignalError):
    """The mail server cannot be reached, refuses us as a whole, or breaks the protocol."""


class SendingElsewhere(OpenSignalError):
    """Another live process is sending the same issue."""


class IssueStopped(OpenSignalError):
    """A person paused or cancelled the issue; nothing of it is sent before one says so."""


class NotOurDatabase(OpenSignalError):
    """Mail has been sent from this database, but not by this machine: it may be a copy of one in use."""
