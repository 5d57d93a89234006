"""Which addresses we fetch from: web addresses on public machines, checked as a name and again as the number it stands for.

An address is read once, by a parser that reads it as browsers do (WHATWG URL), and what comes of it is what is dialled and asked
for; urllib reads some addresses otherwise than servers do, and that is how private machines are reached.

Not `ipaddress.is_global`: on Python 3.11 it lets through NAT64, 6to4, site-local and IPv4-compatible addresses. The tables are
those of IANA (special-purpose registries, RFC 6890), read as "not listed as special".
"""

from __future__ import annotations

import functools
import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import can_ada
import certifi

from pipeline.errors import FetchError

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]

PORTS: Final = frozenset({80, 443})
LONGEST: Final = 4_096  # characters of an address
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PRIVATE_ENDINGS: Final = tuple(
    ".local .localhost .localdomain .internal .intranet .private .lan .home .corp .onion .arpa".split()
)
_ALLOW: Final = "use --allow-private, or set allow_private, to fetch from there"

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


# --- addresses as they are written ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A web address, read: where to connect, and what to ask for there."""

    url: str  # in its normal form, without a fragment
    scheme: str  # http or https
    host: str  # in ASCII and lower case; a number in its usual form, IPv6 without brackets
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """The host as `Host` names it (RFC 9110 7.2): with its port where that is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def read_url(url: str, *, base: Place | None = None, allow_private: bool = False) -> Place:
    """*url* read once and for all, relative to *base* where there is one (T-38).

    Raises `FetchError` unless it is a web address that may be a public one; where its name leads is another question.
    """
    if len(url) > LONGEST:
        raise FetchError(f"an address is longer than {LONGEST:,} characters; mend it")
    try:
        parsed = can_ada.parse(url) if base is None else can_ada.parse(base.url) + url
    except (ValueError, TypeError) as error:  # TypeError: half a surrogate pair
        raise FetchError(f"{url!a} is not a web address; mend it") from error
    scheme, host, port = parsed.protocol.removesuffix(":"), parsed.hostname.strip("[]").rstrip("."), parsed.port
    whole, target, has_user = parsed.href.partition("#")[0], parsed.pathname + parsed.search, parsed.has_credentials()
    # An error that ends a command keeps what stands here, and nanobind prints all that it finds kept at the end.
    del parsed
    if scheme not in _DEFAULT_PORTS:
        raise FetchError(f"{url!a} is not a web address; it must begin with https:// or http://")
    if has_user:
        raise FetchError(f"{scheme}://{host}: the address holds a user name or password; leave it out")
    if not host or len(host) > 253:
        raise FetchError("the address's host is empty or longer than 253 characters; mend it")
    place = Place(
        url=whole,
        scheme=scheme,
        host=host,
        port=int(port) if port else _DEFAULT_PORTS[scheme],
        target=target,
    )
    if not allow_private:
        _may_be_public(place)
    return place


def host_of(url: str) -> str:
    """The host of *url* in lower case, "" where it has none."""
    try:
        return can_ada.parse(url).hostname.strip("[]").rstrip(".")
    except (ValueError, TypeError):
        return ""


def without_password(url: str) -> str:
    """*url* for a log: with neither user name nor password, and no longer than an address may be."""
    try:
        parsed = can_ada.parse(url)
    except (ValueError, TypeError):
        return ascii(url[:LONGEST].rpartition("@")[2])
    parsed.username = parsed.password = ""
    return parsed.href[:LONGEST]


def _may_be_public(place: Place) -> None:
    if place.port not in PORTS:
        raise FetchError(
            f"{place.url}: port {place.port} is not fetched from; only 80 and 443 are, unless private addresses are "
            f"allowed: {_ALLOW}"
        )
    if _is_number(place.host):
        if not is_public(place.host):
            raise FetchError(f"{place.url}: {place.host} is not a public address; {_ALLOW}")
    elif "." not in place.host or f".{place.host}".endswith(_PRIVATE_ENDINGS):
        raise FetchError(f"{place.url}: {place.host} is a name of a private network; {_ALLOW}")


# --- addresses as they are dialled ------------------------------------------------------------------------------------


class Network:
    """The network of this machine: looks names up, connects to addresses, and knows whom to trust. Tests bring their own."""

    @functools.cached_property
    def tls(self) -> ssl.SSLContext:
        """TLS of 1.2 or newer, verified (T-42)."""
        context = ssl.create_default_context(cafile=certifi.where())
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def lookup(self, host: str, port: int, *, seconds: float) -> Sequence[Address]:
        """All addresses of *host*, A and AAAA. Raises `OSError`, of which `TimeoutError` is one."""
        if _is_number(host):
            return _getaddrinfo(host, port)
        # In a thread, for the system's resolver cannot be told when to give up; one that hangs ends by itself, later.
        found: queue.Queue[Sequence[Address] | BaseException] = queue.Queue(1)

        def ask() -> None:
            try:
                found.put(_getaddrinfo(host, port))
            except (OSError, UnicodeError) as error:
                found.put(error)

        threading.Thread(target=ask, daemon=True, name=f"look up {host}").start()
        try:
            answer = found.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"looking {host} up took longer than {seconds:g} seconds") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def connect(self, address: Address, *, seconds: float) -> socket.socket:
        """A connection to that very *address*. Raises `OSError`."""
        family, place = address
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds)
            connection.connect(place)
        except BaseException:
            connection.close()
            raise
        return connection


def resolve(
    host: str, port: int, *, network: Network, seconds: float, allow_private: bool = False
) -> Sequence[Address]:
    """The addresses of *host*, to be dialled as they are: looking the name up again could give others (DNS rebinding, T-39).

    Raises `FetchError` when the name is unknown, or when any one of its addresses is not public.
    """
    try:
        addresses = network.lookup(host, port, seconds=seconds)
    except TimeoutError as error:
        raise FetchError(
            f"{host} could not be looked up within {seconds:g} seconds; it is tried again next time"
        ) from error
    except (OSError, UnicodeError) as error:
        raise FetchError(f"no such host: {host}; check the address, and that this machine has a network") from error
    if not allow_private:
        for _, place in addresses:
            if not is_public(str(place[0])):
                raise FetchError(f"{host} stands for {place[0]}, which is not a public address; {_ALLOW}")
    return addresses


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


def _getaddrinfo(host: str, port: int) -> Sequence[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys((family, place) for family, _, _, _, place in found)
    return list(addresses)  # type: ignore[arg-type]  # typeshed widens the place to tuples of any


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
