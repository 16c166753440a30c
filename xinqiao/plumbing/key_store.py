"""Where the node's keys are kept: files readable by its user only, and hardware tokens where one is configured.

The ending of a key's name says what it is: ``.key`` Ed25519 and ``.pem`` SM2 sign; ``.ec`` (P-256) and ``.rsa`` sign
under a certificate; ``.kek`` (AES-256) wraps data keys; ``.mac`` digests values for blind indexes. A key is looked for
among the files, then in each token; a new one is made in the first token if the token can make its kind. SM2 keys are
files: no token spoken to through PKCS#11 here has SM2.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from xinqiao.kernel.certified import ENDINGS as CERTIFIED
from xinqiao.kernel.certified import CertifiedKey
from xinqiao.kernel.crypto import SigningKey, save_private
from xinqiao.kernel.errors import Corrupt
from xinqiao.kernel.sm2 import Sm2SigningKey
from xinqiao.kernel.suites import INTL
from xinqiao.plumbing import settings as node

SECRET_BYTES = 32


class KeyLost(Corrupt):
    """A key that was made is not where it was made; data: ``key``, ``place``."""

    code = "keys.lost"
    title = "密钥 {key} 不在它生成时所在的“{place}”里"
    clause = "GB/T 39786"
    next_step = "请接回存放该密钥的设备并核对 XINQIAO_PKCS11_TOKEN；若已损毁，从设备备份恢复。节点不会自行另造密钥"


class Wrapping(Protocol):
    """A key that seals other keys and never shows itself."""

    def wrap(self, secret: bytes, *, place: bytes) -> bytes:
        """The sealed secret, bound to a place."""

    def unwrap(self, wrapped: bytes, *, place: bytes) -> bytes:
        """What was wrapped; raises CannotOpen."""


class Digesting(Protocol):
    """A key that makes keyed digests and never shows itself."""

    def digest(self, value: bytes) -> bytes:
        """HMAC-SHA-256 of the value."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a key lies: ``file`` or ``token``, the token's label, and since when."""

    kind: str
    label: str
    since: datetime


class KeyStore(Protocol):
    """A place of keys. What ``find`` and ``create`` give signs, wraps or digests, as the name's ending says."""

    def find(self, name: str) -> Any:
        """The key of this name, or None."""

    def create(self, name: str) -> Any:
        """A new key, or the one that another process of the node has just made."""

    def destroy(self, name: str) -> None:
        """Delete a key for good."""

    def place(self, name: str) -> KeyPlace | None:
        """Where a key lies, or None."""


@dataclass(frozen=True, slots=True)
class FileSecret:
    """A secret of 32 bytes read from a file: wraps by AES-256-GCM, digests by HMAC-SHA-256."""

    secret: bytes

    def __repr__(self) -> str:
        return "FileSecret()"

    def wrap(self, secret: bytes, *, place: bytes) -> bytes:
        """The sealed secret, bound to a place."""
        return INTL.seal(secret, key=self.secret, place=place)

    def unwrap(self, wrapped: bytes, *, place: bytes) -> bytes:
        """What was wrapped; raises CannotOpen."""
        return INTL.open(wrapped, key=self.secret, place=place)

    def digest(self, value: bytes) -> bytes:
        """HMAC-SHA-256 of the value."""
        return hmac.digest(self.secret, value, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """Keys as files readable by the node's user only."""

    folder: Path

    def find(self, name: str) -> Any:
        """The key of this name, or None."""
        try:
            return _load(self.folder / name)
        except FileNotFoundError:
            return None

    def create(self, name: str) -> Any:
        """A new key, or the one that another process of the node has just made."""
        path = self.folder / name
        with suppress(FileExistsError):
            if path.suffix == ".pem":
                Sm2SigningKey.generate().save(path)
            elif path.suffix == ".key":
                SigningKey.generate().save(path)
            elif path.suffix in CERTIFIED:
                CertifiedKey.generate(path.suffix).save(path)
            else:
                save_private(path, os.urandom(SECRET_BYTES))
        return _load(path)

    def destroy(self, name: str) -> None:
        """Delete a key for good."""
        (self.folder / name).unlink(missing_ok=True)
        _load.cache_clear()

    def place(self, name: str) -> KeyPlace | None:
        """Where a key lies, or None."""
        path = self.folder / name
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
        return KeyPlace("file", name, made) if made else None


@cache
def _load(path: Path) -> Any:
    if path.suffix == ".pem":
        return Sm2SigningKey.load(path)
    if path.suffix in CERTIFIED:
        return CertifiedKey.load(path)
    return SigningKey.load(path) if path.suffix == ".key" else FileSecret(path.read_bytes())


@dataclass(frozen=True, slots=True)
class KeysOfNode:
    """The files, then the tokens; a card beside the files says which token a key was made in.

    The card is what keeps a node whose token is away from making itself another key.
    """

    folder: Path
    tokens: tuple[Any, ...] = ()

    @property
    def files(self) -> FileKeys:
        """The file keys."""
        return FileKeys(self.folder)

    def find(self, name: str) -> Any:
        """The key of this name, or None; raises KeyLost, TokenMissing, TokenLocked."""
        found = self.files.find(name)
        if found is not None:
            return found
        for token in self.tokens:
            found = token.find(name)
            if found is not None:
                self._keep_card(name, token.label)
                return found
        card = self._card(name)
        if card is not None:
            raise KeyLost(key=name, place=card["token"])
        return None

    def create(self, name: str) -> Any:
        """A new key, or the one that another process of the node has just made."""
        with _only_maker(self.folder):
            found = self.find(name)
            if found is not None:
                return found
            if not self.tokens or name.endswith(".pem"):
                return self.files.create(name)
            made = self.tokens[0].create(name)
            self._keep_card(name, self.tokens[0].label)
            return made

    def destroy(self, name: str) -> None:
        """Delete a key for good, wherever it lies."""
        self.files.destroy(name)
        for token in self.tokens:
            token.destroy(name)
        self._card_path(name).unlink(missing_ok=True)

    def place(self, name: str) -> KeyPlace | None:
        """Where a key lies, or None; asks no token."""
        card = self._card(name)
        if card is not None:
            return KeyPlace("token", card["token"], datetime.fromisoformat(card["made_at"]))
        return self.files.place(name)

    def _card_path(self, name: str) -> Path:
        return self.folder / f"{name}.card"

    def _card(self, name: str) -> dict[str, str] | None:
        try:
            return dict(json.loads(self._card_path(name).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def _keep_card(self, name: str, token: str) -> None:
        if not self._card_path(name).exists():
            text = json.dumps({"token": token, "made_at": datetime.now(UTC).isoformat()}, ensure_ascii=False)
            with suppress(FileExistsError):
                save_private(self._card_path(name), text.encode())


@contextmanager
def _only_maker(folder: Path) -> Iterator[None]:
    """One process of the node at a time: a token does not mind two keys of one name, we do."""
    with (folder / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def key_store() -> KeysOfNode:
    """Where this node keeps its keys, by its settings."""
    return _store(node.keys_dir(), node.pkcs11_module(), node.pkcs11_tokens(), node.pkcs11_pin_file())


def own_key(name: str) -> Any:
    """The node's key of this name, made on first use."""
    store = key_store()
    return store.find(name) or store.create(name)


@cache
def _store(folder: Path, module: str, labels: tuple[str, ...], pin_file: Path | None) -> KeysOfNode:
    if not module:
        return KeysOfNode(folder)
    from xinqiao.plumbing.tokens import TokenKeys  # a node without a token loads no PKCS#11

    return KeysOfNode(folder, tuple(TokenKeys(module, label, pin_file, line) for line, label in enumerate(labels)))
