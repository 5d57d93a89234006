"""`opensignal keys`: what signs links and letters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.base import (
    Json,
    Root,
    group,
    now,
    settings_of,
)
from pipeline.errors import UsageError
from pipeline.terminal import (
    err,
    out,
    print_json,
    short,
)

if TYPE_CHECKING:
    from pipeline.keys import Key

secret = group("keys", help="List and change the keys.")


@secret.command("list")
def list_keys(root: Root = None, json: Json = False) -> None:
    """List the keys by ids that tell nothing of them. Those that are missing are made.

    Example: opensignal keys list
    """
    from pipeline.keys import KEY_NAMES, load_keys
    from pipeline.mail import dkim

    settings = settings_of(root)
    found = [(name, load_keys(settings.state_dir, name)) for name in KEY_NAMES]
    letters = [(key, key.selector in settings.dkim_selectors.split()) for key in dkim.keys_there(settings)]
    if json:
        ours = [_key_as_dict(name, key, signs=key == ring.keys[0]) for name, ring in found for key in ring.keys]
        theirs = [{"name": "dkim", "id": k.selector, "signs": s, "algorithm": k.algorithm.value} for k, s in letters]
        print_json([*ours, *theirs])
        return
    for name, ring in found:
        for key in ring.keys:
            made = f"made {key.made_at:%Y-%m-%d}" if key.made_at else "there from the start"
            does = "signs" if key == ring.keys[0] else _kept(key)
            out.print(f"{name:<12} {key.id}  {does}, {made}")
    for letter_key, signs in letters:
        does = "signs letters" if signs else "rests: dkim_selectors does not name it"
        out.print(f"{'dkim':<12} {letter_key.selector:<8}  {does}, {letter_key.algorithm.value}")


@secret.command("rotate")
def rotate_key(
    name: Annotated[str, typer.Argument(help="token or suppression.", metavar="NAME")],
    root: Root = None,
    json: Json = False,
) -> None:
    """Put a new key before the old ones. What they signed stays good; the answer says until when.

    Example: opensignal keys rotate token
    """
    from pipeline.keys import KEY_NAMES, key_file, rotate

    settings = settings_of(root)
    known = {known: known for known in KEY_NAMES}.get(name)  # type: ignore[call-overload]  # any word may be asked for
    if known is None:
        raise UsageError(f"there is no key {name!r}; use {' or '.join(KEY_NAMES)}")
    done = rotate(settings.state_dir, known, now=now())
    if json:
        made, kept = _key_as_dict(name, done.made, signs=True), [_key_as_dict(name, k, signs=False) for k in done.kept]
        print_json({"name": name, "made": made, "kept": kept, "dropped": [key.id for key in done.dropped]})
        return
    out.print(f"{name}: {done.made.id} signs from now on")
    for key in done.kept:
        out.print(f"  {key.id} {_kept(key)}")
    for key in done.dropped:
        out.print(f"  {key.id} is gone: its time was over")
    file = short(key_file(settings.state_dir, known))
    out.print(f"back up {file}, and copy it to every other machine of this newsletter before it sends")


@secret.command("dkim")
def make_dkim_key(
    selector: Annotated[
        str, typer.Option(help="Name of the key in the DNS; default: one with the month in it.", metavar="NAME")
    ] = "",
    algorithm: Annotated[
        str, typer.Option(help="rsa, which every receiver verifies, or ed25519, beside it.", metavar="NAME")
    ] = "rsa",
    root: Root = None,
    json: Json = False,
) -> None:
    """Make or show a key that signs letters (DKIM). The record that it wants in the DNS is printed.

    Example: opensignal keys dkim --selector news1
    """
    from pipeline.config import DKIM_SELECTOR
    from pipeline.mail import dkim

    settings = settings_of(root)
    if algorithm not in list(dkim.Algorithm):
        raise UsageError(f"--algorithm {algorithm} is not known; use {' or '.join(dkim.Algorithm)}")
    selector = selector.lower() or f"{algorithm[0]}{now():%Y%m}"
    if not re.fullmatch(DKIM_SELECTOR, selector):
        raise UsageError(f"--selector {selector} cannot stand in the DNS; write letters, digits and hyphens")
    found = dkim.make_key(settings, selector=selector, algorithm=dkim.Algorithm(algorithm))
    now_signing = settings.dkim_selectors.split()
    if json:
        record = {"name": found.name, "record": found.key.record, "strings": list(found.key.strings)}
        about = {"selector": selector, "algorithm": algorithm, "domain": found.domain, "file": str(found.file)}
        print_json({**about, **record, "made": found.made, "signs": selector in now_signing})
        return
    out.print(f"{'made' if found.made else 'there already:'} {short(found.file)}")
    out.print(f"\n{found.name}. IN TXT (")
    for string in found.key.strings:
        out.print(f'  "{string}"')
    out.print(")\n")
    if settings.is_sample:
        err.print(
            f"opensignal: mail_from is still the sample's, so this record is for {found.domain}; set your own in pyproject.toml, "
            "and run this again for the record of your domain"
        )
    if selector in now_signing:
        out.print("letters are signed with it, so this record must stay")
        return
    out.print("what next:")
    out.print("  1. put this record into the zone; where a form asks for one text, paste the strings without gaps")
    out.print(f"  2. wait until it is there: dig +short TXT {found.name}")
    out.print(f'  3. set dkim_selectors = "{selector}" in pyproject.toml, or add {selector} to it')
    if now_signing:
        out.print(
            f"  4. take {' and '.join(now_signing)} out of it, unless both are to sign; its record stays a week longer, "
            "for letters that are under way"
        )


def _key_as_dict(name: str, key: Key, *, signs: bool) -> dict[str, object]:
    times = {"made_at": key.made_at, "kept_until": key.kept_until}
    return {"name": name, "id": key.id, "signs": signs, **{n: t and t.isoformat() for n, t in times.items()}}


def _kept(key: Key) -> str:
    return f"still verifies, until {key.kept_until:%Y-%m-%d}" if key.kept_until else "still verifies, for ever"
