"""Which case may be opened and what leads where. Pure; ``now`` is never read here."""

from __future__ import annotations

from xinqiao.judicial.refusals import InvalidCase
from xinqiao.judicial.types import CaseKind, CaseRequest, CaseState, MatterKind
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.kernel.transitions import Transitions

CASE_TRANSITIONS = Transitions[CaseState](
    {CaseState.OPEN: {"close": CaseState.CLOSED}, CaseState.CLOSED: {}},
    names={**{state: state.label for state in CaseState}, "close": "结案"},
)
LONGEST = {"case_no": 80, "basis": 120, "institution": 40, "number": 60}


def check_case(asked: CaseRequest) -> tuple[CaseKind, MatterKind]:
    """Whether a case is fully described; raises InvalidCase naming every fault."""
    problems = []

    def wrong(field: str, message: Phrase) -> None:
        problems.append(Problem(field=field, code="judicial.case", message=message))

    if asked.kind not in set(CaseKind):
        wrong("kind", Phrase("请选择诉讼、仲裁或公证"))
    if asked.matter not in set(MatterKind):
        wrong("matter", Phrase("请选择按借据、按申请或按异议"))
    for field in LONGEST:
        value = getattr(asked, field)
        needed = field != "institution" or asked.matter == MatterKind.LOAN
        if not (1 if needed else 0) <= len(value.strip()) <= LONGEST[field] or not value.isprintable():
            wrong(field, Phrase("必填，最多 {most} 字", most=LONGEST[field]))
    try:
        parse_uscc(asked.enterprise)
    except InvalidUscc:
        wrong("enterprise", Phrase("不是有效的统一社会信用代码"))
    if problems:
        raise InvalidCase(problems)
    return CaseKind(asked.kind), MatterKind(asked.matter)
