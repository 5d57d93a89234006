"""Compiled templates: kept, used, and thrown away when they are spoilt or of another template."""

from __future__ import annotations

import random
from pathlib import Path

import jinja2
import pytest

from pipeline.site.compiled import CompiledTemplates


def drawn(template: str, folder: Path) -> str:
    env = jinja2.Environment(
        loader=jinja2.DictLoader({"page.html": template}), bytecode_cache=CompiledTemplates(folder), autoescape=True
    )
    return env.get_template("page.html").render(words="<fab>")


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "templates").iterdir())


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn("a {{ words }}", tmp_path) == "a &lt;fab&gt;"
    assert len(kept(tmp_path)) == 1

    monkeypatch.setattr(jinja2.Environment, "compile", lambda *_, **__: pytest.fail("compiled again"))

    assert drawn("a {{ words }}", tmp_path) == "a &lt;fab&gt;"


def test_another_text_of_the_template_is_compiled_anew(tmp_path: Path) -> None:
    drawn("a {{ words }}", tmp_path)

    assert drawn("b {{ words }}", tmp_path) == "b &lt;fab&gt;"
    assert drawn("b {{ words }}", tmp_path) == "b &lt;fab&gt;"


def test_spoilt_files_are_compiled_anew(tmp_path: Path) -> None:
    drawn("a {{ words }}", tmp_path)
    (file,) = kept(tmp_path)
    good = file.read_bytes()
    chance = random.Random(1)
    for _ in range(200):
        place = chance.randrange(len(good))
        spoilt = bytearray(good)
        spoilt[place] ^= 1 << chance.randrange(8)
        file.write_bytes(bytes(spoilt[: chance.choice([len(good), place])]))

        assert drawn("a {{ words }}", tmp_path) == "a &lt;fab&gt;"

    assert file.read_bytes() == good


def test_where_nothing_can_be_kept_templates_are_compiled_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("a file where the folder should be")

    assert drawn("a {{ words }}", tmp_path) == "a &lt;fab&gt;"
