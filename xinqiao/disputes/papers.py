"""The written answer on paper: the same bytes for the same answer, with an embedded Chinese font."""

from __future__ import annotations

import json

import typst

from xinqiao.consent.papers import chinese_font
from xinqiao.corrections.queries import list_notices
from xinqiao.disputes.queries import dispute_rules, ground_of, item_of, rejection_of
from xinqiao.disputes.refusals import UnknownDispute
from xinqiao.disputes.types import Dispute
from xinqiao.kernel.dated import BEIJING
from xinqiao.plumbing.settings import content_dir, fonts_dir


def dispute_letter(dispute: Dispute) -> bytes:
    """The answer to a dispute as PDF; raises UnknownDispute while there is none, FontMissing."""
    if dispute.answered_at is None:
        raise UnknownDispute(dispute=dispute.id)
    folder = fonts_dir()
    made = typst.compile(
        str(content_dir() / "dispute_answer.typ"),
        font_paths=[str(folder)] if folder else [],
        sys_inputs={"font": chinese_font(), "data": json.dumps(_printed(dispute), ensure_ascii=False)},
        timestamp=int(dispute.answered_at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def _printed(dispute: Dispute) -> dict[str, object]:
    item, ground, rejection = item_of(dispute), ground_of(dispute.claim.ground), rejection_of(dispute.rejection)
    assert dispute.answered_at is not None
    told = sorted({notice.recipient_name for notice in list_notices(cause=dispute.id)})
    found = dispute.verdict.label if dispute.verdict else dispute.state.label
    return {
        "id": dispute.id,
        "draft": dispute_rules().draft,
        "basis": dispute_rules().basis,
        "enterprise": f"{dispute.enterprise_name}（{dispute.enterprise}）",
        "facts": [
            ["异议编号", dispute.id],
            ["数据项", f"{item.name}（{item.list_code}）"],
            ["责任部门", item.department.name],
            ["收到时间", f"{dispute.received_at.astimezone(BEIJING):%Y-%m-%d %H:%M}"],
            ["异议理由", ground.says if ground else dispute.claim.ground],
            ["企业的说明", dispute.claim.text],
            ["结论", found],
            ["答复", dispute.answer],
            *([["下一步", rejection.next_step]] if rejection else []),
            *([["已告知更正的机构", "、".join(told)]] if told else []),
            ["答复时间", f"{dispute.answered_at.astimezone(BEIJING):%Y-%m-%d %H:%M}"],
            ["存证条目", str(dispute.entry)],
        ],
    }
