"""Deliveries: every row accounted for, nothing lost, nothing half visible."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.factories import DAY, NOW, annotated, csv_of, deliver, item, registration, uscc
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest import inbox
from xinqiao.ingest.actions import Upload, receive, retract_rows, undo_delivery
from xinqiao.ingest.jobs import clean_inbox
from xinqiao.ingest.models import Delivery
from xinqiao.ingest.queries import list_deliveries, remembered_mapping
from xinqiao.ingest.types import (
    ColumnsMissing,
    DeliveryStatus,
    NotYourItem,
    UndoClosed,
    UnknownDelivery,
    UnreadableFile,
)
from xinqiao.kernel.errors import Invalid
from xinqiao.records.actions import audit_files, compact, remove_unregistered
from xinqiao.records.lake import lake
from xinqiao.records.models import LakeFile
from xinqiao.records.queries import current_rows, read_enterprise, read_span

REGISTRY = "registration.basic"
PROVIDER = "market_regulation"


def names(number: int, *, known: object = None) -> list[object]:
    """Current names of an enterprise in the registry."""
    found = item(REGISTRY)
    tables = read_enterprise(uscc(number), [found], known=known or NOW + 10 * DAY)  # type: ignore[arg-type]
    return [r["name"] for r in current_rows(tables[REGISTRY], found)] if REGISTRY in tables else []


def test_good_rows_are_accepted_the_rest_is_staged_and_all_add_up(fresh_node: Path) -> None:
    rows = [
        registration(1),
        registration(2, uscc="9161"),
        registration(3, registered_on="昨天"),
        registration(4, name=""),
    ]
    outcome = deliver(REGISTRY, rows)
    assert (outcome.status, outcome.delivered, outcome.accepted, outcome.returned) == (DeliveryStatus.PARTLY, 4, 1, 3)
    assert {(g.field, g.code, g.rows) for g in outcome.groups} == {
        ("uscc", "uscc.form", 1),
        ("registered_on", "date.form", 1),
        ("name", "required", 1),
    }
    assert (names(1), names(3)) == (["示例企业1"], [])


def test_the_same_file_comes_back_with_an_error_column_and_can_be_delivered_again(fresh_node: Path) -> None:
    outcome = deliver(REGISTRY, [registration(1), registration(2, registered_on="1899/12/30")])
    name, data = annotated(outcome.delivery, provider=PROVIDER)
    assert name.endswith(".csv")
    text = data.decode("utf-8-sig")
    assert "日期早于 1900 年" in text
    assert uscc(1) not in text
    repaired = text.replace("1899/12/30", "2019-12-30").encode()
    again = receive(item(REGISTRY), [Upload("再报.csv", repaired)], provider=PROVIDER, actor="person:1", now=NOW + DAY)
    assert (again.accepted, again.ignored_columns) == (1, ("错误说明",))
    assert names(2) == ["示例企业2"]


def test_wrong_check_digits_and_unknown_divisions_are_kept_and_flagged(fresh_node: Path) -> None:
    wrong = uscc(1)[:-1] + ("0" if uscc(1)[-1] != "0" else "1")
    outcome = deliver(REGISTRY, [registration(1, uscc=wrong), registration(2, division="999999")])
    assert (outcome.accepted, outcome.flagged) == (2, 2)
    [row] = read_enterprise(wrong, [item(REGISTRY)], known=NOW)[REGISTRY].to_pylist()
    assert row["_flags"] == "uscc.check_digit"


def test_an_exact_copy_and_a_repeated_key_are_told_apart_and_the_last_row_stands(fresh_node: Path) -> None:
    outcome = deliver(REGISTRY, [registration(1), registration(1), registration(2), registration(2, name="后来的名字")])
    assert {(g.code, g.rows) for g in outcome.groups} == {("row.duplicate", 1), ("row.key_repeated", 1)}
    assert (outcome.accepted, outcome.returned) == (2, 2)
    assert names(2) == ["后来的名字"]


@pytest.mark.parametrize("data", [b"", b"uscc,name,registered_on\n"])
def test_an_empty_delivery_is_recorded_and_removes_nothing(fresh_node: Path, data: bytes) -> None:
    deliver(REGISTRY, [registration(1)])
    outcome = receive(item(REGISTRY), [Upload("空.csv", data)], provider=PROVIDER, actor="person:1", now=NOW + DAY)
    assert (outcome.status, outcome.delivered) == (DeliveryStatus.EMPTY, 0)
    assert names(1) == ["示例企业1"]
    assert [e.body["delivered"] for e in list_entries(event="ingest.delivered")] == [0, 1]


def test_the_same_bytes_again_change_nothing(fresh_node: Path) -> None:
    first, second = deliver(REGISTRY, [registration(1)]), deliver(REGISTRY, [registration(1)], now=NOW + DAY)
    assert (second.delivery, second.repeated) == (first.delivery, True)
    assert Delivery.objects.count() == 1


def test_undo_restores_what_stood_before(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1, name="旧名")])
    later = deliver(REGISTRY, [registration(1, name="新名")], now=NOW + DAY)
    assert names(1) == ["新名"]
    undo_delivery(later.delivery, provider=PROVIDER, actor="person:1", now=NOW + 2 * DAY)
    assert names(1) == ["旧名"]
    assert names(1, known=NOW + DAY) == ["新名"], "as known before the undo"
    assert list_entries(event="ingest.undone")


def test_undo_closes_after_24_hours_and_is_the_providers_own(fresh_node: Path) -> None:
    outcome = deliver(REGISTRY, [registration(1)])
    with pytest.raises(UndoClosed):
        undo_delivery(outcome.delivery, provider=PROVIDER, actor="x", now=NOW + DAY * 1.01)
    with pytest.raises(UnknownDelivery):
        undo_delivery(outcome.delivery, provider="tax_bureau", actor="x", now=NOW)


def test_a_retracted_row_is_gone_from_then_on_with_its_reason(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1), registration(2)])
    keys = [{"uscc": uscc(1)}]
    retract_rows(item(REGISTRY), keys, reason="误登", provider=PROVIDER, actor="person:1", now=NOW + DAY)
    assert (names(1), names(2), names(1, known=NOW)) == ([], ["示例企业2"], ["示例企业1"])
    assert list_entries(event="ingest.retracted")[0].body["reason"] == "误登"


def test_keys_that_cannot_be_read_are_all_named(fresh_node: Path) -> None:
    with pytest.raises(Invalid) as caught:
        retract_rows(item(REGISTRY), [{"uscc": "x"}, {}], reason="", provider=PROVIDER, actor="x", now=NOW)
    assert [(p.row, p.code) for p in caught.value.problems] == [(1, "uscc.form"), (2, "required")]


def test_who_produces_provides(fresh_node: Path) -> None:
    with pytest.raises(NotYourItem):
        receive(item(REGISTRY), [], provider="tax_bureau", actor="x", now=NOW)


def test_a_delivery_without_a_file_is_refused(fresh_node: Path) -> None:
    with pytest.raises(UnreadableFile):
        receive(item(REGISTRY), [], provider=PROVIDER, actor="x", now=NOW)


def test_a_column_mapping_is_remembered(fresh_node: Path) -> None:
    data = f"代码列,名,日子\n{uscc(1)},甲,2020-01-01\n".encode()
    with pytest.raises(ColumnsMissing) as caught:
        receive(item(REGISTRY), [Upload("a.csv", data)], provider=PROVIDER, actor="x", now=NOW)
    assert {p.field for p in caught.value.problems} == {"uscc", "name"}
    mapping = {"代码列": "uscc", "名": "name", "日子": "registered_on"}
    receive(item(REGISTRY), [Upload("a.csv", data)], provider=PROVIDER, actor="x", now=NOW, mapping=mapping)
    assert remembered_mapping(PROVIDER, REGISTRY) == mapping
    other = data.replace(uscc(1).encode(), uscc(2).encode())
    assert receive(item(REGISTRY), [Upload("b.csv", other)], provider=PROVIDER, actor="x", now=NOW).accepted == 1


def test_several_files_are_one_delivery_numbered_through(fresh_node: Path) -> None:
    files = [
        Upload("1.csv", f"uscc,name,registered_on\n{uscc(1)},甲,2020-01-01\n坏,乙,2020-01-01\n".encode()),
        Upload("2.csv", "统一社会信用代码,企业名称,注册日期\n坏,丙,2020-01-01\n".encode("gb18030")),
    ]
    outcome = receive(item(REGISTRY), files, provider=PROVIDER, actor="x", now=NOW)
    assert [g.samples for g in outcome.groups] == [((2, "坏"), (3, "坏"))]
    assert [f["rows"] for f in json.loads(Delivery.objects.get().files)] == [2, 1]


def test_a_key_that_comes_in_two_files_of_a_delivery_stands_once(fresh_node: Path) -> None:
    """Files were once checked each on its own, so a firm in two of them stood twice and was evaluated twice."""
    line = "uscc,name,registered_on\n{},{},2020-01-01\n"
    files = [Upload(f"{n}.csv", line.format(uscc(1), name).encode()) for n, name in enumerate(("先", "后", "后"))]
    outcome = receive(item(REGISTRY), files, provider=PROVIDER, actor="x", now=NOW)
    assert (outcome.accepted, outcome.returned, names(1)) == (1, 2, ["后"])
    assert {(g.code, g.samples) for g in outcome.groups} == {
        ("row.key_repeated", ((1, uscc(1)),)),
        ("row.duplicate", ((2, uscc(1)),)),
    }
    stored = read_enterprise(uscc(1), [item(REGISTRY)], known=NOW)[REGISTRY]
    assert stored.num_rows == 1


def test_compaction_changes_no_answer(fresh_node: Path) -> None:
    for turn in range(4):
        deliver(REGISTRY, [registration(n, name=f"第{turn}次{n}") for n in range(turn, turn + 3)], now=NOW + turn * DAY)
    undone = deliver(REGISTRY, [registration(1, name="撤销")], now=NOW + 4 * DAY)
    undo_delivery(undone.delivery, provider=PROVIDER, actor="x", now=NOW + 4 * DAY)
    instants = [NOW + n * DAY for n in range(6)]
    before = [[names(n, known=k) for n in range(6)] for k in instants]
    assert compact(item(REGISTRY), older_than=DAY, actor="system", now=NOW + 10 * DAY) == 4
    after = [[names(n, known=k) for n in range(6)] for k in instants]
    assert after == before
    assert compact(item(REGISTRY), older_than=DAY, actor="system", now=NOW + 10 * DAY) == 0


def test_files_are_merged_into_spans_of_codes_and_merged_files_are_left_alone(
    fresh_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings, days = "tax.credit_rating", ("2023-04-01", "2024-04-01", "2025-04-01")
    rows = [{"uscc": uscc(n), "rated_on": day, "grade": "A"} for n in range(40) for day in days]
    for turn in range(4):
        assert deliver(ratings, rows[turn * 30 : turn * 30 + 60], now=NOW + turn * DAY).accepted
    before = read_span(list(LakeFile.objects.all()), item(ratings), None, None)
    monkeypatch.setattr("xinqiao.records.actions.ROWS_PER_BUCKET", 25)
    assert compact(item(ratings), older_than=DAY, actor="system", now=NOW + 10 * DAY) == 4
    files = list(LakeFile.objects.filter(replaced_at=None).order_by("first_enterprise"))
    assert len(files) > 3
    assert all(one.last_enterprise < other.first_enterprise for one, other in pairwise(files))
    after = read_span(files, item(ratings), None, None)
    order = [("_enterprise", "ascending"), ("_recorded_at", "ascending"), ("_row", "ascending")]
    assert after.sort_by(order).equals(before.sort_by(order))
    assert compact(item(ratings), older_than=DAY, actor="system", now=NOW + 20 * DAY) == 0


def test_a_large_delivery_is_read_from_where_it_lies_and_comes_back_in_order(
    fresh_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything in pieces: checking, writing, the file with errors; the lake holds what it holds of the whole."""
    rows = [
        registration(n % 50, registered_on="昨天" if n % 10 == 0 else "2020-01-02", name=f"名{n}") for n in range(120)
    ]
    whole = deliver(REGISTRY, rows)
    stored = lake().read(LakeFile.objects.get().path).drop_columns(["_batch", "legal_person"])
    undo_delivery(whole.delivery, provider=PROVIDER, actor="x", now=NOW)
    path = tmp_path / "大.csv"
    path.write_bytes(csv_of(rows))
    for name, value in (("intake.SMALL", 100), ("intake.ingest_rows", lambda: 20), ("reading.BLOCK", 900)):
        monkeypatch.setattr(f"xinqiao.ingest.{name}", value)
    pieces = receive(item(REGISTRY), [Upload(path.name, path)], provider=PROVIDER, actor="x", now=NOW)
    told = ("status", "delivered", "accepted", "returned", "flagged", "groups", "ignored_columns")
    assert [getattr(pieces, name) for name in told] == [getattr(whole, name) for name in told]
    again = lake().read(LakeFile.objects.get(withdrawn_at=None).path).drop_columns(["_batch", "legal_person"])
    assert again.equals(stored)
    for only_returned in (True, False):
        texts = [annotated(d.delivery, only_returned=only_returned)[1] for d in (whole, pieces)]
        assert texts[0] == texts[1] and texts[0].count(b"\n") == 1 + (whole.returned if only_returned else 120)


def test_young_deliveries_are_not_compacted_because_they_can_be_undone(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)])
    deliver(REGISTRY, [registration(2)])
    assert compact(item(REGISTRY), older_than=DAY, actor="system", now=NOW) == 0


def test_an_unregistered_file_is_rubbish_and_a_changed_one_is_found(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)])
    stray = Path(lake().full(f"{REGISTRY}/delivery/stray.parquet"))
    stray.write_bytes(b"half a file")
    assert names(1) == ["示例企业1"]
    assert remove_unregistered(older_than=DAY * 0, now=NOW + 3650 * DAY) == [f"{REGISTRY}/delivery/stray.parquet"]
    assert audit_files() == []
    registered = Path(lake().full(LakeFile.objects.get().path))
    registered.write_bytes(registered.read_bytes()[:-1] + b"x")
    assert [f.split(": ")[1] for f in audit_files()] == ["摘要不符"]


def test_the_register_can_be_rebuilt_from_evidence(fresh_node: Path) -> None:
    deliver(REGISTRY, [registration(1)])
    deliver(REGISTRY, [registration(2)], now=NOW + DAY)
    undone = deliver(REGISTRY, [registration(3)], now=NOW + 2 * DAY)
    undo_delivery(undone.delivery, provider=PROVIDER, actor="x", now=NOW + 2 * DAY)
    compact(item(REGISTRY), older_than=DAY, actor="system", now=NOW + 10 * DAY)
    standing: dict[str, tuple[int, str]] = {}
    for entry in reversed(list_entries(limit=1000)):
        body = entry.body
        if entry.event == "records.file_registered":
            standing[body["path"]] = (body["rows"], body["sha256"])
        elif entry.event == "records.file_withdrawn":
            del standing[body["path"]]
        elif entry.event == "records.files_compacted":
            for path in body["inputs"]:
                del standing[path]
            standing |= {o["path"]: (o["rows"], o["sha256"]) for o in body["outputs"]}
    stored = LakeFile.objects.filter(withdrawn_at=None, replaced_at=None)
    assert {f.path: (f.row_count, f.sha256) for f in stored} == standing


def test_deliveries_are_listed_newest_first(fresh_node: Path) -> None:
    ids = [deliver(REGISTRY, [registration(n)], now=NOW + n * DAY).delivery for n in range(3)]
    assert [o.delivery for o in list_deliveries(provider=PROVIDER, now=NOW)] == ids[::-1]
    assert list_deliveries(provider="tax_bureau", now=NOW) == []


def test_originals_of_a_delivery_that_never_came_to_be_are_removed(fresh_node: Path) -> None:
    kept = deliver(REGISTRY, [registration(1)])
    inbox.keep_file("20261120-000000-deadbeef", 0, b"half a delivery", now=NOW)
    later = datetime.now(UTC) + DAY
    claimed = set(Delivery.objects.values_list("id", flat=True))
    assert inbox.remove_unclaimed(claimed, older_than=DAY / 24, now=later) == ["20261120-000000-deadbeef"]
    assert annotated(kept.delivery, only_returned=False)[1]
    inbox.keep_file("20261120-000000-deadbeef", 0, b"just arriving", now=NOW)
    assert clean_inbox.call() == 0, "a delivery being received is left alone"
