"""Looks through every answer of the test corpus for a field that the sharing list in force does not hold.

A middleware of the tests: each answer of the portals and the API passes it, whatever test asked, and one that shows an
item, a field or a value computed from an item that is not listed fails that test. JSON is read by its item blocks and
indicator lines, pages by the marks of their tables (``data-item``, ``data-field``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from django.http import HttpRequest, HttpResponse

from xinqiao.catalogue.types import Catalogue, UnknownItem


@dataclass(slots=True)
class Scanned:
    """What was looked through so far."""

    answers: int = 0
    fields: int = 0


SCANNED = Scanned()


def off_list(content: Any, listed: Catalogue) -> Iterator[str]:
    """Every item and field in a JSON answer that the list does not hold, and values that rest on such an item."""
    if isinstance(content, list):
        for part in content:
            yield from off_list(part, listed)
    elif isinstance(content, dict):
        if "item" in content and "state" in content and "provider" in content:
            yield from _block(content, listed)
        if {"code", "state", "value"} <= content.keys() and content["value"] is not None:
            yield from _rests_on(content["code"], listed)
        for part in content.values():
            yield from off_list(part, listed)


def _block(block: dict[str, Any], listed: Catalogue) -> Iterator[str]:
    try:
        known = {column for field in listed.item(block["item"]).fields for column in field.columns}
    except UnknownItem:
        yield block["item"]
        return
    for row in block.get("rows", ()):
        SCANNED.fields += len(row)
        yield from (f"{block['item']}.{column}" for column in row if column not in known)


def _rests_on(code: str, listed: Catalogue) -> Iterator[str]:
    from xinqiao.evaluation.compute import facts_by_code

    facts, known = facts_by_code().get(code), {item.code for item in listed}
    SCANNED.fields += 1
    yield from (f"{code} of {item}" for item in (facts.items if facts else ()) if item not in known)


class _Tables(HTMLParser):
    """The items and fields that a page's tables are marked with."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._item = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._item = values.get("data-item") or self._item
        if "data-field" in values:
            self.found.append((self._item, values["data-field"] or ""))


def off_list_of_page(page: str, listed: Catalogue) -> Iterator[str]:
    """The same of a page."""
    tables = _Tables()
    tables.feed(page)
    known = {(item.code, field.code) for item in listed for field in item.fields}
    SCANNED.fields += len(tables.found)
    yield from (f"{item}.{field}" for item, field in tables.found if (item, field) not in known)


class ListScanner:
    """Fails the request whose answer shows what is not on the list."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from xinqiao.sharing.queries import current_list

        answer = self.get_response(request)
        kind = answer.headers.get("Content-Type", "")
        if answer.streaming or not kind.startswith(("application/json", "text/html")) or b"item" not in answer.content:
            return answer
        SCANNED.answers += 1
        listed = current_list()
        if kind.startswith("text/html"):
            found = list(off_list_of_page(answer.content.decode(), listed))
        else:
            found = list(off_list(json.loads(answer.content), listed))
        assert not found, f"{request.method} {request.path} shows what is not on the list: {found[:5]}"
        return answer
