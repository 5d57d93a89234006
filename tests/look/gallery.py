"""A newsletter's repository with every kind of article and page that a reader can meet, and the mailing pages in front of it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from pipeline.config import Settings
from pipeline.mail.tokens import Purpose
from pipeline.site import build_site
from pipeline.store import open_store
from tests.site.conftest import NOW, write_article, write_repository
from tests.web.conftest import Desk, opened

HOST = "signals.test"  # the browser of the tests finds it on loopback
ADDRESS = f"http://{HOST}/"

LONG_TITLE = "Interconnection-queue withdrawals, transformer lead times and reforms of Verteilnetzbetreiberverordnungen"
ARABIC = "كل رقم في هذه الرسالة يعود إلى مصدر محفوظ"

EVERYTHING = '''\
A paragraph with *stress*, **weight**, `code`, ==no mark==, H~2~O written plainly, and a
[link](https://example.org/) in it.[^agency-1]

!!! note "A note"
    What stands in a box, with `code` and a [link](https://example.org/boxes).

!!! warning
    Mind the gap.

!!! danger "Stop"
    Not this way.

=== "First"
    The first tab.

    ```python
    print("one")
    ```

=== "Second"
    The second tab.

=== "A third with a longer name"
    The third tab.

??? tip "Closed"
    What opens.

???+ example "Open"
    What closes.

```python title="claims.py" hl_lines="2"
def claims(article: Article) -> Iterator[Claim]:
    """Every sentence of *article* that must be traceable, in a line that is far too long for the narrowest of phones."""
    yield from (Claim(sentence, number=n) for n, sentence in enumerate(article.sentences, 1) if sentence.has_figures)  # all
```

```
plain text, as typed
```

| Region | Queue | Built | Withdrawn | Under study | Remarks that take some room |
|:-------|------:|:-----:|----------:|------------:|-----------------------------|
| PJM | 286 | 41 | 190 | 55 | the largest of all, and the slowest by any measure |
| ERCOT | 445 | 12 | 80 | 353 | *self-reported* |
| MISO | 171 | 33 | 99 | 39 | `n/a`[^agency-2] |

- [x] done
- [ ] not yet
    1. one
    2. two

Term
:   What it means.

> Quoted by somebody.
>
> In two paragraphs.

## A heading with `code` {#own-id}

### A smaller one {: .unknown-class data-x="y" }

<details><summary>By hand</summary>

Opened.

</details>

<figure>
<img src="http://signals.test/assets/mark.svg" alt="The mark: a flat line with one dip" width="530" height="200">
<figcaption>The mark, at a size it was not drawn for.</figcaption>
</figure>

---

A long word, Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, and a bare address:
<https://example.org/a/path/that/is/long/enough/to/leave/every/column/of/a/phone?with=parameters&and=more-of-them>.
'''


@dataclass(frozen=True, slots=True)
class Surface:
    """A page that a reader meets: what we call it, and where it stands."""

    name: str
    path: str


def write_gallery(root: Path) -> Path:
    """The small newsletter of the other tests, and articles that strain the look."""
    write_repository(root)
    for number in range(1, 15):
        tier = "primary" if number % 3 else "secondary"
        (root / f"content/sources/agency-{number}.yml").write_text(
            f"id: agency-{number}\nurl: https://agency-{number}.example.org/reports/2026/a-report-of-some-length\n"
            f"publisher: Agency {number} for the Measurement of Things\ntitle: 'Report {number}: what was counted'\n"
            f"tier: {tier}\nissued: 2026-10\naccessed: 2026-11-19\nlicence: unknown\nredistribute: quote\n",
            "utf-8",
        )
    write_article(root, "short", date="2026-11-16", body="One paragraph, and no source. <!-- analysis -->")
    write_article(root, "long", date="2026-11-15", topics="chips, power", title="The grid is the new fab", body=_long())
    write_article(root, "everything", date="2026-11-14", topics="chips", body=EVERYTHING)
    for day in range(1, 5):
        write_article(root, f"note-{day}", date=f"2026-10-0{day}", topics="policy")
    write_article(root, "long-title", date="2026-11-23", title=LONG_TITLE, dek=LONG_TITLE.lower(), body=_long(2))
    write_article(
        root, "arabic", date="2026-11-13", title=ARABIC, dek=ARABIC, more="lang: ar\n", body=f"{ARABIC}.[^agency-1]"
    )
    return root


def _long(sections: int = 10) -> str:
    """About 1,370 words on fourteen sources."""
    words = (
        "The queue for a connection is now what holds back the building of halls, and the filings of the operators show it."
        "[^agency-{a}] Those who bought turbines early are running their halls this quarter, while those who waited for the grid "
        "are not.[^agency-{b}] That gap is worth watching because it decides which work is done on time and which slips a year. "
        "<!-- analysis -->"
    )
    turn = (
        "What some of these have in common is easily told: each counts requests, none counts what will be built, and every reader "
        "takes the one for the other. A table of both would be a help, and nobody prints one. <!-- analysis -->"
    )
    parts = [f"## What was counted, part {n}\n\n{words.format(a=n, b=n + 4)}\n\n{turn}" for n in range(1, sections + 1)]
    return "\n\n".join(parts)


@contextmanager
def gallery(root: Path, database: str) -> Iterator[Desk]:
    """The gallery built and served, together with the mailing pages, at an address of its own; *root* is an empty folder."""
    write_gallery(root)
    (root / "mkdocs.yml").write_text(
        (root / "mkdocs.yml").read_text("utf-8").replace("https://deepsignals.example.org/", ADDRESS), "utf-8"
    )
    (root / "pyproject.toml").write_text(
        '[tool.opensignal]\nmail_from = "Deep Signals <signals@example.org>"\n'
        'postal_address = "Deep Signals, 1 Sample Street, Example Town"\nproof_of_work = 0\nsignup_limits = false\n',
        "utf-8",
    )
    settings = Settings.load(root).model_copy(update={"database_url": database})
    build_site(settings, now=NOW, check=False)
    store = open_store(settings)
    with opened(store, settings, NOW) as desk:
        yield desk
    store.close()


READER_PAGES = (
    Surface("home", ""),
    Surface("article, short", "articles/short/"),
    Surface("article, long", "articles/long/"),
    Surface("article with tables, code and everything", "articles/everything/"),
    Surface("article with a long title", "articles/long-title/"),
    Surface("article, right to left", "articles/arabic/"),
    Surface("article, corrected", "articles/corrected-one/"),
    Surface("article, retracted", "articles/retracted-one/"),
    Surface("article, hostile", "articles/hostile/"),
    Surface("receipts", "articles/grid-queue/receipts/"),
    Surface("archive", "archive/"),
    Surface("archive of a year", "archive/2025/"),
    Surface("topics", "topics/"),
    Surface("topic", "topics/power/"),
    Surface("search", "search/"),
    Surface("sources", "sources/"),
    Surface("source, cited often", "sources/agency-1/"),
    Surface("source, with a stored copy", "sources/grid-office/"),
    Surface("source, an invented one", "sources/invented/"),
    Surface("corrections", "corrections/"),
    Surface("feeds", "feeds/"),
    Surface("subscribe", "subscribe/"),
    Surface("about", "about/"),
    Surface("handbook", "handbook/start/"),
    Surface("no such page", "404.html"),
)


def mailing_pages(desk: Desk) -> list[Surface]:
    """What answers a form or a mailed link, from sign-up to erasure, each as a person would have met it.

    Most can be met once only: they are kept as files of the site.
    """
    folder = desk.settings.site_dir / "met"
    folder.mkdir()
    found: list[Surface] = []

    def keep(name: str, answer: requests.Response) -> None:
        path = folder / f"{len(found)}.html"
        path.write_text(answer.text, "utf-8")
        found.append(Surface(name, f"met/{path.name}"))

    def look(name: str, path: str) -> None:
        keep(name, desk.get(path))

    def press(name: str, path: str, **fields: str) -> None:
        keep(name, desk.press(path, fields))

    ann, bob, cid = "ann@example.org", "bob@example.org", "cid@example.org"
    look("sign-up form", "subscribe")
    keep("sign-up form, refused", desk.post("subscribe", {"email": "nobody", "cadence": "daily"}))
    keep("sent", desk.sign_up(ann))
    desk.work()
    confirm = desk.link(Purpose.CONFIRM, ann)
    look("confirm?", confirm)
    keep("confirm, pressed by a machine", desk.post(confirm, {"confirm": "yes"}))
    press("confirmed", confirm, confirm="yes")
    press("confirmed already", confirm, confirm="yes")
    preferences = desk.link(Purpose.PREFERENCES, ann)
    look("preferences", preferences)
    press("preferences, saved", preferences, do="save", cadence="weekly")
    press("preferences, paused", preferences, do="pause", days="30")
    press("preferences, export asked for", preferences, do="export")
    export, erase = (desk.link(purpose, ann) for purpose in (Purpose.EXPORT, Purpose.ERASE))
    look("export?", export)
    look("erase?", erase)
    leave = desk.link(Purpose.UNSUBSCRIBE, ann)
    look("unsubscribe?", leave)
    press("unsubscribed", leave, unsubscribe="yes")
    look("preferences, unsubscribed", preferences)
    press("erased", erase, erase="yes")
    look("link that is spent", erase)
    desk.sign_up(bob)
    desk.work()
    decline = desk.link(Purpose.DECLINE, bob)
    look("not me?", decline)
    press("not me", decline, decline="yes")
    desk.sign_up(cid)
    desk.work()
    late = desk.link(Purpose.CONFIRM, cid)
    desk.now += dt.timedelta(days=3)
    look("confirm, too late", late)
    look("link that was forged", "confirm/nonsense")
    return found


def write_database(template: Path, folder: Path) -> str:
    """An empty database with our tables, in *folder*."""
    shutil.copy(template, folder / "opensignal.db")
    return f"sqlite:///{folder / 'opensignal.db'}"
