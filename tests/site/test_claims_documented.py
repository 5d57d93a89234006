"""The handbook explains every field of the claims files, and none that is not there."""

from __future__ import annotations

import re
import types
import typing

from pydantic import BaseModel

from pipeline.site.verify.papers import ClaimsFile, Index
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "content/pages/handbook/receipts.md").read_text("utf-8")


def fields(model: type[BaseModel], before: str = "") -> set[str]:
    """Every field of *model* by its path, lists with ``[]``: ``claims[].passages[].bears[]``."""
    found = set()
    for name, info in model.model_fields.items():
        path = f"{before}{name}"
        inner, many = _model_in(info.annotation)
        found |= fields(inner, f"{path}{'[]' if many else ''}.") if inner else {path}
    return found


def _model_in(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    many = typing.get_origin(annotation) is list
    if many or typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            inner, _ = _model_in(part)
            if inner:
                return inner, many
    return None, False


def test_every_field_of_a_claims_file_is_explained() -> None:
    rows = re.findall(r"^\| (`.+?) \| (.+) \|$", PAGE.partition("## The claims file")[2], re.MULTILINE)
    explained = {path: words for cell, words in rows for path in re.findall(r"`([^`]+)`", cell)}

    for field in fields(ClaimsFile):
        parent, _, name = field.rpartition(".")
        within = (
            explained.get(parent, "")
            or explained.get(f"{parent}[]", "")
            or explained.get(parent.removesuffix("[]"), "")
        )
        assert field in explained or f"{field}[]" in explained or f"`{name}`" in within, field
    paths = {re.sub(r"\[\]", "", field) for field in fields(ClaimsFile)}
    for path in explained:
        bare = re.sub(r"\[\]", "", path)
        assert any(each == bare or each.startswith(f"{bare}.") for each in paths), path


def test_every_field_of_the_list_is_named() -> None:
    words = PAGE.partition("The list at the top")[2]

    for field in fields(Index):
        assert f"`{field.rpartition('.')[2]}" in words or field == "articles", field
