"""Texts of the engine and of content in the reader's language.

Engine texts go through gettext; texts of content files (rules, clauses, repairs) have their English in the
content's own ``words/en.toml``, because a province writes both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language, gettext

from xinqiao.admission.content import bar
from xinqiao.catalogue.types import Catalogue
from xinqiao.evaluation.types import Words
from xinqiao.indicators.registry import load_cross_rules, load_indicators
from xinqiao.kernel.errors import Phrase, XinqiaoError, fill
from xinqiao.plumbing.settings import content_dir
from xinqiao.settlement.content import load_settlement
from xinqiao.sharing.queries import current_list


def is_english() -> bool:
    """Whether the reader chose English."""
    return (get_language() or "").startswith("en")


def content_words() -> dict[str, str]:
    """Chinese text of content → its English: names from their declarations, the rest from ``words/en.toml``."""
    return _words(current_list())


@lru_cache(maxsize=4)
def _words(catalogue: Catalogue) -> dict[str, str]:
    named: list[Any] = [
        *(one.indicator.facts for one in load_indicators().values()),
        *catalogue.departments,
        *catalogue.items,
        *(field for item in catalogue for field in item.fields),
    ]
    for rule in load_cross_rules().values():
        named += [rule.facts, *(measure.facts for measure in rule.inputs)]
    asked = [text for q in bar().questions for text in (q.text, q.fix)]
    path = content_dir() / "words" / "en.toml"
    written = tomllib.loads(path.read_text("utf-8"))["words"]
    return {
        **{thing.name: thing.name_en for thing in named},
        **{text.zh: text.en for text in (*asked, bar().host_name, *_settling())},
        **{row["zh"]: row["en"] for row in written},
    }


def _settling() -> Iterator[Words]:
    """Names of bodies, and what to do where a check before a filing fails."""
    rules = load_settlement(content_dir() / "settlement.toml")
    yield from (one.next_step for one in rules.checks.values())
    yield from (Words(one.name, one.name_en) for one in rules.bodies)


def translate(text: str) -> str:
    """A Chinese text in the language of the request; unchanged when there is no other."""
    if isinstance(text, Phrase):
        return sentence(text.pattern, text.data)
    if not text:
        return ""
    found = gettext(text)
    if found == text and is_english():
        return content_words().get(text, text)
    return found


def sentence(pattern: str, data: Mapping[str, Any]) -> str:
    """A pattern in the reader's language, filled with its data in the same language."""
    return fill(translate(pattern), {k: _said(v) for k, v in data.items()}, comma=", " if is_english() else "、")


def _said(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(translate, value))
    return translate(value) if isinstance(value, str) else value


def message_of(error: XinqiaoError) -> str:
    """An error's title in the reader's language, with its data filled in."""
    return sentence(error.title, error.data)
