"""When two web addresses are one: what feeds and editors write, in the same form, without the parameters that track readers."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

# Parameters that tell who sent the reader and change nothing on the page. Whole names, or beginnings that end in "_".
_TRACKING_NAMES: Final = (
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igshid igsh li_fat_id mkt_tok mc_cid mc_eid _hsenc _hsmi "
    "__hssc __hstc __hsfp hsctatracking vero_id vero_conv oly_enc_id oly_anon_id wickedid s_cid ncid cmpid _openstat rb_clickid "
    "soc_src soc_trk at_medium at_campaign ref_src ref_url guccounter sr_share"
)
_TRACKING: Final = frozenset(_TRACKING_NAMES.split())
_TRACKING_BEGINNINGS: Final = ("utm_", "pk_", "piwik_", "mtm_", "hsa_", "wt_")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def canonical_url(address: str) -> str:
    """*address* as every feed would write it: host in lower case, no fragment, no default port, no tracking parameters.

    The order of the other parameters is kept: on some sites it matters.
    """
    parts = urlsplit(address)
    query = "&".join(pair for pair in _pairs(parts) if not _tracks(pair))
    return urlunsplit((parts.scheme, _host(parts), parts.path or "/", query, ""))


def page_key(address: str) -> str:
    """What the addresses of one page nearly always have in common: the canonical one without scheme, ``www.`` and last slash."""
    parts = urlsplit(canonical_url(address))
    return urlunsplit(("", parts.netloc.removeprefix("www."), parts.path.rstrip("/"), parts.query, ""))


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
