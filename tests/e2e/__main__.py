"""make e2e: install what the rig needs, enter a network of its own, and walk. Exit 1 when a step does not hold."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.repository import HERE

PACKAGES = {  # Debian package: a file that shows it is there
    "postfix": "/usr/sbin/postfix",
    "dovecot-imapd": "/usr/lib/dovecot/imap",
    "dovecot-lmtpd": "/usr/lib/dovecot/lmtp",
    "opendkim": "/usr/sbin/opendkim",
    "rspamd": "/usr/bin/rspamd",
    "spamassassin": "/usr/bin/spamassassin",
    "dnsmasq-base": "/usr/sbin/dnsmasq",
    "nginx": "/usr/sbin/nginx",
    "iproute2": "/sbin/ip",
    "util-linux": "/usr/bin/unshare",
}
POLICY = Path("/usr/sbin/policy-rc.d")  # what Debian asks before it starts a service that was installed
OWN = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
INSIDE = "--inside"  # said to ourselves, once we are in a network of our own


def main() -> int:
    parser = argparse.ArgumentParser(prog="make e2e", description=__doc__)
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="leave evidence, configurations and logs in this new folder"
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out what waits five minutes for letters to be tried again"
    )
    parser.add_argument(INSIDE, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        from tests.e2e.walk import walk
        from tests.e2e.world import enter

        enter(arguments.inside)
        return 0 if walk(arguments.inside, quick=arguments.quick) else 1
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("make e2e: it installs and starts mail servers; run it as root on a Debian machine", file=sys.stderr)
        return 2
    if arguments.keep and arguments.keep.exists():
        print(f"make e2e: {arguments.keep} exists already; name a new folder", file=sys.stderr)
        return 2
    _install()
    if subprocess.run([*OWN, "true"], check=False).returncode != 0:
        print("make e2e: no network of its own to be had; a container needs --privileged for that", file=sys.stderr)
        return 2
    with _folder(arguments.keep) as folder:
        # Processes, mounts and network of their own: whatever is started in there ends with it.
        words = [sys.executable, "-m", "tests.e2e", INSIDE, str(folder), *(["--quick"] if arguments.quick else [])]
        return subprocess.run([*OWN, *words], cwd=HERE, check=False).returncode


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    folder = keep.resolve() if keep else Path(tempfile.mkdtemp(prefix="opensignal-e2e-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # each server reads its part of it as a user of its own
    try:
        yield folder
    finally:
        if keep:
            print(f"everything is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _install() -> None:
    missing = [package for package, file in PACKAGES.items() if not Path(file).exists()]
    if not missing:
        return
    print(f"installing {', '.join(missing)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _nothing_starts_by_itself():
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=True)
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        done = subprocess.run(words, env=quiet, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"make e2e: apt-get install failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def _nothing_starts_by_itself() -> Iterator[None]:
    """Packages of servers start them on the machine's own network when they are installed; here they must not."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


if __name__ == "__main__":
    sys.exit(main())
