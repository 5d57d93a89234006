"""Small sites made by hand, what readers see of them, and targets to bring them to."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join, normpath

from pipeline.publish.plan import Step
from pipeline.publish.target import Done, Stop

Files = dict[str, bytes]
URL = "https://deepsignals.example.org/"
_LINK = re.compile(r'(?:href|src)="([^"]+)"')


def a_site(*slugs: str, style: str = "1a2b3c4d5e", said: str = "") -> Files:
    """A home page that lists articles, each with receipts, neighbours, a topic and a style sheet. *said* changes every text."""
    style_sheet = f"assets/css/site-{style}.css"

    def page(*links: str) -> bytes:
        return "\n".join(
            [f"<p>{said}</p>", *(f'<a href="{link}">x</a>' for link in (f"/{style_sheet}", *links))]
        ).encode()

    files = {
        style_sheet: f"/* {style} */".encode(),
        "index.html": page("/archive/", *(f"/articles/{slug}/" for slug in slugs[-3:])),
        "archive/index.html": page(*(f"/articles/{slug}/" for slug in slugs)),
        "feed.xml": "".join(f'<a href="/articles/{slug}/"/>' for slug in slugs).encode(),
        "sitemap.xml": "".join(f'<a href="/articles/{slug}/"/>' for slug in slugs).encode(),
        "robots.txt": b"User-agent: *\n",
    }
    for number, slug in enumerate(slugs):
        around = [f"/articles/{other}/" for other in (*slugs[number - 1 : number], *slugs[number + 1 : number + 2])]
        topic = f"/topics/{slug[0]}/"
        files[f"articles/{slug}/index.html"] = page(*around, f"/articles/{slug}/receipts/", topic)
        files[f"articles/{slug}/receipts/index.html"] = page(f"/articles/{slug}/", f"/articles/{slug}/claims.json")
        files[f"articles/{slug}/claims.json"] = f'["{said}"]'.encode()
        files[f"topics/{slug[0]}/index.html"] = page(*(f"/articles/{s}/" for s in slugs if s[0] == slug[0]))
    return files


def some_site(seed: int) -> Files:
    """A site of its own for each *seed*: articles, words and style differ, so that any two make a publish."""
    chance = random.Random(seed)
    slugs = [name for name in ("ash", "ant", "birch", "bear", "cedar", "crow", "dove") if chance.random() < 0.6]
    return a_site(*slugs, style=chance.choice(["1a2b3c4d5e", "2b3c4d5e6f"]), said=chance.choice(["one", "two"]))


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The built site *files* in *folder*."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(folder: Path) -> Files:
    """Every file of *folder* that is not our own."""
    return {
        name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (name := path.relative_to(folder).as_posix()).startswith(".opensignal")
    }


def dead_links(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Links that lead nowhere, on all pages that a reader gets to from the home page, the feed and the sitemap."""
    seen: set[str] = set()
    ahead = [name for name in ("index.html", "feed.xml", "sitemap.xml") if name in files]
    dead = []
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        for link in _LINK.findall(files[name].decode()) if name.endswith((".html", ".xml")) else ():
            there = normpath(join("/", link)).lstrip("/") + ("/index.html" if link.endswith("/") else "")
            (ahead.append(there) if there in files else dead.append((name, link)))
    return dead


class Killed(BaseException):
    """Nothing of ours catches it: the process is gone."""


@dataclass
class Shelf:
    """A target in memory. *history* has what readers saw after each change; it ends, as a process does, at change *dies_at*."""

    files: Files = field(default_factory=dict)
    own: Files = field(default_factory=dict)
    history: list[Files] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    dies_at: int | None = None
    changes: int = 0
    name: str = "a shelf"
    keeps_headers: bool = False

    def has_any(self) -> bool:
        return bool(self.files)

    def read(self, name: str) -> bytes | None:
        return self.own.get(name)

    def write(self, name: str, content: bytes) -> None:
        self._change()
        self.own[name] = content

    def send(self, site: Path, steps: Sequence[Step], *, done: Done, stop: Stop) -> None:
        for step in steps:
            for output in step.outputs:
                if stop():
                    return
                self._change()
                self.files[output.path] = (site / output.path).read_bytes()
                self.sent.append(output.path)
                self.history.append(dict(self.files))
                done((output.path,))

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._change()
            (self.own if path.startswith(".opensignal/") else self.files).pop(path, None)
            self.history.append(dict(self.files))

    @contextmanager
    def locked(self) -> Iterator[object]:
        yield lambda: None

    def _change(self) -> None:
        if self.dies_at is not None and self.changes >= self.dies_at:
            raise Killed
        self.changes += 1


@contextmanager
def rsync_server(folder: Path, work: Path) -> Iterator[str]:
    """An rsync server on loopback that may write to *folder*; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    config = work / "rsyncd.conf"
    owner = f"uid = {os.getuid()}\ngid = {os.getgid()}\n" if os.getuid() == 0 else ""
    config.write_text(f"use chroot = no\n{owner}[www]\npath = {folder}\nread only = no\n")
    command = ["rsync", "--daemon", "--no-detach", f"--port={port}", "--address=127.0.0.1", f"--config={config}"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"rsync://127.0.0.1:{port}/www"
    finally:
        server.terminate()
        server.wait(10)
