"""No name, user name, identity digest or address of a person lies in the open: not in a table, a file of the lake, or
the inbox. Each look first shows that it would find them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.contrib.auth import authenticate
from django.db import connection

from tests.factories import DAY, NOW, annotated, deliver, item, registration, uscc
from xinqiao.consent import queries as consent_queries
from xinqiao.consent.actions import grant_authorisation, request_authorisation
from xinqiao.consent.types import Form
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.verify import verify_folder
from xinqiao.indicators.engine import session
from xinqiao.indicators.views import province_view
from xinqiao.ingest.actions import retract_rows
from xinqiao.ingest.annotating import annotated_file
from xinqiao.ingest.queries import get_outcome
from xinqiao.ingest.types import DeliveryErased
from xinqiao.kernel.suites import IntlSuite, SealedFile
from xinqiao.parties.actions import (
    add_member,
    erase_person,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.queries import identity_digest, list_members
from xinqiao.parties.types import AlreadyRegistered, OrganisationKind, PartyNotFound, Role
from xinqiao.plumbing import settings as node
from xinqiao.records import actions as records
from xinqiao.records.actions import compact
from xinqiao.records.queries import current_rows, read_enterprise, stored_schema
from xinqiao.records.sealing import MARK, open_rows
from xinqiao.records.types import AsOf
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.vault.actions import erase_subject, renew_data_key, rotate_master_key
from xinqiao.vault.types import ERASED

FIRM = uscc(1)
SHAREHOLDERS = "registration.shareholders"
IDENTITY = "9" * 64
PERSONAL = {
    "name": "欧阳示例", "username": "13900001234", "identity": IDENTITY, "address": "192.0.2.77",
    "legal person": "司马示例", "shareholder": "诸葛示例", "returned": "慕容示例",
}  # fmt: skip
BY: dict[str, Any] = {"actor": "t", "now": NOW}


def tables() -> Iterator[bytes]:
    """Every value of every table of the database, as bytes."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                for value in row:
                    yield bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def files() -> Iterator[bytes]:
    """Every file of the node, and every value of each Parquet file, which compresses what it holds."""
    for path in node.home().rglob("*"):
        if path.is_file() and path.suffix not in {".sqlite3", ".sqlite3-wal"}:
            yield path.read_bytes()
            if path.suffix == ".parquet":
                yield str(pq.read_table(path).to_pydict()).encode()


def found() -> set[str]:
    """Which personal values lie in the open somewhere."""
    everything = b"\n".join([*tables(), *files()])
    return {name for name, value in PERSONAL.items() if value.encode() in everything}


def shareholder(name: str, percent: str, **values: object) -> dict[str, object]:
    return {"uscc": FIRM, "shareholder": name, "kind": "自然人", "percent": percent, **values}


def live() -> int:
    """A person, an authorisation and deliveries, faulty rows among them; the person's number."""
    deliver("registration.basic", [registration(1, legal_person=PERSONAL["legal person"])])
    faulty = shareholder(PERSONAL["returned"], "150")
    deliver(SHAREHOLDERS, [shareholder(PERSONAL["shareholder"], "60"), shareholder("甲", "40"), faulty])
    register_enterprise(FIRM, name="示例企业1", **BY)
    person = register_person(
        PERSONAL["username"], name=PERSONAL["name"], password="a-long-password", identity_sha256=IDENTITY, **BY
    )
    add_member(person, role=Role.OWNER, enterprise=FIRM, **BY)
    register_organisation("bank", kind=OrganisationKind.INSTITUTION, name="示例银行", **BY)
    set_admitted("bank", admitted=True, reason="t", **BY)
    asked = request_authorisation(
        "bank", enterprise=FIRM, purpose="approval", items=["tax.payment"], form=Form.REPORT, reason="贷款", **BY
    )
    digest = consent_queries.consent_text(asked.id, locale="zh").sha256
    grant_authorisation(
        asked.id, signatory=person, locale="zh", text_digest=digest, address=PERSONAL["address"], now=NOW
    )
    return person


def own(now: Any = NOW + DAY) -> dict[str, dict[str, Any]]:
    """The blocks of the enterprise's own file, by item."""
    firm = Recipient(RecipientKind.ENTERPRISE, FIRM, FIRM)
    asked = Inquiry(firm, FIRM, "own", Form.DETAIL, "person:1", "portal")
    return {block["item"]: block for block in query(asked, now=now).document["items"]}


def standing(*, now: Any = NOW + DAY) -> list[dict[str, Any]]:
    """The shareholders that stand, readable."""
    table = read_enterprise(FIRM, [item(SHAREHOLDERS)], known=now)[SHAREHOLDERS]
    return open_rows(item(SHAREHOLDERS), current_rows(table, item(SHAREHOLDERS)))


def counted(*, now: Any = NOW + DAY) -> int:
    """How many shareholders the engine counts."""
    view = province_view(session(), item(SHAREHOLDERS), AsOf(now.date(), now))
    return 0 if view is None else int(view.count())


def test_without_sealing_the_look_finds_everything_that_is_personal(
    fresh_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IntlSuite, "seal", lambda self, plaintext, *, key, place=b"": b"\x01" + plaintext)
    monkeypatch.setattr(SealedFile, "write", lambda self, data: self._out.write(data))
    monkeypatch.setattr(records, "seal_table", lambda item, table, now: table)
    live_without_reading(monkeypatch)
    assert found() == set(PERSONAL) - {"username"}


def live_without_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not sealed cannot be opened either."""
    monkeypatch.setattr(IntlSuite, "open", lambda self, sealed, *, key, place=b"": sealed[1:])
    live()


def test_a_planted_user_name_is_found(fresh_node: Path) -> None:
    register_organisation("o", kind=OrganisationKind.PLATFORM, name=PERSONAL["username"], **BY)
    assert found() == {"username"}


def test_sealed_nothing_personal_is_found_before_and_after_compaction_and_rotation(fresh_node: Path) -> None:
    person = live()
    assert found() == set()
    deliver(SHAREHOLDERS, [shareholder(PERSONAL["shareholder"], "55")], now=NOW + DAY)
    assert compact(item(SHAREHOLDERS), older_than=timedelta(0), actor="t", now=NOW + 2 * DAY)
    rotate_master_key(actor="t", now=NOW + 2 * DAY)
    assert found() == set()
    blocks = own(now=NOW + 3 * DAY)
    assert blocks["registration.basic"]["rows"][0]["legal_person"] == PERSONAL["legal person"]
    assert [m.person_name for m in list_members(enterprise=FIRM, now=NOW)] == [PERSONAL["name"]]
    assert identity_digest(person) == IDENTITY


def test_a_person_signs_in_by_a_name_that_is_not_stored(fresh_node: Path) -> None:
    person = live()
    signed_in = authenticate(username=PERSONAL["username"], password="a-long-password")
    assert signed_in is not None and signed_in.pk == person
    assert authenticate(username="13900001235", password="a-long-password") is None
    with pytest.raises(AlreadyRegistered):
        register_person(PERSONAL["username"], name="另一人", password="a-long-password", **BY)


def test_a_later_row_supersedes_by_the_index(fresh_node: Path) -> None:
    live()
    deliver(SHAREHOLDERS, [shareholder(PERSONAL["shareholder"], "70")], now=NOW + DAY)
    assert {(r["shareholder"], str(r["percent"])) for r in standing()} == {
        (PERSONAL["shareholder"], "70.00"), ("甲", "40.00"),
    }  # fmt: skip
    assert counted() == 2
    renew_data_key(f"enterprise:{FIRM}", actor="t", now=NOW)
    deliver(SHAREHOLDERS, [shareholder("甲", "30")], now=NOW + 2 * DAY)
    assert counted(now=NOW + 2 * DAY) == len(standing(now=NOW + 2 * DAY)) == 2, "a new key leaves indexes as they are"
    keys = [{"uscc": FIRM, "shareholder": "甲"}]
    retract_rows(item(SHAREHOLDERS), keys, reason="r", provider="market_regulation", actor="t", now=NOW + 3 * DAY)
    assert [r["shareholder"] for r in standing(now=NOW + 4 * DAY)] == [PERSONAL["shareholder"]]
    assert counted(now=NOW + 4 * DAY) == 1
    compact(item(SHAREHOLDERS), older_than=timedelta(0), actor="t", now=NOW + 4 * DAY)
    assert counted(now=NOW + 4 * DAY) == 1


def test_an_index_tells_nothing_across_enterprises(fresh_node: Path) -> None:
    rows = [shareholder("甲", "60"), {**shareholder("甲", "40"), "uscc": uscc(2)}]
    deliver(SHAREHOLDERS, rows)
    indexes = {
        read_enterprise(code, [item(SHAREHOLDERS)], known=NOW)[SHAREHOLDERS].to_pylist()[0]["shareholder_index"]
        for code in (FIRM, uscc(2))
    }
    assert len(indexes) == 2 and None not in indexes


def test_rows_from_before_sealing_stay_readable_and_are_sealed_by_compaction(
    fresh_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(records, "seal_table", lambda item, table, now: table)
        deliver(SHAREHOLDERS, [shareholder("甲", "60"), shareholder("乙", "40")])
    assert {r["shareholder"] for r in standing()} == {"甲", "乙"}
    assert counted() == 2, "without an index a row counts by its value"
    deliver(SHAREHOLDERS, [shareholder("甲", "50")], now=NOW + DAY)
    compact(item(SHAREHOLDERS), older_than=timedelta(0), actor="t", now=NOW + 2 * DAY)
    assert counted(now=NOW + 3 * DAY) == len(standing(now=NOW + 3 * DAY)) == 2
    table = read_enterprise(FIRM, [item(SHAREHOLDERS)], known=NOW + 3 * DAY)[SHAREHOLDERS]
    assert all(value.startswith(MARK) for value in table.column("shareholder").to_pylist())
    assert table.schema == stored_schema(item(SHAREHOLDERS))


def test_an_erased_enterprise_shows_a_mark_and_everything_else_goes_on(fresh_node: Path) -> None:
    live()
    before = own()
    erase_subject(f"enterprise:{FIRM}", actor="t", reason="注销五年", now=NOW + DAY)
    after = own()
    assert before["registration.basic"]["rows"][0]["legal_person"] == PERSONAL["legal person"]
    assert after["registration.basic"]["rows"][0] == {
        **before["registration.basic"]["rows"][0], "legal_person": ERASED,
    }  # fmt: skip
    assert {r["shareholder"] for r in after[SHAREHOLDERS]["rows"]} == {ERASED}
    assert counted() == 2
    compact(item(SHAREHOLDERS), older_than=timedelta(0), actor="t", now=NOW + 2 * DAY)
    deliver("registration.basic", [registration(1, legal_person="新人")], now=NOW + 2 * DAY)
    assert own(now=NOW + 3 * DAY)["registration.basic"]["rows"][0]["legal_person"] == "新人"
    sequence(now=NOW)
    assert verify_folder(node.evidence_dir(), log_key().vkey).ok


def test_an_erased_person_keeps_a_number_and_nothing_else(fresh_node: Path) -> None:
    person = live()
    [given] = consent_queries.list_authorisations(enterprise=FIRM)
    erase_person(person, reason="请求删除", actor="t", now=NOW + DAY)
    held = consent_queries.authorisation_as_json(given.id)["document"]
    assert (held["address"], held["power"]["identity_sha256"], held["signatory"]) == (ERASED, ERASED, person)
    assert [m.person_name for m in list_members(enterprise=FIRM, now=NOW)] == []
    assert authenticate(username=PERSONAL["username"], password="a-long-password") is None
    assert identity_digest(person) == ERASED
    with pytest.raises(PartyNotFound):
        erase_person(9999, reason="r", actor="t", now=NOW)
    sequence(now=NOW)
    assert verify_folder(node.evidence_dir(), log_key().vkey).ok


def test_an_erased_delivery_keeps_its_counts_and_its_digest(fresh_node: Path) -> None:
    outcome = deliver(SHAREHOLDERS, [shareholder("甲", "60"), shareholder(PERSONAL["returned"], "150")])
    _, data = annotated(outcome.delivery)
    assert PERSONAL["returned"] in data.decode("utf-8-sig")
    assert outcome.groups and PERSONAL["returned"] not in str(outcome.groups)
    erase_subject(f"delivery:{outcome.delivery}", actor="t", reason="保存期满", now=NOW)
    with pytest.raises(DeliveryErased):
        annotated_file(outcome.delivery)
    left = get_outcome(outcome.delivery, now=NOW)
    assert (left.accepted, left.returned, left.groups) == (1, 1, ())
    assert counted() == 1
