"""An internet in a box: names with the addresses that a test gives them, and public addresses that lead to servers on loopback."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.rdatatype
import dns.resolver
import dns.rrset

from pipeline.ingest.fetch.addresses import Address, Network

SOMEWHERE = "93.184.215.14"  # a public address; nothing of ours ever goes there


class Internet(Network):
    """Looks names up in `names`, and connects to the port of loopback that `servers` has for an address.

    A name with several answers gives them in turn, and the last one for ever. `asked` and `dialled` tell what was done.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.servers: dict[str, int] = {}
        self.asked: list[str] = []
        self.dialled: list[str] = []

    def put(self, name: str, port: int, address: str = SOMEWHERE) -> None:
        """Let *name* stand for the public *address*, at which the server on *port* of loopback answers."""
        self.names[name] = [[address]]
        self.servers[address] = port

    def lookup(self, host: str, port: int, *, seconds: float) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self.names:
            return super().lookup(host, port, seconds=seconds) if _is_number(host) else _nowhere(host)
        answers = self.names[host]
        given = answers.pop(0) if len(answers) > 1 else answers[0]
        return [_address(number, port) for number in given]

    def connect(self, address: Address, *, seconds: float) -> socket.socket:
        number = str(address[1][0])
        self.dialled.append(number)
        if number not in self.servers:
            raise ConnectionRefusedError(111, "Connection refused")
        return super().connect(_address("127.0.0.1", self.servers[number]), seconds=seconds)

    def trust(self, certificate: Path) -> None:
        """Trust the authority of *certificate*, and no other."""
        self.tls = ssl.create_default_context(cafile=certificate)


def _address(number: str, port: int) -> Address:
    if ":" in number:
        return socket.AF_INET6, (number, port, 0, 0)
    return socket.AF_INET, (number, port)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _nowhere(host: str) -> Sequence[Address]:
    raise socket.gaierror(-2, f"{host}: Name or service not known")


# --- a name server ----------------------------------------------------------------------------------------------------


@contextmanager
def name_server(*answers: Sequence[str]) -> Iterator[Callable[..., Sequence[Address]]]:
    """A name server on UDP whose A records are *answers* in turn, of no time to live; yields a look-up that asks it."""
    given = list(answers)
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        while True:
            asked, client = listening.recvfrom(4096)
            if not asked:
                return
            question = dns.message.from_wire(asked)
            reply = dns.message.make_response(question)
            if question.question[0].rdtype == dns.rdatatype.A:
                numbers = given.pop(0) if len(given) > 1 else given[0]
                reply.answer.append(dns.rrset.from_text(question.question[0].name, 0, "IN", "A", *numbers))
            listening.sendto(reply.to_wire(), client)

    def look_up(host: str, port_asked: int, *, seconds: float) -> Sequence[Address]:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, seconds
        return [_address(record.address, port_asked) for record in resolver.resolve(host, "A")]

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield look_up
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", port))
        thread.join()
        listening.close()
