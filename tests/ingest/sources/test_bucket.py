"""A newsroom shares the copies that may not be in Git through a bucket, and believes nothing that does not fit its name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.bucket import Bucket, BucketError
from pipeline.errors import SettingsError
from pipeline.ingest import Fetcher
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.sources import cite
from pipeline.ingest.sources.bucket import Shared, open_bucket, pull, push
from pipeline.library import Library, load_library
from tests.ingest.site import Site
from tests.library.newsroom import Newsroom
from tests.s3 import BucketServer, bucket_server, signature

NOW = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)


@pytest.fixture
def service() -> Iterator[BucketServer]:
    with bucket_server() as service:
        yield service


class Desk:
    """Two machines of one newsroom: the one that took a copy, and another one."""

    def __init__(self, newsroom: Newsroom, service: BucketServer, folder: Path) -> None:
        self.newsroom, self.service = newsroom, service
        self.here, self.there = folder / "here", folder / "there"

    def library(self, kept: Path) -> Library:
        return load_library(self.newsroom.root, now=NOW, kept=kept)

    def push(self, place: str = "s3://copies/of ours") -> Shared:
        with Bucket(place, self.service.environment()) as bucket:
            return push(bucket, self.library(self.here), kept=self.here)

    def pull(self, *, raw: bool = False, place: str = "s3://copies/of ours") -> Shared:
        with Bucket(place, self.service.environment()) as bucket:
            return pull(bucket, self.library(self.there), kept=self.there, raw=raw)


@pytest.fixture
def desk(
    newsroom: Newsroom, site: Site, fetcher: Fetcher, cage: Sandbox, service: BucketServer, tmp_path: Path
) -> Desk:
    desk = Desk(newsroom, service, tmp_path)
    for name, licence in (("north", "unknown"), ("free", "CC0-1.0")):
        url = site.put(f"/{name}", f"What {name} says: 9.4 GW.", Content_Type="text/plain")
        cite(
            fetcher,
            cage,
            url,
            root=newsroom.root,
            kept=desk.here,
            now=NOW,
            id_=name,
            quote="9.4 GW",
            licence=licence,
        )
    return desk


def test_the_test_s_own_bucket_checks_signatures_as_amazon_does() -> None:
    """The first example of the page that `signature` names, with its published result."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": empty,
        "x-amz-date": "20130524T000000Z",
    }

    made = signature(
        "GET",
        "/test.txt",
        headers,
        signed=sorted(headers),
        scope="20130524/us-east-1/s3/aws4_request",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )

    assert made == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_what_one_machine_pushes_another_one_pulls(desk: Desk) -> None:
    pushed = desk.push()
    before = [problem.code for problem in desk.library(desk.there).problems]
    pulled = desk.pull()
    after = [problem.code for problem in desk.library(desk.there).problems]

    north = desk.library(desk.here).sources["north"].snapshot
    assert north is not None
    assert (
        len(pushed.files) == 5
    )  # the text, the bytes and their record; of the free one, whose text is in Git, the latter two
    assert pulled.files == (f"{north.text_sha256}.txt",)
    assert ("S118" in before, "S118" in after) == (True, False)
    assert (pushed.ok, pulled.ok) == (True, True)
    assert all(name.startswith("of%20ours/") for name in desk.service.files)


def test_with_raw_the_bytes_come_too(desk: Desk) -> None:
    desk.push()

    desk.pull(raw=True)

    assert {path.name for path in desk.there.rglob("*") if path.is_file()} == {
        path.name for path in desk.here.rglob("*") if path.is_file()
    }


def test_nothing_goes_twice(desk: Desk) -> None:
    desk.push()
    desk.pull(raw=True)
    desk.service.asked.clear()

    again, back = desk.push(), desk.pull(raw=True)

    assert (again.files, again.known) == ((), 5)
    assert (back.files, back.known) == ((), 5)
    assert {method for method, _ in desk.service.asked} == {"HEAD"}


def test_a_text_that_is_nowhere_is_named(desk: Desk) -> None:
    pulled = desk.pull()

    assert pulled.missing == ("north",)
    assert not pulled.ok
    assert any("ask who took the copy" in line for line in pulled.lines())


@pytest.mark.parametrize("ending", [".txt", ".gz", ".json"])
def test_what_does_not_fit_its_name_is_not_believed(desk: Desk, ending: str) -> None:
    desk.push()
    for name in [name for name in desk.service.files if name.endswith(ending)]:
        desk.service.files[name] = b"something else"

    with pytest.raises(BucketError, match=r"something else than its name says|cannot be read"):
        desk.pull(raw=True)

    assert not list(desk.there.rglob(f"*{ending}"))


def test_a_spoilt_copy_is_not_pushed(desk: Desk) -> None:
    (text,) = desk.here.glob("*.txt")
    text.write_text("something else")

    with pytest.raises(BucketError, match="something else than its name says"):
        desk.push()

    assert not any(name.endswith(".txt") for name in desk.service.files)


def test_a_session_token_goes_with_each_request(desk: Desk) -> None:
    desk.service.token = "of this session"

    with Bucket("s3://copies", desk.service.environment(AWS_SESSION_TOKEN="of this session")) as bucket:
        bucket.put("a.txt", b"x")
        assert bucket.get("a.txt") == b"x"
        assert bucket.get("none.txt") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "refuses our key"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_what_a_bucket_answers_is_told_with_what_next(desk: Desk, change: dict[str, str], words: str) -> None:
    with (
        Bucket("s3://copies", desk.service.environment(**change)) as bucket,
        pytest.raises(BucketError, match=f"the bucket copies {words}"),
    ):
        bucket.get("a.txt")


def test_a_bucket_that_is_not_there_or_fails_is_told(desk: Desk) -> None:
    with pytest.raises(BucketError, match="there is no bucket other"):
        desk.push("s3://other")
    desk.service.fails_with = 503
    with pytest.raises(BucketError, match="answers 503"):
        desk.pull()


@pytest.mark.parametrize("length", [None, "", "many"])
def test_an_object_is_taken_up_to_a_size_whatever_it_says_of_its_length(
    service: BucketServer, length: str | None
) -> None:
    service.files = {"a.txt": b"x" * 2000, "b.txt": b"x" * 2001}
    service.length = length

    with Bucket("s3://copies", service.environment(), largest=2000) as bucket:
        assert bucket.get("a.txt") == b"x" * 2000
        with pytest.raises(BucketError, match=r"b\.txt is larger than"):
            bucket.get("b.txt")


def test_two_lengths_of_one_object_are_told_like_any_trouble(service: BucketServer) -> None:
    service.files, service.length = {"a.txt": b"xx"}, "2, 3"

    with Bucket("s3://copies", service.environment()) as bucket, pytest.raises(BucketError, match="cannot be reached"):
        bucket.get("a.txt")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "copies"}, "AWS_ENDPOINT_URL"),
    ],
)
def test_keys_and_the_service_come_from_the_environment(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Bucket("s3://copies", environment)


def test_a_folder_is_no_bucket() -> None:
    with pytest.raises(SettingsError, match="set snapshots to s3://BUCKET/PREFIX"):
        open_bucket("")


@pytest.mark.parametrize(
    ("place", "region", "base"),
    [
        ("s3://copies", "", "https://copies.s3.us-east-1.amazonaws.com"),
        ("s3://copies", "eu-north-1", "https://copies.s3.eu-north-1.amazonaws.com"),
        ("s3://copies.of.ours", "", "https://s3.us-east-1.amazonaws.com/copies.of.ours"),
    ],
)
def test_without_another_service_it_is_amazon_s(place: str, region: str, base: str) -> None:
    with Bucket(place, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": region}) as bucket:
        assert bucket.address == base
