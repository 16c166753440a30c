"""Retention on real records: at the end of its term a person's bad record is gone from views, bytes and history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.factories import DAY, NOW, deliver, item, registration, uscc
from xinqiao.config.cli import app
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.queries import list_entries
from xinqiao.evidence.verify import verify_folder
from xinqiao.kernel.identifiers import make_uscc
from xinqiao.plumbing.settings import evidence_dir
from xinqiao.records.actions import audit_files, compact, remove_unregistered
from xinqiao.records.lake import lake
from xinqiao.records.queries import rows_now
from xinqiao.retention.actions import delete_expired_records
from xinqiao.retention.rules import load_retention
from xinqiao.retention.types import InvalidRetention

ITEM = "penalty.decision"
PERSON, OTHER = (make_uscc("92", "610102", f"MAP00000{n}") for n in (1, 2))
FIRM = uscc(1)
SECRET = "示罚决字秘密"


def penalty(code: str, number: str, on: str) -> dict[str, object]:
    return {"uscc": code, "document_no": f"{SECRET}{number}", "kind": "罚款", "decided_on": on, "fine_fen": "1"}


def in_bytes() -> int:
    """In how many files of the lake the person's old record can be found."""
    count = 0
    for path, _ in lake().list_files():
        rows = lake().columns(path, lake().column_names(path)).to_pylist()
        count += any(f"{SECRET}1" == row.get("document_no") for row in rows)
    return count


@pytest.fixture
def old(fresh_node: Path) -> None:
    """An individual business with an old and a newer penalty, delivered twice; an enterprise with an old one."""
    names = {"registered_on": "2010-01-02"}
    rows = [registration(1, **names), *(registration(1, **names) | {"uscc": code} for code in (PERSON, OTHER))]
    deliver("registration.basic", rows)
    deliver(
        ITEM, [penalty(PERSON, "1", "2020-01-15"), penalty(PERSON, "2", "2024-01-15"), penalty(FIRM, "3", "2020-01-15")]
    )
    deliver(ITEM, [penalty(PERSON, "1", "2020-01-15") | {"fine_fen": "2"}], now=NOW + DAY)
    deliver("list.abnormal", [{"uscc": OTHER, "listed_on": "2015-01-05", "reason": "通过登记的住所无法联系"}])


def test_five_years_after_its_end_a_persons_record_is_gone_with_its_bytes(old: None) -> None:
    assert in_bytes() == 2
    later = NOW + 3 * DAY
    before = {code: rows_now(code, item(ITEM), known=later) for code in (PERSON, FIRM)}
    assert delete_expired_records(now=later) == {ITEM: 2}, "both versions"
    assert delete_expired_records(now=later) == {}
    assert in_bytes() == 0 and audit_files() == []
    assert [r["document_no"] for r in rows_now(PERSON, item(ITEM), known=later)] == [f"{SECRET}2"]
    assert rows_now(FIRM, item(ITEM), known=later) == before[FIRM], "an enterprise is no natural person"
    assert rows_now(OTHER, item("list.abnormal"), known=later), "what has not ended has no term yet"
    assert rows_now(FIRM, item(ITEM), known=NOW) == before[FIRM], "every view of what stays is as it was"
    [entry] = list_entries(event="records.rows_removed")
    assert entry.body["rows"] == 2 and SECRET not in str(entry.body)
    sequence(now=later)
    assert verify_folder(evidence_dir()).ok, "the log holds digests only"


def test_copies_left_by_a_merging_of_files_go_too(old: None) -> None:
    later = NOW + 3 * DAY
    assert compact(item(ITEM), older_than=timedelta(hours=24), actor="t", now=later) == 2
    assert in_bytes() == 3, "the merged file, and the two it replaced"
    assert delete_expired_records(now=later + 2 * DAY) == {ITEM: 4}, "two versions, each in two files"
    assert in_bytes() == 0 and audit_files() == []
    remove_unregistered(older_than=timedelta(0), now=datetime.now(UTC))
    assert audit_files() == []


def test_not_a_day_early_and_never_while_a_delivery_can_be_undone(old: None) -> None:
    assert delete_expired_records(now=NOW + timedelta(hours=20)) == {}
    deliver(ITEM, [penalty(OTHER, "9", "2021-11-23")], now=NOW)
    last = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert delete_expired_records(now=last).get(ITEM) == 2, "the older one only: today is the last day of the other"
    assert delete_expired_records(now=last + DAY) == {ITEM: 1}


def test_the_rules_are_content_and_told(old: None, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["retention", "rules"])
    assert told.exit_code == 0 and "查询与授权日志" in told.output and "penalty.decision" in told.output
    assert CliRunner().invoke(app, ["retention", "run"]).exit_code == 0
    path = tmp_path / "retention.toml"
    path.write_text('years = 0\n[delete."x.y"]\nended = ""\n', "utf-8")
    with pytest.raises(InvalidRetention) as caught:
        load_retention(path)
    assert {p.field for p in caught.value.problems} == {"years", "persons", "delete.x.y"}
