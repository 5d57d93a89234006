"""Images: whether a file is one, how large it is, and the same in another size and format, with nothing that tells of its taking.

Pictures that move are left as they are, and so are drawings (SVG).
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pipeline.library.frontmatter import Unreadable, read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS: Final = {  # by the end of the name
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".gif": "GIF",
}
MOST_BYTES: Final = 25_000_000
MOST_POINTS: Final = 60_000_000  # of what a camera makes; unpacked it takes a quarter of a gigabyte
_TURNED: Final = frozenset({5, 6, 7, 8})  # EXIF 4.6.4: lies on its side
_ORIENTATION: Final = 0x0112
# What Pillow raises for files that break off or hold nonsense.
_DAMAGES: Final = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_HOW: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 82, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 80, "method": 5},
    "AVIF": {"quality": 58, "speed": 7},
}


class NoImage(Exception):
    """A file that cannot be shown as an image; the message says what is wrong and what next."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an image."""

    width: int
    height: int
    moves: bool


def file_at(url: str, *, site_url: str = "") -> str | None:
    """The path below content/pages/ of what a link shows: read from the front page, or as an address of the site *site_url*.

    None for what is elsewhere.
    """
    link = url.removeprefix(site_url).partition("#")[0].partition("?")[0]
    path = unquote(link).lstrip("/")
    if ":" in link.partition("/")[0] or link.startswith("//") or ".." in path.split("/"):
        return None
    return path


def look_at(path: Path) -> Facts:
    """What the image in the file *path* is like. Raises `NoImage`."""
    with _opened(path) as image:
        width, height = image.size
        try:
            image.draft("L", (1, 1))  # an eighth of it does, where the format can
            image.load()  # to its end: the head alone tells nothing of what is missing
            is_turned = image.getexif().get(_ORIENTATION) in _TURNED
            moves = getattr(image, "n_frames", 1) > 1
        except _DAMAGES as error:
            raise NoImage(f"breaks off or is damaged ({error}); save it anew") from error
        return Facts(height, width, moves) if is_turned else Facts(width, height, moves)


def made(path: Path, *, width: int, kind: str) -> bytes:
    """The image in the file *path* at *width* points, in the format *kind*. Raises `NoImage`."""
    from PIL import Image, ImageOps

    with _opened(path) as image:
        try:
            upright = _in_plain_colours(ImageOps.exif_transpose(image), kind)
        except _DAMAGES as error:
            raise NoImage(f"breaks off or is damaged ({error}); save it anew") from error
        if width < upright.width:
            height = max(1, round(upright.height * width / upright.width))
            upright = upright.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        bare = Image.new(upright.mode, upright.size)
        bare.paste(upright)  # the points alone: no place, no time, no camera
        written = io.BytesIO()
        bare.save(written, kind, **_HOW[kind])
        return written.getvalue()


def _opened(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        raw = read_bytes(path, most=MOST_BYTES)
    except Unreadable as error:
        too_long = "longer than" in error.message
        what = f"is larger than {MOST_BYTES / 1e6:.0f} MB; save it smaller" if too_long else error.message
        raise NoImage(what) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            image = Image.open(io.BytesIO(raw), formats=sorted(set(FORMATS.values())))
    except UnidentifiedImageError as error:
        raise NoImage("is no image that we know; save it as PNG, JPEG, WebP or AVIF") from error
    except Image.DecompressionBombError as error:
        raise NoImage(_too_many()) from error
    except _DAMAGES as error:
        raise NoImage(f"is damaged ({error}); save it anew") from error
    if image.width * image.height > MOST_POINTS:
        raise NoImage(_too_many(image.size))
    return image


def _too_many(size: tuple[int, int] | None = None) -> str:
    has = f"has {size[0]} x {size[1]} points" if size else "has too many points"
    return f"{has}, more than {MOST_POINTS / 1e6:.0f} million; save it smaller"


def _in_plain_colours(image: Image, kind: str) -> Image:
    """*image* in sRGB, which is what browsers take an image without a profile to be in."""
    from PIL import ImageCms

    clear = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA")
    mode = "RGBA" if clear and kind != "JPEG" else "RGB"
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        try:
            into = "RGBA" if image.mode == "RGBA" else "RGB"
            turned = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode=into
            )
            image = turned if turned is not None else image
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that nobody can read: the numbers as they stand
    return image.convert(mode)
