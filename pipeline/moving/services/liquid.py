"""The tags in Jekyll's texts, filled in as Jekyll does: ``{% include notes.md issue="7" %}``, ``{{ site.url }}``, loops and all.

python-liquid runs Shopify's language (shopify.github.io/liquid) without a way to files or code, within limits of time and size;
the tags and filters that Jekyll adds are ours (jekyllrb.com/docs/liquid). A text that cannot be read whole is read as far as it
can be, and `Filled.error` says what was wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Final, TextIO

from liquid import BoundTemplate, DictLoader, Environment, Mode, Node, RenderContext, Tag, Token, TokenStream
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError, TemplateNotFoundError
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from pipeline.moving.services.sitefiles import fenced

_NAME: Final = re.compile(r"(\{\{.*?\}\}|\S+)")
_GIVEN: Final = re.compile(
    r"""(?<![\w-])([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([\w.\-\[\]]+))""", re.DOTALL
)
_PATH: Final = re.compile(r"[\w-]+")
# Each ends at the next opening sign at the latest, so that a text which opens much and closes nothing is read once.
_TAG: Final = re.compile(r"\{[%{](?:(?!\{[%{]).)*?[%}]\}", re.DOTALL)
_CAPTURE: Final = re.compile(
    r"(\{%-?\s*+capture\s)[^\w%]*+([\w-]++)[^%]*?(-?%\})"
)  # Ruby takes the first word of what stands there
_LISTING: Final = re.compile(
    r"\{%-?\s*+highlight\s++([\w+#.-]++)[^%]*+%\}[ \t]*\n?((?:(?!\{%-?\s*highlight\b).)*?)\{%-?\s*+endhighlight\s*+-?%\}",
    re.DOTALL,
)
MOST_SECONDS: Final = 10.0  # for one text
MOST_CHARACTERS: Final = 2_000_000  # that a text, or a value in it, may become
MOST_OPEN: Final = 500
_BLANKS: Final = re.compile(r"\{[{%][^{}]{0,100}?\s{500}")  # a tag that holds nothing for long
_MOST_DIGITS: Final = 300
_EXPONENT: Final = re.compile(r"\A\s*[+-]?\d[\d.]*e\+?\d{4}", re.IGNORECASE)  # a number of ten thousand digits and more
_GROWING: Final = frozenset({"join", "replace", "replace_first", "replace_last"})
# What python-liquid lets through when a filter is given what it is not made for; `fill` tells it as an error of the text.
_LET_THROUGH: Final = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Filled:
    """A text without tags."""

    text: str
    error: str = ""  # why not all of it could be filled in


class Liquid:
    """A site's includes and values, and texts filled in with them."""

    def __init__(
        self, includes: Mapping[str, str], site: Mapping[str, Any], address: Callable[[str], str | None]
    ) -> None:
        """*includes* by their name below ``_includes``; *address* knows where a post, or another file of the site, stands."""
        said = {name: _as_shopify(text) for name, text in includes.items() if not _opens_without_end(text)}
        self._strict = _environment(said, site, address, Mode.STRICT)
        self._lax = _environment(said, site, address, Mode.LAX)

    def fill(self, text: str, page: Mapping[str, Any]) -> Filled:
        """*text* with all tags filled in for *page*."""
        if _opens_without_end(text):
            return Filled(text, "it opens tags that it does not close")
        text = _as_shopify(text)
        try:
            return self._strict.filled(text, page)
        except ResourceLimitError as error:
            return Filled(text, error.args[0])
        except LiquidError as error:
            why = str(error.args[0])
        except RecursionError:
            return Filled(text, "its tags nest too deeply")
        except _LET_THROUGH as error:
            why = f"a filter was given what it cannot take ({type(error).__name__})"
        why = why if len(why) < 200 else f"{why[:200]}…"
        try:
            filled = self._lax.filled(text, page).text
        except (LiquidError, RecursionError, *_LET_THROUGH):
            filled = ""
        return Filled(filled if filled.strip() else text, why)


class _Context(RenderContext):
    """Where a text is filled in, with filters that are held to limits."""

    __slots__ = ()

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        assert isinstance(self.env, _Limited)
        env = self.env
        if name not in env.filters:
            env.unknown[name] = None
        inner = super().filter(name, token)

        def limited(*values: object, **named: object) -> object:
            env.check_time()
            sizes = [_size(value) for value in (*values, *named.values())]
            if sum(sizes) > MOST_CHARACTERS or (
                name in _GROWING and sizes[0] * (1 + sizes[-1]) > 100 * MOST_CHARACTERS
            ):
                raise ResourceLimitError(f"more than the filter {name} may take", token=token)
            found = inner(*values, **named)
            if _size(found) > MOST_CHARACTERS:
                raise ResourceLimitError(f"the filter {name} makes more than is read", token=token)
            return found

        return limited


class _Template(BoundTemplate):
    context_class = _Context


class _Limited(Environment):
    template_class = _Template
    loop_iteration_limit: ClassVar[int | None] = 200_000
    output_stream_limit: ClassVar[int | None] = MOST_CHARACTERS
    local_namespace_limit: ClassVar[int | None] = MOST_CHARACTERS
    until: float = 0.0
    unknown: dict[str, None]

    def filled(self, text: str, page: Mapping[str, Any]) -> Filled:
        self.until = time.monotonic() + MOST_SECONDS
        self.unknown = {}
        made = self.from_string(text, globals={"page": page}).render()
        names = ", ".join(self.unknown)
        return Filled(made, f"nobody here knows the filters {names}" if names else "")

    def check_time(self) -> None:
        if time.monotonic() > self.until:
            raise ResourceLimitError(f"it takes more than {MOST_SECONDS:.0f} seconds", token=None)

    def error(self, exc: type[LiquidError] | LiquidError, msg: str | None = None, token: Token | None = None) -> None:
        if isinstance(exc, ResourceLimitError):
            raise exc  # whether or not others are passed over
        super().error(exc, msg, token)


def _size(value: object) -> int:
    """How many characters *value* has, as far as a text can make it grow; counting ends where it is too much."""
    if isinstance(value, str):
        return MOST_CHARACTERS + 1 if _EXPONENT.search(value) else len(value)
    if isinstance(value, int):
        return MOST_CHARACTERS + 1 if value.bit_length() > 4 * _MOST_DIGITS else 1
    if isinstance(value, range):
        return len(value)
    if not isinstance(value, list | tuple):
        return 1
    size = 0
    for item in value:
        size += 1 + _size(item)
        if size > MOST_CHARACTERS:
            break
    return size


def _environment(
    includes: Mapping[str, str], site: Mapping[str, Any], address: Callable[[str], str | None], mode: Mode
) -> _Limited:
    made = _Limited(
        tolerance=mode,
        loader=DictLoader(dict(includes)),
        strict_filters=False,
        globals={"site": site, "jekyll": {}},
    )
    for tag in (_Include, _IncludeCached):
        made.add_tag(tag)
    for name in ("post_url", "link"):
        made.add_tag(_address_tag(name, address))
    root = str(site.get("baseurl") or "").rstrip("/")
    whole = str(site.get("url") or "").rstrip("/")
    made.add_filter("relative_url", lambda path: _joined(root, path))
    made.add_filter("absolute_url", lambda path: _joined(whole + root, path))
    made.add_filter("xml_escape", lambda text: escape(str(text)))
    made.add_filter("markdownify", lambda text: f"\n\n{text}\n\n")  # it stands in Markdown already
    return made


def _opens_without_end(text: str) -> bool:
    """True for what the library would read again from each tag that it opens to the end of the text."""
    if _BLANKS.search(text):
        return True
    return text.count("{{") + text.count("{%") - text.count("}}") - text.count("%}") > MOST_OPEN


def _as_shopify(text: str) -> str:
    """*text* with what only Ruby's reader takes said otherwise: listings as Markdown has them, names that are none, ``a.[b]``."""
    text = _TAG.sub(lambda tag: tag[0].replace(".[", "["), text)
    return _LISTING.sub(lambda found: fenced(found[1], found[2]), _CAPTURE.sub(r"\1\2 \3", text))


def _joined(root: str, path: object) -> str:
    return str(path) if re.match(r"[a-z][a-z0-9+.-]*:|//", str(path)) else f"{root}/{str(path).lstrip('/')}"


class _JekyllTag(Tag):
    """A tag with an argument that is no expression of Liquid's."""

    node: ClassVar[type[_WithArgument]]

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        argument = stream.current.value.strip() if stream.current.kind == TOKEN_EXPRESSION else ""
        return self.node(token, argument)


class _WithArgument(Node):
    def __init__(self, token: Token, argument: str) -> None:
        super().__init__(token)
        self.argument = argument
        self.blank = False


class _IncludeNode(_WithArgument):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context.env, _Limited)
        context.env.check_time()
        found = _NAME.match(self.argument)
        name = found[1] if found else ""
        if name.startswith("{{"):  # a name that is made: {% include {{ page.kind }} %}
            value = _value(context, name.strip("{} "))
            name = value if isinstance(value, str) else ""
        try:
            template = context.env.get_template(name, context=context, tag="include")
        except TemplateNotFoundError as error:
            if context.env.mode is not Mode.STRICT:
                return 0
            raise LiquidSyntaxError(f"there is no _includes/{name}", token=self.token) from error
        given = {
            match[1]: _value(context, match[4]) if match[4] else re.sub(r"\\(.)", r"\1", match[2] or match[3] or "")
            for match in _GIVEN.finditer(self.argument, found.end() if found else 0)
        }
        with context.extend({"include": given}, template=template):
            template.render_with_context(context, buffer, partial=True)
        return 1


def _value(context: RenderContext, path: str) -> object:
    """What *path* (``page.title``, ``true``, ``7``) means."""
    if re.fullmatch(r"-?[0-9]{1,18}", path):
        return int(path)
    if path in ("true", "false"):
        return path == "true"
    parts = [int(part) if re.fullmatch(r"[0-9]{1,18}", part) else part for part in _PATH.findall(path)]
    return context.get(parts, token=None, default=None) if parts else None


class _Include(_JekyllTag):
    name = "include"
    block = False
    node = _IncludeNode


class _IncludeCached(_Include):
    name = "include_cached"


def _address_tag(tag: str, address: Callable[[str], str | None]) -> type[Tag]:
    """``{% post_url 2026-08-21-newsletter %}`` and ``{% link about.md %}``: where a file of the site stands."""

    class AddressNode(_WithArgument):
        def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
            found = address(self.argument.strip("\"' "))
            if found is None:
                if context.env.mode is Mode.STRICT:
                    raise LiquidSyntaxError(f"{tag} {self.argument} leads nowhere", token=self.token)
                found = "#"
            buffer.write(found)
            return 1

    class AddressTag(_JekyllTag):
        name = tag
        block = False
        node = AddressNode

    return AddressTag
