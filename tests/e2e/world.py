"""The world of the rig: names, addresses and an authority for certificates.

Names are of RFC 2606. Addresses are of RFC 2544, which sets a network aside for machines under test; those of RFC 5737,
which are for documents, SpamAssassin counts against a mail.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SENDER = "sender.test"  # who publishes
READER = "reader.test"  # where the readers have their mailboxes
BOUNCES = f"bounce.{SENDER}"
NEWS = f"news.{SENDER}"  # the mailing pages
RELAY, RELAY_IP = f"relay.{SENDER}", "198.18.0.10"
NEWS_IP = "198.18.0.11"
MX, MX_IP = f"mx.{READER}", "198.18.0.20"
IMAP = f"imap.{READER}"
DNS_IP = "127.0.0.1"


def enter(folder: Path) -> None:
    """Bring up the network and the name that this process has to itself, and let every program in it ask our name server."""
    socket.sethostname(NEWS)  # as which we greet the relay
    _do("ip", "link", "set", "lo", "up")
    for address in (RELAY_IP, NEWS_IP, MX_IP):
        _do("ip", "addr", "add", f"{address}/32", "dev", "lo")
    own = folder / "resolv.conf"
    own.write_text(f"nameserver {DNS_IP}\n")
    _do("mount", "--bind", str(own), str(Path("/etc/resolv.conf").resolve()))
    names = folder / "nsswitch.conf"
    names.write_text("hosts: dns\n")  # neither /etc/hosts nor what else the machine asks
    _do("mount", "--bind", str(names), "/etc/nsswitch.conf")


def _do(*words: str) -> None:
    subprocess.run(words, check=True)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs the certificates of the rig. Who is to believe them reads `file` (``SSL_CERT_FILE``)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The rig's authority")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        certificate = builder.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str) -> Certificate:
        """A certificate for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = self._builder(subject, key.public_key()).add_extension(alternatives, critical=False)
        signed = builder.add_extension(issuer_key, critical=False).sign(self._key, hashes.SHA256())
        made = Certificate(self._folder / f"{names[0]}.pem", self._folder / f"{names[0]}.key")
        made.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        made.key.chmod(0o600)
        return made

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
