"""What a check of the log can find, in Chinese and English, and the verdict over all of it. Pure.

The sentences are kept here, not in the node's translations, because the verifier runs without the node.
"""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.evidence.notes import TreeHead

MESSAGES = {
    "no_key": ("缺少日志公钥：请用 --vkey 给出", "no log key: give it with --vkey"),
    "key_differs": ("目录中的公钥 vkey 与给出的不同", "the folder's vkey is not the one given"),
    "no_checkpoint": ("缺少检查点文件 checkpoint", "the file checkpoint is missing"),
    "bad_note": ("{what}", "signed text: {what}"),
    "missing": ("缺少文件 {path}", "missing file {path}"),
    "unreadable": ("文件 {path} 无法读取或长度不对", "file {path} cannot be read or has a wrong length"),
    "entry_altered": ("第 {leaf} 条存证的内容被改动（{path}）", "leaf {leaf}: its entry was altered ({path})"),
    "hash_altered": ("第 {leaf} 条存证的散列被改动（{path}）", "leaf {leaf}: its hash was altered ({path})"),
    "disagree": ("第 {leaf} 条存证的内容与散列不符（{path}）", "leaf {leaf}: entry and hash disagree ({path})"),
    "root": ("全部存证推算的根与检查点不同", "the leaves do not lead to the checkpoint's root"),
    "tile_altered": (
        "第 {first} 至 {last} 条存证上层的散列被改动（{path}）",
        "above leaves {first} to {last}: a hash was altered ({path})",
    ),
    "stale_altered": ("旧文件 {path} 与日志不符", "the older file {path} contradicts the log"),
    "stray": ("不属于日志的文件 {path}", "file {path} is no part of a log"),
    "rolled_back": (
        "日志比先前的检查点小（{old} > {new}）：历史被截断",
        "the log is smaller than an earlier checkpoint ({old} > {new}): history was cut",
    ),
    "forked": (
        "前 {old} 条存证与先前的检查点不同：历史被改写",
        "the first {old} leaves are not those of an earlier checkpoint: history was rewritten",
    ),
    "bad_bundle": ("证据包无法读取：{what}", "the bundle cannot be read: {what}"),
    "bad_piece": ("第 {name} 条：{what}", "access {name}: {what}"),
    "bad_chain": ("次序与完整性：{what}", "order and completeness: {what}"),
    "bad_receipt": ("{what}", "receipt: {what}"),
    "bad_announcement": ("公钥更换公告 {path} 不成立：{what}", "announcement {path} does not hold: {what}"),
    "gm_unannounced": ("国密公钥 vkey.gm 没有日志公钥的公告", "no announcement leads to the key in vkey.gm"),
    "gm_missing": ("检查点没有国密签名", "the checkpoint has no SM2 signature"),
    "bad_policy": ("{what}", "policy: {what}"),
    "no_cosigned": ("没有经见证的检查点（要求 {quorum}）", "no cosigned checkpoint (the quorum is {quorum})"),
    "no_quorum": ("{what}", "cosignatures: {what}"),
    "not_beginning": ("{path} 与日志不是同一历史", "{path} belongs to another history than the log"),
    "bad_stamp": ("时间戳 {path} 不成立：{what}", "time stamp {path} does not hold: {what}"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. ``code`` is a key of ``MESSAGES``."""

    code: str
    data: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return self.text()

    def text(self, lang: str = "zh") -> str:
        """The sentence for a reader, ``zh`` or ``en``."""
        return MESSAGES[self.code][lang == "en"].format(**dict(self.data))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was checked and what was found. ``own_key``: the key came from the folder itself."""

    findings: tuple[Finding, ...]
    head: TreeHead | None = None
    own_key: bool = False

    def __str__(self) -> str:
        return "\n".join(self.lines())

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def lines(self, lang: str = "zh") -> list[str]:
        """The verdict for a reader, one sentence a line."""
        return [finding.text(lang) for finding in self.findings] or [_all_well(self, lang)]


def _all_well(verdict: Verdict, lang: str) -> str:
    covered = (
        ("由节点承诺，尚无检查点", "promised by the node, not under a checkpoint yet")
        if verdict.head is None
        else (
            f"{verdict.head.origin}，共 {verdict.head.size} 条存证",
            f"{verdict.head.origin}, {verdict.head.size} leaves",
        )
    )
    caution = (
        "（公钥取自同一目录，请另行核对）",
        " (the key came from the same folder: compare it with another source)",
    )
    english = lang == "en"
    return (
        ("verified: " if english else "核验无误：") + covered[english] + (caution[english] if verdict.own_key else "")
    )


def finding(code: str, **data: object) -> Finding:
    """A finding with its data by name."""
    return Finding(code, tuple(data.items()))
