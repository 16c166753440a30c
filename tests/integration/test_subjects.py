"""The register of subjects as it is made of deliveries, kept fresh, and asked from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.factories import DAY, NOW, deliver, item, registered, registration, uscc
from xinqiao.config.cli import app
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.actions import retract_rows
from xinqiao.records.actions import compact
from xinqiao.subjects.build import EDITIONS, rebuild, rebuild_if_stale
from xinqiao.subjects.models import SubjectRegister
from xinqiao.subjects.queries import get_subject, register_facts
from xinqiao.subjects.types import IdentifierKind, NoSubjects, UnknownSubject

IDENTITY = "registration.identity"
OLD_NAME = "示例旧名有限公司"


@pytest.fixture
def linked(fresh_node: Path) -> Path:
    """Three firms: one renamed and recoded, one with a branch, one that was an individual business."""
    deliver("registration.basic", [registration(n, status="存续", division="610113") for n in (1, 2, 3)])
    deliver(
        IDENTITY,
        [
            {
                "uscc": uscc(1),
                "former_names": "示例旧名有限公司",
                "former_codes": uscc(101),
                "former_division": "610103",
            },
            {"uscc": uscc(2), "registration_no": "619900001234564"},
            {"uscc": uscc(3), "converted_from": uscc(103)},
        ],
    )
    branch = {"uscc": uscc(2), "branch_uscc": uscc(21), "branch_name": "示例企业2雁塔分公司", "branch_status": "注销"}
    deliver("registration.branches", [branch])
    rebuild(actor="t", now=NOW + DAY)
    return fresh_node


def test_a_subject_shows_all_it_is_and_was(linked: Path) -> None:
    found, kind = get_subject(uscc(101))
    assert (found.code, kind, found.former_names, found.former_codes, found.former_division) == (
        uscc(1), IdentifierKind.FORMER_CODE, (OLD_NAME,), (uscc(101),), "610103",
    )  # fmt: skip
    parent, kind = get_subject("619900001234564")
    assert (parent.code, kind, [b.code for b in parent.branches]) == (
        uscc(2), IdentifierKind.REGISTRATION_NO, [uscc(21)],
    )  # fmt: skip
    branch, _ = get_subject(uscc(21))
    assert (branch.status, branch.parent and branch.parent.name) == ("注销", "示例企业2")
    assert get_subject(uscc(3))[0].converted_from.code == uscc(103)  # type: ignore[union-attr]


def test_who_is_not_known_is_not_found(linked: Path) -> None:
    for text in (uscc(999), "", "x" * 60):
        with pytest.raises(UnknownSubject):
            get_subject(text)


def test_without_a_register_it_is_said_what_to_do(fresh_node: Path) -> None:
    assert register_facts() is None
    with pytest.raises(NoSubjects):
        get_subject(uscc(1))


def test_the_register_is_made_anew_only_when_the_registry_delivered_and_old_files_go(linked: Path) -> None:
    assert rebuild_if_stale(actor="t", now=NOW + DAY) is None
    first = SubjectRegister.objects.get().folder
    for number in (4, 5):
        registered(number, now=NOW + number * DAY)
        assert rebuild_if_stale(actor="t", now=NOW + number * DAY).subjects == number + 1  # type: ignore[union-attr]
    assert SubjectRegister.objects.count() == 2 and not EDITIONS.folder(first).exists()
    assert [e.body["subjects"] for e in list_entries(event="subjects.built")] == [6, 5, 4]


def test_the_newest_row_counts_before_and_after_a_compaction_and_a_retracted_one_not(linked: Path) -> None:
    deliver("registration.basic", [registration(1, name="示例新名有限公司")], now=NOW + 2 * DAY)
    keys = [{"uscc": uscc(2)}]
    by = {"reason": "误登", "provider": "market_regulation", "actor": "t"}
    retract_rows(item("registration.basic"), keys, now=NOW + 3 * DAY, **by)  # type: ignore[arg-type]
    for compacted in (False, True):
        if compacted:
            assert compact(item("registration.basic"), older_than=DAY, actor="t", now=NOW + 9 * DAY)
        rebuild(actor="t", now=NOW + 9 * DAY)
        assert get_subject(uscc(1))[0].name == "示例新名有限公司"
        with pytest.raises(UnknownSubject):
            get_subject(uscc(2))


def test_the_command_shows_the_links(linked: Path) -> None:
    answer = CliRunner().invoke(app, ["subject", uscc(21), "--json"])
    assert json.loads(answer.stdout)["parent"]["code"] == uscc(2)
    shown = CliRunner().invoke(app, ["subject", uscc(101), "--rebuild"])
    assert shown.exit_code == 0 and OLD_NAME in shown.stdout and "曾用代码" in shown.stdout
    assert CliRunner().invoke(app, ["subject"]).exit_code == 2
    assert CliRunner().invoke(app, ["subject", uscc(999)]).exit_code == 1
