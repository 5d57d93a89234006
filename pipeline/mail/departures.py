"""Let a restored database know who has left since its backup was made; see `store/departures.py` for the file it reads.

read what is new in the file | the last word of each person and each hash | what the database lacks | apply it
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from pipeline.config import Settings
from pipeline.keys import KeyRing, load_keys
from pipeline.mail import lifecycle
from pipeline.mail.lifecycle import Outcome
from pipeline.store import Connection, Store, consents, departures, subscribers, suppressions
from pipeline.store.consents import ConsentEvent, Evidence, Method
from pipeline.store.departures import Note, Notebook
from pipeline.store.suppressions import Reason

log = logging.getLogger("opensignal")

BATCH = 200  # notes of one transaction


def reapply(store: Store, settings: Settings) -> int:
    """Apply every departure that this machine has noted and the database does not know; returns how many it did not know.

    Call it before anything is sent. Where nothing is new in the file it costs one query. It may be stopped and run again, and run
    in two processes at once. Raises `StoreError` for a file that cannot be read.
    """
    notebook = store.notebook
    if notebook is None or not (file := notebook.name()):
        return 0
    end = notebook.size()
    with store.reading() as connection:
        begin = departures.compared(connection, file)
    if begin >= end:
        return 0
    notes, end = _last_words(notebook, begin)
    key = load_keys(settings.state_dir, "suppression")
    count = 0
    for some in _batches(notes):
        with store.writing() as connection:
            count += sum(_apply(connection, note, key=key) for note in some)
            departures.forget_notes(connection)
    with store.writing() as connection:
        departures.set_compared(connection, file, end)
    if count:
        log.warning("departures: %d that the database did not know were applied; was it restored from a backup?", count)
    return count


def _last_words(notebook: Notebook, begin: int) -> tuple[list[Note], int]:
    """What was noted last of each person and of each hash, returns left out, and where the file ends."""
    last: dict[tuple[str, str], Note] = {}
    end = begin
    for note, behind in notebook.read(offset=begin):
        end = behind
        name = (note.ref, note.hashed)
        if name not in last or last[name].at <= note.at:
            last[name] = note
    # People first: with most of them, their hash comes along.
    return sorted((note for note in last.values() if note.leaves), key=lambda note: bool(note.hashed)), end


def _batches(notes: list[Note]) -> Iterator[Sequence[Note]]:
    for start in range(0, len(notes), BATCH):
        yield notes[start : start + BATCH]


def _apply(connection: Connection, note: Note, *, key: KeyRing) -> bool:
    """True when the database did not know."""
    if note.hashed:
        return _suppress_hash(connection, note)
    person = subscribers.by_ref(connection, note.ref, lock=True)
    event = _event(note)
    if person is None or event is None or consents.has(connection, person.id, event, note.at):
        return False
    came_back = consents.last_return(connection, person.id)
    if came_back is not None and came_back > note.at:
        return False
    evidence = Evidence(Method.RESTORE)
    if event is ConsentEvent.WITHDRAWN:
        result = lifecycle.unsubscribe(connection, note.ref, evidence, now=note.at)
    elif event is ConsentEvent.ERASED:
        result = lifecycle.erase(connection, note.ref, evidence, key=key, now=note.at)
    else:
        result = lifecycle.suppress(connection, note.ref, _reason(note, event), evidence, key=key, now=note.at)
    return result.outcome is Outcome.DONE


def _suppress_hash(connection: Connection, note: Note) -> bool:
    return note.reason is not None and suppressions.add_hash(
        connection, note.hashed, note.key, Reason(note.reason), now=note.at
    )


def _event(note: Note) -> ConsentEvent | None:
    try:
        return ConsentEvent(note.event)
    except ValueError:  # of a newer version
        return None


def _reason(note: Note, event: ConsentEvent) -> Reason:
    if event is ConsentEvent.DECLINED:
        return Reason.NOT_ME
    return Reason(note.detail or Reason.COMPLAINT)
