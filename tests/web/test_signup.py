"""The sign-up page: one answer for everybody, hostile input refused in plain words, nothing looked up."""

from __future__ import annotations

import html
import re

import jinja2
import pytest
import sqlalchemy as sa

from pipeline.mail.signups import form_wording
from pipeline.mail.tokens import Purpose
from pipeline.model import Cadence, Choice, State
from pipeline.store import consents, tables
from pipeline.store.consents import Method
from pipeline.web.pages import HEADERS
from tests.web.conftest import REPOSITORY, Desk, words

HOSTILE = [
    "",
    "nobody",
    "a@b.c, d@e.f",
    "a@example.org\r\nBcc: b@example.org",
    "a@example.org\0",
    "a" * 288 + "@example.org",
    "Reader <a@example.org>",
    "a b@example.org",
    '"><script>alert(1)</script>@example.org',
]


def waiting(desk: Desk) -> list[tuple[str, str, str, str, str | None]]:
    t = tables.signups.c
    with desk.store.reading() as c:
        query = sa.select(t.email, t.cadence, t.topics, t.method, t.page).order_by(t.id)
        return [tuple(row) for row in c.execute(query)]


def test_a_sign_up_by_form_is_written_down_and_nothing_else(desk_of_each: Desk) -> None:
    desk = desk_of_each

    answer = desk.post(
        "subscribe", {"email": "A.Reader@Example.org", "cadence": "weekly", "topics": ["power", "money"], "website": ""}
    )

    assert answer.status_code == 200
    assert "one e-mail is on its way" in words(answer)
    assert waiting(desk) == [
        ("A.Reader@example.org", "weekly", "money,power", "form", f"{desk.settings.web_url}subscribe")
    ]


def test_a_sign_up_by_json_is_answered_in_json(desk: Desk) -> None:
    answer = desk.post("subscribe", json={"email": "a@example.org", "cadence": "each", "topics": ["chips"]})

    assert answer.status_code == 200
    assert "on its way" in answer.json()["message"]
    assert waiting(desk)[0][:4] == ("a@example.org", "each", "chips", "api")


@pytest.mark.parametrize(
    "fields", [{"email": "a@example.org"}, {"email": "a@example.org", "cadence": "", "topics": ""}]
)
def test_what_is_left_out_means_daily_and_all_topics(desk: Desk, fields: dict[str, str]) -> None:
    assert desk.post("subscribe", fields).status_code == 200
    assert desk.post("subscribe", json=fields).status_code == 200
    assert desk.post("subscribe", json={"email": "a@example.org", "cadence": None, "topics": None}).status_code == 200

    assert {row[1:3] for row in waiting(desk)} == {("daily", "")}


def test_a_form_may_be_multipart(desk: Desk) -> None:
    answer = desk.post("subscribe", files={"email": (None, "a@example.org"), "topics": (None, "power")})

    assert answer.status_code == 200
    assert waiting(desk)[0][:3] == ("a@example.org", "daily", "power")


def test_the_answer_is_the_same_for_every_address(desk_of_each: Desk) -> None:
    """T-01: new, pending, active, paused, unsubscribed, not-me, erased, and a machine that fills the trap."""
    from pipeline.mail.person import erase

    desk = desk_of_each
    for name in ("active", "paused", "left", "erased"):
        desk.joined(f"{name}@example.org")
    for name in ("pending", "not-me"):
        desk.sign_up(f"{name}@example.org")
    desk.work()
    desk.press(desk.link(Purpose.DECLINE, "not-me@example.org"))
    desk.press(desk.link(Purpose.PREFERENCES, "paused@example.org"), {"do": "pause"})
    desk.post(desk.link(Purpose.UNSUBSCRIBE, "left@example.org"), {"unsubscribe": "yes"})
    erase(desk.store, desk.settings, "erased@example.org", now=desk.now)
    names = ("new", "pending", "active", "paused", "left", "not-me", "erased")
    states = {name: desk.person(f"{name}@example.org").state for name in names if name not in ("new", "erased")}
    assert set(states.values()) == set(State)

    answers = [desk.sign_up(f"{name}@example.org") for name in names]
    answers.append(desk.sign_up("new2@example.org", website="https://spam.test/"))

    told = {
        (a.status_code, a.content, tuple(sorted((k, v) for k, v in a.headers.items() if k != "date"))) for a in answers
    }
    assert len(told) == 1
    by_json = {desk.post("subscribe", json={"email": f"{name}@example.org"}).content for name in names}
    assert len(by_json) == 1


def test_a_machine_that_fills_in_the_trap_is_thanked_and_forgotten(desk: Desk) -> None:
    desk.sign_up("a@example.org", website="https://spam.test/")
    desk.post("subscribe", json={"email": "a@example.org", "website": "x"})

    assert waiting(desk) == []


@pytest.mark.parametrize("email", HOSTILE)
def test_a_broken_or_hostile_address_gets_a_plain_page_and_changes_nothing(desk: Desk, email: str) -> None:
    before = desk.dump()

    page = desk.sign_up(email, cadence="weekly", topics=["power"])
    answer = desk.post("subscribe", json={"email": email})

    assert page.status_code == 422
    assert answer.status_code == 422
    assert answer.json()["field"] == "email"
    assert answer.json()["error"] in words(page)
    assert "<script" not in page.text
    kept = re.search(r'name="email" type="email" value="([^"]*)"', page.text)
    assert kept is not None
    assert html.unescape(kept[1]) == "".join(c for c in email if c.isprintable())
    assert re.search(r'value="weekly" checked', page.text)
    assert re.search(r'value="power" checked', page.text)
    assert desk.dump() == before


@pytest.mark.parametrize(
    "fields", [{"cadence": "hourly"}, {"topics": "sports"}, {"topics": "<script>alert(1)</script>"}, {"cadence": "\0"}]
)
def test_a_choice_that_we_do_not_offer_gets_the_form_again(desk: Desk, fields: dict[str, str]) -> None:
    page = desk.post("subscribe", {"email": "a@example.org", "cadence": "daily", **fields})

    assert page.status_code == 422
    assert "<script" not in page.text
    assert 'value="a@example.org"' in page.text
    assert waiting(desk) == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 8_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'["a@example.org"]', "application/json", 422),
        (b'{"email": {"a": 1}}', "application/json", 422),
        (b'{"email": 5}', "application/json", 422),
        (b'{"email": "\\ud800@example.org"}', "application/json; charset=utf-8", 422),
        (b'{"email": "a@example.org", "topics": [["power"]]}', "application/json", 422),
        (b"email=a@example.org", "text/plain", 415),
        (b"<a/>", "application/xml", 415),
        (b"email=a@example.org", "", 415),
        (b"nothing of the kind", "multipart/form-data", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 422),
        (
            b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nf\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"email=%ff%fe@example.org", "application/x-www-form-urlencoded", 422),
        (b"a=b&" * 1_000, "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"email=" + b"a" * 9_000, "application/x-www-form-urlencoded", 413),
        (b'{"email": "' + b"a" * 200_000 + b'"}', "application/json", 413),
        (b"x" * 2_000_000, "text/plain", 413),
    ],
)
def test_what_is_no_form_is_refused_without_a_trace(desk: Desk, body: bytes, kind: str, status: int) -> None:
    before = desk.dump()

    try:
        answer = desk.post("subscribe", body, headers={"Content-Type": kind})
    except OSError:  # far too much: the line may break before the answer is read
        assert len(body) > 1_000_000
    else:
        assert answer.status_code == status
        assert "Traceback" not in answer.text
        if kind.startswith("application/json"):
            assert answer.json()["error"].endswith(".")
        else:
            assert "<h1>" in answer.text
    assert desk.dump() == before


def test_a_long_body_in_chunks_is_refused_too(desk: Desk) -> None:
    def chunks():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b"email=" + b"a" * 1_000

    answer = desk.post("subscribe", chunks(), headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 413


def test_the_page_where_it_was_asked_is_kept_without_what_strangers_say(desk: Desk) -> None:
    site = desk.settings.site_url
    for referer in (
        f"{site}articles/the-pilot-trap/",
        f"{site}articles/x/?email=a@example.org",
        "https://evil.test/",
        f"{site}\x80",
    ):
        desk.sign_up("a@example.org")
        desk.post("subscribe", {"email": "a@example.org"}, headers={"Referer": referer.encode("latin-1")})

    pages = [row[4] for row in waiting(desk)][1::2]
    assert pages == [f"{site}articles/the-pilot-trap/", *[f"{desk.settings.web_url}subscribe"] * 3]


def test_the_words_of_the_form_are_kept_with_the_consent(desk: Desk) -> None:
    desk.sign_up("a@example.org", cadence="weekly", topics="power")
    desk.work()

    with desk.store.reading() as c:
        (asked,) = consents.of(c, desk.person("a@example.org").id)

    assert (asked.wording, asked.method) == (form_wording(desk.settings), Method.FORM)
    assert asked.choice == Choice(Cadence.WEEKLY, frozenset({"power"}))
    assert visible(desk.get("subscribe").text, without_topics=True) == form_wording(desk.settings).splitlines()


@pytest.mark.parametrize("description", ["What happened in Rust & <around> it.", ""])
def test_the_form_on_the_site_says_the_same_words(desk: Desk, description: str) -> None:
    settings = desk.settings.model_copy(update={"site_description": description})
    template = (REPOSITORY / "theme" / "partials" / "signup.html").read_text("utf-8")

    box = jinja2.Template(template).render(
        site={"name": settings.site_name, "description": description}, signup_url="subscribe"
    )

    assert visible(box) == form_wording(settings).splitlines()
    assert (description in form_wording(settings).splitlines()) is bool(description)


def visible(page: str, *, without_topics: bool = False) -> list[str]:
    """The texts of the sign-up box, in order, without the trap for machines."""
    box = re.search(r'(?s)<section class="signup".*?</section>', page)
    assert box is not None
    text = re.sub(r'(?s)<div class="aloud".*?</div>', "", box[0])
    if without_topics:
        text = re.sub(r"(?s)<fieldset>\s*<legend>Topics.*?</fieldset>", "", text)
    return [html.unescape(" ".join(part.split())) for part in re.split(r"<[^>]+>", text) if part.strip()]


def test_a_locked_database_is_a_503_that_says_when_to_come_back(
    desk: Desk, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    desk.store.engine.dispose()
    monkeypatch.setattr("pipeline.store.engine.BUSY_TIMEOUT_MS", 100)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    page = desk.sign_up("a@example.org")
    answer = desk.post("subscribe", json={"email": "a@example.org"})
    other.execute("ROLLBACK")
    other.close()

    assert (page.status_code, answer.status_code) == (503, 503)
    assert int(page.headers["Retry-After"]) > 0
    assert "try again" in words(page)
    assert "try again" in answer.json()["error"]
    assert waiting(desk) == []
    assert desk.sign_up("a@example.org").status_code == 200


def test_a_database_that_cannot_be_written_is_a_503(desk: Desk) -> None:
    with desk.store.writing() as c:
        c.execute(
            sa.text("CREATE TRIGGER full BEFORE INSERT ON signups BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        )

    page = desk.sign_up("a@example.org")

    assert page.status_code == 503
    assert "Traceback" not in page.text
    assert "disk" not in page.text


def test_something_unexpected_is_a_plain_500_and_tells_the_log_no_secret(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with desk.store.writing() as c:
        c.execute(sa.text("DROP TABLE signups"))
        c.execute(sa.text("CREATE VIEW signups AS SELECT 1 AS id"))
    desk.settings.content.joinpath("x").write_text("")  # something else entirely goes on working

    page = desk.sign_up("somebody@example.org")

    assert page.status_code in (500, 503)
    assert "<h1>" in page.text
    assert "somebody" not in caplog.text


def test_every_page_carries_the_headers_that_keep_it_safe(desk: Desk) -> None:
    answers = [
        desk.get("subscribe"),
        desk.sign_up("a@example.org"),
        desk.sign_up("nobody"),
        desk.post("subscribe", json={"email": "a@example.org"}),
        desk.post("subscribe", b"x", headers={"Content-Type": "text/plain"}),
        desk.post("subscribe", b"x" * 9_000),
        desk.session.put(f"{desk.url}subscribe", timeout=20),
        desk.get("unsubscribe/forged"),
        desk.get("nowhere"),
        desk.get("healthz"),
    ]

    assert set(HEADERS) >= {"Content-Security-Policy", "Referrer-Policy", "Cache-Control", "X-Content-Type-Options"}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Set-Cookie" not in answer.headers
        assert "Location" not in answer.headers
        assert "server" not in answer.headers
        assert "<script" not in answer.text
    assert "script" not in HEADERS["Content-Security-Policy"]


def test_looking_at_the_form_changes_nothing_and_a_slash_makes_no_difference(desk: Desk) -> None:
    before = desk.dump()

    page, same, head = (
        desk.get("subscribe"),
        desk.get("subscribe/"),
        desk.session.head(f"{desk.url}subscribe", timeout=20),
    )

    assert page.status_code == same.status_code == head.status_code == 200
    assert page.content == same.content
    assert head.content == b""
    assert 'name="website"' in page.text
    assert "noindex" not in page.headers.get("X-Robots-Tag", "")
    assert desk.dump() == before
    assert desk.post("subscribe/", {"email": "a@example.org"}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(desk: Desk, method: str) -> None:
    answer = desk.session.request(method, f"{desk.url}subscribe", timeout=20)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_there_is_no_page_that_lists_the_pages(desk: Desk) -> None:
    assert desk.get("subscribe").status_code == 200
    answers = [desk.get(path).status_code for path in ("docs", "redoc", "openapi.json")]

    assert answers == [404, 404, 404]
