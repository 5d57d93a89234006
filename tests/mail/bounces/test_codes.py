"""M-25: one table decides what a refusal means, and nobody is dropped for a fault that may be ours."""

from __future__ import annotations

import pytest

from pipeline.mail.bounces.codes import classify
from pipeline.model import BounceClass

ADDRESS = [
    (550, "5.1.1", "<reader@example.org>: Recipient address rejected: User unknown in local recipient table"),
    (550, "5.1.1", "The email account that you tried to reach does not exist. Please check the recipient's address"),
    (550, "5.2.1", "The email account that you tried to reach is disabled"),
    (550, "5.4.1", "Recipient address rejected: Access denied. AS(201806281) [relay.example.test]"),
    (550, "5.5.0", "Requested action not taken: mailbox unavailable (S2017062302)."),
    (550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    (550, "5.1.6", "reader has moved to another place"),
    (554, "", "delivery error: dd This user doesn't have a account here (reader@example.org) [0]"),
    (550, "5.7.1", "No such user"),
    (553, "", "sorry, no mailbox here by that name (#5.1.1)"),
    (550, "", "Unknown user account"),
    (0, "", "550-5.1.1 nobody lives here"),
    (0, "5.0.0", "smtp; 550 5.1.1 <reader@example.org> gone"),
    (550, "", "Empfänger unbekannt"),
    (550, "", "Utilisateur inconnu"),
    (550, "", "El usuario no existe"),
    (550, "", "usuário inexistente"),
    (550, "", "Utente sconosciuto"),
    (550, "", "Gebruiker onbekend"),
    (550, "", "Nie ma takiego użytkownika"),
    (550, "", "Нет такого пользователя"),
    (550, "", "ユーザが見つかりません"),
    (550, "", "用户不存在"),
]
DOMAIN = [
    (0, "5.4.4", "Host or domain name not found. Name service error for name=nowhere.test type=AAAA: Host not found"),
    (0, "5.1.2", "bad destination system address"),
    (556, "5.1.10", "Recipient address has null MX"),
    (521, "", "host does not accept mail"),
    (0, "", "unrouteable mail domain"),
    (0, "5.4.310", "DNS domain nowhere.test does not exist"),
]
MAILBOX = [
    (552, "5.2.2", "The mailbox is full"),
    (550, "5.1.1", "user is over quota"),  # the words stand above the code
    (552, "", "Requested mail action aborted: exceeded storage allocation"),
    (452, "4.2.2", "Mailbox full"),
    (550, "5.2.1", ""),
    (550, "", "Postfach ist voll"),
    (550, "", "Почтовый ящик переполнен"),
    (550, "", "邮箱空间已满"),
    (554, "", "account suspended"),
]
POLICY = [
    (554, "", "mail from example.org rejected: domain not found"),
    (550, "", "Invalid domain in HELO"),
    (550, "", "DNS lookup of the sender domain failed: no such domain"),
    (550, "5.1.1", "<reader@example.org> blocked"),
    (550, "5.1.1", "User unknown or your message looks like spam"),
    (550, "5.7.26", "Unauthenticated email from example.org is not accepted due to the domain's DMARC policy"),
    (550, "5.7.515", "Access denied, sending domain example.org does not meet the required authentication level"),
    (554, "5.7.1", "Service unavailable; Client host [192.0.2.1] blocked using a list"),
    (
        550,
        "",
        "Requested action not taken: mailbox unavailable For explanation visit https://postmaster.gmx.test/case?c=r1",
    ),
    (550, "5.7.25", "The IP address sending this message does not have a PTR record setup"),
    (553, "5.1.8", "<bounces@example.org>... Domain of sender address does not exist"),
    (550, "", "Sender verify failed: no such user here"),
    (554, "", "host said: unknown user (in reply to MAIL FROM command)"),
    (552, "5.3.4", "Message size exceeds fixed limit"),
    (554, "5.7.9", "Message not accepted for policy reasons"),
    (530, "5.7.0", "Must issue a STARTTLS command first"),
    (554, "", "Virus found"),
    (501, "5.5.4", "Syntax error in parameters"),
    (550, "5.6.0", "Header error"),
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.1 are refused due to user complaints"),
]
GREYLIST = [
    (450, "4.2.0", "Greylisted, see you in 300 seconds"),
    (421, "", "Too many connections from your address"),
    (451, "4.7.1", "Please slow down"),
    (421, "", ""),
    (550, "5.2.1", "The user is receiving mail at a rate that prevents additional messages from being delivered"),
    (452, "4.5.3", "Too many recipients"),
]
UNKNOWN = [
    (550, "5.1.1", "refused by the recipient's filter"),  # a code of an address, and words of something else
    (501, "", "Invalid MAIL address"),
    (550, "", ""),
    (554, "", "Transaction failed"),
    (550, "5.7.1", "Relaying denied"),
    (450, "4.1.1", "User unknown"),  # not now: a directory that is out of order says so of everybody
    (450, "4.1.1", "Recipient address rejected: unverified address: Address verification in progress"),
    (0, "4.4.7", "delivery time expired"),
    (0, "5.4.6", "mail for example.org loops back to myself"),
]


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "expected"),
    [
        (*row, expected)
        for expected, rows in (
            (BounceClass.ADDRESS, ADDRESS),
            (BounceClass.DOMAIN, DOMAIN),
            (BounceClass.MAILBOX, MAILBOX),
            (BounceClass.POLICY, POLICY),
            (BounceClass.GREYLIST, GREYLIST),
            (BounceClass.UNKNOWN, UNKNOWN),
        )
        for row in rows
    ],
)
def test_a_refusal_has_the_class_of_its_words_and_codes(
    code: int, enhanced: str, text: str, expected: BounceClass
) -> None:
    assert classify(code, enhanced, text) is expected


@pytest.mark.parametrize(
    "words", ["spam", "blocked", "block list", "quota exceeded", "message too large", "DMARC", "greylisted", "virus"]
)
@pytest.mark.parametrize("code", ["5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.0.0", ""])
def test_no_code_makes_an_address_dead_for_a_reason_that_is_not_its_own(words: str, code: str) -> None:
    assert classify(550, code, words) is not BounceClass.ADDRESS


def test_the_address_that_is_refused_decides_nothing() -> None:
    assert classify(550, "5.7.1", "<no-such-user-unknown@example.org> refused") is BounceClass.POLICY
    assert classify(550, "5.1.1", "<spam@quota.test>: User unknown") is BounceClass.ADDRESS


def test_a_temporary_answer_never_makes_an_address_or_a_domain_dead() -> None:
    for *_, text in ADDRESS + DOMAIN:
        assert classify(450, "4.1.1", text) not in (BounceClass.ADDRESS, BounceClass.DOMAIN)
