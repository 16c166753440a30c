"""Signed notes, keys and checkpoints in the formats of C2SP (signed-note, tlog-checkpoint, tlog-cosignature v1). Pure.

Any verifier of those formats reads them. Ours is only the name of the SM2 signature type, for which the format
reserves 0xff and a long identifier; verifiers that do not know it pass over the line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from xinqiao.evidence.merkle import HASH_BYTES
from xinqiao.kernel.canonical import NotCanonical, base64_text, read_base64
from xinqiao.kernel.crypto import InvalidKey, VerifyKey
from xinqiao.kernel.errors import Corrupt
from xinqiao.kernel.sm2 import IDENTITY, Sm2VerifyKey
from xinqiao.kernel.suites import PublicKey, Signer

ED25519 = b"\x01"  # signature types of the signed-note format
COSIGNATURE = b"\x04"
SM2 = b"\xffSM2-with-SM3/" + IDENTITY + b"\n"
KEY_ID_BYTES = 4
MOST_SIGNATURES = 64
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class InvalidNote(Corrupt):
    """A note, key or checkpoint is malformed or not signed by the expected key; ``what`` says which."""

    code = "evidence.invalid_note"
    title = "签名文本无效：{what}"
    clause = "C2SP signed-note, tlog-checkpoint"
    next_step = "请从节点的公开地址重新获取该文件，并核对日志公钥"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A public key under its name, written as a C2SP ``vkey`` line: of a log (Ed25519 or SM2) or of a witness."""

    name: str
    key: PublicKey
    kind: bytes = ED25519

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name, newline, type, key): tells keys apart, proves nothing."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.key.raw).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """``name+hex key id+base64(type and key)``, what a verifier is configured with."""
        return f"{self.name}+{self.id.hex()}+{base64_text(self.kind + self.key.raw)}"

    @classmethod
    def parse(cls, vkey: str) -> LogKey:
        """Read a vkey line; raises InvalidNote."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise InvalidNote(what="公钥应为 名称+编号+公钥")
        name, key_id, encoded = parts
        raw = _decode(encoded, "公钥")
        kind = next((kind for kind in (ED25519, COSIGNATURE, SM2) if raw.startswith(kind)), None)
        if kind is None:
            raise InvalidNote(what="公钥不是 Ed25519 或 SM2")
        try:
            body = raw[len(kind) :]
            result = cls(name, Sm2VerifyKey(body) if kind == SM2 else VerifyKey(body), kind)
        except InvalidKey as error:
            raise InvalidNote(what="公钥长度不对") from error
        if result.id.hex() != key_id:
            raise InvalidNote(what="公钥与其编号不符")
        return result

    def verify(self, signature: bytes, text: str) -> bool:
        """Whether ``signature`` (without the key id) is this key's over a note's text."""
        if self.kind != COSIGNATURE:
            return self.key.verify(signature, text.encode())
        seconds = int.from_bytes(signature[:8], "big")
        return self.key.verify(signature[8:], _cosigned(text, seconds))


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key under its name, for the signature lines of notes."""

    name: str
    key: Signer
    kind: bytes = ED25519

    @property
    def public(self) -> LogKey:
        """What verifies its lines."""
        return LogKey(self.name, self.key.public, self.kind)

    def line(self, text: str) -> str:
        """The signature line over a note's text; raises InvalidNote when no note can hold the text or the name."""
        if not text.endswith("\n") or _CONTROL.search(text):
            raise InvalidNote(what="正文须以换行结束且不含控制字符")
        if not _NAME.fullmatch(self.name):
            raise InvalidNote(what="签名名称不得含空格或加号")
        return f"— {self.name} {base64_text(self.public.id + self.key.sign(text.encode()))}\n"

    def cosignature(self, text: str, *, seconds: int) -> str:
        """A witness's line: that at ``seconds`` of Unix time this checkpoint was consistent with all it had seen."""
        signature = seconds.to_bytes(8, "big") + self.key.sign(_cosigned(text, seconds))
        return f"— {self.name} {base64_text(self.public.id + signature)}\n"


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: which log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The checkpoint text that is signed. No extension lines: monitors could not audit them."""
        return f"{self.origin}\n{self.size}\n{base64_text(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> TreeHead:
        """Read checkpoint text, ignoring extension lines; raises InvalidNote."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "" or not all(lines):
            raise InvalidNote(what="检查点应有三行以上且没有空行")
        if not _SIZE.fullmatch(lines[1]):
            raise InvalidNote(what="检查点的大小不是十进制数")
        root = _decode(lines[2], "检查点的根")
        if len(root) != HASH_BYTES:
            raise InvalidNote(what="检查点的根长度不对")
        return cls(lines[0], int(lines[1]), root)


def sign_note(text: str, *, name: str, key: Signer, also: Iterable[NoteSigner] = ()) -> str:
    """``text`` with an Ed25519 signature line; the same text and key always give the same line.

    ``also`` sign after it. Raises InvalidNote when the text does not end in a newline, holds control characters, or a
    name holds spaces or plus.
    """
    return f"{text}\n" + "".join(signer.line(text) for signer in (NoteSigner(name, key), *also))


def open_note(note: str, *, key: LogKey) -> str:
    """The text of a note signed by ``key``; raises InvalidNote. Signatures of unknown keys are ignored."""
    text, lines = split_note(note)
    known = [signature for name, signature in map(_signature_line, lines) if _made_by(key, name, signature)]
    if not known:
        raise InvalidNote(what=f"没有 {key.name} 的签名")
    if not all(key.verify(signature[KEY_ID_BYTES:], text) for signature in known):
        raise InvalidNote(what=f"{key.name} 的签名与正文不符")
    return text


def split_note(note: str) -> tuple[str, list[str]]:
    """Text and signature lines of a note, nothing verified; raises InvalidNote."""
    text, found, tail = note.rpartition("\n\n")
    if not found or not tail.endswith("\n") or _CONTROL.search(note):
        raise InvalidNote(what="缺少签名行，或含有控制字符")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise InvalidNote(what=f"签名多于 {MOST_SIGNATURES} 个")
    return text + "\n", lines


def carries(note: str, *, key: LogKey) -> bool:
    """Whether a note has a line that claims to be ``key``'s, right or wrong."""
    return any(_made_by(key, name, signature) for name, signature in map(_signature_line, split_note(note)[1]))


def cosigned_at(note: str, *, key: LogKey) -> int:
    """Unix seconds of a witness's cosignature on a note; raises InvalidNote."""
    open_note(note, key=key)
    signatures = (signature for name, signature in map(_signature_line, split_note(note)[1]) if name == key.name)
    return max(int.from_bytes(item[4:12], "big") for item in signatures if item[:KEY_ID_BYTES] == key.id)


def open_by_any(note: str, *, keys: Iterable[LogKey]) -> tuple[TreeHead, LogKey]:
    """The head of a checkpoint that one of a log's keys signed, and that key; raises InvalidNote."""
    known = list(keys)
    found = next((key for key in known if carries(note, key=key)), None)
    if found is None:
        raise InvalidNote(what="没有该日志任何一把公钥的签名")
    return open_checkpoint(note, key=found), found


def open_checkpoint(note: str, *, key: LogKey) -> TreeHead:
    """The tree head of a signed checkpoint of the log named by ``key``; raises InvalidNote."""
    head = TreeHead.parse(open_note(note, key=key))
    if head.origin != key.name:
        raise InvalidNote(what=f"检查点属于另一日志 {head.origin}")
    return head


def _signature_line(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
        raise InvalidNote(what="签名行的格式不对")
    return parts[1], _decode(parts[2], "签名")


def _made_by(key: LogKey, name: str, signature: bytes) -> bool:
    return name == key.name and signature[:KEY_ID_BYTES] == key.id


def _decode(text: str, what: str) -> bytes:
    try:
        return read_base64(text)
    except NotCanonical as error:
        raise InvalidNote(what=f"{what}的 base64 写法不对") from error
