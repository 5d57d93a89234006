"""Templates as Jinja compiled them, kept from one build to the next: compiling takes as long as all else that a small edit needs.

A file that is spoilt is compiled anew (`keeping`), as is one of another Jinja, Python or template.
"""

from __future__ import annotations

from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from pipeline.keeping import keep_file, kept_file


class CompiledTemplates(BytecodeCache):
    """Kept below *folder*. Where nothing can be kept, templates are compiled each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "templates"

    def load_bytecode(self, bucket: Bucket) -> None:
        if compiled := kept_file(self._path(bucket)):
            bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        keep_file(self._path(bucket), bucket.bytecode_to_string())

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}-{jinja2.__version__}"
