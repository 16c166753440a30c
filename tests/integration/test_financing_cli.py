"""Products and loans from the command line, and the products of the demonstration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.factories import NOW, registered
from tests.market import drawn
from xinqiao.admission.actions import found
from xinqiao.config.cli import app
from xinqiao.config.demo import BANKS
from xinqiao.config.demo_market import ensure_products
from xinqiao.matching.queries import list_products
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind

PRODUCT = """
name = "流水贷"
amount_from_fen = 1_000_000
amount_to_fen = 100_000_000
months_from = 1
months_to = 24
rate_from_bp = 400
rate_to_bp = 500
guarantees = ["credit"]
decision_workdays = 5
offered_from = "2026-01-01"
conditions = [{ basis = "indicator", indicator = "identity.age_months", at_least = 12 }]
"""


def run(*arguments: str) -> Result:
    """A command of the product."""
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def banks(fresh_node: Path) -> None:
    """The institutions of the demonstration."""
    registered(1)
    for code, name in BANKS:
        register_organisation(code, kind=OrganisationKind.INSTITUTION, name=name, actor="t", now=NOW)
        found(code, reason="t", actor="t", now=NOW)


@pytest.mark.usefixtures("banks")
def test_a_product_is_published_listed_and_withdrawn(tmp_path: Path) -> None:
    """A faulty file ends with status one and names the faults."""
    file = tmp_path / "product.toml"
    file.write_text(PRODUCT.replace("months_to = 24", "months_to = 0"), "utf-8")
    assert run("product", "publish", str(file), "--institution", "bank-demo").exit_code == 1
    file.write_text(PRODUCT, "utf-8")
    assert run("product", "publish", str(file), "--institution", "bank-demo").exit_code == 0
    [made] = json.loads(run("product", "list", "--json").stdout)
    assert (made["name"], made["institution"], made["version"]) == ("流水贷", "bank-demo", 1)
    assert run("product", "withdraw", made["code"], "--institution", "bank-second").exit_code == 1
    assert run("product", "withdraw", made["code"], "--institution", "bank-demo").exit_code == 0
    assert list_products() == []


@pytest.mark.usefixtures("banks")
def test_loans_from_a_file_and_what_is_to_reconcile(tmp_path: Path) -> None:
    """A row without fault is taken, the other is named; the status says that something is left to do."""
    rows = [drawn(rate_bp="4.2"), drawn(rate_bp="4.2", receipt_no="JJ2026002", overdue_days=99), drawn(guarantee="?")]
    heads = list(rows[0])
    text = "\n".join(",".join(map(str, line)) for line in [heads, *([row[h] for h in heads] for row in rows)])
    (tmp_path / "loans.csv").write_text(text, "utf-8")
    said = run("loans", "report", str(tmp_path / "loans.csv"), "--institution", "bank-demo")
    assert said.exit_code == 1 and "新增 2 笔" in said.stdout and "第 3 行 guarantee" in said.stdout
    kinds = {g["kind"] for g in json.loads(run("loans", "reconcile", "--institution", "bank-demo", "--json").stdout)}
    assert "class_too_good" in kinds
    assert run("loans", "overdue").exit_code == 0


@pytest.mark.usefixtures("banks")
def test_the_demonstration_has_products_once() -> None:
    """Every sample product is one that can be published; a second start publishes none."""
    assert ensure_products(now=NOW) == 7
    assert ensure_products(now=NOW) == 0
    assert {p.institution for p in list_products(on=NOW.date())} == {"bank-demo", "bank-second"}
