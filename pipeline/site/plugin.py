"""The only file that knows MkDocs: it hands what the other modules decide to MkDocs' events.

`mkdocs build` and `mkdocs serve` are ordinary commands with it; `build_site` (in ``__init__.py``) runs the same plugin with
settings and a clock of its own. MkDocs itself makes the pages of content/pages. What the articles make (`pages`) is drawn by
`drawing`, and MkDocs knows of it as places that links may lead to. Our templates load nothing of Material's, so nothing of it is
published either; its own templates stand behind ours.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jinja2
import mkdocs.commands.build
from mkdocs.config import load_config
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException, PluginError
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from pipeline.config import ROOT_MARK, Settings
from pipeline.errors import BuildError, ContentError, OpenSignalError
from pipeline.files import is_full
from pipeline.library import Library, markdown_extensions, open_library, typographic
from pipeline.library.citations import line_and_column
from pipeline.library.clean import absolute_url, clean_rendered, plain_text
from pipeline.library.kept import FOLDER, Tell
from pipeline.library.own import FOLDERS, foreign_files
from pipeline.model import Problem, Severity
from pipeline.site import drawing, handbook, pages, written_pages
from pipeline.site.aliases import alias_files
from pipeline.site.authors import author_pages
from pipeline.site.bundles import Bundles, Together
from pipeline.site.compiled import CompiledTemplates
from pipeline.site.feeds import own_feeds
from pipeline.site.machines import Addresses, machine_files
from pipeline.site.manifest import Files as KnownFiles
from pipeline.site.manifest import Manifest, bundle_of, claims_of
from pipeline.site.markup import dressed, without_title
from pipeline.site.painting import Painting
from pipeline.site.publication import Publication, fingerprint
from pipeline.site.series_pages import series_pages
from pipeline.site.share import TEMPLATE
from pipeline.site.share.files import share_files, share_image, tidy, without_headline
from pipeline.site.structured import page_data
from pipeline.site.surroundings import what_all_is_made_of, what_texts_are_made_of
from pipeline.site.workplace import Done, Workplace, refuse_own_files
from pipeline.theme import SCRIPTS, SHEETS, receipts_stylesheet, search_script, site_stylesheet

if TYPE_CHECKING:
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.nav import Navigation
    from mkdocs.utils.templates import TemplateContext

PLUGIN = "opensignal"
NOTHING = (b"", b"")  # is known of a file that is new
LAST_IN_ORDER = 1000  # of a handbook page that names no `order`


def silent(what: str, done: int, of: int) -> None:
    """What nobody is told."""


class Given(NamedTuple):
    """What `build_site` decides in place of mkdocs.yml, the environment and the clock."""

    settings: Settings
    library: Library
    now: dt.datetime
    place: Workplace | None = None  # None: the plugin takes its own
    tell: Tell = silent


class Built(NamedTuple):
    """What one run wrote."""

    articles: int
    pages: int
    feeds: int
    done: Done
    problems: tuple[Problem, ...]


class Begun(NamedTuple):
    """What was not in order when its making began."""

    opened: Mapping[str, bytes]  # what the bundles are made of of which some files may be out of order, by their names
    before: Mapping[str, KnownFiles]  # the files of these as they were
    easel: drawing.Easel
    painting: Painting
    late: Sequence[pages.Output]  # that are made when all others are


class NothingToSet(Config):  # type: ignore[no-untyped-call]  # MkDocs types its base classes in part
    """The plugin has no options: what can be set is in `pipeline.config`."""


class OpenSignalPlugin(BasePlugin[NothingToSet]):  # type: ignore[no-untyped-call]  # as above
    """Articles, lists, feeds and the sitemap for MkDocs."""

    given: Given | None = None
    command: Literal["build", "gh-deploy", "serve"] = "build"
    written: tuple[int, int] = (0, 0)  # articles, pages
    place: Workplace | None = None
    begun: Begun | None = None
    done: Done | None = None

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        self.command = command  # that this method exists keeps the plugin over the rebuilds of `serve`

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        given = self.given or _given_by_surroundings(config, serving=self.command == "serve")
        _refuse_what_is_not_ours(config, given.library)
        self._take_place(config, given)
        config.site_url = given.settings.site_url
        config.theme.static_templates.discard("sitemap.xml")  # MkDocs' own has no dates of ours, and a gzip twin
        language = given.settings.language
        config.markdown_extensions, config.mdx_configs = markdown_extensions(language=language)
        self.settings = given.settings
        self.tell = given.tell
        self.publication = Publication(given.settings, given.library, now=given.now)
        self.theme = _theme_folder(config)
        self.assets = (site_stylesheet(self.theme), receipts_stylesheet(self.theme), search_script(self.theme))
        self.heard = written_pages.Heard()
        # Material has thousands of icons. MkDocs would look at each to see whether it is to be copied, and we copy none.
        self.theme_dirs, config.theme.dirs = config.theme.dirs, [str(self.theme)]
        return config

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        assert self.place is not None
        _drop_what_is_not_ours(files, config)
        if any(name.startswith(handbook.FOLDER) for name in files.src_uris):
            for name, text in handbook.problem_pages():
                files.append(File.generated(config, name, content=text, inclusion=InclusionLevel.NOT_IN_NAV))
        site, receipts, search = self.assets
        self.site = pages.site_view(
            self.publication,
            stylesheet=site.path,
            receipts_stylesheet=receipts.path,
            search_script=search.path,
            written=files.src_uris,
        )
        for path, picture in self.publication.pictures.all.items():
            if not picture.moves and (file := files.get_file_from_path(path)):
                files.remove(file)  # it is made smaller, and nothing in it tells of its taking
        written = {file.dest_uri for file in files.documentation_pages()}
        self.bundles = Bundles(self.publication, self.theme, written)
        self.outputs = {output.path: output for output in self._outputs(written)}
        drawn = share_image(self.publication, self.theme)  # whose name tells of its template, fonts and colours
        self.whole = fingerprint(
            what_all_is_made_of(config, self.settings), repr(self.site), drawn.path if drawn else ""
        )
        self.place.made_anew(self.whole)
        self.publication.surroundings = what_texts_are_made_of(self.settings)
        self.publication.related_before = self.place.old.related
        self.by_mkdocs = written_pages.left_to_mkdocs(
            files,
            config,
            Together(self.outputs, self.bundles),
            home=pages.home_made_of(self.publication),
            pictures=self.publication.pictures,
            is_kept=self.place.is_kept,
        )
        made = sum(output.url is not None for output in self.outputs.values()) + self.bundles.pages
        self.written = (len(self.publication.articles), len(written) + made + 1)  # and 404.html
        self.begun = (
            self._begun(self.place, self._env_of(config.theme.get_env()), config) if _is_alone(config) else None
        )
        return files

    def on_env(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> jinja2.Environment:
        config.theme.dirs = self.theme_dirs
        self.env = self._env_of(env)
        return env

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        assert self.place is not None
        said = self.heard.ended(self.place.old.said, all_anew=self.by_mkdocs.are_all_made)
        begun = self.begun or self._begun(self.place, self.env, config)
        manifest = self._manifest(self.place, begun, said)
        self.tell("moving in", 0, 1)
        self.done = self.place.finish(manifest)
        if self.publication.library.examined is not None:
            self.publication.library.examined.close()
        config.site_dir = str(self.place.target)
        if self.given is None:
            self.place.leave()

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        title = str(page.title or "")
        title = title if "title" in page.meta else plain_text(title)  # MkDocs takes it from the h1 as HTML
        page.title = typographic(title, language=self.settings.language)
        base = page.canonical_url or ""
        cleaned = clean_rendered(html, resolve=lambda url: url if url.startswith("#") else absolute_url(url, base))
        return self.publication.pictures.in_html(dressed(without_title(cleaned)), page=page.url)

    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        values = self._values_of_every_page() | self._values_of_written_page(page, context)
        context.update(values)  # type: ignore[typeddict-item]  # MkDocs' own keys stay as they are
        return context

    def on_template_context(
        self, context: TemplateContext, *, template_name: str, config: MkDocsConfig
    ) -> TemplateContext:
        values = self._values_of_every_page() | {"head": pages.lost_head(self.publication)}
        context.update(values)  # type: ignore[typeddict-item]  # as above
        return context

    def on_serve(self, server: LiveReloadServer, /, *, config: MkDocsConfig, builder: Any) -> LiveReloadServer:
        for folder in (self.settings.content, _theme_folder(config)):
            server.watch(str(folder))
        return server

    def on_build_error(self, *, error: Exception) -> None:
        """Put a plain message in place of a traceback."""
        if hasattr(self, "heard"):
            self.heard.stop()
        self.stop()
        if self.place is not None and self.given is None:
            self.place.leave()
        message = str(error) if isinstance(error, OpenSignalError) else drawing.template_mistake(error)
        if message is None and isinstance(error, OSError):
            message = str(_disk_error(error, str(self.place.target) if self.place else "the site"))
        if message:
            raise PluginError(message) from error

    def stop(self) -> None:
        """Make no more files, whatever has begun."""
        if self.begun is not None:
            self.begun.painting.stop()

    # -- parts

    def _take_place(self, config: MkDocsConfig, given: Given) -> None:
        """Let MkDocs write into an empty folder beside the site: what is in order there is not written again."""
        place = given.place
        if place is None:
            place = Workplace(given.settings, Path(config.site_dir).resolve())
            try:
                refuse_own_files(place.target, given.settings)
                place.begin()
            except OpenSignalError as error:
                raise PluginError(str(error)) from error
        self.place = place
        config.site_dir = str(place.folder)

    def _env_of(self, env: jinja2.Environment) -> jinja2.Environment:
        """*env*, with our templates and filters."""
        env.loader = jinja2.FileSystemLoader(self.theme_dirs)
        env.filters.update(drawing.FILTERS)
        env.bytecode_cache = CompiledTemplates(self.settings.state_dir / FOLDER)
        return env

    def _begun(self, place: Workplace, env: jinja2.Environment, config: MkDocsConfig) -> Begun:
        """Begin to make whatever is not in order yet."""
        old = place.old
        todo = [output for path, output in self.outputs.items() if not place.is_kept(path, output.made_of)]
        opened = {
            name: made_of for name, made_of in self.bundles.made_of.items() if not place.is_bundle_kept(name, made_of)
        }
        before = {name: old.bundles[name].files if name in old.bundles else {} for name in opened}
        for name in opened:
            known = before[name]
            todo += [one for one in self.bundles[name] if known.get(one.path, NOTHING)[0] != one.made_of]
        examined = self.publication.library.examined
        if examined is not None:
            examined.close()  # the other processes have their own
        tidy(todo, images=1 + self.written[0], wanted=lambda: [*self.outputs.values(), *chain(*self.bundles.values())])
        easel = drawing.Easel(env, config, self._values_of_every_page())
        painting = Painting([one for one in todo if not one.late], easel, place.folder)
        return Begun(opened, before, easel, painting, [one for one in todo if one.late])

    def _manifest(self, place: Workplace, begun: Begun, said: tuple[str, ...]) -> Manifest:
        """Make the rest of what is not in order yet; what the whole site then consists of."""
        old, files = place.old, self.by_mkdocs.files(place.folder, place.old.loose)
        tell = partial(self.tell, "drawing")
        made = begun.painting.done(tell)
        self.publication.claims_known = claims_of(made, old)
        made |= Painting(begun.late, begun.easel, place.folder).done(tell)
        for path, output in self.outputs.items():
            files[path] = (output.made_of, made[path] if path in made else old.loose[path][1])
        bundles = {name: old.bundles[name] for name in self.bundles if name not in begun.opened}
        for name, made_of in begun.opened.items():
            before = begun.before[name]
            known = {o.path: (o.made_of, made.get(o.path) or before[o.path][1]) for o in self.bundles[name]}
            bundles[name] = bundle_of(made_of, known)
        bundled = Together((), self.bundles)
        loose = {path: known for path, known in files.items() if path not in bundled}
        return Manifest(self.whole, loose, bundles, said, self.publication.related_told)

    def _outputs(self, written: Set[str]) -> tuple[pages.Output, ...]:
        """Every file that the articles make together, the style sheets and the sitemap of all pages; *written* ones are left to
        MkDocs."""
        publication = self.publication
        drawn = [*pages.generated_pages(publication), *author_pages(publication), *series_pages(publication)]
        others = [(page.url, page.modified) for page in drawn if page.url is not None]
        known = Together({page.path: page for page in drawn}, self.bundles.unwritten)
        others += [(path.removesuffix("index.html"), None) for path in sorted(written) if path not in known]
        assets = (pages.Output(asset.path, asset.text.encode(), partial(str, asset.text)) for asset in self.assets)
        machine = machine_files(publication, pages=Addresses(publication, sorted(others)), links=self.site.links)
        images = share_files(publication, self.theme)
        pictures = publication.pictures.outputs()
        outputs = (*(page for page in drawn if page.path not in written), *assets, *machine, *images, *pictures)
        taken = Together({**dict.fromkeys(written), **{output.path: output for output in outputs}}, self.bundles)
        return (*outputs, *alias_files(publication, taken=taken))

    def _values_of_every_page(self) -> dict[str, Any]:
        return {
            "site": self.site,
            "signup_url": self.settings.web_url + "subscribe",
            "share": self._share,
            "data": lambda head: page_data(self.publication, head, image=self._share(head)),
        }

    def _share(self, head: pages.Head) -> str:
        """The address of the image that others show beside a link to the page with *head*."""
        image = share_image(self.publication, self.theme, head.article)
        return self.publication.url(image.path) if image else ""

    def _values_of_written_page(self, page: Page, context: TemplateContext) -> dict[str, Any]:
        title = str(page.title or "")
        description = typographic(str(page.meta.get("description", "")), language=self.settings.language)
        head = pages.page_head(self.publication, title=title, path=page.url, description=description)
        if page.is_homepage:
            return {"head": head, **pages.home(self.publication)}
        if not _is_chapter(page):
            return {"head": head, "chapters": []}
        chapters = _chapters(context["pages"])
        place = chapters.index(page)
        return {
            "head": head,
            "chapters": chapters,
            "previous": chapters[place - 1] if place else None,
            "next": chapters[place + 1] if place + 1 < len(chapters) else None,
        }


def run_mkdocs(given: Given, *, site_dir: Path) -> Built:
    """Build the site of *given* in its place for *site_dir*, quietly.

    Raises `BuildError` for a broken mkdocs.yml, template or page, naming file and line where they are known.
    """
    with _log_as_problems(given.settings) as problems:
        try:
            config = load_config(str(given.settings.root / ROOT_MARK), site_dir=str(site_dir))
            plugin = config.plugins.get(PLUGIN)
            if not isinstance(plugin, OpenSignalPlugin):
                raise BuildError(f"{ROOT_MARK}: the plugin {PLUGIN} is not named; add it under plugins:")
            plugin.given = given
            try:
                mkdocs.commands.build.build(config)
            finally:
                plugin.stop()
        except (MkDocsException, SystemExit, OSError) as error:
            if isinstance(error, OSError):
                raise _disk_error(error, str(site_dir)) from error
            raise _build_error(error, problems, given.settings) from error
    assert plugin.done is not None
    articles, written = plugin.written
    problems += without_headline(plugin.publication, plugin.theme)
    return Built(articles, written, len(own_feeds(plugin.publication)), plugin.done, tuple(dict.fromkeys(problems)))


def _disk_error(error: OSError, site: str) -> BuildError:
    if is_full(error):
        return BuildError(f"{site}: the disk is full, and the old site stays; make room and run again")
    mend = "mend its rights and " if isinstance(error, PermissionError) else ""
    return BuildError(f"{error.filename or 'a file'}: {error.strerror or error}; the old site stays, {mend}run again")


# --- where settings and time come from ---------------------------------------------------------------------------------------


def _given_by_surroundings(config: MkDocsConfig, *, serving: bool) -> Given:
    """What plain `mkdocs build` goes by: the settings of the folder, and the time now (or SOURCE_DATE_EPOCH).

    Raises `PluginError` where `build_site` would raise one of ours.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC)
    try:
        settings = Settings.load(Path(config.config_file_path).parent)
        library = open_library(settings, now=now)
        library.must_be_publishable(now, what_next="then build again")
    except ContentError as error:
        raise PluginError("\n  ".join([f"{error}:", *map(str, error.problems)])) from error
    except OpenSignalError as error:
        raise PluginError(str(error)) from error
    if serving and config.site_url:
        settings = settings.model_copy(update={"site_url": config.site_url})
    return Given(settings, library, now)


# --- MkDocs' files -----------------------------------------------------------------------------------------------------------


def _drop_what_is_not_ours(files: Files, config: MkDocsConfig) -> None:
    """Keep what lies in content/pages and in our theme, without what the theme's own files are made of or drawn by."""
    ours = (config.docs_dir, config.theme.custom_dir)
    for file in list(files):
        raw = file.src_uri.startswith((f"{SHEETS}/", f"{SCRIPTS}/")) or file.src_uri == TEMPLATE
        if file.src_dir not in ours or raw:
            files.remove(file)


def _refuse_what_is_not_ours(config: MkDocsConfig, library: Library) -> None:
    """Whatever else may be wrong with the content: what a link leads to outside of it is never published."""
    root = Path(config.config_file_path).parent
    looked_at = [root / folder for folder in FOLDERS] if library.examined else []
    others = [Path(folder) for folder in (*FOLDERS, config.docs_dir, _theme_folder(config))]
    left = [folder for folder in others if not any((root / folder).is_relative_to(one) for one in looked_at)]
    found = [*(library.examined.foreign if library.examined else ()), *foreign_files(root, dict.fromkeys(left))]
    if problems := dict.fromkeys(map(str, found)):
        raise PluginError("\n  ".join(problems))


def _is_alone(config: MkDocsConfig) -> bool:
    """True where no other plugin and no hook has a say, so that our pages may be drawn while MkDocs makes its own."""
    ours = config.plugins[PLUGIN]
    methods = chain(*config.plugins.events.values())
    return all(getattr(method, "__self__", None) is ours for method in methods)


def _chapters(files: Sequence[File]) -> list[Page]:
    """The pages of the handbook in the order that each names in its front matter (``order: 2``), then by name."""
    chapters = [file.page for file in files if file.page and _is_chapter(file.page)]
    return sorted(chapters, key=lambda page: (page.meta.get("order", LAST_IN_ORDER), page.url))


def _is_chapter(page: Page) -> bool:
    return page.url.startswith(handbook.FOLDER) and not page.url.startswith(handbook.PROBLEMS)


def _theme_folder(config: MkDocsConfig) -> Path:
    if not config.theme.custom_dir:
        raise PluginError(f"{ROOT_MARK}: theme.custom_dir is missing; set it to theme")
    return Path(config.theme.custom_dir)


# --- what MkDocs says, as problems -------------------------------------------------------------------------------------------

_DOC_FILE = re.compile(r"Doc file '([^']+)'")
_LINK_IN_DOC = re.compile(r" link '([^']+)'")


@contextmanager
def _log_as_problems(settings: Settings) -> Iterator[list[Problem]]:
    """MkDocs' warnings and errors as a list, and nothing of it on the screen."""
    found: list[Problem] = []
    handler = _Collector(found, settings)
    logger = logging.getLogger("mkdocs")
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


class _Collector(logging.Handler):
    def __init__(self, found: list[Problem], settings: Settings) -> None:
        super().__init__(logging.WARNING)
        self.found = found
        self.settings = settings

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        named = _DOC_FILE.search(message)
        path = f"content/pages/{named[1]}" if named else ROOT_MARK
        link = _LINK_IN_DOC.search(message) if named else None
        place = _place_of(link[1], self.settings.root / path) if link else (1, 1)
        if link and "Did you mean" not in message:
            message = f"{message.rstrip('.')}; mend the link, or put there what it leads to"
        severity = Severity.ERROR if record.levelno >= logging.ERROR else Severity.WARNING
        self.found.append(Problem(path, *place, "W001", message, severity))


def _place_of(link: str, page: Path) -> tuple[int, int]:
    """The line and column at which *link* stands in *page*; of its beginning where it is written in another way there."""
    try:
        text = page.read_text("utf-8")
    except (OSError, ValueError):
        return 1, 1
    at = text.find(f"({link}")
    return line_and_column(text, at + 1) if at >= 0 else (1, 1)


def _build_error(error: BaseException, problems: Sequence[Problem], settings: Settings) -> BuildError:
    said = "; ".join(problem.message for problem in problems if problem.severity is Severity.ERROR)
    message = str(error) if isinstance(error, PluginError) or not said else f"{_config_place(said, settings)}{said}"
    return BuildError(message.replace(f"{settings.root}/", ""))


def _config_place(said: str, settings: Settings) -> str:
    """The place in mkdocs.yml of the key that MkDocs complains of; nothing for other complaints."""
    key = re.search(r"Config value '(\w+)'", said)
    if not key:
        return ""
    lines = (settings.root / ROOT_MARK).read_text("utf-8").splitlines()
    line = next((n for n, text in enumerate(lines, 1) if text.startswith(f"{key[1]}:")), 1)
    return f"{ROOT_MARK}:{line}: "
