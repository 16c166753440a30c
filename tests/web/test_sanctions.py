"""Sanctions on their pages: the node enters with the document, the enterprise reads and speaks, another reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.web.conftest import FIRM, Town
from xinqiao.sanctions.queries import get_sanction, list_sanctions
from xinqiao.sanctions.types import SanctionState


def entry(**changes: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "enterprise": FIRM,
        "document_kind": "judgment",
        "document_no": "D-1",
        "determiner": "Sample Court",
        "determined_on": (today - timedelta(days=2)).isoformat(),
        "conduct": "asset_transfer",
        "amount": "500,000.00",
        "measures": ["M14", "M07"],
        "ends_on": (today + timedelta(days=300)).isoformat(),
        "file": SimpleUploadedFile("d.pdf", b"%PDF-1.7 sample"),
        **changes,
    }


def step(client: Any, number: str, name: str, **more: str) -> int:
    return int(client.post(f"/node/sanctions/{number}/", {"step": name, "reason": "seen", **more}).status_code)


def test_from_the_document_to_the_end(town: Town) -> None:
    operator, guard, owner = town.client("operator"), town.client("guard"), town.client("owner")
    assert operator.post("/node/sanctions/", entry()).status_code == 302
    (found,) = list_sanctions()
    assert (found.amount_fen, found.measures) == (50_000_000, ("M07", "M14"))
    assert found.id not in owner.get("/enterprise/sanctions/").content.decode(), "not told yet"
    assert owner.get(f"/enterprise/sanctions/{found.id}/").status_code == 404
    assert step(operator, found.id, "notify") == 302
    page = owner.get(f"/enterprise/sanctions/{found.id}/").content.decode()
    assert "D-1" in page and "从严审慎授信" in page and "工作草案" in page
    assert owner.get(f"/enterprise/sanctions/{found.id}/document/").content == b"%PDF-1.7 sample"
    assert town.client("neighbour").get(f"/enterprise/sanctions/{found.id}/document/").status_code == 404
    assert step(operator, found.id, "lapse") == 409
    owner.post(f"/enterprise/sanctions/{found.id}/", {"text": "it was paid"})
    assert "it was paid" in operator.get(f"/node/sanctions/{found.id}/").content.decode()
    assert step(operator, found.id, "approve") == 403
    assert step(town.client("auditor"), found.id, "approve") == 404
    assert step(guard, found.id, "approve") == 302
    assert step(guard, found.id, "lift") == 422, "lifting needs a document too"
    assert step(guard, found.id, "lift", document="L-1") == 302
    assert get_sanction(found.id).state is SanctionState.LIFTED
    assert "L-1" in owner.get("/enterprise/sanctions/").content.decode()
    assert guard.get(f"/node/sanctions/{found.id}/document/").status_code == 200


def test_without_the_document_nothing_is_entered_and_all_faults_are_shown(town: Town) -> None:
    operator = town.client("operator")
    wrong = entry(enterprise="9161", measures=["M99"], determined_on="soon", amount="much")
    wrong.pop("file")
    answer = operator.post("/node/sanctions/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422 and "Sample Court" in page, "what was typed stays"
    for field in ("enterprise", "measures", "determined_on", "amount", "file"):
        assert f"<code>{field}</code>" in page
    assert list_sanctions() == []
    operator.post("/node/sanctions/", entry())
    assert operator.post("/node/sanctions/", entry()).status_code == 409
    (found,) = list_sanctions()
    assert step(operator, found.id, "drop") == 302 and get_sanction(found.id).state is SanctionState.DROPPED
