"""The instance's secret keys: 32 random bytes each, from the environment or from files that only the owner can read.

A key is made on first use in ``.opensignal/keys/NAME.key`` (mode 0600). It never changes by itself: mailed links and the
suppression list depend on it. `rotate` puts a new key before the old ones, which go on verifying what they signed: a ring. A file
has a line a key, newest first: the key in base64, when it was made, and until when it is kept once another has followed it. The
first key of a file has no time: it has been there from the start. Back the folder up apart from the database.

Which keys were made is noted beside their folder, in ``.opensignal/keys.made``: one that is gone is not made anew without a word,
for old links would die of it, and who was erased could be written to again.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import fcntl
import functools
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pipeline.errors import SettingsError, UsageError

KeyName = Literal["token", "suppression"]
KEY_NAMES: tuple[KeyName, ...] = ("token", "suppression")
KEY_BYTES = 32
MAKE_ONE = "make a key with: head -c 32 /dev/urandom | base64"

# How long an old key is kept once another follows it. CASL 11(2) wants a way out for 60 days after the last letter, CAN-SPAM for
# 30; people leave by last year's letters. What was hashed for the suppression list can be hashed anew only on sight: for ever.
KEPT: dict[KeyName, dt.timedelta | None] = {"token": dt.timedelta(days=420), "suppression": None}


@dataclass(frozen=True, slots=True)
class Key:
    """One secret; its id says which one it is, and nothing of it."""

    secret: bytes = field(repr=False)
    made_at: dt.datetime | None = None  # None: from the start, or the environment's
    kept_until: dt.datetime | None = None  # None: it is the newest, or is kept for ever

    @property
    def id(self) -> str:
        return key_id(self.secret)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The live keys of one name, newest first: the newest signs, each of them verifies."""

    keys: tuple[Key, ...]

    @property
    def newest(self) -> bytes:
        return self.keys[0].secret

    @property
    def secrets(self) -> tuple[bytes, ...]:
        return tuple(key.secret for key in self.keys)

    def as_of(self, moment: dt.datetime) -> bytes:
        """The key that was the newest at *moment*: what was begun under it is finished under it, byte by byte (M-08)."""
        older = (key for key in self.keys if key.made_at is None or key.made_at <= moment)
        return next(older, self.keys[-1]).secret


Keys = bytes | KeyRing  # one key, or all that are live


def newest(keys: Keys) -> bytes:
    """The key that signs."""
    return keys if isinstance(keys, bytes) else keys.newest


def live(keys: Keys) -> tuple[bytes, ...]:
    """The keys that verify."""
    return (keys,) if isinstance(keys, bytes) else keys.secrets


@functools.lru_cache(maxsize=64)
def key_id(secret: bytes) -> str:
    """Eight digits that name a key: 32 bits of a hash of 256 random ones tell nobody anything about them."""
    return hashlib.sha256(b"open signal key\0" + secret).hexdigest()[:8]


class Mac:
    """HMAC-SHA-256 of many messages that begin alike, under one key.

    The hash's state behind the key and the beginning is kept (RFC 2104 4): half the time of `hmac.digest`, four times a letter.
    """

    def __init__(self, key: bytes, beginning: bytes) -> None:
        padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + beginning)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(self, rest: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(rest)
        outer.update(inner.digest())
        return outer.digest()


_BLOCK = 64  # octets that SHA-256 takes at a time


@functools.lru_cache(maxsize=256)
def mac(key: bytes, beginning: bytes) -> Mac:
    """The `Mac` for *key* and *beginning*."""
    return Mac(key, beginning)


# --- reading ----------------------------------------------------------------------------------------------------------


def load_keys(state_dir: Path, name: KeyName) -> KeyRing:
    """The keys *name*, one made if there never was one. Ask again before each use: another process may have added one.

    Raises `SettingsError` for a key that others can read, that is too short, that is gone, or that cannot be made.
    """
    if text := os.environ.get(variable(name)):
        return _from_environment(variable(name), text)
    path = key_file(state_dir, name)
    try:
        if not path.exists():
            _must_be_new(path)
            _make(path)
        found = path.stat()
        return _from_file(path, found.st_ino, found.st_mtime_ns, found.st_size, stat.S_IMODE(found.st_mode))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the key cannot be read or made: {error}") from error


def key_file(state_dir: Path, name: KeyName) -> Path:
    return state_dir / "keys" / f"{name}.key"


def variable(name: KeyName) -> str:
    """What the environment calls it; there, several keys stand apart by spaces, newest first."""
    return f"OPENSIGNAL_{name.upper()}_KEY"


def must_be_closed(path: Path, mode: int) -> None:
    """Raises `SettingsError` where anybody but its owner can read or change the file."""
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path}: others can read this key; run: chmod 600 {path}")


@functools.lru_cache(maxsize=8)
def _from_environment(where: str, text: str) -> KeyRing:
    return _ring((Key(_decoded(word, where=where)) for word in text.split()), where=where)


@functools.lru_cache(maxsize=8)
def _from_file(path: Path, inode: int, changed: int, size: int, mode: int) -> KeyRing:
    """The ring in *path*; read once for each state of the file, which its other numbers tell."""
    must_be_closed(path, mode)
    lines = path.read_text("ascii").splitlines()
    return _ring(
        (_from_line(line, where=f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()),
        where=str(path),
    )


def _ring(keys: Iterator[Key], *, where: str) -> KeyRing:
    ring = KeyRing(tuple(keys))
    if not ring.keys:
        raise SettingsError(f"{where}: no key in it; put the backup's file back, or {MAKE_ONE}")
    return ring


def _from_line(line: str, *, where: str) -> Key:
    secret, *times = line.split()
    try:
        named = {name: _time(value) for name, _, value in (word.partition("=") for word in times)}
        return Key(_decoded(secret, where=where), made_at=named.pop("made", None), kept_until=named.pop("until", None))
    except ValueError as error:
        raise SettingsError(f"{where}: not a line of ours: {error}; put the backup's file back") from error


def _time(text: str) -> dt.datetime:
    time = dt.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def _decoded(text: str, *, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SettingsError(f"{where}: not base64; {MAKE_ONE}") from error
    if len(key) < KEY_BYTES or len(set(key)) < 8:
        raise SettingsError(f"{where}: too short or not random ({KEY_BYTES} bytes wanted); {MAKE_ONE}")
    return key


# --- making -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a change of keys did: *made* signs from now on, *kept* go on verifying, *dropped* are gone."""

    name: KeyName
    made: Key
    kept: tuple[Key, ...]
    dropped: tuple[Key, ...]


def rotate(state_dir: Path, name: KeyName, *, now: dt.datetime) -> Rotation:
    """Put a new key before the old ones, and drop those whose time is over.

    Raises `UsageError` where the environment holds the keys, which nobody but its owner can change.
    """
    if os.environ.get(variable(name)):
        raise UsageError(
            f"{variable(name)} is set: put a new key before the old ones there, with a space between; "
            "head -c 32 /dev/urandom | base64 makes one"
        )
    load_keys(state_dir, name)  # makes the first one, and refuses a file that is no secret
    path = key_file(state_dir, name)
    try:
        with _locked(path.parent):
            before = load_keys(state_dir, name).keys
            term = KEPT[name]
            until = now + term if term else None
            retired = (replace(before[0], kept_until=until), *before[1:])
            dropped = tuple(key for key in retired if key.kept_until and key.kept_until <= now)
            kept = tuple(key for key in retired if key not in dropped)
            made = Key(secrets.token_bytes(KEY_BYTES), made_at=now.replace(microsecond=0))
            write_secret(path, "".join(_as_line(key) for key in (made, *kept)).encode("ascii"), replacing=True)
    except OSError as error:
        raise SettingsError(f"{path}: the new key cannot be written: {error}; the old one still signs") from error
    return Rotation(name, made, kept, dropped)


def write_secret(path: Path, content: bytes, *, replacing: bool = False) -> bool:
    """Write a file that only we can read, whole or not at all. Not *replacing*, it returns False where there is one already."""
    for folder in (path.parent.parent, path.parent):  # both closed: `parents=True` would leave the upper one open
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replacing:
            fresh.replace(path)
        else:
            os.link(fresh, path)  # fails where there is one; never half-written
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    return True


def _make(path: Path) -> None:
    """Write the first key; of two processes that start at once, both use the first one's."""
    secret = secrets.token_bytes(KEY_BYTES)
    if write_secret(path, base64.b64encode(secret) + b"\n"):
        with _notes(path).open("a", encoding="ascii") as notes:
            notes.write(f"{path.stem} {key_id(secret)}\n")


def _notes(path: Path) -> Path:
    return path.parent.with_name("keys.made")


def _must_be_new(path: Path) -> None:
    """Raises `SettingsError` where the key was made before."""
    try:
        made = dict(line.split() for line in _notes(path).read_text("ascii").splitlines())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise SettingsError(f"{_notes(path)}: cannot be read ({error}); put the backup's file back") from error
    if path.stem in made and not path.exists():  # another process may have made it just now
        raise SettingsError(
            f"{path} is gone, and mail may rest on it: put the backup's file back (its first key has the id {made[path.stem]}). "
            f"Where there is none, delete the line of {path.stem} in {_notes(path)}; "
            + {
                "token": "the links of all letters sent so far are dead then",
                "suppression": "an import could bring back people who were erased then",
            }.get(path.stem, "")
        )


def _as_line(key: Key) -> str:
    times = {"made": key.made_at, "until": key.kept_until}
    words = [f"{name}={time.astimezone(dt.UTC).isoformat(timespec='seconds')}" for name, time in times.items() if time]
    return " ".join([base64.b64encode(key.secret).decode(), *words]) + "\n"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two who rotate at once do it one after the other, and no key is lost."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
