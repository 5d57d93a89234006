"""Secret keys: made once, kept closed, refused when they are no secrets."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
import secrets
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import SettingsError, UsageError
from pipeline.keys import Key, KeyRing, Mac, key_file, load_keys, rotate, write_secret
from tests.repository import Repository

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = load_keys(tmp_path, "token").newest

    path = tmp_path / "keys" / "token.key"
    assert load_keys(tmp_path, "token").newest == first
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["token.key"]


@pytest.mark.parametrize("gone", ["the file", "the folder"])
def test_a_key_that_is_gone_is_not_made_anew_without_a_word(tmp_path: Path, gone: str) -> None:
    """M-18, P-05: old links would die of it, and who was erased could be brought back."""
    before = load_keys(tmp_path, "suppression")
    file = key_file(tmp_path, "suppression")
    kept = file.read_bytes()
    file.unlink()
    if gone == "the folder":
        file.parent.rmdir()

    with pytest.raises(SettingsError, match=f"is gone.*backup.*{before.keys[0].id}.*erased"):
        load_keys(tmp_path, "suppression")

    load_keys(tmp_path, "token")  # another one, made for the first time
    write_secret(file, kept)
    assert load_keys(tmp_path, "suppression").newest == before.newest


def test_who_has_no_backup_can_begin_anew(tmp_path: Path) -> None:
    before = load_keys(tmp_path, "token").newest
    key_file(tmp_path, "token").unlink()
    (tmp_path / "keys.made").write_text("")

    assert load_keys(tmp_path, "token").newest != before


def test_keys_differ(tmp_path: Path) -> None:
    assert load_keys(tmp_path, "token").newest != load_keys(tmp_path, "suppression").newest


def test_processes_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_keys(tmp_path, "token").newest)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    assert len(set(found)) == 1


def test_the_environment_may_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSIGNAL_TOKEN_KEY", base64.b64encode(bytes(range(32))).decode())

    assert load_keys(tmp_path, "token").newest == bytes(range(32))
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("secret", "not base64"), ("c2hvcnQ=", "too short"), (base64.b64encode(b"a" * 32).decode(), "not random")],
)
def test_what_is_no_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    monkeypatch.setenv("OPENSIGNAL_TOKEN_KEY", text)

    with pytest.raises(SettingsError, match=words):
        load_keys(tmp_path, "token")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    """T-46."""
    load_keys(tmp_path, "token")
    (tmp_path / "keys" / "token.key").chmod(mode)

    with pytest.raises(SettingsError, match="chmod 600"):
        load_keys(tmp_path, "token")


# --- a ring -------------------------------------------------------------------------------------------------------------------


def test_a_new_key_signs_and_the_old_ones_still_verify(tmp_path: Path) -> None:
    """M-18, T-50: an old token key is kept for more than 400 days."""
    first = load_keys(tmp_path, "token").newest

    done = rotate(tmp_path, "token", now=NOW)

    ring = load_keys(tmp_path, "token")
    assert ring.secrets == (done.made.secret, first)
    assert load_keys(tmp_path, "token").newest == ring.newest != first
    assert [key.made_at for key in ring.keys] == [NOW, None]
    kept_until = ring.keys[1].kept_until
    assert kept_until is not None
    assert kept_until - NOW >= dt.timedelta(days=400)
    assert stat.S_IMODE((tmp_path / "keys" / "token.key").stat().st_mode) == 0o600
    assert [p.name for p in (tmp_path / "keys").iterdir()] == ["token.key"]


def test_a_change_drops_what_is_too_old_and_nothing_else(tmp_path: Path) -> None:
    load_keys(tmp_path, "token")
    made = [rotate(tmp_path, "token", now=NOW + dt.timedelta(days=days)) for days in (0, 300, 421)]

    assert [key.id for key in made[2].dropped] == [made[0].kept[0].id]
    assert load_keys(tmp_path, "token").secrets == tuple(done.made.secret for done in reversed(made))


def test_a_suppression_key_is_kept_for_ever(tmp_path: Path) -> None:
    """P-06: an erased address can be hashed anew only when it is seen again."""
    first = load_keys(tmp_path, "suppression").newest
    for year in range(10):
        rotate(tmp_path, "suppression", now=NOW + year * dt.timedelta(days=366))

    ring = load_keys(tmp_path, "suppression")
    assert len(ring.keys) == 11
    assert ring.secrets[-1] == first
    assert {key.kept_until for key in ring.keys} == {None}


def test_what_was_begun_under_a_key_is_finished_under_it(tmp_path: Path) -> None:
    """M-08: a letter that is tried again after a change of keys has the bytes it had."""
    first = load_keys(tmp_path, "token").newest
    second = rotate(tmp_path, "token", now=NOW).made.secret
    ring = load_keys(tmp_path, "token")

    assert ring.as_of(NOW - dt.timedelta(seconds=1)) == first
    assert ring.as_of(NOW) == second
    assert KeyRing((Key(second, made_at=NOW),)).as_of(NOW - dt.timedelta(days=1)) == second, "the first was dropped"


def test_a_running_process_sees_the_new_key(tmp_path: Path) -> None:
    before = load_keys(tmp_path, "token")
    code = (
        "import datetime as dt, pathlib, sys; from pipeline.keys import rotate; "
        "rotate(pathlib.Path(sys.argv[1]), 'token', now=dt.datetime.now(dt.UTC))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=Path(__file__).parent.parent)

    assert load_keys(tmp_path, "token").secrets[1:] == before.secrets


def test_changes_at_once_lose_no_key(tmp_path: Path) -> None:
    first = load_keys(tmp_path, "token").newest
    threads = [threading.Thread(target=rotate, args=(tmp_path, "token"), kwargs={"now": NOW}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = load_keys(tmp_path, "token").secrets
    assert len(set(found)) == 9
    assert found[-1] == first


def test_the_environment_may_hold_several_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = secrets.token_bytes(32), secrets.token_bytes(32)
    monkeypatch.setenv("OPENSIGNAL_TOKEN_KEY", f"{base64.b64encode(new).decode()}  {base64.b64encode(old).decode()}\n")

    assert load_keys(tmp_path, "token").secrets == (new, old)
    with pytest.raises(UsageError, match="put a new key before the old ones"):
        rotate(tmp_path, "token", now=NOW)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no key in it"),
        (b"secret\n", "token.key:1: not base64"),
        (base64.b64encode(bytes(range(32))) + b" made=yesterday\n", "token.key:1: not a line of ours"),
        (base64.b64encode(bytes(range(32))) + b"\nc2hvcnQ=\n", "token.key:2: too short"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_spoilt_file_is_named_and_not_replaced(tmp_path: Path, content: bytes, words: str) -> None:
    load_keys(tmp_path, "token")
    path = tmp_path / "keys" / "token.key"
    path.write_bytes(content)

    for attempt in (lambda: load_keys(tmp_path, "token"), lambda: rotate(tmp_path, "token", now=NOW)):
        with pytest.raises(SettingsError, match=words):
            attempt()
    assert path.read_bytes() == content


def test_neither_a_key_nor_its_ring_prints_the_secret(tmp_path: Path) -> None:
    ring = load_keys(tmp_path, "token")

    assert repr(ring.newest)[2:-1] not in repr(ring)
    assert ring.newest.hex() not in ring.keys[0].id
    assert len(ring.keys[0].id) == 8


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
def test_our_mac_is_hmac_sha_256(key: bytes, beginning: bytes, rest: bytes) -> None:
    """RFC 2104, against the standard library."""
    assert Mac(key, beginning).digest(rest) == hmac.digest(key, beginning + rest, "sha256")


# --- the command --------------------------------------------------------------------------------------------------------------


def test_keys_are_listed_and_changed_by_command(tmp_path: Path) -> None:
    repository = Repository.make(tmp_path / "repository")

    def run(*words: str) -> str:
        return CliRunner().invoke(app, [*words, "--root", str(repository.root)], catch_exceptions=False).stdout

    listed = json.loads(run("keys", "list", "--json"))

    changed = json.loads(run("keys", "rotate", "token", "--json"))
    words = run("keys", "rotate", "suppression")
    after = run("keys", "list")
    wrong = repository.run("keys", "rotate", "tokens")

    assert [(key["name"], key["signs"]) for key in listed] == [("token", True), ("suppression", True)]
    assert changed["made"]["signs"]
    assert [key["id"] for key in changed["kept"]] == [listed[0]["id"]]
    assert "signs from now on" in words
    assert f"{listed[1]['id']} still verifies, for ever" in words
    assert "copy it to every other machine" in words
    assert len(after.splitlines()) == 4
    assert (wrong.code, "use token or suppression" in wrong.err) == (2, True)
    state = repository.root / ".opensignal" / "keys"
    everything = listed, changed, words, after
    for line in (state / "token.key").read_text().splitlines() + (state / "suppression.key").read_text().splitlines():
        assert line.split()[0] not in str(everything)
        assert base64.b64decode(line.split()[0]).hex() not in str(everything)
    assert {path.name for path in state.iterdir()} == {"token.key", "suppression.key"}
