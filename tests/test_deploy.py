"""What deploy/ shows can be used as it is: every command and setting in it exists, and what can be run here is run."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute
from starlette.routing import Route

from pipeline.config import SECRETS, Settings
from pipeline.publish.outputs import kind_of
from pipeline.store import Store
from pipeline.web.app import create_app
from tests.conftest import REPOSITORY
from tests.repository import Repository
from tests.test_handbook import COMMANDS, _called, _options

DEPLOY = REPOSITORY / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
YAML = [path for path in FILES if path.suffix in (".yml", ".yaml")]
WORKFLOWS = [path for path in YAML if path.parent.name == "github"]
_CALL = re.compile(r"(?:\.venv/bin/|[ `(])opensignal ([a-z][^\n|&;#>`)]*)")


def name_of(path: Path) -> str:
    return path.relative_to(DEPLOY).as_posix()


def calls() -> list[tuple[str, list[str]]]:
    """Every call of ours, with its file: in scripts, units and words, and as lists in compose.yaml and the Dockerfile."""
    found = [(name_of(path), shlex.split(words)) for path in FILES for words in _CALL.findall(path.read_text("utf-8"))]
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"].values()
    found += [("compose.yaml", service["command"]) for service in services if "command" in service]
    [line] = re.findall(r"^CMD (\[.*\])", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return [*found, ("Dockerfile", yaml.safe_load(line))]


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
        yield from job["steps"]


def scripts() -> list[tuple[str, str]]:
    """Every script that a forge runs."""
    found = [(name_of(path), step["run"]) for path in WORKFLOWS for step in steps(path) if "run" in step]
    pipeline = yaml.safe_load((DEPLOY / "gitlab/gitlab-ci.yml").read_text("utf-8"))
    for job in pipeline.values():
        if isinstance(job, dict):
            found += [("gitlab-ci.yml", line) for line in (*job.get("before_script", ()), *job.get("script", ()))]
    return found


# --- words --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", YAML, ids=name_of)
def test_each_file_is_yaml_without_a_key_twice(path: Path) -> None:
    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value if key.value != "<<"]
            assert len(keys) == len(set(keys)), keys
            return super().construct_mapping(node, deep)

    assert isinstance(yaml.load(path.read_text("utf-8"), Strict), dict)


@pytest.mark.parametrize(("file", "words"), calls(), ids=lambda value: value if isinstance(value, str) else "_")
def test_every_command_exists_with_the_options_that_it_is_given(file: str, words: list[str]) -> None:
    name, rest = _called(words)

    assert name, f"{file}: opensignal {' '.join(words)}"
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= _options(COMMANDS[name]), file


@pytest.mark.parametrize("name", sorted({_called(words)[0] for _, words in calls()}))
def test_every_command_tells_of_itself(name: str) -> None:
    command = [sys.executable, "-m", "pipeline", *name.split(), "--help"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=REPOSITORY)

    assert (ended.returncode, "Example" in ended.stdout) == (0, True)


def test_the_calls_are_found_at_all() -> None:
    assert {"check", "build", "search index", "publish", "send", "up"} <= {_called(words)[0] for _, words in calls()}
    assert {file for file, _ in calls()} >= {"compose.yaml", "Dockerfile", "gitlab/gitlab-ci.yml", "github/check.yml"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_setting_in_it_exists(path: Path) -> None:
    named = set(re.findall(r"\b(OPENSIGNAL_[A-Z_]*[A-Z])\b", path.read_text("utf-8")))

    assert named <= {f"OPENSIGNAL_{name.upper()}" for name in Settings.model_fields} | SECRETS


def test_every_secret_and_variable_of_a_workflow_is_explained() -> None:
    named = {
        name for path in WORKFLOWS for name in re.findall(r"\b(?:secrets|vars)\.([A-Z_]+)", path.read_text("utf-8"))
    }
    explained = set(re.findall(r"`([A-Z_]+)`", (DEPLOY / "README.md").read_text("utf-8")))

    assert named
    assert named <= explained


def test_every_file_is_named_in_the_readme() -> None:
    text = (DEPLOY / "README.md").read_text("utf-8")

    assert [
        name_of(p) for p in FILES if p.name != "README.md" and name_of(p) not in text and "systemd/" not in name_of(p)
    ] == ["Dockerfile.dockerignore"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_a_workflow_may_do_no_more_than_it_needs_and_takes_named_versions(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))

    assert workflow["permissions"]["contents"] == "read"
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", step["uses"]) for step in steps(path) if "uses" in step)


def test_what_others_propose_is_given_no_secret() -> None:
    text = (DEPLOY / "github" / "check.yml").read_text("utf-8")

    assert "secrets." not in text
    assert "pull_request_target" not in text


@pytest.mark.parametrize(("file", "script"), scripts(), ids=lambda value: value if len(value) < 30 else "_")
def test_every_script_is_shell(file: str, script: str) -> None:
    ended = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, timeout=20)

    assert (ended.returncode, ended.stderr) == (0, ""), file


def test_what_the_image_copies_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    sources = [word for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]]

    assert len(sources) > 5
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []


# --- what can be run ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [False, True])
def test_a_pull_request_is_checked_and_previewed_also_where_it_has_errors(tmp_path: Path, broken: bool) -> None:
    repository = Repository.make(tmp_path / "newsletter")
    path = repository.add_article("ash")
    if broken:
        path.write_text(path.read_text().replace("topics: [power]", "topics: [nothing]"))
    (repository.root / ".venv").symlink_to(Path(sys.executable).parent.parent)
    ours = [step["run"] for step in steps(DEPLOY / "github" / "check.yml") if "opensignal" in step.get("run", "")]

    ended = [
        subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=repository.root,
            env=repository.env(),
            capture_output=True,
            text=True,
            timeout=100,
        )
        for script in ours
    ]

    assert [one.returncode for one in ended] == [1 if broken else 0, 0]
    assert ended[0].stdout.startswith("::error file=content/articles/") == broken
    assert (repository.root / "site" / "articles" / "ash" / "index.html").exists()
    assert (repository.root / "site" / "pagefind" / "pagefind.js").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for path in (DEPLOY / "systemd").iterdir():  # the program is not installed where they look for it
        (tmp_path / path.name).write_text(
            path.read_text("utf-8").replace("/srv/newsletter/.venv/bin/opensignal", "/bin/true")
        )

    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert [line for line in ended.stderr.splitlines() if "newsletter" in line and "Unknown" in line] == []


needs_caddy = pytest.mark.skipif(shutil.which("caddy") is None, reason="Caddy is not installed")


@contextmanager
def caddy(folder: Path, work: Path) -> Iterator[int]:
    """Caddy with our file, on loopback; what it passes on is answered with "mailing pages"."""

    class Mailing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"mailing pages")

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    behind = ThreadingHTTPServer(("127.0.0.1", 0), Mailing)
    thread = threading.Thread(target=behind.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = work / "Caddyfile"
    file.write_text("{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text("utf-8"))
    environment = {
        **os.environ,
        "SITE_ADDRESS": f"http://127.0.0.1:{port}",
        "SITE_FOLDER": str(folder),
        "MAILING_PAGES": f"127.0.0.1:{behind.server_address[1]}",
        "XDG_DATA_HOME": str(work),
        "XDG_CONFIG_HOME": str(work),
    }
    server = subprocess.Popen(
        ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", port)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(20)
        behind.shutdown()
        behind.server_close()
        thread.join()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@needs_caddy
def test_a_web_server_says_of_each_file_what_a_bucket_would_and_passes_the_mailing_pages_on(
    tmp_path: Path, settings: Settings, sqlite_store: Store
) -> None:
    shutil.copytree(REPOSITORY / "theme", settings.root / "theme")
    app = create_app(sqlite_store, settings)
    routes = {
        route.path for route in app.routes if isinstance(route, APIRoute | Route) and route.path != "/{path:path}"
    }
    files = [
        "index.html",
        "404.html",
        "articles/a/index.html",
        "articles/a/index.html.md",
        "articles/a/claims.json",
        "topics/power/feed.xml",
        "feed.xml",
        "atom.xml",
        "feed.json",
        "feeds.opml",
        "sitemap.xml",
        "robots.txt",
        f"sources/snapshots/{'a1' * 32}.txt",
        "assets/css/site-b2219d65e8.css",
        "assets/fonts/text.woff2",
        "assets/mark.svg",
        "pagefind/pagefind.js",
        "pagefind/index/en_58d3ac9.pf_index",
        "subscribe/index.html",
        ".opensignal/published.json",
    ]
    www = tmp_path / "www"
    for name in files:
        (www / name).parent.mkdir(parents=True, exist_ok=True)
        (www / name).write_text(name)

    with caddy(www, tmp_path) as port:
        for name in files[:-1]:
            status, headers, body = ask(port, f"/{name}".removesuffix("index.html"))
            kind = kind_of(name)
            assert (status, body.decode()) == (200, name)
            assert headers["cache-control"] == kind.cache_control, name
            if "octet" not in kind.content_type:
                said = headers["content-type"].replace("; charset=utf-8", "").replace("text/xml", "application/xml")
                assert said == kind.content_type.replace("; charset=utf-8", ""), name
        nothing, secret, form = (ask(port, path) for path in ("/nothing/", f"/{files[-1]}", "/subscribe"))
        posted = ask(port, "/subscribe/", "POST")
        passed_on = {
            route: ask(port, re.sub(r"\{[^}]*\}", "x", route))[2] for route in routes if not route.endswith("/")
        }

    assert [(status, body) for status, _, body in (nothing, secret)] == [(404, b"404.html")] * 2
    assert form[2] == posted[2] == b"mailing pages"
    assert {route for route, body in passed_on.items() if body != b"mailing pages"} == set()
    assert len(passed_on) > 10
