"""Every message that we send, as it leaves: its headers and no others, its lines, its links, and nothing about its reader."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import time
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from pipeline.config import Settings
from pipeline.errors import ContentError, SettingsError
from pipeline.library import Library
from pipeline.mail import send_issue, verp
from pipeline.mail.compose import MAX_HTML, MAX_HTML_ENCODED, MAX_SUBJECT, shortened
from pipeline.mail.message import clean_text
from pipeline.mail.stamp import BLANKS, Stamp
from pipeline.mail.tokens import Purpose, read
from pipeline.mail.transport import SmtpTransport
from pipeline.store import Store
from tests.builders import NOW, add_subscribers, an_article
from tests.fakes import mail_server
from tests.mail.every import (
    EMAIL,
    EVERY,
    KEY,
    LETTERS,
    NOTICES,
    PEOPLE,
    REF,
    SOURCES,
    TOPICS,
    articles,
    composed,
    message,
    with_theme,
)
from tests.mail.reading import tags
from tests.mail.test_message import HOSTILE

SITE = "https://deepsignals.example.org/"
QUESTIONS = tuple(
    kind for kind in NOTICES if kind not in ("welcome", "known")
)  # to people who are no subscribers by it

BASIC = "from to subject date message-id mime-version content-type".split()
ALL = [*BASIC, *"reply-to feedback-id precedence x-auto-response-suppress".split()]
LIST = "list-id list-unsubscribe list-unsubscribe-post list-help list-owner list-post list-archive".split()
BY_RULE = ["auto-submitted"]
INTENDED = {
    "daily": [*ALL, *LIST, *BY_RULE],
    "weekly": [*ALL, *LIST, *BY_RULE],
    "each": [*ALL, *LIST, "archived-at"],  # an editor's own work: no machine made it
    "welcome": [*ALL, *LIST, *BY_RULE],
    "known": [*ALL, *LIST, *BY_RULE],
    **{kind: [*ALL, *BY_RULE] for kind in QUESTIONS},
}


@pytest.fixture
def themed(settings: Settings) -> Settings:
    return with_theme(settings, bounce_domain="bounce.example.org", reply_to="Editors <editors@example.org>")


def names_in(raw: bytes) -> list[str]:
    """The header names, read from the bytes themselves and not by a mail library."""
    lines = raw.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    return [line.partition(":")[0].lower() for line in lines if line[0] not in " \t"]


def opened(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))


def part(raw: bytes, kind: str) -> str:
    found = opened(raw).get_body((kind,))
    assert found is not None
    return cast("str", found.get_content())


def links_of(raw: bytes) -> tuple[set[str], set[str]]:
    """The links of the text part, and of the HTML part."""
    of_text = set(re.findall(r"https?://[^\s<>]+", part(raw, "plain")))
    return of_text, {html.unescape(link) for link in re.findall(r'href="([^"]*)"', part(raw, "html"))}


# --- headers -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", EVERY)
def test_m04_the_headers_are_those_that_are_meant_each_once(themed: Settings, what: str) -> None:
    """M-04, M-19: compared with the serialised bytes."""
    assert sorted(names_in(message(what, themed))) == sorted(INTENDED[what])


@pytest.mark.parametrize("what", EVERY)
def test_m03_lines_and_bytes_are_those_of_the_standard(themed: Settings, what: str) -> None:
    raw = message(what, themed)

    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    assert raw.endswith(b"--\r\n")


@pytest.mark.parametrize("what", EVERY)
def test_m11_one_sender_one_recipient_and_somebody_who_reads_answers(themed: Settings, what: str) -> None:
    """M-04, M-11: nobody else is named, and no answer is refused."""
    found = opened(message(what, themed))

    assert parseaddr(str(found["From"])) == ("Deep Signals", "signals@example.org")
    assert found["To"] == EMAIL
    assert found["Reply-To"] == "editors@example.org"
    assert parsedate_to_datetime(str(found["Date"])).isoformat() == "2026-11-23T09:00:00+00:00"
    assert not re.search("no-?reply", str(found), re.IGNORECASE)


@pytest.mark.parametrize("what", [what for what in EVERY if what not in QUESTIONS])
def test_m12_one_way_out_by_https_first_and_one_by_mail(themed: Settings, what: str) -> None:
    """M-12, M-13, M-20: on one line, as it is, and both name the reader."""
    head = message(what, themed).partition(b"\r\n\r\n")[0].decode("ascii")

    [way] = re.findall(r"(?m)^List-Unsubscribe: (.*)\r$", head)
    found = re.fullmatch(
        r"<https://deepsignals\.example\.org/unsubscribe/([0-9a-f]+)>, <mailto:([^@]+)@bounce\.example\.org\?subject=unsubscribe>",
        way,
    )
    assert found is not None
    assert len(found[1]) <= 120
    assert len(found[2]) <= 64  # RFC 5321 4.5.3.1.1
    assert read(KEY, Purpose.UNSUBSCRIBE, found[1]) == REF
    assert verp.read(KEY, found[2]) == verp.About(verp.Kind.LEAVE, REF)
    assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head


def test_m12_without_a_domain_for_bounces_no_mail_is_promised_to_unsubscribe(themed: Settings) -> None:
    raw = message("daily", themed.model_copy(update={"bounce_domain": ""}))

    assert "mailto:" not in str(opened(raw)["List-Unsubscribe"])


def test_m19_the_list_headers_say_what_list_it_is(themed: Settings) -> None:
    found = opened(message("each", themed))

    assert {name: found[name] for name in found if name.startswith(("List-", "Archived")) and "Unsub" not in name} == {
        "List-Id": "Deep Signals <deep-signals.deepsignals.example.org>",
        "List-Help": f"<{SITE}subscribe/>",
        "List-Owner": "<mailto:editors@example.org>",
        "List-Post": "NO",
        "List-Archive": f"<{SITE}archive/>",
        "Archived-At": f"<{SITE}articles/grid/>",
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('R&D, "daily"', '"R&D, \\"daily\\"" <r-d-daily.'),
        ("Ελληνικά", "=?utf-8?b?"),
        ("x" * 100, f"{'x' * 100}\r\n <{'x' * 60}."),
        ("\r\nBcc: x@example.com", '"Bcc: x@example.com" <bcc-x-example-com.'),
    ],
)
def test_m19_any_name_of_a_newsletter_makes_a_list_id(themed: Settings, name: str, shown: str) -> None:
    raw = message("daily", themed.model_copy(update={"site_name": name}))

    [value] = re.findall(r"\r\nList-Id: ((?:.|\r\n )*?)\r\n(?! )", raw.partition(b"\r\n\r\n")[0].decode() + "\r\n")
    assert value.startswith(shown)
    assert re.search(r"<([a-z0-9-]+\.deepsignals\.example\.org)>$", value)
    assert sorted(names_in(raw)) == sorted(INTENDED["daily"])


@pytest.mark.parametrize("what", EVERY)
def test_m36_feedback_id_names_the_issue_the_list_the_kind_and_the_sender_and_nobody_else(
    themed: Settings, what: str
) -> None:
    one, two = (opened(message(what, themed, email=e, ref=r)) for e, r in ((EMAIL, REF), ("b@example.org", "b" * 32)))

    fields = str(one["Feedback-ID"]).split(":")
    assert one["Feedback-ID"] == two["Feedback-ID"]
    assert len(fields) == 4
    assert fields[1:3] == ["deep-signals", what]
    assert fields[3] == "exampleorg"
    assert 5 <= len(fields[3]) <= 15


@pytest.mark.parametrize("what", EVERY)
def test_m37_machines_are_told_not_to_answer(themed: Settings, what: str) -> None:
    """What was gathered by rule, and every notice, says so (RFC 3834 5); what an editor wrote does not."""
    found = opened(message(what, themed))

    assert found["Auto-Submitted"] == (None if what == "each" else "auto-generated")
    assert found["Precedence"] == "bulk"
    assert found["X-Auto-Response-Suppress"] == "OOF, AutoReply"


@pytest.mark.parametrize("what", ["daily", "each"])
def test_m05_hostile_words_of_an_article_its_topic_and_its_site_add_nothing(themed: Settings, what: str) -> None:
    """M-04, M-05, M-09: titles, names and subjects as they come from feeds and files, in every place that shows them."""
    for words in filter(str.strip, HOSTILE):
        odd = themed.model_copy(
            update={"site_name": words, "site_description": words, "postal_address": f"1 Mill Lane {words}"}
        )
        letter = articles(title=words, dek=words, email_subject=words, email_preheader=words)

        raw = Stamp(composed(what, odd, letter), issue_key="i", token_key=KEY).copy_for(
            email=EMAIL, ref=REF, confirmed_at=NOW
        )

        assert sorted(names_in(raw)) == sorted(INTENDED[what])
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998
        assert tags(part(raw, "html")) & {"script", "img", "form", "evil@example.com"} == set()
        assert str(opened(raw)["Subject"]) == clean_text(shortened(words, MAX_SUBJECT))


# --- the same bytes ------------------------------------------------------------------------------------------------------------


def test_m08_the_same_letters_have_the_same_bytes_in_another_process(themed: Settings) -> None:
    """M-07, M-08: whatever the seed of its hashes, and its time zone."""
    code = (
        "import hashlib, json, sys; from pipeline.config import Settings; from tests.mail.every import EVERY, message\n"
        "settings = Settings.load(sys.argv[1]).model_copy(update=json.loads(sys.argv[2]))\n"
        "print(json.dumps({what: hashlib.sha256(message(what, settings)).hexdigest() for what in EVERY}))"
    )
    changes = {"bounce_domain": themed.bounce_domain, "reply_to": themed.reply_to}
    done = subprocess.run(
        [sys.executable, "-c", code, str(themed.root), json.dumps(changes)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"},
    )

    assert json.loads(done.stdout) == {what: hashlib.sha256(message(what, themed)).hexdigest() for what in EVERY}


@pytest.mark.parametrize("what", EVERY)
def test_m07_the_message_id_tells_nothing_of_its_reader(themed: Settings, what: str) -> None:
    one, two = (str(opened(message(what, themed, ref=ref))["Message-ID"]) for ref in ("a" * 32, "b" * 32))

    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", one)
    assert one != two
    assert one == str(opened(message(what, themed, email="other@example.org", ref="a" * 32))["Message-ID"])


@pytest.mark.parametrize("what", LETTERS)
def test_p10_two_readers_letters_differ_in_their_own_links_alone(themed: Settings, what: str) -> None:
    """P-10: line by line, over the bytes: To, Message-ID, List-Unsubscribe, and the two links of the foot."""
    one, two = (
        message(what, themed, email=e, ref=r) for e, r in (("a@example.org", "a" * 32), ("b@example.org", "b" * 32))
    )

    theirs = {
        "To": rb"To: [ab]@example\.org",
        "Message-ID": rb"Message-ID: <[0-9a-f]{32}@example\.org>",
        "List-Unsubscribe": rb"List-Unsubscribe: <https://deepsignals\.example\.org/unsubscribe/[0-9a-f]{70}>, <mailto:.*>",
        "links": rb'(?s).*(unsubscribe|preferences)/[0-9a-f=\r\n]+.*|[0-9a-f]*=?|[0-9a-f]+(#(often|pause))?(".*)?',
    }
    seen = set()
    for line_one, line_two in zip(one.split(b"\r\n"), two.split(b"\r\n"), strict=True):
        if line_one == line_two:
            continue
        kind = next((kind for kind, pattern in theirs.items() if re.fullmatch(pattern, line_one)), None)
        assert kind is not None, line_one
        assert re.fullmatch(theirs[kind], line_two)
        seen.add(kind)
    assert seen == set(theirs)
    for kind in ("plain", "html"):
        shared = [re.sub(r"/(unsubscribe|preferences)/[0-9a-f]{70}", r"/\1/", part(raw, kind)) for raw in (one, two)]
        assert shared[0] == shared[1]


@pytest.mark.parametrize("what", EVERY)
def test_p10_nothing_is_loaded_and_no_link_but_their_own_knows_the_reader(themed: Settings, what: str) -> None:
    raw = message(what, themed)
    shown, (_, links) = part(raw, "html"), links_of(raw)

    assert not re.search(
        r"<(img|script|link|iframe|object|embed|form|input|video|audio|svg)\b|url\(|@import|@font-face|\bsrc=", shown
    )
    personal = {link for link in links if re.search(r"[0-9a-f]{70}", link)}
    assert {link.removeprefix(SITE).partition("/")[0] for link in personal} <= {purpose.value for purpose in Purpose}
    assert not [link for link in links - personal if EMAIL in link or REF in link or "@" in link]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("what", ["daily", "each"])
def test_p10_no_article_can_have_a_readers_own_link_sent_elsewhere(themed: Settings, what: str, blank: str) -> None:
    """P-10, T-06: what stands for it in a letter is refused wherever an article has it."""
    word = BLANKS[blank]
    for changes in (
        {"body": f"One [link](https://evil.example.com/?{word}).[^census]\n"},
        {"body": f"One [link](https://evil.example.com/?&#113;{word[1:]}).[^census]\n"},
        {"dek": word},
        {"title": word},
    ):
        with pytest.raises(ContentError, match="begins with qzblank"):
            composed(what, themed, articles(**changes))
    if len(word) > MAX_SUBJECT:  # cut off in a subject: nothing of it is filled in
        letter = composed(what, themed, articles(email_subject=word))
        raw = Stamp(letter, issue_key="i", token_key=KEY).copy_for(email=EMAIL, ref=REF, confirmed_at=NOW)
        assert str(opened(raw)["Subject"]) == f"{word[: MAX_SUBJECT - 1]}…"
    else:
        with pytest.raises(ContentError, match="begins with qzblank"):
            composed(what, themed, articles(email_subject=word))


@pytest.mark.parametrize("blank", BLANKS)
def test_p10_nor_can_one_that_has_it_in_base64(themed: Settings, blank: str) -> None:
    """It is refused, or stays what it is: a blank is filled in base64 where a part is base64, and nowhere else."""
    outcomes = set()
    for before in (b"", b"a", b"ab"):
        form = base64.b64encode(before + BLANKS[blank].encode()).decode().rstrip("=")
        for body in (f"[link](https://evil.example.com/?{form}).", f"{form[:24]}\n{form[24:]}"):
            try:
                letter = composed("each", themed, articles(body=f"{body}[^census]\n"))
            except ContentError:
                outcomes.add("refused")
                continue
            raw = Stamp(letter, issue_key="i", token_key=KEY).copy_for(email=EMAIL, ref=REF, confirmed_at=NOW)
            assert form in part(raw, "html").replace("\r\n", "")
            outcomes.add("kept")
    assert outcomes


# --- both parts -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", EVERY)
def test_m09_the_text_is_whole_text_with_every_link(themed: Settings, what: str) -> None:
    raw = message(what, themed)
    found = opened(raw)

    parts = list(found.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert {part.get_content_charset() for part in parts} == {"utf-8"}
    assert {part["Content-Transfer-Encoding"] for part in parts} == {"quoted-printable"}
    of_text, of_html = links_of(raw)
    assert {link.partition("#")[0] for link in of_html} <= {link.partition("#")[0] for link in of_text}
    assert "<" not in re.sub(r"<https?://[^>]+>", "", part(raw, "plain"))


@pytest.mark.parametrize("what", LETTERS)
def test_m09_mostly_non_latin_text_goes_in_base64_and_keeps_its_links(themed: Settings, what: str) -> None:
    words = "Η αγορά ηλεκτρικής ενέργειας και τα κέντρα δεδομένων. " * 300
    letter = articles(title="Η αγορά", dek="Τα κέντρα δεδομένων.", body=f"{words}[^census]\n\n{words}[^meter]\n")
    raw = Stamp(composed(what, themed, letter), issue_key=what, token_key=KEY).copy_for(
        email=EMAIL, ref=REF, confirmed_at=NOW
    )

    plain = next(iter(opened(raw).iter_parts()))
    assert plain["Content-Transfer-Encoding"] == "base64"
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76
    for link in re.findall(r"unsubscribe/(\w+)", part(raw, "plain") + part(raw, "html")):
        assert read(KEY, Purpose.UNSUBSCRIBE, link) == REF
    assert "blank" not in part(raw, "plain") + part(raw, "html")
    assert str(opened(raw)["Subject"]) == "Η αγορά"


@pytest.mark.parametrize("what", LETTERS)
def test_m09_only_pictures_of_our_own_are_in_a_letter(themed: Settings, what: str) -> None:
    """M-09, P-10: a picture elsewhere tells its host who reads, and when."""
    body = (
        "One ![of elsewhere](https://elsewhere.example.com/a.png){: width=10 height=10 }, "
        f"two ![ours]({SITE}c.png){{: width=10 height=20 }}.[^census]\n"
    )

    raw = Stamp(composed(what, themed, articles(body=body)), issue_key="i", token_key=KEY).copy_for(
        email=EMAIL, ref=REF, confirmed_at=NOW
    )

    [picture] = re.findall(r"<img[^>]*>", part(raw, "html"))
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', picture))
    assert attributes.pop("style").startswith("max-width: 100%")
    assert attributes == {"src": f"{SITE}c.png", "alt": "ours", "width": "10", "height": "20"}
    assert "elsewhere.example.com" not in part(raw, "html")
    assert "[of elsewhere]" in part(raw, "html")


@pytest.mark.parametrize("what", LETTERS)
def test_m09_a_picture_is_no_wider_than_the_column_of_a_letter(themed: Settings, what: str) -> None:
    """M-09: Outlook knows no max-width, and would show all of its points."""
    for name, width in (("wide.png", 2000), ("small.png", 300)):
        file = themed.content / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (width, 100)).save(file)
    body = "One ![wide](wide.png), two ![small](small.png), three ![gone](gone.png).[^census]\n"

    raw = Stamp(composed(what, themed, articles(body=body)), issue_key="i", token_key=KEY).copy_for(
        email=EMAIL, ref=REF, confirmed_at=NOW
    )

    widths = [re.findall(r'width="(\d+)"', picture) for picture in re.findall(r"<img[^>]*>", part(raw, "html"))]
    assert widths == [["552"], ["300"], []]


@pytest.mark.parametrize("what", [what for what in EVERY if what not in QUESTIONS])
def test_m21_every_letter_says_why_it_came_and_how_to_leave_in_readable_size(themed: Settings, what: str) -> None:
    """M-21, P-09: and who sends it, from where."""
    raw = message(what, themed)

    link = re.search(r'<a href="[^"]*/unsubscribe/[^"]*"[^>]*>([^<]*)</a>', part(raw, "html"))
    assert link is not None
    assert link[1] == "Unsubscribe"
    sizes = re.findall(r"font-size: (\d+)px", part(raw, "html")[: link.start()])
    assert int(sizes[-1]) >= 12
    for shown in (" ".join(re.sub(r"<[^>]+>", " ", part(raw, "html")).split()), " ".join(part(raw, "plain").split())):
        assert "You get this because you asked for Deep Signals" in shown
        assert "Deep Signals, 1 Sample Street, Example Town" in shown


def test_m41_the_question_is_short_and_asks_by_two_links(themed: Settings) -> None:
    raw = message("confirm", themed)

    assert len(raw) <= 15_000
    for links in links_of(raw):
        assert sorted(link.removeprefix(SITE).partition("/")[0] for link in links) == ["confirm", "decline"]
    assert tags(part(raw, "html")) & {"img", "form", "h1", "h2"} == set()
    assert EMAIL not in part(raw, "html") + part(raw, "plain")
    assert "1 Sample Street" in part(raw, "plain")
    assert opened(raw)["Subject"] == "Please confirm: Deep Signals by e-mail"
    assert "On 23 November 2026 at 09:00 UTC" in " ".join(part(raw, "plain").split())
    assert "deepsignals.example.org" in part(raw, "plain")


# --- what cannot be sent -----------------------------------------------------------------------------------------------------


def test_m10_what_is_too_large_is_refused_with_its_heaviest_sections(themed: Settings) -> None:
    """M-10: to the octet, decoded and encoded, before anything is planned."""
    long = articles(
        body=f"{'A word or two. ' * 3500}[^census]\n\n## Heat\n\n{'More. ' * 6500}[^meter]\n\n## Cold\n\nLittle.\n"
    )

    with pytest.raises(ContentError) as caught:
        composed("each", themed, long)

    said = str(caught.value)
    assert said.startswith("each-grid: the HTML of a letter is ")
    weights = re.findall(r"([\d.]+) kB ([\w ]+?)(?=;|\. Shorten)", said)
    assert [title for _, title in weights] == ["The grid is the story", "Heat", "Cold"]
    assert float(weights[0][0]) > 45
    assert float(weights[1][0]) > 30


def test_m10_the_limit_is_exact_and_the_foot_lies_within_it(themed: Settings) -> None:
    def sized(letters: int) -> bytes:
        return composed("each", themed, articles(body=f"{'x' * letters}[^census]\n"))

    bare = len(part(sized(1), "html").encode())
    room = MAX_HTML - bare - 200

    largest = part(sized(room), "html").encode()

    assert MAX_HTML - 300 < len(largest) <= MAX_HTML
    for needed in (b">Unsubscribe</a>", b"1 Sample Street"):
        assert 0 < largest.index(needed) < MAX_HTML
    with pytest.raises(ContentError, match=r"more than 90\.0 kB \(102\.4 kB encoded\)"):
        sized(room + 400)
    assert MAX_HTML_ENCODED == 100 * 1024


def test_m10_a_digest_names_the_articles_that_are_too_much(themed: Settings) -> None:
    many = [an_article(f"story-{n}", dek=f"{'Many words. ' * 40}") for n in range(240)]

    with pytest.raises(ContentError, match=r"daily-2026-11-23: .*kB The story-\d+ is the story; "):
        composed("daily", themed, many)


def test_m10_one_letter_that_is_too_large_stops_the_issue_before_the_first_is_sent(
    themed: Settings, sqlite_store: Store
) -> None:
    """Who chose other topics would get a letter that fits: they wait too, until an editor has looked."""
    add_subscribers(sqlite_store, "fits@example.org", topics="power")
    add_subscribers(sqlite_store, "large@example.org", topics="chips")
    fits, large = (
        an_article("fits"),
        [an_article(f"s{n}", topics=("chips",), dek="Many words. " * 40) for n in range(240)],
    )
    library = Library(articles=(fits, *large), sources=SOURCES, topics=TOPICS, people=PEOPLE)

    with mail_server() as server:
        with pytest.raises(ContentError, match=r"daily-2026-11-23: .*heaviest sections"):
            send_issue(
                sqlite_store,
                library,
                themed,
                "daily-2026-11-23",
                transport=SmtpTransport("127.0.0.1", server.port, timeout=10),
                clock=lambda: NOW,
            )

        assert server.received == []


def test_t20_a_copy_made_while_mail_leaves_is_behind_though_the_run_is_killed(
    themed: Settings, sqlite_store: Store
) -> None:
    """What is written when mail has ended to leave, a killed run never writes."""
    add_subscribers(sqlite_store, *(f"r{n}@example.org" for n in range(25)))
    library = Library(articles=(an_article("fits"),), sources=SOURCES, topics=TOPICS, people=PEOPLE)
    seen = []

    def answer(stage: str, recipient: str, connection: int) -> str:
        if stage == "message":
            time.sleep(0.1)
            seen.append(json.loads((themed.state_dir / "instance.json").read_text())["epoch"])
        return ""

    with mail_server(answer) as server:
        send_issue(
            sqlite_store,
            library,
            themed,
            "daily-2026-11-23",
            transport=SmtpTransport("127.0.0.1", server.port, timeout=10),
            clock=lambda: NOW,
        )

    assert len(seen) == 25
    assert seen[0] < seen[-1]


@pytest.mark.parametrize("address", ["", "  ", "Deep Signals, 1 Sample Street, Example Town", "Your address here"])
def test_p09_no_letter_without_a_postal_address_of_ones_own(themed: Settings, address: str) -> None:
    own = themed.model_copy(update={"mail_from": "News <news@newsletter.test>", "postal_address": address})

    with pytest.raises(SettingsError, match=r"postal_address is .*law asks"):
        composed("daily", own)
    assert composed("daily", own.model_copy(update={"postal_address": "News, 3 Mill Lane, Riverton"}))
