"""Settings: read once, checked, frozen, passed down.

Where a value comes from, the first that has it wins: an argument of `Settings.load`, the environment (``OPENSIGNAL_*``),
``[tool.opensignal]`` in pyproject.toml, ``mkdocs.yml`` (name, address and description of the site only), the default here.
Secrets come from the environment or from `keys.py`, never from a file in Git.
"""

from __future__ import annotations

import datetime as dt
import difflib
import email.headerregistry
import email.utils
import ipaddress
import os
import re
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.errors import SettingsError, UsageError
from pipeline.printable import printable

# Nobody adds to pydantic here. To look for who would, it reads what each installed package says of itself: 5 ms of each command.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

URL_LENGTH = 300  # so that a link with a token fits a header line
SECRETS = frozenset({"OPENSIGNAL_TOKEN_KEY", "OPENSIGNAL_SUPPRESSION_KEY"})  # read by keys.py
DKIM_SELECTOR = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # one label of a DNS name (RFC 6376 3.1 allows more)
SECRET_SETTINGS = ("hook_secret", "postmark_secret", "mailgun_key")  # from the environment only
SECRET_LENGTH = 16
ROOT_MARK = "mkdocs.yml"  # the folder that holds it is a newsletter's repository
FROM_MKDOCS = ("site_name", "site_url", "site_description")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most *number* in any span of *per*."""

    number: int
    per: dt.timedelta

    def __str__(self) -> str:
        name = next(name for name, span in SPANS.items() if span == self.per)
        return f"{self.number}/{name}"


SPANS = {
    "second": dt.timedelta(seconds=1),
    "minute": dt.timedelta(minutes=1),
    "hour": dt.timedelta(hours=1),
    "day": dt.timedelta(days=1),
}


def _rate(word: str) -> Rate:
    number, slash, name = word.partition("/")
    if not slash or name not in SPANS or not re.fullmatch(r"[1-9]\d{0,8}", number):
        raise ValueError(
            f"{word!r} is no rate; write 20/second, 600/minute, 5000/hour or 50000/day, with spaces between"
        )
    return Rate(int(number), SPANS[name])


class Settings(BaseModel):
    """Everything that can be set, with its default. Each field's description is its line in the handbook."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path = Field(description="the repository: the folder that holds mkdocs.yml")

    # the publication
    site_name: str = Field(default="Deep Signals", description="the newsletter's name; from mkdocs.yml")
    site_url: str = Field(default="http://127.0.0.1:8000/", description="where the site stands; from mkdocs.yml")
    site_description: str = Field(default="", description="one line about it; from mkdocs.yml")
    publisher: str = Field(default="Open Signal", description="who publishes it")
    language: str = Field(default="en", description="language of the pages and the mail (BCP 47)")

    websub_hub: str = Field(
        default="", description="the WebSub hub that our feeds name, and that is told when they change; empty: none"
    )

    # where things are
    web_url: str = Field(
        default="", description="where the mailing pages stand, if not on the site's own address: the form posts there"
    )
    state_dir: Path = Field(default=Path(".opensignal"), description="folder of the machine's own files; never in Git")
    site_dir: Path = Field(default=Path("site"), description="folder that the site is built into")
    snapshots: str = Field(
        default="",
        description=(
            "where stored copies lie that may not be redistributed: a folder, or s3://BUCKET/PREFIX; "
            "default: snapshots in the state folder"
        ),
    )
    publish_to: str = Field(
        default="",
        description="where `publish` brings the site: a folder, USER@HOST:PATH, rsync://HOST/MODULE/PATH or s3://BUCKET/PREFIX",
    )
    publish_endpoint: str = Field(
        default="",
        description="address of the service of an s3:// target, if it is not Amazon's; default: AWS_ENDPOINT_URL",
    )
    database_url: str = Field(
        default="", description="sqlite:///FILE or postgresql://...; default: SQLite in the state folder"
    )

    # sign-ups
    proof_of_work: int = Field(
        default=5_000,
        ge=0,
        le=1_000_000,
        description="how often a visitor's browser guesses at most before it may sign up; 0: it need not",
    )
    signup_limits: bool = Field(default=True, description="limit sign-ups by client, address, domain and hour")
    signups_per_hour: int = Field(
        default=0, ge=0, description="mails that sign-ups may cause in an hour; 0: 60, or ten times what is usual here"
    )
    trusted_proxies: str = Field(
        default="", description="networks whose X-Forwarded-For is believed, such as 127.0.0.1/32, 10.0.0.0/8"
    )

    # mail
    smtp_url: str = Field(
        default="",
        description=(
            "smtp://USER:PASSWORD@HOST:587 or smtps://HOST:465, several with spaces between; "
            "empty: no mail leaves, letters go to the outbox folder"
        ),
    )
    ehlo_name: str = Field(
        default="", description="what we call ourselves to the mail server; default: this machine's name"
    )
    outbox_dir: Path | None = Field(
        default=None, description="the outbox, a Maildir; default: outbox in the state folder"
    )
    mail_from: str = Field(
        default="Deep Signals <signals@example.org>", description="the sender: a name and an address"
    )
    bounce_address: str = Field(default="", description="envelope sender; default: the sender's address")
    bounce_domain: str = Field(
        default="",
        description="domain whose mail we read: each letter gets an envelope sender of its own there, so that a bounce names it",
    )
    dkim_selectors: str = Field(
        default="",
        description="selectors of the keys that sign letters (DKIM), separated by spaces; empty: the mail server signs",
    )
    reply_to: str = Field(default="", description="where answers go; default: the sender's address")
    postal_address: str = Field(default="", description="postal address at the foot of every letter; law asks for it")
    connections: int = Field(
        default=8, ge=1, le=64, description="connections to the mail server that one `send` opens at most"
    )
    domain_connections: int = Field(
        default=4, ge=1, le=64, description="letters to one receiver's domain that one `send` has under way at most"
    )
    letters_per_connection: int = Field(
        default=100, ge=1, le=100_000, description="letters, after which a connection is closed and another one opened"
    )
    rate_limit: str = Field(
        default="",
        description="letters that may leave in a time, over all processes: `20/second 5000/hour`; empty: no limit",
    )
    on_uncertain: Literal["resend", "hold"] = Field(
        default="resend",
        description="a letter whose answer was lost: `resend` (it may arrive twice) or `hold` until you say so",
    )
    instance: str = Field(
        default="",
        description="name of the database that this machine may send from, where its state folder does not live on",
    )
    lease_seconds: int = Field(
        default=30, ge=5, le=600, description="seconds of silence after which a sending process counts as dead"
    )

    # what comes back
    bounces_url: str = Field(
        default="",
        repr=False,
        description="where bounces are read: imaps://USER:PASSWORD@HOST/FOLDER, or the folder of a Maildir",
    )
    hook_secret: str = Field(default="", repr=False, description="signs calls of /hooks/events")
    ses_topic: str = Field(default="", description="the SNS topic that calls /hooks/ses with news of Amazon SES")
    postmark_secret: str = Field(
        default="", repr=False, description="what Postmark brings when it calls /hooks/postmark"
    )
    mailgun_key: str = Field(
        default="", repr=False, description="Mailgun's webhook signing key, for calls of /hooks/mailgun"
    )
    sendgrid_key: str = Field(
        default="", description="the public key of SendGrid's signed event webhook, for calls of /hooks/sendgrid"
    )

    # schedule
    timezone: str = Field(default="UTC", description="IANA name of the zone in which days begin and issues are due")
    daily_at: dt.time = Field(default=dt.time(6, 30), description="when the daily digest is due")
    weekly_on: Weekday = Field(default="saturday", description="day of the weekly digest")
    weekly_at: dt.time = Field(default=dt.time(8, 0), description="when the weekly digest is due")

    # feeds
    allow_private: bool = Field(default=False, description="fetch feeds from private and loopback addresses too")

    @classmethod
    def load(cls, root: Path | str | None = None, **overrides: Any) -> Settings:
        """The settings of the repository at *root* (default: the current folder).

        Raises `UsageError` where no newsletter's repository is, `SettingsError` for a value that makes no sense.
        """
        place = Path(root) if root is not None else Path.cwd()
        if not (place / ROOT_MARK).is_file():
            raise UsageError(
                f"no {ROOT_MARK} in {place}; run in the newsletter's repository, or name it with --root DIR"
            )
        root = place.resolve()
        if not _is_utf8(root):  # nor could Jinja read a template there
            raise UsageError(
                f"the path {printable(root)} is not UTF-8; rename the folder, or run where LANG is C.UTF-8"
            )
        try:
            _refuse_unknown_variables()
            found = _from_mkdocs(root) | _from_pyproject(root / "pyproject.toml") | _from_environment()
            return cls.model_validate(found | overrides | {"root": root})
        except ValidationError as error:
            raise SettingsError(_readable(error)) from error
        except (OSError, ValueError) as error:  # a broken TOML file, or one that cannot be read
            raise SettingsError(
                f"pyproject.toml: {error}; mend the file or run with --root in another folder"
            ) from error

    # -- checked values

    @field_validator("site_url", "web_url")
    @classmethod
    def _absolute_with_slash(cls, value: str) -> str:
        if not value:
            return value
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// or http://")
        try:
            parts = urlsplit(value)
            host = (parts.hostname or "").encode("idna").decode("ascii")  # as letters and headers want it
            port = f":{parts.port}" if parts.port else ""
        except ValueError as error:  # UnicodeError among them
            raise ValueError(f"{value!r} is not an address; write https://news.example.org/") from error
        if not host or not value.isprintable() or " " in value or len(value) > URL_LENGTH:
            raise ValueError(f"is not an address of at most {URL_LENGTH} characters without spaces")
        path = quote(parts.path, safe="/%~-._") or "/"
        return (
            f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{path if path.endswith('/') else path + '/'}"
        )

    @field_validator("websub_hub")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            known = False
        if value and not (known and re.fullmatch(r"[!-~]+", value) and len(value) <= URL_LENGTH):
            raise ValueError(f"{value!r} is not the address of a hub; write https://hub.example.org/")
        return value

    @field_validator("mail_from", "reply_to", "bounce_address")
    @classmethod
    def _one_mailbox(cls, value: str) -> str:
        if not value:
            return value
        found = email.utils.getaddresses([value])
        try:
            [(name, address)] = found
            email.headerregistry.Address(display_name=name, addr_spec=address)
        except Exception as error:  # the parser's own are many
            raise ValueError(f"{value!r} is not one mail address") from error
        if "@" not in address or any(c in value for c in "\r\n\0"):
            raise ValueError(f"{value!r} is not one mail address")
        if not address.isascii():
            raise ValueError(f"{value!r}: write the address in ASCII, an international domain as xn--...")
        return value

    @field_validator("rate_limit")
    @classmethod
    def _known_rates(cls, value: str) -> str:
        for word in value.split():
            _rate(word)
        return value

    @field_validator("bounce_domain", "ehlo_name")
    @classmethod
    def _domain(cls, value: str) -> str:
        name = value.strip().rstrip(".").lower()
        if name and not re.fullmatch(r"(?=.{1,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", name):
            raise ValueError(f"{value!r} is not a domain; write bounce.example.org, an international one as xn--...")
        return name

    @field_validator("dkim_selectors")
    @classmethod
    def _selectors(cls, value: str) -> str:
        words = value.lower().split()
        for word in words:
            if not re.fullmatch(DKIM_SELECTOR, word):
                raise ValueError(f"{word!r} is not a selector; write letters, digits and hyphens, such as r202611")
        if len(set(words)) < len(words):
            raise ValueError("names a selector twice")
        return " ".join(words)

    @field_validator("hook_secret", "postmark_secret", "mailgun_key")
    @classmethod
    def _long_secret(cls, value: str) -> str:
        if value and len(value) < SECRET_LENGTH:
            raise ValueError(f"is shorter than {SECRET_LENGTH} characters; make one with: openssl rand -hex 32")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, re.split(r"[,\s]+", value)):
            try:
                ipaddress.ip_network(part)
            except ValueError as error:
                raise ValueError(f"{part!r} is not a network; write 127.0.0.1/32 or 2001:db8::/32") from error
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone; use a name such as Europe/Berlin") from error
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite://", "postgresql://", "postgresql+psycopg://", "postgres://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("snapshots")
    @classmethod
    def _known_place(cls, value: str) -> str:
        if "://" in value and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.!'()/-]*)?", value):
            raise ValueError(f"{value!r} is no place for stored copies; write s3://BUCKET/PREFIX, or a folder")
        return value

    @field_validator("publish_to")
    @classmethod
    def _known_target(cls, value: str) -> str:
        must_be_target(value)
        return value

    @field_validator("publish_endpoint")
    @classmethod
    def _service(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// or http://")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _known_transport(cls, value: str) -> str:
        if not all(word.startswith(("smtp://", "smtps://")) for word in value.split()):
            raise ValueError("must begin with smtp:// or smtps://; several stand apart by spaces")
        return value

    @model_validator(mode="before")
    @classmethod
    def _paths_from_root(cls, values: Any) -> Any:
        """Read relative paths from the repository, wherever the command was called."""
        root = Path(values["root"])
        for name in ("state_dir", "site_dir", "outbox_dir"):
            if values.get(name) and isinstance(values[name], (str, Path)):
                values[name] = root / Path(values[name]).expanduser()
        return values

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        defaults: dict[str, Any] = {
            "web_url": self.site_url,
            "state_dir": self.root / self.state_dir,
            "site_dir": self.root / self.site_dir,
        }
        for name, value in defaults.items():
            if not getattr(self, name) or isinstance(value, Path):
                object.__setattr__(self, name, value)
        if self.outbox_dir is None:
            object.__setattr__(self, "outbox_dir", self.state_dir / "outbox")
        if self.kept_dir.resolve().is_relative_to(self.content):
            raise ValueError("snapshots lies in content, which is published; name a folder elsewhere")
        file = self.database_url.removeprefix("sqlite:///")
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.state_dir / 'opensignal.db'}")
        elif file != self.database_url and file and not file.startswith(("/", ":")):
            object.__setattr__(self, "database_url", f"sqlite:///{self.root / file}")
        return self

    # -- derived values

    @property
    def content(self) -> Path:
        return self.root / "content"

    @property
    def kept_dir(self) -> Path:
        """The folder of the stored copies that are not in Git; where they lie in a bucket, of what this machine has of them."""
        if not self.snapshots or self.bucket:
            return self.state_dir / "snapshots"
        return self.root / Path(self.snapshots).expanduser()

    @property
    def published_file(self) -> Path:
        """What this machine published last: where to, and the moment that the site there is of."""
        return self.state_dir / "published.json"

    @property
    def bucket(self) -> str:
        """s3://BUCKET/PREFIX, if the stored copies that are not in Git lie there."""
        return self.snapshots if self.snapshots.startswith("s3://") else ""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def proxies(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return tuple(map(ipaddress.ip_network, filter(None, re.split(r"[,\s]+", self.trusted_proxies))))

    @property
    def sender_address(self) -> str:
        return email.utils.parseaddr(self.mail_from)[1]

    @property
    def is_sample(self) -> bool:
        """True while the sender is the sample's: no mail server but one on this machine is given its letters."""
        return re.search(r"(^|\.)example\.(org|com|net)$", self.sender_address.rpartition("@")[2]) is not None

    @property
    def reply_address(self) -> str:
        """Where answers go."""
        return email.utils.parseaddr(self.reply_to)[1] or self.sender_address

    @property
    def ehlo(self) -> str:
        """What we call ourselves (RFC 5321 4.1.1.1): a name that others can look up, else the sender's domain."""
        machine = socket.gethostname()
        return self.ehlo_name or (machine if "." in machine else self.sender_address.rpartition("@")[2])

    @property
    def rates(self) -> tuple[Rate, ...]:
        return tuple(_rate(word) for word in self.rate_limit.split())

    @property
    def lease(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.lease_seconds)

    @property
    def envelope_sender(self) -> str:
        """Where the post returns what it cannot deliver (RFC 5321 MAIL FROM)."""
        return email.utils.parseaddr(self.bounce_address)[1] or self.sender_address

    @property
    def sender_name(self) -> str:
        return email.utils.parseaddr(self.mail_from)[0] or self.site_name


def must_be_target(place: str) -> None:
    """Raise `ValueError` where *place*, of `publish_to`, can be no target or holds a secret."""
    if re.match(r"([\w.+-]+://)?[^/@]*:[^/@]*@", place):
        raise ValueError("holds a password; leave it to the environment (RSYNC_PASSWORD, AWS_SECRET_ACCESS_KEY)")
    is_address = re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|rsync://[^/]+/.+", place)
    # rsync would look for a machine named s3, and a folder would be made that is named as a machine is.
    is_mistyped = re.match(r"(s3|rsync|file|ftp|https?)(:(?!//)|//)|[^/:]+@[^/:]+(/|$)", place, re.IGNORECASE)
    if is_mistyped or ("://" in place and not is_address) or not place.isprintable() or place.startswith("-"):
        raise ValueError(
            f"{place!r} is no target; write a folder, USER@HOST:PATH, rsync://HOST/MODULE/PATH or s3://BUCKET/PREFIX "
            "(a bucket's name has 3 to 63 small letters, digits, dots and hyphens)"
        )


def _refuse_unknown_variables() -> None:
    """A misspelt OPENSIGNAL_SMTP_URL must not leave the letters in the outbox without a word."""
    known = {f"OPENSIGNAL_{name.upper()}" for name in Settings.model_fields} | SECRETS
    for name in sorted(os.environ):
        if name.startswith("OPENSIGNAL_") and name not in known:
            # Compared without what all names begin with: that alone makes every name look like every other one.
            words = sorted(known_name.removeprefix("OPENSIGNAL_") for known_name in known - {"OPENSIGNAL_ROOT"})
            near = difflib.get_close_matches(name.removeprefix("OPENSIGNAL_"), words, n=1)
            hint = f"did you mean OPENSIGNAL_{near[0]}?" if near else "the handbook's page for operators lists them all"
            raise SettingsError(f"the environment has {name}, which is no setting; {hint}")


def _from_environment() -> dict[str, str]:
    """The settings that the environment holds, whatever the case of their names; an empty variable sets nothing."""
    values = {name.upper(): value for name, value in os.environ.items()}
    variables = {name: f"OPENSIGNAL_{name.upper()}" for name in Settings.model_fields}
    return {name: values[variable] for name, variable in variables.items() if values.get(variable)}


def _from_pyproject(file: Path) -> dict[str, Any]:
    """``[tool.opensignal]`` of *file*, which is in Git and must not hold what is secret. Raises ValueError for broken TOML."""
    found: Any = tomllib.loads(file.read_bytes().decode()) if file.is_file() else {}
    for name in ("tool", "opensignal"):
        found = found.get(name, {})
        if not isinstance(found, dict):
            raise ValueError(f"{name!r} is no table")  # noqa: TRY004 -- as a broken file
    secrets = [name for name in SECRET_SETTINGS if name in found]
    if "://" in str(found.get("bounces_url", "")):  # a Maildir is no secret, a user with a password is
        secrets.append("bounces_url")
    secrets += [n for n in ("smtp_url", "database_url") if re.search(r"://[^/\s]*:[^/\s]*@", str(found.get(n, "")))]
    if secrets:
        name = secrets[0]
        what = f"{name} {'is' if name in SECRET_SETTINGS else 'holds'} a secret"
        raise ValueError(f"{what}; set OPENSIGNAL_{name.upper()} in the environment instead")
    return dict(found)


class _PlainLoader(yaml.SafeLoader):
    """Reads mkdocs.yml without knowing its own tags (!ENV, !relative, !!python/name), which we have no use for here."""


_PlainLoader.add_multi_constructor("", lambda loader, suffix, node: None)


def _from_mkdocs(root: Path) -> dict[str, str]:
    try:
        document = yaml.load((root / ROOT_MARK).read_text("utf-8"), Loader=_PlainLoader)  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise SettingsError(
            f"{ROOT_MARK}{where}: not YAML: {getattr(error, 'problem', error)}; mend the line"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ROOT_MARK}: cannot be read: {error}") from error
    return {n: document[n] for n in FROM_MKDOCS if isinstance(document, dict) and isinstance(document.get(n), str)}


def _is_utf8(path: Path) -> bool:
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False


def _readable(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"]) or "settings"
        if item["type"] == "extra_forbidden":
            parts.append(f"setting {name!r} is not known; the handbook's page for operators lists them all")
        else:
            message = item["msg"].removeprefix("Value error, ")
            parts.append(f"setting {name!r}: {message}; set it {_where(name)}")
    return "; ".join(parts)


def _where(name: str) -> str:
    variable = f"OPENSIGNAL_{name.upper()}"
    if name in SECRET_SETTINGS:
        return f"in the environment as {variable}"
    return f"in {ROOT_MARK if name in FROM_MKDOCS else 'pyproject.toml'} or as {variable}"
