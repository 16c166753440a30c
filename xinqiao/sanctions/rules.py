"""Which step leads where, and what a determination must hold. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from xinqiao.evaluation.types import Words
from xinqiao.kernel.dated import add_months
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.kernel.transitions import Transitions
from xinqiao.sanctions.types import (
    Determination,
    InvalidDetermination,
    MeasureGroup,
    SanctionList,
    SanctionMeasure,
    SanctionState,
)

LONGEST = 500
MOST_BYTES = 10 * 1024 * 1024
FILE_TYPES = (".pdf", ".ofd", ".png", ".jpg", ".jpeg")
MEASURES = 14

SANCTION_TRANSITIONS = Transitions(
    {
        SanctionState.ENTERED: {"notify": SanctionState.NOTIFIED, "drop": SanctionState.DROPPED},
        SanctionState.NOTIFIED: {"state": SanctionState.ANSWERED, "lapse": SanctionState.ANSWERED},
        SanctionState.ANSWERED: {"approve": SanctionState.IN_FORCE, "drop": SanctionState.DROPPED},
        SanctionState.IN_FORCE: {
            "expire": SanctionState.EXPIRED,
            "lift": SanctionState.LIFTED,
            "annul": SanctionState.ANNULLED,
        },
        SanctionState.DROPPED: {},
        SanctionState.EXPIRED: {},
        SanctionState.LIFTED: {},
        SanctionState.ANNULLED: {},
    },
    names={
        "notify": "告知",
        "state": "陈述申辩",
        "lapse": "期满不陈述",
        "approve": "复核生效",
        "drop": "不予惩戒",
        "expire": "到期",
        "lift": "解除",
        "annul": "撤销",
        **{state: state.label for state in SanctionState},
    },
)


@cache
def load_sanctions(path: Path) -> SanctionList:
    """``sanctions.toml``; raises KeyError or ValueError for a file that leaves something out."""
    raw = tomllib.loads(path.read_text("utf-8"))
    measures = {
        row["code"]: SanctionMeasure(
            row["code"], MeasureGroup(row["group"]), Words.of(row, "name"), Words.of(row, "basis")
        )
        for row in raw["measures"]
    }
    if len(measures) != MEASURES or {m.group for m in measures.values()} != set(MeasureGroup):
        raise ValueError(f"{path.name}: {MEASURES} measures in three groups")
    return SanctionList(
        item=raw["item"],
        documents={row["code"]: Words.of(row, "name") for row in raw["documents"]},
        conducts={row["code"]: Words.of(row, "name") for row in raw["conducts"]},
        measures=measures,
        basis=Words.of(raw, "basis"),
        **{name: raw[name] for name in ("statement_workdays", "review_workdays", "most_months")},
    )


def check_determination(
    found: Determination, listed: SanctionList, *, name: str, data: bytes, today: date
) -> Determination:
    """The determination with its code as it is written everywhere; raises InvalidDetermination with every fault."""
    faults: list[Problem] = []

    def say(field: str, text: Phrase) -> None:
        faults.append(Problem(field, "sanctions.field", text))

    try:
        enterprise = parse_uscc(found.enterprise).code
    except InvalidUscc:
        enterprise = ""
        say("enterprise", Phrase("不是统一社会信用代码"))
    for field, code, known in (
        ("document_kind", found.document_kind, listed.documents),
        ("conduct", found.conduct, listed.conducts),
    ):
        if code not in known:
            say(field, Phrase("请从清单中选"))
    for field, text, most in (("document_no", found.document_no, 120), ("determiner", found.determiner, 120)):
        if not 1 <= len(text.strip()) <= most:
            say(field, Phrase("请按认定文书填写"))
    if not found.measures or set(found.measures) - set(listed.measures):
        say("measures", Phrase("请从14项措施中选至少一项"))
    if not 0 <= found.amount_fen <= 10**16:
        say("amount", Phrase("金额不合理"))
    if found.determined_on > today:
        say("determined_on", Phrase("认定日期不能晚于今天"))
    if not found.determined_on < found.ends_on <= add_months(found.determined_on, listed.most_months):
        say("ends_on", Phrase("惩戒最长 {months} 个月，自认定之日起", months=listed.most_months))
    if not name.lower().endswith(FILE_TYPES) or not 0 < len(data) <= MOST_BYTES:
        say("file", Phrase("须附认定文书：不超过 10 MB 的 PDF、OFD 或图片"))
    if faults:
        raise InvalidDetermination(faults)
    return Determination(
        enterprise, found.document_kind, found.document_no.strip(), found.determiner.strip(), found.determined_on,
        found.conduct, found.amount_fen, in_order(found.measures, listed), found.ends_on,
    )  # fmt: skip


def in_order(measures: Iterable[str], listed: SanctionList) -> tuple[str, ...]:
    """Codes in the order of the list, each once."""
    wanted = set(measures)
    return tuple(code for code in listed.measures if code in wanted)


def check_said(text: str, *, field: str = "reason") -> str:
    """The text without white space around it; raises InvalidDetermination when it says nothing or too much."""
    said = text.strip()
    if not 1 <= len(said) <= LONGEST:
        raise InvalidDetermination([Problem(field, "sanctions.text", f"{len(said)} / {LONGEST}")])
    return said


def record_row(found: Determination, number: str, listed: SanctionList) -> dict[str, str]:
    """How a sanction stands in the records, written as a department writes it."""
    return {
        "uscc": found.enterprise,
        "record_no": number,
        "document_kind": listed.documents[found.document_kind].zh,
        "document_no": found.document_no,
        "determiner": found.determiner,
        "determined_on": found.determined_on.isoformat(),
        "conduct": listed.conducts[found.conduct].zh,
        "measures": " ".join(found.measures),
    }


def unknown_choices(listed: SanctionList, choices: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of the content that the item's fields do not permit: such a sanction could not be recorded."""
    pairs = (("document_kind", listed.documents), ("conduct", listed.conducts))
    return [words.zh for field, known in pairs for words in known.values() if words.zh not in choices[field]]
