"""What every file of the site is made of: settings, mkdocs.yml, templates, our code, libraries and other plugins."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.config import SECRET_SETTINGS, Settings
from pipeline.sourcecode import code_of

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

_LIBRARIES: Final = ("mkdocs", "mkdocs-material", "jinja2", "markdown", "pymdown-extensions", "pygments", "nh3")
# What says where this machine keeps its own things, and whom it writes to; no page shows it.
_OF_THE_MACHINE: Final = frozenset({*SECRET_SETTINGS, "database_url", "smtp_url", "bounces_url", "snapshots"})


def what_all_is_made_of(config: MkDocsConfig, settings: Settings) -> bytes:
    """A fingerprint: with another one, every file is made again."""
    made = hashlib.blake2b(digest_size=16)
    code = code_of(("library", "site"), _LIBRARIES)
    for part in (code.encode(), sys.version.encode(), *_of_site(config, settings)):
        made.update(part + b"\0")
    return made.digest()


def _of_site(config: MkDocsConfig, settings: Settings) -> Iterator[bytes]:
    shown = {
        name: value
        for name, value in settings.model_dump().items()
        if not isinstance(value, Path) and name not in _OF_THE_MACHINE
    }
    yield repr(sorted(shown.items())).encode()
    yield Path(config.config_file_path).read_bytes()
    theme = Path(config.theme.custom_dir or "")
    for path in sorted(theme.rglob("*.html")):
        yield path.relative_to(theme).as_posix().encode()
        yield path.read_bytes()
    for hook in sorted(map(str, config.hooks)):
        yield Path(str(Path(config.config_file_path).parent / hook)).read_bytes()
    for name, plugin in sorted(config.plugins.items()):
        module = sys.modules.get(type(plugin).__module__)
        file = getattr(module, "__file__", None)
        if name != "opensignal" and file:
            yield name.encode() + Path(file).read_bytes()
