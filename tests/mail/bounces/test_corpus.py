"""M-24, M-25, M-27: every mail of the corpus is read as a person would read it, whatever wrote it."""

from __future__ import annotations

from functools import cache

from pipeline.mail.bounces.read import read
from pipeline.mail.bounces.reading import Kind, Reading
from pipeline.model import BounceClass
from tests.mail.bounces.corpus import FOLDER, NOBODY_IS_DEAD, RIGHT, Sample, samples


@cache
def _read() -> list[tuple[Sample, Reading]]:
    return [(sample, read(sample.raw)) for sample in samples()]


def test_the_corpus_is_large_and_all_of_it_is_labelled() -> None:
    labelled = {sample.file.name for sample in samples()}

    assert labelled == {path.name for path in FOLDER.glob("*.eml")}
    assert len(labelled) >= 350
    assert {sample.kind for sample in samples()} == set(Kind)


def test_at_least_97_in_100_bounces_are_found_and_nothing_else_is_taken_for_one() -> None:
    """M-24"""
    bounces = [(sample, reading) for sample, reading in _read() if sample.kind is Kind.BOUNCE]
    missed = [sample.file.name for sample, reading in bounces if reading.kind is not Kind.BOUNCE]
    taken = [s.file.name for s, reading in _read() if reading.kind is Kind.BOUNCE and s.kind is not Kind.BOUNCE]

    assert len(missed) <= 0.03 * len(bounces), missed
    assert taken == []


def test_complaints_delays_deliveries_and_automatic_replies_are_told_apart() -> None:
    """M-24, M-27, M-38: complaints in the form of RFC 5965 and in looser ones."""
    wrong = [f"{s.file.name}: {reading.kind}, not {s.kind}" for s, reading in _read() if reading.kind is not s.kind]

    assert wrong == []


def test_at_least_95_in_100_recipients_are_right() -> None:
    named = [(sample, reading) for sample, reading in _read() if sample.reasons]
    wrong = [
        f"{sample.file.name}: {sorted(one.address for one in reading.recipients)}"
        for sample, reading in named
        if {one.address for one in reading.recipients} != set(sample.reasons)
    ]

    assert len(wrong) <= 0.05 * len(named), wrong


def test_nobody_is_dropped_for_policy_spam_authentication_greylisting_size_or_a_full_mailbox() -> None:
    """M-25: of the address or its domain, nothing that is not their own fault is held against them."""
    dropped = [
        f"{sample.file.name}: {one.address} {one.bounce_class}"
        for sample, reading in _read()
        for one in reading.recipients
        if sample.reasons.get(one.address) in NOBODY_IS_DEAD
        and one.bounce_class in (BounceClass.ADDRESS, BounceClass.DOMAIN)
    ]

    assert dropped == []


def test_each_refusal_has_the_class_that_its_reason_asks_for() -> None:
    """M-25"""
    told = [
        (sample.file.name, sample.reasons[one.address], one.bounce_class)
        for sample, reading in _read()
        for one in reading.recipients
        if one.address in sample.reasons
    ]
    wrong = [f"{name}: {reason} is {found}" for name, reason, found in told if found not in RIGHT[reason]]

    assert len(told) >= 300
    assert len(wrong) <= 0.02 * len(told), wrong


def test_a_complaint_keeps_the_fields_of_its_report() -> None:
    """M-27"""
    complaint = next(r.complaint for s, r in _read() if s.file.name == "arf-01.eml")

    assert complaint is not None
    assert (complaint.feedback_type, complaint.version, complaint.user_agent) == ("abuse", "1", "SomeGenerator/1.0")
    assert complaint.original_recipients == ("reader@example.com",)
    assert (complaint.source_ip, complaint.reported_domains) == ("192.0.2.10", ("example.org",))
