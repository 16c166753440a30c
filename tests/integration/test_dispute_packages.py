"""A dispute goes to court: its words, files and course in one package, each bound to the entry of its time."""

from __future__ import annotations

import pytest

from tests.factories import DAY, NOW, uscc
from tests.integration.test_disputes import FIRM, PDF, filed, owner  # noqa: F401
from tests.lawsuit import COURT, request
from xinqiao.disputes.deciding import leave_open
from xinqiao.evidence.actions import sequence
from xinqiao.judicial import container
from xinqiao.judicial.actions import look, make_package, open_case
from xinqiao.judicial.queries import package_bytes, row_of, sidecar
from xinqiao.judicial.refusals import UnknownMatter
from xinqiao.judicial.verifying import verify_package
from xinqiao.kernel.canonical import canonical_bytes, read_json
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind

WHO = {"organisation": COURT, "actor": "person:7", "now": NOW + 9 * DAY}


def test_a_dispute_is_packed_with_its_words_files_and_course(owner: int) -> None:  # noqa: F811
    """Claim and file are bound by digest to the filing; the answer is delivered; another firm's case finds nothing."""
    made = filed()
    register_organisation(COURT, kind=OrganisationKind.JUDICIAL, name="示例法院", actor="t", now=NOW)
    register_organisation(made.provider, kind=OrganisationKind.DEPARTMENT, name="示例部门", actor="t", now=NOW)
    leave_open(made.id, text="查无存档，无法核实", provider=made.provider, actor="person:3", now=NOW + 2 * DAY)
    sequence(now=NOW + 3 * DAY)
    asked = {"matter": "dispute", "institution": "", "number": made.id}
    with pytest.raises(UnknownMatter):
        open_case(request(**asked, enterprise=uscc(2)), **WHO)
    case = open_case(request(**asked), **WHO)
    seen = look(case.id, **WHO)
    assert {p.name: p.code for p in seen.matter.parties}["示例企业1"] == FIRM
    package = make_package(case.id, **WHO)
    sequence(now=NOW + 10 * DAY)
    data = package_bytes(row_of(package.id))
    assert verify_package(data, whole=sidecar(package.id)).ok
    files = container.unpack(data)
    items = {item["path"].split("-", 1)[1]: item for item in read_json(files["evidence.json"])["items"]}
    assert set(items) == {"claim.txt", "file-01.pdf", "course.json", "answer.txt"}
    assert (items["claim.txt"]["bound"], items["file-01.pdf"]["bound"]) == ("text_sha256", "files")
    assert files[items["file-01.pdf"]["path"]] == PDF[1] and "罚款已缴清".encode() in files[items["claim.txt"]["path"]]
    assert len(items["course.json"]["entries"]) >= 4
    told = read_json(files["evidence.json"])
    told["items"][0]["bound"] = "dispute"
    spoilt = verify_package(container.pack(files | {"evidence.json": canonical_bytes(told)}))
    assert "bound" in {check.code for check in spoilt.failed}
