"""Lists of subscribers: a CSV with an address a row, and words of the service's own for how each stands with the newsletter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pipeline.moving.archive import Archive, Member, TooMuch
from pipeline.moving.export import Export, Reader, Standing, moment, note, truth

Fields: TypeAlias = Mapping[str, str]
ADDRESSES: Final = ("email", "email_address", "email address", "e-mail", "subscriber email", "subscriber_email")
SINCE: Final = (
    "created_at",
    "creation_date",
    "subscription date",
    "subscribed_at",
    "subscription_date",
    "date subscribed",
    "start date",
    "since",
    "date",
    "created",
)
# Words of any of them.
STANDINGS: Final[Mapping[str, Standing]] = {
    **dict.fromkeys(
        ("", "active", "subscribed", "regular", "premium", "free", "paid", "gifted", "comp"), Standing.ACTIVE
    ),
    **dict.fromkeys(("pending", "unactivated", "validating", "not confirmed", "unconfirmed"), Standing.PENDING),
    **dict.fromkeys(("inactive", "unsubscribed", "removed", "not subscribed", "blocked", "deleted"), Standing.LEFT),
    **dict.fromkeys(("invalid", "bounced", "undeliverable", "not sending", "cleaned"), Standing.BOUNCED),
    **dict.fromkeys(("complained", "spam", "complaint"), Standing.COMPLAINED),
}


def address_column(columns: tuple[str, ...]) -> str | None:
    """The name of the column with the addresses."""
    return next((name for name in ADDRESSES if name in columns), None)


def take_readers(
    export: Export,
    archive: Archive,
    member: Member,
    standing: Callable[[Fields], Standing],
    since: tuple[str, ...] = SINCE,
) -> None:
    """Add the people of a CSV to *export*; what is wrong with a row is told by its line, never by its address."""
    column = address_column(archive.columns(member))
    if column is None:
        return
    try:
        for line, fields in archive.rows(member):
            address = fields.get(column, "").strip()
            when = next((fields[name] for name in since if fields.get(name, "").strip()), "")
            at = moment(when)
            if when and at is None:
                export.notes.append(
                    note(
                        f"{member.name}:{line}",
                        "",
                        "the date of this subscriber cannot be read",
                        "the import's stands in its place",
                    )
                )
            export.readers.append(Reader(line, address, _doubted(standing(fields), fields), at))
    except TooMuch as error:
        export.notes.append(note(member.name, "", str(error), "export it again", lost=True))


def take_lists_named(export: Export, archive: Archive) -> None:
    """Add the people of the CSVs that somebody named by themselves: what else lies in a repository is no list of readers."""
    for member in archive.members:
        if member.alone and member.suffix == ".csv":
            take_readers(export, archive, member, _by_any_word)


def _by_any_word(fields: Fields) -> Standing:
    told = next((word for name in _WORDS if (word := fields.get(name, "").strip().lower())), "")
    return STANDINGS.get(told, Standing.OTHER)


_WORDS: Final = ("status", "state", "subscription status", "email subscription")
_ENDS: Final = ("unsubscribed_at", "unsubscription_date", "deleted_at", "unsubscribed")


def _doubted(standing: Standing, fields: Fields) -> Standing:
    """*standing*, where no other column of the row says that nothing is sent there."""
    if standing is not Standing.ACTIVE:
        return standing
    told = next((word for name in _WORDS if (word := fields.get(name, "").strip().lower())), "")
    if told and (said := STANDINGS.get(told, Standing.OTHER)) is not Standing.ACTIVE:
        return said
    ends = [value for name in _ENDS if (value := fields.get(name, "").strip())]
    return Standing.LEFT if any(truth(value) or moment(value) for value in ends) else Standing.ACTIVE


def by_word(column: str) -> Callable[[Fields], Standing]:
    """How somebody stands, by the word in a column."""
    return lambda fields: STANDINGS.get(fields.get(column, "").strip().lower(), Standing.OTHER)
