"""What strangers say of a delivered mail: the receiver's own results, two more verifiers of signatures, SpamAssassin, rspamd."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dkim

from tests.e2e.mailbox import Delivered
from tests.e2e.servers import RSPAMD_CONTROLLER
from tests.e2e.table import Unmet
from tests.e2e.world import DNS_IP, MX

MOST_POINTS = 0.5  # of SpamAssassin; it calls 5 points spam
FORM_GROUPS = frozenset({"mime_types", "headers", "mime", "subject", "excessqp", "excessb64"})  # of rspamd
KNOWN = {  # what rspamd says of the headers though nothing is wrong with them, and why
    "ONCE_RECEIVED": "the rig's relay is the only one on the way",
    "FORGED_SENDER": "bounces go to an address of their own; rspamd forgives that to lists, and a confirmation is not of one",
}


# --- the receiver -------------------------------------------------------------------------------------------------------------


def authentication(mail: Delivered) -> dict[str, list[str]]:
    """What the receiver itself found when the mail came in, by method; a mail may have several signatures."""
    found: dict[str, list[str]] = {}
    for result in mail.all("Authentication-Results"):
        host, _, rest = result.partition(";")
        if host.split()[:1] != [MX]:
            raise Unmet(f"Authentication-Results of a stranger, {host!r}, in a mail to {mail.mailbox}")
        rest = re.sub(r"\([^()]*\)", " ", rest)
        for method, value in re.findall(r"(?:^|[;\s])(dkim|spf|dmarc)=(\w+)", rest):
            found.setdefault(method, []).append(value)
    return found


def must_authenticate(mail: Delivered, *, signatures: int = 1) -> str:
    """What the receiver found, for people. Raises `Unmet` unless SPF, DMARC, and every one of as many *signatures* pass."""
    found = authentication(mail)
    words = ", ".join(f"{method}={value}" for method, values in sorted(found.items()) for value in values)
    if found != {"dkim": ["pass"] * signatures, "spf": ["pass"], "dmarc": ["pass"]}:
        raise Unmet(f"the receiver says {words or 'nothing'} of {str(mail.message['Subject'])!r} to {mail.mailbox}")
    return words


# --- signatures ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signature:
    """A DKIM-Signature of a delivered mail, as its tags say."""

    algorithm: str
    domain: str
    selector: str
    names: tuple[str, ...]


def signatures(mail: Delivered) -> list[Signature]:
    """The signatures of *mail*, the topmost first. Raises `Unmet` unless dkimpy verifies each one."""
    found = []
    for place, value in enumerate(mail.all("DKIM-Signature")):
        tags = {name.strip(): text.strip() for name, _, text in (tag.partition("=") for tag in value.split(";"))}
        names = tuple(name.strip().lower() for name in tags["h"].split(":"))
        signature = Signature(tags["a"], tags["d"], tags["s"], names)
        if not dkim.DKIM(_as_sent(mail.raw)).verify(idx=place):
            raise Unmet(f"dkimpy does not verify the signature {signature.selector} of the mail to {mail.mailbox}")
        found.append(signature)
    return found


def must_verify_by_opendkim(mail: Delivered, folder: Path) -> None:
    """Raises `Unmet` unless OpenDKIM verifies the mail. It reads the newest RSA signature, and knows no other kind."""
    folder.mkdir(exist_ok=True)
    resolver, file, letter = folder / "unbound.conf", folder / "opendkim.conf", folder / "letter.eml"
    # libunbound knows of itself that nothing is below .test (RFC 6761 6.2).
    forward = f'forward-zone:\n  name: "."\n  forward-addr: {DNS_IP}\n'
    resolver.write_text(f'server:\n  local-zone: "test." nodefault\n  do-not-query-localhost: no\n{forward}')
    file.write_text(f"Mode v\nSyslog no\nNameservers {DNS_IP}\nResolverConfiguration {resolver}\n")
    letter.write_bytes(_as_sent(mail.raw))
    words = ["opendkim", "-x", str(file), "-t", str(letter), "-vv"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if "verification" not in done.stdout + done.stderr or "succeeded" not in done.stdout + done.stderr:
        raise Unmet(f"OpenDKIM says of the mail to {mail.mailbox}: {done.stdout}{done.stderr}")


def _as_sent(raw: bytes) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", raw)


# --- scores -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    points: float
    symbols: Mapping[str, float]

    def __str__(self) -> str:
        """The symbols that count for or against it; with ``all()``, the others too."""
        return self._words({name: points for name, points in self.symbols.items() if points})

    def all(self) -> str:
        return self._words(self.symbols)

    def _words(self, symbols: Mapping[str, float]) -> str:
        named = ", ".join(f"{name} {points:+.2f}" for name, points in sorted(symbols.items()))
        return f"{self.points:+.2f}; {named}" if named else f"{self.points:+.2f}"


def spamassassin(raw: bytes, folder: Path) -> Score:
    """What ``spamassassin -L`` says of the bytes: its rules, nothing learnt, nobody asked."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            "spamassassin",
            "-L",
            "-x",
            "--cf=use_bayes 0",
            "--cf=add_header all Points _TESTSSCORES(,)_",
            "--cf=fold_headers 0",
        ],
        input=raw,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C"},
        check=True,
        timeout=120,
    )
    text = done.stdout.decode("utf-8", "replace")
    status = re.search(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", text, re.MULTILINE)
    points = re.search(r"^X-Spam-Points: (.*)", text, re.MULTILINE)
    if status is None or points is None:
        raise Unmet(f"SpamAssassin gave no score: {text[:1000]} {done.stderr.decode('utf-8', 'replace')[:1000]}")
    pairs = [pair.partition("=") for pair in points[1].split(",") if "=" in pair]
    return Score(float(status[1]), {name.strip(): float(value) for name, _, value in pairs})


def rspamd(mail: Delivered) -> Score:
    """What the receiver's rspamd wrote into the header while the mail came in."""
    [result] = mail.all("X-Spamd-Result")
    total = re.search(r"\[(-?[\d.]+) / ", result)
    assert total is not None, result
    symbols = re.findall(r"([A-Z][A-Z0-9_]+)\((-?[\d.]+)\)", result)
    return Score(float(total[1]), {name: float(points) for name, points in symbols})


def rspamd_groups() -> dict[str, set[str]]:
    """The groups of rspamd's symbols, by symbol."""
    with urllib.request.urlopen(f"http://127.0.0.1:{RSPAMD_CONTROLLER}/symbols", timeout=20) as answer:
        groups = json.load(answer)
    found: dict[str, set[str]] = {}
    for group in groups:
        for rule in group["rules"]:
            found.setdefault(rule["symbol"], set()).add(group["group"])
    return found


def faults_of_form(score: Score, groups: Mapping[str, set[str]]) -> list[str]:
    """The symbols that speak against the form of a mail: of a group of `FORM_GROUPS`, or named so, with points against it."""
    return [
        name
        for name, points in score.symbols.items()
        if points > 0
        and name not in KNOWN
        and (groups.get(name, set()) & FORM_GROUPS or "MIME" in name or "HEADER" in name)
    ]
