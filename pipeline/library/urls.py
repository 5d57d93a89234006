"""When two web addresses are one: what feeds and editors write, in the same form, without the parameters that track readers.

`canonical_url` is an address that can still be fetched, `page_key` names a page whoever serves it: the main site, its pages for
phones, a cache, a mirror.
"""

from __future__ import annotations

import functools
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pipeline.library.domains import site_of

# Parameters that tell who sent the reader and change nothing on the page. Whole names, or beginnings that end in "_".
_TRACKING_NAMES: Final = (
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igshid igsh li_fat_id mkt_tok mc_cid mc_eid _hsenc _hsmi "
    "__hssc __hstc __hsfp hsctatracking vero_id vero_conv oly_enc_id oly_anon_id wickedid s_cid ncid cmpid _openstat rb_clickid "
    "soc_src soc_trk at_medium at_campaign ref_src ref_url guccounter sr_share"
)
_TRACKING: Final = frozenset(_TRACKING_NAMES.split())
_TRACKING_BEGINNINGS: Final = ("utm_", "pk_", "piwik_", "mtm_", "hsa_", "wt_")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# A page for phones and for caches is the page: the first label of its host, the end of its path, a parameter.
_SAME_PAGE_HOSTS: Final = re.compile(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)")
_SAME_PAGE_PATHS: Final = re.compile(r"(?:/amp|[./]amp\.html|\.amp|/index\.(?:html?|php))/?$|/+$|(?<=^/)amp/")
_SAME_PAGE_PAIRS: Final = frozenset({"amp", "amp=1", "amp=true", "outputtype=amp", "view=amp"})
_CACHED: Final = re.compile(
    r"^https?://(?:[^/]+\.cdn\.ampproject\.org/[acv]/|(?:www\.)?google\.[a-z.]+/amp/)(?P<secure>s/)?(?P<page>[^/]+\..*)",
    re.IGNORECASE,
)
# Arc serves each of its newspapers from <owner>-<paper>-<stage>.web.arc-cdn.net too.
_ARC_MIRROR: Final = re.compile(r"^(?:[a-z0-9]+-)?([a-z0-9]+)-prod\.web\.arc-cdn\.net$")


def canonical_url(address: str) -> str:
    """*address* as every feed would write it: host in lower case, no fragment, no default port, no tracking parameters.

    The order of the other parameters is kept: on some sites it matters.
    """
    parts = urlsplit(address)
    query = "&".join(pair for pair in _pairs(parts) if not _tracks(pair))
    return urlunsplit((parts.scheme, _host(parts), parts.path or "/", query, ""))


def without_tracking(address: str) -> str:
    """*address* as it is written, but for the parameters that track readers."""
    if not tracking(address):
        return address
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query="&".join(pair for pair in _pairs(parts) if not _tracks(pair))))


@functools.lru_cache(maxsize=1024)  # each article asks for those of its sources
def page_key(address: str) -> str:
    """What the addresses of one page nearly always have in common, whoever serves it.

    It is the canonical one without scheme, ``www.``, ``m.``, ``amp`` and last slash; of a copy in a cache of Google's, or at a
    mirror whose name tells whose it is, that of the original.
    """
    cached = _CACHED.match(address)
    parts = urlsplit(canonical_url(f"http{'s' if cached['secure'] else ''}://{cached['page']}" if cached else address))
    host = _SAME_PAGE_HOSTS.sub("", _ARC_MIRROR.sub(r"\1.com", parts.netloc))
    query = "&".join(pair for pair in _pairs(parts) if pair.lower() not in _SAME_PAGE_PAIRS)
    return urlunsplit(("", host, _SAME_PAGE_PATHS.sub("", parts.path), query, ""))


def canonical_link(given: str | None, *, page: str) -> str | None:
    """The address that the page at *page* calls its own (``<link rel=canonical>``), where that can be believed.

    It can, when it lies at the same registrable domain and is not the front page: many sites name that on every page.
    """
    if not given:
        return None
    there, here = urlsplit(canonical_url(given)), urlsplit(canonical_url(page))
    if site_of(there.hostname or "") != site_of(here.hostname or ""):
        return None
    is_front = there.path == "/" and not there.query
    return None if is_front and (here.path != "/" or here.query) else urlunsplit(there)


def tracking(address: str) -> tuple[str, ...]:
    """The names of the parameters of *address* that track readers."""
    return tuple(_name(pair) for pair in _pairs(urlsplit(address)) if _tracks(pair))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    try:
        port = parts.port
    except ValueError:  # no number, so nowhere: such an address is only ever the same as itself
        return parts.netloc.lower()
    return f"{host}:{port}" if port and port != _DEFAULT_PORTS.get(parts.scheme) else host


def _pairs(parts: SplitResult) -> list[str]:
    return [pair for pair in parts.query.split("&") if pair]


def _name(pair: str) -> str:
    return pair.partition("=")[0]


def _tracks(pair: str) -> bool:
    name = _name(pair).lower()
    return name in _TRACKING or name.startswith(_TRACKING_BEGINNINGS)
