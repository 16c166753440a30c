"""This node's own keys and card, and whether a signature is a peer's.

``federation.key`` (Ed25519) signs requests, and objects and pages where the suite in use is ``intl``;
``federation-gm.pem`` (SM2) signs objects and pages where it is ``gm``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xinqiao.federation.rules import OBJECT_CONTEXT, read_node_key
from xinqiao.federation.types import Card, NodeKey, NodeLevel
from xinqiao.kernel.canonical import NotCanonical, base64_text, read_base64
from xinqiao.kernel.suites import GM, INTL, SUITES, CannotOpen, Signer, Suite, suite_of
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import own_key as stored_key

KEY_NAMES = {INTL.name: "federation.key", GM.name: "federation-gm.pem"}


def own_key(suite: Suite = INTL) -> Signer:
    """This node's key of a suite, made on first use."""
    found: Signer = stored_key(KEY_NAMES[suite.name])
    return found


def own_card() -> Card:
    """What this node tells those it wants to be linked with."""
    suites = [INTL] if node.suite() == INTL.name else [INTL, SUITES[node.suite()]]
    keys = tuple(NodeKey(suite.name, base64_text(own_key(suite).public.raw)) for suite in suites)
    level = NodeLevel(node.node_level())
    return Card(node.node_code(), node.node_name(), level, node.node_division(), node.issuer(), keys)


def sign(message: bytes) -> str:
    """This node's signature in base64, by the suite in use."""
    suite = SUITES[node.suite()]
    return base64_text(suite.sign(message, key=own_key(suite)))


def sign_object(data: bytes) -> str:
    """The origin's signature over an object's canonical bytes."""
    return sign(OBJECT_CONTEXT + data)


def verifying(keys: Iterable[Mapping[str, str]]) -> list[tuple[str, Any]]:
    """Public keys as stored, ready to verify: (suite, key)."""
    return [(key["suite"], read_node_key(key)) for key in keys]


def signed_by(keys: Iterable[tuple[str, Any]], signature: str, message: bytes) -> bool:
    """Whether one of the keys made this signature (base64)."""
    try:
        made = read_base64(signature)
        suite = suite_of(made)
    except (NotCanonical, CannotOpen):
        return False
    return any(name == suite.name and suite.verify(made, message, key=key) for name, key in keys)
