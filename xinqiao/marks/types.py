"""A mark and its kinds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xinqiao.evidence.types import Event

MARKED = Event("marks.set", "加注标记", "mark set on a record")
UNMARKED = Event("marks.lifted", "解除标记", "mark lifted from a record")


class MarkKind(StrEnum):
    """What a mark says."""

    OBJECTION = "objection"  # 异议标注: the enterprise disputes the record and it is being checked
    STATEMENT = "statement"  # 企业声明: it could not be decided; the enterprise's own words stand beside it

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {"objection": "异议中", "statement": "企业声明"}[self]


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on one row (``ref``, ``catalogue.schema.row_ref``) or, where that is empty, on an item as a whole.

    ``statement`` is the enterprise's words where the kind is a statement.
    """

    enterprise: str
    item: str
    ref: str
    kind: MarkKind
    dispute: str
    set_at: datetime
    statement: str = ""

    def as_json(self) -> dict[str, str]:
        """The mark as an answer of the gate holds it."""
        said = {"statement": self.statement} if self.statement else {}
        return {"kind": str(self.kind), "dispute": self.dispute, "since": self.set_at.isoformat(), **said}
