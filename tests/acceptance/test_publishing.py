"""The command as an operator runs it: to a folder, and to a bucket in the midst of which it is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.publish.sites import dead_links, read
from tests.repository import Repository
from tests.s3 import bucket_server


def test_a_newsletter_is_published_and_then_what_is_new(repository: Repository, tmp_path: Path) -> None:
    www = tmp_path / "www"
    repository.add_article("ash")
    repository.add_article("tomorrow", hours_old=-24, status="scheduled")

    plan = repository.run("publish", "--to", str(www), "--dry-run")
    planned = read(www)
    first = repository.run("publish", publish_to=str(www))
    again = repository.run("publish", "--json", publish_to=str(www))
    repository.add_article("birch", hours_old=0.5)
    second = repository.run("publish", "--json", publish_to=str(www))

    assert (plan.code, planned) == (0, {})
    assert "send   index.html" in plan.out or "more; --json names them all" in plan.out
    assert (first.code, first.err) == (0, "")
    assert (again.json["sent"], again.json["removed"]) == ([], [])
    there = read(www)
    site = read(repository.root / "site")
    assert site.items() <= there.items()
    assert all(name.startswith("pagefind/") for name in there.keys() - site.keys())  # these stay for a day
    assert dead_links({name: there[name] for name in there if name.startswith("articles/")}) == []
    assert "articles/birch/index.html" in second.json["sent"]
    assert "about/index.html" not in second.json["sent"]
    assert not any(b"tomorrow" in content for name, content in there.items() if not name.startswith("handbook/"))


def test_a_problem_in_published_content_publishes_nothing(repository: Repository, tmp_path: Path) -> None:
    path = repository.add_article("ash")
    path.write_text(path.read_text().replace("topics: [power]", "topics: [nothing]"))

    ended = repository.run("publish", "--to", str(tmp_path / "www"))

    assert ended.code == 1
    assert "mend it" in ended.err
    assert not (tmp_path / "www").exists()


def test_without_a_target_it_is_a_wrong_call(repository: Repository) -> None:
    ended = repository.run("publish")

    assert (ended.code, ended.out) == (2, "")
    assert "name one with --to, or set publish_to" in ended.err


def test_a_mistyped_address_makes_no_folder_with_its_name(repository: Repository) -> None:
    for place in ("s3//copies", "deploy@www.example.org"):
        ended = repository.run("publish", "--to", place)

        assert (ended.code, ended.out) == (2, "")
        assert f"the target '{place}' is no target; write a folder, USER@HOST:PATH" in ended.err
    assert not list(repository.root.glob("s3*")) + list(repository.root.glob("deploy@*"))


def test_killed_in_the_midst_it_goes_on_and_shows_no_secret(repository: Repository) -> None:
    repository.add_article("ash")
    with bucket_server() as service:
        place = {**service.environment(), "OPENSIGNAL_PUBLISH_TO": "s3://copies/news"}
        repository.environment.update(place)
        put: list[str] = []

        def until_killed(method: str, name: str) -> int:
            put.extend([name] if method == "PUT" and ".opensignal/" not in name else [])
            if len(put) > 40:
                killed.wait(60)
            return 0

        killed = threading.Event()
        service.before = until_killed
        child = repository.start("publish")
        while len(put) < 41 and child.poll() is None:
            time.sleep(0.01)
        second = repository.run("publish")
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        service.before = lambda method, name: 0
        killed.set()
        there = {n.removeprefix("news/"): c for n, c in service.files.items() if ".opensignal/" not in n}
        broken = dead_links(there)
        again = repository.run("publish")
        done = repository.run("publish", "--json")

    assert second.code == 1
    assert "another publish is under way on this machine" in second.err
    assert broken == []
    assert (again.code, again.err) == (0, "")
    assert "this one goes on with it" in again.out
    assert done.json["sent"] == []
    site = read(repository.root / "site")
    assert {f"news/{name}": content for name, content in site.items()}.items() <= service.files.items()
    assert not any("secret/of" in text for text in (again.out, again.err, second.err))


def test_the_hub_is_told_of_feeds_that_are_new_when_they_are_there(
    repository: Repository, tmp_path: Path, httpserver: HTTPServer
) -> None:
    www = tmp_path / "www"
    seen: list[tuple[str, bool]] = []

    def hub(request: Request) -> Response:
        path = request.form["hub.url"].removeprefix("https://deepsignals.example.org/")
        seen.append((path, (www / ".opensignal" / "published.json").exists() and (www / path).exists()))
        return Response(status=204)

    httpserver.expect_request("/hub", method="POST").respond_with_handler(hub)
    repository.add_article("ash")
    settings = {"publish_to": str(www), "websub_hub": httpserver.url_for("/hub")}

    first = repository.run("publish", "--json", **settings)
    again = repository.run("publish", "--json", **settings)
    httpserver.clear()
    repository.add_article("birch", hours_old=0.5)
    refused = repository.run("publish", **settings)

    assert {path for path, _ in seen} >= {"feed.xml", "atom.xml", "feed.json"}
    assert all(there for _, there in seen)
    assert len(first.json["told"]) == len(seen)
    assert again.json["told"] == []
    assert (refused.code, (www / "articles" / "birch" / "index.html").exists()) == (1, True)
    assert "did not take" in refused.err
