"""What every file of the site is made of: settings, mkdocs.yml, templates, our code, libraries and other plugins."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.utils.yaml import get_yaml_loader, yaml_load

from pipeline.config import SECRET_SETTINGS, Settings
from pipeline.site.publication import fingerprint
from pipeline.sourcecode import code_of

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

ASSETS: Final = "assets/"  # of the theme: each is a file of the site by itself
_LIBRARIES: Final = ("mkdocs", "mkdocs-material", "jinja2", "markdown", "pymdown-extensions", "pygments", "nh3")
# What says where this machine keeps its own things, and whom it writes to; no page shows it.
_OF_THE_MACHINE: Final = frozenset({*SECRET_SETTINGS, "database_url", "smtp_url", "bounces_url", "snapshots"})


def what_all_is_made_of(config: MkDocsConfig, settings: Settings) -> bytes:
    """A fingerprint: with another one, every file is made again."""
    made = hashlib.blake2b(what_texts_are_made_of(settings), digest_size=16)
    for part in _of_site(config):
        made.update(part + b"\0")
    return made.digest()


def what_texts_are_made_of(settings: Settings) -> bytes:
    """A fingerprint of code and settings: of what every file is made of without a template."""
    code = code_of(("library", "site"), _LIBRARIES)
    shown = {
        name: value
        for name, value in settings.model_dump().items()
        if not isinstance(value, Path) and name not in _OF_THE_MACHINE
    }
    return fingerprint(code, sys.version, repr(sorted(shown.items())))


def _of_site(config: MkDocsConfig) -> Iterator[bytes]:
    yield from _of_mkdocs(Path(config.config_file_path), config)
    theme = Path(config.theme.custom_dir or "")
    for path in sorted(theme.rglob("*")):  # a template may include a file of any kind
        name = path.relative_to(theme).as_posix()
        if not name.startswith(ASSETS) and path.is_file():
            yield name.encode()
            yield path.read_bytes()
    for hook in sorted(map(str, config.hooks)):
        yield Path(str(Path(config.config_file_path).parent / hook)).read_bytes()
    for name, plugin in sorted(config.plugins.items()):
        module = sys.modules.get(type(plugin).__module__)
        file = getattr(module, "__file__", None)
        if name != "opensignal" and file:
            yield name.encode() + Path(file).read_bytes()


def _of_mkdocs(file: Path, config: MkDocsConfig) -> Iterator[bytes]:
    """mkdocs.yml, and where it takes something from another file or from the environment, what came of that."""
    raw = file.read_bytes()
    yield raw
    if b"INHERIT" in raw or b"!ENV" in raw:
        with file.open("rb") as source:
            said = yaml_load(source, get_yaml_loader(config=config))
        yield json.dumps(said, default=_named, skipkeys=True).encode()


def _named(value: object) -> str:
    """A function or a class by its name: what else is known of it is another thing in every run."""
    kind = value if isinstance(value, type) or callable(value) else type(value)
    return f"{kind.__module__}.{getattr(kind, '__qualname__', kind)}"
