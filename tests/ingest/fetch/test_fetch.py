"""Asking other machines: what we send, what we refuse to take, and how long we wait at most."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.ingest.fetch import Answer, Fetcher, Limits, NotHad, Request, fetch_all, host_of
from tests.ingest.conftest import QUICK
from tests.ingest.fetch.internet import SOMEWHERE, Internet, name_server
from tests.ingest.site import Asked, Page, Site, raw

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def refused(fetcher: Fetcher, url: str) -> NotHad:
    with pytest.raises(NotHad) as caught:
        fetcher.get(Request(url), now=NOW)
    return caught.value


# --- what we send -----------------------------------------------------------------------------------------------------


def test_f1_validators_go_back_byte_for_byte(site: Site, fetcher: Fetcher) -> None:
    etag, date = 'W/"a b\'c, 0x"', "Sun, 22 Nov 2026 10:00:00 +0000 (odd)"
    url = site.put("/feed", "<rss/>", ETag=etag, Last_Modified=date)

    first = fetcher.get(Request(url), now=NOW)
    fetcher.get(Request(url, first.etag, first.last_modified), now=NOW)

    assert (first.etag, first.last_modified) == (etag, date)
    assert site.asked[0].headers["If-None-Match"] is None
    assert site.asked[0].headers["If-Modified-Since"] is None
    assert site.asked[1].headers["If-None-Match"] == etag
    assert site.asked[1].headers["If-Modified-Since"] == date


def test_f2_a_304_keeps_the_validators_and_new_ones_replace_them(site: Site, fetcher: Fetcher) -> None:
    url = site.put("/feed", b"", status=304, ETag='"new"')

    answer = fetcher.get(Request(url, '"old"', "a date"), now=NOW)

    assert answer.unchanged
    assert answer.body == b""
    assert (answer.etag, answer.last_modified) == ('"new"', "a date")


def test_a_304_to_an_unconditional_request_is_an_error(site: Site, fetcher: Fetcher) -> None:
    url = site.put("/feed", b"", status=304)

    assert "though we have nothing from it" in str(refused(fetcher, url))


def test_f10_says_who_asks_and_carries_no_cookies_and_no_referrer(site: Site, fetcher: Fetcher) -> None:
    site.put("/a", b"", status=302, Location="/b", Set_Cookie="id=1; Path=/")
    site.put("/b", "<rss/>")

    fetcher.get(Request(site.url + "/a"), now=NOW)

    assert [asked.path for asked in site.asked] == ["/a", "/b"]
    for asked in site.asked:
        assert asked.headers["User-Agent"].startswith("OpenSignal/")
        assert "editors@example.org" in asked.headers["User-Agent"]
        assert asked.headers["Cookie"] is None
        assert asked.headers["Referer"] is None
        assert asked.headers["Accept-Encoding"] == "gzip, br, zstd"
        assert asked.headers["Connection"] == "close"  # so that every connection goes to an address that was checked


def test_proxies_and_passwords_of_the_environment_are_not_used(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    url = site.put("/feed", "<rss/>")

    assert fetcher.get(Request(url), now=NOW).body == b"<rss/>"
    assert site.asked[0].headers["Authorization"] is None


# --- where we go ------------------------------------------------------------------------------------------------------


PRIVATE = """
http://127.0.0.1/ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/ http://0x7f.1/ http://0177.0.0.1/ http://0/
http://0x0/ http://127.0.0.1./ http://1２7.0.0.1/ http://127。0。0。1/ http://127%2e0%2e0%2e1/ http:\\\\127.0.0.1\\x
http://[::1]/ http://[::]/ http://[0:0:0:0:0:0:0:1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[::127.0.0.1]/
http://[64:ff9b::7f00:1]/ http://[fe80::1]/ http://[fc00::1]/ http://[fec0::1]/ http://[2002:7f00:1::]/
http://169.254.169.254/latest/meta-data/ http://2852039166/ http://0xa9fea9fe/ http://10.0.0.1/ http://192.168.1.1/ http://172.16.0.1/
http://100.64.0.1/ http://[fd00:ec2::254]/ http://localhost/ http://LOCALHOST/ http://ｌｏｃａｌｈｏｓｔ/ http://a.localhost/
http://printer.local/ http://intranet/ http://metadata.google.internal/ http://x.onion/ http://1.0.0.127.in-addr.arpa/
""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_t38_private_addresses_are_refused_before_anything_is_sent(
    address: str, new_fetcher: Callable[..., Fetcher]
) -> None:
    internet = Internet()

    error = refused(new_fetcher(allow_private=False, network=internet), address)

    assert "to fetch from there" in str(error)
    assert internet.asked == internet.dialled == []


@pytest.mark.parametrize("address", PRIVATE)
def test_t40_a_redirect_to_a_private_address_is_refused_like_the_address_itself(
    address: str, site: Site, new_fetcher: Callable[..., Fetcher]
) -> None:
    internet = Internet()
    internet.put("feeds.example.org", site.port)
    location = address.encode().decode("latin-1")  # as it goes over the wire
    site.pages["/feed"] = Page(b"", 302, {"Location": location})

    error = refused(new_fetcher(allow_private=False, network=internet), "http://feeds.example.org/feed")

    assert "to fetch from there" in str(error)
    assert internet.dialled == [SOMEWHERE]


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "gopher://example.org/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "http://",
        "feed",
        "http://exa mple.org/",
        "http://a<b>.example.org/",
        "http://example.org:99999/",
        "//x.org/",
        "http://\ud800.example.org/",
    ],
)
def test_t38_only_web_addresses_are_asked_for(address: str, fetcher: Fetcher) -> None:
    assert "is not a web address" in str(refused(fetcher, address))


@pytest.mark.parametrize(
    "address", ["http://someone:secret@example.org/", "http://secret@example.org/", "http://a:secret@b@example.org/"]
)
def test_t38_a_password_in_an_address_is_refused_and_not_repeated(address: str, fetcher: Fetcher, log: Path) -> None:
    error = str(refused(fetcher, address))

    assert "user name or password" in error
    assert "secret" not in error
    assert "secret" not in log.read_text()


def test_t38_other_ports_than_those_of_the_web_are_refused(new_fetcher: Callable[..., Fetcher]) -> None:
    error = refused(new_fetcher(allow_private=False), "http://mail.example.org:25/")

    assert "port 25 is not fetched from" in str(error)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("http://Feeds.Example.ORG/feed", "feeds.example.org"),
        ("http:\\\\feeds.example.org\\feed", "feeds.example.org"),
        ("  http://feeds.example.org/feed#part ", "feeds.example.org"),
        ("http://bücher.example.org/feed", "xn--bcher-kva.example.org"),
    ],
)
def test_t38_an_address_is_read_once_and_dialled_and_asked_for_as_it_was_read(
    written: str, host: str, site: Site, new_fetcher: Callable[..., Fetcher]
) -> None:
    internet = Internet()
    internet.put(host, site.port)
    site.put("/feed", "<rss/>")

    answer = new_fetcher(allow_private=False, network=internet).get(Request(written), now=NOW)

    assert answer.url == f"http://{host}/feed"
    assert internet.asked == [host]
    assert site.asked[0].headers["Host"] == host


def test_t39_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    site: Site, other_site: Site, new_fetcher: Callable[..., Fetcher]
) -> None:
    """DNS rebinding: the name server answers with a public address first, and with one of ours from then on."""
    internet = Internet()
    internet.servers = {SOMEWHERE: site.port, "127.0.0.1": other_site.port}
    site.put("/feed", "<rss/>")
    with name_server([SOMEWHERE], ["127.0.0.1"]) as look_up:
        internet.lookup = look_up  # type: ignore[method-assign]
        fetcher = new_fetcher(allow_private=False, network=internet)

        first = fetcher.get(Request("http://feeds.example.org/feed"), now=NOW)
        second = refused(fetcher, "http://feeds.example.org/feed")

    assert first.body == b"<rss/>"
    assert "stands for 127.0.0.1, which is not a public address" in str(second)
    assert internet.dialled == [SOMEWHERE]
    assert other_site.asked == []


@pytest.mark.parametrize("private", ["10.0.0.1", "::1", "::ffff:169.254.169.254", "64:ff9b::a00:1"])
def test_t39_one_private_address_among_public_ones_is_enough_to_refuse_a_name(
    private: str, new_fetcher: Callable[..., Fetcher]
) -> None:
    internet = Internet()
    internet.names["feeds.example.org"] = [[SOMEWHERE, private]]

    error = refused(new_fetcher(allow_private=False, network=internet), "http://feeds.example.org/")

    assert f"stands for {private}" in str(error)
    assert internet.dialled == []


def test_t39_each_redirect_looks_its_own_name_up(site: Site, new_fetcher: Callable[..., Fetcher]) -> None:
    internet = Internet()
    internet.put("feeds.example.org", site.port)
    internet.names["inner.example.org"] = [["192.168.0.1"]]
    site.put("/feed", b"", status=302, Location="http://inner.example.org/")

    error = refused(new_fetcher(allow_private=False, network=internet), "http://feeds.example.org/feed")

    assert "inner.example.org stands for 192.168.0.1" in str(error)
    assert internet.dialled == [SOMEWHERE]


def test_t41_a_name_server_that_does_not_answer_is_not_waited_for(
    new_fetcher: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(30) and [])
    fetcher = new_fetcher(limits=Limits(connect=0.2, pause=0))

    error = refused(fetcher, "http://feeds.example.org/")

    assert "could not be looked up within 0.2 seconds" in str(error)
    assert not answered.is_set()
    answered.set()


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "http://a:b@example.org/"])
def test_a_redirect_to_anything_but_a_web_page_is_refused(target: str, site: Site, fetcher: Fetcher) -> None:
    site.put("/feed", b"", status=301, Location=target)

    refused(fetcher, site.url + "/feed")

    assert len(site.asked) == 1


def test_redirects_are_followed_to_the_fifth(site: Site, fetcher: Fetcher) -> None:
    for hop, status in enumerate((301, 302, 303, 307, 308)):
        site.put(f"/{hop}", b"", status=status, Location=f"{hop + 1}")
    site.put("/5", "<rss/>")

    answer = fetcher.get(Request(site.url + "/0", etag='"x"'), now=NOW)

    assert answer.url == site.url + "/5"
    assert answer.body == b"<rss/>"


def test_f6_a_redirect_loop_ends(site: Site, fetcher: Fetcher) -> None:
    site.put("/feed", b"", status=302, Location="/feed")

    assert "more than 5 redirects" in str(refused(fetcher, site.url + "/feed"))
    assert len(site.asked) == 6


def test_the_body_of_a_redirect_is_not_read(site: Site, new_fetcher: Callable[..., Fetcher]) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    site.put("/feed", bomb, status=302, Location="/there", Content_Encoding="gzip")
    site.put("/there", "<rss/>")

    assert new_fetcher().get(Request(site.url + "/feed"), now=NOW).body == b"<rss/>"


def test_a_host_that_does_not_exist_is_named(fetcher: Fetcher) -> None:
    assert "no such host: nowhere.test" in str(refused(fetcher, "http://nowhere.test/feed"))


def test_a_closed_port_is_named(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert f"no connection to 127.0.0.1:{port} (connection refused)" in str(
        refused(fetcher, f"http://127.0.0.1:{port}/")
    )


# --- how much we take -------------------------------------------------------------------------------------------------


def test_f11_a_body_over_the_limit_is_refused(site: Site, fetcher: Fetcher) -> None:
    url = site.put("/feed", b"x" * (QUICK.body + 1))

    assert "larger than" in str(refused(fetcher, url))


def test_t_41_what_comes_is_limited_apart_from_what_it_unpacks_to(
    site: Site, new_fetcher: Callable[..., Fetcher]
) -> None:
    fetcher = new_fetcher(limits=Limits(wire=1_000, body=50_000, pause=0))
    plain = site.put("/plain", b"x" * 2_000)
    packed = site.put("/packed", gzip.compress(b"x" * 20_000), Content_Encoding="gzip")

    assert "larger than" in str(refused(fetcher, plain))
    assert len(fetcher.get(Request(packed), now=NOW).body) == 20_000


def test_t_41_honest_text_that_packs_well_is_read(site: Site, new_fetcher: Callable[..., Fetcher]) -> None:
    """A feed whose entries look alike packs to a twentieth and less: that is why the limit is not 20:1."""
    feed = "".join(
        f"<item><title>Reading {n} of the gauge</title><link>https://x.example.org/{n}</link></item>"
        for n in range(30_000)
    )
    packed = gzip.compress(feed.encode(), 9)
    url = site.put("/feed", packed, Content_Encoding="gzip")

    answer = new_fetcher(limits=Limits(pause=0)).get(Request(url), now=NOW)

    assert len(answer.body) / len(packed) > 10
    assert answer.body == feed.encode()


def test_an_endless_body_is_refused(fetcher: Fetcher) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    with raw(flood) as url:
        assert "larger than" in str(refused(fetcher, url))


def test_gzip_is_decoded(site: Site, fetcher: Fetcher) -> None:
    members = gzip.compress(b"<rss>") + gzip.compress(b"</rss>") + b"\0\0"
    url = site.put("/feed", members, Content_Encoding="gzip")

    assert fetcher.get(Request(url), now=NOW).body == b"<rss></rss>"


def test_a_gzip_bomb_is_refused_without_being_unpacked(site: Site, fetcher: Fetcher, log: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"0" * 1_000_000) for _ in range(150)) + packer.flush()
    url = site.put("/feed", bomb, Content_Encoding="gzip")

    error = refused(fetcher, url)

    assert len(bomb) < QUICK.body
    assert "larger than" in str(error)
    assert json.loads(log.read_text())["bytes"] <= 65_536  # the first piece was enough


@pytest.mark.parametrize("encoding", ["compress", "deflate", "gzip, gzip", "br, gzip"])
def test_f12_an_encoding_that_was_not_asked_for_is_refused(encoding: str, site: Site, fetcher: Fetcher) -> None:
    url = site.put("/feed", b"x", Content_Encoding=encoding)

    assert "which we did not ask for" in str(refused(fetcher, url))


def test_a_body_that_is_no_gzip_is_refused(site: Site, fetcher: Fetcher) -> None:
    url = site.put("/feed", b"<rss/>", Content_Encoding="gzip")

    assert "its compression (gzip) is broken" in str(refused(fetcher, url))


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"<rss/>" * 100, mtime=0)[:-12],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<rss>",
    ],
    ids=["length", "chunks", "gzip", "broken chunk"],
)
def test_half_an_answer_is_no_answer(sent: bytes, fetcher: Fetcher) -> None:
    with raw(lambda connection: connection.sendall(sent)) as url:
        error = str(refused(fetcher, url))

    assert "cut off" in error or "broke off" in error


@pytest.mark.parametrize("sent", [b"", b"220 mail.example.org ESMTP\r\n", b"HTTP/1.1 banana\r\n\r\n"])
def test_what_is_no_http_is_refused(sent: bytes, fetcher: Fetcher) -> None:
    with raw(lambda connection: connection.sendall(sent)) as url:
        error = str(refused(fetcher, url))

    assert "it is tried again next time" in error


def test_endless_headers_are_refused(fetcher: Fetcher) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            connection.sendall(b"X-%d: y\r\n" % number)

    with raw(talk) as url:
        refused(fetcher, url)


# --- how long we wait -------------------------------------------------------------------------------------------------


def test_silence_is_not_waited_for(new_fetcher: Callable[..., Fetcher]) -> None:
    fetcher = new_fetcher(limits=Limits(silence=0.3, total=120, pause=0))
    told = threading.Event()

    with raw(lambda connection: told.wait(100)) as url:
        try:
            error = refused(fetcher, url)
        finally:
            told.set()

    assert "silent for 0.3 seconds" in str(error)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_drips_is_cut_off_when_time_is_over(first: bytes, new_fetcher: Callable[..., Fetcher]) -> None:
    fetcher = new_fetcher(limits=Limits(silence=60, total=0.5, pause=0))
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(first)
        while not over.wait(0.05):
            connection.sendall(b"x")

    with raw(drip) as url:
        try:
            error = refused(fetcher, url)  # or it would drip for ever
        finally:
            over.set()

    # On a busy machine the time may be over before the first drop is read, in a wait that was cut short.
    assert re.search(r"not finished within 0\.5 seconds|silent for", str(error))


def test_f5_one_request_at_a_time_per_host_and_a_pause_between(site: Site, new_fetcher: Callable[..., Fetcher]) -> None:
    fetcher = new_fetcher(limits=Limits(pause=0.2))
    urls = [site.put(f"/{number}", "<rss/>") for number in range(4)]
    threads = [threading.Thread(target=fetcher.get, args=(Request(url),), kwargs={"now": NOW}) for url in urls]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    times = sorted(asked.at for asked in site.asked)
    assert len(times) == 4
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.19


# --- what servers ask of us -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Mon, 23 Nov 2026 10:00:00 GMT", 3600),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0),
        ("99999999999999999999", 30 * 86400),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_f4_retry_after_is_read_as_seconds_and_as_a_date(
    status: int, value: str, seconds: int, site: Site, fetcher: Fetcher
) -> None:
    url = site.put("/feed", b"", status=status, Retry_After=value)

    error = refused(fetcher, url)

    assert error.status == status
    assert error.retry_after == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Cache_Control": "public, max-age=7200"}, 7200),
        ({"Cache_Control": "max-age=7200", "Age": "200"}, 7000),
        ({"Cache_Control": "s-maxage=9, no-cache, max-age=7200"}, 0),
        ({"Cache_Control": "s-max-age=5"}, 0),
        ({"Expires": "Mon, 23 Nov 2026 12:00:00 GMT", "Cache_Control": "max-age=60"}, 60),
        ({"Expires": "0"}, 0),
        ({"Expires": "-1", "Cache_Control": "max-age=banana"}, 0),
        ({"Cache_Control": "max-age=999999999"}, 30 * 86400),
    ],
)
def test_f3_freshness_is_read_from_cache_control_and_expires(
    headers: dict[str, str], seconds: int, site: Site, fetcher: Fetcher
) -> None:
    url = site.put("/feed", "<rss/>", **headers)

    assert fetcher.get(Request(url), now=NOW).fresh_for == dt.timedelta(seconds=seconds)


def test_f3_expires_is_counted_from_the_servers_own_clock(fetcher: Fetcher) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jun 2026 10:00:00 GMT\r\nExpires: Mon, 01 Jun 2026 11:00:00 GMT\r\n"
        b"Content-Length: 6\r\n\r\n<rss/>"
    )

    with raw(lambda connection: connection.sendall(answer)) as url:
        assert fetcher.get(Request(url), now=NOW).fresh_for == dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "not found"),
        (410, "gone for good"),
        (403, "does not let us in"),
        (500, "its server fails"),
        (204, "answers 204"),
    ],
)
def test_each_status_has_plain_words_and_nothing_of_the_body(
    status: int, words: str, site: Site, fetcher: Fetcher
) -> None:
    url = site.put("/feed", b"" if status == 204 else b"stack trace with secrets", status=status)

    error = refused(fetcher, url)

    assert error.status == status
    assert words in str(error)
    assert url in str(error)
    assert "secrets" not in str(error)


# --- the log ----------------------------------------------------------------------------------------------------------


def test_f14_every_fetch_leaves_one_line(site: Site, fetcher: Fetcher, log: Path) -> None:
    site.put("/feed", gzip.compress(b"<rss/>" * 50), Content_Encoding="gzip")
    site.put("/same", b"", status=304)

    fetcher.get(Request(site.url + "/feed"), now=NOW)
    fetcher.get(Request(site.url + "/same", etag='"x"'), now=NOW)
    refused(fetcher, site.url + "/none")

    first, second, third = (json.loads(line) for line in log.read_text().splitlines())
    assert first["decision"] == "fetched"
    assert first["decoded"] == 300
    assert 0 < first["bytes"] < 100
    assert first["validator"] == []
    assert (second["status"], second["validator"], second["decision"]) == (304, ["etag"], "unchanged")
    assert (third["status"], third["decision"]) == (404, "failed")
    assert {"at", "url", "ms", "error"} <= set(third)


# --- many at a time ---------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_wishes_whichever_host_is_slow(
    site: Site, other_site: Site, fetcher: Fetcher
) -> None:
    both = threading.Barrier(2, timeout=60)

    def slow(asked: Asked) -> Page:
        both.wait()  # for the other host: it is asked meanwhile
        return Page(b"slow")

    def quick(asked: Asked) -> Page:
        both.wait()
        return Page(b"quick")

    site.pages["/slow"], other_site.pages["/quick"] = slow, quick
    site.put("/second", "second")
    localhost = (other_site.url + "/quick").replace("127.0.0.1", "localhost")
    wanted = [Request(site.url + "/slow"), Request(localhost), Request(site.url + "/second")]

    answers = list(fetch_all(fetcher, wanted, now=NOW))

    assert [answer.body for answer in answers if isinstance(answer, Answer)] == [b"slow", b"quick", b"second"]
    assert not both.broken


def test_f4_a_host_that_asks_us_to_wait_is_not_asked_for_its_other_feeds(
    site: Site, other_site: Site, fetcher: Fetcher
) -> None:
    site.put("/a", b"", status=429, Retry_After="600")
    site.put("/b", "<rss/>")
    elsewhere = other_site.put("/c", "<rss/>").replace("127.0.0.1", "localhost")

    first, second, third = fetch_all(
        fetcher, [Request(site.url + "/a"), Request(site.url + "/b"), Request(elsewhere)], now=NOW
    )

    assert isinstance(first, NotHad)
    assert isinstance(second, NotHad)
    assert (first.status, second.status) == (429, None)
    assert second.retry_after == dt.timedelta(minutes=10)
    assert isinstance(third, Answer)
    assert site.count("/b") == 0


def test_a_log_that_cannot_be_written_ends_the_run_in_words(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fetch.jsonl").mkdir()
    fetcher = Fetcher(user_agent="x", allow_private=True, log=tmp_path / "fetch.jsonl", limits=QUICK)
    urls = [site.put(f"/{number}", "<rss/>") for number in range(3)]

    with pytest.raises(StoreError, match="the journal of fetches cannot be written"):
        list(fetch_all(fetcher, [Request(url) for url in urls], now=NOW))

    assert len(site.asked) == 1


def test_a_run_that_is_ended_asks_for_nothing_more(site: Site, fetcher: Fetcher) -> None:
    def slow(asked: Asked) -> Page:
        time.sleep(0.2)
        return Page(b"<rss/>")

    site.put("/0", "<rss/>")
    site.pages.update({f"/{number}": slow for number in range(1, 20)})
    urls = [f"{site.url}/{number}" for number in range(20)]
    answers = fetch_all(fetcher, [Request(url) for url in urls], now=NOW)
    next(answers)
    answers.close()

    assert len(site.asked) < 20  # two or three, on a machine that is not busy


def test_hosts_are_compared_without_case_and_port() -> None:
    assert host_of("HTTP://Example.ORG.:80/x") == "example.org"
    assert host_of("http://[::1]:8000/") == "::1"
    assert host_of("http://[broken") == ""
