"""TLS: verified, of 1.2 or newer, under the name that was asked for (T-42); and never left by a redirect (T-40)."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.ingest.fetch import Fetcher, Network, NotHad, Request
from tests.fakes import certificate, server_tls
from tests.ingest.fetch.internet import Internet
from tests.ingest.site import Site, running

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
NAME = "feeds.example.org"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path, name=NAME)


@pytest.fixture
def tls(files: tuple[Path, Path]) -> ssl.SSLContext:
    return server_tls(*files)


@pytest.fixture
def names(tls: ssl.SSLContext) -> list[str | None]:
    """The server names that clients asked for (SNI)."""
    asked: list[str | None] = []
    tls.sni_callback = lambda _, name, __: asked.append(name)
    return asked


@pytest.fixture
def secure_site(tls: ssl.SSLContext) -> Iterator[Site]:
    with running(tls) as site:
        yield site


@pytest.fixture
def internet(secure_site: Site) -> Internet:
    internet = Internet()
    internet.put(NAME, secure_site.port)
    return internet


def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(NotHad) as caught:
        fetcher.get(Request(url), now=NOW)
    return str(caught.value)


def test_t_42_the_name_stays_in_sni_host_and_certificate_though_an_address_is_dialled(
    secure_site: Site,
    internet: Internet,
    files: tuple[Path, Path],
    names: list[str | None],
    new_fetcher: Callable[..., Fetcher],
) -> None:
    internet.trust(files[0])
    secure_site.put("/feed", "<rss/>")

    answer = new_fetcher(allow_private=False, network=internet).get(Request(f"https://{NAME}/feed"), now=NOW)

    assert answer.body == b"<rss/>"
    assert names == [NAME]
    assert secure_site.asked[0].headers["Host"] == NAME


def test_t_42_a_certificate_that_nobody_vouches_for_is_refused(
    secure_site: Site, internet: Internet, new_fetcher: Callable[..., Fetcher]
) -> None:
    error = refused(new_fetcher(allow_private=False, network=internet), f"https://{NAME}/feed")

    assert "its certificate is not valid (self-signed certificate)" in error
    assert secure_site.asked == []


def test_t_42_a_certificate_of_another_name_is_refused(
    secure_site: Site, internet: Internet, files: tuple[Path, Path], new_fetcher: Callable[..., Fetcher]
) -> None:
    internet.trust(files[0])
    internet.put("other.example.org", secure_site.port)

    error = refused(new_fetcher(allow_private=False, network=internet), "https://other.example.org/feed")

    assert "its certificate is not valid" in error
    assert "other.example.org" in error
    assert secure_site.asked == []


def test_t_42_nothing_older_than_tls_1_2_is_spoken() -> None:
    context = Network().tls

    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_t_42_what_does_not_speak_tls_is_refused(site: Site, new_fetcher: Callable[..., Fetcher]) -> None:
    internet = Internet()
    internet.put(NAME, site.port)

    error = refused(new_fetcher(allow_private=False, network=internet), f"https://{NAME}/feed")

    assert "no protected connection" in error


def test_t_40_no_redirect_leads_from_https_to_http(
    secure_site: Site,
    site: Site,
    internet: Internet,
    files: tuple[Path, Path],
    new_fetcher: Callable[..., Fetcher],
) -> None:
    internet.trust(files[0])
    internet.put("plain.example.org", site.port, "93.184.215.15")
    secure_site.put("/feed", b"", status=301, Location="http://plain.example.org/feed")
    site.put("/feed", "<rss/>")

    error = refused(new_fetcher(allow_private=False, network=internet), f"https://{NAME}/feed")

    assert "redirects from https to http://plain.example.org/feed, which is not protected" in error
    assert site.asked == []


def test_t_40_a_redirect_from_http_to_https_is_followed(
    secure_site: Site,
    site: Site,
    internet: Internet,
    files: tuple[Path, Path],
    new_fetcher: Callable[..., Fetcher],
) -> None:
    internet.trust(files[0])
    internet.put("plain.example.org", site.port, "93.184.215.15")
    site.put("/feed", b"", status=301, Location=f"https://{NAME}/feed")
    secure_site.put("/feed", "<rss/>")

    answer = new_fetcher(allow_private=False, network=internet).get(Request("http://plain.example.org/feed"), now=NOW)

    assert (answer.url, answer.moved) == (f"https://{NAME}/feed", f"https://{NAME}/feed")
