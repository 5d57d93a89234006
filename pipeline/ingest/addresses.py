"""Which addresses we fetch from: web addresses on public machines, checked as a name and again as the number it stands for.

Not `ipaddress.is_global`: on Python 3.11 it lets through NAT64, 6to4, site-local and IPv4-compatible addresses. The tables are
those of IANA (special-purpose registries, RFC 6890), read as "not listed as special".
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from pipeline.errors import FetchError

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]

PORTS: Final = frozenset({80, 443})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PRIVATE_ENDINGS: Final = (".local", ".internal", ".localhost", ".onion", ".arpa", ".lan", ".home", ".corp")
_STRAY: Final = re.compile(r"[\x00-\x20\x7f\\]")

_SPECIAL_4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; cloud metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")  # the rest is special or not given out; NAT64 lies there
_SPECIAL_6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
)


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Raise `FetchError` unless *url* is a web address that may be a public one; says nothing of where its name leads."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise FetchError(f"{url!r} is not a web address ({error}); mend it") from error
    if parts.scheme not in ("http", "https") or not host or _STRAY.search(url):
        raise FetchError(f"{url!r} is not a web address; it must begin with https:// or http:// and hold no blanks")
    if "@" in parts.netloc:
        raise FetchError(f"{parts.scheme}://{host}: the address holds a user name or password; leave it out")
    if len(host) > 253:
        raise FetchError("the address's host is longer than 253 characters; mend it")
    if allow_private:
        return
    if (port or _DEFAULT_PORTS[parts.scheme]) not in PORTS:
        raise FetchError(f"{url}: port {port} is not fetched from; only 80 and 443 are, unless allow_private is set")
    if _is_number(host):
        return  # judged when it is dialled
    if "." not in host or f".{host.lower()}".endswith(_PRIVATE_ENDINGS):
        raise FetchError(f"{url}: {host} is a name of a private network; set allow_private to fetch from there")


def resolve(host: str, port: int, *, allow_private: bool = False) -> list[Address]:
    """The addresses of *host*, to be dialled as they are: looking the name up again could give others (DNS rebinding).

    Raises `FetchError` when the name is unknown, or when any one of its addresses is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"no such host: {host}; check the address, and that this machine has a network") from error
    addresses = list(dict.fromkeys((family, place) for family, _, _, _, place in found))
    if not allow_private:
        for _, place in addresses:
            if not is_public(str(place[0])):
                raise FetchError(
                    f"{host} stands for {place[0]}, which is not a public address; set allow_private to fetch from there"
                )
    return addresses  # type: ignore[return-value]  # typeshed widens the place to tuples of any


def is_public(address: str) -> bool:
    """True for an IP address that lies in the public internet."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        if number.ipv4_mapped:
            return is_public(str(number.ipv4_mapped))
        return number in _GLOBAL_6 and not any(number in network for network in _SPECIAL_6)
    return not any(number in network for network in _SPECIAL_4)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
