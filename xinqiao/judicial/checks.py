"""What a check of a package says, in Chinese and English, and the verdict over all of them. Pure.

The sentences are kept here, not in the node's translations, because a package is checked without the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xinqiao.judicial.types import CheckState, Suite

NAMES: dict[str, tuple[str, str]] = {
    "container": ("容器完整，没有多余或改动的字节", "the container is whole, no byte is added or changed"),
    "document": (
        "evidence.json 可读，列出的材料与文件一致",
        "evidence.json can be read and lists the files as they are",
    ),
    "digests": ("每个文件的 SHA-256 与清单一致", "the SHA-256 of every file is that of the list"),
    "signature": (
        "整包签名（CAdES）有效，证书可追溯到根",
        "the package's signature (CAdES) holds and leads to the root",
    ),
    "stamp": ("归档时间戳有效", "the archive time stamp holds"),
    "report": (
        "报告签名（PAdES）有效，签名覆盖整个文件",
        "the report's signature (PAdES) holds and covers the whole file",
    ),
    "keys": ("包内公钥与日志公钥互相公告", "the keys in the package are announced by the log's keys"),
    "proofs": ("每条存证都在日志中（Ed25519 检查点）", "every entry is in the log (checkpoint by Ed25519)"),
    "dates": ("日志检查点的时间戳有效", "the time stamps on the log's checkpoints hold"),
    "gm_digests": ("每个文件的 SM3 与清单一致", "the SM3 of every file is that of the list"),
    "gm_signature": ("整包国密签名（SM2）有效", "the package's SM2 signature holds"),
    "gm_keys": ("国密公钥由日志国密公钥公告", "the SM2 key of packages is announced by the log's SM2 key"),
    "gm_proofs": ("每条存证都在日志中（SM2 检查点）", "every entry is in the log (checkpoint by SM2)"),
    "contents": ("存证内容与日志中的加盐摘要一致", "the entries' contents are those of the salted digests in the log"),
    "bound": ("材料的摘要记载在形成当时的存证中", "the digests of the material stand in the entries of its time"),
    "chain": ("链上回执与检查点一致", "the chain receipts are about the log's checkpoints"),
    "whole": ("整包的摘要记载在日志中", "the digest of the whole package is in the log"),
}
SUITES: dict[str, Suite] = {
    **dict.fromkeys(("signature", "stamp", "report", "keys", "proofs", "dates", "digests"), Suite.INTL),
    **dict.fromkeys(("gm_digests", "gm_signature", "gm_keys", "gm_proofs"), Suite.GM),
}
# Without these of the suite relied on, nothing vouches for a package.
NEEDED = {Suite.INTL: ("digests", "signature"), Suite.GM: ("gm_digests", "gm_signature", "gm_keys")}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its code (a key of ``NAMES``), what came of it, and what exactly is wrong or missing."""

    code: str
    state: CheckState
    what: tuple[str, ...] = ()

    def text(self, lang: str = "zh") -> str:
        """The sentence for a reader, ``zh`` or ``en``."""
        said = "; ".join(self.what) if lang == "en" else "；".join(self.what)
        return NAMES[self.code][lang == "en"] + (f" — {said}" if said else "")


@dataclass(frozen=True, slots=True)
class PackageVerdict:
    """All checks of a package. ``own_keys``: they were made by the package's own keys, which nobody vouched for."""

    checks: tuple[Check, ...]
    package: str = ""
    own_keys: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and what is needed of at least one suite passed."""
        return not self.failed and any(self.stands_on(suite) for suite in Suite)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.state is CheckState.FAILED)

    @property
    def passed(self) -> int:
        """How many passed."""
        return sum(check.state is CheckState.PASSED for check in self.checks)

    @property
    def counted(self) -> int:
        """How many passed or failed."""
        return self.passed + len(self.failed)

    def stands_on(self, suite: Suite) -> bool:
        """Whether everything needed of a suite passed."""
        passed = {check.code for check in self.checks if check.state is CheckState.PASSED}
        return passed.issuperset(NEEDED[suite])

    def lines(self, lang: str = "zh") -> Iterator[str]:
        """The verdict for a reader, one check a line."""
        marks = {"passed": "✔", "failed": "✖", "absent": "—", "set_aside": "·"}
        for check in self.checks:
            yield f"{marks[check.state]} {check.text(lang)}"


class Failing(Exception):
    """A check found something; ``what`` is all of it."""

    def __init__(self, *what: str) -> None:
        super().__init__(*what)
        self.what = what


class Nothing(Exception):
    """A check has nothing to look at; ``what`` says why."""

    def __init__(self, *what: str) -> None:
        super().__init__(*what)
        self.what = what
