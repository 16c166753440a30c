"""Texts of the engine and of content in the reader's language.

Engine texts go through gettext; texts of content files (rules, clauses, repairs) have their English in the
content's own ``words/en.toml``, because a province writes both.
"""

from __future__ import annotations

import tomllib
from functools import cache

from django.utils.translation import get_language, gettext

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing.settings import content_dir


@cache
def content_words() -> dict[str, str]:
    """Chinese text of content → its English."""
    path = content_dir() / "words" / "en.toml"
    return {row["zh"]: row["en"] for row in tomllib.loads(path.read_text("utf-8"))["words"]}


def translate(text: str) -> str:
    """A Chinese text in the language of the request; unchanged when there is no other."""
    if not text:
        return ""
    found = gettext(text)
    if found == text and (get_language() or "").startswith("en"):
        return content_words().get(text, text)
    return found


def message_of(error: XinqiaoError) -> str:
    """An error's title in the reader's language, with its data filled in."""
    return translate(error.title).format_map(
        {**error.data, **{k: translate(v) for k, v in error.data.items() if isinstance(v, str)}}
    )
