"""The servers of the rig, each with a configuration of its own below the rig's folder. They end with the rig's processes."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.table import Unmet
from tests.e2e.world import (
    BOUNCES,
    DNS_IP,
    IMAP,
    MX,
    MX_IP,
    NEWS,
    NEWS_IP,
    READER,
    RELAY,
    RELAY_IP,
    SENDER,
    Authority,
    Certificate,
)

PASSWORD = "mailbox"  # of every mailbox: the rig's network has no other users
BOUNCE_BOX = f"bounces@{SENDER}"  # takes all that comes back
QUOTA = 1_000  # octets that a mailbox with a quota holds: no letter fits
WEB_PORT = 8000  # `opensignal serve`, behind nginx
LMTP_PORT, IMAPS_PORT = 24, 993
SIGNER_PORT = 8891
RSPAMD_MILTER, RSPAMD_HTTP, RSPAMD_CONTROLLER = 11332, 11333, 11334
SUBMISSION = 587


@dataclass
class Server:
    """A server that was started, and the file in which it says what it does."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


# --- names --------------------------------------------------------------------------------------------------------------------


def start_name_server(folder: Path, *, dkim: Mapping[str, str]) -> Server:
    """dnsmasq: what the world knows of the two domains. *dkim* are public keys by selector; everything else does not exist."""
    folder.mkdir(exist_ok=True)
    records = {
        SENDER: f"v=spf1 ip4:{RELAY_IP} -all",
        BOUNCES: f"v=spf1 ip4:{RELAY_IP} -all",
        RELAY: "v=spf1 a -all",
        f"_dmarc.{SENDER}": f"v=DMARC1; p=reject; rua=mailto:dmarc@{SENDER}",
        READER: f"v=spf1 ip4:{MX_IP} -all",
        MX: "v=spf1 a -all",
        **{f"{selector}._domainkey.{SENDER}": key for selector, key in dkim.items()},
    }
    addresses = {
        RELAY: RELAY_IP,
        NEWS: NEWS_IP,
        SENDER: NEWS_IP,
        MX: MX_IP,
        IMAP: "127.0.0.1",
        "localhost": "127.0.0.1",
    }
    lines = [
        "no-resolv",
        "no-hosts",
        "keep-in-foreground",
        f"listen-address={DNS_IP}",
        "bind-interfaces",
        "local=/#/",
        "pid-file=",
        "user=root",
        "log-facility=-",
        *(f"host-record={name},{address}" for name, address in addresses.items()),
        f"mx-host={SENDER},{RELAY},10",
        f"mx-host={BOUNCES},{RELAY},10",
        f"mx-host={READER},{MX},10",
        *(f"txt-record={name},{_strings(text)}" for name, text in records.items()),
    ]
    file = folder / "dnsmasq.conf"
    file.write_text("\n".join(lines) + "\n")
    server = _start("dnsmasq", ["dnsmasq", f"--conf-file={file}"], log=folder / "dnsmasq.log")
    _wait_for(server, DNS_IP, 53)
    return server


def _strings(text: str) -> str:
    """A TXT record's text, cut into the strings of at most 255 octets that DNS has (RFC 1035 3.3.14)."""
    return ",".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))


# --- the mailing pages --------------------------------------------------------------------------------------------------------


def start_https(folder: Path, certificate: Certificate) -> Server:
    """nginx: speaks TLS to the visitor and HTTP to `opensignal serve` behind it."""
    folder.mkdir()
    file = folder / "nginx.conf"
    temporary = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"""\
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log info;
daemon off;
events {{ }}
http {{
  access_log {folder}/nginx.access.log;
{temporary}
  server {{
    listen {NEWS_IP}:443 ssl;
    server_name {NEWS};
    ssl_certificate {certificate.certificate};
    ssl_certificate_key {certificate.key};
    location / {{
      proxy_pass http://127.0.0.1:{WEB_PORT};
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
    }}
  }}
}}
"""
    )
    server = _start("nginx", ["nginx", "-c", str(file)], log=folder / "nginx.log")
    _wait_for(server, NEWS_IP, 443)
    return server


# --- mailboxes ----------------------------------------------------------------------------------------------------------------


def start_dovecot(folder: Path, certificate: Certificate, *, boxes: Iterable[str], full: Iterable[str]) -> Server:
    """A mailbox for each address of *boxes*, and one without room for each of *full*. Postfix brings mail by LMTP, we read IMAP."""
    folder.mkdir()
    home, users, file = folder / "mailboxes", folder / "users", folder / "dovecot.conf"
    home.mkdir()
    shutil.chown(home, "mail", "mail")
    done = subprocess.run(["dovecot", "--version"], check=True, capture_output=True, text=True)
    modern = not done.stdout.startswith("2.3.")  # 2.4 has other words for most things
    room = f"userdb_quota_storage_size={QUOTA}B" if modern else f"userdb_quota_rule=*:bytes={QUOTA}"
    lines = [f"{box}:{{PLAIN}}{PASSWORD}::::::" for box in boxes]
    lines += [f"{box}:{{PLAIN}}{PASSWORD}::::::{room}" for box in full]
    users.write_text("".join(f"{line}\n" for line in lines))
    own = _DOVECOT_2_4 if modern else _DOVECOT_2_3
    values = {"folder": folder, "home": home, "users": users, "certificate": certificate}
    file.write_text((own + _DOVECOT).format(**values))
    server = _start("dovecot", ["dovecot", "-F", "-c", str(file)], log=folder / "dovecot.log")
    _wait_for(server, "127.0.0.1", LMTP_PORT)
    _wait_for(server, "127.0.0.1", IMAPS_PORT)
    return server


_DOVECOT = f"""\
base_dir = {{folder}}/run
state_dir = {{folder}}/state
log_path = {{folder}}/dovecot.log
listen = 127.0.0.1
ssl = required
first_valid_uid = 1
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
lmtp_add_received_header = no
postmaster_address = postmaster@{READER}
service lmtp {{{{
  inet_listener lmtp {{{{
    port = {LMTP_PORT}
  }}}}
}}}}
service imap-login {{{{
  chroot =
  inet_listener imap {{{{
    port = 0
  }}}}
  inet_listener imaps {{{{
    port = {IMAPS_PORT}
    ssl = yes
  }}}}
}}}}
service anvil {{{{
  chroot =
}}}}
service stats {{{{
  chroot =
}}}}
"""
_DOVECOT_2_3 = """\
protocols = imap lmtp
ssl_cert = <{certificate.certificate}
ssl_key = <{certificate.key}
mail_location = maildir:~/Maildir
mail_plugins = quota
passdb {{
  driver = passwd-file
  args = username_format=%Lu {users}
}}
userdb {{
  driver = passwd-file
  args = username_format=%Lu {users}
  default_fields = uid=mail gid=mail home={home}/%Lu
}}
plugin {{
  quota = maildir:User quota
}}
"""
_DOVECOT_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap lmtp
ssl_server_cert_file = {certificate.certificate}
ssl_server_key_file = {certificate.key}
mail_driver = maildir
mail_home = {home}/%{{user|lower}}
mail_path = ~/Maildir
mail_uid = mail
mail_gid = mail
mail_plugins {{
  quota = yes
}}
passdb passwd-file {{
  auth_username_format = %{{user|lower}}
  passwd_file_path = {users}
}}
userdb passwd-file {{
  auth_username_format = %{{user|lower}}
  passwd_file_path = {users}
}}
quota "User quota" {{
}}
"""


# --- signatures and scores ----------------------------------------------------------------------------------------------------


def start_signer(folder: Path, *, selector: str, key: Path) -> Server:
    """OpenDKIM at the relay: signs, and covers both List-Unsubscribe fields twice (RFC 8058 4), which its defaults do not."""
    folder.mkdir()
    signed = "From,To,Subject,Date,Message-ID,MIME-Version,Content-Type,Reply-To,List-Id,List-Unsubscribe,List-Unsubscribe-Post"
    shutil.chown(key, "opendkim", "opendkim")
    file = folder / "opendkim.conf"
    lines = [
        f"Socket inet:{SIGNER_PORT}@127.0.0.1",
        "UserID opendkim",
        "Syslog no",
        "RequireSafeKeys no",  # the rig's folder lies below /tmp, which others may write to
        "Mode s",
        "Canonicalization relaxed/relaxed",
        f"Domain {SENDER}",
        f"Selector {selector}",
        f"KeyFile {key}",
        f"SignHeaders {signed}",
        "OversignHeaders From,Subject,To,Date,List-Unsubscribe,List-Unsubscribe-Post",
        "InternalHosts 0.0.0.0/0",
    ]
    file.write_text("".join(f"{line}\n" for line in lines))
    server = _start("opendkim", ["opendkim", "-f", "-x", str(file)], log=folder / "opendkim.log")
    _wait_for(server, "127.0.0.1", SIGNER_PORT)
    return server


def start_rspamd(folder: Path) -> Server:
    """Checks SPF, DKIM and DMARC at the receiver, and writes what it found and every symbol into the header."""
    local = folder / "conf"
    (local / "local.d").mkdir(parents=True)
    (local / "override.d").mkdir()
    for name in ("db", "run", "log"):
        (folder / name).mkdir()
    files = {
        "options.inc": f'dns {{ nameserver = ["{DNS_IP}:53:1"]; timeout = 1s; retransmits = 2; }}\nlocal_addrs = [];\n',
        "worker-proxy.inc": f'bind_socket = "127.0.0.1:{RSPAMD_MILTER}";\nmilter = yes;\ncount = 1;\n'
        'upstream "local" { default = yes; self_scan = yes; }\n',
        "worker-normal.inc": f'bind_socket = "127.0.0.1:{RSPAMD_HTTP}";\ncount = 1;\n',
        "worker-controller.inc": f'bind_socket = "127.0.0.1:{RSPAMD_CONTROLLER}";\nsecure_ip = ["127.0.0.1"];\n',
        "worker-fuzzy.inc": "enabled = false;\n",
        "milter_headers.conf": 'use = ["authentication-results", "x-spamd-result"];\n'
        "skip_local = false;\nskip_authenticated = false;\n",
        "logging.inc": 'type = "file";\nfilename = "$LOGDIR/rspamd.log";\nlevel = "info";\n',
        # What asks the world outside, which is not there.
        **{
            f"{module}.conf": "enabled = false;\n"
            for module in (
                "fuzzy_check",
                "rbl",
                "surbl",
                "asn",
                "greylist",
                "phishing",
                "mx_check",
                "dkim_signing",
                "arc",
            )
        },
        "actions.conf": "reject = 999;\nadd_header = 998;\ngreylist = 997;\n",  # it tells, and refuses nothing
    }
    for name, text in files.items():
        (local / "local.d" / name).write_text(text)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "_rspamd", "_rspamd")
    variables = {"LOCAL_CONFDIR": local, "DBDIR": folder / "db", "RUNDIR": folder / "run", "LOGDIR": folder / "log"}
    words = ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", *(f"--var={n}={v}" for n, v in variables.items())]
    server = _start("rspamd", words, log=folder / "log" / "rspamd.log")
    for port in (RSPAMD_MILTER, RSPAMD_HTTP, RSPAMD_CONTROLLER):
        _wait_for(server, "127.0.0.1", port, patience=300)  # it compiles all public suffixes first
    return server


# --- relay and receiver -------------------------------------------------------------------------------------------------------


@dataclass
class Postfix:
    """One Postfix of the two, which can be stopped and started again with what it has in its queue."""

    name: str
    folder: Path
    address: str
    ports: tuple[int, ...]
    server: Server | None = None

    @property
    def configuration(self) -> Path:
        return self.folder / "etc"

    @property
    def log(self) -> Path:
        return self.folder / "mail.log"

    def start(self) -> None:
        words = ["postfix", "-c", str(self.configuration), "start-fg"]
        self.server = _start(self.name, words, log=self.log)
        for port in self.ports:
            _wait_for(self.server, self.address, port)

    def stop(self) -> None:
        """End it at once, conversations and all, as a machine ends that is switched off."""
        assert self.server is not None
        subprocess.run(["postfix", "-c", str(self.configuration), "abort"], check=False, capture_output=True)
        self.server.process.wait(20)

    def set(self, **settings: str) -> None:
        """Change its configuration while it runs."""
        words = ["postconf", "-c", str(self.configuration), *(f"{name}={value}" for name, value in settings.items())]
        subprocess.run(words, check=True)
        subprocess.run(["postfix", "-c", str(self.configuration), "reload"], check=True, capture_output=True)

    def flush(self) -> None:
        """Try everything in the queue now."""
        subprocess.run(["postqueue", "-c", str(self.configuration), "-f"], check=True, capture_output=True)

    def queue(self) -> str:
        """What waits in its queue, for people."""
        done = subprocess.run(
            ["postqueue", "-c", str(self.configuration), "-p"], check=False, capture_output=True, text=True
        )
        return done.stdout


def start_relay(folder: Path, certificate: Certificate, authority: Authority) -> Postfix:
    """The publisher's relay: takes our letters over verified TLS, signs them, and takes all that comes back to its own domains."""
    return _start_postfix(
        Postfix("relay", folder, RELAY_IP, (25, SUBMISSION)),
        certificate,
        authority,
        {
            "myhostname": RELAY,
            "mydomain": SENDER,
            "inet_interfaces": RELAY_IP,
            "smtp_bind_address": RELAY_IP,
            "mynetworks": f"{RELAY_IP}/32",
            "virtual_mailbox_domains": f"{SENDER}, {BOUNCES}",
            "virtual_mailbox_maps": "static:all",
            "virtual_alias_maps": f"regexp:{folder}/etc/everything",
            "smtpd_milters": _milters(SIGNER_PORT),
            "smtp_tls_security_level": "verify",
        },
        files={"everything": f"/@(bounce\\.)?sender\\.test$/ {BOUNCE_BOX}\n"},
        extra_services=f"{RELAY_IP}:{SUBMISSION} inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt\n",
    )


def start_receiver(
    folder: Path,
    certificate: Certificate,
    authority: Authority,
    *,
    readers: Iterable[str],
    beyond_ascii: Mapping[str, Path],
    crowd: str,
) -> Postfix:
    """The readers' mail server: it knows whom it has, checks what it gets, and refuses the rest in the conversation.

    *beyond_ascii* are addresses that Dovecot's LMTP cannot be given, with their Maildirs; *crowd* is the mailbox of any number of
    addresses.
    """
    known = "".join(f"{reader} here\n" for reader in readers)
    for maildir in beyond_ascii.values():
        maildir.mkdir(parents=True)
        for path in (maildir.parent, maildir):
            shutil.chown(path, "mail", "mail")
    return _start_postfix(
        Postfix("receiver", folder, MX_IP, (25,)),
        certificate,
        authority,
        {
            "myhostname": MX,
            "mydomain": READER,
            "inet_interfaces": MX_IP,
            "smtp_bind_address": MX_IP,
            "mynetworks": f"{MX_IP}/32",
            "virtual_mailbox_domains": READER,
            "virtual_mailbox_maps": f"texthash:{folder}/etc/readers",
            "virtual_mailbox_base": "/",
            "virtual_minimum_uid": "1",
            "virtual_uid_maps": f"static:{_id('mail')}",
            "virtual_gid_maps": f"static:{_id('mail')}",
            "virtual_alias_maps": f"regexp:{folder}/etc/crowd",
            "transport_maps": f"texthash:{folder}/etc/transports",
            "smtpd_milters": _milters(RSPAMD_MILTER),
            "non_smtpd_milters": "",
        },
        files={
            "readers": known + "".join(f"{address} {maildir}/\n" for address, maildir in beyond_ascii.items()),
            "crowd": f"/^crowd-[0-9]+@/ {crowd}\n",
            "transports": "".join(f"{address} virtual:\n" for address in beyond_ascii),
        },
    )


def _id(user: str) -> int:
    return pwd.getpwnam(user).pw_uid


def _milters(*ports: int) -> str:
    return ", ".join(f"inet:127.0.0.1:{port}" for port in ports)


_MASTER = """\
{address}:25 inet n - n - - smtpd
{extra}pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp flags=DO
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def _start_postfix(
    postfix: Postfix,
    certificate: Certificate,
    authority: Authority,
    settings: Mapping[str, str],
    *,
    files: Mapping[str, str],
    extra_services: str = "",
) -> Postfix:
    folder, configuration = postfix.folder, postfix.configuration
    for name in (".", "etc", "queue", "data"):
        (folder / name).mkdir(exist_ok=True)
    shutil.chown(folder / "data", "postfix", "postfix")
    for name, text in files.items():
        (configuration / name).write_text(text, "utf-8")
    common = {
        "compatibility_level": "3.6",
        "queue_directory": str(folder / "queue"),
        "data_directory": str(folder / "data"),
        "command_directory": "/usr/sbin",
        "daemon_directory": "/usr/lib/postfix/sbin",
        "maillog_file_prefixes": str(folder),
        "maillog_file": str(postfix.log),
        "mydestination": "",
        "inet_protocols": "ipv4",
        "smtp_host_lookup": "dns",
        "virtual_transport": f"lmtp:inet:127.0.0.1:{LMTP_PORT}",
        "lmtp_destination_recipient_limit": "1",  # Delivered-To names one recipient
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "smtpd_tls_cert_file": str(certificate.certificate),
        "smtpd_tls_key_file": str(certificate.key),
        "smtpd_tls_security_level": "may",
        "smtp_tls_security_level": "may",
        "smtp_tls_CAfile": str(authority.file),
        "smtp_tls_loglevel": "1",
        "milter_default_action": "tempfail",
        "local_recipient_maps": "",
        "alias_maps": "",
        "alias_database": "",
        "biff": "no",
        "queue_run_delay": "5s",
        "minimal_backoff_time": "5s",
    }
    (configuration / "main.cf").write_text(
        "".join(f"{name} = {value}\n" for name, value in {**common, **settings}.items())
    )
    (configuration / "master.cf").write_text(_MASTER.format(address=postfix.address, extra=extra_services))
    subprocess.run(["postfix", "-c", str(configuration), "check"], check=True, stdout=subprocess.DEVNULL)
    postfix.start()
    return postfix


# --- starting -----------------------------------------------------------------------------------------------------------------


def _start(name: str, words: list[str], *, log: Path) -> Server:
    with log.with_suffix(".start.log").open("ab") as file:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=_clean())
    return Server(name, process, log)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("OPENSIGNAL_", "LC_", "LANG"))}


def _wait_for(server: Server, host: str, port: int, *, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if server.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            said = [f for f in (server.log, server.log.with_suffix(".start.log")) if f.exists()]
            words = "\n".join(file.read_text("utf-8", "replace")[-2000:] for file in said)
            raise Unmet(f"{server.name} does not listen on {host}:{port}; it said:\n{words}") from None
