"""Share images: what they show, that it is really drawn, and that nothing is drawn twice."""

from __future__ import annotations

import io
import itertools
import shutil
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageChops

from pipeline.config import Settings
from pipeline.errors import BuildError
from pipeline.keeping import kept_file
from pipeline.site import build_site
from pipeline.site.share import HEIGHT, WIDTH, Shown, Studio
from pipeline.site.share.fonts import balanced, is_right_to_left
from pipeline.site.share.lettering import lettered
from pipeline.site.share.packing import band, png
from tests.site.conftest import NOW, REPOSITORY, write_article

SHOWN = Shown(
    site="Deep Signals",
    title="The grid is the new fab",
    topic="Power",
    date="20 November 2026",
    weight="2 sources, 1 primary",
    solid="M0 0h7v26h-7z",
    hollow="M12.75 9.75h5.5v15.5h-5.5z",
    strip_width=19,
)
HEADLINE = (60, 130, 1140, 452)  # left, top, right, bottom
SITE_NAME = (235, 60, 700, 115)
FOOT = (60, 530, 1140, 590)
TOPIC = (900, 70, 1140, 115)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(REPOSITORY / "theme", tmp_path_factory.mktemp("kept"))


@pytest.fixture
def own_theme(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "theme", tmp_path / "theme")
    return tmp_path / "theme"


def ink(image: bytes, box: tuple[int, int, int, int]) -> int:
    """How many points of *box* are not the paper's colour."""
    drawn = Image.open(io.BytesIO(image)).convert("RGB")
    paper = Image.new("RGB", drawn.size, drawn.getpixel((5, 5)))  # type: ignore[arg-type]
    part = ImageChops.difference(drawn, paper).convert("L").crop(box)
    return sum(part.point(lambda v: 255 if v > 32 else 0).histogram()[255:])


# --- what is drawn ------------------------------------------------------------------------------------------------------------


def test_an_image_has_the_size_that_is_told(studio: Studio) -> None:
    assert Image.open(io.BytesIO(studio.draw(SHOWN))).size == (WIDTH, HEIGHT) == (1200, 630)


@pytest.mark.parametrize(
    ("left_out", "box"),
    [("title", HEADLINE), ("site", SITE_NAME), ("topic", TOPIC), ("date", FOOT), ("weight", FOOT)],
)
def test_every_text_is_really_drawn(studio: Studio, left_out: str, box: tuple[int, int, int, int]) -> None:
    """The renderer drops text in silence where it does not find the font: only the points of the image tell."""
    whole, without = studio.draw(SHOWN), studio.draw(SHOWN._replace(**{left_out: "", "strip_width": 0}))

    assert ink(whole, box) > ink(without, box) + 300


def test_the_headline_is_drawn_with_the_fonts_of_the_theme(studio: Studio) -> None:
    """Two different fonts have other points: were neither found, both images would be empty there, and alike."""
    template = (REPOSITORY / "theme/share.svg").read_text("utf-8")
    assert 'display = "newsreader-display"' in template
    assert studio.fonts.widths.keys() >= {"newsreader-display", "instrument-sans"}

    svg = studio.svg(SHOWN)

    assert 'font-family="newsreader-display"' in svg
    assert 'font-family="instrument-sans"' in svg


def test_a_template_that_names_a_font_that_is_not_there_is_refused(own_theme: Path, tmp_path: Path) -> None:
    template = own_theme / "share.svg"
    template.write_text(template.read_text("utf-8").replace('"newsreader-display"', '"newsreader-text"'), "utf-8")
    assert ink(Studio(own_theme, tmp_path / "kept").draw(SHOWN), HEADLINE) > 5_000

    template.write_text(
        template.read_text("utf-8").replace('label = "instrument-sans"', 'label = "instrument"'), "utf-8"
    )

    with pytest.raises(
        BuildError, match=r"share.svg: no font 'instrument' in assets/fonts, .* name one of instrument-sans"
    ):
        Studio(own_theme, tmp_path / "kept").draw(SHOWN)


def test_a_file_that_is_no_font_is_named(own_theme: Path, tmp_path: Path) -> None:
    (own_theme / "assets/fonts/broken.woff2").write_bytes(b"wOF2 and nothing else")

    with pytest.raises(BuildError, match=r"broken.woff2: is no font that can be read"):
        Studio(own_theme, tmp_path / "kept").draw(SHOWN)


@pytest.mark.parametrize(
    "title",
    [
        "Short one",
        "Copies of one Reuters story disagree on when SK Hynix’s memory sales doubled, and who said so first, in a wire",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsversammlung",
        "M" * 110,
        "<b>Marks</b> & “quotes” ]]> {{ and }} more",
    ],
)
def test_a_headline_of_any_length_stays_in_its_box(studio: Studio, title: str) -> None:
    image = studio.draw(SHOWN._replace(title=title))

    assert ink(image, HEADLINE) > 3_000
    assert ink(image, (1140, 0, 1200, 630)) == 0
    assert ink(image, (0, 0, 70, 630)) == 0


def test_a_long_strip_stays_in_its_place(studio: Studio) -> None:
    solid = "".join(f"M{place * 12} 0h7v26h-7z" for place in range(150))
    image = studio.draw(SHOWN._replace(solid=solid, hollow="", strip_width=150 * 12 - 5))

    assert ink(image, (1130, 460, 1200, 520)) == 0
    assert ink(image, (1050, 460, 1125, 520)) > 100


def test_a_retraction_is_told_on_the_image(studio: Studio) -> None:
    assert ink(studio.draw(SHOWN._replace(mark="Retracted")), (780, 70, 1000, 115)) > 300


# --- words and shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["The grid is the new fab", "AVATAR To You: Łódź’s “Wave”, 1,234 MW", "M" * 110])
def test_words_stand_where_a_renderer_of_svg_sets_them(studio: Studio, title: str) -> None:
    shown = SHOWN._replace(title=title.replace("Łódź", "Lyon"), mark="Corrected")

    ours, theirs = (
        Image.open(io.BytesIO(made)).convert("L") for made in (studio.draw(shown), studio.shapes(studio.svg(shown)))
    )

    for box in (HEADLINE, SITE_NAME, FOOT, (700, 70, 1140, 115)):
        mine, other = (
            ImageChops.invert(each.crop(box)).point(lambda v: 255 if v > 64 else 0).getbbox() for each in (ours, theirs)
        )
        assert mine is not None
        assert other is not None
        assert all(abs(a - b) <= 4 for a, b in zip(mine, other, strict=True)), (box, mine, other)
    blurred = ImageChops.difference(ours.reduce(8), theirs.reduce(8))
    assert max(level for level, many in enumerate(blurred.histogram()) if many) < 70


def test_an_image_has_few_colours_and_is_small(studio: Studio) -> None:
    made = studio.draw(SHOWN)

    assert Image.open(io.BytesIO(made)).mode == "P"
    assert len(made) < 40_000


@pytest.mark.parametrize("strip", ["", "M0 0h7v26h-7z", "".join(f"M{place * 12} 0h7v26h-7z" for place in range(60))])
def test_shapes_have_the_points_that_the_renderer_gives_them(studio: Studio, strip: str) -> None:
    """They are drawn in parts, around which the paper is bare."""
    shown = SHOWN._replace(title="", topic="", date="", weight="", solid=strip, strip_width=len(strip))
    svg = studio.svg(shown)

    ours, theirs = (
        Image.open(io.BytesIO(made)).convert("RGB")
        for made in (lettered(svg, studio.fonts, studio.shapes), studio.shapes(svg))
    )

    assert ImageChops.difference(ours, theirs).getbbox() is None


@pytest.mark.parametrize(
    "shapes",
    [
        '<rect width="100%" height="100%" fill="#fff"/><circle cx="50%" cy="50%" r="4" fill="#0b5d51"/>',
        '<rect width="1200" height="630" fill="#fff"/><rect y="629" width="1" height="1"/><rect x="1199" width="1" height="1"/>',
        '<rect width="1200" height="630" fill="#fff"/><path d="M0 9.7h900M333.3 9v600" stroke="#0b5d51" stroke-width=".3"/>',
        '<rect width="1200" height="630" fill="#f00"/>',
        '<circle cx="300" cy="300" r="290" fill="#0b5d51"/>',
    ],
)
def test_shapes_anywhere_are_found(studio: Studio, shapes: str) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="630">{shapes}</svg>'

    ours, theirs = (
        Image.open(io.BytesIO(made)).convert("RGB")
        for made in (lettered(svg, studio.fonts, studio.shapes), studio.shapes(svg))
    )

    assert ImageChops.difference(ours, theirs).getbbox() is None


@pytest.mark.parametrize("height", [1, 7, 30])
def test_an_image_that_is_packed_in_bands_is_the_image(height: int) -> None:
    image = Image.effect_noise((50, height), 64).quantize(64)
    edges = [*range(0, height, 4), height]
    palette = image.getpalette() or []

    bands = [band(image.crop((0, top, 50, bottom)).tobytes(), width=50) for top, bottom in itertools.pairwise(edges)]
    read = Image.open(io.BytesIO(png(bands, size=image.size, palette=palette)))

    assert read.mode == "P"
    assert ImageChops.difference(read.convert("RGB"), image.convert("RGB")).getbbox() is None


def test_words_upon_many_colours_are_set_too(own_theme: Path, tmp_path: Path) -> None:
    template = own_theme / "share.svg"
    paper = '<rect width="1200" height="630" fill="{{ tokens.paper }}"/>'
    gradient = (
        '<linearGradient id="g"><stop offset="0" stop-color="#fff"/><stop offset="1" stop-color="#0b5d51"/></linearGradient>'
        '<rect width="1200" height="630" fill="url(#g)"/>'
    )
    assert paper in template.read_text("utf-8")
    template.write_text(template.read_text("utf-8").replace(paper, gradient), "utf-8")
    studio = Studio(own_theme, tmp_path / "kept")

    made, bare = (
        Image.open(io.BytesIO(studio.draw(SHOWN._replace(strip_width=0, title=t)))) for t in (SHOWN.title, "")
    )

    assert made.mode == "RGB"
    drawn = ImageChops.difference(made, bare.convert("RGB")).convert("L").crop(HEADLINE)
    assert sum(drawn.histogram()[64:]) > 5_000


@pytest.mark.parametrize("odd", ['transform="translate(0 9)"', 'font-style="italic"', 'textLength="600"'])
def test_a_text_that_asks_for_more_is_left_to_the_renderer(own_theme: Path, tmp_path: Path, odd: str) -> None:
    template = own_theme / "share.svg"
    template.write_text(
        template.read_text("utf-8").replace('<text x="80" y="564"', f'<text {odd} x="80" y="564"'), "utf-8"
    )
    studio = Studio(own_theme, tmp_path / "kept")

    made = studio.draw(SHOWN)

    assert ink(made, (60, 530, 1140, 610)) > 1_000
    assert made != Studio(REPOSITORY / "theme", tmp_path / "kept").draw(SHOWN)


def test_a_template_that_is_no_svg_is_refused(own_theme: Path, tmp_path: Path) -> None:
    (own_theme / "share.svg").write_text("<svg><rect></svg>", "utf-8")

    with pytest.raises(BuildError, match=r"share.svg: cannot be drawn: .*mend the template"):
        Studio(own_theme, tmp_path / "kept").draw(SHOWN)


# --- letters that the theme's fonts do not have -------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["电网就是新的工厂", "הרשת היא המפעל", "Łódź builds"])
def test_a_headline_with_a_letter_that_no_font_has_is_left_out_whole(studio: Studio, title: str) -> None:
    missing = studio.draw(SHOWN._replace(title=title))

    assert missing == studio.draw(SHOWN._replace(title=""))
    assert ink(missing, HEADLINE) > 3_000  # the strip, in its place


def test_an_emoji_is_left_out_alone(studio: Studio) -> None:
    assert studio.draw(SHOWN._replace(title="🚀 The grid ❤️")) == studio.draw(SHOWN._replace(title="The grid"))


def test_an_editor_is_told_of_a_headline_that_is_left_out(own_settings: Settings) -> None:
    path = write_article(own_settings.root, "lodz", date="2026-11-22", title="Łódź builds another hall")

    problems = build_site(own_settings, now=NOW).problems

    assert [(p.path, p.code) for p in problems] == [(path.relative_to(own_settings.root).as_posix(), "W002")]
    assert "no font of the theme has Łź; put a font that has it beside the others" in problems[0].message


def test_another_font_beside_the_others_draws_what_they_do_not_have(own_theme: Path, tmp_path: Path) -> None:
    _write_font(own_theme / "assets/fonts/zz-hebrew.ttf", "שלום,?")
    studio = Studio(own_theme, tmp_path / "kept")

    image = studio.draw(SHOWN._replace(title="שלום שלום?"))

    assert ink(image, (800, 130, 1140, 452)) > 3_000  # at the right
    assert ink(image, (60, 130, 300, 452)) == 0


def _write_font(path: Path, letters: str) -> None:
    """A font whose letters are boxes."""
    names = [".notdef", "space", *(f"box{number}" for number in range(len(letters)))]
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for point in [(50, 700), (550, 700), (550, 0)]:
        pen.lineTo(point)
    pen.closePath()
    box, empty = pen.glyph(), TTGlyphPen(None).glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({32: "space", **{ord(c): name for c, name in zip(letters, names[2:], strict=True)}})
    builder.setupGlyf({name: box if name.startswith("box") else empty for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.mark.parametrize(
    "emoji", ["\U0001f680", "\u2764\ufe0f", "\U0001f469\u200d\U0001f467", "\U0001f3f4\U000e0067\U000e0062\U000e007f"]
)
def test_nothing_of_an_emoji_stays_in_a_line(tmp_path: Path, emoji: str) -> None:
    fonts = Studio(REPOSITORY / "theme", tmp_path / "kept").fonts

    assert fonts.drawable(f"{emoji}{emoji} The grid {emoji}") == "The grid"


def test_the_first_letter_with_a_direction_tells_the_headlines() -> None:
    assert is_right_to_left("42 הרשת")
    assert not is_right_to_left("Nvidia והרשת")
    assert not is_right_to_left("2026")


# --- lines --------------------------------------------------------------------------------------------------------------------


def test_lines_are_of_about_one_length() -> None:
    words = ["aaaa", " bbbb", " cccc", " dddd", " ee"]

    found = balanced(words, most=20, lines=3, measure=len)
    assert found is not None
    assert max(map(len, found)) <= 14
    assert " ".join(found) == "aaaa bbbb cccc dddd ee"
    assert balanced(words, most=20, lines=1, measure=len) is None
    assert balanced(words, most=3, lines=9, measure=len) is None


# --- kept, and drawn once -----------------------------------------------------------------------------------------------------


def test_the_same_image_is_the_same_bytes_each_time(studio: Studio, tmp_path: Path) -> None:
    assert studio.draw(SHOWN) == Studio(REPOSITORY / "theme", tmp_path / "elsewhere").draw(SHOWN)


def test_what_was_drawn_is_kept_and_not_drawn_again(studio: Studio) -> None:
    asked: list[int] = []

    def shown() -> Shown:
        asked.append(1)
        return SHOWN

    first, second = studio.image("a1b2", shown), studio.image("a1b2", shown)

    assert first == second
    assert len(asked) == 1


@pytest.mark.parametrize("spoilt", [b"", b"\x89PNG\r\n\x1a\nhalf of"])
def test_a_kept_image_that_is_broken_is_drawn_again(studio: Studio, spoilt: bytes) -> None:
    good = studio.image("c3d4", lambda: SHOWN)
    studio.path("c3d4").write_bytes(spoilt)

    assert studio.image("c3d4", lambda: SHOWN) == good
    assert kept_file(studio.path("c3d4")) == good


def test_where_nothing_can_be_kept_images_are_drawn_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")

    assert ink(Studio(REPOSITORY / "theme", tmp_path / "kept").image("e5f6", lambda: SHOWN), HEADLINE) > 3_000


def test_an_image_is_named_by_what_it_is_drawn_of(own_settings: Settings) -> None:
    first = _images(build_site(own_settings, now=NOW).site_dir)
    again = _images(build_site(own_settings, now=NOW).site_dir)
    write_article(own_settings.root, "hostile", date="2026-11-21", title="Another title")
    other = _images(build_site(own_settings, now=NOW).site_dir)

    assert first == again
    changed = {path.parent.name for path in first ^ other}
    assert changed == {"hostile"}


def _images(site: Path) -> set[Path]:
    return {path.relative_to(site) for path in site.rglob("share-*.png")}


def test_another_colour_or_template_gives_every_image_another_name(own_theme: Path, tmp_path: Path) -> None:
    before = Studio(own_theme, tmp_path / "kept").key("x")
    template = own_theme / "share.svg"
    template.write_text(template.read_text("utf-8").replace("1120", "1119"), "utf-8")

    assert Studio(own_theme, tmp_path / "kept").key("x") != before
    assert Studio(own_theme, tmp_path / "kept").key("y") != Studio(own_theme, tmp_path / "kept").key("x")


def test_another_file_that_the_template_includes_gives_every_image_another_name(
    own_theme: Path, tmp_path: Path
) -> None:
    template, included = own_theme / "share.svg", own_theme / "partials/extra.svg"
    template.write_text(
        template.read_text("utf-8").replace("</svg>", '{%- include "partials/extra.svg" %}</svg>'), "utf-8"
    )
    included.parent.mkdir(exist_ok=True)
    included.write_text('<rect width="9" height="9"/>', "utf-8")
    before = Studio(own_theme, tmp_path / "kept").key("x")
    included.write_text('<rect width="99" height="9"/>', "utf-8")

    assert Studio(own_theme, tmp_path / "kept").key("x") != before


def test_a_file_in_the_place_of_a_folder_of_kept_images_stops_no_build(own_settings: Settings) -> None:
    first = _images(build_site(own_settings, now=NOW).site_dir)
    kept = next((own_settings.state_dir / "share").glob("??"))
    shutil.rmtree(kept)
    kept.write_text("a file where a folder should be")
    write_article(own_settings.root, "hostile", date="2026-11-21", title="Another title")

    assert len(_images(build_site(own_settings, now=NOW).site_dir)) == len(first)


def test_what_no_article_needs_any_more_is_let_go(own_settings: Settings) -> None:
    old = own_settings.state_dir / "share/zz"  # no hash begins so
    old.mkdir(parents=True)
    for number in range(20):
        (old / f"zz{number:02}.png").write_bytes(b"old")

    build_site(own_settings, now=NOW)
    build_site(own_settings, now=NOW)

    assert not list(old.iterdir())
    assert len(list((own_settings.state_dir / "share").glob("??/*.png"))) == 7


def test_a_theme_without_the_template_has_no_images(own_settings: Settings) -> None:
    (own_settings.root / "theme/share.svg").unlink()

    site = build_site(own_settings, now=NOW).site_dir

    assert not _images(site)
    assert "og:image" not in (site / "index.html").read_text("utf-8")
