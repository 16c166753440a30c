"""The routes of the site, the API's operations apart: those are in its own description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver


def list_routes() -> Iterator[tuple[str, URLPattern]]:
    """Address pattern and route of every page, file and act."""
    return _below(get_resolver().url_patterns, "/")


def _below(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
    for found in patterns:
        if isinstance(found, URLPattern):
            yield before + str(found.pattern), found
        elif getattr(found, "namespace", None) is None:
            yield from _below(found.url_patterns, before + str(found.pattern))
