"""Asking a server for an old protocol version by the first bytes of TLS itself, and reading what it answers. Pure.

Today's libraries will not offer TLS 1.0 even when told to, so a probe built on them would find nothing. A server that
answers a hello of an old version with a hello of that version has accepted it (RFC 2246, 7.4.1.3; RFC 5246, E.1).
"""

from __future__ import annotations

import ipaddress
import os

VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1"}
ALERT, HANDSHAKE, SERVER_HELLO = 0x15, 0x16, 0x02
# ECDHE-ECDSA, ECDHE-RSA and RSA with AES-CBC or 3DES: what servers of those days share with any certificate.
CIPHERS = bytes.fromhex("c009c00ac013c014002f0035000a")
GROUPS = bytes.fromhex("001700180019")


def client_hello(version: int, *, host: str) -> bytes:
    """A hello that offers ``version`` at most; a host that is an address is not named (RFC 6066, 3)."""
    named = () if _is_address(host) else ((0, _sized(b"\x00" + _sized(host.encode("idna"), 2), 2)),)
    extensions = b"".join(
        kind.to_bytes(2, "big") + _sized(value, 2)
        for kind, value in (
            *named,
            (10, _sized(GROUPS, 2)),
            (11, _sized(b"\x00", 1)),
            (0xFF01, b"\x00"),
        )
    )
    body = version.to_bytes(2, "big") + os.urandom(32) + b"\x00" + _sized(CIPHERS, 2) + b"\x01\x00"
    handshake = b"\x01" + _sized(body + _sized(extensions, 2), 3)
    return bytes([HANDSHAKE]) + version.to_bytes(2, "big") + _sized(handshake, 2)


def accepted(answer: bytes, version: int) -> bool:
    """Whether the first bytes of an answer are a server's hello of that very version."""
    return (
        len(answer) >= 11
        and answer[0] == HANDSHAKE
        and answer[5] == SERVER_HELLO
        and answer[9:11] == version.to_bytes(2, "big")
    )


def is_tls(answer: bytes) -> bool:
    """Whether bytes begin a TLS record of either kind: nothing, or something else, says nothing about versions."""
    return len(answer) >= 2 and answer[0] in (ALERT, HANDSHAKE) and answer[1] == 3


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _sized(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data
