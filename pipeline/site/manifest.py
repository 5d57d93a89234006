"""What stands in a site's folder, as the last build left it: loose files, and bundles of files that are looked at together.

Nearly all files of a site are an article's or the page of a source, and nearly none of those change: so what is known of the files
of an article, and of the pages of all sources, is kept packed, under one fingerprint of all that they are made of, and unpacked
only where that is another one.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from pipeline.packing import with_at_hand

Files: TypeAlias = Mapping[str, tuple[bytes, bytes]]  # by path: what a file was made of, and the SHA-256 of its bytes
# By the place of each article from the oldest, in this order: the fingerprint of what lists show of it, and the places of those
# that are related to it.
Related: TypeAlias = Mapping[int, tuple[bytes, tuple[int, ...]]]
SOURCES: Final = "sources/"  # the bundle of the pages of sources; no article is called so
CLAIMS_FILE: Final = "claims.json"  # the name of an article's claims file


class Bundle(NamedTuple):
    """The files of one article, or the pages of all sources."""

    made_of: bytes  # a fingerprint of what all of them are made of
    mark: bytes  # of their paths and bytes
    claims: bytes  # the SHA-256 of the article's claims file, which is told beside those of all others
    number: int
    packed: bytes

    @property
    def files(self) -> dict[str, tuple[bytes, bytes]]:
        return {path: (made_of, sha256) for path, made_of, sha256 in marshal.loads(self.packed)}  # noqa: S302 -- our own values


def bundle_of(made_of: bytes, files: Files) -> Bundle:
    """The *files* of a bundle as they are kept."""
    packed = marshal.dumps([(path, *known) for path, known in files.items()])
    claims = next((sha256 for path, (_, sha256) in files.items() if path.endswith(f"/{CLAIMS_FILE}")), b"")
    return Bundle(made_of, hashlib.sha256(_told(files)).digest(), claims, len(files), packed)


@dataclass(frozen=True)
class Manifest:
    """What the files of a site were made of."""

    whole: bytes = b""  # what all of them were made of: settings, templates, code, versions
    loose: Files = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)  # by the slug of an article; and `SOURCES`
    said: tuple[str, ...] = ()  # what MkDocs had to say of the pages of content/pages
    related: Related = field(default_factory=dict)

    @cached_property
    def mark(self) -> str:
        """One hash of all files; one that was kept has it at hand."""
        told = b"".join(name.encode() + b"\0" + bundle.mark for name, bundle in sorted(self.bundles.items()))
        return hashlib.sha256(_told(self.loose) + told).hexdigest()

    def __len__(self) -> int:
        return len(self.loose) + sum(bundle.number for bundle in self.bundles.values())

    def all_files(self) -> dict[str, tuple[bytes, bytes]]:
        """Every file; all bundles are unpacked."""
        return dict(self.loose) | _unpacked(self.bundles.values())

    def beside(self, other: Manifest) -> tuple[Files, Files]:
        """The files of this one and those of the *other*, without the bundles that both have."""
        return self._without(other), other._without(self)

    def _without(self, other: Manifest) -> Files:
        theirs = other.bundles
        mine = (bundle for name, bundle in self.bundles.items() if theirs.get(name) != bundle)
        return dict(self.loose) | _unpacked(mine)

    def values(self) -> dict[str, Any]:
        """It as the parts of a table, out of which `manifest_of` makes it again."""
        return {
            "whole": self.whole,
            "loose": dict(self.loose),
            "bundles": dict(self.bundles),
            "said": list(self.said),
            "related": dict(self.related),
            "mark": self.mark,
        }


def manifest_of(values: Mapping[str, Any]) -> Manifest:
    made = Manifest(values["whole"], values["loose"], values["bundles"], tuple(values["said"]), values["related"])
    return with_at_hand(made, mark=values["mark"])


def claims_of(made: Mapping[str, bytes], old: Manifest) -> dict[str, bytes]:
    """By slug, the SHA-256 of each claims file: of the *old* ones, and of those among the files *made* just now, by path."""
    found = {slug: bundle.claims for slug, bundle in old.bundles.items() if bundle.claims}
    return found | {slug_in(path): sha256 for path, sha256 in made.items() if path.endswith(f"/{CLAIMS_FILE}")}


def bundle_in(path: str) -> str:
    """The bundle in which the file *path* would be: the slug of an article, or `SOURCES`; empty for any other file."""
    folder, _, rest = path.partition("/")
    is_of_source = folder == "sources" and rest.partition("/")[2] == "index.html"
    return SOURCES if is_of_source else slug_in(path)


def slug_in(path: str) -> str:
    """The slug of the article below whose address *path* stands; empty for any other file."""
    folder, _, rest = path.partition("/")
    slug, slash, _ = rest.partition("/")
    return slug if folder == "articles" and slash else ""


def _told(files: Files) -> bytes:
    return b"".join(path.encode("utf-8", "surrogatepass") + b"\0" + known[1] for path, known in sorted(files.items()))


def _unpacked(bundles: Iterable[Bundle]) -> dict[str, tuple[bytes, bytes]]:
    return {path: known for bundle in bundles for path, known in bundle.files.items()}
