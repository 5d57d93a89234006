"""A real IMAP server (Debian's dovecot-imapd) in a folder of its own, on loopback, with one user and TLS of its own."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes import certificate

PASSWORD = 'p@ss "word"/\\ä'
PROGRAM = shutil.which("dovecot", path=f"/usr/sbin:/usr/local/sbin:{os.environ.get('PATH', '')}")


@dataclass(frozen=True)
class Dovecot:
    folder: Path
    port: int
    tls_port: int
    authority: Path  # certificate that vouches for the server

    @property
    def maildir(self) -> Path:
        return self.folder / "mail"

    def deliver(self, *mails: bytes, folder: str = "") -> None:
        """As a mail server on the same machine does."""
        box = self.maildir / folder if folder else self.maildir
        for number, mail in enumerate(mails):
            name = f"{time.time_ns()}.{number}.example"
            temporary = box / "tmp" / name
            temporary.write_bytes(mail)
            if os.getuid() == 0:
                os.chown(temporary, _owner(), -1)
            temporary.rename(box / "new" / name)


def _owner() -> int:
    return pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else os.getuid()


@contextlib.contextmanager
def dovecot() -> Iterator[Dovecot]:
    assert PROGRAM is not None
    folder = Path(tempfile.mkdtemp(prefix="opensignal-imap-"))
    folder.chmod(0o755)  # run by root, its processes drop to users of their own, who must get in
    authority, key = certificate(folder, name="localhost")
    server = Dovecot(folder, _free_port(), _free_port(), authority)
    for box in ("mail", "mail/.Bounces of today"):
        for part in ("new", "cur", "tmp"):
            (folder / box / part).mkdir(parents=True)
    if os.getuid() == 0:
        for path in (folder / "mail", *(folder / "mail").rglob("*")):
            os.chown(path, _owner(), -1)
    (folder / "dovecot.conf").write_text(_configuration(server, key), "utf-8")
    (folder / "users").write_text(f"bounces@example.org:{{PLAIN}}{PASSWORD}\n", "utf-8")
    process = subprocess.Popen(
        [PROGRAM, "-F", "-c", str(folder / "dovecot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(server: Dovecot, key: Path) -> str:
    folder, root = server.folder, os.getuid() == 0
    me, my_group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    owner = pwd.getpwuid(_owner())
    return f"""
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
default_internal_user = {"dovecot" if root else me}
default_internal_group = {"dovecot" if root else my_group}
default_login_user = {"dovenull" if root else me}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0 secs
ssl = yes
ssl_cert = <{server.authority}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {server.port}
  }}
  inet_listener imaps {{
    port = {server.tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def _free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])


def _wait_for(server: Dovecot, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert process.poll() is None, (server.folder / "log").read_text("utf-8")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1) as line:
            if line.recv(4).startswith(b"* OK"):
                return
        time.sleep(0.05)
    raise AssertionError((server.folder / "log").read_text("utf-8"))
