"""Templates as Jinja compiled them, kept from one build to the next: compiling takes as long as all else that a small edit needs.

A file is taken only with the hash of its bytes before it, so that a spoilt one is compiled anew, as is one of another Jinja, Python
or template.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from pipeline.errors import StoreError
from pipeline.files import put

_SHA256: Final = 32  # bytes


class CompiledTemplates(BytecodeCache):
    """Kept below *folder*. Where nothing can be kept, templates are compiled each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "templates"

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            kept = self._path(bucket).read_bytes()
        except OSError:
            return
        if hashlib.sha256(kept[_SHA256:]).digest() == kept[:_SHA256]:
            bucket.bytecode_from_string(kept[_SHA256:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        compiled = bucket.bytecode_to_string()
        with suppress(StoreError):
            put(self._path(bucket), hashlib.sha256(compiled).digest() + compiled, sync=False)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}-{jinja2.__version__}"
