"""The formula room on the portals: an institution writes and runs, the node reviews, the enterprise reads in words."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from tests.web.conftest import FIRM, OTHER, Town
from xinqiao.formulas.queries import list_formulas, list_runs
from xinqiao.formulas.types import Formula, FormulaState

TEXT = "bins(identity.age_months, 12: 0, else: 5) + (if known(public_credit.penalties_24m) then 1 else 0)"
FORM = {"name": "Scale", "purpose": "approval", "text": TEXT, "kind": "score", "low": "0", "high": "10", "step": "1"}


def posted(client: Client, **changes: str) -> Any:
    return client.post("/institution/formulas/new/", FORM | {"act": "submit"} | changes)


def submitted(town: Town) -> Formula:
    assert posted(town.client("banker")).status_code == 302
    return list_formulas()[0]


def approved(town: Town) -> Formula:
    formula = submitted(town)
    page = town.client("operator").post(f"/node/formulas/{formula.id}/", {"decision": "approve", "reason": "read"})
    assert page.status_code == 302
    return formula


def test_checking_says_every_fault_with_its_place_and_keeps_nothing(town: Town) -> None:
    banker = town.client("banker")
    page = posted(banker, text="identity.age_months + true\n + open(1)", act="check")
    said = page.content.decode()
    assert page.status_code == 422 and "没有名为 open 的运算" in said and "<code>2:4</code>" in said
    assert "检查通过" in posted(banker, act="check").content.decode() and not list_formulas()
    assert posted(banker, low="x").status_code == 422
    assert posted(banker, purpose="nonsense").status_code in (404, 422)
    assert "operation.sales_12m_fen" in banker.get("/institution/formulas/new/").content.decode()


def test_a_text_file_is_as_good_as_typing(town: Town) -> None:
    from io import BytesIO

    file = BytesIO(b"identity.age_months + 1")
    file.name = "scale.txt"
    wide = {"kind": "bands", "cuts": "12 36，60"}
    assert town.client("banker").post("/institution/formulas/new/", FORM | wide | {"file": file}).status_code == 302
    assert list_formulas()[0].output == {"kind": "bands", "cuts": ["12", "36", "60"]}
    assert list_formulas()[0].text == "identity.age_months + 1"


def test_a_model_goes_the_same_way(town: Town) -> None:
    """Brought as a file, reviewed by the node, run by the institution, read of by the enterprise."""
    from io import BytesIO

    from tests.onnx_files import linear

    file = BytesIO(linear(0.02, 0.5))
    file.name = "scale.ONNX"
    codes = "identity.age_months\r\npublic_credit.penalties_24m"
    sent = FORM | {"text": codes, "kind": "bands", "cuts": "0.5 0.7", "file": file, "act": "submit"}
    operator, banker = town.client("operator"), town.client("banker")
    page = banker.post("/institution/formulas/new/", sent)
    assert page.status_code == 302, page.content.decode()
    (formula,) = list_formulas()
    path = f"/node/formulas/{formula.id}/"
    said = operator.get(path).content.decode()
    assert "ONNX" in said and "成立月数" in said and formula.sha256 in said
    assert "identity.age_months public_credit.penalties_24m" in said and len(said) < 60_000
    operator.post(path, {"decision": "approve", "reason": "read"})
    assert len(banker.get(f"/institution/formulas/{formula.id}/").content) < 60_000
    answer = banker.post(f"/institution/formulas/{formula.id}/run/", {"uscc": FIRM})
    assert answer.status_code == 200 and "查询编号" in answer.content.decode()
    owner = town.client("owner", english=True).get("/enterprise/formulas/").content.decode()
    assert "ONNX" in owner and list_runs(enterprise=FIRM)[0].access in owner


def test_the_node_reviews_an_institution_runs_and_the_enterprise_reads(town: Town) -> None:
    formula = submitted(town)
    operator, banker = town.client("operator"), town.client("banker")
    assert "待审核" in operator.get("/node/formulas/").content.decode()
    page = operator.get(f"/node/formulas/{formula.id}/").content.decode()
    assert "成立月数" in page and "小于 12 计 0，其余计 5" in page and formula.sha256 in page
    refused = operator.post(f"/node/formulas/{formula.id}/", {"decision": "approve", "reason": ""})
    assert refused.status_code == 422
    operator.post(f"/node/formulas/{formula.id}/", {"decision": "approve", "reason": "read"})
    assert list_formulas()[0].state is FormulaState.APPROVED
    answer = banker.post(f"/institution/formulas/{formula.id}/run/", {"uscc": FIRM.lower()})
    assert answer.status_code == 200 and "查询编号" in answer.content.decode()
    found = list_runs(enterprise=FIRM)[0]
    owner = town.client("owner").get("/enterprise/formulas/").content.decode()
    assert found.access in owner and "Sample Bank" in owner and "小于 12 计 0，其余计 5" in owner
    english = town.client("owner", english=True).get("/enterprise/formulas/").content.decode()
    assert "below 12 counts 0, else 5" in english
    assert "没有机构的公式看过您的数据" in town.client("neighbour").get("/enterprise/formulas/").content.decode()
    assert found.formula in banker.get("/institution/formulas/").content.decode()


def test_another_institution_finds_nothing_and_a_wrong_code_is_said(town: Town) -> None:
    formula = approved(town)
    rival, banker = town.client("rival"), town.client("banker")
    for path in ("", "run/", "withdraw/"):
        url = f"/institution/formulas/{formula.id}/{path}"
        assert (rival.post(url, {"uscc": FIRM}) if path else rival.get(url)).status_code == 404
    assert banker.post(f"/institution/formulas/{formula.id}/run/", {"uscc": "123"}).status_code == 422
    assert banker.post(f"/institution/formulas/{formula.id}/withdraw/").status_code == 302
    assert banker.post(f"/institution/formulas/{formula.id}/run/", {"uscc": OTHER}).status_code == 409


def test_the_auditor_looks_and_does_nothing(town: Town) -> None:
    formula = submitted(town)
    auditor = town.client("auditor")
    assert auditor.get(f"/node/formulas/{formula.id}/").status_code == 200
    assert auditor.post(f"/node/formulas/{formula.id}/", {"decision": "approve", "reason": "x"}).status_code in (
        403,
        404,
    )
    assert town.client("operator").post("/node/formulas/").status_code == 409  # nothing evaluated yet
    assert list_formulas()[0].state is FormulaState.SUBMITTED and timezone.now() > formula.submitted_at
