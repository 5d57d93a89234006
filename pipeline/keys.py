"""The instance's secret keys: 32 random bytes each, from the environment or from files that only the owner can read.

A key is made on first use in ``.opensignal/keys/NAME.key`` (mode 0600) and never changes by itself: mailed links and the
suppression list depend on it. Back the folder up apart from the database.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path
from typing import Literal

from pipeline.errors import SettingsError

KeyName = Literal["token", "suppression"]
KEY_BYTES = 32


def load_key(state_dir: Path, name: KeyName) -> bytes:
    """The key *name*, made if there is none yet.

    Raises `SettingsError` for a key that others can read, that is too short, or that cannot be made.
    """
    variable = f"OPENSIGNAL_{name.upper()}_KEY"
    if text := os.environ.get(variable):
        return _decoded(text, where=variable)
    path = state_dir / "keys" / f"{name}.key"
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"{path}: others can read this key; run: chmod 600 {path}")
        return _decoded(path.read_text("ascii"), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the key cannot be read or made: {error}") from error


def _make(path: Path) -> None:
    """Write a new key; of two processes that start at once, both use the first one's."""
    for folder in (path.parent.parent, path.parent):  # both closed: `parents=True` would leave the upper one open
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # fails where the key exists; never half-written
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _decoded(text: str, *, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise SettingsError(f"{where}: not base64; make a key with: head -c 32 /dev/urandom | base64") from error
    if len(key) < KEY_BYTES or len(set(key)) < 8:
        raise SettingsError(
            f"{where}: too short or not random ({KEY_BYTES} bytes wanted); make a key with: head -c 32 /dev/urandom | base64"
        )
    return key
