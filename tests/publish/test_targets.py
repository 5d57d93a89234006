"""Each target as it really is: a folder, rsync to a server and through a remote shell, and a bucket that checks signatures."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import PublishError, SettingsError, UsageError
from pipeline.publish import Brought, bring_site, open_target, publish_site
from pipeline.publish.outputs import kind_of
from pipeline.publish.target import LEASE, LOCK, Lease, Target
from tests.chaos.disks import may_mount, small_disk
from tests.publish.sites import URL, Files, a_site, dead_links, read, rsync_server, write
from tests.s3 import BucketServer, bucket_server

NOW = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)
has_rsync = shutil.which("rsync") is not None
needs_rsync = pytest.mark.skipif(not has_rsync, reason="rsync is not installed")


@dataclass
class Place:
    """A target, and a way to see what readers see there and to put something of one's own there."""

    name: str
    environment: Mapping[str, str]
    read: Callable[[], Files]
    put: Callable[[str, bytes], object]


@pytest.fixture(
    params=["folder", pytest.param("server", marks=needs_rsync), pytest.param("shell", marks=needs_rsync), "bucket"]
)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    www = tmp_path / "www"

    def put(name: str, content: bytes) -> None:
        (www / name).parent.mkdir(parents=True, exist_ok=True)
        (www / name).write_bytes(content)

    if request.param == "bucket":
        with bucket_server() as service:
            yield Place("s3://copies/a site", service.environment(), lambda: _in_bucket(service), _put_into(service))
    elif request.param == "server":
        with rsync_server(www, tmp_path) as address:
            yield Place(address, {}, lambda: read(www), put)
    elif request.param == "shell":
        monkeypatch.setenv("RSYNC_RSH", str(_shell(tmp_path)))
        yield Place(
            f"deploy@www.example.org:{www}/site", {}, lambda: read(www / "site"), lambda n, c: put(f"site/{n}", c)
        )
    else:
        yield Place(str(www), {}, lambda: read(www), put)


def _shell(folder: Path) -> Path:
    """What ssh does, without the way to another machine."""
    shell = folder / "shell"
    shell.write_text('#!/bin/sh\nwhile [ "$1" != www.example.org ]; do shift; done\nshift\nexec sh -c "$*"\n')
    shell.chmod(0o755)
    return shell


def _in_bucket(service: BucketServer) -> Files:
    ours = {name.removeprefix("a%20site/"): content for name, content in service.files.items()}
    return {name: content for name, content in ours.items() if not name.startswith(".opensignal/")}


def _put_into(service: BucketServer) -> Callable[[str, bytes], None]:
    return lambda name, content: service.files.update({f"a%20site/{name}": content})


@pytest.fixture
def target(place: Place, settings: Settings) -> Target:
    return open_target(place.name, settings, place.environment)


def bring(site: Path, target: Target, **options: bool) -> Brought:
    return bring_site(site, target, site_url=URL, now=NOW, **options)  # type: ignore[arg-type]


# --- all of them --------------------------------------------------------------------------------------------------------------


def test_a_site_is_brought_there_and_then_what_is_new_changed_or_gone(
    place: Place, target: Target, tmp_path: Path
) -> None:
    old, new = a_site("ash", "birch"), a_site("ash", "cedar")

    first = bring(write(tmp_path / "site", old), target)
    there = place.read()
    second = bring(write(tmp_path / "site", new), target)

    assert there == old
    assert place.read() == new
    assert len(first.plan.sent) == len(old)
    assert {output.path for output in second.plan.sent} == {n for n, content in new.items() if old.get(n) != content}
    assert set(second.plan.gone) == old.keys() - new.keys()
    assert not bring(tmp_path / "site", target).plan.sent


def test_what_somebody_else_put_there_stays(place: Place, target: Target, tmp_path: Path) -> None:
    site = write(tmp_path / "site", a_site("ash", "birch"))
    place.put("articles/birch/notes.txt", b"another's")
    with pytest.raises(PublishError, match="not published from here"):
        bring(site, target)

    bring(site, target, adopt=True)
    bring(write(tmp_path / "site", a_site("ash")), target)

    assert place.read() == {**a_site("ash"), "articles/birch/notes.txt": b"another's"}


def test_a_file_of_the_same_size_and_age_is_seen_by_what_it_holds(place: Place, target: Target, tmp_path: Path) -> None:
    site = write(tmp_path / "site", {"index.html": b"one", "a.html": b"same"})
    os.utime(site / "index.html", (1, 1))
    bring(site, target)

    (site / "index.html").write_bytes(b"two")
    os.utime(site / "index.html", (1, 1))
    brought = bring(site, target)

    assert [output.path for output in brought.plan.sent] == ["index.html"]
    assert place.read()["index.html"] == b"two"


def test_names_of_any_kind_arrive(place: Place, target: Target, tmp_path: Path) -> None:
    names = ["a b.html", "ä/ö.html", "x+y&z=1.html", "-v.html", "100%.html", "'q'.html", "a;b.html", "$HOME.html"]
    files = {name: name.encode() for name in ("index.html", *names)}

    bring(write(tmp_path / "site", files), target)

    assert {content.decode() for content in place.read().values()} == set(files)
    bring(write(tmp_path / "site", {"index.html": b"x"}), target)
    assert set(place.read()) == {"index.html"}


def test_a_second_publish_is_refused_while_one_is_under_way(
    place: Place, target: Target, settings: Settings, tmp_path: Path
) -> None:
    site = write(tmp_path / "site", a_site("ash"))
    other = open_target(place.name, settings, place.environment)

    with other.locked(), pytest.raises(PublishError, match=r"publish.*run again"):
        bring(site, target)
    bring(site, target)

    assert place.read() == a_site("ash")


def test_a_build_in_the_midst_of_it_is_noticed(place: Place, target: Target, tmp_path: Path) -> None:
    site = write(tmp_path / "site", a_site("ash", "birch"))

    def build(line: str) -> None:
        if line.startswith("asking"):
            write(site, a_site("ash", "birch", said="another build"))

    with pytest.raises(PublishError, match="changed while it was published"):
        bring_site(site, target, site_url=URL, now=NOW, say=build)
    bring(site, target)

    assert place.read() == a_site("ash", "birch", said="another build")


# --- a folder -----------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not may_mount(), reason="mounting a small disk wants root")
def test_a_full_disk_leaves_the_old_site_and_says_so(settings: Settings, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size=512 * 1024) as disk:
        target = open_target(str(disk / "www"), settings, {})
        bring(write(tmp_path / "site", a_site("ash")), target)
        large = {**a_site("birch", said="two"), "assets/large.png": b"x" * 600_000}

        with pytest.raises(
            PublishError, match=r"the disk is full, and the old site stays; make room for 1 MB and run again"
        ):
            bring(write(tmp_path / "site", large), target)

        assert read(disk / "www") == a_site("ash")
        bring(write(tmp_path / "site", a_site("birch", said="two")), target)
        assert read(disk / "www") == a_site("birch", said="two")


def test_a_folder_that_may_not_be_written_is_named_with_what_next(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(
        PublishError, match=rf"^{tmp_path}/file: cannot be written: File exists; .*remove the file that stands"
    ):
        bring(write(tmp_path / "site", a_site("ash")), open_target(str(tmp_path / "file" / "www"), settings, {}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "articles",
            "www/articles: cannot be written: File exists; .*: remove the file that stands where a folder belongs",
        ),
        (
            "index.html/x",
            "www/index.html: cannot be written: Is a directory; .*: remove the folder that stands where a file",
        ),
    ],
)
def test_what_somebody_put_in_the_way_is_named_with_what_next(
    name: str, words: str, settings: Settings, tmp_path: Path
) -> None:
    www = write(tmp_path / "www", {name: b"theirs"})
    site = write(tmp_path / "site", a_site("ash"))

    with pytest.raises(PublishError, match=f"^{tmp_path}/{words}.* and run again$"):
        bring(site, open_target(str(www), settings, {}), adopt=True)


def test_a_web_server_may_read_what_is_published_whatever_the_umask(settings: Settings, tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        www = tmp_path / "srv" / "www"
        bring(write(tmp_path / "site", a_site("ash")), open_target(str(www), settings, {}))
    finally:
        os.umask(mask)

    ours = [path for path in (www.parent, www, *www.rglob("*")) if ".opensignal" not in path.parts]
    assert len(ours) > len(a_site("ash"))
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in ours} == {(True, 0o755), (False, 0o644)}


def test_a_folder_that_is_refused_or_only_looked_at_is_left_as_it_was(settings: Settings, tmp_path: Path) -> None:
    site, www = write(tmp_path / "site", a_site("ash")), tmp_path / "www"
    target = open_target(str(www), settings, {})

    bring(site, target, dry_run=True)
    assert not www.exists()
    write(www, {"theirs.html": b"theirs"})
    with pytest.raises(PublishError, match="not published from here"):
        bring(site, target)

    assert list(www.iterdir()) == [www / "theirs.html"]


def test_a_state_folder_that_cannot_be_written_is_named_with_what_next(settings: Settings, tmp_path: Path) -> None:
    settings.state_dir.write_text("a file", "utf-8")

    with pytest.raises(PublishError, match=r"publish\.lock: cannot be written: .*; remove the file that stands"):
        publish_site(settings, str(tmp_path / "www"), clock=lambda: NOW)


@pytest.mark.parametrize("name", ["", "..", "content", "content/articles", "site", "site/www"])
def test_the_newsletter_s_own_folders_are_no_targets(name: str, settings: Settings) -> None:
    with pytest.raises(UsageError, match="name another folder"):
        open_target(str(settings.root / name), settings, {})


# --- rsync --------------------------------------------------------------------------------------------------------------------


@needs_rsync
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("rsync://127.0.0.1:1/www", "the connection failed .*run again to go on"),
        ("deploy@127.0.0.1:www", "the connection failed .*run again to go on"),
    ],
)
def test_a_machine_that_cannot_be_reached_is_named(
    place: str, words: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSYNC_RSH", "false")

    with pytest.raises(PublishError, match=f"^{place}: {words}"):
        bring(write(tmp_path / "site", a_site("ash")), open_target(place, settings, {}))


@needs_rsync
@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "ssh: Could not resolve hostname wwww.example.org: Name or service not known",
            r"\(ssh: Could not resolve .*\).*: mend the machine's name in the target \(a bucket is written s3://",
        ),
        ("@@@@@@@@@\n@ WARNING @\nHost key verification failed.", r"\(Host key .*: log in there once by hand"),
        (
            "Unauthorized use is forbidden\nme@www.example.org: Permission denied (publickey).",
            r"\(me@www\.example\.org: Permission denied \(publickey\)\.\).*: see that ssh logs in there without a password",
        ),
    ],
)
def test_what_ssh_complains_of_is_told_with_what_next(
    said: str, told: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = tmp_path / "shell"
    shell.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 255\n")
    shell.chmod(0o755)
    monkeypatch.setenv("RSYNC_RSH", str(shell))

    with pytest.raises(PublishError, match=f"the connection failed {told}.*, and run again to go on$"):
        bring(write(tmp_path / "site", a_site("ash")), open_target("deploy@wwww.example.org:www", settings, {}))


@needs_rsync
def test_a_place_that_cannot_be_made_is_told_in_rsync_s_words(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSYNC_RSH", str(_shell(tmp_path)))
    (tmp_path / "file").write_text("x")

    with pytest.raises(PublishError, match=r"rsync: .*Not a directory.*; mend that and run again"):
        bring(
            write(tmp_path / "site", a_site("ash")), open_target(f"www.example.org:{tmp_path}/file/www", settings, {})
        )


@needs_rsync
def test_a_module_that_is_not_there_is_told_in_rsync_s_words(settings: Settings, tmp_path: Path) -> None:
    with rsync_server(tmp_path / "www", tmp_path) as address:
        target = open_target(address.replace("/www", "/other"), settings, {})

        with pytest.raises(PublishError, match="Unknown module 'other'"):
            bring(write(tmp_path / "site", a_site("ash")), target)


@needs_rsync
@pytest.mark.skipif(not may_mount(), reason="mounting a small disk wants root")
def test_a_full_disk_of_another_machine_leaves_the_old_site(settings: Settings, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", size=512 * 1024) as disk,
        rsync_server(disk / "www", tmp_path) as address,
    ):
        target = open_target(address, settings, {})
        bring(write(tmp_path / "site", a_site("ash", "birch")), target)
        larger = {**a_site("ash", "birch", said="two"), "assets/large.png": os.urandom(600_000)}

        with pytest.raises(PublishError, match="the disk there is full"):
            bring(write(tmp_path / "site", larger), target)

        there = read(disk / "www")
        assert {name: there[name] for name in a_site("ash", "birch")} == a_site("ash", "birch")
        bring(write(tmp_path / "site", a_site("ash", "birch", said="two")), target)
        assert read(disk / "www") == a_site("ash", "birch", said="two")


def test_where_there_is_no_rsync_it_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(UsageError, match="rsync is not installed here; install it"):
        open_target("rsync://www.example.org/www", settings, {})


# --- a bucket -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[BucketServer]:
    with bucket_server() as service:
        yield service


def s3(service: BucketServer, settings: Settings, **more: str) -> Target:
    return open_target("s3://copies", settings, service.environment(**more))


def test_a_bucket_is_told_what_each_file_is(service: BucketServer, settings: Settings, tmp_path: Path) -> None:
    site = {**a_site("ash"), "assets/fonts/text.woff2": b"f", "pagefind/index/en_58d3ac9.pf_index": b"i"}

    bring(write(tmp_path / "site", site), s3(service, settings))

    for name in site:
        kind, headers = kind_of(name), service.headers[name]
        assert (headers["content-type"], headers["cache-control"]) == (kind.content_type, kind.cache_control)
    assert service.headers[".opensignal/published.json"]["cache-control"] == "no-store"


def test_the_service_of_the_settings_goes_before_that_of_the_environment(
    service: BucketServer, settings: Settings, tmp_path: Path
) -> None:
    ours = settings.model_copy(update={"publish_endpoint": service.url})

    bring(write(tmp_path / "site", a_site("ash")), s3(service, ours, AWS_ENDPOINT_URL="http://127.0.0.1:1"))

    assert service.files["index.html"] == a_site("ash")["index.html"]


@pytest.mark.parametrize("knows", [True, False])
def test_ranks_go_one_after_the_other(knows: bool, service: BucketServer, settings: Settings, tmp_path: Path) -> None:
    service.knows_conditions = knows
    site = a_site(*(f"{letter}{number}" for letter in "abc" for number in range(12)))

    bring(write(tmp_path / "site", site), s3(service, settings))

    put = [name for method, name in service.asked if method == "PUT" and not name.startswith(".opensignal/")]
    ranks = [kind_of(name).rank for name in put]
    assert ranks == sorted(ranks)
    last = [(method, name) for method, name in service.asked if name != ".opensignal/lock.json"][-2:]
    assert last == [("PUT", ".opensignal/published.json"), ("DELETE", ".opensignal/sending.json")]
    assert not {".opensignal/lock.json", ".opensignal/sending.json"} & service.files.keys()


def test_a_service_that_fails_in_the_midst_leaves_whole_pages_and_is_gone_on_with(
    service: BucketServer, settings: Settings, tmp_path: Path
) -> None:
    old, new = a_site("ash", "birch"), a_site("ash", "cedar", said="two")
    bring(write(tmp_path / "site", old), s3(service, settings))
    put: list[str] = []

    def fails_at_the_twelfth(method: str, name: str) -> int:
        put.extend([name] if method == "PUT" and not name.startswith(".opensignal/") else [])
        return 500 if len(put) >= 12 and not name.startswith(".opensignal/") else 0

    service.before = fails_at_the_twelfth
    with pytest.raises(PublishError, match=r"^s3://copies: the bucket copies answers 500 .*run again to go on"):
        bring(write(tmp_path / "site", new), s3(service, settings))
    there = {name: content for name, content in service.files.items() if not name.startswith(".opensignal/")}
    assert all(content in (old.get(name), new.get(name)) for name, content in there.items())
    assert dead_links(there) == []

    service.before = lambda method, name: 0
    service.asked.clear()
    brought = bring(tmp_path / "site", s3(service, settings))

    assert brought.resumed
    assert 0 < len(brought.plan.sent) < len([name for name in new if old.get(name) != new[name]])
    assert new.items() <= service.files.items()


def test_an_answer_that_fails_in_passing_is_asked_for_again(
    service: BucketServer, settings: Settings, tmp_path: Path
) -> None:
    failed: set[str] = set()

    def once(method: str, name: str) -> int:
        if name in failed or not name.endswith(".html"):
            return 0
        failed.add(name)
        return 503

    service.before = once

    bring(write(tmp_path / "site", a_site("ash")), s3(service, settings))

    assert len(failed) == 5
    assert a_site("ash").items() <= service.files.items()


def test_a_key_that_is_refused_is_named_and_not_shown(
    service: BucketServer, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(PublishError, match="refuses our key") as caught:
        bring(write(tmp_path / "site", a_site("ash")), s3(service, settings, AWS_SECRET_ACCESS_KEY="sesame"))

    assert "sesame" not in str(caught.value)


def test_a_bucket_without_a_key_or_that_is_not_there_is_told(
    service: BucketServer, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID"):
        open_target("s3://copies", settings, {})
    with pytest.raises(PublishError, match="there is no bucket other"):
        bring(write(tmp_path / "site", a_site("ash")), open_target("s3://other", settings, service.environment()))


# --- who publishes ------------------------------------------------------------------------------------------------------------


class Paper:
    """A place for one lease, and a clock."""

    name = "a place"

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.now = 1_000_000.0

    def lease(self) -> Lease:
        return Lease(self, put_new=self.put_new, clock=lambda: self.now)

    def read(self, name: str) -> bytes | None:
        assert name == LOCK
        return self.content

    def write(self, name: str, content: bytes) -> None:
        assert name == LOCK
        self.content = content

    def remove(self, paths: Sequence[str]) -> None:
        assert paths == (LOCK,)
        self.content = None

    def put_new(self, content: bytes) -> bool:
        if self.content is None:
            self.content = content
            return True
        return False


def test_a_publisher_of_another_machine_that_is_silent_for_too_long_counts_as_dead() -> None:
    paper = Paper()
    paper.content = b'{"token": "x", "host": "elsewhere", "pid": 1, "until": %f}' % (paper.now + LEASE)

    with (
        pytest.raises(PublishError, match=r"elsewhere \(process 1\) is publishing there; .* run again after \d\d:"),
        paper.lease().held(),
    ):
        pass
    paper.now += LEASE + 1
    with paper.lease().held():
        assert b"elsewhere" not in paper.content

    assert paper.content is None


def test_a_publisher_of_this_machine_that_is_dead_is_followed_at_once() -> None:
    paper = Paper()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with paper.lease().held():
        held = paper.content
    assert held is not None
    paper.content = held.replace(b'"pid": %d' % os.getpid(), b'"pid": %d' % child.pid)

    with paper.lease().held():
        pass


def test_who_was_taken_over_stops_and_takes_nothing_away() -> None:
    paper = Paper()

    with paper.lease().held() as renew:
        paper.now += 60
        renew()
        others = b'{"token": "x", "host": "elsewhere", "pid": 1, "until": %f}' % (paper.now + LEASE)
        paper.content = others
        paper.now += 60
        with pytest.raises(PublishError, match="somebody else publishes there now"):
            renew()

    assert paper.content == others


def test_a_lease_that_cannot_be_read_is_no_lease() -> None:
    paper = Paper()
    paper.content = b"["

    with paper.lease().held():
        pass


# --- places -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    ["rsync://user:sesame@www.example.org/www", "s3://key:sesame@bucket/site", "user:sesame@www.example.org:site"],
)
def test_a_password_in_a_target_is_refused_and_not_shown(place: str, settings: Settings) -> None:
    with pytest.raises(UsageError, match="holds a password; leave it to the environment") as caught:
        open_target(place, settings, {})
    with pytest.raises(SettingsError, match="holds a password") as of_setting:
        Settings.load(settings.root, publish_to=place)

    assert "sesame" not in f"{caught.value} {of_setting.value}"


@pytest.mark.parametrize(
    "place",
    [
        "ftp://www.example.org/",
        "s3://B",
        "s3:/bucket/site",
        "S3:bucket",
        "s3//bucket",
        "rsync:www.example.org/www",
        "rsync://www.example.org",
        "deploy@www.example.org",
        "deploy@www.example.org/srv/www",
        "-e",
        "a\nb",
        "https://x/",
    ],
)
def test_what_is_no_target_is_told_with_those_that_are(place: str, settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"is no target; write a folder, USER@HOST:PATH"):
        open_target(place, settings, {})


def test_without_a_target_it_is_said_how_to_name_one(settings: Settings) -> None:
    with pytest.raises(UsageError, match="name one with --to, or set publish_to"):
        open_target("", settings, {})


def test_a_thread_that_publishes_is_told_to_stop_between_two_files(settings: Settings, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(PublishError, match="stopped after 0 of"):
        bring_site(
            write(tmp_path / "site", a_site("ash")),
            open_target(str(tmp_path / "www"), settings, {}),
            site_url=URL,
            now=NOW,
            stop=stop.is_set,
        )

    assert read(tmp_path / "www") == {}
