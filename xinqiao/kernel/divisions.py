"""Administrative divisions (行政区划) with their history, development zones and reporting units.

Codes seen in positions 3-8 of a USCC need not be divisions of GB/T 2260: development zones issue under codes
of their own, and dissolved counties live on in old codes. All of them are data (``divisions.toml``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Division:
    """One code: its names with the first month of each, its city, its end and successor if it has ended."""

    code: str
    names: tuple[tuple[date, str], ...]
    city: str
    reporting_unit: str
    until: date | None = None
    successor: str = ""
    zone: bool = False
    draft: bool = False


@dataclass(frozen=True, slots=True)
class DivisionTable:
    """All division codes of a province."""

    rows: Mapping[str, Division]
    units: Mapping[str, str]

    @classmethod
    def load(cls, path: Path) -> DivisionTable:
        """From a content file; see ``shaanxi/divisions.toml``."""
        return _load(path)

    def is_known(self, code: str) -> bool:
        """Whether the code is or was a division or zone of the table."""
        return code in self.rows

    def is_zone(self, code: str) -> bool:
        """Whether it is a development zone's code, outside GB/T 2260."""
        return code in self.rows and self.rows[code].zone

    def name(self, code: str, on: date | None = None) -> str:
        """Its name on a day (the latest by default); the code itself when unknown."""
        row = self.rows.get(code)
        if row is None:
            return code
        names = [name for since, name in row.names if on is None or since <= on]
        return names[-1] if names else row.names[0][1]

    def current(self, code: str) -> str:
        """The code in force today: the last successor, or the code itself."""
        seen = set()
        while code in self.rows and self.rows[code].successor and code not in seen:
            seen.add(code)
            code = self.rows[code].successor
        return code

    def in_force(self, code: str, on: date) -> bool:
        """Whether the code was a division on that day."""
        row = self.rows.get(code)
        return row is not None and row.names[0][0] <= on and (row.until is None or on < row.until)

    def city(self, code: str) -> str:
        """The 6-digit code of its city, or an empty string when unknown."""
        row = self.rows.get(self.current(code))
        return row.city if row else ""

    def reporting_unit(self, code: str) -> str:
        """The code of the provincial reporting unit (10 cities, 韩城, 杨凌, 西咸新区), or an empty string."""
        row = self.rows.get(self.current(code))
        return row.reporting_unit if row else ""

    def counties(self) -> tuple[Division, ...]:
        """County-level units in force, zones left out, by code."""
        rows = self.rows.values()
        return tuple(r for r in rows if r.until is None and not r.zone and not r.code.endswith("00"))


@cache
def _load(path: Path) -> DivisionTable:
    raw = tomllib.loads(path.read_text("utf-8"))
    rows = {code: _division(code, spec, raw["split_units"]) for code, spec in raw["divisions"].items()}
    return DivisionTable(rows, raw["reporting_units"])


def _division(code: str, spec: Mapping[str, object], split: Mapping[str, str]) -> Division:
    city = str(spec.get("city", f"{code[:4]}00"))
    names = spec["names"]
    assert isinstance(names, dict)
    until = spec.get("until")
    assert until is None or isinstance(until, date)
    return Division(
        code=code,
        names=tuple(sorted((date.fromisoformat(f"{month}-01"), name) for month, name in names.items())),
        city=city,
        reporting_unit=split.get(code, city),
        until=until,
        successor=str(spec.get("successor", "")),
        zone=bool(spec.get("zone", False)),
        draft=bool(spec.get("draft", False)),
    )
