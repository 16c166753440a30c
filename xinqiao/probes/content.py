"""Reads ``probes.toml``: which probes are asked of whom, with which thresholds, how often."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.admission.types import Wording
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing.settings import content_dir
from xinqiao.probes.kinds import load_kinds
from xinqiao.probes.refusals import InvalidKit, UnknownProbe
from xinqiao.probes.types import Kit, Probe

BOUNDS = ("every_hours", "again_minutes", "probe_seconds", "round_seconds", "unreached_rounds")


def kit() -> Kit:
    """The content package's kit; raises InvalidKit with every fault."""
    return load_kit(content_dir() / "probes.toml")


@cache
def load_kit(path: Path) -> Kit:
    """The kit of a file; raises InvalidKit with every fault."""
    raw = tomllib.loads(path.read_text("utf-8"))
    problems = [Problem(field=path.name, code="probes.kit", message=text) for text in _faults(raw)]
    if problems:
        raise InvalidKit(problems)
    return Kit(probes=tuple(map(_probe, raw["probes"])), **{name: raw[name] for name in BOUNDS})


def chosen(found: Kit, names: Iterable[str]) -> tuple[Probe, ...]:
    """The probes of those names in the kit's order, all when none is named; raises UnknownProbe."""
    wanted, known = list(names), {probe.id for probe in found.probes}
    for name in wanted:
        if name not in known:
            raise UnknownProbe(probe=name, known=tuple(sorted(known)))
    return tuple(probe for probe in found.probes if not wanted or probe.id in wanted)


def _probe(raw: Mapping[str, Any]) -> Probe:
    words = {name: Wording(raw[name]["zh"], raw[name]["en"]) for name in ("title", "expects", "clause", "fix")}
    return Probe(id=raw["id"], required=raw["required"], after=raw["after"], want=dict(raw.get("want", {})), **words)


def _faults(raw: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}：应为正整数" for name in BOUNDS if not _positive(raw.get(name)))
    kinds, rows = load_kinds(), raw.get("probes", [])
    ids = [row.get("id", "") for row in rows]
    yield from (f"{name}：重复" for name in sorted({n for n in ids if ids.count(n) > 1}))
    for row in rows:
        name, want = row.get("id", ""), row.get("want", {})
        if name not in kinds:
            yield f"{name}：没有这种探测"
            continue
        yield from (
            f"{name}：缺少 {word}" for word in ("title", "expects", "clause", "fix") if not _worded(row.get(word))
        )
        yield from (
            f"{name}：{flag} 应为 true 或 false" for flag in ("required", "after") if type(row.get(flag)) is not bool
        )
        yield from (f"{name}：不认识门槛 {key}" for key in sorted(set(want) - set(kinds[name].wants)))
        yield from (f"{name}：门槛 {key} 应为正整数" for key in kinds[name].wants if not _positive(want.get(key)))
        if kinds[name].by_hand and (row.get("required") or row.get("after")):
            yield f"{name}：由人核对的探测不能设为 required 或 after"


def _positive(value: object) -> bool:
    return type(value) is int and 0 < value <= 100_000


def _worded(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(value.get(k), str) and value[k] for k in ("zh", "en"))
