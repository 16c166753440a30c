"""How an answer differs from what it should have said: line by line, rows by their content. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.kernel.canonical import canonical_bytes

Part = Mapping[str, Any]
PLAIN = ("score", "grade", "coverage", "vetoes")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an answer said otherwise than it should: where, what it said and what is right (None: nothing)."""

    where: str
    said: object
    right: object

    def as_json(self) -> dict[str, object]:
        """The change as a notice holds it."""
        return {"where": self.where, "said": self.said, "right": self.right}


def differences(said: Part, right: Part) -> list[Change]:
    """Every difference of two answers of one request; empty where the recipient was told nothing wrong."""
    found = [*_items(said["items"], right["items"]), *_evaluation(said.get("evaluation"), right.get("evaluation"))]
    found += _lines("scenarios", said.get("scenarios") or (), right.get("scenarios") or (), by="scenario")
    if not found and canonical_bytes(dict(said)) != canonical_bytes(dict(right)):
        found.append(Change("document", None, None))
    return found


def _items(said: Sequence[Part], right: Sequence[Part]) -> Iterator[Change]:
    pairs = {block["item"]: block for block in right}
    for block in said:
        other, where = pairs[block["item"]], f"items/{block['item']}"
        for name in sorted({*block, *other} - {"rows", "refs", "figures", "item"}):
            if block.get(name) != other.get(name):
                yield Change(f"{where}/{name}", block.get(name), other.get(name))
        yield from _rows(f"{where}/rows", block.get("rows") or (), other.get("rows") or ())
        yield from _lines(f"{where}/figures", block.get("figures") or (), other.get("figures") or (), by="code")


def _rows(where: str, said: Sequence[Part], right: Sequence[Part]) -> Iterator[Change]:
    """Rows that should not have stood there and rows that should have, paired in their order."""
    kept, wanted = [canonical_bytes(dict(r)) for r in said], [canonical_bytes(dict(r)) for r in right]
    away = [row for row, text in zip(said, kept, strict=True) if text not in wanted]
    come = [row for row, text in zip(right, wanted, strict=True) if text not in kept]
    for place in range(max(len(away), len(come))):
        yield Change(
            where, dict(away[place]) if place < len(away) else None, dict(come[place]) if place < len(come) else None
        )


def _evaluation(said: Part | None, right: Part | None) -> Iterator[Change]:
    if said is None or right is None:
        if said is not right:
            yield Change("evaluation", said, right)
        return
    for name in PLAIN:
        if said.get(name) != right.get(name):
            yield Change(f"evaluation/{name}", said.get(name), right.get(name))
    yield from _lines("evaluation/indicators", said["indicators"], right["indicators"], by="code")


def _lines(where: str, said: Sequence[Part], right: Sequence[Part], *, by: str) -> Iterator[Change]:
    """Lines that carry a name, paired by it."""
    before, after = ({str(line.get(by)): line for line in lines} for lines in (said, right))
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield Change(f"{where}/{name}", before.get(name), after.get(name))
