"""Settings come from four places, are checked once, and say what is wrong with them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config import Settings
from pipeline.errors import SettingsError, UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: Tide Tables\nsite_url: https://tides.example.org\n"
        "plugins: [opensignal]\nextra: {key: !ENV [SOME, thing]}\nfn: !!python/name:os.path.join\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.opensignal]\nmail_from = "Tides <tides@example.org>"\ndaily_at = "07:15"\n'
    )
    return tmp_path


def test_each_place_gives_what_it_knows(root: Path) -> None:
    settings = Settings.load(root)

    assert settings.site_name == "Tide Tables"
    assert settings.site_url == settings.web_url == "https://tides.example.org/"
    assert (settings.sender_name, settings.sender_address) == ("Tides", "tides@example.org")
    assert settings.daily_at == dt.time(7, 15)
    assert settings.database_url == f"sqlite:///{root}/.opensignal/opensignal.db"
    assert settings.outbox_dir == root / ".opensignal" / "outbox"


def test_the_environment_wins_over_files_and_an_argument_over_both(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSIGNAL_SITE_URL", "https://other.example.org/news")
    monkeypatch.setenv("OPENSIGNAL_DAILY_AT", "09:00")

    settings = Settings.load(root, daily_at="10:00")

    assert settings.site_url == "https://other.example.org/news/"
    assert settings.daily_at == dt.time(10, 0)


def test_an_empty_variable_sets_nothing_and_the_case_of_a_name_does_not_matter(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSIGNAL_MAIL_FROM", "")
    monkeypatch.setenv("opensignal_language", "de")
    monkeypatch.setenv("OPENSIGNAL_SIGNUP_LIMITS", "false")

    settings = Settings.load(root)

    assert settings.sender_address == "tides@example.org"
    assert settings.language == "de"
    assert settings.signup_limits is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hook_secret", "0123456789abcdef"),
        ("bounces_url", "imaps://me:secret@imap.example.org/INBOX"),
        ("smtp_url", "smtp://one.example.org smtp://me:secret@two.example.org:587"),
        ("database_url", "postgresql://me:secret@db.example.org/newsletter"),
    ],
)
def test_a_secret_does_not_stand_in_a_file_of_git(root: Path, name: str, value: str) -> None:
    (root / "pyproject.toml").write_text(f'[tool.opensignal]\n{name} = "{value}"\n')

    with pytest.raises(SettingsError, match=f"a secret; set OPENSIGNAL_{name.upper()} in the environment instead"):
        Settings.load(root)


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("site_url", "notes/", "set it in mkdocs.yml or as OPENSIGNAL_SITE_URL"),
        ("timezone", "Mars", "set it in pyproject.toml or as OPENSIGNAL_TIMEZONE"),
        ("hook_secret", "short", "set it in the environment as OPENSIGNAL_HOOK_SECRET"),
    ],
)
def test_a_wrong_value_is_told_with_where_a_right_one_may_stand(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, where: str
) -> None:
    monkeypatch.setenv(f"OPENSIGNAL_{name.upper()}", value)

    with pytest.raises(SettingsError, match=f"{where}$"):
        Settings.load(root)


def test_a_mail_server_without_a_password_may_stand_in_a_file_of_git(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.opensignal]\nsmtp_url = 'smtp://mail.example.org:25?timeout=30'\n")

    assert Settings.load(root).smtp_url == "smtp://mail.example.org:25?timeout=30"


def test_relative_folders_are_read_from_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("OPENSIGNAL_SITE_DIR", "public")

    assert Settings.load(root).site_dir == root / "public"


def test_two_repositories_do_not_mix(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "mkdocs.yml").write_text("site_name: Other\n")

    assert Settings.load(root).site_name == "Tide Tables"
    assert Settings.load(other).site_name == "Other"
    assert Settings.load(other).mail_from != "Tides <tides@example.org>"


def test_an_international_host_is_spelled_as_headers_want_it(root: Path) -> None:
    assert Settings.load(root, site_url="https://日本.test").site_url == "https://xn--wgv71a.test/"
    assert Settings.load(root, site_url="http://127.0.0.1:8000/news").site_url == "http://127.0.0.1:8000/news/"
    assert Settings.load(root, site_url="http://[::1]:8000").site_url == "http://[::1]:8000/"


def test_settings_do_not_change(root: Path) -> None:
    with pytest.raises(ValidationError):
        Settings.load(root).site_name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timezone", "Mars/Olympus", "not a time zone"),
        ("mail_from", "a@b.example, c@d.example", "not one mail address"),
        ("mail_from", "A\nBcc: b@example.org <a@example.org>", "not one mail address"),
        ("mail_from", "nobody", "not one mail address"),
        ("smtp_url", "http://mail.example.org", "must begin with smtp://"),
        ("database_url", "mysql://x", "must begin with sqlite:///"),
        ("site_url", "ftp://x", "must begin with https://"),
        ("site_url", "http://[::1", "not an address"),
        ("site_url", "https://h.test/x y", "without spaces"),
        ("site_url", "https://h.test/" + "a" * 400, "at most 300"),
        ("mail_from", "A <a@exämple.test>", "ASCII"),
        ("dkim_selectors", "r1 ../x", "'../x' is not a selector"),
        ("dkim_selectors", "r1 R1", "twice"),
        ("bounce_domain", "bounce", "not a domain"),
        ("connections", "0", "greater than or equal to 1"),
        ("daily_at", "25:00", "time"),
        ("weekly_on", "someday", "monday"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_variable(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"OPENSIGNAL_{name.upper()}", value)

    with pytest.raises(SettingsError) as caught:
        Settings.load(root)

    assert f"setting '{name}'" in str(caught.value)
    assert words in str(caught.value)
    assert f"OPENSIGNAL_{name.upper()}" in str(caught.value)


@pytest.mark.parametrize("text", ["tool = 1", "[tool]\nopensignal = 'x'", "[[tool.opensignal]]\npublisher = 'x'"])
def test_settings_that_stand_in_no_table_are_told_of(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(text)

    with pytest.raises(SettingsError, match=r"pyproject.toml: '(tool|opensignal)' is no table; mend the file"):
        Settings.load(root)


def test_a_repository_whose_path_is_not_utf8_is_refused_with_a_word(root: Path) -> None:
    moved = root.rename(root.with_name("news-\udcff"))

    with pytest.raises(UsageError, match=r"news-\S+ is not UTF-8; rename the folder"):
        Settings.load(moved)


def test_a_folder_that_is_no_text_is_named_with_its_setting(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.opensignal]\nstate_dir = 5\n")

    with pytest.raises(SettingsError, match=r"setting 'state_dir': .* OPENSIGNAL_STATE_DIR"):
        Settings.load(root)


def test_an_unknown_setting_is_refused(root: Path) -> None:
    (root / "pyproject.toml").write_text('[tool.opensignal]\nmial_from = "x@example.org"\n')

    with pytest.raises(SettingsError, match="'mial_from' is not known"):
        Settings.load(root)


def test_a_misspelt_variable_is_not_passed_over(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSIGNAL_SMPT_URL", "smtp://mail.example.org")

    with pytest.raises(SettingsError, match=r"OPENSIGNAL_SMPT_URL.*did you mean OPENSIGNAL_SMTP_URL\?"):
        Settings.load(root)


def test_a_variable_that_resembles_no_setting_is_compared_with_none(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSIGNAL_FOO", "1")

    with pytest.raises(SettingsError, match=r"OPENSIGNAL_FOO, which is no setting; the handbook's page for operators"):
        Settings.load(root)


def test_root_is_where_the_caller_says(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSIGNAL_ROOT", "/")

    assert Settings.load(root).root == root


def test_a_relative_database_is_read_from_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert Settings.load(root, database_url="sqlite:///news.db").database_url == f"sqlite:///{root}/news.db"


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [("mkdocs.yml", "site_name: [\n", r"mkdocs\.yml:2:1"), ("pyproject.toml", "[tool", r"pyproject\.toml")],
)
def test_a_broken_file_is_named(root: Path, file: str, text: str, words: str) -> None:
    (root / file).write_text(text)

    with pytest.raises(SettingsError, match=words):
        Settings.load(root)


def test_a_folder_without_a_newsletter_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no mkdocs\.yml in .*--root"):
        Settings.load(tmp_path)


def test_stored_copies_lie_in_a_folder_or_in_a_bucket(root: Path) -> None:
    by_default = Settings.load(root)
    in_a_folder = Settings.load(root, snapshots="../copies")
    in_a_bucket = Settings.load(root, snapshots="s3://copies/of-ours")

    assert (by_default.kept_dir, by_default.bucket) == (root / ".opensignal/snapshots", "")
    assert (in_a_folder.kept_dir, in_a_folder.bucket) == (root / "../copies", "")
    assert (in_a_bucket.kept_dir, in_a_bucket.bucket) == (root / ".opensignal/snapshots", "s3://copies/of-ours")
    with pytest.raises(SettingsError, match="write s3://BUCKET/PREFIX"):
        Settings.load(root, snapshots="https://copies.example.org/")
    with pytest.raises(SettingsError, match="which is published"):
        Settings.load(root, snapshots="content/../content/sources/copies")
