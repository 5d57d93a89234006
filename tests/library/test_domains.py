"""Whose host it is: who registered its name, and who runs the machine."""

from __future__ import annotations

import pytest

from pipeline.library.domains import operator_of, site_of


@pytest.mark.parametrize(
    ("host", "site", "operator"),
    [
        ("example.org", "example.org", "example.org"),
        ("feeds.news.example.org", "example.org", "example.org"),
        ("WWW.Example.CO.UK.", "example.co.uk", "example.co.uk"),
        ("someone.github.io", "someone.github.io", "github.io"),
        ("a.someone.github.io", "someone.github.io", "github.io"),
        ("paper.example", "paper.example", "paper.example"),
        ("a.b.no-such-ending", "b.no-such-ending", "b.no-such-ending"),
        ("xn--bcher-kva.example.org", "example.org", "example.org"),
    ],
)
def test_a_host_belongs_to_who_registered_it_and_is_run_by_who_owns_the_machine(
    host: str, site: str, operator: str
) -> None:
    assert (site_of(host), operator_of(host)) == (site, operator)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "co.uk", ""])
def test_what_nobody_registered_is_its_own(host: str) -> None:
    assert site_of(host) == operator_of(host) == host
