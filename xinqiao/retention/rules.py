"""When a term ends. Pure; never reads the clock."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from xinqiao.kernel.dated import add_months
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.retention.types import Deletion, InvalidRetention, Kept, RetentionRules


def is_over(ended: date | None, rules: RetentionRules, *, today: date) -> bool:
    """Whether the term has run since the conduct ended, its last day included; what has not ended has no term yet."""
    return ended is not None and today > add_months(ended, 12 * rules.years)


@cache
def load_retention(path: Path) -> RetentionRules:
    """The content's rules; raises InvalidRetention with everything that is wrong."""
    raw = tomllib.loads(path.read_text("utf-8"))
    problems = []
    if not isinstance(raw.get("years"), int) or raw["years"] < 1:
        problems.append(Problem(field="years", code="retention.years", message=Phrase("应为正整数")))
    if not raw.get("persons"):
        problems.append(Problem(field="persons", code="retention.persons", message=Phrase("应写明代码前缀")))
    problems += [
        Problem(field=f"delete.{code}", code="retention.ended", message=Phrase("应写明终止日期字段"))
        for code, one in raw.get("delete", {}).items()
        if not one.get("ended")
    ]
    if problems:
        raise InvalidRetention(problems)
    deletions = {code: Deletion(code, one["ended"]) for code, one in raw["delete"].items()}
    kept = tuple(Kept(**one) for one in raw["keep"])
    return RetentionRules(raw["draft"], raw["basis"], raw["years"], raw["persons"], deletions, kept)
