"""Where the links of posts lead once the posts are here: from one of the newsletter's own to the article that it became."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from pipeline.library.clean import absolute_url
from pipeline.library.urls import without_tracking
from pipeline.moving.export import Export, Post, path_of
from pipeline.moving.services.ghost import PLACEHOLDER

_IN_TEXT: Final = re.compile(r"https?://([^/\"'\s<>()]+)(/[^\"'?#\s<>()]*)")
_MEDIUM: Final = re.compile(r"(?:-|^/p/)([0-9a-f]{8,16})$")


class OldAddresses:
    """The addresses that the posts of an export had."""

    def __init__(self, export: Export, *, site: str | None) -> None:
        self._by_path: dict[str, Post] = {}
        self._by_id: dict[str, Post] = {}
        self._service = export.service
        hosts = {host for url in (*export.sites, *(post.url for post in export.posts)) if url and (host := _host(url))}
        for post in export.posts:
            self._by_id.setdefault(post.id, post)
            for path in (post.path, *post.also, path_of(post.url or "")):
                if path.strip("/"):
                    self._by_path.setdefault(_key(path), post)
        self.site = site.rstrip("/") if site else next(iter(export.sites), "") if export.service != "medium" else ""
        self.guessed = ""
        if site and (host := _host(site)):
            hosts.add(host)
        elif not hosts and (host := self._likeliest(export.posts)):
            self.guessed, self.site = host, f"https://{host}"
            hosts.add(host)
        self._hosts = hosts

    def url_of(self, post: Post) -> str | None:
        """The whole address of *post*, as far as it is known."""
        url = post.url or (self.site + post.path if self.site and post.path else None)
        address = absolute_url(url) if url else None
        return address if address and address.startswith("http") and not re.search(r"[\s<>\"]", address) else None

    def whole(self, url: str, post: Post) -> str | None:
        """*url*, found in *post*, as a whole address; None where it is none, or is not safe."""
        url = url.strip()
        if url.startswith(PLACEHOLDER):
            url = url.removeprefix(PLACEHOLDER) or "/"
        base = self.url_of(post) or self.site
        try:
            return absolute_url(urljoin(base, url) if base else url)
        except ValueError:
            return None

    def post_at(self, url: str, post: Post) -> Post | None:
        """The post of the newsletter that *url*, found in *post*, leads to."""
        url = url.strip()
        if url.startswith(PLACEHOLDER):
            return self._by_path.get(_key(url.removeprefix(PLACEHOLDER)))
        try:
            parts = urlsplit(urljoin(self.url_of(post) or "", url))
        except ValueError:
            return None
        host = (parts.hostname or "").removeprefix("www.")
        if self._service == "medium" and (found := _MEDIUM.search(parts.path.rstrip("/"))):
            return self._by_id.get(found[1])
        if parts.scheme not in ("", "http", "https") or (host and host not in self._hosts):
            return None
        if self._service == "wordpress" and (id_ := parse_qs(parts.query).get("p")):
            return self._by_id.get(id_[0])
        return self._by_path.get(_key(parts.path))

    def is_elsewhere(self, url: str, post: Post) -> bool:
        """True for a whole address at a host that is none of the newsletter's, where those are known."""
        host = _host(self.whole(url, post) or "")
        return bool(host and self._hosts and host not in self._hosts)

    def elsewhere(self, url: str, post: Post) -> str | None:
        """Where a link leads that is none of the newsletter's own, without what says who sent the reader."""
        address = self.whole(url, post)
        return without_tracking(address) if address else None

    def _likeliest(self, posts: Iterable[Post]) -> str:
        """The host at which most links to posts of this very export lead; Substack's says nowhere which it was."""
        counted = Counter(
            host.lower()
            for post in posts
            for host, path in _IN_TEXT.findall(post.content)
            if _key(path) in self._by_path and self._by_path[_key(path)] is not post
        )
        return counted.most_common(1)[0][0] if counted else ""


def _key(path: str) -> str:
    return unquote(path.partition("?")[0].partition("#")[0]).strip("/").casefold()


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
