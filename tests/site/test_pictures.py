"""Images in articles: in sizes and formats, with nothing in them that tells of their taking, and made once."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from pipeline.config import Settings
from pipeline.errors import ContentError
from pipeline.library.images import NoImage, look_at, made
from pipeline.site import build_site
from tests.site.conftest import NOW, SITE, write_article
from tests.site.reading import page

PLACE = b"Somewhere 52.5N 13.4E"


def write_image(path: Path, size: tuple[int, int] = (2000, 1000), *, orientation: int = 1, mode: str = "RGB") -> Path:
    """An image with a slope of colours, that tells where it was taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.linear_gradient("L").resize(size).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = PLACE.decode()
    image.save(path, exif=exif)
    return path


@pytest.fixture
def settings(own_settings: Settings) -> Settings:
    """A newsletter with an article that shows two images, the second of them smaller than any width that is offered."""
    images = own_settings.content / "pages/images"
    write_image(images / "halls.jpg")
    write_image(images / "small one.png", (300, 200))
    body = "![Two halls](images/halls.jpg)\n\nWords.\n\n![A “small” one](images/small%20one.png)\n"
    write_article(own_settings.root, "pictured", date="2026-11-22", body=body)
    return own_settings


def opened(path: Path) -> Image.Image:
    image = Image.open(path)
    image.load()
    return image


# --- on the page --------------------------------------------------------------------------------------------------------------


def test_an_image_is_offered_in_sizes_and_formats_with_its_width_and_height(settings: Settings) -> None:
    site = build_site(settings, now=NOW).site_dir

    article = page(site, "articles/pictured/index.html")
    first, second = article.all("img")
    assert (first.attributes["width"], first.attributes["height"]) == ("1280", "640")
    assert (second.attributes["width"], second.attributes["height"]) == ("300", "200")
    assert (first.attributes["alt"], second.attributes["alt"]) == ("Two halls", "A “small” one")
    assert first.attributes["src"] == "../../images/halls.jpg"
    kinds = [e.attributes["type"] for e in article.all("source")]
    assert kinds == ["image/avif", "image/webp"] * 2
    for source in article.all("source"):
        for address, width in re.findall(r"(\S+) (\d+)w", source.attributes["srcset"]):
            file = site / "articles/pictured" / address.replace("%20", " ")
            assert opened(file).width == int(width)
            assert opened(file).format == source.attributes["type"].removeprefix("image/").upper()
    widths = re.findall(r" (\d+)w", article.all("source")[0].attributes["srcset"])
    assert widths == ["480", "800", "1280"]


def test_only_the_first_image_is_loaded_at_once(settings: Settings) -> None:
    site = build_site(settings, now=NOW).site_dir

    loading = [e.attributes.get("loading") for e in page(site, "articles/pictured/index.html").all("img")]

    assert loading == [None, "lazy"]


def test_a_page_of_content_pages_shows_images_in_the_same_way(settings: Settings) -> None:
    settings.content.joinpath("pages/about.md").write_text("# About\n\n![Two halls](images/halls.jpg)\n", "utf-8")

    report = build_site(settings, now=NOW)

    about = page(report.site_dir, "about/index.html")
    assert about.one("img").attributes["width"] == "1280"
    assert len(about.all("source")) == 2
    assert about.one("img").attributes["src"] == "../images/halls.jpg"
    assert not [problem for problem in report.problems if problem.code == "W001"]


def test_feeds_show_the_plain_image_of_a_moderate_width(settings: Settings) -> None:
    site = build_site(settings, now=NOW).site_dir

    for name in ("feed.xml", "atom.xml", "feed.json"):
        text = (site / name).read_text("utf-8")
        assert f"{SITE}images/halls.jpg" in text, name
        assert "srcset" not in text, name
    assert opened(site / "images/halls.jpg").size == (1280, 640)


def test_the_words_of_an_article_with_images_can_be_verified(settings: Settings) -> None:
    from pipeline.site.verify import verify
    from pipeline.site.verify.places import read_folder

    site = build_site(settings, now=NOW).site_dir

    failures = [f for f in verify(read_folder(site, now=NOW)).failures if "pictured" in f.article]
    assert not failures


# --- what an image tells ------------------------------------------------------------------------------------------------------


def test_nothing_that_is_published_tells_where_an_image_was_taken(settings: Settings) -> None:
    assert PLACE in (settings.content / "pages/images/halls.jpg").read_bytes()

    site = build_site(settings, now=NOW).site_dir

    images = [*site.glob("images/*")]
    assert len(images) == 2 + 2 * 3 + 2 * 1
    for path in images:
        assert PLACE not in path.read_bytes(), path
        assert not opened(path).getexif(), path
        assert "icc_profile" not in opened(path).info, path


def test_an_image_that_lies_on_its_side_is_set_upright(tmp_path: Path) -> None:
    path = write_image(tmp_path / "turned.jpg", (400, 200), orientation=6)

    assert (look_at(path).width, look_at(path).height) == (200, 400)
    upright = Image.open(io.BytesIO(made(path, width=200, kind="WEBP")))
    assert upright.size == (200, 400)
    left, right = upright.convert("L").getpixel((10, 200)), upright.convert("L").getpixel((190, 200))
    assert isinstance(left, int)
    assert isinstance(right, int)
    assert left > right + 100  # the slope ran downwards, and was turned with the image


def test_what_is_clear_stays_clear_and_other_colours_become_those_of_the_web(tmp_path: Path) -> None:
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (600, 300), (255, 0, 0, 0)).save(clear)
    grey = tmp_path / "grey.jpg"
    Image.new("CMYK", (600, 300), (0, 0, 0, 128)).save(grey)
    profiled = tmp_path / "profiled.png"
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (600, 300), (10, 200, 30)).save(profiled, icc_profile=lab.tobytes())

    for kind in ("PNG", "WEBP", "AVIF"):
        assert Image.open(io.BytesIO(made(clear, width=300, kind=kind))).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert Image.open(io.BytesIO(made(grey, width=300, kind="AVIF"))).mode == "RGB"
    assert Image.open(io.BytesIO(made(profiled, width=300, kind="PNG"))).getpixel((5, 5)) == (10, 200, 30)


def test_an_image_that_moves_is_published_as_it_is(settings: Settings) -> None:
    moving = settings.content / "pages/images/moving.gif"
    frames = [Image.new("P", (900, 300), color) for color in range(4)]
    frames[0].save(moving, save_all=True, append_images=frames[1:], duration=100)
    write_article(settings.root, "moves", date="2026-11-22", body="![It moves](images/moving.gif)")

    site = build_site(settings, now=NOW).site_dir

    article = page(site, "articles/moves/index.html")
    assert article.one("img").attributes["width"] == "900"
    assert not article.all("source")
    assert (site / "images/moving.gif").read_bytes() == moving.read_bytes()


# --- made once ----------------------------------------------------------------------------------------------------------------


def test_an_image_is_made_once_and_again_where_it_is_another_one(settings: Settings) -> None:
    first = _bytes(build_site(settings, now=NOW).site_dir)
    kept = {path: path.stat().st_mtime_ns for path in (settings.state_dir / "images").rglob("*-1-*")}
    os.utime(settings.content / "pages/images/halls.jpg", (1, 1))

    again = _bytes(build_site(settings, now=NOW).site_dir)
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in (settings.state_dir / "images").rglob("*-1-*")} == kept
    assert len(kept) == len(first) == 10

    write_image(settings.content / "pages/images/halls.jpg", (1800, 1000))
    other = _bytes(build_site(settings, now=NOW).site_dir)
    assert {name for name in other if "halls" in name and name not in first} == {n for n in other if "halls-" in n}
    assert page(settings.site_dir, "articles/pictured/index.html").all("img")[0].attributes["height"] == "711"


def test_what_is_known_of_images_may_be_lost_or_spoilt(settings: Settings) -> None:
    first = _bytes(build_site(settings, now=NOW).site_dir)
    (settings.state_dir / "images/known.json").write_text('{"images/halls.jpg": 3}')

    assert _bytes(build_site(settings, now=NOW).site_dir) == first


def _bytes(site: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in site.glob("images/*")}


# --- what is no image ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n and then nothing", "is no image that we know|is damaged"),
        (b"<html>404</html>", "is no image that we know; save it as PNG, JPEG, WebP or AVIF"),
        (b"", "is no image that we know"),
    ],
)
def test_a_file_that_is_no_image_says_so(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content)

    with pytest.raises(NoImage, match=said):
        look_at(path)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "avif", "gif"])
def test_an_image_that_breaks_off_anywhere_says_so(tmp_path: Path, kind: str) -> None:
    whole, path = tmp_path / f"whole.{kind}", tmp_path / f"image.{kind}"
    Image.effect_noise((300, 200), 90).convert("RGB").save(whole)
    raw = whole.read_bytes()
    look_at(whole)
    chance = random.Random(kind)
    for _ in range(60):
        end = chance.randrange(len(raw) * 9 // 10)
        path.write_bytes(raw[:end])

        with pytest.raises(NoImage, match=r"is no image that we know|damaged"):
            look_at(path)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "avif", "gif"])
def test_whatever_an_image_holds_is_an_image_or_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"image.{kind}"
    Image.effect_noise((60, 40), 90).convert("RGB").save(path)
    raw = path.read_bytes()
    chance = random.Random(kind)
    for _ in range(150):
        spoilt = bytearray(raw)
        for _ in range(chance.choice([1, 3, 40])):
            spoilt[chance.randrange(len(raw))] = chance.randrange(256)
        path.write_bytes(bytes(spoilt))

        with contextlib.suppress(NoImage):
            look_at(path)


def test_an_image_of_too_many_points_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "vast.png"
    Image.new("1", (30_000, 30_000)).save(path)
    assert path.stat().st_size < 1_000_000

    with pytest.raises(
        NoImage, match=r"too many points|has 30000 x 30000 points, more than 60 million; save it smaller"
    ):
        look_at(path)


def test_an_image_that_breaks_off_stops_the_build_with_its_name(settings: Settings) -> None:
    path = settings.content / "pages/images/halls.jpg"
    path.write_bytes(path.read_bytes()[:4000])

    with pytest.raises(ContentError) as wrong:
        build_site(settings, now=NOW)

    (problem,) = (problem for problem in wrong.value.problems if problem.code == "S042")
    assert problem.path.startswith("content/articles/")
    assert "content/pages/images/halls.jpg breaks off or is damaged" in problem.message
