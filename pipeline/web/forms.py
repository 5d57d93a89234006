"""What a request brings: a form, urlencoded or multipart, or JSON where a page takes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
JSON_TYPE = "application/json"
MAX_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Fields:
    """The text fields of a form, in order; a name may stand there more than once."""

    pairs: tuple[tuple[str, str], ...] = ()
    is_json: bool = False

    def one(self, name: str, default: str = "") -> str:
        """The last value of *name*."""
        return next((value for key, value in reversed(self.pairs) if key == name), default)

    def holds(self, *names: str) -> bool:
        """Whether any of *names* was sent, with or without a value."""
        return any(key in names for key, _ in self.pairs)

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.pairs if key == name)


def content_type(request: Request) -> str:
    """The media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request) -> Fields:
    """The form that was sent; empty for GET and HEAD and for an empty body.

    Raises an HTTP error: 415 for anything but a form, 400 for one that cannot be read.
    """
    if request.method != "POST":
        return Fields()
    if content_type(request) in FORM_TYPES:
        return await _form(request)
    if await request.body():
        raise HTTPException(415, "no-form")
    return Fields()


Form = Annotated[Fields, Depends(read_form)]  # how a handler asks for it


async def read_form_or_json(request: Request) -> Fields:
    """As `read_form`; and the fields of a JSON object, whose values are texts or lists of texts."""
    if request.method == "POST" and content_type(request) == JSON_TYPE:
        return _json(await request.body())
    return await read_form(request)


async def _form(request: Request) -> Fields:
    try:
        async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
            pairs = tuple((name, value) for name, value in form.multi_items() if isinstance(value, str))
    except Exception as error:  # whatever a parser makes of hostile bytes
        raise HTTPException(400, "unreadable") from error
    return Fields(pairs)


def _json(body: bytes) -> Fields:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "unreadable") from error
    if not isinstance(document, dict):
        raise HTTPException(422, "no-object")
    pairs: list[tuple[str, str]] = []
    for name, value in document.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(item, str) for item in values):
            raise HTTPException(422, "no-text")
        pairs += [(name, item) for item in values]
    return Fields(tuple(pairs), is_json=True)
