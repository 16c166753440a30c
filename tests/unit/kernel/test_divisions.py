"""Divisions with their history, zones and reporting units."""

from __future__ import annotations

import csv
from datetime import date

import pytest

from tests.shared_data import shared_data
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.plumbing.settings import content_dir

TABLE = DivisionTable.load(content_dir() / "divisions.toml")


def test_107_counties_and_13_reporting_units() -> None:
    assert (len(TABLE.counties()), len(TABLE.units)) == (107, 13)


@pytest.mark.parametrize(
    ("code", "now"),
    [
        ("610125", "610118"),
        ("610322", "610305"),
        ("610427", "610482"),
        ("612233", "610118"),
        ("612721", "610802"),
    ],
)
def test_an_ended_code_leads_to_its_successor(code: str, now: str) -> None:
    assert TABLE.current(code) == now
    assert not TABLE.in_force(code, date(2026, 1, 1))


def test_a_name_has_its_time() -> None:
    assert TABLE.name("610202", date(1990, 1, 1)) == "城区"
    assert TABLE.name("610202") == "王益区"


def test_reporting_units_need_not_be_cities() -> None:
    units = [TABLE.reporting_unit(c) for c in ("610581", "610403", "611105", "610131", "610102")]
    assert units == ["610581", "610403", "611100", "610100", "610100"]


def test_unknown_codes_are_named_by_themselves() -> None:
    assert (TABLE.name("371081"), TABLE.city("371081"), TABLE.is_known("371081")) == ("371081", "", False)


def test_every_code_seen_in_real_uscc_of_the_province_is_known() -> None:
    text = shared_data("reference", "shaanxi_uscc_region_codes.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    seen = {row["uscc_region"]: row for row in rows if row["uscc_region"].startswith("61")}
    unknown = [code for code in seen if not TABLE.is_known(code)]
    assert unknown == []
    assert sum(TABLE.is_zone(code) for code in seen) == 22
