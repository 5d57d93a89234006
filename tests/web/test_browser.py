"""A person at a real browser: signs up with scripts and without, confirms, leaves; and nothing runs that is not ours."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.mail.tokens import Purpose
from pipeline.model import State
from pipeline.store import Store, tables
from tests.conftest import REPOSITORY
from tests.web.conftest import Desk, opened

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; as root: apt-get install chromium"),
    # Playwright's own process may still close its pipes when the interpreter looks.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SECOND = dt.timedelta(seconds=1)
SITE_FORM = """<!doctype html><html lang="en"><title>Site</title>
<form method="post" action="{action}"><label>E-mail <input name="email" type="email"></label>
<input type="radio" name="cadence" value="weekly" checked>
<input name="website" type="text" hidden><button>Subscribe</button></form>"""
XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "</title><svg onload=alert(1)>",
    "{{7*7}}${7*7}",
    '" autofocus onfocus="alert(1)',
    "</textarea><script>alert(1)</script>",
    "<!--><script>alert(1)</script>",
    "\u2028<iframe srcdoc='<script>alert(1)</script>'>",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def desk(sqlite_store: Store, settings: Settings, now: dt.datetime) -> Iterator[Desk]:
    """As it is in the world, with the site's own theme; the addresses of both are told apart only by their port."""
    shutil.copytree(REPOSITORY / "theme", settings.root / "theme")
    guarded = settings.model_copy(update={"proof_of_work": 300, "signup_limits": True, "site_url": "http://site.test/"})
    with opened(sqlite_store, guarded, now) as desk:
        yield desk


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def bare_page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def waiting(desk: Desk) -> list[str]:
    with desk.store.reading() as c:
        return list(c.execute(sa.select(tables.signups.c.email).order_by(tables.signups.c.id)).scalars())


def test_a_person_signs_up_and_their_browser_does_the_work(desk: Desk, page: Any) -> None:
    """T-04: the page that answers the form solves the challenge in a worker and sends the form on; nothing else is loaded."""
    asked_for: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{desk.url}subscribe")
    page.get_by_label("E-mail address").fill("ann@example.org")
    page.get_by_label("Weekly").check()
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="Look in your inbox").wait_for()

    assert waiting(desk) == ["ann@example.org"]
    assert all(url.startswith(desk.url) for url in asked_for)
    assert [url for url in asked_for if url.endswith(".js")]
    assert complaints == []
    assert page.context.cookies() == []


def test_without_scripts_a_second_press_does(desk: Desk, bare_page: Any) -> None:
    """T-04"""
    bare_page.goto(f"{desk.url}subscribe")
    bare_page.get_by_label("E-mail address").fill("ann@example.org")
    bare_page.get_by_role("button", name="Subscribe").click()
    before = waiting(desk)
    desk.now += 3 * SECOND
    bare_page.get_by_role("button", name="Send me the e-mail").click()
    bare_page.get_by_role("heading", name="Look in your inbox").wait_for()

    assert (before, waiting(desk)) == ([], ["ann@example.org"])


def test_a_browser_that_cannot_work_shows_the_button(desk: Desk, page: Any) -> None:
    """T-04: a worker that fails, as where a policy of an employer forbids it."""
    page.route("**/guess-*.js", lambda route: route.abort())
    page.goto(f"{desk.url}subscribe")
    page.get_by_label("E-mail address").fill("ann@example.org")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("button", name="Send me the e-mail").wait_for()
    desk.now += 3 * SECOND
    page.get_by_role("button", name="Send me the e-mail").click()
    page.get_by_role("heading", name="Look in your inbox").wait_for()

    assert waiting(desk) == ["ann@example.org"]


def test_by_keyboard_alone_somebody_signs_up_confirms_and_leaves(desk: Desk, page: Any) -> None:
    """M-44: Enter presses the real button, and the Tab key never gets to a decoy."""
    page.goto(f"{desk.url}subscribe")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "email":
            break
    page.keyboard.type("ann@example.org")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Look in your inbox").wait_for()
    desk.work()
    met = []
    for purpose, state, says in (
        (Purpose.CONFIRM, State.ACTIVE, "You are in"),
        (Purpose.UNSUBSCRIBE, State.UNSUBSCRIBED, "You are unsubscribed"),
    ):
        page.goto(desk.url + desk.link(purpose, "ann@example.org"))
        names = []
        for _ in range(25):
            page.keyboard.press("Tab")
            names.append(page.evaluate("document.activeElement.name || ''"))
        met += names
        desk.now += 2 * SECOND
        while page.evaluate("document.activeElement.name") not in ("confirm", "unsubscribe"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=says).wait_for()
        assert desk.person("ann@example.org").state is state

    assert "decoy" not in met
    assert {"confirm", "unsubscribe"} <= set(met)


def test_a_scanner_with_a_real_browser_changes_nothing(desk: Desk, page: Any) -> None:
    """M-44: it runs every script and presses every button that the page holds, seen or unseen, at once."""
    desk.sign_up("x@example.org")
    from tests.builders import add_subscribers
    from tests.web.test_scanners import people

    add_subscribers(desk.store, "active@example.org")
    question, _ = people(desk, 1, state="pending")[0]
    from pipeline.keys import load_keys
    from pipeline.mail.tokens import sign

    keys = load_keys(desk.settings.state_dir, "token")
    paths = [f"{purpose}/{sign(keys, purpose, question)}" for purpose in (Purpose.CONFIRM, Purpose.DECLINE)]
    paths += [desk.link(purpose, "active@example.org") for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)]
    before = desk.dump()

    for path in paths:
        page.goto(desk.url + path)
        for number in range(page.locator("button").count()):
            page.goto(desk.url + path)
            with page.expect_navigation():
                page.evaluate(f"document.querySelectorAll('button')[{number}].click()")

    assert desk.dump() == before


def test_nothing_typed_or_sent_runs_in_a_page(desk: Desk, page: Any) -> None:
    """T-12: the usual list, in every field and in the address, with a hook on every dialog."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    desk.now += SECOND
    for payload in XSS:
        for name in ("email", "cadence", "topics", "website", "altcha", "ticket"):
            fields = {"email": "a@example.org", "cadence": "daily", name: payload}
            answer = desk.post("subscribe", fields)
            page.set_content(answer.text)
            assert (
                page.evaluate("document.querySelectorAll('svg[onload], img[onerror], iframe, [onfocus]').length") == 0
            )
        page.goto(f"{desk.url}confirm/{payload.replace('/', '%2F').replace('#', '%23').replace('?', '%3F')}")
    page.goto(f"{desk.url}subscribe?email={XSS[0]}&next={XSS[3]}")

    assert dialogs == []


def test_no_page_of_ours_stands_in_a_frame(desk: Desk, page: Any) -> None:
    """T-13"""
    page.route("http://evil.test/", lambda route: route.fulfill(
        body=f'<iframe src="{desk.url}subscribe"></iframe>', content_type="text/html"))  # fmt: skip
    page.goto("http://evil.test/")
    page.wait_for_timeout(300)

    assert "E-mail address" not in "".join(frame.content() for frame in page.frames if frame != page.main_frame)


def test_another_sites_form_is_refused(desk: Desk, page: Any) -> None:
    """T-05: a real browser says where a form comes from."""
    form = SITE_FORM.format(action=f"{desk.url}subscribe")
    page.route("http://evil.test/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://evil.test/")
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="That is not possible from there").wait_for()

    assert waiting(desk) == []


def test_the_sites_own_form_is_taken_wherever_the_mailing_pages_stand(desk: Desk, page: Any) -> None:
    """T-05, T-15: `site_url` is another origin than ours here, and the browser says so."""
    form = SITE_FORM.format(action=f"{desk.url}subscribe")
    page.route("http://site.test/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://site.test/")
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="Look in your inbox").wait_for()

    assert waiting(desk) == ["ann@example.org"]


def test_the_72_columns_of_a_letter_fit_where_one_is_shown(desk: Desk, page: Any) -> None:
    page.set_viewport_size({"width": 1000, "height": 800})
    page.goto(f"{desk.url}subscribe")

    lines = page.evaluate("""() => {
      const shown = document.createElement("div");
      shown.className = "prose";
      shown.innerHTML = '<div class="highlight"><pre><span></span></pre></div>';
      document.querySelector("main").append(shown);
      const text = shown.querySelector("span");
      text.textContent = "-".repeat(72);
      return text.getClientRects().length;
    }""")

    assert lines == 1
