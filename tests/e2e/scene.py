"""All that the steps work with: the servers, a newsletter's repository whose relay they are, and the mailboxes."""

from __future__ import annotations

import base64
import datetime as dt
import re
import shutil
import smtplib
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.e2e import servers
from tests.e2e.mailbox import Delivered, Mailboxes
from tests.e2e.servers import BOUNCE_BOX, PASSWORD, SUBMISSION, WEB_PORT, Postfix, Server
from tests.e2e.table import Table, Unmet
from tests.e2e.visitor import Visitor
from tests.e2e.world import BOUNCES, IMAP, MX, MX_IP, NEWS, READER, RELAY, SENDER, Authority
from tests.repository import HERE, Ended, Repository

PAGES = f"https://{NEWS}/"
RELAY_SELECTOR = "relay"
# Of our own articles, whatever may be written later. Not the one on the queue in Texas: its sources EPRI and CES stand
# side by side in a digest, and SpamAssassin reads "PRI, CES" as a disguise.
ARTICLES = (
    "the-pilot-trap",
    "capital-budgets-that-do-not-add-up",
    "price-falls-and-the-test",
    "how-many-firms-use-ai",
    "water-and-the-word-data-centre",
    "executives-expect-what-they-have-not-seen",
    "two-instruments-h200",
    "assistants-and-the-news",
    "one-wire-story-two-periods",
    "article-50-and-the-code",
    "public-computing-in-promises",
    "one-index-two-gaps",
)


def _at(name: str) -> str:
    return f"{name}@{READER}"


# Whom we write to. A letter to each of them says something different about us.
ADA = _at("ada")  # signs up by the form; daily
CARLA = _at("carla")  # daily
WIM = _at("wim")  # weekly
BEN = _at("ben")  # the others get each article; he stays to the end
EVE = _at("eve")  # leaves by one click
FRED = _at("fred")  # leaves by a mail to the address in List-Unsubscribe
DORA = _at("dora")  # calls a letter spam
UMLAUT = _at("jürgen")  # beyond ASCII
FULL = _at("full")  # has no room left
NOBODY = _at("nobody")  # the receiver refuses them in the conversation
GONE = _at("gone")  # the receiver takes their mail, and then finds that they are gone
CROWD = _at("crowd")  # the mailbox of crowd-001, crowd-002, ...

BOXES = (ADA, CARLA, WIM, BEN, EVE, FRED, DORA, CROWD, _at("juergen"), BOUNCE_BOX)
EACH = (BEN, EVE, FRED, DORA, UMLAUT, FULL, NOBODY, GONE)


@dataclass
class Scene:
    folder: Path
    authority: Authority
    names: Server
    relay: Postfix
    receiver: Postfix
    repository: Repository
    mailboxes: Mailboxes
    visitor: Visitor
    records: dict[str, str]  # DKIM keys in the name server, by selector
    letters: dict[str, Delivered] = field(default_factory=dict)  # the first of each kind, as it arrived
    published: int = 0
    serving: subprocess.Popen[bytes] | None = None
    first_each: str = ""  # the slug of the first article that everybody in EACH got
    crowd_issue: str = ""  # the issue during which the relay is switched off
    crowd_article: str = ""  # and the slug of the article that is in no other

    # -- the newsletter

    def publish(self, *, date: dt.datetime) -> str:
        """Publish the next of the real articles as if it were of *date*; returns its slug."""
        slug = ARTICLES[self.published]
        self.published += 1
        [path] = (HERE / "content" / "articles").rglob(f"*-{slug}.md")
        text = path.read_text("utf-8")
        text = re.sub(r"(?m)^date: .*$", f"date: {date:%Y-%m-%dT%H:%M:%SZ}", text, count=1)
        text = re.sub(r"(?m)^(  reviewed_at|updated): .*$", rf"\1: {date:%Y-%m-%d}", text)
        new = self.repository.root / "content" / "articles" / f"{date:%Y}" / f"{date:%Y-%m-%d}-{slug}.md"
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text, "utf-8")
        return slug

    def run(self, *words: str, table: Table | None = None, may_fail: bool = False, **extra: str) -> Ended:
        """``opensignal WORDS`` in the repository. Raises `Unmet` when it meets a problem, unless it may."""
        ended = self.repository.run(*words, timeout=300, **extra)
        if table is not None:
            said = f"$ opensignal {' '.join(words)}\n{ended.out}{ended.err}exit {ended.code}\n"
            table.keep(f"{words[0]}-{time.monotonic_ns() // 1_000_000}.txt", said)
        if ended.code != 0 and not may_fail:
            raise Unmet(f"opensignal {' '.join(words)} ended with {ended.code}:\n{ended.out}{ended.err}")
        return ended

    def people(self) -> dict[str, str]:
        """Everybody's state."""
        return {person["email"]: person["state"] for person in self.run("subscribers", "export", "--json").json}

    def changed_since(self, before: Mapping[str, str]) -> dict[str, str]:
        """Who is in another state now, and in which."""
        after = self.people()
        return {name: after.get(name, "erased") for name in {**before, **after} if before.get(name) != after.get(name)}

    def serve(self) -> None:
        """``opensignal serve``, behind nginx."""
        log = (self.folder / "opensignal-serve.log").open("ab")
        self.serving = subprocess.Popen(
            self.repository.command("serve", "--port", str(WEB_PORT)),
            cwd=self.repository.root,
            env=self.repository.env(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def mail(self, sender: str, to: str, raw: bytes) -> None:
        """A mail from one of the readers, or from their server (an empty *sender*), which carries it to us."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        with smtplib.SMTP(MX, 25, source_address=(MX_IP, 0), timeout=60) as client:
            client.starttls(context=context)
            client.sendmail(sender, [to], raw)

    def came_back(self, what: str, wanted: Callable[[Delivered], bool]) -> Delivered:
        """The first mail in the mailbox for what comes back that is *wanted*."""
        return self.mailboxes.wait(BOUNCE_BOX, what, wanted)

    # -- names

    def announce(self, records: Mapping[str, str]) -> None:
        """Publish further DKIM keys, by selector."""
        self.records.update(records)
        self.names.stop()
        self.names = servers.start_name_server(self.folder / "dns", dkim=self.records)


def logs(folder: Path) -> list[Path]:
    """What the servers write while they work. Dovecot's indexes are named so too."""
    found = (path for path in folder.rglob("*.log") if "mailboxes" not in path.parts)
    return sorted(path for path in found if path.stat().st_size)


def set_up(folder: Path) -> Scene:
    """Start every server of the rig, and make a newsletter that knows its relay."""
    authority = Authority(folder / "authority")
    records = {RELAY_SELECTOR: _new_key(folder / "relay-dkim.key")}
    names = servers.start_name_server(folder / "dns", dkim=records)
    with _meanwhile(lambda: servers.start_rspamd(folder / "rspamd")):  # it takes ten times as long as the others
        servers.start_dovecot(folder / "dovecot", authority.issue(IMAP), boxes=BOXES, full=[FULL])
        servers.start_signer(folder / "signer", selector=RELAY_SELECTOR, key=folder / "relay-dkim.key")
        servers.start_https(folder / "nginx", authority.issue(NEWS))
        relay = servers.start_relay(folder / "relay", authority.issue(RELAY), authority)
        receiver = servers.start_receiver(
            folder / "receiver",
            authority.issue(MX),
            authority,
            readers=[box for box in (*BOXES, FULL, GONE) if box.endswith(READER)],
            beyond_ascii={UMLAUT: folder / "dovecot" / "mailboxes" / _at("juergen") / "Maildir"},
            crowd=CROWD,
        )
        repository = _newsletter(folder / "newsletter", authority)
    return Scene(
        folder=folder,
        authority=authority,
        names=names,
        relay=relay,
        receiver=receiver,
        repository=repository,
        mailboxes=Mailboxes(authority.file),
        visitor=Visitor(authority.file),
        records=records,
    )


def _newsletter(root: Path, authority: Authority) -> Repository:
    repository = Repository.make(
        root,
        site_url=PAGES,
        web_url=PAGES,
        mail_from=f"Deep Signals <signals@{SENDER}>",
        reply_to=f"editors@{SENDER}",
        bounce_address=BOUNCE_BOX,
        bounce_domain=BOUNCES,
        bounces_url=f"imaps://{quote(BOUNCE_BOX, safe='')}:{PASSWORD}@{IMAP}/INBOX",
        postal_address="1 Harbour Street, 1234 Anytown, Testland",
        trusted_proxies="127.0.0.1/32",  # nginx
        weekly_on=f"{dt.datetime.now(dt.UTC):%A}".lower(),
        smtp_url=f"smtp://{RELAY}:{SUBMISSION}?starttls=require",
    )
    repository.environment["SSL_CERT_FILE"] = str(authority.file)
    for source in (HERE / "content" / "sources").iterdir():
        if source.is_file():
            shutil.copy(source, root / "content" / "sources" / source.name)
        else:
            shutil.copytree(source, root / "content" / "sources" / source.name)
    return repository


def _new_key(file: Path) -> str:
    """Write a new RSA key to *file* and return its record for the name server (RFC 6376 3.6.1)."""
    key = rsa.generate_private_key(65537, 2048)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    file.chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


@contextmanager
def _meanwhile(work: Any) -> Iterator[None]:
    """Do *work* in another thread during the block; what it raises is raised at its end."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # raised again below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    if raised:
        raise raised[0]
