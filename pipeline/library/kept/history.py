"""The history of the articles, asked of Git once for each last commit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.library.history import History, Version, last_commit, open_history
from pipeline.library.kept.index import read_table, write_table


def kept_history(root: Path, file: Path, version: str) -> History:
    """As `open_history`; kept in *file* until there is another last commit."""
    known = last_commit(root)
    if known is None:
        return open_history(root)
    table, _ = read_table(file, version)
    if table.get("of") == list(known):
        return _history(root, table)
    history = replace(open_history(root), told=known)
    if not history.note or history.is_cut:
        write_table(file, {"of": list(known), **_packed(history)}, version)
    return history


def _packed(history: History) -> dict[str, Any]:
    versions = {
        path: [(v.commit, int(v.at.timestamp()), v.author, v.path, v.blob, v.message) for v in chain]
        for path, chain in history.versions.items()
    }
    return {"versions": versions, "note": history.note, "prefix": history.prefix, "is_cut": history.is_cut}


def _history(root: Path, table: dict[str, Any]) -> History:
    return History(
        root.resolve(),
        versions=_Chains(table["versions"]),
        note=table["note"],
        prefix=table["prefix"],
        is_cut=table["is_cut"],
        told=tuple(table["of"]),
    )


class _Chains(dict[str, Any]):
    """The versions of each article, made when they are asked for."""

    def __getitem__(self, path: str) -> tuple[Version, ...]:
        return _made(super().__getitem__(path))

    def get(self, path: str, default: Any = None) -> Any:
        found = super().get(path)
        return default if found is None else _made(found)

    def items(self) -> Any:
        return [(path, _made(chain)) for path, chain in super().items()]

    def values(self) -> Any:
        return [_made(chain) for chain in super().values()]


def _made(chain: list[Any]) -> tuple[Version, ...]:
    return tuple(
        Version(commit, dt.datetime.fromtimestamp(at, dt.UTC), author, path, blob, message)
        for commit, at, author, path, blob, message in chain
    )
