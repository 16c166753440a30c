"""Words of sealing: what is sealed where, keys as an operator sees them, events and refusals. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Corrupt, Invalid, NotFound, Problem

# What stands in the place of a value whose key was destroyed.
ERASED = "已依法删除"
SUBJECT = re.compile(r"(enterprise|person|delivery|dossier):[0-9A-Za-z-]{1,40}")

KEYS_MADE = Event("vault.keys_made", "生成数据密钥", "data keys made")
MASTER_KEY_CHANGED = Event("vault.master_key_changed", "启用主密钥", "master key put in force")
KEYS_REWRAPPED = Event("vault.keys_rewrapped", "以新主密钥重新封装数据密钥", "data keys wrapped by the new master key")
MASTER_KEY_RETIRED = Event("vault.master_key_retired", "销毁旧主密钥", "former master key destroyed")
DATA_KEY_CHANGED = Event("vault.data_key_changed", "更换主体的数据密钥", "data key of a subject changed")
SUBJECT_ERASED = Event("vault.subject_erased", "销毁主体的数据密钥", "data keys of a subject destroyed")
SESSION_KEY_CHANGED = Event("vault.session_key_changed", "更换会话密钥", "session key changed")


@dataclass(frozen=True, slots=True)
class Sealing:
    """One value to seal or to open: whose it is, its place (``table:column:row``), and the text or the sealed bytes.

    The place is bound to the sealed bytes: moved to another row or column they do not open.
    """

    subject: str
    place: str
    value: str = ""
    sealed: bytes = b""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as ``xinqiao keys list`` shows it. ``kind``: token, file, or database (wrapped by the master key)."""

    use: str
    algorithm: str
    kind: str
    label: str
    generation: int
    since: datetime | None
    note: str = ""


class DataKeyMissing(Corrupt):
    """A sealed value without a row of its data key; data: ``subject``."""

    code = "vault.data_key_missing"
    title = "找不到打开“{subject}”数据所需的数据密钥"
    clause = "GB/T 39786"
    next_step = "数据库与数据文件可能来自不同的备份；请恢复同一时点的备份"


class InvalidSubject(Invalid):
    """A subject that is not written as one; data: ``subject``."""

    code = "vault.invalid_subject"
    title = "“{subject}”不是主体的写法"
    next_step = "写成 enterprise:统一社会信用代码、person:人员编号、delivery:报送编号 或 dossier:接入档案编号"

    def __init__(self, subject: str) -> None:
        super().__init__([Problem(field="subject", code=self.code, message=subject)], subject=subject)


class NothingSealed(NotFound):
    """Nothing is sealed for the subject, or all of it is erased already; data: ``subject``."""

    code = "vault.nothing_sealed"
    title = "没有为“{subject}”密封的数据，或已经删除"


def enterprise_subject(uscc: str) -> str:
    """The subject under whose key the personal data in an enterprise's records is sealed."""
    return f"enterprise:{uscc}"


def person_subject(person: int) -> str:
    """The subject under whose key a person's account data is sealed."""
    return f"person:{person}"


def delivery_subject(delivery: str) -> str:
    """The subject under whose key a delivered file is sealed."""
    return f"delivery:{delivery}"


def dossier_subject(member: int) -> str:
    """The subject under whose key the evidence that an applicant files is sealed."""
    return f"dossier:{member}"


def check_subject(subject: str) -> str:
    """The subject; raises InvalidSubject."""
    if not SUBJECT.fullmatch(subject):
        raise InvalidSubject(subject)
    return subject
