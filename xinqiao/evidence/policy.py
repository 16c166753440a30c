"""Whose checkpoints to believe: logs, witnesses and a quorum, in the format of C2SP tlog-policy. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from xinqiao.evidence.notes import COSIGNATURE, InvalidNote, LogKey, TreeHead, open_by_any, open_note
from xinqiao.kernel.errors import Invalid, Problem

NONE = "none"


class InvalidPolicy(Invalid):
    """A line of a policy file is wrong; data: ``line`` and ``what``."""

    code = "evidence.invalid_policy"
    title = "见证策略第 {line} 行有误：{what}"
    clause = "C2SP tlog-policy"
    next_step = "请按 docs/how-to/run-a-witness.md 的格式改正该行"

    def __init__(self, *, line: int, what: str) -> None:
        super().__init__([Problem(field="", row=line, code=self.code, message=what)], line=line, what=what)


class NoQuorum(InvalidNote):
    """A checkpoint is not cosigned by enough witnesses; data: ``names`` of those whose cosignatures hold."""

    code = "evidence.no_quorum"
    title = "检查点的见证签名不足：有效的只有 {names}"
    clause = "C2SP tlog-policy"
    next_step = "请稍后重新获取见证过的检查点；若长期不足，请向节点和见证人查询"


@dataclass(frozen=True, slots=True)
class WitnessEntry:
    """A witness of a policy: its name there, its public key, and where it takes checkpoints."""

    name: str
    key: LogKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group witnesses what at least ``threshold`` of its members do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs, the witnesses, and the name (witness or group) that must have witnessed."""

    logs: tuple[LogKey, ...] = ()
    witnesses: tuple[WitnessEntry, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    @property
    def text(self) -> str:
        """The policy file."""
        lines = [f"log {key.vkey}" for key in self.logs]
        lines += [f"witness {item.name} {item.key.vkey} {item.url}".rstrip() for item in self.witnesses]
        lines += [f"group {group.name} {group.threshold} {' '.join(group.members)}" for group in self.groups]
        return "\n".join([*lines, f"quorum {self.quorum}"]) + "\n"

    def with_logs(self, logs: Iterable[LogKey]) -> Policy:
        """The same rule for these logs."""
        return replace(self, logs=tuple(logs))

    def witnessed_by(self, note: str, *, text: str) -> list[str]:
        """Names of the witnesses whose cosignatures on a note hold."""
        return [item.name for item in self.witnesses if _holds(note, item.key, text)]

    def satisfied_by(self, names: Iterable[str]) -> bool:
        """Whether these witnesses are a quorum."""
        held = set(names)
        for group in self.groups:  # a group names only what stands before it
            if len(held.intersection(group.members)) >= group.threshold:
                held.add(group.name)
        return self.quorum == NONE or self.quorum in held

    def check(self, note: str) -> TreeHead:
        """The head of a checkpoint that a log of the policy signed and a quorum cosigned.

        Raises InvalidNote, NoQuorum.
        """
        head, key = open_by_any(note, keys=self.logs)
        names = self.witnessed_by(note, text=open_note(note, key=key))
        if not self.satisfied_by(names):
            raise NoQuorum(names="、".join(names) or "0")
        return head


def _holds(note: str, key: LogKey, text: str) -> bool:
    try:
        return open_note(note, key=key) == text
    except InvalidNote:
        return False


def majority(witnesses: Iterable[WitnessEntry]) -> Policy:
    """More than half of the witnesses; no witness, no quorum."""
    entries = tuple(witnesses)
    if not entries:
        return Policy()
    group = Group("witnesses", len(entries) // 2 + 1, tuple(item.name for item in entries))
    return Policy(witnesses=entries, groups=(group,), quorum=group.name)


def parse_policy(text: str) -> Policy:
    """Read a policy file; raises InvalidPolicy. Without a quorum line more than half of the witnesses must cosign."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            reader.read(number, words)
    if reader.quorum is None:
        return majority(reader.witnesses).with_logs(reader.logs)
    return Policy(tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups), reader.quorum)


class _Reader:
    def __init__(self) -> None:
        self.logs: list[LogKey] = []
        self.witnesses: list[WitnessEntry] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self.members: set[str] = set()

    def read(self, number: int, words: list[str]) -> None:
        known = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        try:
            if words[0] not in known:
                raise ValueError(f"不认识 {words[0]}")
            known[words[0]](words[1:])
        except InvalidNote as error:
            raise InvalidPolicy(line=number, what=error.message) from error
        except (ValueError, IndexError) as error:
            raise InvalidPolicy(line=number, what=str(error)) from error

    def _log(self, words: list[str]) -> None:
        key = LogKey.parse(words[0])
        if key.kind == COSIGNATURE or key.key in [item.key for item in self.logs]:
            raise ValueError("日志公钥重复，或是见证人的公钥")
        self.logs.append(key)

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise ValueError("写成 witness 名称 公钥 [地址]")
        key = LogKey.parse(words[1])
        if key.kind != COSIGNATURE or key.key in [item.key.key for item in self.witnesses]:
            raise ValueError("见证人公钥重复，或不是见证公钥")
        self._new_name(words[0])
        self.witnesses.append(WitnessEntry(words[0], key, words[2] if len(words) == 3 else ""))

    def _group(self, words: list[str]) -> None:
        name, rule, *members = words
        threshold = {"any": 1, "all": len(members)}.get(rule) or int(rule)
        if not 1 <= threshold <= len(members) or len(set(members)) != len(members):
            raise ValueError("门限应在 1 与成员数之间，成员不得重复")
        if self.members.intersection(members) or not set(members) <= self._names():
            raise ValueError("成员未在前面定义，或已属于另一组")
        self._new_name(name)
        self.members.update(members)
        self.groups.append(Group(name, threshold, tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        if self.quorum is not None or len(words) != 1 or (words[0] != NONE and words[0] not in self._names()):
            raise ValueError("quorum 只能有一行，且名称须在前面定义")
        self.quorum = words[0]

    def _names(self) -> set[str]:
        return {item.name for item in self.witnesses} | {group.name for group in self.groups}

    def _new_name(self, name: str) -> None:
        if name == NONE or name in self._names():
            raise ValueError(f"名称 {name} 重复或被保留")
