"""Secret keys: made once, kept closed, refused when they are no secrets."""

from __future__ import annotations

import base64
import stat
import threading
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.keys import load_key


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = load_key(tmp_path, "token")

    path = tmp_path / "keys" / "token.key"
    assert load_key(tmp_path, "token") == first
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["token.key"]


def test_keys_differ(tmp_path: Path) -> None:
    assert load_key(tmp_path, "token") != load_key(tmp_path, "suppression")


def test_processes_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_key(tmp_path, "token"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    assert len(set(found)) == 1


def test_the_environment_may_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSIGNAL_TOKEN_KEY", base64.b64encode(bytes(range(32))).decode())

    assert load_key(tmp_path, "token") == bytes(range(32))
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("secret", "not base64"), ("c2hvcnQ=", "too short"), (base64.b64encode(b"a" * 32).decode(), "not random")],
)
def test_what_is_no_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    monkeypatch.setenv("OPENSIGNAL_TOKEN_KEY", text)

    with pytest.raises(SettingsError, match=words):
        load_key(tmp_path, "token")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_key(tmp_path, "token")
    (tmp_path / "keys" / "token.key").chmod(0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        load_key(tmp_path, "token")
