"""Who asks: the client's address, read from X-Forwarded-For only where a proxy that we trust wrote it, and cut to its network;
and what its program calls itself.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
from collections.abc import Sequence

from starlette.requests import HTTPConnection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

AGENT_LENGTH = 120  # characters kept of a browser's own description

log = logging.getLogger("opensignal")

_told: set[str] = set()  # proxies of which the log has heard


def client_of(connection: HTTPConnection, proxies: Networks) -> Address | None:
    """The client's address. None where there is none, as behind a Unix socket."""
    peer = parse(connection.client.host) if connection.client else None
    forwarded = connection.headers.getlist("x-forwarded-for")
    if peer is None or not forwarded:
        return peer
    if not is_in(peer, proxies):
        _tell_of_proxy(peer)
        return peer
    client = peer
    # Each proxy adds at the right whom it saw. The first that is no proxy of ours is the client; left of it, anybody can write.
    for hop in reversed(",".join(forwarded).split(",")):
        found = parse(hop.strip())
        if found is None:
            return client
        client = found
        if not is_in(client, proxies):
            return client
    return client


@functools.lru_cache(maxsize=20_000)
def parse(text: str) -> Address | None:
    """The address that *text* is, with or without a port; an IPv4 address in IPv6 clothes is the former."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks if network.version == address.version)


@functools.lru_cache(maxsize=20_000)
def network_of(address: Address) -> str:
    """Whose limits are shared: a /24, or a /64 of IPv6, which one customer has at least."""
    return _cut(address, 24 if address.version == 4 else 64)


@functools.lru_cache(maxsize=20_000)
def trace_of(address: Address) -> str:
    """As much of the address as is kept with a consent: a /24, or a /48."""
    return _cut(address, 24 if address.version == 4 else 48).partition("/")[0]


def agent_of(connection: HTTPConnection) -> str | None:
    """As much of the browser's own description as is kept with a consent."""
    return connection.headers.get("user-agent", "")[:AGENT_LENGTH] or None


def _cut(address: Address, bits: int) -> str:
    return str(ipaddress.ip_network((address, bits), strict=False))


def _tell_of_proxy(peer: Address) -> None:
    """Behind a proxy that we do not know all visitors are one client, who may sign up five times in ten minutes."""
    if (peer.is_loopback or peer.is_private) and str(peer) not in _told and len(_told) < 10:
        _told.add(str(peer))
        log.warning("web: %s sends X-Forwarded-For; if it is your web server, set trusted_proxies to %s", peer, peer)
