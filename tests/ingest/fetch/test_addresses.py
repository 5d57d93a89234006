"""Which numbers are public (T-39): what `ipaddress.is_global` lets through on some Pythons too."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FetchError
from pipeline.ingest.fetch.addresses import is_public, read_url

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1
192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.250 240.0.0.1
255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1
fc00::1 fd00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 2620:4f:8000::1 5f00::1
"""
PUBLIC = """
1.1.1.1 9.9.9.9 93.184.215.14 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 2606:4700::1 2a00:1450::1 ::ffff:1.1.1.1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_what_is_not_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_to_be_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    meant = getattr(address, "ipv4_mapped", None) or address
    private = (meant.is_private, meant.is_multicast, meant.is_loopback, meant.is_link_local, meant.is_reserved)

    if any(private):
        assert not is_public(str(address))


@pytest.mark.parametrize("host", ["", "example.org", "1.2.3", "1.2.3.4.5"])
def test_what_is_no_number_is_not_public(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize(
    "url", ["https://example.org/feed", "http://example.org:80/", "https://93.184.215.14/", "https://[2606:4700::1]/"]
)
def test_plain_addresses_pass(url: str) -> None:
    read_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org:8443/",
        "http://x.localhost/",
        "http://db.internal/",
        "https://wiki.intranet/",
        "https://a.private/",
        "https://b.localdomain/",
        "https://c.lan/",
        "https://d.home/",
        "https://e.corp/",
        "http://1.0.0.127.in-addr.arpa/",
        "http://" + "a." * 130 + "org/",
    ],
)
def test_names_and_ports_of_private_networks_do_not(url: str) -> None:
    with pytest.raises(FetchError):
        read_url(url)


@pytest.mark.parametrize("url", ["https://example.org:8443/", "ftp://example.org/", "https://me:secret@example.org/"])
def test_a_refused_address_leaves_nothing_that_is_complained_of_at_the_end(url: str) -> None:
    """What nanobind finds alive when a process ends it prints in twenty lines, below the one that says what is wrong."""
    with pytest.raises(FetchError) as caught:
        read_url(url)

    held = [value for entry in caught.traceback for value in entry.frame.f_locals.values()]
    assert not any(type(value).__module__.startswith("can_ada") for value in held)


def test_a_private_network_can_be_allowed() -> None:
    read_url("http://printer.local:8080/feed", allow_private=True)
