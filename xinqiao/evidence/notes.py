"""Signed notes, log keys and checkpoints in the formats of C2SP (signed-note v1, tlog-checkpoint v1). Pure.

Any verifier of those formats reads them; nothing here is our own invention.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from xinqiao.evidence.merkle import HASH_BYTES
from xinqiao.kernel.canonical import NotCanonical, base64_text, read_base64
from xinqiao.kernel.crypto import InvalidKey, SigningKey, VerifyKey
from xinqiao.kernel.errors import Corrupt

ED25519 = b"\x01"  # signature type of the signed-note format
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
    """The public key of a log under its name, written as a C2SP ``vkey`` line."""

    name: str
    key: VerifyKey

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name, newline, type, key): tells keys apart, proves nothing."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key.raw).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """``name+hex key id+base64(type and key)``, what a verifier is configured with."""
        return f"{self.name}+{self.id.hex()}+{base64_text(ED25519 + self.key.raw)}"

    @classmethod
    def parse(cls, vkey: str) -> LogKey:
        """Read a vkey line; raises InvalidNote."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise InvalidNote(what="日志公钥应为 名称+编号+公钥")
        name, key_id, encoded = parts
        raw = _decode(encoded, "日志公钥")
        if raw[:1] != ED25519:
            raise InvalidNote(what="日志公钥不是 Ed25519")
        try:
            result = cls(name, VerifyKey(raw[1:]))
        except InvalidKey as error:
            raise InvalidNote(what="日志公钥长度不对") from error
        if result.id.hex() != key_id:
            raise InvalidNote(what="日志公钥与其编号不符")
        return result


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


def sign_note(text: str, *, name: str, key: SigningKey) -> str:
    """``text`` with one Ed25519 signature line; the same text and key always give the same note.

    Raises InvalidNote when the text does not end in a newline, holds control characters, or the name holds
    spaces or plus.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise InvalidNote(what="正文须以换行结束且不含控制字符")
    if not _NAME.fullmatch(name):
        raise InvalidNote(what="签名名称不得含空格或加号")
    signature = LogKey(name, key.public).id + key.sign(text.encode())
    return f"{text}\n— {name} {base64_text(signature)}\n"


def open_note(note: str, *, key: LogKey) -> str:
    """The text of a note signed by ``key``; raises InvalidNote. Signatures of unknown keys are ignored."""
    text, found, tail = note.rpartition("\n\n")
    if not found or not tail.endswith("\n") or _CONTROL.search(note):
        raise InvalidNote(what="缺少签名行，或含有控制字符")
    text += "\n"
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise InvalidNote(what=f"签名多于 {MOST_SIGNATURES} 个")
    known = [signature for name, signature in map(_signature_line, lines) if _made_by(key, name, signature)]
    if not known:
        raise InvalidNote(what=f"没有 {key.name} 的签名")
    if not all(key.key.verify(signature[KEY_ID_BYTES:], text.encode()) for signature in known):
        raise InvalidNote(what=f"{key.name} 的签名与正文不符")
    return text


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
