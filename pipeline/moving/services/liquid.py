"""The tags in Jekyll's texts, filled in as Jekyll does: ``{% include notes.md issue="7" %}``, ``{{ site.url }}``, loops and all.

python-liquid runs Shopify's language (shopify.github.io/liquid) without a way to files or code, within limits of time and size;
the tags and filters that Jekyll adds are ours (jekyllrb.com/docs/liquid). A text that cannot be read whole is read as far as it
can be, and `Filled.error` says what was wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Final, TextIO

from liquid import DictLoader, Environment, Mode, Node, RenderContext, Tag, Token, TokenStream
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError, TemplateNotFoundError
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

_NAME: Final = re.compile(r"(\{\{.*?\}\}|\S+)")
_GIVEN: Final = re.compile(r"""([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([\w.\-\[\]]+))""", re.DOTALL)
_PATH: Final = re.compile(r"[\w-]+")
_TAG: Final = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_CAPTURE: Final = re.compile(
    r"(\{%-?\s*capture\s)\W*([\w-]+)[^%]*?(-?%\})"
)  # Ruby takes the first word of what stands there
_LISTING: Final = re.compile(
    r"\{%-?\s*highlight\s+([\w+#.-]+)[^%]*%\}[ \t]*\n?(.*?)\{%-?\s*endhighlight\s*-?%\}", re.DOTALL
)


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
        self._strict = _environment(includes, site, address, Mode.STRICT)
        self._lax = _environment(includes, site, address, Mode.LAX)

    def fill(self, text: str, page: Mapping[str, Any]) -> Filled:
        """*text* with all tags filled in for *page*."""
        text = _as_shopify(text)
        try:
            return Filled(self._strict.from_string(text, globals={"page": page}).render())
        except ResourceLimitError as error:
            return Filled(text, error.args[0])
        except LiquidError as error:
            why = error.args[0]
        except RecursionError:
            return Filled(text, "its tags nest too deeply")
        try:
            return Filled(self._lax.from_string(text, globals={"page": page}).render(), why)
        except (LiquidError, RecursionError):
            return Filled(text, why)


class _Limited(Environment):
    loop_iteration_limit: ClassVar[int | None] = 200_000
    output_stream_limit: ClassVar[int | None] = 5_000_000
    local_namespace_limit: ClassVar[int | None] = 5_000_000


def _environment(
    includes: Mapping[str, str], site: Mapping[str, Any], address: Callable[[str], str | None], mode: Mode
) -> Environment:
    made = _Limited(
        tolerance=mode,
        loader=DictLoader({name: _as_shopify(text) for name, text in includes.items()}),
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


def _as_shopify(text: str) -> str:
    """*text* with what only Ruby's reader takes said otherwise: listings as Markdown has them, names that are none, ``a.[b]``."""
    text = _TAG.sub(lambda tag: tag[0].replace(".[", "["), text)
    return _LISTING.sub(r"\n```\1\n\2\n```\n", _CAPTURE.sub(r"\1\2 \3", text))


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
        found = _NAME.match(self.argument)
        name = found[1] if found else ""
        if name.startswith("{{"):  # a name that is made: {% include {{ page.kind }} %}
            name = str(_value(context, name.strip("{} ")) or "")
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
    if re.fullmatch(r"-?\d+", path):
        return int(path)
    if path in ("true", "false"):
        return path == "true"
    parts = [int(part) if part.isdigit() else part for part in _PATH.findall(path)]
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
