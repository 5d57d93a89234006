"""The walk: what we send, followed to a real mailbox, judged there, and followed back. `STEPS` is the list of it, in order.

A step is a function of the `Scene` and the `Table`. It returns what was seen, to be printed beside it, and raises `Unmet` with what
was wrong. Steps build on those before: a letter that one has sent, the next ones read.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote

import requests

from tests.e2e import judges
from tests.e2e.mailbox import Delivered
from tests.e2e.scene import (
    ADA,
    BEN,
    BOXES,
    CARLA,
    CROWD,
    DORA,
    EACH,
    EVE,
    FRED,
    FULL,
    GONE,
    NOBODY,
    PAGES,
    UMLAUT,
    WIM,
    Scene,
    logs,
    set_up,
)
from tests.e2e.servers import BOUNCE_BOX
from tests.e2e.table import Table, Unmet
from tests.e2e.world import MX, RELAY, SENDER

Step = Callable[[Scene, Table], str | Sequence[str]]
IN_DIGEST = 5  # articles
CROWD_SIZE = 300  # readers whose letters are on their way when the relay is switched off
CONNECTIONS = 4


def walk(folder: Path, *, quick: bool = False) -> bool:
    """Take every step and print its line, or all but those of `SLOW`; True when all hold."""
    began = time.monotonic()
    table = Table(folder, logs=lambda: logs(folder))
    scenes: list[Scene] = []

    def begin() -> str:
        scenes.append(set_up(folder))
        return "name server, relay with OpenDKIM, receiver with rspamd, Dovecot, nginx"

    if table.step("the servers stand", begin):
        for what, step in STEPS if quick else (*STEPS, *SLOW):
            table.step(what, lambda step=step: step(scenes[0], table))  # type: ignore[misc]
    taken = f"{table.number} steps in {time.monotonic() - began:.0f} s"
    print(f"{taken}: " + (f"{len(table.failed)} not ok" if table.failed else "all ok"), flush=True)
    return not table.failed


# --- the pages ----------------------------------------------------------------------------------------------------------------


def pages_over_https(scene: Scene, table: Table) -> str:
    now = dt.datetime.now(dt.UTC)
    for place in range(IN_DIGEST):
        scene.publish(date=now - dt.timedelta(hours=place + 1))
    scene.run("build", table=table)
    scene.serve()
    deadline = time.monotonic() + 120
    while True:
        try:
            page = scene.visitor.open(f"{PAGES}subscribe")
            break
        except Unmet:  # nginx says 502 until the pages stand behind it
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    return f"{page.url} answers {page.status}; certificate verified"


def sign_up(scene: Scene, table: Table) -> str:
    page = scene.visitor.open(f"{PAGES}subscribe")
    table.keep("1-form.html", page.html)
    page = scene.visitor.press(page, "subscribe", {"email": ADA, "cadence": "daily"})
    table.keep("2-asked.html", page.html)
    letter = scene.mailboxes.wait(ADA, "the confirmation", lambda mail: "/confirm/" in mail.text())
    _keep(scene, table, "confirm", letter)
    if scene.people().get(ADA) != "pending":
        raise Unmet(f"{ADA} is {scene.people().get(ADA)!r} before the link was followed")
    return f"asked, and {str(letter.message['Subject'])!r} lies in the mailbox"


def confirm(scene: Scene, table: Table) -> str:
    page = scene.visitor.open(scene.letters["confirm"].link("confirm"))
    table.keep("1-question.html", page.html)
    page = scene.visitor.press(page, "yes|confirm")
    table.keep("2-answer.html", page.html)
    if scene.people().get(ADA) != "active":
        raise Unmet(f"{ADA} is {scene.people().get(ADA)!r} after confirming; the page says: {page.words[:500]}")
    letter = scene.mailboxes.wait(ADA, "the welcome", lambda mail: "/unsubscribe/" in mail.text())
    _keep(scene, table, "welcome", letter)
    return f"confirmed, and {str(letter.message['Subject'])!r} lies in the mailbox"


# --- letters ------------------------------------------------------------------------------------------------------------------


def send_digest(scene: Scene, table: Table) -> str:
    scene.repository.add_subscribers([CARLA], cadence="daily")
    report = scene.run("send", scene.repository.today, "--json", table=table).json
    _expect(report, sent=2, failed=0)
    for reader in (ADA, CARLA):
        letter = scene.mailboxes.wait(reader, "the digest", lambda mail: "/articles/" in mail.text())
    _keep(scene, table, "digest", letter)
    return f"{report['sent']} letters of {len(letter.raw) / 1000:.0f} kB"


def send_weekly(scene: Scene, table: Table) -> str:
    """The digest of the week that ends today: a mail of a day that is past is suspect."""
    scene.repository.add_subscribers([WIM], cadence="weekly")
    year, week, _ = dt.datetime.now(dt.UTC).isocalendar()
    report = scene.run("send", f"weekly-{year}-W{week:02}", "--json", table=table).json
    _expect(report, sent=1, failed=0)
    letter = scene.mailboxes.wait(WIM, "the weekly digest", lambda mail: "/articles/" in mail.text())
    _keep(scene, table, "weekly", letter)
    return f"{report['sent']} letter of {len(letter.raw) / 1000:.0f} kB"


def send_each(scene: Scene, table: Table) -> str:
    scene.repository.add_subscribers(EACH, cadence="each")
    slug = scene.publish(date=dt.datetime.now(dt.UTC))
    report = scene.run("send", f"each-{slug}", "--json", table=table).json
    _expect(report, sent=len(EACH), failed=0)  # the relay takes them all; what is wrong with some it learns later
    scene.first_each = slug
    for reader in (BEN, EVE, FRED):
        _keep(scene, table, "each", _article(scene, reader, slug))
    return f"the relay took {report['sent']}"


def beyond_ascii(scene: Scene, table: Table) -> str:
    letter = scene.mailboxes.wait("juergen@reader.test", "the article")
    table.keep("letter.eml", letter.raw)
    if UMLAUT not in letter.one("To"):
        raise Unmet(f"To is {letter.one('To')!r}, not {UMLAUT}")
    judges.must_authenticate(letter)
    return f"a letter to {UMLAUT} by SMTPUTF8, signed and verified"


def authenticated(scene: Scene, table: Table) -> list[str]:
    """SPF, DKIM and DMARC, as the receiver itself found them when the mail came in; and two more verifiers (M-14)."""
    lines = []
    for kind, letter in scene.letters.items():
        found = judges.must_authenticate(letter)
        judges.must_verify_by_opendkim(letter, scene.folder / "opendkim-verifier")
        lines.append(f"{kind}: {found}; verified by OpenDKIM and {len(judges.signatures(letter))} by dkimpy")
    return lines


def few_points(scene: Scene, table: Table) -> list[str]:
    scores = {
        kind: judges.spamassassin(mail.raw, scene.folder / "spamassassin") for kind, mail in scene.letters.items()
    }
    table.keep("spamassassin.txt", "".join(f"{kind}: {score.all()}\n" for kind, score in scores.items()))
    over = [f"{kind}: {score}" for kind, score in scores.items() if score.points > judges.MOST_POINTS]
    if over:
        raise Unmet(f"more than {judges.MOST_POINTS} points:\n" + "\n".join(over))
    return [f"{kind}: {score}" for kind, score in scores.items()]


def well_formed(scene: Scene, table: Table) -> list[str]:
    groups = judges.rspamd_groups()
    scores = {kind: judges.rspamd(mail) for kind, mail in scene.letters.items()}
    table.keep("rspamd.txt", "".join(f"{kind}: {score.all()}\n" for kind, score in scores.items()))
    faults = {kind: judges.faults_of_form(score, groups) for kind, score in scores.items()}
    bad = [f"{kind}: {', '.join(names)}; all: {scores[kind]}" for kind, names in faults.items() if names]
    if bad:
        raise Unmet("rspamd has something against the form of\n" + "\n".join(bad))
    return [f"{kind}: {score}" for kind, score in scores.items()]


# --- leaving ------------------------------------------------------------------------------------------------------------------


def signed_way_out(scene: Scene, table: Table) -> list[str]:
    lines = []
    for kind, letter in scene.letters.items():
        if kind == "confirm":  # no list mail: there is nothing yet to leave
            continue
        for signature in judges.signatures(letter):
            _must_cover_the_way_out(signature)
            lines.append(f"{kind}: {signature.algorithm} by {signature.selector}._domainkey.{signature.domain}")
    return lines


def one_click(scene: Scene, table: Table) -> str:
    """From the bytes that arrived, as a mailbox provider does it: no cookie, no redirect, no page looked at first (M-15)."""
    before = scene.people()
    letter = scene.mailboxes.wait(EVE, "the article")
    url, _ = _ways_out(letter)
    if letter.one("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click":
        raise Unmet(f"List-Unsubscribe-Post is {letter.one('List-Unsubscribe-Post')!r}")
    answers = []
    for body in ({"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}):
        answer = requests.post(url, **body, verify=str(scene.authority.file), allow_redirects=False, timeout=30)
        answers.append(answer.status_code)
        if answer.status_code != 200 or "Set-Cookie" in answer.headers:
            raise Unmet(f"one click is answered by {answer.status_code} {dict(answer.headers)}: {answer.text[:500]}")
    _only(scene, before, {EVE: "unsubscribed"})
    return f"POST answered {answers[0]}, and {answers[1]} when it came again; {EVE} is unsubscribed, nobody else"


# --- our own signatures -------------------------------------------------------------------------------------------------------


def our_signatures(scene: Scene, table: Table) -> list[str]:
    """The relay signs nothing any more, and we sign by RSA and Ed25519 with what `keys dkim` has made (M-14, M-32)."""
    records = {}
    for algorithm in ("rsa", "ed25519"):
        words = ("keys", "dkim", "--algorithm", algorithm, "--selector", f"own-{algorithm}")
        made = scene.run(*words, "--json", table=table).json
        records[made["selector"]] = made["record"]
    scene.announce(records)
    scene.relay.set(smtpd_milters="")
    scene.repository.environment["OPENSIGNAL_DKIM_SELECTORS"] = " ".join(records)
    slug = scene.publish(date=dt.datetime.now(dt.UTC))
    scene.run("send", f"each-{slug}", "--json", table=table)
    letter = _article(scene, BEN, slug)
    table.keep("letter.eml", letter.raw)
    found = judges.must_authenticate(letter, signatures=2)
    judges.must_verify_by_opendkim(letter, scene.folder / "opendkim-verifier")
    lines = [f"the receiver: {found}; verified by OpenDKIM"]
    for signature in judges.signatures(letter):
        _must_cover_the_way_out(signature)
        lines.append(f"{signature.algorithm} by {signature.selector}._domainkey.{signature.domain}; verified by dkimpy")
    return lines


def _must_cover_the_way_out(signature: judges.Signature) -> None:
    """RFC 8058 4: the signature has to cover both fields; twice, so that none can be added (M-14)."""
    for name in ("list-unsubscribe", "list-unsubscribe-post", "from", "subject"):
        if signature.names.count(name) < 2:
            raise Unmet(f"the signature {signature.selector} names {name} {signature.names.count(name)} times")
    if signature.domain != SENDER:
        raise Unmet(f"the signature is of {signature.domain}, the sender of {SENDER}")


# --- a relay that fails -------------------------------------------------------------------------------------------------------


def relay_switched_off(scene: Scene, table: Table) -> list[str]:
    """In the middle of a send. What was accepted is the relay's to keep, what was not is ours to send again."""
    crowd = [f"crowd-{number:03}@reader.test" for number in range(CROWD_SIZE)]
    scene.repository.add_subscribers(
        crowd, cadence="daily"
    )  # today's issue was sent without them; yesterday's is theirs
    yesterday = dt.datetime.now(dt.UTC).replace(hour=12) - dt.timedelta(days=1)
    scene.crowd_article = scene.publish(date=yesterday)
    scene.crowd_issue = f"daily-{yesterday:%Y-%m-%d}"
    with (table.evidence / "send-1.txt").open("wb") as output:
        words = scene.repository.command("send", scene.crowd_issue, "--json")
        environment = {**scene.repository.env(), "OPENSIGNAL_CONNECTIONS": str(CONNECTIONS)}
        sending = subprocess.Popen(words, cwd=scene.repository.root, env=environment, stdout=output, stderr=output)
        _wait_until(lambda: _accepted(scene) > CROWD_SIZE // 5, "a fifth of the letters to be accepted")
        scene.relay.stop()
        code = sending.wait(120)
    if code != 1:
        raise Unmet(f"send ended with {code} though the relay went away: {(table.evidence / 'send-1.txt').read_text()}")
    first = json.loads((table.evidence / "send-1.txt").read_text().partition("\n}")[0] + "\n}")
    refused = scene.run("send", scene.crowd_issue, table=table, may_fail=True)
    if refused.code != 1 or RELAY not in refused.err:
        raise Unmet(f"without its relay, send says {refused.err!r} and ends with {refused.code}")
    scene.relay.start()
    second = scene.run("send", scene.crowd_issue, "--json", table=table).json
    _expect(second, failed=0)
    open_letters = second["planned"] - first["sent"] - second["sent"]
    if open_letters > CONNECTIONS:
        raise Unmet(
            f"{open_letters} letters are open after the second run, with {CONNECTIONS} connections: {first} {second}"
        )
    return [
        f"{first['sent']} letters, then: {' '.join(refused.err.split())}",
        f"switched on again, {second['sent']} more; {open_letters} were on the line and are tried again later",
    ]


def nothing_lost(scene: Scene, table: Table) -> str:
    """Those that were on the line go out once more when their wait is over: a few come twice, with one Message-ID (M-07).

    The relay does as we do: what it had passed on when it was switched off, and had not noted, it passes on again.
    """
    deadline = time.monotonic() + 600
    while (report := scene.run("send", scene.crowd_issue, "--json", table=table).json)["left"]:
        if time.monotonic() > deadline:
            raise Unmet(f"{report['left']} letters are still open: {report}")
        time.sleep(10)
    wanted = {f"crowd-{number:03}@reader.test" for number in range(CROWD_SIZE)}
    _wait_until(lambda: "is empty" in scene.relay.queue(), "the relay's queue to be empty", patience=120)
    _wait_until(lambda: "is empty" in scene.receiver.queue(), "the receiver's queue to be empty", patience=120)
    arrived = scene.mailboxes.all(CROWD)  # it holds the letters of this issue alone
    missing = wanted - {mail.one("To") for mail in arrived}
    if missing:
        raise Unmet(f"{len(missing)} never got it, {sorted(missing)[:5]} among them; send says {report}")
    if len({mail.one("Message-ID") for mail in arrived}) != len(wanted):
        raise Unmet("a letter that came twice has two Message-IDs")
    twice = _handed_over_twice(scene)
    if len(twice) > CONNECTIONS:
        raise Unmet(f"we handed {len(twice)} letters to the relay twice, with {CONNECTIONS} connections")
    by_relay = len(arrived) - len(wanted) - len(twice)
    return f"{len(wanted)} readers have it; {len(twice)} letters were sent twice, at most {CONNECTIONS} may be" + (
        f"; {by_relay} more came twice because the relay sent them again" if by_relay > 0 else ""
    )


def _accepted(scene: Scene) -> int:
    return scene.relay.log.read_text("utf-8", "replace").count("to=<crowd-") if scene.relay.log.exists() else 0


def _handed_over_twice(scene: Scene) -> list[str]:
    """The Message-IDs that the relay took over from us more than once, by its log."""
    log = scene.relay.log.read_text("utf-8", "replace")
    taken = set(re.findall(r"qmgr\[\d+\]: (\w+): from=", log))
    ids = re.findall(r"cleanup\[\d+\]: (\w+): message-id=(<[^>]+@sender\.test>)", log)
    times = Counter(message for queued, message in ids if queued in taken)
    if len(times) < CROWD_SIZE:
        raise Unmet(f"the relay's log names {len(times)} letters of the {CROWD_SIZE} that it must have taken over")
    return [message for message, number in times.items() if number > 1]


def _wait_until(true: Callable[[], bool], what: str, *, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise Unmet(f"waited {patience:.0f} seconds for {what}")
        time.sleep(0.05)


# --- what comes back ----------------------------------------------------------------------------------------------------------


def refusals_return(scene: Scene, table: Table) -> list[str]:
    """What was refused comes back to us as the mail servers wrote it (RFC 3464)."""
    wanted = {NOBODY: (RELAY, "5.1.1"), GONE: (MX, "5.1.1"), FULL: (MX, "5.2.2")}
    lines = []
    for reader, (server, status) in wanted.items():
        mail = scene.mailboxes.wait(BOUNCE_BOX, f"the refusal of {reader}", functools.partial(_is_refusal_of, reader))
        table.keep(f"dsn-{reader}.eml", mail.raw)
        report = next(part for part in mail.message.walk() if part.get_content_type() == "message/delivery-status")
        words = " ".join(report.as_string().split())
        if f"Reporting-MTA: dns; {server}" not in words or f"Status: {status}" not in words:
            raise Unmet(f"the refusal of {reader} says {words}; wanted Status {status} by {server}")
        if "MAILER-DAEMON" not in mail.one("From"):
            raise Unmet(f"the refusal of {reader} is from {mail.one('From')}")
        diagnostic = re.search(r"Diagnostic-Code: (.*)", words)
        lines.append(f"{reader}: {server} says {diagnostic[1] if diagnostic else status}")
    return lines


def _is_refusal_of(reader: str, mail: Delivered) -> bool:
    return mail.message.get_content_type() == "multipart/report" and f"rfc822; {reader}" in " ".join(
        mail.raw.decode().split()
    )


def refusals_suppress(scene: Scene, table: Table) -> list[str]:
    """Whose mailbox does not exist gets nothing any more. Whose mailbox is full is left alone, and so is everybody else (M-25)."""
    before = scene.people()
    first = scene.run("bounces", table=table)
    _only(scene, before, {NOBODY: "suppressed", GONE: "suppressed"})
    scene.run("bounces", table=table)
    _only(scene, before, {NOBODY: "suppressed", GONE: "suppressed"})
    return [f"opensignal: {line}" for line in first.out.splitlines()] + ["read once more, it changes nobody"]


def forged_refusal(scene: Scene, table: Table) -> str:
    """What a stranger writes, who knows an address and how Postfix writes, changes nobody (M-24)."""
    before = scene.people()
    real = scene.came_back("a refusal", functools.partial(_is_refusal_of, NOBODY)).raw
    head, returned = real.split(b"message/rfc822", 1) if b"message/rfc822" in real else real.split(b"rfc822-headers", 1)
    forged = (head + b"text/plain\r\n\r\nnothing of ours" + returned[-200:]).replace(NOBODY.encode(), BEN.encode())
    forged = re.sub(rb"(?m)^(To|Message-Id): .*\r?\n", b"", forged, flags=re.IGNORECASE)
    forged = b"To: bounces@sender.test\r\nMessage-ID: <forged@reader.test>\r\n" + _without_transport(forged)
    scene.mail("", BOUNCE_BOX, table.keep("forged.eml", forged).read_bytes())
    scene.came_back("the forged refusal", lambda mail: mail.message["Message-ID"] == "<forged@reader.test>")
    scene.run("bounces", table=table)
    _only(scene, before, {})
    return f"a bounce that names {BEN}, and nothing that we signed, changes nobody"


def leave_by_mail(scene: Scene, table: Table) -> str:
    """The other address of List-Unsubscribe: any mail to it unsubscribes (M-20)."""
    before = scene.people()
    _, way_out = _ways_out(_article(scene, FRED, scene.first_each))
    if not way_out:
        raise Unmet("List-Unsubscribe names no mail address")
    address = unquote(way_out.removeprefix("mailto:").partition("?")[0])
    words = parse_qs(way_out.partition("?")[2]).get("subject", ["please"])[0]
    scene.mail(FRED, address, f"From: {FRED}\r\nTo: {address}\r\nSubject: {words}\r\n\r\n".encode())
    scene.came_back("the mail that unsubscribes", lambda mail: address in mail.all("To"))
    scene.run("bounces", table=table)
    _only(scene, before, {FRED: "unsubscribed"})
    return f"a mail to {address} unsubscribes {FRED}, nobody else"


def complaint(scene: Scene, table: Table) -> str:
    """A report as mailbox providers send it when somebody presses "spam" (RFC 5965), the reader's address blacked out (M-27)."""
    before = scene.people()
    letter = _article(scene, DORA, scene.first_each).raw.replace(DORA.encode(), b"redacted@reader.test")
    report = (
        b"From: feedback@reader.test\r\nTo: fbl@bounce.sender.test\r\nSubject: abuse report\r\n"
        b"Message-ID: <complaint@reader.test>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="part"\r\n\r\n'
        b"--part\r\nContent-Type: text/plain\r\n\r\nThis is a report of abuse.\r\n"
        b"--part\r\nContent-Type: message/feedback-report\r\n\r\n"
        b"Feedback-Type: abuse\r\nUser-Agent: Rig/1.0\r\nVersion: 1\r\n"
        b"--part\r\nContent-Type: message/rfc822\r\n\r\n" + letter + b"\r\n--part--\r\n"
    )
    scene.mail("feedback@reader.test", "fbl@bounce.sender.test", table.keep("report.eml", report).read_bytes())
    scene.came_back("the complaint", lambda mail: mail.message["Message-ID"] == "<complaint@reader.test>")
    scene.run("bounces", table=table)
    _only(scene, before, {DORA: "suppressed"})
    return f"an abuse report of a letter to {DORA} suppresses them, nobody else"


def _without_transport(raw: bytes) -> bytes:
    """The mail without what servers have added on the way."""
    return re.sub(rb"(?im)^(Return-Path|Delivered-To|X-Original-To|Received):.*\r?\n([ \t].*\r?\n)*", b"", raw)


def next_letter(scene: Scene, table: Table) -> str:
    """Who has left gets none, and everybody else does."""
    states = scene.people()
    slug = scene.publish(date=dt.datetime.now(dt.UTC))
    report = scene.run("send", f"each-{slug}", "--json", table=table).json
    left = {reader for reader in EACH if states.get(reader) != "active"}
    stay = [reader for reader in EACH if reader not in left]
    _expect(report, planned=len(stay), failed=0)
    for reader in stay:
        if reader not in (UMLAUT, FULL, NOBODY, GONE):
            _article(scene, reader, slug)
    _wait_until(lambda: "is empty" in scene.relay.queue(), "the relay's queue to be empty", patience=120)
    with_mailbox = [reader for reader in sorted(left) if reader in BOXES]
    got = [reader for reader in with_mailbox if any(slug in mail.text() for mail in scene.mailboxes.all(reader))]
    if got:
        raise Unmet(f"{', '.join(got)} left, and got the next letter")
    return f"{report['planned']} letters; none to {', '.join(sorted(left))}"


# --- the steps ----------------------------------------------------------------------------------------------------------------

STEPS: tuple[tuple[str, Step], ...] = (
    ("the pages answer over HTTPS", pages_over_https),
    ("a reader signs up", sign_up),
    ("and confirms by the link in the mail", confirm),
    ("a digest reaches its readers", send_digest),
    ("a weekly digest too", send_weekly),
    ("an article reaches those who want each", send_each),
    ("an address beyond ASCII is reached", beyond_ascii),
    ("SPF, DKIM and DMARC pass at the receiver", authenticated),
    ("the signature covers the way out", signed_way_out),
    (f"SpamAssassin gives at most {judges.MOST_POINTS} points", few_points),
    ("rspamd has nothing against their form", well_formed),
    ("the relay is switched off in the middle of a send", relay_switched_off),
    ("our own signatures pass where the relay signs nothing", our_signatures),
    ("one click unsubscribes", one_click),
    ("what was refused comes back", refusals_return),
    ("whose mailbox does not exist is suppressed", refusals_suppress),
    ("a forged refusal changes nobody", forged_refusal),
    ("a mail to the other way out unsubscribes", leave_by_mail),
    ("a complaint suppresses", complaint),
    ("who has left gets no letter any more", next_letter),
)
SLOW: tuple[tuple[str, Step], ...] = (
    ("nothing was lost with the relay, and nothing came twice without need", nothing_lost),
)


# --- what the steps share -----------------------------------------------------------------------------------------------------


def _keep(scene: Scene, table: Table, kind: str, letter: Delivered) -> None:
    scene.letters.setdefault(kind, letter)
    table.keep(f"{kind}-{letter.mailbox}.eml", letter.raw)
    if letter.html():
        table.keep(f"{kind}-{letter.mailbox}.html", letter.html())


def _article(scene: Scene, reader: str, slug: str) -> Delivered:
    return scene.mailboxes.wait(reader, f"the article {slug}", lambda mail: slug in mail.text())


def _expect(report: dict[str, int], **numbers: int) -> None:
    found = {name: report[name] for name in numbers}
    if found != numbers:
        raise Unmet(f"send reports {found}, not {numbers}; all of it: {report}")


def _only(scene: Scene, before: dict[str, str], wanted: dict[str, str]) -> None:
    """Nobody's state has changed but those of *wanted*, to what it says."""
    changed = scene.changed_since(before)
    if changed != wanted:
        raise Unmet(f"changed: {changed or 'nobody'}; wanted: {wanted or 'nobody'}")


def _ways_out(letter: Delivered) -> tuple[str, str]:
    """The https and the mailto address of List-Unsubscribe, the latter empty where there is none."""
    found = re.findall(r"<([^>]+)>", letter.one("List-Unsubscribe"))
    if not found or not found[0].startswith(PAGES):
        raise Unmet(f"List-Unsubscribe of the letter to {letter.mailbox}: {letter.one('List-Unsubscribe')!r}")
    return found[0], next((way for way in found if way.startswith("mailto:")), "")
