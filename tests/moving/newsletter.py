"""A newsletter of three hundred articles that never was, the exports in which six services would hand it out, and the repositories
in which three site generators would keep it.

`pieces` makes the articles, `Dialect` says each in the HTML of a service, the writers put all of it into an archive as that service
does. What must be found again afterwards stands in each `Piece`: its title, its date, its words in order, its image, its tags.
"""

# ruff: noqa: E501 -- what services write on one line stands here on one line
from __future__ import annotations

import csv
import datetime as dt
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

COUNT = 300
OLD_SITE = "https://harbour-notes.example.com"
TAGS = ("Power", "Money", "Batteries", "Harbour life")
AUTHORS = ("Jonas Fjell", "Mara Ødegård")
_FIRST = ("The quiet", "A patient", "The second", "An honest", "One long", "The last")
_THEN = ("crane", "harbour", "ledger", "winter", "substation", "ferry", "argument")
_OPENINGS = (
    "On the morning of the count, the dockers named 42 ships & 7 tugs.",
    "Nobody had asked for 3.5 million kronor, and yet it was there.",
    "“We wait,” said the harbour master, and he waited.",
    "The office’s figures begin in 1998 and end at 2 * 3 * 4 = 24.",
)
ODD = "Signs such as *stars*, _lines_, [brackets], {braces}, `ticks`, a<b and #7 stay as they are: \\ too."


@dataclass(frozen=True)
class Piece:
    """One article, and what must be found of it."""

    number: int
    slug: str
    title: str
    subtitle: str
    date: dt.datetime
    tags: tuple[str, ...]
    author: str
    opening: str
    links_to: Piece | None

    @property
    def id(self) -> str:
        return f"{14000 + self.number}"

    @property
    def image(self) -> str:
        return f"quay-{self.number}.png"

    @property
    def caption(self) -> str:
        return f"The quay on day {self.number}, photographed by Mara Ødegård"

    @property
    def alt(self) -> str:
        return f"Quay number {self.number} in the rain"


@dataclass(frozen=True)
class Dialect:
    """How a service says in HTML what others say otherwise."""

    service: str
    old: Callable[[Piece], str]  # the address of an article there
    figure: Callable[[Piece], str]
    embed: str = '<iframe src="https://www.youtube.com/embed/q8h4r2tz9Lk?rel=0"></iframe>'
    wrap: Callable[[str], str] = str
    has_table: bool = True


def pieces(count: int = COUNT) -> list[Piece]:
    """The articles, oldest first; each but the first links to the one before."""
    made: list[Piece] = []
    for number in range(count):
        name = f"{_FIRST[number % len(_FIRST)]} {_THEN[number % len(_THEN)]}"
        made.append(
            Piece(
                number=number,
                slug=f"{name.lower().replace(' ', '-')}-{number}",
                title=f"{name}: chapter {number} & what it cost",
                subtitle=f"How chapter {number} of the harbour began, and who paid for it.",
                date=dt.datetime(2019, 1, 5, 6, 30, tzinfo=dt.UTC) + dt.timedelta(days=7 * number, minutes=number),
                tags=(TAGS[number % 4], TAGS[(number + 1) % 4]),
                author=AUTHORS[number % 2],
                opening=_OPENINGS[number % len(_OPENINGS)],
                links_to=made[-1] if made else None,
            )
        )
    return made


def html_of(piece: Piece, dialect: Dialect) -> str:
    """The body in the service's HTML."""
    other = piece.links_to
    before = f' As <a href="{dialect.old(other)}">we told before</a>, it lasts.' if other else ""
    table = "<table><thead><tr><th>Year</th><th>Ships</th></tr></thead><tbody><tr><td>2019</td><td>42 | 43</td></tr></tbody></table>"
    parts = [
        f"<p>{escape(piece.opening)} <strong>Read <em>twice</em></strong>, then <a href='https://example.org/a_b?c=1&amp;d=2'>look it up</a>.{before}</p>",
        f"<p>{escape(ODD)}</p>",
        dialect.figure(piece),
        "<h2>What was counted</h2>",
        "<ul><li>Cranes<ul><li>Old ones</li><li>New ones</li></ul></li><li>Ferries</li></ul>",
        "<ol><li>First the ships</li><li>Then the sums</li></ol>",
        "<blockquote><p>The sea keeps no books.</p><p>We do.</p></blockquote>",
        '<pre><code class="language-python">def ships(n):\n    return n * 2  # &lt;all&gt; of them\n</code></pre>',
        dialect.embed,
        *([table] if dialect.has_table else []),
        "<hr>",
        "<p>Line one<br>line two with <code>a*b*c</code> and H<sub>2</sub>O.</p>",
        "<script>document.write('never')</script>",
    ]
    return dialect.wrap("\n".join(parts))


def words_of(piece: Piece, dialect: Dialect) -> str:
    """What a reader reads of it, in order, as plain words."""
    parts = [
        f"{piece.opening} Read twice, then look it up.{' As we told before, it lasts.' if piece.links_to else ''}",
        ODD,
        piece.caption,
        "What was counted",
        "Cranes Old ones New ones Ferries First the ships Then the sums The sea keeps no books. We do.",
        "def ships(n): return n * 2 # <all> of them",
        "Video at www.youtube.com",
        *(["Year Ships 2019 42 | 43"] if dialect.has_table else []),
        "Line one line two with a*b*c and H 2 O.",
    ]
    return " ".join(parts)


def png(number: int) -> bytes:
    """A small image that no other number has."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = b"".join(b"\0" + bytes([(number + x) % 256, number // 256, x * 9]) for x in range(1) for _ in range(8))
    head = struct.pack(">IIBBBBB", 1, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


# --- subscribers ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Somebody:
    email: str
    standing: str  # active, left, bounced, complained, pending
    since: dt.datetime


def readers(count: int = 60) -> list[Somebody]:
    kinds = ("active", "active", "active", "left", "active", "pending", "bounced", "active", "complained", "active")
    since = dt.datetime(2020, 2, 1, 10, 0, tzinfo=dt.UTC)
    return [Somebody(f"reader{n}@example.org", kinds[n % 10], since + dt.timedelta(days=n)) for n in range(count)]


# --- archives -------------------------------------------------------------------------------------------------------------------


def table(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _iso(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# -- Substack

SUBSTACK_CDN = (
    "https://substackcdn.com/image/fetch/w_1456,c_limit,f_auto/https%3A%2F%2Fbucket.example.com%2Fpublic%2Fimages%2F"
)


def _substack_figure(piece: Piece) -> str:
    data = escape(
        json.dumps({"src": f"https://bucket.example.com/public/images/{piece.image}", "alt": piece.alt}), quote=True
    )
    return (
        f'<div class="captioned-image-container"><figure><a class="image-link image2" target="_blank" href="{SUBSTACK_CDN}{piece.image}">'
        f'<div class="image2-inset"><picture><source type="image/webp" srcset="{SUBSTACK_CDN}{piece.image} 424w"><img '
        f'src="{SUBSTACK_CDN}{piece.image}" width="1456" height="819" data-attrs="{data}" class="sizing-normal" alt="{escape(piece.alt)}">'
        f'</picture><div></div></div></a><figcaption class="image-caption">{escape(piece.caption)}</figcaption></figure></div>'
    )


_SUBSTACK_ASK = (
    '<div class="subscription-widget-wrap" data-attrs="{}"><div class="subscription-widget show-subscribe"><p>Subscribe!</p>'
    '<form><input type="email"></form></div></div><p class="button-wrapper"><a class="button primary" '
    'href="https://harbour-notes.example.com/p/x?action=share"><span>Share</span></a></p>'
)
SUBSTACK = Dialect(
    "substack",
    lambda piece: f"{OLD_SITE}/p/{piece.slug}?utm_source=post",
    _substack_figure,
    embed='<div id="youtube2-q8h4r2tz9Lk" class="youtube2" data-attrs="{&quot;videoId&quot;:&quot;q8h4r2tz9Lk&quot;}"><div class="inner">'
    '<iframe src="https://www.youtube-nocookie.com/embed/q8h4r2tz9Lk"></iframe></div></div>',
    wrap=lambda html: f"<div>{html}{_SUBSTACK_ASK}</div>",
    has_table=False,
)


def substack(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    columns = (
        "post_id post_date is_published email_sent_at inbox_sent_at type audience title subtitle podcast_url".split()
    )
    rows = [
        {
            "post_id": f"{p.id}.{p.slug}", "post_date": _iso(p.date), "is_published": "true", "email_sent_at": _iso(p.date),
            "type": "newsletter", "audience": "everyone", "title": p.title, "subtitle": p.subtitle,
        }
        for p in items
    ]  # fmt: skip
    rows.append(
        {
            "post_id": "9.about",
            "post_date": _iso(items[0].date),
            "is_published": "true",
            "type": "page",
            "title": "About",
        }
    )
    files: dict[str, str | bytes] = {"posts.csv": table(columns, rows), "posts/9.about.html": "<p>About us</p>"}
    files |= {f"posts/{p.id}.{p.slug}.html": html_of(p, SUBSTACK) for p in items}
    files |= {
        f"posts/{p.id}.{p.slug}.opens.csv": "post_id,timestamp,email\r\n1,2020-01-01,reader0@example.org\r\n"
        for p in items[:3]
    }
    files |= {f"images/{p.image}": png(p.number) for p in items}  # kept by hand: Substack leaves them out
    listed = table(
        "email active_subscription expiry plan email_disabled created_at first_payment_at".split(),
        [
            {
                "email": s.email,
                "active_subscription": "false",
                "email_disabled": str(s.standing != "active").lower(),
                "created_at": _iso(s.since),
            }
            for s in people
        ],
    )
    files["email_list.harbour-notes.csv"] = listed
    return [write_zip(folder / "substack.zip", files)]


# -- Ghost

GHOST = Dialect(
    "ghost",
    lambda piece: f"__GHOST_URL__/{piece.slug}/",
    lambda piece: (
        f'<figure class="kg-card kg-image-card kg-card-hascaption"><img src="__GHOST_URL__/content/images/2021/03/{piece.image}" '
        f'class="kg-image" alt="{escape(piece.alt)}" loading="lazy"><figcaption>{escape(piece.caption)}</figcaption></figure>'
    ),
    embed='<figure class="kg-card kg-embed-card"><iframe width="200" height="113" src="https://www.youtube.com/embed/q8h4r2tz9Lk?feature=oembed"'
    ' title="">Loading</iframe></figure>',
    wrap=lambda html: f'{html}<div class="kg-card kg-signup-card"><h2>Sign up</h2><form><input></form></div>',
)


def ghost(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    tags = {
        name: {"id": f"t{n}", "name": name, "slug": name.lower().replace(" ", "-"), "visibility": "public"}
        for n, name in enumerate(TAGS)
    }
    users = {
        name: {
            "id": f"u{n}",
            "name": name,
            "slug": f"user-{n}",
            "email": f"secret{n}@example.org",
            "password": "$2b$hash",
            "bio": f"Bio {n}",
        }
        for n, name in enumerate(AUTHORS)
    }
    posts = [
        {
            "id": p.id, "title": p.title, "slug": p.slug, "html": html_of(p, GHOST), "type": "post", "status": "published",
            "visibility": "public", "custom_excerpt": p.subtitle, "published_at": _iso(p.date), "created_at": _iso(p.date),
            "updated_at": "2024-01-01T00:00:00.000Z", "feature_image": None, "lexical": None, "mobiledoc": None,
        }
        for p in items
    ]  # fmt: skip
    posts.append(
        {"id": "page", "title": "About", "slug": "about", "html": "<p>x</p>", "type": "page", "status": "published"}
    )
    hidden = {"id": "hidden", "name": "#internal", "slug": "hash-internal", "visibility": "internal"}
    data = {
        "posts": posts,
        "tags": [*tags.values(), hidden],
        "users": list(users.values()),
        "posts_tags": [
            {"post_id": p.id, "tag_id": tags[t]["id"], "sort_order": n} for p in items for n, t in enumerate(p.tags)
        ]
        + [{"post_id": p.id, "tag_id": "hidden", "sort_order": 9} for p in items[:5]],
        "posts_authors": [{"post_id": p.id, "author_id": users[p.author]["id"], "sort_order": 0} for p in items],
        "posts_meta": [],
        "settings": [{"key": "title", "value": "Harbour notes"}],
    }
    export = folder / "harbour.ghost.2026-11-01.json"
    export.write_text(json.dumps({"db": [{"meta": {"exported_on": 1730419200000, "version": "5.96.0"}, "data": data}]}))
    members = folder / "members.csv"
    members.write_text(
        table(
            "id email name note subscribed_to_emails complimentary_plan stripe_customer_id created_at deleted_at labels tiers".split(),
            [
                {
                    "id": n,
                    "email": s.email,
                    "subscribed_to_emails": str(s.standing == "active").lower(),
                    "created_at": _iso(s.since),
                }
                for n, s in enumerate(people)
            ],
        )
    )
    images = write_zip(folder / "images.zip", {f"content/images/2021/03/{p.image}": png(p.number) for p in items})
    return [export, members, images]


# -- WordPress

_WP_PLACE = "https://harbour-notes.example.com/wp-content/uploads/2020/06"


def _wp_old(piece: Piece) -> str:
    return f"{OLD_SITE}/{piece.date:%Y/%m/%d}/{piece.slug}/"


def _wp_figure(piece: Piece) -> str:
    image = f'<img class="size-large" src="{_WP_PLACE}/{piece.image.replace(".png", "-640x480.png")}" alt="{escape(piece.alt)}" width="640" height="480" />'
    return f'[caption id="attachment_{piece.number}" align="aligncenter" width="640"]<a href="{_WP_PLACE}/{piece.image}">{image}</a> {escape(piece.caption)}[/caption]'


WORDPRESS = Dialect(
    "wordpress",
    _wp_old,
    _wp_figure,
    embed="[embed]https://www.youtube.com/watch?v=q8h4r2tz9Lk[/embed]",
    # The classic editor keeps paragraphs as empty lines.
    wrap=lambda html: (
        html.replace("<p>", "\n")
        .replace("</p>", "\n")
        .replace("<h2>", "\n<!--more-->\n\n<h2>", 1)
        .replace("<br>", "\n")
    ),
)


def wordpress(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    logins = dict(zip(AUTHORS, ("jonas", "mara"), strict=True))
    authors = "".join(
        f"<wp:author><wp:author_login><![CDATA[{login}]]></wp:author_login><wp:author_email><![CDATA[{login}@secret.example.org]]></wp:author_email>"
        f"<wp:author_display_name><![CDATA[{name}]]></wp:author_display_name></wp:author>"
        for name, login in logins.items()
    )
    entries = []
    for p in items:
        named = "".join(
            f'<category domain="{"category" if n == 0 else "post_tag"}" nicename="{t.lower().replace(" ", "-")}"><![CDATA[{t}]]></category>'
            for n, t in enumerate(p.tags)
        )
        entries.append(
            f"<item><title><![CDATA[{p.title}]]></title><link>{_wp_old(p)}</link><pubDate>{p.date:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
            f'<dc:creator><![CDATA[{logins[p.author]}]]></dc:creator><guid isPermaLink="false">{OLD_SITE}/?p={p.id}</guid><description></description>'
            f"<content:encoded><![CDATA[{html_of(p, WORDPRESS)}]]></content:encoded><excerpt:encoded><![CDATA[{p.subtitle}]]></excerpt:encoded>"
            f"<wp:post_id>{p.id}</wp:post_id><wp:post_date>{p.date:%Y-%m-%d %H:%M:%S}</wp:post_date>"
            f"<wp:post_date_gmt>{p.date:%Y-%m-%d %H:%M:%S}</wp:post_date_gmt><wp:post_name>{p.slug}</wp:post_name><wp:status>publish</wp:status>"
            f"<wp:post_type>post</wp:post_type>{named}</item>"
        )
    entries += [
        f"<item><title>A {kind}</title><wp:post_id>7</wp:post_id><wp:status>publish</wp:status><wp:post_type>{kind}</wp:post_type></item>"
        for kind in ("page", "nav_menu_item")
    ]
    text = (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:wp="http://wordpress.org/export/1.2/">\n<channel><title>Harbour notes</title><wp:wxr_version>1.2</wp:wxr_version>'
        f"<wp:base_site_url>{OLD_SITE}</wp:base_site_url><wp:base_blog_url>{OLD_SITE}</wp:base_blog_url>{authors}{''.join(entries)}</channel></rss>"
    )
    export = folder / "harbournotes.WordPress.2026-11-01.xml"
    export.write_text(text, "utf-8")
    uploads = folder / "uploads"
    (uploads / "2020/06").mkdir(parents=True)
    for p in items:
        (uploads / "2020/06" / p.image).write_bytes(png(p.number))
    words = {
        "active": "Subscribed",
        "left": "Not subscribed",
        "pending": "Not confirmed",
        "bounced": "Not sending",
        "complained": "Not sending",
    }
    listed = folder / "subscribers.csv"
    listed.write_text(
        table(
            ["Email", "Email subscription", "Since"],
            [
                {"Email": s.email, "Email subscription": words[s.standing], "Since": f"{s.since:%B %d, %Y}"}
                for s in people
            ],
        )
    )
    return [export, uploads, listed]


# -- Medium


def _medium_old(piece: Piece) -> str:
    return f"https://medium.com/@jonas/{piece.slug}-{piece.number + 0xABC000000000:012x}"


MEDIUM = Dialect(
    "medium",
    _medium_old,
    lambda piece: (
        f'<figure class="graf graf--figure"><img class="graf-image" data-image-id="1*{piece.image}" data-width="640" data-height="480" '
        f'src="https://cdn-images-1.medium.com/max/800/1*{piece.image}" alt="{escape(piece.alt)}"><figcaption class="imageCaption">'
        f"{escape(piece.caption)}</figcaption></figure>"
    ),
    embed='<figure class="graf graf--figure graf--iframe"><iframe src="https://www.youtube.com/embed/q8h4r2tz9Lk?feature=oembed" width="700"></iframe></figure>',
    wrap=lambda html: (
        '<section name="a1" class="section section--body"><div class="section-divider"><hr class="section-divider"></div>'
        f'<div class="section-content"><div class="section-inner sectionLayout--insetColumn">{html}</div></div></section>'
    ),
    has_table=False,
)


def medium(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    files: dict[str, str | bytes] = {"README.html": "<p>x</p>", "profile/profile.html": '<h3 class="p-name">Jonas</h3>'}
    for p in items:
        tags = ", ".join(f'<a href="https://medium.com/tag/x" class="p-tag">{t}</a>' for t in p.tags)
        title = f'<h3 class="graf graf--h3 graf--leading graf--title">{escape(p.title)}</h3>'
        body = html_of(p, MEDIUM).replace('sectionLayout--insetColumn">', f'sectionLayout--insetColumn">{title}', 1)
        files[f"posts/{p.date:%Y-%m-%d}_{p.slug}-{p.number + 0xABC000000000:012x}.html"] = (
            f'<!DOCTYPE html><html><head><meta charset=utf-8><title>{escape(p.title)}</title><style>h1 {{}}</style></head><body><article class="h-entry">'
            f'<header><h1 class="p-name">{escape(p.title)}</h1></header><section data-field="subtitle" class="p-summary">{escape(p.subtitle)}</section>'
            f'<section data-field="body" class="e-content">{body}</section><footer><p class="p-tags">Tagged in {tags}</p><p>By '
            f'<a href="https://medium.com/@jonas" class="p-author h-card">{p.author}</a> on <a href="https://medium.com/p/{p.id}">'
            f'<time class="dt-published" datetime="{_iso(p.date)}">x</time></a>.</p><p><a href="{_medium_old(p)}" class="p-canonical">Canonical link</a></p>'
            "</footer></article></body></html>"
        )
    export = write_zip(folder / "medium-export.zip", files)
    images = folder / "images"
    images.mkdir()
    for p in items:
        (images / f"1*{p.image}").write_bytes(png(p.number))
    listed = folder / "subscribers.csv"
    words = {"left": "unsubscribed", "complained": "spam"}
    listed.write_text(
        table(
            ["Email", "Status", "Subscribed_at"],
            [
                {"Email": s.email, "Status": words.get(s.standing, s.standing), "Subscribed_at": _iso(s.since)}
                for s in people
            ],
        )
    )
    return [export, images, listed]


# -- beehiiv

BEEHIIV = Dialect(
    "beehiiv",
    lambda piece: f"{OLD_SITE}/p/{piece.slug}",
    lambda piece: (
        f'<table role="presentation"><tr><td><img src="https://media.example.com/cdn-cgi/image/fit=scale-down/uploads/asset/file/{piece.number}/{piece.image}"'
        f' alt="{escape(piece.alt)}" width="600"></td></tr><tr><td><p>{escape(piece.caption)}</p></td></tr></table>'
    ),
    wrap=lambda html: (
        '<!DOCTYPE html><html><body><div style="display:none">A preheader that nobody reads</div><table role="presentation"><tr><td><p>View in browser</p>'
        f'</td></tr><tr id="content-blocks"><td>{html}</td></tr><tr><td><p>Unsubscribe here</p></td></tr></table></body></html>'
    ),
)


def beehiiv(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    columns = (
        "id web_title status audience url web_subtitle email_subject_line email_preview_text content_html thumbnail_url created_at "
        "publish_date content_tags authors"
    ).split()
    posts = folder / "posts.csv"
    posts.write_text(
        table(
            columns,
            [
                {
                    "id": f"post-{p.id}", "web_title": p.title, "status": "confirmed", "audience": "free", "url": f"{OLD_SITE}/p/{p.slug}",
                    "web_subtitle": p.subtitle, "content_html": html_of(p, BEEHIIV), "created_at": f"{p.date:%Y-%m-%d %H:%M:%S}",
                    "publish_date": f"{p.date:%Y-%m-%d %H:%M:%S} UTC", "content_tags": ", ".join(p.tags), "authors": p.author,
                }
                for p in items
            ],
        )
    )  # fmt: skip
    words = {"left": "inactive", "complained": "inactive", "bounced": "invalid"}
    listed = folder / "subscribers.csv"
    listed.write_text(
        table(
            "email status tier created_at unsubscribed_at".split(),
            [
                {
                    "email": s.email,
                    "status": words.get(s.standing, s.standing),
                    "tier": "free",
                    "created_at": f"{s.since:%Y-%m-%d %H:%M:%S} UTC",
                }
                for s in people
            ],
        )
    )
    images = write_zip(folder / "files.zip", {f"uploads/asset/file/{p.number}/{p.image}": png(p.number) for p in items})
    return [posts, listed, images]


# -- Buttondown: half of it in Markdown, half in HTML, as its two editors keep it

BUTTONDOWN = Dialect(
    "buttondown",
    lambda piece: f"{OLD_SITE}/archive/{piece.slug}/",
    lambda piece: (
        f'<figure><img src="https://assets.example.com/images/{piece.image}" alt="{escape(piece.alt)}"><figcaption>{escape(piece.caption)}</figcaption></figure>'
    ),
)


def markdown_of(piece: Piece, *, link: Callable[[Piece], str] | None = None, image: str = "") -> str:
    """The body in Markdown, with *link* to another piece and *image* as they are written there."""
    link = link or BUTTONDOWN.old
    image = image or f"https://assets.example.com/images/{piece.image}"
    other = piece.links_to
    before = f" As [we told before]({link(other)}), it lasts." if other else ""
    odd = ODD.replace("\\", "\\\\")
    for sign in "*_[]{}`":
        odd = odd.replace(sign, f"\\{sign}")
    opening = piece.opening.replace("*", r"\*").replace("&", "&amp;")
    return f"""\
{opening} **Read _twice_**, then [look it up](https://example.org/a_b?c=1&d=2).{before}

{odd.replace("<", "&lt;")}

![{piece.alt}]({image})

<small>{piece.caption}</small>

## What was counted

* Cranes
    * Old ones
    * New ones
* Ferries

1. First the ships
2. Then the sums

> The sea keeps no books.
>
> We do.

```python
def ships(n):
    return n * 2  # <all> of them
```

<iframe src="https://www.youtube.com/embed/q8h4r2tz9Lk"></iframe>

Year | Ships
--- | ---
2019 | 42 \\| 43

---

Line one{"  "}
line two with `a*b*c` and H<sub>2</sub>O.

<script>document.write('never')</script>
"""


def buttondown(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    files: dict[str, str | bytes] = {
        "emails.csv": table(
            "id secondary_id subject publish_date source slug status email_type description absolute_url".split(),
            [
                {
                    "id": f"em-{p.id}", "secondary_id": p.number, "subject": p.title, "publish_date": f"{p.date:%Y-%m-%d %H:%M:%S}+00:00",
                    "source": "app", "slug": p.slug, "status": "sent", "email_type": "public", "description": p.subtitle,
                    "absolute_url": BUTTONDOWN.old(p),
                }
                for p in items
            ],
        )
    }  # fmt: skip
    for p in items:
        fancy = f"<!-- buttondown-editor-mode: fancy -->{html_of(p, BUTTONDOWN)}"
        files[f"emails/{p.slug}.md"] = (
            fancy if p.number % 2 else f"<!-- buttondown-editor-mode: plaintext -->\n{markdown_of(p)}"
        )
    files |= {f"images/{p.image}": png(p.number) for p in items}
    words = {
        "active": "regular",
        "left": "unsubscribed",
        "pending": "unactivated",
        "bounced": "undeliverable",
        "complained": "complained",
    }
    listed = folder / "subscribers.csv"
    listed.write_text(
        table(
            "email_address notes metadata tags type creation_date unsubscription_date".split(),
            [
                {"email_address": s.email, "type": words[s.standing], "creation_date": f"{s.since.isoformat(' ')}"}
                for s in people
            ],
        )
    )
    return [write_zip(folder / "buttondown.zip", files), listed]


# -- Jekyll, Hugo and Pelican: a repository, beside which the list of subscribers lies


def _listed(folder: Path, people: list[Somebody]) -> Path:
    listed = folder / "subscribers.csv"
    words = {"left": "unsubscribed", "complained": "spam"}
    rows = [
        {"email": s.email, "status": words.get(s.standing, s.standing), "created_at": _iso(s.since)} for s in people
    ]
    listed.write_text(table(("email", "status", "created_at"), rows))
    return listed


def _kept(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def _no_figure(piece: Piece) -> str:
    raise NotImplementedError  # these keep Markdown


JEKYLL = Dialect("jekyll", lambda piece: f"{OLD_SITE}/notes/{piece.date:%Y}/{piece.slug}.html", _no_figure)


def jekyll(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    files: dict[str, str | bytes] = {
        "_config.yml": f'title: Harbour notes\nurl: "{OLD_SITE}"\nbaseurl: ""\npermalink: /notes/:year/:title.html\n',
        "_includes/counted.md": "## {{ include.what }}\n",
        "_data/authors.yml": "".join(f"{name.split()[0].lower()}:\n  name: {name}\n" for name in AUTHORS),
        "_drafts/never.txt": "no text of the site",
        "about.md": "---\ntitle: About\n---\nUs\n",
        ".git/HEAD": "ref: refs/heads/main\n",
    }
    for p in items:
        front = {"title": p.title, "date": f"{p.date:%Y-%m-%d %H:%M:%S} +0000", "description": p.subtitle, "categories": [p.tags[0]],
                 "tags": [p.tags[1]], "author": p.author.split()[0].lower(), "layout": "post"}  # fmt: skip
        body = markdown_of(
            p,
            link=lambda other: f"{{% post_url {other.date:%Y-%m-%d}-{other.slug} %}}",
            image=f"{{{{ site.baseurl }}}}/img/{p.image}",
        )
        body = body.replace(
            "## What was counted", '{% include counted.md what="What was counted" %}\n{: .big #counted}'
        )
        body = body.replace("    * Old", "  * Old").replace(
            "    * New", "  * New"
        )  # kramdown counts the blanks of the marker
        body = (
            body.replace("{braces}", "{braces}")
            .replace("```python", "{% highlight python %}")
            .replace("# <all> of them\n```", "# <all> of them\n{% endhighlight %}")
        )
        lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in front.items())
        files[f"_posts/{p.date:%Y-%m-%d}-{p.slug}.md"] = f"---\n{lines}---\n{body}"
        files[f"img/{p.image}"] = png(p.number)
    return [_kept(folder / "site", files), _listed(folder, people)]


HUGO = Dialect("hugo", lambda piece: f"{OLD_SITE}/{piece.date:%Y/%m}/{piece.slug}/", _no_figure)


def hugo(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    files: dict[str, str | bytes] = {
        "hugo.toml": f'baseURL = "{OLD_SITE}/"\nlanguageCode = "en-gb"\n[permalinks]\nposts = "/:year/:month/:slug/"\n',
        "content/_index.md": "+++\ntitle = 'Home'\n+++\n",
        "content/about.md": "+++\ntitle = 'About'\n+++\nUs\n",
        "themes/bare/exampleSite/content/posts/sample.md": "---\ntitle: Sample\ndate: 2020-01-01\n---\nNever\n",
    }
    for p in items:
        told = {
            "title": p.title,
            "slug": p.slug,
            "description": p.subtitle,
            "categories": [p.tags[0]],
            "tags": [p.tags[1]],
            "author": p.author,
        }
        toml = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items())
        yaml = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items())
        front = (
            f"+++\ndate = {p.date:%Y-%m-%dT%H:%M:%SZ}\n{toml}+++\n"
            if p.number % 2
            else f"---\ndate: {p.date:%Y-%m-%dT%H:%M:%SZ}\n{yaml}---\n"
        )
        body = markdown_of(p, link=lambda other: f'{{{{< ref "posts/{other.slug}.md" >}}}}', image=p.image)
        body = body.replace(
            '<iframe src="https://www.youtube.com/embed/q8h4r2tz9Lk"></iframe>', "{{< youtube q8h4r2tz9Lk >}}"
        )
        body = body.replace("    * Old", "  * Old").replace("    * New", "  * New")
        bundle = p.number % 3 == 0  # a folder with its image, or a file with one in static/
        if bundle:
            body = body.replace(
                f"![{p.alt}]({p.image})\n\n<small>{p.caption}</small>",
                f'{{{{< figure src="{p.image}" alt="{p.alt}" caption="{p.caption}" >}}}}',
            )
        else:
            body = body.replace(f"({p.image})", f"(/pictures/{p.image})")
        files[f"content/posts/{p.slug}/index.md" if bundle else f"content/posts/{p.slug}.md"] = front + body
        files[f"content/posts/{p.slug}/{p.image}" if bundle else f"static/pictures/{p.image}"] = png(p.number)
    return [_kept(folder / "site", files), _listed(folder, people)]


PELICAN = Dialect("pelican", lambda piece: f"{OLD_SITE}/blog/{piece.date:%Y/%m/%d}/{piece.slug}/", _no_figure)


def pelican(folder: Path, items: list[Piece], people: list[Somebody]) -> list[Path]:
    files: dict[str, str | bytes] = {
        "pelicanconf.py": "import os\nAUTHOR = 'Jonas Fjell'\nSITEURL = ''\nTIMEZONE = 'UTC'\nARTICLE_URL = 'blog/{date:%Y}/{date:%m}/{date:%d}/{slug}/'\n"
        "os.system('touch run-by-an-import')\n",
        "publishconf.py": f"SITEURL = '{OLD_SITE}' if not os.environ.get('HERE') else 'http://localhost:8000'\n",
        "content/pages/about.md": "Title: About\n\nUs\n",
        "themes/bare/README.md": "Title: Never\nDate: 2020-01-01\n\nNever\n",
    }
    for p in items:
        front = f"Title: {p.title}\nDate: {p.date:%Y-%m-%d %H:%M:%S}\nSlug: {p.slug}\nCategory: {p.tags[0]}\nTags: {p.tags[1]}\nAuthors: {p.author}\nSummary: {p.subtitle}\n\n"
        body = markdown_of(
            p,
            link=lambda other: f"{{filename}}{other.date:%Y-%m-%d}-{other.slug}.md",
            image=f"{{static}}/images/{p.image}",
        )
        files[f"content/{p.date:%Y-%m-%d}-{p.slug}.md"] = front + body
        files[f"content/images/{p.image}"] = png(p.number)
    return [_kept(folder / "site", files), _listed(folder, people)]


WRITERS = {
    "substack": (substack, SUBSTACK),
    "ghost": (ghost, GHOST),
    "wordpress": (wordpress, WORDPRESS),
    "medium": (medium, MEDIUM),
    "beehiiv": (beehiiv, BEEHIIV),
    "buttondown": (buttondown, BUTTONDOWN),
    "jekyll": (jekyll, JEKYLL),
    "hugo": (hugo, HUGO),
    "pelican": (pelican, PELICAN),
}
