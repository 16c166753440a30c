"""The firm model as read from content, and what a generated sample consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.kernel.divisions import DivisionTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]
Range = tuple[float, float]

NEVER = np.datetime64("9999-12-31", "D")


@dataclass(frozen=True, slots=True)
class Archetype:
    """A kind of history: how a firm grows, pays, and whether and when it gets into distress."""

    code: str
    name: str
    name_en: str
    weight: float
    age_years: float
    growth: Range
    season: Range
    noise: float
    persons: float
    paid_in: Range
    pays: float
    pays_distressed: float
    distress_months_ago: Range | None = None
    default_after_months: Range | None = None
    fall: Range = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Industry:
    """A trade: GB/T 4754 class, word in names, and its monthly sales (yuan) and electricity (kWh) a person."""

    code: str
    word: str
    scope: str
    weight: float
    sales: float
    kwh: float
    peak: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A legal form: entity class of the code, how the type is written, how names end."""

    class_: str
    entity_type: str
    suffix: str
    weight: float


@dataclass(frozen=True, slots=True)
class Place:
    """A division or development zone where firms are, with its share of all firms."""

    division: str
    city: str
    city_full: str
    district: str
    weight: float


@dataclass(frozen=True, slots=True)
class DemoFirm:
    """A firm that is in every sample, the same for every seed, so that demonstration accounts can name it."""

    uscc: str
    name: str
    archetype: str
    division: str
    industry: str
    registered_on: date
    persons: int


@dataclass(frozen=True, slots=True)
class FirmModel:
    """Everything ``sample.toml`` says."""

    months: int
    province: str
    founded_before_months: int
    classes: Mapping[str, float]
    archetypes: tuple[Archetype, ...]
    industries: tuple[Industry, ...]
    forms: tuple[Form, ...]
    places: tuple[Place, ...]
    capital_amounts: tuple[int, ...]
    capital_spellings: Mapping[str, float]
    words: Mapping[str, tuple[str, ...]]
    demo_firms: tuple[DemoFirm, ...]
    divisions: DivisionTable


@dataclass(frozen=True, slots=True)
class File:
    """One delivered file: path inside the sample, item, rows without heading, SHA-256 of its bytes."""

    path: str
    item: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a sample holds; written as ``manifest.json``."""

    firms: int
    seed: int
    until: date
    dirt: float
    files: tuple[File, ...]
    demo_firms: tuple[DemoFirm, ...]

    def rows(self, item: str) -> int:
        """Rows delivered of an item, over all its files."""
        return sum(f.rows for f in self.files if f.item == item)

    def as_json(self) -> dict[str, Any]:
        """The manifest as JSON values, dates in ISO 8601."""
        value = asdict(self) | {"until": self.until.isoformat()}
        demos = [{"uscc": d.uscc, "name": d.name, "archetype": d.archetype} for d in self.demo_firms]
        return value | {"demo_firms": demos}
