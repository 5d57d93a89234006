"""Whose host it is, by the Public Suffix List that comes with `publicsuffixlist`: nothing is asked of the network.

The list knows under which names anybody may register one (`co.uk`), and which firms give names away to their customers
(`github.io`, its private part). Chosen before tldextract: it has no dependencies, and no code that fetches a newer list by itself.
"""

from __future__ import annotations

import functools

from publicsuffixlist import PublicSuffixList


def site_of(host: str) -> str:
    """The name that the owner of *host* registered or was given: ``example.co.uk`` of ``news.example.co.uk``, and the whole of
    ``someone.github.io``. A number, a single label or a public suffix is its own."""
    return _registered(host, shared=False)


def operator_of(host: str) -> str:
    """The registered name of whoever runs *host*: ``github.io`` of ``someone.github.io``, for its customers share its machines."""
    return _registered(host, shared=True)


@functools.lru_cache(maxsize=10_000)
def _registered(host: str, *, shared: bool) -> str:
    host = host.lower().rstrip(".")
    if ":" in host or host.rpartition(".")[2].isdecimal():  # an IP address
        return host
    return _suffixes(only_icann=shared).privatesuffix(host) or host


@functools.lru_cache(maxsize=2)
def _suffixes(*, only_icann: bool) -> PublicSuffixList:
    """The list, read when it is first asked: it takes 80 ms."""
    return PublicSuffixList(only_icann=only_icann)
